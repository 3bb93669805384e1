#include "harness/load/lesson.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/random.h"
#include "harness/load/told.h"
#include "suites/data/fill.h"
#include "suites/data/poison.h"

#include "assay/banned.h"

#define PROGRESS_EVERY 16u

/* Memory behind a value of one or both programs. */
struct place {
    char                 name[ASSAY_VALUE_NAME_BYTES + 16];
    struct assay_buffer *buffer;
    unsigned char       *host;
    uint64_t             bytes;
};
/* One of the two programs. */
struct program {
    const struct assay_graph *graph;
    struct assay_program     *compiled;
    struct assay_binding     *binding;
    size_t                    n_bindings;
    struct place            **place; /* of each value that is bound; else NULL */
};
struct lesson {
    const struct assay_lesson_run *with;
    struct assay_lesson_result    *out;
    struct place                  *places;
    size_t                         n_places;
    struct program                 step, evaluation;
    int64_t                       *labels; /* of an error rate */
    struct assay_random            entropy;
    uint64_t                       last_end_ns, elapsed_ns, begin_ns;
};

static enum assay_code no_memory(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a lesson");
}

uint64_t assay_lesson_rows(const struct assay_lesson_terms *t)
{
    return t->max_steps + t->max_steps / (t->evaluate_every ? t->evaluate_every : 1) + 2;
}

size_t assay_lesson_params(const struct assay_graph *g, int32_t *values, size_t capacity)
{
    size_t n = 0;
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].role != ASSAY_ROLE_PARAM)
            continue;
        if (n < capacity)
            values[n] = (int32_t)v;
        n++;
    }
    return n;
}

/* ---- places -------------------------------------------------------------------------------------------------- */

static struct place *place_find(const struct lesson *l, const char *name)
{
    for (size_t i = 0; i < l->n_places; i++)
        if (!strcmp(l->places[i].name, name))
            return &l->places[i];
    return NULL;
}

static enum assay_code upload(const struct lesson *l, const struct place *p, struct assay_error *err)
{
    const struct assay_backend *b = l->with->backend;
    enum assay_code code = assay_backend_told(b, b->upload(l->with->session, p->buffer, 0, p->host, p->bytes, err), "upload", err);
    return code ? assay_error_in(err, "uploading '%.48s'", p->name) : code;
}

static enum assay_code download(const struct lesson *l, const struct place *p, struct assay_error *err)
{
    const struct assay_backend *b = l->with->backend;
    enum assay_code code = assay_backend_told(b, b->download(l->with->session, p->buffer, 0, p->host, p->bytes, err), "download", err);
    return code ? assay_error_in(err, "downloading '%.48s'", p->name) : code;
}

static enum assay_code place_add(struct lesson *l, const struct program *p, const struct assay_value *v, const char *prefix,
                                 struct place **out, struct assay_error *err)
{
    const struct assay_backend *b = l->with->backend;
    struct place               *x = &l->places[l->n_places];
    struct assay_alloc          how = {.size = sizeof how, .place = v->place, .bytes = v->bytes, .alignment = 4096};
    (void)snprintf(x->name, sizeof x->name, "%.15s%.127s", prefix, v->name);
    x->bytes = v->bytes;
    if (!(x->host = assay_block_new((size_t)v->bytes)))
        return no_memory(err);
    if (assay_backend_told(b, b->alloc(l->with->session, &how, &x->buffer, err), "alloc", err)) {
        assay_block_free(x->host);
        return assay_error_in(err, "allocating '%.48s'", v->name);
    }
    l->n_places++;
    *out = x;
    if (v->role != ASSAY_ROLE_PARAM && v->role != ASSAY_ROLE_STATE)
        return ASSAY_OK;
    if (assay_fill_value(p->graph, (int32_t)(v - p->graph->values), l->with->seed, 0, x->host, err))
        return err->code;
    return upload(l, x, err);
}

/* Params and states of the step are found again by the evaluation, by name; inputs and outputs are each program's own. */
static enum assay_code place_of(struct lesson *l, const struct program *p, const struct assay_value *v, struct place **out,
                                struct assay_error *err)
{
    bool kept = v->role == ASSAY_ROLE_PARAM || v->role == ASSAY_ROLE_STATE;
    if (v->alias_of != ASSAY_NO_VALUE) {
        *out = p->place[v->alias_of];
        return ASSAY_OK;
    }
    struct place *there = kept ? place_find(l, v->name) : NULL;
    if (!there && kept && p == &l->evaluation)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "the evaluation's param '%.64s' is none of the step's", v->name);
    if (there && there->bytes != v->bytes)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "param '%.64s' has one shape in the step and another in the evaluation", v->name);
    *out = there;
    return there ? ASSAY_OK : place_add(l, p, v, kept ? "" : p == &l->step ? "step:" : "evaluation:", out, err);
}

