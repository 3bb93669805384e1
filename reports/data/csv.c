/* A row for each run, case, back end and metric. Numbers have 17 digits and the unit of the metric table. */
#include <stdlib.h>
#include <string.h>

#include "harness/judge/repeatability.h"
#include "harness/judge/repeats_seen.h"
#include "harness/judge/soak.h"
#include "reports/figures.h"
#include "reports/data/tables.h"
#include "reports/level_figures.h"
#include "reports/model.h"

#include "assay/banned.h"

struct figure {
    const char *unit, *why; /* why: of one without a value */
    bool        has_value, has_interval;
    double      value, low, high, level;
    uint64_t    n;
};

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

/* A figure that is no metric of a record. */
static void figure(struct assay_sink *to, const char *run, const struct assay_summary_row *row, const char *name, const struct figure *f)
{
    begin(to, run, row, name);
    number(to, f->has_value, f->value);
    number(to, f->has_interval, f->low);
    number(to, f->has_interval, f->high);
    number(to, f->has_interval, f->level);
    assay_sink_raw(to, ",%llu", (unsigned long long)f->n);
    end(to, row, f->unit, f->has_value ? "" : f->why);
}

/* The share of executions, or launches, whose bits are not those of the others: n were asked again. */
static void agreement(struct assay_sink *to, const char *run, const struct assay_summary_row *row, const char *name, const struct assay_agreement *a,
                      const char *why)
{
    struct assay_agreement_share share = assay_agreement_share_of(a);
    const struct figure          f = {.unit = "1", .has_value = a->runs, .value = a->runs ? (double)a->differing / (double)a->runs : 0,
                                      .has_interval = a->runs, .low = share.low, .high = share.high, .level = 0.95, .n = a->runs, .why = why};
    figure(to, run, row, name, &f);
}

/* Where a case was asked again at all: by its witnesses. */
static void repeats_of(struct assay_sink *to, const char *run, const struct assay_summary *summary)
{
    struct assay_repeats_seen *seen = NULL;
    struct assay_error         err = {.code = ASSAY_OK};
    size_t                     n = 0;
    if (assay_repeats_seen_of(summary->folder, &seen, &n, &err)) /* the page and the JSON say why; here there is no row to say it of */
        return;
    for (size_t i = 0; i < n; i++) {
        const struct assay_summary_row *row = assay_summary_find(summary, seen[i].id, seen[i].backend);
        if (!row || (!seen[i].runs.runs && !seen[i].processes.runs))
            continue;
        agreement(to, run, row, "repeats.executions.differing_share", &seen[i].runs, seen[i].why_no_runs);
        agreement(to, run, row, "repeats.launches.differing_share", &seen[i].processes, seen[i].why_no_processes);
    }
    free(seen);
}

static const struct assay_summary_row *row_named(const struct assay_summary *summary, const struct assay_soak_case *c)
{
    for (size_t i = 0; i < summary->n_rows; i++)
        if (!strcmp(summary->rows[i].case_name, c->name) && !strcmp(summary->rows[i].backend, c->backend))
            return &summary->rows[i];
    return NULL;
}

/* Silent errors a year: low is not known, high the most that is compatible. Of a case that was given up there is no rate. */
static void soaked(struct assay_sink *to, const char *run, const struct assay_summary_row *row, const struct assay_soak_case *c)
{
    struct assay_soak_rate rate = assay_soak_rate_of(c->mismatches, c->busy_ns);
    bool                   has_rate = !c->is_wrong && c->busy_ns;
    const struct {
        const char   *name;
        struct figure f;
    } rows[] = {
        {"soak.executions", {.unit = "1", .has_value = true, .value = (double)c->iterations, .n = c->stretches}},
        {"soak.silent_errors", {.unit = "1", .has_value = true, .value = (double)c->mismatches, .n = c->iterations}},
        {"soak.compared_ns", {.unit = "ns", .has_value = true, .value = (double)c->busy_ns, .n = c->iterations}},
        {"soak.silent_errors_per_year",
         {.unit = "1", .has_value = has_rate, .value = has_rate ? rate.per_year : 0, .has_interval = has_rate, .low = 0, .high = has_rate ? rate.upper_per_year : 0,
          .level = 0.95, .n = c->iterations, .why = *c->why_not ? c->why_not : "nothing was compared"}},
        {"soak.bad_ends", {.unit = "1", .has_value = true, .value = (double)(c->crashed + c->hung + c->failed), .n = c->stretches}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        figure(to, run, row, rows[i].name, &rows[i].f);
}

static void soak_of(struct assay_sink *to, const char *run, const struct assay_summary *summary)
{
    struct assay_soak  soak = {.n = 0};
    struct assay_error err = {.code = ASSAY_OK};
    (void)assay_soak_read(assay_run_folder_path(summary->folder), &soak, &err); /* as above */
    for (size_t i = 0; !err.code && i < soak.n; i++) {
        const struct assay_summary_row *row = row_named(summary, &soak.row[i]);
        if (row)
            soaked(to, run, row, &soak.row[i]);
    }
    assay_soak_release(&soak);
}

/* No launch stands behind it, so that columns of one are empty. */
static void level_row(void *self, const struct assay_level_figure *f)
{
    struct assay_sink *to = self;
    assay_sink_text(to, f->folder);
    text(to, f->case_name);
    text(to, "");
    text(to, f->backend);
    text(to, "");
    text(to, "");
    text(to, f->metric);
    number(to, f->has_value, f->value);
    number(to, f->has_interval, f->low);
    number(to, f->has_interval, f->high);
    number(to, f->has_interval, f->level);
    assay_sink_raw(to, ",%llu", (unsigned long long)f->n);
    text(to, f->unit);
    text(to, "");
    text(to, "");
    text(to, "");
    text(to, assay_outcome_name(f->outcome));
    text(to, "");
    text(to, f->why);
    assay_sink_raw(to, "\r\n");
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
        repeats_of(to, name, runs[i]);
        soak_of(to, name, runs[i]);
    }
    assay_level_figures(of->levels, of->n_levels, level_row, to);
    return !to->failed;
}
