#include "harness/run/case_serve.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/load/series.h"
#include "harness/load/serving/alone.h"
#include "harness/load/serving/serve.h"
#include "harness/measure/noise.h"
#include "harness/run/audit.h"
#include "harness/run/case_metrics.h"
#include "harness/run/case_time.h"
#include "harness/run/drawn_levels.h"
#include "harness/run/drawn_scenario.h"
#include "harness/run/load_verdict.h"
#include "harness/run/serve_peak.h"
#include "harness/run/serve_plan.h"
#include "harness/run/serve_record.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

#define CHOSEN 16u              /* requests (of an audit ASSAY_AUDIT_REQUESTS) that are served once more alone, chosen by chance after they ended */
#define PROOF_NS 10000000000u   /* at most so long, and at least one; an audit has as long as it takes */
#define SERIES_ROWS ((size_t)1 << 18)
#define BETWEEN_DRAWS_NS 1000000000u /* of virtual time: what the last step left behind is over */
#define WARM_REQUESTS 2u        /* alone, before the run */
struct kept {
    struct assay_engine_request request;
    uint32_t output_tokens;
    int32_t *tokens; /* prompt and output */
};
struct serve {
    struct assay_course              *c;
    const struct assay_case_serve_on *on;
    struct assay_serve                how;
    struct assay_requests_setup       requests;
    struct assay_scenario             scenario; /* the case's, with the rate that was found */
    struct assay_seeds                seeds;
    struct assay_engine_description   host;
    struct assay_serve_result         result;
    struct kept                       kept[ASSAY_AUDIT_REQUESTS];
    uint32_t                          chosen; /* of them, that are kept */
    bool                              audits;
    int32_t                          *room, *alone; /* for kept tokens; for those of one request */
    float                            *margin;
    struct assay_random               entropy; /* nothing on the other side can foresee it */
    uint64_t                          seen, clock_ns; /* model clock: where it stands */
    double                            joules;         /* of the run, on a modelled device; NaN: not known */
    uint32_t                          compared, equal;
    float                             parting; /* the largest margin at which tokens part */
};

static bool on_model_clock(const struct serve *s)
{
    return s->on->target->limits.clock == ASSAY_CLOCK_MODEL;
}

/* ---- how ------------------------------------------------------------------------------------------------------------- */

static void on_ended(void *self, const struct assay_engine_ended *e);
static void on_progress(void *self, double share);

static enum assay_code describe(struct serve *s, struct assay_error *err)
{
    const struct assay_case_job *job = s->c->job;
    const struct assay_serving  *v = &job->what->serving;
    s->scenario = job->what->scenario;
    if (assay_serve_requests(job->what, job->seed, job->launch, s->on->vocabulary, &s->seeds, &s->requests, err) ||
        (on_model_clock(s) && assay_engine_description_find(v->engine, &s->host, err)))
        return err->code;
    s->requests.scenario = &s->scenario;
    s->how = (struct assay_serve){
        .requests = &s->requests, .target = s->on->target, .decode = s->on->decode, .layers = s->on->layers,
        .link = {.latency_ns = v->link_latency_ns, .bytes_per_s = v->link_bytes_per_s, .bytes_per_token = s->on->cache_bytes_per_token},
        .policy = assay_serve_policy(job->what),
        .host = on_model_clock(s) ? &s->host : NULL, .timeout_ns = v->timeout_ns, .window = {v->skip_ns, UINT64_MAX},
        .ended = on_ended, .progress = on_progress, .self = s,
    };
    return ASSAY_OK;
}

static enum assay_code make_room(struct serve *s, struct assay_error *err)
{
    size_t most = s->on->target->limits.max_context;
    assay_random_init(&s->entropy, assay_random_entropy());
    s->audits = !strcmp(assay_audit_test(s->c), "TEST06");
    s->chosen = s->audits ? ASSAY_AUDIT_REQUESTS : CHOSEN;
    s->room = calloc(s->chosen * most, sizeof *s->room);
    s->alone = calloc(most, sizeof *s->alone);
    s->margin = calloc(most, sizeof *s->margin);
    if (!s->room || !s->alone || !s->margin)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the tokens of %u requests of %zu", s->chosen, most);
    for (size_t i = 0; i < s->chosen; i++)
        s->kept[i].tokens = s->room + i * most;
    return ASSAY_OK;
}