/* ---- programs ------------------------------------------------------------------------------------------------ */

static bool is_bound(const struct assay_value *v)
{
    return v->role != ASSAY_ROLE_CONST && v->role != ASSAY_ROLE_TEMP;
}

static enum assay_code bind_all(struct lesson *l, struct program *p, struct assay_error *err)
{
    for (uint32_t i = 0; i < p->graph->n_values; i++) {
        const struct assay_value *v = &p->graph->values[i];
        if (!is_bound(v))
            continue;
        if (place_of(l, p, v, &p->place[i], err))
            return err->code;
        struct assay_binding *row = &p->binding[p->n_bindings++];
        *row = (struct assay_binding){.value = i, .buffer = p->place[i]->buffer, .valid_rows = ASSAY_ALL_ROWS};
        if (v->role == ASSAY_ROLE_CONTROL) {
            row->buffer = NULL;
            row->host = p->place[i]->host;
        }
    }
    return ASSAY_OK;
}

static enum assay_code compile(struct lesson *l, struct program *p, struct assay_error *err)
{
    const struct assay_backend *b = l->with->backend;
    struct assay_rank_class     all = {.size = sizeof all, .graph = p->graph, .multiplicity = 1};
    struct assay_compile how = {.size = sizeof how, .classes = &all, .n_classes = 1, .class_stride = sizeof all,
                                .binding_stride = sizeof(struct assay_binding)};
    if (assay_backend_told(b, b->compile(l->with->session, &how, &p->compiled, err), "compile", err))
        return err->code;
    return p->compiled ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_PROTOCOL, "compile of back end '%.32s' said ok and gave no program", b->name);
}

static enum assay_code make_program(struct lesson *l, struct program *p, const struct assay_graph *g, struct assay_error *err)
{
    p->graph = g;
    p->place = calloc(g->n_values, sizeof(struct place *));
    p->binding = calloc(g->n_values, sizeof *p->binding);
    return p->place && p->binding ? bind_all(l, p, err) : no_memory(err);
}

static void tell(const struct lesson *l, enum assay_target_phase phase)
{
    if (l->with->phase)
        l->with->phase(l->with->self, phase);
}

static enum assay_code make(struct lesson *l, struct assay_error *err)
{
    const struct assay_lesson_run *w = l->with;
    if (!(l->places = calloc((size_t)w->step->n_values + w->evaluation->n_values, sizeof *l->places)))
        return no_memory(err);
    tell(l, ASSAY_TARGET_FILL);
    if (make_program(l, &l->step, w->step, err) || make_program(l, &l->evaluation, w->evaluation, err))
        return err->code;
    int32_t output;
    if (assay_graph_outputs(w->evaluation, &output, 1) != 1 || w->evaluation->values[output].dtype != ASSAY_F32)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "an evaluation has one output, of f32");
    if (w->lesson->quality == ASSAY_QUALITY_ERROR_RATE &&
        !(l->labels = calloc((size_t)w->evaluation->values[output].dims[0] + 1, sizeof *l->labels)))
        return no_memory(err);
    tell(l, ASSAY_TARGET_COMPILE);
    if (compile(l, &l->step, err) || compile(l, &l->evaluation, err))
        return err->code;
    if (w->compiled)
        w->compiled(w->self, l->step.compiled);
    return ASSAY_OK;
}

static void program_release(const struct lesson *l, struct program *p)
{
    if (p->compiled)
        l->with->backend->discard(l->with->session, p->compiled);
    free(p->place);
    free(p->binding);
}

static void release(struct lesson *l)
{
    program_release(l, &l->step);
    program_release(l, &l->evaluation);
    for (size_t i = 0; i < l->n_places; i++) {
        if (l->places[i].buffer)
            l->with->backend->release(l->with->session, l->places[i].buffer);
        assay_block_free(l->places[i].host);
    }
    free(l->places);
    free(l->labels);
}

/* ---- one execution ------------------------------------------------------------------------------------------- */

