#include "harness/run/model_run.h"

#include <string.h>

#include "harness/base/json.h"
#include "harness/plan/plan.h"
#include "harness/run/layers_run.h"
#include "harness/run/loader.h"
#include "harness/run/net.h"
#include "harness/run/quality_run.h"
#include "harness/verify/check.h"

#include "assay/banned.h"

static enum assay_code search(const struct assay_opened *opened, const struct assay_case *c, uint64_t seed, json_t *out, struct assay_error *err)
{
    struct assay_graph *g = NULL;
    void              **given = NULL;
    json_t             *found = NULL;
    char                said[256] = "";
    struct assay_text   why = ASSAY_TEXT(said);
    if (!assay_case_graph(c, &g, err)) {
        if (!assay_layers_fit(g, &why))
            found = assay_not_checked_json(said);
        else if (!assay_given_new(g, NULL, seed, &given, err))
            (void)assay_layers_run(opened, g, (const void *const *)given, &found, err);
    }
    if (!err->code)
        (void)json_object_set_new(out, "layers", found);
    else
        json_decref(found);
    if (given)
        assay_given_free(g, given);
    assay_graph_free(g);
    return err->code;
}

/* What the search does not take, decoding would not either. */
static bool is_checked(const json_t *found)
{
    const char *outcome = json_string_value(json_object_get(json_object_get(found, "layers"), "outcome"));
    return outcome && strcmp(outcome, assay_outcome_name(ASSAY_NOT_CHECKED)) != 0;
}

static enum assay_code tokens(const struct assay_opened *opened, const struct assay_case *c, const struct assay_net *net, uint64_t seed,
                              json_t *out, struct assay_error *err)
{
    json_t *found = NULL;
    if (!assay_tokens_run(opened, c, net, seed, &found, err))
        (void)json_object_set_new(out, "tokens", found);
    return err->code;
}

/* The trained net layer by layer, on its lesson's first unseen batch. */
static enum assay_code search_net(const struct assay_opened *opened, const struct assay_case *c, const struct assay_net *net, uint64_t seed,
                                  json_t *out, struct assay_error *err)
{
    const struct assay_graph *g = net->evaluation;
    void                    **given = NULL;
    json_t                   *found = NULL;
    if (assay_given_new(g, net, seed, &given, err))
        return err->code;
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].role == ASSAY_ROLE_INPUT && !c->workload->lesson->data(c->params, seed, true, 0, g->values[v].name, given[v]))
            (void)ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no data for '%.60s'", g->values[v].name);
    if (!err->code && !assay_layers_run(opened, g, (const void *const *)given, &found, err))
        (void)json_object_set_new(out, "layers", found);
    assay_given_free(g, given);
    return err->code;
}

static enum assay_code learned(const struct assay_opened *opened, const struct assay_case *c, uint64_t seed, json_t *out, struct assay_error *err)
{
    struct assay_net net;
    json_t          *found = NULL;
    if (!assay_net_train(c, seed, &net, err) && !assay_quality_run(opened, c, &net, seed, &found, err)) {
        (void)json_object_set_new(out, "quality", found);
        if (!search_net(opened, c, &net, seed, out, err) && assay_tokens_apply(c))
            (void)tokens(opened, c, &net, seed, out, err);
    }
    assay_net_release(&net);
    return err->code;
}

/* The case is as bad as the worst of what was looked at; a part that the back end does not take costs only itself. */
static void conclude(json_t *out)
{
    static const char *const parts[] = {"layers", "quality", "tokens"};
    static const char *const worse_last[] = {"not_checked", "pass", "marginal", "untrusted", "fail"};
    size_t                   worst = 0;
    char                     said[1600] = "";
    struct assay_text        why = ASSAY_TEXT(said);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        const json_t *part = json_object_get(out, parts[p]);
        const char   *outcome = json_string_value(json_object_get(part, "outcome"));
        if (!outcome)
            continue;
        for (size_t k = worst; k < sizeof worse_last / sizeof *worse_last; k++)
            worst = strcmp(worse_last[k], outcome) ? worst : k;
        assay_text_add(&why, "%s%s: %s", *said ? " | " : "", parts[p], json_string_value(json_object_get(part, "why")));
    }
    (void)json_object_set_new(out, "outcome", json_string(worse_last[worst]));
    (void)json_object_set_new(out, "why", assay_json_string(said));
}

enum assay_code assay_model_run(const char *backend, const char *case_name, uint64_t seed, json_t **out, struct assay_error *err)
{
    struct assay_case   c;
    struct assay_opened opened;
    json_t             *found = json_object();
    if (assay_case_parse(case_name, &c, err)) {
        json_decref(found);
        return err->code;
    }
    const struct assay_lesson *lesson = c.workload->lesson;
    if (!assay_backend_open(backend, NULL, &opened, err)) {
        (void)json_object_set_new(found, "device", assay_json_string(opened.canonical));
        if (lesson && !strcmp(lesson->phase, c.phase)) {
            (void)learned(&opened, &c, seed, found, err);
        } else if (!search(&opened, &c, seed, found, err) && is_checked(found) && !strcmp(c.phase, "decode") && assay_tokens_apply(&c)) {
            (void)tokens(&opened, &c, NULL, seed, found, err);
        }
        assay_backend_close(&opened);
    }
    assay_case_release(&c);
    if (err->code) {
        json_decref(found);
        return err->code;
    }
    conclude(found);
    *out = found;
    return ASSAY_OK;
}
