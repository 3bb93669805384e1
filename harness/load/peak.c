#include "harness/load/peak.h"

#include <math.h>

#include "assay/banned.h"

#define BEGINS_AT 0.4 /* of the capacity; a quarter of it, and of that, if even this is not valid */
#define COARSE 1.25
#define FINE 1.06
#define ABOVE 1.5
#define SPARE_QUERIES 2.0 /* as many as the least that could settle anything, were none over the limit */
#define LEAST_QUERIES 300.0 /* `settled` decides from 200 independent ones on */
#define SECOND_EFFORT 4u  /* what is undecided is looked at once more, so many times as long */
#define COARSE_LOOKS 10u

static enum assay_code look_once(const struct assay_peak_search *how, double qps, uint32_t effort, struct assay_peak *out,
                                 struct assay_error *err)
{
    double                  least = SPARE_QUERIES * log(ASSAY_PEAK_LEVEL / ASSAY_PEAK_LOOKS) / log(how->percentile);
    double                  level = ASSAY_PEAK_LEVEL / ASSAY_PEAK_LOOKS;
    struct assay_peak_asked asked = {.qps = qps, .level = level, .look = out->n, .effort = effort,
                                     .queries = (uint64_t)ceil(least > LEAST_QUERIES ? least : LEAST_QUERIES) * effort};
    struct assay_peak_look *mine = &out->look[out->n];
    if (how->look(how->self, &asked, mine, err))
        return assay_error_in(err, "looking at %.4g queries a second", qps);
    out->n++;
    if (mine->verdict == ASSAY_SETTLED_VALID && qps > out->low_qps)
        out->low_qps = qps;
    if (mine->verdict == ASSAY_SETTLED_INVALID && (out->high_qps <= 0 || qps < out->high_qps))
        out->high_qps = qps;
    return ASSAY_OK;
}

static bool last_is_undecided(const struct assay_peak *peak)
{
    return peak->look[peak->n - 1].verdict == ASSAY_UNDECIDED;
}

static enum assay_code look(const struct assay_peak_search *how, double qps, uint32_t most, struct assay_peak *out, struct assay_error *err)
{
    enum assay_code code = look_once(how, qps, 1, out, err);
    return !code && last_is_undecided(out) && out->n < most ? look_once(how, qps, SECOND_EFFORT, out, err) : code;
}

static bool last_was_valid(const struct assay_peak *peak)
{
    return peak->n && peak->look[peak->n - 1].verdict == ASSAY_SETTLED_VALID;
}

/* Ascends from `qps` to below `end`, until a look is not valid. */
static enum assay_code ascend(const struct assay_peak_search *how, double qps, double step, double end, uint32_t most,
                              struct assay_peak *out,
                              struct assay_error *err)
{
    for (; out->n < most && qps < end; qps *= step) {
        if (look(how, qps, most, out, err))
            return err->code;
        if (!last_was_valid(out))
            return ASSAY_OK;
    }
    return ASSAY_OK;
}

enum assay_code assay_peak_find(const struct assay_peak_search *how, struct assay_peak *out, struct assay_error *err)
{
    double begin = BEGINS_AT * how->capacity_qps;
    *out = (struct assay_peak){.n = 0};
    for (int i = 0; i < 3 && out->low_qps <= 0; i++, begin /= 4)
        if (ascend(how, begin, COARSE, INFINITY, COARSE_LOOKS, out, err))
            return err->code;
    if (out->low_qps <= 0 || last_was_valid(out))
        return ASSAY_OK;
    double end = out->look[out->n - 1].qps;
    if (ascend(how, out->low_qps * FINE, FINE, end * 0.99, ASSAY_PEAK_LOOKS - 2, out, err))
        return err->code;
    double above = end * ABOVE; /* the other end of the answer */
    for (int i = 0; i < 2 && out->high_qps <= 0; i++, above *= ABOVE)
        if (look_once(how, above, 1, out, err))
            return err->code;
    return ASSAY_OK;
}

void assay_peak_take(const struct assay_peak *peak, struct assay_scenario *s)
{
    s->qps = peak->low_qps > 0 ? peak->low_qps : peak->look[0].qps;
    for (uint32_t i = 0; i < peak->n; i++)
        if (peak->look[i].qps == s->qps && 3 * peak->look[i].n > s->min_queries)
            s->min_queries = 3 * peak->look[i].n;
}

void assay_peak_say(const struct assay_peak *peak, struct assay_text *out)
{
    static const char *const verdict[] = {"?", "valid", "invalid", "undecided"};
    assay_text_add(out, "%u looks: ", peak->n);
    for (uint32_t i = 0; i < peak->n; i++)
        assay_text_add(out, "%s%.4g/s %s", i ? ", " : "", peak->look[i].qps, verdict[peak->look[i].verdict]);
}
