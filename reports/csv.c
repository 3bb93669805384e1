/* A row for each run, case, back end and metric. Numbers have 17 digits and the unit of the metric table. */
#include "reports/figures.h"
#include "reports/formats.h"

#include "assay/banned.h"

static void number(struct assay_sink *to, bool there, double value)
{
    if (there)
        assay_sink_raw(to, ",%.17g", value);
    else
        assay_sink_raw(to, ",");
}

static void text(struct assay_sink *to, const char *value)
{
    assay_sink_raw(to, ",");
    assay_sink_text(to, value);
}

static void row_of(struct assay_sink *to, const char *run, const struct assay_summary_row *row, enum assay_metric metric)
{
    const struct assay_estimate    *e = &row->metric[metric];
    const struct assay_record      *r = row->launches[row->typical];
    const struct assay_metric_row  *m = assay_metric_row(metric);
    assay_sink_text(to, run);
    text(to, row->case_name);
    text(to, row->id);
    text(to, row->backend);
    text(to, r->device.name);
    text(to, r->device.product);
    text(to, m->name);
    number(to, e->has_value, e->value);
    number(to, e->has_interval, e->low); /* also without a value: a model of grade D gives a range and no point */
    number(to, e->has_interval, e->high);
    number(to, e->has_interval, e->level);
    assay_sink_raw(to, ",%llu", (unsigned long long)e->n);
    text(to, m->unit);
    text(to, assay_evidence_name(row->evidence));
    text(to, row->grade);
    text(to, assay_status_name(row->status));
    text(to, assay_outcome_name(row->outcome));
    assay_sink_raw(to, ",%u", row->noisy);
    if (e->has_value)
        text(to, e->why);
    else
        text(to, *e->why ? e->why : *row->reason ? row->reason : "no reason was recorded");
    assay_sink_raw(to, "\r\n");
}

bool assay_report_csv(const struct assay_summary *const *runs, size_t n, struct assay_sink *to)
{
    assay_sink_raw(to, "run,case,id,backend,device,product,metric,value,low,high,level,n,unit,evidence,grade,status,verdict,noisy_launches,why\r\n");
    for (size_t i = 0; i < n; i++) {
        char              name[256];
        struct assay_text room = ASSAY_TEXT(name);
        assay_figure_run_name(&room, runs[i]);
        for (size_t r = 0; r < runs[i]->n_rows; r++)
            for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
                row_of(to, name, &runs[i]->rows[r], (enum assay_metric)m);
    }
    return !to->failed;
}