/* What the host gives: data, and of a step its number and learning rate. */
static enum assay_code fill_inputs(struct lesson *l, const struct program *p, uint64_t n, double rate, struct assay_error *err)
{
    const struct assay_lesson_run *w = l->with;
    for (uint32_t i = 0; i < p->graph->n_values; i++) {
        const struct assay_value *v = &p->graph->values[i];
        float                     narrow = (float)rate;
        int64_t                   number = (int64_t)n;
        if (v->role != ASSAY_ROLE_INPUT && v->role != ASSAY_ROLE_CONTROL)
            continue;
        unsigned char *to = p->place[i]->host;
        if (p == &l->step && !strcmp(v->name, "learning_rate") && v->dtype == ASSAY_F32)
            memcpy(to, &narrow, sizeof narrow);
        else if (p == &l->step && !strcmp(v->name, "step") && v->dtype == ASSAY_I64)
            memcpy(to, &number, sizeof number);
        else if (!w->lesson->data(w->params, w->seed, p == &l->evaluation, n, v->name, to))
            return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no data for input '%.64s'", v->name);
    }
    return ASSAY_OK;
}

/* Inputs go up, and outputs that nobody else holds get what no honest device leaves. */
static enum assay_code send(struct lesson *l, const struct program *p, struct assay_error *err)
{
    uint64_t key = assay_random_u64(&l->entropy);
    for (uint32_t i = 0; i < p->graph->n_values; i++) {
        const struct assay_value *v = &p->graph->values[i];
        bool                      own = v->role == ASSAY_ROLE_OUTPUT && v->alias_of == ASSAY_NO_VALUE;
        if (own)
            assay_poison_fill(v->dtype, key + i, (size_t)v->elements, p->place[i]->host);
        if ((own || v->role == ASSAY_ROLE_INPUT) && upload(l, p->place[i], err))
            return err->code;
    }
    return ASSAY_OK;
}

/* Lies outside the time that the host saw go by, or before the execution before it: stamped as one likes. */
static enum assay_code check_span(struct lesson *l, const struct assay_span *span, uint64_t before, struct assay_error *err)
{
    uint64_t after = assay_clock_now_ns();
    bool     host = span->clock == ASSAY_CLOCK_HOST;
    if (span->end_ns < span->begin_ns || span->clock != l->with->device->clock ||
        (host && (span->begin_ns < before || span->end_ns > after || span->begin_ns < l->last_end_ns)))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "stamped span [%" PRIu64 ", %" PRIu64 "] ns lies outside the call [%" PRIu64 ", %" PRIu64 "] ns",
                          span->begin_ns, span->end_ns, before, after);
    l->last_end_ns = span->end_ns;
    return ASSAY_OK;
}

static enum assay_code execute(struct lesson *l, const struct program *p, struct assay_span *span, struct assay_error *err)
{
    const struct assay_lesson_run *w = l->with;
    struct assay_launch launch = {.size = sizeof launch, .program = p->compiled, .bindings = p->binding, .n_bindings = p->n_bindings,
                                  .binding_stride = sizeof(struct assay_binding),
                                  .earliest_ns = w->device->clock == ASSAY_CLOCK_MODEL ? l->last_end_ns : 0};
    struct assay_event         *event = NULL;
    size_t                      done = 0;
    uint64_t                    before = assay_clock_now_ns();
    enum assay_allocation_owner owner = assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN);
    *span = (struct assay_span){.size = sizeof *span};
    enum assay_code code = w->backend->execute(w->session, &launch, &event, err);
    const char     *call = "execute";
    if (!code && event) {
        call = "poll";
        code = w->backend->poll(w->session, &event, 1, w->timeout_ns, &done, span, err);
        w->backend->forget(w->session, event);
    }
    (void)assay_allocation_owner_set(owner);
    if (code)
        return assay_backend_told(w->backend, code, call, err);
    if (!event)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "execute of back end '%.32s' said ok and gave no event", w->backend->name);
    span->why_no_device_ns[sizeof span->why_no_device_ns - 1] = 0;
    return check_span(l, span, before, err);
}

