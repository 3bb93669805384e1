/* Ranks for tests: processes of this one, each with a communicator over the link of that name, and a share of memory in which it
 * leaves what the test looks at. */
#ifndef RANKS_TESTS_CREW_H
#define RANKS_TESTS_CREW_H

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/run/ranks/communicator.h"
#include "harness/run/ranks/region.h"
#include "harness/run/ranks/sockets_link.h"

enum { CREW_MOST = 8 };

/* What the ranks' link is: everything is to hold over each. */
enum crew_link { CREW_MEMORY, CREW_SOCKETS, CREW_LINKS };
static enum crew_link crew_link;
#define CREW_OVER_ALL for (crew_link = CREW_MEMORY; crew_link < CREW_LINKS; crew_link++)

/* What there is before ranks are. */
struct crew_base {
    struct assay_region *region;
    char                 path[64], token[ASSAY_TOKEN_BYTES];
    uint32_t             n;
    int                  listener[CREW_MOST];
    struct assay_peer    peer[CREW_MOST];
};

/* What a rank leaves behind. */
struct crew_note {
    struct assay_error err;
    uint32_t           missed;
    uint64_t           took_ns;
    int                checks_failed, failed_line;
};

struct crew_rank {
    const struct assay_comm   *comm;
    struct assay_communicator *communicator;
    struct crew_note          *note;
};

/* A fact in a child, where Criterion's own would be lost. */
#define CREW_EXPECT(r, fact)                            \
    do {                                                \
        if (!(fact) && !(r)->note->checks_failed++)     \
            (r)->note->failed_line = __LINE__;          \
    } while (0)

typedef void crew_part_fn(struct crew_rank *r);

static inline enum assay_code crew_link_of(const struct crew_base *base, uint32_t rank, struct assay_link *link, struct assay_error *err)
{
    struct assay_region *region;
    if (crew_link == CREW_SOCKETS)
        return assay_sockets_link(base->listener[rank], base->token, rank, base->n, base->peer, 20 * ASSAY_NS_PER_S, link, err);
    return assay_region_open(base->path, &region, err) ? err->code : assay_region_link(region, rank, link, err);
}

static inline void crew_child(const struct crew_base *base, uint32_t rank, uint64_t patience_ns, crew_part_fn *part, struct crew_note *note)
{
    struct assay_link          link;
    struct assay_communicator *c;
    memset(&note->err, 0, sizeof note->err);
    if (crew_link_of(base, rank, &link, &note->err) || assay_communicator_new(&link, patience_ns, &c, &note->err))
        _exit(1);
    struct crew_rank r = {.comm = assay_communicator_all(c), .communicator = c, .note = note};
    part(&r);
    note->missed = assay_communicator_missed(c);
    assay_communicator_free(c);
    _exit(0);
}

/* As a leader does: who ended as it should not, is lost. */
static inline void crew_watch(struct assay_region *region, uint32_t n, const pid_t *child, int status[CREW_MOST])
{
    for (uint32_t left = n; left > 0;) {
        int   how = 0;
        pid_t ended = waitpid(-1, &how, 0);
        cr_assert_gt(ended, 0);
        for (uint32_t i = 0; i < n; i++)
            if (child[i] == ended) {
                status[i] = how;
                left--;
                if (!WIFEXITED(how))
                    assay_region_lose(region, i, "its process was killed");
            }
    }
}

/* Runs `part` on n ranks; notes[] is shared memory of n. How each ended in status[]. */
static inline struct crew_note *crew_run(uint32_t n, uint64_t patience_ns, crew_part_fn *part, int status[CREW_MOST])
{
    struct assay_error err = {.code = ASSAY_OK};
    struct crew_base   base = {.n = n};
    pid_t              child[CREW_MOST];
    struct crew_note  *notes = mmap(NULL, CREW_MOST * sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq((void *)notes, MAP_FAILED);
    cr_assert_eq(assay_region_make(n, &base.region, base.path, &err), ASSAY_OK, "%s", err.message);
    assay_token_make(base.token);
    for (uint32_t i = 0; i < n; i++) {
        cr_assert_eq(assay_socket_listen(&base.listener[i], &base.peer[i].port, &err), ASSAY_OK, "%s", err.message);
        assay_socket_addresses(base.peer[i].addresses);
    }
    for (uint32_t i = 0; i < n; i++) {
        child[i] = fork();
        cr_assert_geq(child[i], 0);
        if (child[i] == 0)
            crew_child(&base, i, patience_ns, part, &notes[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        (void)close(base.listener[i]);
    crew_watch(base.region, n, child, status);
    assay_region_close(base.region);
    return notes;
}

/* All ranks of `part` end well, with every check held. */
static inline void crew_expect_over_link(uint32_t n, crew_part_fn *part)
{
    int               status[CREW_MOST];
    struct crew_note *notes = crew_run(n, 20 * ASSAY_NS_PER_S, part, status);
    for (uint32_t i = 0; i < n; i++) {
        cr_expect(WIFEXITED(status[i]) && WEXITSTATUS(status[i]) == 0, "rank %u of %u: status %d", i, n, status[i]);
        cr_expect_eq(notes[i].checks_failed, 0, "rank %u of %u over link %d: %d checks, the first in line %d: %s", i, n, (int)crew_link, notes[i].checks_failed,
                     notes[i].failed_line, notes[i].err.message);
    }
    (void)munmap(notes, CREW_MOST * sizeof *notes);
}

static inline void crew_expect(uint32_t n, crew_part_fn *part)
{
    CREW_OVER_ALL
        crew_expect_over_link(n, part);
}

#endif
