#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/show_summary.h"
#include "harness/cli/table.h"
#include "harness/ir/graph.h"
#include "harness/ir/live.h"
#include "harness/ir/ops.h"
#include "harness/load/graph_target.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"

#include "assay/banned.h"

struct show_options {
    char backend[512];
    bool nodes, json;
};

#define MANY_NODES 24 /* a graph of more is summed up, unless all are asked for */

static const struct assay_option options[] = {
    {.name = "backend", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct show_options, backend), .bytes = 512, .dflt = "cpu",
     .help = "for the command line that runs it"},
    {.name = "nodes", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct show_options, nodes), .dflt = "false",
     .help = "list every value and node, also of a large graph"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct show_options, json), .dflt = "false",
     .help = "print JSON"},
    {0},
};

static const char *role_name(enum assay_role role)
{
    static const char *const names[] = {"?", "input", "control", "param", "state", "const", "temp", "output"};
    return role >= ASSAY_ROLE_INPUT && role <= ASSAY_ROLE_OUTPUT ? names[role] : names[0];
}

static void quantity(char out[48], double value, const char *unit)
{
    struct assay_text text = assay_text_over(out, 48);
    assay_string_quantity(&text, value, unit, 4);
}

static void print_values(const struct assay_graph *g)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"value", "role", "type", ">bytes", NULL});
    for (uint32_t i = 0; i < g->n_values; i++) {
        char              type[96], bytes[48];
        struct assay_text text = ASSAY_TEXT(type);
        assay_value_describe(&g->values[i], &text);
        quantity(bytes, (double)g->values[i].bytes, "B");
        assay_table_row(&table, (const char *const[]){g->values[i].name, role_name(g->values[i].role), type, bytes});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static void print_nodes(const struct assay_graph *g)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"node", "op", ">flops", ">functions", ">read", ">written", ">flop/B",
                                                   "accumulator", NULL});
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct assay_cost       c = assay_node_cost(g, &g->nodes[i]);
        struct assay_arithmetic a = assay_arithmetic_required(g, &g->nodes[i]);
        char flops[48], functions[48], read[48], written[48], intensity[48], bound[64];
        quantity(flops, (double)c.flops, "flop");
        quantity(functions, (double)c.transcendentals, "");
        quantity(read, (double)c.read_bytes, "B");
        quantity(written, (double)c.written_bytes, "B");
        double bytes = (double)(c.read_bytes + c.written_bytes);
        (void)snprintf(intensity, sizeof intensity, "%.3g", bytes > 0 ? (double)c.flops / bytes : 0);
        (void)snprintf(bound, sizeof bound, "u = %.3g", a.accumulate);
        assay_table_row(&table, (const char *const[]){g->nodes[i].name, g->nodes[i].op->name, flops, functions, read, written,
                                                      intensity, bound});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

/* Half the flops of products and convolutions: what papers count as a model's work. Attention's own products are in. */
static double multiply_adds(const struct assay_graph *g)
{
    static const char *const products[] = {"MatMul", "MatMulInteger", "Gemm", "Conv", "Attention", "assay.GroupedMatMul"};
    double                   n = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        for (size_t k = 0; k < sizeof products / sizeof *products; k++)
            if (!strcmp(g->nodes[i].op->qualified, products[k]))
                n += (double)assay_node_cost(g, &g->nodes[i]).flops / 2;
    return n;
}

static json_t *fill_json(const struct assay_fill *fill)
{
    static const char *const kinds[] = {"none", "uniform", "normal", "constant", "integers", "iota"};
    return json_pack("{s:s, s:o, s:o}", "kind", kinds[fill->kind], "a", assay_json_number(fill->a), "b", assay_json_number(fill->b));
}

static json_t *as_json(const struct assay_case *c, const struct assay_graph *g)
{
    struct assay_cost cost = assay_graph_cost(g);
    json_t           *nodes = json_array(), *values = json_array();
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct assay_cost x = assay_node_cost(g, &g->nodes[i]);
        json_array_append_new(nodes, json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", g->nodes[i].name, "op", g->nodes[i].op->name,
                                               "flops", assay_json_u64(x.flops), "read_bytes", assay_json_u64(x.read_bytes),
                                               "written_bytes", assay_json_u64(x.written_bytes)));
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        char              type[96];
        struct assay_text text = ASSAY_TEXT(type);
        assay_value_describe(&g->values[i], &text);
        json_t *value = json_pack("{s:s, s:s, s:s, s:o}", "name", g->values[i].name, "role", role_name(g->values[i].role), "type",
                                  type, "bytes", assay_json_u64(g->values[i].bytes));
        if (g->values[i].fill.kind != ASSAY_FILL_NONE)
            json_object_set_new(value, "fill", fill_json(&g->values[i].fill));
        json_array_append_new(values, value);
    }
    struct assay_live live;
    bool              known = assay_graph_live(g, &live);
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "weights_bytes",
                     known ? assay_json_u64(live.param_bytes) : json_null(), "state_bytes", known ? assay_json_u64(live.state_bytes) : json_null(),
                     "live_bytes", known ? assay_json_u64(live.peak_bytes) : json_null(), "case", c->name, "id", c->id, "parameters",
                     assay_json_u64(assay_graph_parameters(g)), "multiply_adds", assay_json_number(multiply_adds(g)), "flops", assay_json_u64(cost.flops),
                     "transcendentals", assay_json_u64(cost.transcendentals), "read_bytes", assay_json_u64(cost.read_bytes),
                     "written_bytes", assay_json_u64(cost.written_bytes), "nodes", nodes, "values", values);
}