/* The f32 scalar output of that name; NaN: there is none. The loss is the step's first output that is its own. */
static enum assay_code scalar(const struct lesson *l, const struct program *p, const char *name, double *out, struct assay_error *err)
{
    *out = NAN;
    for (uint32_t i = 0; i < p->graph->n_values; i++) {
        const struct assay_value *v = &p->graph->values[i];
        if (v->role != ASSAY_ROLE_OUTPUT || v->alias_of != ASSAY_NO_VALUE || v->elements != 1 || v->dtype != ASSAY_F32 ||
            (name && strcmp(v->name, name) != 0))
            continue;
        float x;
        if (download(l, p->place[i], err))
            return err->code;
        memcpy(&x, p->place[i]->host, sizeof x);
        *out = (double)x;
        return ASSAY_OK;
    }
    return ASSAY_OK;
}

/* ---- the lesson ---------------------------------------------------------------------------------------------- */

static struct assay_lesson_row *new_row(struct lesson *l, enum assay_lesson_row_kind kind, double rate)
{
    struct assay_lesson_row *row = &l->with->rows[l->out->n_rows++];
    *row = (struct assay_lesson_row){.kind = kind, .step = l->out->steps, .value = NAN, .gradient_norm = NAN, .learning_rate = rate};
    return row;
}

static void count(struct lesson *l, const struct assay_span *span, uint64_t wall_ns, const struct assay_allocations *before)
{
    struct assay_closed_loop_result *loop = &l->out->loop;
    struct assay_allocations         now = assay_allocations_so_far();
    uint64_t                         took = span->end_ns - span->begin_ns;
    if (!loop->n)
        loop->first_ns = took;
    l->with->samples[loop->n++] = took;
    loop->timed_span_ns += took;
    loop->timed_wall_ns += wall_ns > took ? wall_ns : took;
    loop->allocations.by_harness += now.by_harness - before->by_harness;
    loop->allocations.by_plugin += now.by_plugin - before->by_plugin;
    loop->last = *span;
    if (span->device_ns) {
        loop->device_ns_sum += span->device_ns;
        loop->device_ns_n++;
    }
}

static enum assay_code train_once(struct lesson *l, struct assay_error *err)
{
    const struct assay_lesson_run *w = l->with;
    uint64_t                       n = l->out->steps + 1;
    double                         rate = w->lesson->learning_rate(w->params, n);
    struct assay_span              span;
    if (fill_inputs(l, &l->step, n, rate, err))
        return err->code;
    uint64_t begin = assay_clock_now_ns();
    if (send(l, &l->step, err))
        return err->code;
    if (w->counters)
        assay_counters_resume(w->counters);
    if (w->meter)
        assay_meter_start(w->meter);
    struct assay_allocations before = assay_allocations_so_far();
    uint64_t                 launched = assay_clock_now_ns();
    if (execute(l, &l->step, &span, err))
        return assay_error_in(err, "training step %" PRIu64, n);
    uint64_t wall = assay_clock_now_ns() - launched;
    if (w->meter)
        assay_meter_stop(w->meter);
    if (w->counters)
        assay_counters_pause(w->counters);
    l->out->steps = n;
    count(l, &span, wall, &before);
    struct assay_lesson_row *row = new_row(l, ASSAY_LESSON_STEP, rate);
    if (scalar(l, &l->step, NULL, &row->value, err) || scalar(l, &l->step, "gradient_norm", &row->gradient_norm, err))
        return err->code;
    l->elapsed_ns += assay_clock_now_ns() - begin;
    row->span_ns = span.end_ns - span.begin_ns;
    row->elapsed_ns = l->elapsed_ns;
    l->out->not_finite = !isfinite(row->value);
    return ASSAY_OK;
}

double assay_lesson_wrong(const float *scores, const int64_t *labels, int64_t items, int64_t classes)
{
    double wrong = 0;
    for (int64_t i = 0; i < items; i++) {
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            if (!(scores[i * classes + c] <= scores[i * classes + best]))
                best = c;
        wrong += best != labels[i] || !isfinite(scores[i * classes + best]);
    }
    return wrong;
}

/* Quality of one batch, of all its items together. */
static enum assay_code batch_quality(struct lesson *l, uint64_t batch, double *out, struct assay_error *err)
{
    const struct assay_lesson_run *w = l->with;
    int32_t                        output;
    (void)assay_graph_outputs(w->evaluation, &output, 1);
    const struct assay_value *v = &w->evaluation->values[output];
    if (w->lesson->quality == ASSAY_QUALITY_LOSS)
        return scalar(l, &l->evaluation, NULL, out, err);
    if (download(l, l->evaluation.place[output], err))
        return err->code;
    if (!w->lesson->data(w->params, w->seed, true, batch, "labels", l->labels))
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no labels");
    *out = assay_lesson_wrong((const float *)(const void *)l->evaluation.place[output]->host, l->labels, v->dims[0], v->dims[1]) /
           (double)v->dims[0];
    return ASSAY_OK;
}

