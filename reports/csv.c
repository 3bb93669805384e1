/* A row for each run, case, back end and metric. Numbers have 17 digits and the unit of the metric table. */
#include "reports/figures.h"
#include "reports/formats.h"
#include "reports/model.h"

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

static void begin(struct assay_sink *to, const char *run, const struct assay_summary_row *row, const char *metric)
{
    const struct assay_record *r = row->launches[row->typical];
    assay_sink_text(to, run);
    text(to, row->case_name);
    text(to, row->id);
    text(to, row->backend);
    text(to, r->device.name);
    text(to, r->device.product);
    text(to, metric);
}

static void end(struct assay_sink *to, const struct assay_summary_row *row, const char *unit, const char *why)
{
    text(to, unit);
    text(to, assay_evidence_name(row->evidence));
    text(to, row->grade);
    text(to, assay_status_name(row->status));
    text(to, assay_outcome_name(row->outcome));
    assay_sink_raw(to, ",%u", row->noisy);
    text(to, why);
    assay_sink_raw(to, "\r\n");
}

static void row_of(struct assay_sink *to, const char *run, const struct assay_summary_row *row, enum assay_metric metric)
{
    const struct assay_estimate    *e = &row->metric[metric];
    const struct assay_metric_row  *m = assay_metric_row(metric);
    begin(to, run, row, m->name);
    number(to, e->has_value, e->value);
    number(to, e->has_interval, e->low); /* also without a value: a model of grade D gives a range and no point */
    number(to, e->has_interval, e->high);
    number(to, e->has_interval, e->level);
    assay_sink_raw(to, ",%llu", (unsigned long long)e->n);
    end(to, row, m->unit, e->has_value || *e->why ? e->why : *row->reason ? row->reason : "no reason was recorded");
}

/* Three rows an op: n is the number of its nodes that have a time. */
static void op_rows(struct assay_sink *to, const char *run, const struct assay_report_model *m, const struct assay_model_op *op)
{
    static const char *const untold = "the back end does not tell of these nodes", *const none = "these nodes have no such work, or no time";
    const struct { const char *what, *unit, *why; double value; } rows[] = {
        {"time_ns", "ns", *m->why_not ? m->why_not : untold, op->ns},
        {"flops_per_s", "flop/s", none, assay_report_model_rate(op->flops, op->ns)},
        {"bytes_per_s", "B/s", none, assay_report_model_rate(op->bytes, op->ns)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[128];
        bool there = op->timed && (i == 0 || rows[i].value > 0);
        (void)snprintf(name, sizeof name, "traced.%s.%s", op->op, rows[i].what);
        begin(to, run, m->row, name);
        number(to, there, rows[i].value);
        assay_sink_raw(to, ",,,,%zu", op->timed);
        end(to, m->row, rows[i].unit, there ? "" : rows[i].why);
    }
}

static void model_of(struct assay_sink *to, const char *run, const struct assay_summary *summary, const struct assay_summary_row *row)
{
    struct assay_report_model m;
    if (!assay_report_model_init(&m, summary, row))
        to->failed = true;
    for (size_t k = 0; k < m.n_ops; k++)
        op_rows(to, run, &m, &m.ops[k]);
    assay_report_model_release(&m);
}

bool assay_report_csv(const struct assay_report_source *of, struct assay_sink *to)
{
    const struct assay_summary *const *runs = of->runs;
    assay_sink_raw(to, "run,case,id,backend,device,product,metric,value,low,high,level,n,unit,evidence,grade,status,verdict,noisy_launches,why\r\n");
    for (size_t i = 0; i < of->n_runs; i++) {
        char              name[256];
        struct assay_text room = ASSAY_TEXT(name);
        assay_figure_run_name(&room, runs[i]);
        for (size_t r = 0; r < runs[i]->n_rows; r++) {
            for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
                row_of(to, name, &runs[i]->rows[r], (enum assay_metric)m);
            model_of(to, name, runs[i], &runs[i]->rows[r]);
        }
    }
    return !to->failed;
}
