#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/ir/graph.h"
#include "harness/ir/onnx/spell.h"
#include "harness/ir/ops.h"
#include "harness/load/verdict_loadgen.h"
#include "harness/measure/counters.h"
#include "harness/model/cluster/system.h"
#include "harness/plan/plan.h"
#include "harness/plan/scenario.h"
#include "harness/run/job.h"
#include "harness/run/loader.h"
#include "harness/store/record.h"
#include "suites/blocks/model_shape.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define PROBE_TIMEOUT_NS (20 * ASSAY_NS_PER_S)

struct list_options {
    bool json;
};

static const struct assay_option options[] = {
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct list_options, json), .dflt = "false",
     .help = "print JSON instead of a table"},
    {0},
};

/* Rows collected once, printed as a table or as JSON with the titles for keys. */
struct listing {
    const char *const *titles;
    struct assay_table table;
    json_t            *json;
};

static void begin(struct listing *l, const char *const *titles)
{
    l->titles = titles;
    assay_table_init(&l->table, titles);
    l->json = json_array();
}

static void add(struct listing *l, const char *const *cells)
{
    json_t *object = json_object();
    for (size_t i = 0; l->titles[i]; i++)
        json_object_set_new(object, l->titles[i] + (l->titles[i][0] == '>'), assay_json_string(cells[i]));
    json_array_append_new(l->json, object);
    assay_table_row(&l->table, cells);
}

static void add_suite(void *self, const char *name, const char *about)
{
    add(self, (const char *const[]){name, about});
}

static enum assay_code suites(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"suite", "about", NULL};
    begin(l, titles);
    return assay_suites_list(add_suite, l, err);
}

static enum assay_code workloads(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"workload", "phases", "parameters", "about", NULL};
    size_t                   n;
    const struct assay_workload *const *all = assay_workloads(&n);
    begin(l, titles);
    for (size_t i = 0; i < n; i++) {
        char              phases[128], params[1024];
        struct assay_text p = ASSAY_TEXT(phases), q = ASSAY_TEXT(params);
        void             *target = calloc(1, all[i]->params_bytes + 1);
        for (size_t k = 0; all[i]->phases && all[i]->phases[k]; k++)
            assay_text_add(&p, "%s%s", k ? "," : "", all[i]->phases[k]);
        if (target && !assay_options_defaults(all[i]->params, target, err))
            assay_options_write(all[i]->params, target, &q);
        free(target);
        add(l, (const char *const[]){all[i]->name, phases, params, all[i]->summary});
    }
    return err->code;
}

struct model_listing {
    struct listing     *l;
    struct assay_error *err;
};

/* The count is that of the graph that would be run. */
static void add_model(void *self, const struct assay_model_shape *shape)
{
    struct model_listing *m = self;
    struct assay_case     c;
    struct assay_graph   *g = NULL;
    char                  name[128], layers[24], count[48];
    (void)snprintf(name, sizeof name, "decoder.prefill/tokens=1,model=%s", shape->name);
    if (m->err->code || assay_case_parse(name, &c, m->err))
        return;
    if (!assay_case_graph(&c, &g, m->err)) {
        (void)snprintf(layers, sizeof layers, "%lld", (long long)shape->layers);
        assay_table_digits(count, assay_graph_parameters(g));
        add(m->l, (const char *const[]){shape->name, shape->inferred ? "inferred" : "published", layers, count, shape->about});
    }
    assay_graph_free(g);
    assay_case_release(&c);
}

static enum assay_code models(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"model", "status", ">layers", ">parameters", "about", NULL};
    struct assay_error       built = {.code = ASSAY_OK};
    struct model_listing     m = {l, &built};
    begin(l, titles);
    if (!assay_model_shapes_list(add_model, &m, err) && built.code)
        *err = built;
    return err->code;
}

struct backend_listing {
    struct listing *l;
    bool            devices;
};

