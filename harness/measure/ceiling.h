/* What this machine's cores can do at this moment: multiply-add peak and memory bandwidth, as bursts that are run in
 * turn with the case (A B A B), so that both see the same clock and the same neighbours. */
#ifndef ASSAY_MEASURE_CEILING_H
#define ASSAY_MEASURE_CEILING_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/measure/statistics.h"

struct assay_ceiling;
/* Threads: as many as cores this process may use, each bound to one; they sleep between bursts. Arrays of the triad
 * are 4 times the last-level cache in all, at least 64 MiB each, touched by the thread that uses them. */
enum assay_code assay_ceiling_open(unsigned threads, struct assay_ceiling **out, struct assay_error *err);
void            assay_ceiling_close(struct assay_ceiling *c);
/* What an open one has of memory. */
uint64_t        assay_ceiling_array_bytes(void);

/* Arrays of several gigabytes take seconds to touch, so the workers of a run have one ceiling together: the process that started them
 * keeps it, and runs a burst when one asks. It may use the same cores, and does nothing in between. */
enum assay_ceiling_question {
    ASSAY_CEILING_OPEN,    /* may I ask? The answer says nothing else */
    ASSAY_CEILING_PEAK,    /* amount: budget_ns */
    ASSAY_CEILING_TRIAD,   /* amount: budget_ns */
    ASSAY_CEILING_LEVEL,   /* amount: bytes */
    ASSAY_CEILING_NOMINAL, /* how: in words */
    ASSAY_CEILING_QUESTIONS
};
struct assay_ceiling_answer {
    double   rate;
    uint64_t used_ns; /* CPU time that it took the keeper */
    char     how[128];
};
struct assay_ceiling_keeper {
    enum assay_code (*ask)(void *self, enum assay_ceiling_question what, uint64_t amount, struct assay_ceiling_answer *out, struct assay_error *err);
    void *self;
};
/* One whose bursts the keeper runs; copied, what `self` points to must outlive it. An error is the keeper's. */
enum assay_code assay_ceiling_open_kept(const struct assay_ceiling_keeper *keeper, struct assay_ceiling **out, struct assay_error *err);
/* CPU time that the keeper has spent on answers so far: this machine's cores were busy for us, and not with others. 0 for one of one's
 * own, and for NULL. */
uint64_t        assay_ceiling_lent_ns(const struct assay_ceiling *c);
/* The keeper's side: what the function of that name returns. */
void            assay_ceiling_tell(struct assay_ceiling *c, enum assay_ceiling_question what, uint64_t amount, struct assay_ceiling_answer *out);

/* One burst of about `budget_ns` (0 = default of about 4 ms); the rate over all threads. */
double assay_ceiling_flops_per_s(struct assay_ceiling *c, uint64_t budget_ns);  /* f32 fused multiply-add, 2 flops each */
double assay_ceiling_bytes_per_s(struct assay_ceiling *c, uint64_t budget_ns);  /* triad a = b + s * c: 24 bytes an element of f64 */

/* The nominal cross-check of the peak: f32 lanes x 2 x ports x measured clock x threads, with the words for it. */
double assay_ceiling_nominal_flops_per_s(struct assay_ceiling *c, char how[128]);
/* Sizes of the caches a thread sees, level 1 to 3, 0 = unknown; and of the shared last level for all threads. */
void assay_ceiling_cache_bytes(uint64_t level[3], uint64_t *last_shared);
/* Bandwidth of a working set of `bytes` over all threads (the level it fits in), measured once and remembered. */
double assay_ceiling_level_bytes_per_s(struct assay_ceiling *c, uint64_t bytes);

#endif
