/* The ranks of one case, as their leader has them: who they are, and orders to them. An order is laid into a rank's box and given; it
 * is over when the rank says so or is lost. Of ranked.c and its parts alone. */
#ifndef ASSAY_RUN_RANK_ORDERS_H
#define ASSAY_RUN_RANK_ORDERS_H

#include "harness/base/process.h"
#include "harness/run/rank_worker.h"
#include "harness/run/ranked.h"
#include "harness/run/ranks/region.h"
#include "harness/run/wire.h"

#define ASSAY_RANKS_NAP_NS 20000000ull              /* how often the processes are looked at while one waits */
#define ASSAY_RANKS_START_NS (120 * ASSAY_NS_PER_S) /* to load a plug-in and build a graph */

struct assay_rank_member {
    struct assay_wire       wire; /* of one that was forked */
    bool                    is_wired;
    struct assay_rank_ready ready;
    uint64_t                bindings; /* in its stage */
    size_t                  inlined;  /* bytes of content at the stage's end */
    uint64_t                longest;  /* executions in which it took longest */
    double                  busy_ns;  /* of all its executions */
};

struct assay_session {
    struct assay_ranked_setup with;
    struct assay_post         post;
    bool                      has_post;
    struct assay_region      *region; /* NULL: they are elsewhere */
    char                      path[64], compiled[512];
    struct assay_process      process[ASSAY_RANKS_MOST]; /* theirs, or one, the launcher's */
    uint32_t                  n_processes;
    struct assay_rank_member  member[ASSAY_RANKS_MOST];
    uint64_t                  given_ns, executions;
};

/* What ranks and their plug-ins print goes to this worker's standard error, of which the end is kept. */
void assay_ranks_drain(struct assay_session *s);
/* The name of the rank's host, as long as s lives; "its host" before it is known. */
const char *assay_ranks_host(const struct assay_session *s, uint32_t rank);
/* ASSAY_DEVICE: a rank is lost, and which, and why. */
enum assay_code assay_ranks_lost(struct assay_session *s, struct assay_error *err);
/* Has a process ended that was not told to? Drains, too. ASSAY_DEVICE: yes, or a rank is lost. */
enum assay_code assay_ranks_look(struct assay_session *s, struct assay_error *err);

/* The rank's box: its arguments and stage are the leader's while nothing is under way. Borrowed from s. */
struct assay_order_box *assay_ranks_box(struct assay_session *s, uint32_t rank);
/* Begins what the box's arguments are of. front, back: bytes at the stage's begin and end that the order needs. */
enum assay_code assay_ranks_give(struct assay_session *s, uint32_t rank, enum assay_order what, size_t front, size_t back,
                                 struct assay_error *err);
/* Until the rank has done what it was given; its own error, if it failed. ASSAY_TIMEOUT: it goes on. */
enum assay_code assay_ranks_await(struct assay_session *s, uint32_t rank, uint64_t timeout_ns, struct assay_error *err);
/* Both, with three arguments; nothing is given when a rank is lost. */
enum assay_code assay_ranks_order(struct assay_session *s, uint32_t rank, enum assay_order what, const uint64_t arg[3], size_t front,
                                  struct assay_error *err);

#endif
