/* What a launch says of its nodes' times, on a real back end and on one that breaks promises. */
#include "harness/run/case_trace.h"

#include "harness/base/hash.h"
#include "harness/run/case_run.h"
#include "harness/run/tests/as_worker.h"
#include "harness/store/run_folder.h"

#define SMALL "resnet50.infer/classes=10,image=32,width=4"

static struct assay_record record;
static struct scratch      s;
static uint32_t            nodes; /* of the graph that ran last */

static void begin(void)
{
    s = scratch_new();
    (void)mkdir(in(&s, "samples"), 0755);
    (void)mkdir(in(&s, "witness"), 0755);
    (void)mkdir(in(&s, "trace"), 0755);
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(case_trace, .init = begin, .fini = end, .timeout = 120);

static void run_case(const char *name, const char *backend)
{
    struct assay_case   c;
    struct assay_graph *g = NULL;
    struct assay_error  err = {0};
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_case_graph(&c, &g, &err), ASSAY_OK, "%s", err.message);
    nodes = g->n_nodes;
    assay_graph_free(g);
    c.repeat = (struct assay_repeat){.launches = 1, .min_runs = 2, .min_ns = 1000000, .max_ns = 60000000000, .timeout_ns = 60000000000};
    struct assay_case_job job = {.what = &c, .backend = backend, .plugin = "", .folder = s.path, .power = "", .repeat = "again", .seed = 3};
    memset(&record, 'x', sizeof record);
    cr_expect_eq(assay_case_run(&job, &record, &err), ASSAY_OK, "%s", err.message);
    assay_case_release(&c);
    cr_assert_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
}

static void run_with_fault(const char *fault)
{
    char path[700];
    place_of(path, sizeof path, "fixtures", "faithless");
    (void)setenv("ASSAY_TEST_FAULT", fault, 1);
    run_case(SMALL, path);
}

static void has_no_trace(const char *why)
{
    struct assay_trace trace;
    struct assay_error err = {0};
    cr_expect_str_eq(record.why_no_trace, why);
    cr_expect(!*record.trace_file && !*record.trace_sha256 && record.trace_runs == 0 && record.traced_ns == 0);
    cr_expect(record.metric[ASSAY_METRIC_latency_ns].has_value, "the case is none the worse for it");
    cr_expect_eq(assay_trace_read(s.path, &record, &trace, &err), ASSAY_UNAVAILABLE);
    cr_expect_str_eq(err.message, why);
}

/* The nodes' times together, over an execution's. */
static double share_of_nodes(const char *name)
{
    struct assay_trace trace;
    struct assay_error err = {0};
    double             sum = 0;
    run_case(name, as_worker_backend("cpu", ""));
    cr_expect_str_eq(record.why_no_trace, "");
    cr_assert_eq(assay_trace_read(s.path, &record, &trace, &err), ASSAY_OK, "%s", err.message);
    cr_expect(trace.executions == record.trace_runs && trace.executions >= 1 && trace.executions <= ASSAY_TRACE_RUNS);
    cr_expect(trace.n > 20 && trace.n <= nodes, "%zu of %u nodes", trace.n, nodes);
    for (size_t k = 0; k < trace.n; k++) {
        sum += trace.nodes[k].ns;
        cr_expect(*trace.nodes[k].name && *trace.nodes[k].op && *trace.nodes[k].note);
    }
    cr_expect(record.phase_ns[ASSAY_PHASE_TRACE] > 0 && record.proof.guard_bytes_changed == 0);
    assay_trace_release(&trace);
    return sum / record.traced_ns;
}

Test(case_trace, every_node_of_a_model_has_its_time_and_kernel)
{
    static const char *const names[] = {SMALL, "resnet50.train/classes=10,image=32,width=4"};
    for (int i = 0; i < 2; i++) { /* the second restores its weights before each execution */
        double share = 0;
        for (int trial = 0; trial < 6 && !(share > 0.2 && share < 2); trial++) { /* other work may take the machine between two nodes */
            end();
            begin();
            share = share_of_nodes(names[i]);
        }
        cr_expect(share > 0.2 && share < 2, "nodes take %g of an execution", share);
    }
}

Test(case_trace, rows_of_one_node_are_added_and_the_median_of_the_executions_is_kept)
{
    struct assay_trace trace;
    struct assay_error err = {0};
    run_with_fault("");
    cr_assert_eq(assay_trace_read(s.path, &record, &trace, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(trace.n, nodes);
    for (uint32_t i = 0; i < nodes; i++) {
        char note[64];
        (void)snprintf(note, sizeof note, "kernel %u", i ? i : nodes);
        cr_expect(trace.nodes[i].node == i && trace.nodes[i].ns == (i ? 10 * (i + 1) : 15), "node %u took %g", i, trace.nodes[i].ns);
        cr_expect_str_eq(trace.nodes[i].note, note);
    }
    assay_trace_release(&trace);
}

Test(case_trace, rows_that_cannot_be_are_no_trace_and_the_case_still_counts)
{
    char why[200];
    run_with_fault("traces_nothing");
    has_no_trace("no trace today");
    run_with_fault("traces_backwards");
    has_no_trace("trace says node 0 ended 7 ns before it began");
    run_with_fault("traces_a_node_too_many");
    (void)snprintf(why, sizeof why, "trace names node %u of rank class 0, and there are %u nodes of one class", nodes, nodes);
    has_no_trace(why);
    run_with_fault("traces_too_many_rows");
    (void)snprintf(why, sizeof why, "trace gives %u rows for %u nodes", 4 * nodes + 65, nodes);
    has_no_trace(why);
}

Test(case_trace, no_trace_is_asked_where_there_is_none_to_give)
{
    run_case("gemm/m=16,n=16,k=16", as_worker_backend("template", ""));
    has_no_trace("the back end has no trace");
    run_case("gemm/m=16,n=16,k=16", as_worker_backend("cpu", ""));
    has_no_trace("the graph is one node: its time is the execution's");
}
