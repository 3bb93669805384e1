#include "harness/run/serve_peak.h"

#include <string.h>

#include "harness/run/serve_record.h"

#include "assay/banned.h"

#define ROUNDS 4u        /* of as many requests as a step holds, all at once */
#define LEAST_REQUESTS 32u
#define SEEDS_OF_LOOKS 1000u /* the run of the peak has others */

struct search {
    const struct assay_serve_peak *how;
    const struct assay_scenario   *scenario;
};

static enum assay_code serve(const struct assay_serve_peak *how, const struct assay_scenario *s, uint64_t turn, struct assay_serve_result *out,
                             struct assay_error *err)
{
    struct assay_seeds seeds;
    assay_seeds_from(how->seed + SEEDS_OF_LOOKS + turn, &seeds);
    memset(out, 0, sizeof *out);
    enum assay_code code = how->serve(how->self, s, &seeds, out, err);
    if (!code && out->failure.code) {
        *err = out->failure;
        code = err->code;
    }
    return code;
}

/* Requests a second when there is always one more. */
static enum assay_code capacity(const struct search *search, double *qps, struct assay_error *err)
{
    struct assay_scenario     s = *search->scenario;
    struct assay_serve_result r;
    uint64_t                  n = 0, last_ns = 1;
    s.type = ASSAY_OFFLINE;
    s.min_queries = ROUNDS * search->how->at_once > LEAST_REQUESTS ? ROUNDS * search->how->at_once : LEAST_REQUESTS;
    s.min_duration_ns = 0;
    s.equal_issue = false;
    enum assay_code                code = serve(search->how, &s, ASSAY_PEAK_LOOKS, &r, err);
    const struct assay_served_row *rows = code ? NULL : assay_served_rows(r.served, &n);
    for (uint64_t i = 0; i < n; i++)
        last_ns = rows[i].completed_ns > last_ns ? rows[i].completed_ns : last_ns;
    *qps = (double)n * 1e9 / (double)last_ns;
    assay_served_free(r.served);
    return code;
}

static enum assay_code look(void *self, const struct assay_peak_asked *asked, struct assay_peak_look *out, struct assay_error *err)
{
    const struct search         *search = self;
    struct assay_scenario        s = *search->scenario;
    struct assay_serve_result    r;
    struct assay_settled_verdict v = {.verdict = ASSAY_UNDECIDED};
    s.qps = asked->qps;
    s.min_queries = asked->queries;
    s.min_duration_ns *= asked->effort;
    const struct assay_serve_told told = {.scenario = &s, .result = &r, .clock = search->how->clock, .devices = 1};
    enum assay_code               code = serve(search->how, &s, asked->look, &r, err);
    if (!code)
        code = assay_serve_settle(&told, asked->level, &v, err);
    if (!code)
        *out = (struct assay_peak_look){.qps = s.qps, .n = v.n, .over = v.over, .phi = v.phi, .verdict = v.verdict};
    assay_served_free(r.served);
    return code;
}

enum assay_code assay_serve_peak_find(const struct assay_serve_peak *how, struct assay_scenario *s, struct assay_peak *peak, struct assay_error *err)
{
    struct search            search = {how, s};
    struct assay_peak_search find = {.percentile = s->percentile, .look = look, .self = &search};
    if (capacity(&search, &find.capacity_qps, err) || assay_peak_find(&find, peak, err))
        return assay_error_in(err, "searching for the highest rate of requests");
    assay_peak_take(peak, s);
    return ASSAY_OK;
}