/* ---- while it runs --------------------------------------------------------------------------------------------------- */

/* Every request that is completed has the same chance to be kept. */
static void on_ended(void *self, const struct assay_engine_ended *e)
{
    struct serve *s = self;
    if (e->code || !e->tokens)
        return;
    uint64_t at = s->seen < s->chosen ? s->seen : assay_random_below(&s->entropy, s->seen + 1);
    s->seen++;
    if (at >= s->chosen)
        return;
    struct kept *k = &s->kept[at];
    k->request = e->request;
    k->output_tokens = e->output_tokens;
    memcpy(k->tokens, e->tokens, (e->request.prompt_tokens + e->output_tokens) * sizeof *k->tokens);
}

static void on_progress(void *self, double share)
{
    assay_course_progress(((struct serve *)self)->c, share, 0);
}

/* Prompts of other lengths than one, so that what is built lazily is built: a chunk, a step of one token. */
static enum assay_code warm_up(struct serve *s, struct assay_error *err)
{
    const struct assay_step_limits *l = &s->on->target->limits;
    uint32_t                        prompt = l->max_tokens < l->max_context / 2 ? l->max_tokens : l->max_context / 2;
    assay_course_enter(s->c, ASSAY_PHASE_WARM);
    if ((uint64_t)l->n_blocks * l->block_tokens < prompt + 2)
        prompt = 1;
    for (uint32_t i = 0; i < WARM_REQUESTS; i++) {
        uint64_t begin = assay_clock_now_ns();
        if (assay_alone_generate(s->on->target, s->alone, prompt, 2, NULL, &s->clock_ns, err))
            return assay_error_in(err, "warming up");
        if (!s->c->loop.warm_runs++)
            s->c->loop.first_ns = on_model_clock(s) ? s->clock_ns : assay_clock_now_ns() - begin;
    }
    if (s->on->decode && assay_alone_generate(s->on->decode, s->alone, 1, 2, NULL, &s->clock_ns, err))
        return assay_error_in(err, "warming up the device of further tokens");
    return ASSAY_OK;
}

static struct assay_case_serve_use use_of(const struct serve *s)
{
    struct assay_case_serve_use use = {.devices = s->on->decode ? 2 : 1, .joules = NAN};
    if (s->on->use)
        s->on->use(s->on->self, &use);
    return use;
}

static void find_link(struct serve *s)
{
    if (s->on->link)
        s->on->link(s->on->self, &s->how.link);
}

static enum assay_code run(struct serve *s, struct assay_error *err)
{
    struct assay_course     *c = s->c;
    struct assay_noise_probe noise;
    double                   before_joules = use_of(s).joules;
    s->how.origin_ns = s->clock_ns;
    find_link(s);
    assay_course_settle(c, 1);
    assay_noise_begin(&noise);
    assay_course_on_warmed(c);
    assay_meter_start(c->meter);
    assay_counters_resume(c->counters);
    enum assay_code code = assay_serve_run(&s->how, &s->result, err);
    s->joules = use_of(s).joules - before_joules;
    assay_counters_pause(c->counters);
    assay_meter_stop(c->meter);
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    if (!on_model_clock(s)) /* whose time nothing on this machine disturbs */
        assay_noise_end(&noise, 0, &c->record->noise);
    return code;
}

/* ---- the highest rate --------------------------------------------------------------------------------------------------- */

static enum assay_code serve_once(void *self, const struct assay_scenario *scenario, const struct assay_seeds *seeds, struct assay_serve_result *out,
                                  struct assay_error *err)
{
    struct serve               *s = self;
    struct assay_requests_setup requests = s->requests;
    struct assay_serve          how = s->how;
    uint64_t                    n = 0, last_ns = 0;
    requests.scenario = scenario;
    requests.seeds = seeds;
    how.requests = &requests;
    how.ended = NULL;
    how.origin_ns = s->clock_ns;
    if (assay_serve_run(&how, out, err))
        return err->code;
    const struct assay_served_row *rows = assay_served_rows(out->served, &n);
    for (uint64_t i = 0; i < n; i++)
        last_ns = rows[i].completed_ns > last_ns ? rows[i].completed_ns : last_ns;
    s->clock_ns += last_ns + BETWEEN_DRAWS_NS;
    return ASSAY_OK;
}

