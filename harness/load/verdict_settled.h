/* Does a run prove that a share p of latencies is within its limit, given that latencies in a queue are not independent? Formula and
 * what it was tested on: README.md. */
#ifndef ASSAY_LOAD_VERDICT_SETTLED_H
#define ASSAY_LOAD_VERDICT_SETTLED_H

#include <stdbool.h>
#include <stdint.h>

#define ASSAY_SETTLED_LEAST 200.0 /* independent latencies; with fewer nothing is decided */

enum assay_settled { ASSAY_SETTLED_VALID = 1, ASSAY_SETTLED_INVALID, ASSAY_UNDECIDED };
struct assay_settled_verdict {
    enum assay_settled verdict;
    uint64_t           n, over;
    double             phi;      /* samples that say as much as one independent sample, at least 1 */
    double             tail;     /* the probability compared with the level: of valid, or of invalid, the smaller */
    double             margin;   /* (allowed share - share over) / allowed share */
    double             more_seconds; /* undecided: about as much longer; infinite: the share is at the limit */
    char               why[160]; /* one sentence with the numbers */
};

/* latencies: the steady series in the order of scheduled time; span_ns: what it took. 0 < p < 1. `level` is 0.01 by rule; a search
 * that looks several times gives each look its share. */
void assay_settle(const uint64_t *latencies_ns, uint64_t n, uint64_t limit_ns, double p, double level, uint64_t span_ns,
                  struct assay_settled_verdict *out);

#endif
