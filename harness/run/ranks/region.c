#include "harness/run/ranks/region.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MAGIC 0x617373617972616eull /* both sides are the same program, but a path may be anybody's */

enum { NOBODY, SAYING, SAID };

struct head {
    uint64_t         magic;
    uint32_t         n;
    _Atomic uint32_t lost; /* NOBODY, SAYING, SAID */
    uint32_t         lost_rank;
    char             why[ASSAY_LINK_WHY];
    _Atomic uint32_t waits_for[ASSAY_REGION_RANKS]; /* one higher, so that the zeroes of new memory are nobody */
    struct assay_bell bell[ASSAY_REGION_RANKS + 1];
};

struct assay_region {
    int          fd;
    size_t       bytes;
    struct head *head;
};

static size_t order_at(uint32_t rank)
{
    return (sizeof(struct head) + 4095) / 4096 * 4096 + rank * sizeof(struct assay_region_box);
}

static size_t ring_at(uint32_t n, uint32_t from, uint32_t to, enum assay_link_stream stream)
{
    return order_at(n) + (((size_t)from * n + to) * ASSAY_LINK_STREAMS + stream) * sizeof(struct assay_ring);
}

static size_t bytes_of(uint32_t n)
{
    return ring_at(n, n, 0, (enum assay_link_stream)0);
}

static enum assay_code map(int fd, size_t bytes, struct assay_region **out, struct assay_error *err)
{
    struct assay_region *r = calloc(1, sizeof *r);
    void                *at = r ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED) {
        free(r);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to share between ranks (%zu bytes)", bytes);
    }
    *r = (struct assay_region){fd, bytes, at};
    *out = r;
    return ASSAY_OK;
}

enum assay_code assay_region_make(uint32_t n, struct assay_region **out, char path[64], struct assay_error *err)
{
    if (n < 1 || n > ASSAY_REGION_RANKS)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%u ranks; one machine runs 1 to %u", n, ASSAY_REGION_RANKS);
    size_t bytes = bytes_of(n);
    int    fd = memfd_create("assay-ranks", MFD_CLOEXEC); /* zeroed; what is not touched takes no memory */
    if (fd < 0 || ftruncate(fd, (off_t)bytes)) {
        (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot make memory that ranks share");
        if (fd >= 0)
            (void)close(fd);
        return err->code;
    }
    if (map(fd, bytes, out, err)) {
        (void)close(fd);
        return err->code;
    }
    (*out)->head->magic = MAGIC;
    (*out)->head->n = n;
    (void)snprintf(path, 64, "/proc/%ld/fd/%d", (long)getpid(), fd);
    return ASSAY_OK;
}

enum assay_code assay_region_open(const char *path, struct assay_region **out, struct assay_error *err)
{
    struct stat st;
    int         fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open the ranks' memory '%.60s'", path);
        if (fd >= 0)
            (void)close(fd);
        return err->code;
    }
    if ((size_t)st.st_size < sizeof(struct head) || map(fd, (size_t)st.st_size, out, err)) {
        (void)close(fd);
        return err->code ? err->code : ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%.60s' is no memory of ranks", path);
    }
    const struct head *head = (*out)->head;
    if (head->magic == MAGIC && head->n >= 1 && head->n <= ASSAY_REGION_RANKS && (*out)->bytes == bytes_of(head->n))
        return ASSAY_OK;
    assay_region_close(*out);
    *out = NULL;
    return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%.60s' is no memory of ranks", path);
}

void assay_region_close(struct assay_region *r)
{
    if (!r)
        return;
    (void)munmap(r->head, r->bytes);
    (void)close(r->fd);
    free(r);
}

uint32_t assay_region_ranks(const struct assay_region *r)
{
    return r->head->n;
}

struct assay_ring *assay_region_ring(struct assay_region *r, uint32_t from, uint32_t to, enum assay_link_stream stream)
{
    return (struct assay_ring *)(void *)((char *)r->head + ring_at(r->head->n, from, to, stream));
}

struct assay_region_box *assay_region_orders(struct assay_region *r, uint32_t rank)
{
    return (struct assay_region_box *)(void *)((char *)r->head + order_at(rank));
}

struct assay_bell *assay_region_bell(struct assay_region *r, uint32_t whose)
{
    return &r->head->bell[whose];
}

/* ---- bells ------------------------------------------------------------------------------------------------------- */

void assay_bell_ring(struct assay_bell *bell)
{
    (void)atomic_fetch_add(&bell->rung, 1);
    (void)syscall(SYS_futex, &bell->rung, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

uint32_t assay_bell_now(struct assay_bell *bell)
{
    return atomic_load(&bell->rung);
}

void assay_bell_wait(struct assay_bell *bell, uint32_t seen, uint64_t most_ns)
{
    struct timespec most = {(time_t)(most_ns / ASSAY_NS_PER_S), (long)(most_ns % ASSAY_NS_PER_S)};
    (void)syscall(SYS_futex, &bell->rung, FUTEX_WAIT, seen, &most, NULL, 0); /* returns for any reason: the caller looks again */
}

/* ---- a rank that is lost --------------------------------------------------------------------------------------- */

void assay_region_lose(struct assay_region *r, uint32_t rank, const char *why)
{
    uint32_t nobody = NOBODY;
    if (!atomic_compare_exchange_strong(&r->head->lost, &nobody, SAYING))
        return;
    r->head->lost_rank = rank;
    (void)assay_string_copy(r->head->why, sizeof r->head->why, why);
    atomic_store(&r->head->lost, SAID);
    for (uint32_t i = 0; i <= r->head->n; i++)
        assay_bell_ring(&r->head->bell[i]);
}

bool assay_region_lost(struct assay_region *r, uint32_t *rank, char why[ASSAY_LINK_WHY])
{
    if (atomic_load(&r->head->lost) != SAID)
        return false;
    *rank = r->head->lost_rank;
    memcpy(why, r->head->why, ASSAY_LINK_WHY);
    why[ASSAY_LINK_WHY - 1] = 0;
    return true;
}

void assay_region_tell(struct assay_region *r, uint32_t rank, uint32_t waits_for)
{
    atomic_store_explicit(&r->head->waits_for[rank], waits_for + 1, memory_order_relaxed);
}

uint32_t assay_region_told(struct assay_region *r, uint32_t rank)
{
    return atomic_load_explicit(&r->head->waits_for[rank], memory_order_relaxed) - 1;
}