static void add_backend(void *self, const char *name, const char *path)
{
    struct backend_listing *b = self;
    struct assay_error      err = {.code = ASSAY_OK};
    json_t                 *probe = NULL;
    char                    count[64];
    if (assay_job_probe(name, PROBE_TIMEOUT_NS, &probe, &err)) {
        if (!b->devices)
            add(b->l, (const char *const[]){name, "no", err.message, path});
        return;
    }
    const json_t *devices = json_object_get(probe, "devices");
    for (size_t i = 0; b->devices && i < json_array_size(devices); i++) {
        const json_t     *d = json_array_get(devices, i);
        struct assay_text text = ASSAY_TEXT(count);
        double bytes = json_number_value(json_object_get(d, "memory_bytes"));
        if (bytes > 0)
            assay_string_quantity(&text, bytes, "B", 3);
        else
            assay_text_add(&text, "–");
        static const char *const clocks[] = {"?", "host", "device", "model"};
        json_int_t               clock = json_integer_value(json_object_get(d, "clock"));
        bool values = json_integer_value(json_object_get(d, "traits")) & ASSAY_TRAIT_VALUES;
        char full[160];
        struct assay_text name_text = ASSAY_TEXT(full);
        assay_text_add(&name_text, "%s:%s", name, json_string_value(json_object_get(d, "name")));
        add(b->l, (const char *const[]){full, json_string_value(json_object_get(d, "product")), count, values ? "yes" : "no",
                                        clocks[clock >= 1 && clock <= 3 ? clock : 0],
                                        json_string_value(json_object_get(d, "how_known"))});
    }
    if (!b->devices) {
        struct assay_text text = ASSAY_TEXT(count);
        assay_text_add(&text, "yes, %zu device%s", json_array_size(devices), json_array_size(devices) == 1 ? "" : "s");
        add(b->l, (const char *const[]){name, count, json_string_value(json_object_get(probe, "summary")), path});
    }
    json_decref(probe);
}

static enum assay_code backends(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"backend", "usable", "about", "file", NULL};
    struct backend_listing   b = {l, false};
    begin(l, titles);
    return assay_backend_list(add_backend, &b, err);
}

static enum assay_code devices(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"device", "product", ">memory", "values", "clock", "how it is known", NULL};
    struct backend_listing   b = {l, true};
    begin(l, titles);
    return assay_backend_list(add_backend, &b, err);
}

static enum assay_code ops(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"op", "domain", "tier", ">inputs", ">outputs", NULL};
    size_t                   n, spelled = 0;
    const struct assay_op_row *rows = assay_op_rows(&n);
    (void)err;
    begin(l, titles);
    for (size_t i = 0; i < n; i++) {
        char in[32], out[32];
        (void)snprintf(in, sizeof in, "%u–%u", rows[i].min_inputs, rows[i].max_inputs);
        (void)snprintf(out, sizeof out, "%u–%u", rows[i].min_outputs, rows[i].max_outputs);
        add(l, (const char *const[]){rows[i].name, *rows[i].domain ? rows[i].domain : "onnx",
                                     "core", in, out});
    }
    for (const char *name; (name = assay_onnx_spelled_at(spelled)); spelled++) /* read from files, computed by core ops */
        add(l, (const char *const[]){name, "onnx", "import", "–", "–"});
    return ASSAY_OK;
}

static enum assay_code counters(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"counter", "provider", "unit", "status", "why not", NULL};
    struct assay_counters   *set;
    size_t                   n;
    begin(l, titles);
    if (assay_counters_open(&set, err))
        return err->code;
    assay_counters_resume(set);
    assay_counters_pause(set);
    const struct assay_counter *c = assay_counters_read(set, &n);
    for (size_t i = 0; i < n; i++)
        add(l, (const char *const[]){c[i].name, c[i].provider, c[i].unit, assay_counter_status_name(c[i].status), c[i].why});
    assay_counters_close(set);
    return ASSAY_OK;
}

static enum assay_code metrics(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"metric", "unit", "better", "definition", NULL};
    static const char *const better[] = {"none", "lower", "higher"};
    (void)err;
    begin(l, titles);
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++) {
        const struct assay_metric_row *row = assay_metric_row((enum assay_metric)i);
        add(l, (const char *const[]){row->name, row->unit, better[row->better], row->definition});
    }
    return ASSAY_OK;
}

