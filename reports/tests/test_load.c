#include <criterion/criterion.h>

#include "reports/cases.h"
#include "reports/page.h"
#include "reports/report.h"
#include "reports/tests/sample_run.h"

#include "assay/banned.h"

static struct builder b;

static void put(const char *name, const char *id, double rate, double latency_ns, const char *invalid)
{
    struct assay_record *r = sample_record(0, "cpu:host", 0, latency_ns);
    SAMPLE_TEXT(r->case_name, name);
    SAMPLE_TEXT(r->id, id);
    r->load = (struct assay_load){.issued = 101, .completed = 100, .failed = 1, .samples = 100, .executions = 100, .every = 1, .kept = 100,
                                  .percentile = 0.99, .allowed_within_ns = 5000000, .rate = rate};
    SAMPLE_TEXT(r->load.invalid, invalid);
    SAMPLE_TEXT(r->load.settled, "a sentence <b>& its numbers");
    r->metric[ASSAY_METRIC_samples_per_s] = (struct assay_metric_value){.has_value = true, .value = rate};
    r->metric[ASSAY_METRIC_latency_at_percentile_ns] = (struct assay_metric_value){.has_value = true, .value = latency_ns};
    r->metric[ASSAY_METRIC_loadgen_valid] = (struct assay_metric_value){.has_value = true, .value = !*invalid};
    builder_append(&b, r);
}

static char *page(void)
{
    struct assay_summary        summary;
    struct assay_error          err = {0};
    const struct assay_summary *runs = &summary;
    char                        path[400], *bytes = NULL;
    size_t                      n;
    cr_assert_eq(assay_summary_read(b.path, &summary, &err), ASSAY_OK, "%s", err.message);
    (void)snprintf(path, sizeof path, "%s/page.html", b.path);
    cr_assert_eq(assay_report_write(&runs, 1, ASSAY_REPORT_HTML, path, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_read(path, 1 << 24, &bytes, &n, &err), ASSAY_OK);
    assay_summary_release(&summary);
    return bytes;
}
