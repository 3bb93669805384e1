#include "harness/load/batch_search.h"

#include <stdio.h>

#include "assay/banned.h"

#define IN_VAIN_MOST 2u /* batches in a row that were no better: so many end the ladder */

static bool says_no(enum assay_code code)
{
    return code == ASSAY_MEMORY || code == ASSAY_CONFIG || code == ASSAY_UNSUPPORTED;
}

/* Is it known without a look that this batch has no higher rate than `best_qps`? */
static bool cannot_help(const struct assay_batch_search *how, const struct assay_batch_offer *offer, double best_qps,
                        struct assay_batch_step *step)
{
    if (offer->execution_ns > how->latency_ns)
        (void)snprintf(step->why, sizeof step->why, "an execution of %u takes %.4g ms, more than the limit of %.4g ms",
                       step->max_batch, (double)offer->execution_ns / 1e6, (double)how->latency_ns / 1e6);
    else if (offer->capacity_qps <= best_qps)
        (void)snprintf(step->why, sizeof step->why,
                       "executions of %u one after another have %.4g samples a second, no more than %.4g",
                       step->max_batch, offer->capacity_qps, best_qps);
    return *step->why;
}

/* There is no such batch, because … */
static bool is_refused(enum assay_code code, struct assay_batch_step *step, struct assay_error *err)
{
    if (!says_no(code))
        return false;
    (void)snprintf(step->why, sizeof step->why, "%.155s", err->message);
    *err = (struct assay_error){.code = ASSAY_OK};
    return true;
}

/* One batch of the ladder. *ends: no larger one can help. */
static enum assay_code try_step(const struct assay_batch_search *how, uint32_t i, double best_qps,
                                struct assay_batch_step *step, bool *ends, struct assay_error *err)
{
    struct assay_batch_offer offer = {.execution_ns = 0};
    enum assay_code code = how->offer(how->self, step->max_batch, &offer, err);
    *ends = i > 0 && (is_refused(code, step, err) || (!code && cannot_help(how, &offer, best_qps, step)));
    if (*ends)
        return ASSAY_OK;
    struct assay_peak_search search = {.capacity_qps = offer.capacity_qps,
                                       .percentile = how->percentile,
                                       .floor_qps = best_qps,
                                       .shares = ASSAY_BATCH_STEPS,
                                       .first_look = i * ASSAY_PEAK_LOOKS,
                                       .look = how->look,
                                       .self = how->self};
    if (code || assay_peak_find(&search, &step->peak, err))
        return assay_error_in(err, "searching with batches of %u", step->max_batch);
    if (step->peak.low_qps <= best_qps && best_qps > 0)
        (void)snprintf(step->why, sizeof step->why, "no higher rate than with fewer: %.4g samples a second", best_qps);
    else if (step->peak.low_qps <= 0)
        (void)snprintf(step->why, sizeof step->why, "no rate was settled to be valid");
    return ASSAY_OK;
}

enum assay_code assay_batch_search(const struct assay_batch_search *how, struct assay_batches *out,
                                   struct assay_error *err)
{
    double best_qps = 0;
    bool ends = false;
    uint32_t in_vain = 0;
    *out = (struct assay_batches){.n = 0};
    for (uint32_t i = 0; i < ASSAY_BATCH_STEPS && !ends && in_vain < IN_VAIN_MOST; i++) {
        struct assay_batch_step *step = &out->step[out->n];
        step->max_batch = 1u << i;
        if (try_step(how, i, best_qps, step, &ends, err))
            return err->code;
        out->n++;
        in_vain = *step->why ? in_vain + 1 : 0;
        if (*step->why)
            continue;
        best_qps = step->peak.low_qps;
        out->best = i;
    }
    return ASSAY_OK;
}
