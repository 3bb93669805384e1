/* Where the time of a model goes: a run folder with a small real model whose trace has chosen times. */
#include "reports/model.h"

#include <criterion/criterion.h>
#include <math.h>

#include "harness/ir/ops.h"
#include "harness/plan/plan.h"
#include "reports/cases.h"
#include "reports/figures.h"
#include "reports/write/write.h"
#include "reports/tests/markup.h"
#include "reports/tests/sample_run.h"

#define MODEL "resnet50.infer/classes=10,image=32,width=4"
#define BACKEND "cpu:host"
#define HOSTILE_NOTE "<b>&\"'|` kernel"

static struct scratch            s;
static struct builder            b;
static struct assay_summary      run;
static struct assay_report_model m;
static struct assay_graph       *graph;
static struct assay_record      *record;

static struct assay_record *record_for(const char *name)
{
    struct assay_error   err = {0};
    struct assay_case    c;
    struct assay_record *r = sample_record(0, BACKEND, 0, 1e6);
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(graph);
    cr_assert_eq(assay_case_graph(&c, &graph, &err), ASSAY_OK, "%s", err.message);
    SAMPLE_TEXT(r->case_name, c.name);
    SAMPLE_TEXT(r->id, c.id);
    r->flops = assay_graph_cost(graph).flops;
    assay_case_release(&c);
    return r;
}

/* Node i takes 1000 (i + 1) ns; every `untold`-th (0: none) has no row. */
static void leave_trace(struct assay_record *r, uint32_t untold, const char *first_name)
{
    struct assay_error err = {0};
    struct assay_trace t = {.executions = 3, .nodes = calloc(graph->n_nodes, sizeof *t.nodes)};
    char               path[400];
    for (uint32_t i = 0; i < graph->n_nodes; i++) {
        if (untold && i % untold == 0)
            continue;
        struct assay_trace_node *node = &t.nodes[t.n++];
        node->node = i;
        node->ns = 1000.0 * (i + 1);
        SAMPLE_TEXT(node->name, t.n == 1 && first_name ? first_name : graph->nodes[i].name);
        SAMPLE_TEXT(node->op, graph->nodes[i].op->qualified);
        SAMPLE_TEXT(node->note, HOSTILE_NOTE);
    }
    assay_run_folder_file("trace", r->id, r->backend, r->launch, r->trace_file);
    (void)snprintf(path, sizeof path, "%s/%.160s", b.path, r->trace_file);
    cr_assert_eq(assay_trace_write(path, &t, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_sha256_file(path, r->trace_sha256, &err), ASSAY_OK, "%s", err.message);
    r->trace_runs = 3;
    r->traced_ns = 2e6;
    free(t.nodes);
}

static void begin(void)
{
    s = scratch_new();
    builder_begin(&b, &s, "run", builder_plan(1, BACKEND, NULL));
    record = record_for(MODEL);
}

static void finish(enum assay_outcome outcome)
{
    builder_append(&b, record);
    sample_judge(&b, record, outcome);
    builder_end(&b, &run);
    cr_assert(assay_report_model_init(&m, &run, &run.rows[0]));
}

static void end(void)
{
    assay_report_model_release(&m);
    assay_summary_release(&run);
    assay_graph_free(graph);
    scratch_remove(&s);
}

TestSuite(model, .init = begin, .fini = end, .timeout = 60);

static const char *words(void)
{
    static char       room[512];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_trace(&text, &m);
    return room;
}

static char *written(enum assay_report_format format)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &run;
    size_t                      bytes;
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, format, in(&s, "report"), &err), ASSAY_OK, "%s", err.message);
    return get_bytes(in(&s, "report"), &bytes);
}

Test(model, nodes_come_longest_first_and_ops_add_up_to_the_whole)
{
    size_t nodes = 0;
    double ns = 0, flops = 0, n = graph->n_nodes;
    leave_trace(record, 0, NULL);
    finish(ASSAY_PASS);
    cr_assert(m.n == graph->n_nodes && m.n_timed == m.n && !*m.why_not);
    cr_expect_eq(m.by_time[0], &m.nodes[m.n - 1]);
    for (size_t i = 1; i < m.n_timed; i++)
        cr_expect_geq(m.by_time[i - 1]->ns, m.by_time[i]->ns);
    for (size_t k = 0; k < m.n_ops; k++) {
        cr_expect(m.ops[k].timed == m.ops[k].n && (k == 0 || m.ops[k - 1].ns >= m.ops[k].ns));
        nodes += m.ops[k].n;
        ns += m.ops[k].ns;
        flops += m.ops[k].flops;
    }
    cr_expect(nodes == m.n && ns == 1000 * n * (n + 1) / 2 && m.sum_ns == ns && flops == (double)record->flops);
    cr_expect_str_eq(m.ops[m.nodes[0].rank].op, "Conv");
    cr_expect_float_eq(assay_report_model_share(&m, ns), 1, 1e-12);
    cr_expect_float_eq(assay_report_model_cost(&m), ns / 1e6 - 1, 1e-12);
    cr_expect_float_eq(assay_report_model_rate(8, 4) / 2e9, 1, 1e-12);
    cr_expect_eq(assay_report_model_rate(8, 0), 0);
    cr_expect(assay_report_model_peak(&m) == 2.5e9 && assay_report_model_triad(&m) == 1e9);
    cr_expect(strstr(words(), ", whose times sum to ") && strstr(words(), "medians of 3 executions; a traced execution takes 2.000 ms"), "%s", words());
    cr_expect(strstr(words(), "Without tracing the median is 1.000 ms: tracing costs "), "%s", words());
}