static enum assay_code search(struct serve *s, struct assay_peak *peak, struct assay_error *err)
{
    const struct assay_step_limits *l = &s->on->target->limits;
    const struct assay_serve_peak   how = {.at_once = l->max_sequences, .seed = s->c->job->seed, .clock = l->clock, .serve = serve_once, .self = s};
    s->scenario = s->c->job->what->scenario;
    if (!assay_scenario_searches(&s->scenario))
        return ASSAY_OK;
    assay_course_enter(s->c, ASSAY_PHASE_WARM);
    find_link(s);
    return assay_serve_peak_find(&how, &s->scenario, peak, err);
}

/* The rate is found, where it is to be, and then it is run. */
static enum assay_code search_and_run(struct serve *s, struct assay_peak *peak, struct assay_error *err)
{
    return search(s, peak, err) ? err->code : run(s, err);
}

static void tell_peak(const struct serve *s, const struct assay_peak *peak)
{
    if (assay_scenario_searches(&s->c->job->what->scenario))
        assay_load_tell_peak(peak, s->c->record);
}

/* ---- proof ----------------------------------------------------------------------------------------------------------- */

/* What TEST06 asks of a request: its first token is that of the request alone, it has as many as were asked for, all of the vocabulary. */
static void audit(struct serve *s, const struct kept *k, bool same, uint32_t at)
{
    struct assay_audited *a = &s->c->record->audit;
    const int32_t        *output = k->tokens + k->request.prompt_tokens;
    bool                  first = same || at > 0, known = true;
    for (uint32_t i = 0; i < k->output_tokens; i++)
        known = known && output[i] >= 0 && (uint32_t)output[i] < s->on->vocabulary;
    a->requests++;
    a->first_equal += first;
    a->whole += k->output_tokens == k->request.output_tokens;
    a->in_vocabulary += known;
    if (!first && !*a->first_difference)
        (void)snprintf(a->first_difference, sizeof a->first_difference, "request %" PRIu64 " began with token %d, alone with %d", k->request.id,
                       output[0], s->alone[k->request.prompt_tokens]);
}

static enum assay_code compare(struct serve *s, const struct kept *k, struct assay_error *err)
{
    uint32_t prompt = k->request.prompt_tokens, at = 0;
    float    parting = 0;
    memcpy(s->alone, k->tokens, prompt * sizeof *s->alone);
    if (assay_alone_generate(s->on->target, s->alone, prompt, k->output_tokens, s->margin, &s->clock_ns, err))
        return assay_error_in(err, "serving request %" PRIu64 " alone", k->request.id);
    s->compared++;
    bool same = assay_alone_is_equal(k->tokens + prompt, s->alone + prompt, s->margin, k->output_tokens, &at, &parting);
    if (s->audits)
        audit(s, k, same, at);
    if (same) {
        s->equal++;
        return ASSAY_OK;
    }
    s->parting = parting > s->parting ? parting : s->parting;
    assay_course_remark(s->c, "request %" PRIu64 " alone has another token %u, with a margin of %.3g", k->request.id, at, (double)parting);
    return ASSAY_OK;
}

/* Where steps compute values. */
static enum assay_code prove(struct serve *s, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns(), n = s->seen < s->chosen ? s->seen : s->chosen;
    for (uint64_t i = 0; i < n && (!i || s->audits || assay_clock_now_ns() - begin < PROOF_NS); i++)
        if (compare(s, &s->kept[i], err))
            return err->code;
    return ASSAY_OK;
}

