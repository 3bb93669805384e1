#include "harness/load/peak.h"

#include <math.h>

#include "assay/banned.h"

#define BEGINS_AT 0.4 /* of the capacity; a quarter of it, and of that, if even this is not valid */
#define COARSE 1.25
#define FINE 1.06
#define ABOVE 1.5
#define SPARE_QUERIES 2.0 /* as many as the least that could settle anything, were none over the limit */
#define LEAST_QUERIES 300.0 /* some more than ASSAY_SETTLED_LEAST: latencies of a queue hang together */
#define SECOND_EFFORT 4u  /* what is undecided is looked at once more, so many times as long; */
#define MOST_EFFORT 16u   /* … longer yet where latencies hang together so much that it could not decide either, */
#define LONG_LOOK_S 20.0  /* … and queries come fast enough */
#define COARSE_LOOKS 10u

static double level_of(const struct assay_peak_search *how)
{
    return ASSAY_PEAK_LEVEL / ASSAY_PEAK_LOOKS / (how->shares ? how->shares : 1);
}

/* How much longer to look at what `last` left undecided: long enough to settle it, were none over the limit, and to have as many
 * independent ones as `settled` asks for. */
static uint32_t second_effort(const struct assay_peak_search *how, const struct assay_peak_look *last)
{
    double   independent = fmax(SPARE_QUERIES * log(level_of(how)) / log(how->percentile), ASSAY_SETTLED_LEAST);
    double   needed = independent * last->phi;
    uint32_t effort = SECOND_EFFORT;
    while (effort < MOST_EFFORT && (double)last->n * effort < needed && 2 * effort * (double)last->n / last->qps < LONG_LOOK_S)
        effort *= 2;
    return effort;
}

static enum assay_code look_once(const struct assay_peak_search *how, double qps, uint32_t effort, struct assay_peak *out,
                                 struct assay_error *err)
{
    double                  level = level_of(how);
    double                  least = SPARE_QUERIES * log(level) / log(how->percentile);
    struct assay_peak_asked asked = {.qps = qps, .level = level, .look = how->first_look + out->n, .effort = effort,
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
    return !code && last_is_undecided(out) && out->n < most ? look_once(how, qps, second_effort(how, &out->look[out->n - 1]), out, err) : code;
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
    double begin = fmax(BEGINS_AT * how->capacity_qps, how->floor_qps);
    *out = (struct assay_peak){.n = 0};
    bool   ends = false;
    for (int i = 0; i < 3 && out->low_qps <= 0 && !ends; i++) {
        if (ascend(how, begin, COARSE, INFINITY, COARSE_LOOKS, out, err))
            return err->code;
        ends = begin <= how->floor_qps;
        begin = fmax(begin / 4, how->floor_qps);
    }
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
        assay_text_add(out, peak->look[i].qps < 1e4 ? "%s%.4g/s %s" : "%s%.0f/s %s", i ? "; " : "", peak->look[i].qps,
                       verdict[peak->look[i].verdict]);
}