static enum assay_code evaluate(struct lesson *l, struct assay_error *err)
{
    const struct assay_lesson_terms *t = &l->out->terms;
    double                           sum = 0, one = NAN;
    uint64_t                         spans = 0;
    for (uint64_t b = 0; b < t->evaluation_batches; b++) {
        struct assay_span span;
        if (fill_inputs(l, &l->evaluation, b, 0, err))
            return err->code;
        uint64_t begin = assay_clock_now_ns();
        if (send(l, &l->evaluation, err) || execute(l, &l->evaluation, &span, err) || batch_quality(l, b, &one, err))
            return assay_error_in(err, "evaluation behind step %" PRIu64 ", batch %" PRIu64, l->out->steps, b);
        l->elapsed_ns += assay_clock_now_ns() - begin;
        spans += span.end_ns - span.begin_ns;
        sum += one;
    }
    struct assay_lesson_row *row = new_row(l, ASSAY_LESSON_EVALUATION, NAN);
    l->out->evaluations++;
    l->out->quality = row->value = sum / (double)t->evaluation_batches;
    row->span_ns = spans;
    row->elapsed_ns = l->elapsed_ns;
    if (l->out->quality <= t->target) {
        l->out->reached = true;
        l->out->reached_step = l->out->steps;
        l->out->reached_ns = l->elapsed_ns;
    }
    return ASSAY_OK;
}

static void tell_progress(const struct lesson *l)
{
    const struct assay_lesson_run *w = l->with;
    if (w->progress && l->out->steps % PROGRESS_EVERY == 1)
        w->progress(w->self, (double)l->out->steps / (double)l->out->terms.max_steps, w->samples[l->out->loop.n - 1]);
}

/* The net is evaluated every so many steps and, however it ends, at the end. */
static enum assay_code learn(struct lesson *l, struct assay_error *err)
{
    struct assay_lesson_result      *out = l->out;
    const struct assay_lesson_terms *t = &out->terms;
    bool                             evaluated = false;
    l->begin_ns = assay_clock_now_ns();
    while (!out->reached && !out->not_finite && out->steps < t->max_steps && out->loop.n < l->with->max_samples) {
        if (train_once(l, err))
            return err->code;
        tell_progress(l);
        evaluated = out->steps % t->evaluate_every == 0;
        if (evaluated && evaluate(l, err))
            return err->code;
        if (!out->reached && assay_clock_now_ns() - l->begin_ns > l->with->max_ns) {
            out->hit_wall_limit = true;
            break;
        }
    }
    return evaluated || out->not_finite ? ASSAY_OK : evaluate(l, err);
}

static enum assay_code hand_over(struct lesson *l, struct assay_error *err)
{
    const struct assay_lesson_run *w = l->with;
    int32_t                       *value = malloc(w->evaluation->n_values * sizeof *value);
    const void                   **at = calloc(w->evaluation->n_values, sizeof *at);
    enum assay_code                code = value && at ? ASSAY_OK : no_memory(err);
    size_t                         n = code ? 0 : assay_lesson_params(w->evaluation, value, w->evaluation->n_values);
    for (size_t i = 0; i < n && !code; i++) {
        code = download(l, l->evaluation.place[value[i]], err);
        at[i] = l->evaluation.place[value[i]]->host;
    }
    if (!code && w->learned)
        code = w->learned(w->self, at, n, err);
    free(value);
    free(at);
    return code;
}

enum assay_code assay_lesson_run(const struct assay_lesson_run *with, struct assay_lesson_result *out, struct assay_error *err)
{
    struct lesson l = {.with = with, .out = out};
    *out = (struct assay_lesson_result){.quality = NAN};
    with->lesson->terms(with->params, &out->terms);
    assay_random_init(&l.entropy, assay_random_entropy());
    enum assay_code code = make(&l, err);
    if (!code) {
        if (with->begun)
            with->begun(with->self);
        code = learn(&l, err);
    }
    if (!code)
        code = hand_over(&l, err);
    release(&l);
    return code;
}