Test(model, nodes_that_the_back_end_does_not_tell_of_have_work_and_no_time)
{
    size_t timed = 0;
    leave_trace(record, 2, NULL);
    finish(ASSAY_PASS);
    for (size_t k = 0; k < m.n_ops; k++) {
        timed += m.ops[k].timed;
        cr_expect(m.ops[k].all_flops >= m.ops[k].flops && m.ops[k].all_bytes >= m.ops[k].bytes);
    }
    cr_expect(timed == m.n_timed && timed == m.n / 2 && !m.nodes[0].has_ns && m.nodes[1].has_ns);
    cr_expect(strstr(words(), "the back end tells of sum to"), "%s", words());
}

Test(model, tracing_that_seems_to_cost_less_than_nothing_is_said_as_it_is)
{
    leave_trace(record, 0, NULL);
    record->metric[ASSAY_METRIC_latency_ns].value = 1000.0 * graph->n_nodes * (graph->n_nodes + 1.0); /* twice the sum */
    finish(ASSAY_PASS);
    cr_expect(strstr(words(), ": the traced sum is 50.0 % below it"), "%s", words());
}

Test(model, without_a_trace_the_work_is_shown_and_the_reason)
{
    SAMPLE_TEXT(record->why_no_trace, "the back end has no trace");
    finish(ASSAY_PASS);
    cr_expect(m.n == graph->n_nodes && m.n_timed == 0 && m.n_ops > 3 && isnan(assay_report_model_cost(&m)));
    cr_expect_str_eq(m.ops[0].op, "Conv", "without times the most work comes first");
    cr_expect(strstr(words(), "nodes; no times of them: the back end has no trace"), "%s", words());
    char *page = written(ASSAY_REPORT_HTML);
    cr_expect(strstr(page, "no times of them: the back end has no trace") && !strstr(page, "<ol class=\"bars\""));
    free(page);
}

Test(model, a_trace_of_another_graph_gives_no_times)
{
    leave_trace(record, 0, "somebody");
    finish(ASSAY_PASS);
    cr_expect(m.n > 0 && m.n_timed == 0 && m.sum_ns == 0);
    cr_expect_str_eq(m.why_not, "the trace is of another graph than this program builds for the case");
}

Test(model, a_case_that_is_small_or_that_this_program_does_not_build_is_no_model)
{
    finish(ASSAY_PASS);
    cr_expect_gt(m.n, 0u, "the others differ from this one in one thing");
    for (int k = 0; k < 4; k++) {
        assay_report_model_release(&m);
        assay_summary_release(&run);
        char name[16];
        (void)snprintf(name, sizeof name, "run-%d", k);
        builder_begin(&b, &s, name, builder_plan(1, BACKEND, NULL));
        record = record_for(k == 0 ? "gemm/m=8,n=8,k=8" : MODEL);
        if (k == 1)
            record->flops++; /* another version counted otherwise */
        if (k == 2)
            SAMPLE_TEXT(record->case_name, "no.such/case=1");
        if (k == 3)
            record->status = ASSAY_STATUS_CRASHED;
        finish(ASSAY_PASS);
        cr_expect(m.n == 0 && !m.graph && !m.n_ops, "case %d", k);
    }
}

