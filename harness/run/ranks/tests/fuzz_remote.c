/* Any bytes over the connection between a leader and a rank, in either direction: whole orders and answers, or an end. Nothing is written
 * outside of a box, and what texts there are end in it. The source is included: it is static there. */
#include "harness/run/ranks/remote.c"

#include "harness/base/tests/fuzz.h"

static struct assay_order_box box;
static struct duty            duty;

/* The other side has written all it had, and is gone. */
static int connection_with(const uint8_t *data, size_t bytes)
{
    int end[2];
    FUZZ_HOLDS(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, end));
    (void)!write(end[1], data, bytes);
    (void)close(end[1]);
    return end[0];
}

static void as_leader(const uint8_t *data, size_t bytes)
{
    struct assay_remote r = {.n = 1, .listener = -1};
    char                why[ASSAY_LINK_WHY];
    uint32_t            rank = 9;
    box.error = (struct assay_error){.code = ASSAY_OK};
    r.seat[0] = (struct seat){.fd = connection_with(data, bytes), .owes = true, .box = &box};
    for (int looks = 0; looks < 8 && !r.is_lost && !is_done(&r, 0); looks++)
        ;
    FUZZ_HOLDS(!r.seat[0].owes || r.is_lost || bytes > sizeof r.seat[0].head);
    FUZZ_HOLDS(strnlen(box.error.message, sizeof box.error.message) < sizeof box.error.message && box.error.nframes <= ASSAY_ERROR_FRAMES);
    if (lost(&r, &rank, why))
        FUZZ_HOLDS(rank == 0 && strnlen(why, sizeof why) < sizeof why);
    (void)close(r.seat[0].fd);
}

static void as_rank(const uint8_t *data, size_t bytes)
{
    bool ended = false;
    duty.fd = connection_with(data, bytes);
    while (next(&duty, ASSAY_NS_PER_S, &ended))
        ;
    FUZZ_HOLDS(ended); /* bytes end, and so does it */
    (void)close(duty.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    as_leader(data, bytes);
    as_rank(data, bytes);
    return 0;
}
