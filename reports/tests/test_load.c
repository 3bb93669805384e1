#include <criterion/criterion.h>

#include "harness/base/file.h"
#include "reports/cases.h"
#include "reports/write/write.h"
#include "reports/tests/sample_run.h"

#include "assay/banned.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;

static void begin(void)
{
    s = scratch_new();
    builder_begin(&b, &s, "run", builder_plan(6, "cpu:host", NULL));
}

/* A record of case i under load, or, with a rate of 0, of one without scenario. */
static void put(unsigned i, const char *name, double rate, double latency_ns, const char *invalid)
{
    struct assay_record *r = sample_record(i, "cpu:host", 0, latency_ns);
    SAMPLE_TEXT(r->case_name, name);
    if (rate > 0) {
        r->load = (struct assay_load){.issued = 101, .completed = 100, .failed = 1, .samples = 100, .executions = 100,
                                      .every = 4, .kept = 26,
                                      .percentile = 0.99, .allowed_within_ns = 5000000, .rate = rate};
        SAMPLE_TEXT(r->load.invalid, invalid);
        SAMPLE_TEXT(r->load.settled, "settled with <b>& numbers");
        r->metric[ASSAY_METRIC_samples_per_s] = (struct assay_metric_value){.has_value = true, .value = rate};
        r->metric[ASSAY_METRIC_latency_at_percentile_ns] = (struct assay_metric_value){.has_value = true, .value = latency_ns};
        r->metric[ASSAY_METRIC_loadgen_valid] = (struct assay_metric_value){.has_value = true, .value = !*invalid};
    }
    builder_append(&b, r);
}

static void sort(struct assay_report_run *sorted, struct assay_plots *plots)
{
    builder_end(&b, &run);
    cr_assert(assay_report_run_init(sorted, &run, 1));
    assay_load_begin(sorted, plots);
}

static void release(struct assay_report_run *sorted, struct assay_plots *plots)
{
    assay_report_run_release(sorted);
    assay_plots_free(plots);
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(load, cases_that_differ_in_the_rate_alone_are_one_curve)
{
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    begin();
    put(0, "gemm/m=4@server/qps=10", 10, 1e6, "");
    put(1, "gemm/m=4@server/qps=20", 20, 2e6, "");
    put(2, "gemm/m=4@server/latency_ms=7,qps=20", 20, 2e6, "");
    put(3, "gemm/m=5@concurrency/in_flight=1", 20, 2e6, "");
    put(4, "gemm/m=5@concurrency/in_flight=8", 90, 9e6, "too slow");
    put(5, "gemm/m=4@offline", 90, 9e6, "");
    sort(&sorted, plots);
    cr_expect_eq(sorted.n_curves, 2);
    cr_expect_eq(sorted.curve[0].first_case, 0);
    cr_expect_eq(sorted.curve[1].first_case, 3);
    cr_expect(assay_report_has_load(&sorted));
    release(&sorted, plots);
}

Test(load, run_without_scenarios_has_no_such_section)
{
    struct assay_report_run sorted;
    struct assay_plots     *plots = assay_plots_new();
    begin();
    put(0, "gemm/m=4", 0, 1e6, "");
    sort(&sorted, plots);
    cr_expect(!assay_report_has_load(&sorted) && sorted.n_curves == 0);
    release(&sorted, plots);
}

Test(load, page_has_verdicts_as_words_and_sentences_and_the_broken_rule)
{
    const struct assay_summary *runs = &run;
    struct assay_error          err = {0};
    char                        path[200], *page = NULL;
    size_t                      n;
    begin();
    put(0, "gemm/m=4@server/qps=10", 10, 1e6, "");
    put(1, "gemm/m=4@server/qps=20", 20, 9e6, "the machine <was> too busy");
    builder_end(&b, &run);
    (void)snprintf(path, sizeof path, "%s/page.html", s.path);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &runs, .n_runs = 1}, ASSAY_REPORT_HTML, path, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_read(path, 1 << 24, &page, &n, &err), ASSAY_OK);
    cr_expect(strstr(page, "<h2>Under load</h2>"));
    cr_expect(strstr(page, "the machine &lt;was&gt; too busy") && !strstr(page, "<was>"));
    cr_expect(strstr(page, "settled with &lt;b&gt;&amp; numbers"));
    cr_expect(strstr(page, "101 issued = 100 completed + 1 failed"));
    cr_expect(strstr(page, "one of every 4 queries"));
    free(page);
    assay_summary_release(&run);
    scratch_remove(&s);
}
