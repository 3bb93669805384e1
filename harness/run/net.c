#include "harness/run/net.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/load/lesson.h"
#include "harness/run/loader.h"
#include "suites/weights/value_source.h"

#include "assay/banned.h"

#define TRAINER "cpu"

static enum assay_code keep_params(void *self, const void *const *params, size_t n, struct assay_error *err)
{
    struct assay_net         *net = self;
    const struct assay_graph *g = net->evaluation;
    int32_t                  *value = malloc((n + 1) * sizeof *value);
    if (!value)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a net of %zu params", n);
    (void)assay_lesson_params(g, value, n);
    for (size_t i = 0; i < n && !err->code; i++) {
        size_t bytes = (size_t)g->values[value[i]].bytes;
        if ((net->param[value[i]] = malloc(bytes + 1)))
            memcpy(net->param[value[i]], params[i], bytes);
        else
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a net of %zu params", n);
    }
    free(value);
    return err->code;
}

static enum assay_code learn(const struct assay_case *c, uint64_t seed, const struct assay_opened *opened, const struct assay_graph *step,
                             struct assay_net *net, struct assay_error *err)
{
    const struct assay_lesson *lesson = c->workload->lesson;
    struct assay_lesson_terms  terms;
    struct assay_lesson_result result;
    lesson->terms(c->params, &terms);
    struct assay_lesson_row *rows = calloc((size_t)assay_lesson_rows(&terms) + 1, sizeof *rows);
    uint64_t                *samples = calloc((size_t)terms.max_steps + 1, sizeof *samples);
    struct assay_lesson_run  how = {
         .backend = opened->backend, .session = opened->session, .device = &opened->device, .lesson = lesson, .params = c->params,
         .step = step, .evaluation = net->evaluation, .seed = seed, .timeout_ns = c->repeat.timeout_ns, .max_ns = UINT64_MAX, .rows = rows,
         .samples = samples, .max_samples = terms.max_steps, .learned = keep_params, .self = net,
    };
    if (!rows || !samples)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the curve of %llu steps", (unsigned long long)terms.max_steps);
    else if (!assay_lesson_run(&how, &result, err)) {
        net->steps = result.steps;
        net->quality = result.quality;
        net->target = terms.target;
        net->reached = result.reached;
    }
    free(rows);
    free(samples);
    return err->code;
}

enum assay_code assay_net_train(const struct assay_case *c, uint64_t seed, struct assay_net *out, struct assay_error *err)
{
    struct assay_graph *step = NULL;
    struct assay_opened opened;
    *out = (struct assay_net){.evaluation = assay_graph_new("evaluation")};
    if (!out->evaluation)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    if (c->workload->lesson->build_evaluation(c->params, out->evaluation, err) || assay_case_graph(c, &step, err))
        return assay_error_in(err, "building what '%.80s' learns", c->name);
    out->param = calloc((size_t)out->evaluation->n_values + 1, sizeof *out->param);
    if (!out->param)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a net");
    else if (!assay_backend_open(TRAINER, NULL, &opened, err)) {
        (void)assay_string_copy(out->trainer, sizeof out->trainer, opened.canonical);
        (void)learn(c, seed, &opened, step, out, err);
        assay_backend_close(&opened);
    }
    assay_graph_free(step);
    return err->code ? assay_error_in(err, "training the net of '%.80s'", c->name) : ASSAY_OK;
}

void assay_net_release(struct assay_net *net)
{
    for (uint32_t v = 0; net->param && v < net->evaluation->n_values; v++)
        free(net->param[v]);
    free(net->param);
    assay_graph_free(net->evaluation);
    *net = (struct assay_net){0};
}

/* ---- what a graph is given ------------------------------------------------------------------------------------- */

static const void *of_net(const struct assay_net *net, const struct assay_value *v)
{
    int32_t at = net ? assay_graph_find(net->evaluation, v->name) : ASSAY_NO_VALUE;
    bool    same = at != ASSAY_NO_VALUE && net->param[at] && net->evaluation->values[at].dtype == v->dtype &&
                assay_value_same_shape(&net->evaluation->values[at], v);
    return same ? net->param[at] : NULL;
}

enum assay_code assay_given_new(const struct assay_graph *g, const struct assay_net *net, uint64_t seed, void ***out,
                                struct assay_error *err)
{
    void **given = calloc((size_t)g->n_values + 1, sizeof *given);
    if (!given)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what a graph is given");
    for (uint32_t i = 0; i < g->n_values && !err->code; i++) {
        const struct assay_value *v = &g->values[i];
        if (v->producer >= 0 || v->role == ASSAY_ROLE_CONST)
            continue;
        const void *learned = of_net(net, v);
        if (!(given[i] = malloc((size_t)v->bytes + 1)))
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.60s', %llu bytes", v->name, (unsigned long long)v->bytes);
        else if (learned)
            memcpy(given[i], learned, (size_t)v->bytes);
        else
            (void)assay_value_fill(NULL, g, (int32_t)i, seed, 0, given[i], err);
    }
    if (err->code) {
        assay_given_free(g, given);
        return err->code;
    }
    *out = given;
    return ASSAY_OK;
}

void assay_given_free(const struct assay_graph *g, void **given)
{
    for (uint32_t v = 0; given && v < g->n_values; v++)
        free(given[v]);
    free(given);
}