Test(model, the_page_has_bars_a_table_by_op_and_a_roofline)
{
    char   room[200];
    size_t bars = 0, hostile = 0;
    leave_trace(record, 0, NULL);
    finish(ASSAY_PASS);
    char *page = written(ASSAY_REPORT_HTML);
    cr_assert(markup_is_well_formed(page, room), "%s", room);
    char *section = strstr(page, "<section id=\"models\">"), *after = strstr(section, "<section id=\"cases\">");
    cr_assert(section && after);
    *after = 0;
    for (char *at = section; (at = strstr(at, "class=\"bar ")); at++)
        bars++;
    for (char *at = section; (at = strstr(at, "&lt;b&gt;&amp;")); at++)
        hostile++;
    cr_expect(bars == ASSAY_MODEL_BARS && hostile == ASSAY_MODEL_BARS, "%zu bars, %zu notes", bars, hostile);
    (void)snprintf(room, sizeof room, "%zu more, together", m.n - ASSAY_MODEL_BARS);
    cr_expect(strstr(section, room) && strstr(section, "style=\"width:100.00%\"") && strstr(section, "</span> Conv</th>"));
    cr_expect(strstr(section, "tracing costs") && strstr(section, "title=\"traced\"") && !strstr(section, "unproved"));
    char *keys = strstr(section, "Its nodes below the roof"); /* only where gnuplot is installed */
    if (keys)
        cr_expect(strstr(keys, "</span> Conv</li>") && !strstr(keys, "</span> Relu</li>"), "an op without flops has no point, and so no key");
    free(page);
}

Test(model, times_of_a_model_that_is_not_proved_are_struck_through)
{
    leave_trace(record, 0, NULL);
    finish(ASSAY_FAIL);
    char *page = written(ASSAY_REPORT_HTML), *section = strstr(page, "<section id=\"models\">");
    cr_expect(strstr(section, "class=\"fig unproved\" title=\"traced\"") && !strstr(section, "class=\"fig\" title=\"traced\""));
    free(page);
}

Test(model, its_roofline_has_a_point_a_node_with_work_below_the_measured_roofs)
{
    FILE               *script;
    struct assay_plots *plots = assay_plots_new();
    leave_trace(record, 0, NULL);
    finish(ASSAY_PASS);
    size_t with_work = 0;
    for (size_t i = 0; i < m.n; i++)
        with_work += m.nodes[i].cost.flops > 0;
    cr_expect(assay_model_roofline_placed(&m) == with_work && with_work > 50 && with_work < m.n);
    assay_model_roofline_begin(&m, plots);
    cr_expect_neq(m.plot, ASSAY_PLOT_NONE);
    cr_expect_eq(assay_plots_begin(plots, 10, 10, &script), 1u, "it was one plot");
    assay_plots_free(plots);
}

Test(model, without_a_measured_roof_there_is_no_roofline_and_no_share)
{
    struct assay_plots *plots = assay_plots_new();
    leave_trace(record, 0, NULL);
    record->metric[ASSAY_METRIC_ceiling_flops_per_s] = (struct assay_metric_value){.why = "no roof"};
    finish(ASSAY_PASS);
    assay_model_roofline_begin(&m, plots);
    cr_expect_eq(m.plot, ASSAY_PLOT_NONE);
    assay_plots_free(plots);
    char *page = written(ASSAY_REPORT_HTML), *section = strstr(page, "<section id=\"models\">");
    cr_expect(strstr(section, "No roofline of the nodes: the device has no measured roof."));
    free(page);
}

Test(model, text_and_csv_have_a_row_an_op_and_json_every_node)
{
    char line[200];
    leave_trace(record, 0, NULL);
    finish(ASSAY_PASS);
    const struct assay_model_op *op = &m.ops[0];
    char                        *text = written(ASSAY_REPORT_MARKDOWN);
    (void)snprintf(line, sizeof line, "| %s | %zu | %zu | ● ", op->op, op->n, op->n);
    cr_expect(strstr(text, "### Where the time goes: resnet50.infer/") && strstr(text, line), "no line %s", line);
    free(text);
    text = written(ASSAY_REPORT_CSV);
    (void)snprintf(line, sizeof line, "traced.%s.time_ns,%.17g,,,,%zu,ns,measured,,ok,pass,", op->op, op->ns, op->n);
    cr_expect(strstr(text, line), "no row %s", line);
    free(text);
    text = written(ASSAY_REPORT_JSON);
    json_t *root = json_loads(text, 0, NULL), *model = json_object_get(json_array_get(json_object_get(json_array_get(json_object_get(root, "runs"), 0), "rows"), 0), "model");
    json_t *nodes = json_object_get(model, "nodes"), *last = json_array_get(nodes, m.n - 1);
    cr_expect(json_array_size(nodes) == m.n && json_array_size(json_object_get(model, "ops")) == m.n_ops);
    cr_expect_eq(json_number_value(json_object_get(last, "traced_ns")), 1000.0 * (double)m.n);
    cr_expect_str_eq(json_string_value(json_object_get(last, "note")), HOSTILE_NOTE);
    cr_expect_eq(json_number_value(json_object_get(model, "sum_ns")), m.sum_ns);
    json_decref(root);
    free(text);
}