static void tell_proof(const struct serve *s)
{
    struct assay_record *rec = s->c->record;
    struct assay_text    text = ASSAY_TEXT(rec->load.served);
    if (on_model_clock(s))
        assay_text_add(&text, "host's time by engine '%s'; ", s->host.name);
    if (s->c->job->what->serving.prompt_share > 0)
        assay_text_add(&text, "prompts on %.3g %% of the devices, further tokens on the others; ", 100 * s->c->job->what->serving.prompt_share);
    if (!s->compared) {
        assay_text_add(&text, "no tokens were compared: %s", s->on->target->limits.values ? "no request was completed" : "the device computes none");
        const char *why = s->on->target->limits.values ? "no request was completed" : "the device computes no tokens";
        assay_metric_absent(rec, ASSAY_METRIC_tokens_equal_share, why);
        assay_metric_absent(rec, ASSAY_METRIC_parting_margin, why);
        return;
    }
    assay_text_add(&text, "of %u requests served again alone %u gave the same tokens", s->compared, s->equal);
    if (s->equal < s->compared)
        assay_text_add(&text, "; others part where the margin is %.3g at most", (double)s->parting);
    assay_metric_set(rec, ASSAY_METRIC_tokens_equal_share, (double)s->equal / s->compared, s->compared, 0);
    assay_metric_set(rec, ASSAY_METRIC_parting_margin, (double)s->parting, s->compared, 0);
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static enum assay_code store_served(struct serve *s, const struct assay_served_row *rows, size_t n, struct assay_error *err)
{
    struct assay_course     *c = s->c;
    struct assay_load       *load = &c->record->load;
    struct assay_mapped_file file;
    char                     path[700];
    assay_run_folder_served_file(c->job->what->id, c->record->backend, c->job->launch, load->served_file);
    if (assay_path_join(path, sizeof path, c->job->folder, load->served_file, err) ||
        assay_mapped_file_new(path, (n + 1) * sizeof *rows, &file, err))
        return assay_course_unmade(c, err);
    memcpy(file.at, rows, n * sizeof *rows);
    if (assay_mapped_file_close(&file, path, n * sizeof *rows, err) || assay_sha256_file(path, load->served_sha256, err))
        return assay_course_unmade(c, err);
    return ASSAY_OK;
}

/* The answers that were compared with those of the requests alone. */
static enum assay_code store_tokens(struct serve *s, struct assay_error *err)
{
    struct assay_course     *c = s->c;
    struct assay_load       *load = &c->record->load;
    struct assay_mapped_file file;
    char                     path[700];
    size_t                   words = 0;
    uint64_t                 n = s->seen < s->chosen ? s->seen : s->chosen;
    for (uint64_t i = 0; i < n; i++)
        words += 3 + s->kept[i].output_tokens;
    assay_run_folder_tokens_file(c->job->what->id, c->record->backend, c->job->launch, load->tokens_file);
    if (assay_path_join(path, sizeof path, c->job->folder, load->tokens_file, err) ||
        assay_mapped_file_new(path, (words + 1) * sizeof(uint32_t), &file, err))
        return assay_course_unmade(c, err);
    uint32_t *to = file.at;
    for (uint64_t i = 0; i < n; i++) {
        const struct kept *k = &s->kept[i];
        *to++ = htole32((uint32_t)k->request.id);
        *to++ = htole32((uint32_t)(k->request.id >> 32));
        *to++ = htole32(k->output_tokens);
        for (uint32_t t = 0; t < k->output_tokens; t++)
            *to++ = htole32((uint32_t)k->tokens[k->request.prompt_tokens + t]);
    }
    if (assay_mapped_file_close(&file, path, words * sizeof(uint32_t), err) || assay_sha256_file(path, load->tokens_sha256, err))
        return assay_course_unmade(c, err);
    return ASSAY_OK;
}

/* What every case with a scenario leaves: the series of its queries, and the latencies of those that were completed. */
static enum assay_code store_series(struct serve *s, const struct assay_served_row *rows, size_t n, struct assay_error *err)
{
    struct assay_course *c = s->c;
    struct assay_load   *load = &c->record->load;
    struct assay_series  series;
    char                 file[160];
    size_t               capacity = n < SERIES_ROWS ? n + 1 : SERIES_ROWS, m = 0;
    assay_run_folder_queries_file(c->job->what->id, c->record->backend, c->job->launch, load->series_file);
    if (assay_path_join(c->series_path, sizeof c->series_path, c->job->folder, load->series_file, err) ||
        assay_mapped_file_new(c->series_path, capacity * sizeof(struct assay_query_row), &c->series, err) ||
        assay_course_name_file(c, "samples", file, c->samples_path, err) ||
        assay_mapped_file_new(c->samples_path, (n + 1) * sizeof(uint64_t), &c->samples, err))
        return assay_course_unmade(c, err);
    (void)assay_string_copy(c->record->samples_file, sizeof c->record->samples_file, file);
    uint64_t *samples = c->samples.at;
    assay_series_init(&series, c->series.at, capacity);
    for (size_t i = 0; i < n; i++) {
        struct assay_query_row row = {.query = rows[i].request, .scheduled_ns = rows[i].scheduled_ns, .issued_ns = rows[i].scheduled_ns,
                                      .completed_ns = rows[i].completed_ns, .samples = 1, .status = rows[i].status};
        assay_series_add(&series, &row);
        if (!rows[i].status)
            samples[m++] = assay_served_latency_ns(&rows[i]);
    }
    assay_series_finish(&series);
    c->series_n = series.n;
    c->loop.n = m;
    load->kept = series.n;
    load->every = series.every;
    return ASSAY_OK;
}

/* ---- the course ------------------------------------------------------------------------------------------------------ */

static enum assay_code make_instruments(struct serve *s, struct assay_error *err)
{
    struct assay_course *c = s->c;
    if (*assay_audit_test(c) && strcmp(c->record->audit.test, "TEST06") != 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s is of queries to a graph, and requests are served", c->record->audit.test);
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    (void)assay_string_copy(c->why_no_ceiling, sizeof c->why_no_ceiling, assay_case_without_bursts(c->job->what, &c->opened.device));
    (void)assay_string_copy(c->record->why_no_trace, sizeof c->record->why_no_trace, "a case with a scenario is not traced; the same case without it is");
    if (make_room(s, err))
        return err->code;
    return assay_counters_open(&c->counters, err) ? err->code : assay_meter_open(c->job->power, &c->meter, err);
}

/* Energy that the model tells, else what the meter told of each of the requests. */
static struct assay_serve_told told_of(const struct serve *s)
{
    const struct assay_metric_value *metered = &s->c->record->metric[ASSAY_METRIC_energy_joules];
    struct assay_serve_told told = {.scenario = &s->scenario, .result = &s->result, .clock = s->on->target->limits.clock,
                                    .devices = use_of(s).devices, .demand_per_s = s->c->job->what->serving.demand_per_s};
    if (on_model_clock(s))
        told.joules = isnan(s->joules) ? 0 : s->joules;
    else if (metered->has_value)
        told.joules = metered->value * (double)s->c->loop.n;
    return told;
}

static enum assay_code record(struct serve *s, struct assay_error *err)
{
    struct assay_course           *c = s->c;
    uint64_t                       n;
    const struct assay_served_row *rows = assay_served_rows(s->result.served, &n);
    const char                    *complaint = assay_noise_complaint(&c->record->noise);
    if (store_served(s, rows, n, err) || store_series(s, rows, n, err) || (s->seen && store_tokens(s, err)))
        return err->code;
    if (!c->loop.n)
        return s->result.failure.code ? (*err = s->result.failure).code : ASSAY_FAIL(err, ASSAY_TIMEOUT, "no request was completed");
    assay_case_summarize(c);
    struct assay_serve_told told = told_of(s);
    if (assay_serve_tell(&told, c->record, err))
        return err->code;
    assay_metric_absent(c->record, ASSAY_METRIC_harness_overhead_ns, "engine_step_ns says what the engine takes for a step");
    tell_proof(s);
    if (complaint)
        assay_course_remark(c, "%s", complaint);
    return s->result.failure.code ? (*err = s->result.failure).code : ASSAY_OK;
}

/* The figures of a run of which nothing else is kept. */
static enum assay_code figures(struct serve *s, struct assay_error *err)
{
    struct assay_course           *c = s->c;
    uint64_t                       n, m = 0, last_ns = 0;
    const struct assay_served_row *rows = assay_served_rows(s->result.served, &n);
    uint64_t                      *latencies = malloc((n + 1) * sizeof *latencies);
    if (s->result.failure.code)
        *err = s->result.failure;
    else if (!latencies)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %" PRIu64 " latencies", n);
    for (uint64_t i = 0; !err->code && i < n; i++) {
        last_ns = rows[i].completed_ns > last_ns ? rows[i].completed_ns : last_ns;
        if (!rows[i].status)
            latencies[m++] = assay_served_latency_ns(&rows[i]);
    }
    if (!err->code && !m)
        (void)ASSAY_FAIL(err, ASSAY_TIMEOUT, "no request was completed");
    if (!err->code) {
        c->samples.at = latencies;
        c->loop.n = m;
        assay_case_summarize(c);
        c->samples.at = NULL;
        s->clock_ns += last_ns + BETWEEN_DRAWS_NS;
        assay_metric_absent(c->record, ASSAY_METRIC_energy_joules, "modelled: joules_per_token says what a token of a served case takes");
        struct assay_serve_told told = told_of(s);
        (void)assay_serve_tell(&told, c->record, err);
    }
    free(latencies);
    return err->code;
}

static enum assay_code make_medians(struct serve *s, struct assay_error *err)
{
    struct assay_course *c = s->c;
    char                 file[160];
    if (assay_course_name_file(c, "samples", file, c->samples_path, err) ||
        assay_mapped_file_new(c->samples_path, ASSAY_SCENARIO_DRAWS * sizeof(uint64_t), &c->samples, err))
        return assay_course_unmade(c, err);
    (void)assay_string_copy(c->record->samples_file, sizeof c->record->samples_file, file);
    return ASSAY_OK;
}

/* On devices that fit what is known, one after another. */
static enum assay_code run_drawn(struct serve *s, struct assay_error *err)
{
    struct assay_course         *c = s->c;
    struct assay_drawn_scenario *drawn;
    struct assay_peak            peak;
    enum assay_code              code = assay_drawn_scenario_new(&drawn, err);
    if (!code)
        code = assay_drawn_levels_new(ASSAY_SCENARIO_DRAWS, &c->drawn.levels, err);
    for (uint64_t k = 1; !code && k <= ASSAY_SCENARIO_DRAWS; k++) {
        assay_served_free(s->result.served);
        s->result.served = NULL;
        assay_drawn_scenario_begin(c->record);
        if (!(code = s->on->draw(s->on->self, k, err)))
            code = search_and_run(s, &peak, err);
        if (!code)
            assay_drawn_levels_see(c->drawn.levels, c, (uint32_t)k - 1); /* before figures, the last of which tell their ranges */
        if (!code && !(code = figures(s, err))) {
            tell_peak(s, &peak);
            assay_drawn_scenario_add(drawn, c->record);
        }
    }
    if (!code)
        code = s->on->draw(s->on->self, 0, err);
    if (!code)
        code = make_medians(s, err);
    if (!code) {
        tell_proof(s);
        assay_drawn_scenario_tell(drawn, c, s->on->program);
    }
    assay_drawn_scenario_free(drawn);
    return code;
}

enum assay_code assay_case_serve_on(struct assay_course *c, const struct assay_case_serve_on *on, struct assay_error *err)
{
    struct serve      s = {.c = c, .on = on};
    struct assay_peak peak;
    enum assay_code   code = describe(&s, err);
    if (on->program)
        assay_course_on_compiled(c, on->program);
    if (!code)
        code = make_instruments(&s, err);
    if (!code)
        code = warm_up(&s, err);
    if (!code && on->draw) {
        code = run_drawn(&s, err);
    } else {
        if (!code)
            code = search_and_run(&s, &peak, err);
        if (!code && on->target->limits.values && !s.result.failure.code)
            code = prove(&s, err);
        if (!code)
            code = record(&s, err);
        if (!code)
            tell_peak(&s, &peak);
    }
    assay_served_free(s.result.served);
    free(s.room);
    free(s.alone);
    free(s.margin);
    return code;
}