/* What a run of the least length buys is said for each profile; a trace is as long as it is. */
static enum assay_code add_scenario(struct listing *l, const struct assay_scenario_row *row, const char *profile,
                                    struct assay_error *err)
{
    struct assay_scenario s;
    char                  spelled[80], length[64] = "", proves[80] = "";
    struct assay_text     text = ASSAY_TEXT(length), about = ASSAY_TEXT(proves);
    (void)snprintf(spelled, sizeof spelled, "%s/profile=%s%s", row->name, profile, row->type == ASSAY_TRACE ? ",trace=x" : "");
    if (assay_scenario_parse(spelled, &s, err))
        return err->code;
    if (row->type == ASSAY_TRACE)
        assay_text_add(&text, "the file's");
    else
        assay_text_add(&text, "%llu s and %llu", (unsigned long long)(s.min_duration_ns / ASSAY_NS_PER_S),
                       (unsigned long long)s.min_queries);
    if (row->type != ASSAY_TRACE && row->type != ASSAY_OFFLINE)
        assay_early_stopping_tell(s.percentile, s.min_queries, &about);
    add(l, (const char *const[]){row->name, profile, length, proves, row->about});
    return ASSAY_OK;
}

static enum assay_code scenarios(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"scenario", "profile", "least time and queries", "with 99 % certainty", "about", NULL};
    begin(l, titles);
    for (const struct assay_scenario_row *row = assay_scenarios; row->name; row++)
        if (add_scenario(l, row, "short", err) || (row->type != ASSAY_TRACE && add_scenario(l, row, "loadgen", err)))
            return err->code;
    return ASSAY_OK;
}

static void add_system(void *self, const char *name, const struct assay_system *s, const struct assay_error *why_not)
{
    char              devices[48], tiers[200];
    struct assay_text joined = ASSAY_TEXT(tiers);
    if (!s) {
        add(self, (const char *const[]){name, "", "", "", why_not->message});
        return;
    }
    assay_table_digits(devices, (uint64_t)s->devices);
    for (size_t i = 0; i < s->n_tiers; i++)
        assay_text_add(&joined, "%s%lld by %s", i ? ", " : "", (long long)s->tiers[i].units, assay_topology_names[s->tiers[i].topology]);
    add(self, (const char *const[]){name, devices, s->device, tiers, s->about});
}

static enum assay_code systems(struct listing *l, struct assay_error *err)
{
    static const char *const titles[] = {"system", ">devices", "device", "tiers", "about", NULL};
    begin(l, titles);
    return assay_systems_list(add_system, l, err);
}

static const struct {
    const char *name;
    enum assay_code (*make)(struct listing *l, struct assay_error *err);
} lists[] = {{"suites", suites}, {"workloads", workloads}, {"models", models}, {"backends", backends}, {"devices", devices}, {"systems", systems},
             {"ops", ops},       {"counters", counters},   {"metrics", metrics}, {"scenarios", scenarios}};

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct list_options *o = given_options;
    const char                *names[sizeof lists / sizeof *lists];
    (void)given;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        names[i] = lists[i].name;
        if (n != 1 || strcmp(operands[0], lists[i].name) != 0)
            continue;
        struct listing     l = {0};
        struct assay_error err = {.code = ASSAY_OK};
        (void)lists[i].make(&l, &err);
        if (!err.code && o->json)
            assay_cli_print_json(json_incref(l.json));
        else if (!err.code)
            assay_table_print(&l.table, stdout);
        assay_table_release(&l.table);
        json_decref(l.json);
        return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
    }
    static const char known[] = "suites, workloads, models, backends, devices, systems, ops, counters, metrics, scenarios";
    if (n != 1)
        return assay_cli_usage("list needs one of %s", known);
    const char *near = assay_string_nearest(operands[0], names, sizeof names / sizeof *names);
    return near ? assay_cli_usage("there is no list of '%.40s'; did you mean '%s'?", operands[0], near)
                : assay_cli_usage("there is no list of '%.40s'; there are: %s", operands[0], known);
}

const struct assay_verb assay_verb_list = {
    .name = "list",
    .operands = "suites|workloads|models|backends|devices|systems|ops|counters|metrics|scenarios",
    .summary = "lists what there is, each absence with its reason",
    .options = options,
    .options_bytes = sizeof(struct list_options),
    .run = run,
};