/* Weights, and the most that lies between inputs and outputs at a time. */
static void print_live(const struct assay_graph *g)
{
    struct assay_live live;
    char              weights[48], states[48], peak[48];
    if (!assay_graph_live(g, &live))
        return;
    quantity(weights, (double)live.param_bytes, "B");
    quantity(states, (double)live.state_bytes, "B");
    quantity(peak, (double)live.peak_bytes, "B");
    if (live.param_bytes)
        printf("weights   %s", weights);
    if (live.state_bytes)
        printf("%s%s", live.param_bytes ? ", and states " : "states    ", states);
    if (live.param_bytes || live.state_bytes)
        puts("");
    if (g->n_nodes > 1)
        printf("live      %s of results at most, while '%s' runs (in node order, nothing in place)\n", peak, g->nodes[live.at_node].name);
}

static void print_listing(const struct assay_graph *g, bool all)
{
    puts("");
    if (all || g->n_nodes <= MANY_NODES) {
        print_values(g);
        puts("");
        print_nodes(g);
        return;
    }
    assay_show_ops(g, stdout);
    puts("");
    assay_show_layers(g, stdout);
    printf("\n%u values and %u nodes; --nodes lists them. Bytes are each node's own: its operands and results once.\n", g->n_values, g->n_nodes);
}

/* The graph, of several ranks the first one's. */
static enum assay_code first_graph(const struct assay_case *c, struct assay_graph **out, struct assay_error *err)
{
    uint32_t n;
    if (assay_case_ranks(c, &n, err))
        return err->code;
    return n > 1 ? assay_case_rank_graph(c, 0, out, err) : assay_case_graph(c, out, err);
}

/* Of a case that is spread over ranks, whose graph this is and what it exchanges. */
static void print_ranks(const struct assay_case *c, const struct assay_cost *cost)
{
    struct assay_error err = {.code = ASSAY_OK};
    char               messages[48];
    uint32_t           n = 1;
    if (!c->workload->ranks || c->workload->ranks(c->params, c->phase, &n, &err) || n < 2)
        return;
    quantity(messages, (double)cost->payload_bytes, "B");
    printf("ranks     %u; what follows is the first one's, whose messages are %s\n", n, messages);
}

static void print_case(const struct assay_case *c, const struct assay_graph *g, const char *backend, bool all)
{
    struct assay_cost cost = assay_graph_cost(g);
    char              flops[48], bytes[48], device_text[48], host_text[48];
    uint64_t          device, host;
    assay_graph_target_bytes(g, ASSAY_MIN_SETS, &device, &host);
    quantity(flops, (double)cost.flops, "flop");
    quantity(bytes, (double)(cost.read_bytes + cost.written_bytes), "B");
    quantity(device_text, (double)device, "B");
    quantity(host_text, (double)host, "B");
    printf("case      %s\nid        %s\nabout     %s\nheadline  %s\nwork      %s, %s moved (inputs once, outputs once)\n"
           "memory    %s on the device, %s on the host (%u input sets)\n",
           c->name, c->id, c->workload->summary, c->workload->headline, flops, bytes, device_text, host_text, ASSAY_MIN_SETS);
    print_ranks(c, &cost);
    if (assay_graph_parameters(g)) {
        char count[48], work[48];
        assay_table_digits(count, assay_graph_parameters(g));
        quantity(work, multiply_adds(g), "MAC");
        printf("model     %s parameters, %s in products\n", count, work);
    }
    print_live(g);
    print_listing(g, all);
    char *name = assay_string_escaped(ASSAY_ESCAPE_SHELL, c->name), *where = assay_string_escaped(ASSAY_ESCAPE_SHELL, backend);
    printf("\nrun it    assay run %s --backend %s\n", name ? name : c->name, where ? where : backend);
    free(name);
    free(where);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct show_options *o = given_options;
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_case          c;
    struct assay_graph        *g = NULL;
    (void)given;
    if (n != 1)
        return assay_cli_usage("show needs one case: assay show gemm/m=64,n=64,k=64");
    if (assay_case_parse(operands[0], &c, &err))
        return assay_cli_fail(&err);
    if (!first_graph(&c, &g, &err) && g) {
        if (o->json)
            assay_cli_print_json(as_json(&c, g));
        else
            print_case(&c, g, o->backend, o->nodes);
    }
    assay_graph_free(g);
    assay_case_release(&c);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_show = {
    .name = "show",
    .operands = "CASE",
    .summary = "shows a case: its graph, flops, bytes, memory, and the command that runs it",
    .options = options,
    .options_bytes = sizeof(struct show_options),
    .run = run,
};
