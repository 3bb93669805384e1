/* The highest rate at which a share of latencies is settled to be within its limit. Rates ascend, so that an overloaded device
 * never colours a later look, and the search stops at the first rate that is not settled to be valid; a finer ladder then
 * ascends from the last one that was. Each look has an equal share of the error (Bonferroni): all verdicts of a search together
 * err with ASSAY_PEAK_LEVEL at most. */
#ifndef ASSAY_LOAD_PEAK_H
#define ASSAY_LOAD_PEAK_H

#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/load/verdict_settled.h"
#include "harness/plan/scenario.h"

#define ASSAY_PEAK_LEVEL 0.01
#define ASSAY_PEAK_LOOKS 16u

struct assay_peak_look {
    double             qps, phi;
    enum assay_settled verdict;
    uint64_t           n, over;
};
struct assay_peak_asked {
    double   qps, level; /* of this look's verdict */
    uint64_t queries;    /* at least: fewer can settle nothing at this level */
    uint32_t effort;     /* times as long as a first look */
    uint32_t look;       /* from first_look */
};
struct assay_peak_search {
    double capacity_qps; /* about what the target can do, from executions one after another: where the ladder stands */
    double percentile;
    double floor_qps;    /* no rate below is of interest; 0: any is */
    uint32_t shares, first_look; /* searches that have ASSAY_PEAK_LEVEL together, 0: only this; looks of those before it */
    enum assay_code (*look)(void *self, const struct assay_peak_asked *asked, struct assay_peak_look *out,
                            struct assay_error *err);
    void  *self;
};
struct assay_peak {
    double                 low_qps, high_qps; /* highest settled valid, lowest settled invalid; 0: there was none */
    uint32_t               n;
    struct assay_peak_look look[ASSAY_PEAK_LOOKS];
};
enum assay_code assay_peak_find(const struct assay_peak_search *how, struct assay_peak *out, struct assay_error *err);
/* The scenario that is run once more: at the highest valid rate, or the first that was looked at, with three times the queries that settled it
 * (other seeds have another luck). */
void assay_peak_take(const struct assay_peak *peak, struct assay_scenario *s);
/* "12 looks: 40/s valid; 50/s valid; 62.5/s invalid …" */
void assay_peak_say(const struct assay_peak *peak, struct assay_text *out);

#endif
