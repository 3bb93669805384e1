/* The summary tables as text that a wiki or a merge request can hold. */
#include <string.h>

#include "reports/figures.h"
#include "reports/markdown/markdown.h"
#include "reports/markdown/table.h"
#include "reports/model.h"

#include "assay/banned.h"

static void figure(struct assay_sink *to, const struct assay_summary_row *row, enum assay_metric metric)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_estimate(&text, metric, &row->metric[metric]);
    bool              is_known = row->metric[metric].has_value || row->metric[metric].has_interval;
    assay_sink_raw(to, is_known ? " %s" : "%s", is_known ? assay_figure_evidence_mark(row->evidence) : "");
    assay_markdown_cell(to, room);
}

static void result(struct assay_sink *to, const struct assay_summary_row *row)
{
    char                         room[256];
    struct assay_text            text = ASSAY_TEXT(room);
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    assay_sink_raw(to, "|");
    assay_markdown_cell(to, row->case_name);
    assay_markdown_cell(to, row->backend);
    assay_figure_evidence(&text, row);
    assay_markdown_cell(to, room);
    if (e->has_value || !e->has_interval)
        figure(to, row, ASSAY_METRIC_latency_ns);
    else
        assay_markdown_cell(to, "no point");
    text = ASSAY_TEXT(room);
    if (!e->has_value) {
        assay_figure_range(&text, ASSAY_METRIC_latency_ns, e); /* a model of grade D gives a range and no point */
        assay_text_add(&text, "%s%s", *room ? "; " : "", row->status != ASSAY_STATUS_OK ? row->reason : *e->why ? e->why : "no reason was recorded");
    } else {
        assay_figure_range(&text, ASSAY_METRIC_latency_ns, e);
        if (!e->has_interval && row->metric[ASSAY_METRIC_latency_spread].has_value) {
            assay_text_add(&text, "spread ");
            assay_figure_value(&text, ASSAY_METRIC_latency_spread, row->metric[ASSAY_METRIC_latency_spread].value);
        }
        assay_text_add(&text, "%s", *room ? "; " : "");
        assay_figure_interval_words(&text, row);
    }
    assay_markdown_cell(to, room);
    figure(to, row, ASSAY_METRIC_flops_per_s);
    figure(to, row, ASSAY_METRIC_bytes_per_s);
    figure(to, row, ASSAY_METRIC_peak_share);
    figure(to, row, ASSAY_METRIC_bandwidth_share);
    text = ASSAY_TEXT(room);
    if (row->status != ASSAY_STATUS_OK)
        assay_text_add(&text, "%s, ", assay_status_name(row->status));
    assay_text_add(&text, "%s", assay_outcome_name(row->outcome));
    if (row->check && row->check->elements)
        assay_text_add(&text, " (%s, observed/bound %.2g)", assay_assurance_name(row->check->assurance), row->check->worst_ratio);
    assay_markdown_cell(to, room);
    assay_markdown_cell(to, row->noisy ? row->noise : row->n_medians ? "quiet" : "–");
    assay_sink_raw(to, "\n");
}

static void model_figure(struct assay_sink *to, const struct assay_report_model *m, enum assay_metric metric, bool there, double value)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_value(&text, metric, value);
    assay_sink_raw(to, there ? " %s" : "%s", there ? assay_figure_evidence_mark(m->row->evidence) : "");
    assay_markdown_cell(to, there ? room : "–");
}

static void model(struct assay_sink *to, const struct assay_report_model *m)
{
    char              room[512];
    struct assay_text text = ASSAY_TEXT(room);
    double            peak = assay_report_model_peak(m), triad = assay_report_model_triad(m);
    assay_sink_raw(to, "\n### Where the time goes: ");
    assay_sink_text(to, m->row->case_name);
    assay_sink_raw(to, " on ");
    assay_sink_text(to, m->row->backend);
    assay_sink_raw(to, "\n\n");
    assay_figure_trace(&text, m);
    assay_sink_text(to, room);
    assay_sink_raw(to, ". Verdict: %s.\n\n| op | nodes | with a time | time, traced | share | rate | of peak | byte rate | of triad |\n"
                       "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n", assay_outcome_name(m->row->outcome));
    for (size_t k = 0; k < m->n_ops; k++) {
        const struct assay_model_op *op = &m->ops[k];
        double                       flops = assay_report_model_rate(op->flops, op->ns), bytes = assay_report_model_rate(op->bytes, op->ns);
        assay_sink_raw(to, "|");
        assay_markdown_cell(to, op->op);
        assay_sink_raw(to, " %zu | %zu |", op->n, op->timed);
        model_figure(to, m, ASSAY_METRIC_latency_ns, op->timed > 0, op->ns);
        model_figure(to, m, ASSAY_METRIC_peak_share, op->timed > 0, assay_report_model_share(m, op->ns));
        model_figure(to, m, ASSAY_METRIC_flops_per_s, flops > 0, flops);
        model_figure(to, m, ASSAY_METRIC_peak_share, flops > 0 && peak > 0, flops / peak);
        model_figure(to, m, ASSAY_METRIC_bytes_per_s, bytes > 0, bytes);
        model_figure(to, m, ASSAY_METRIC_bandwidth_share, bytes > 0 && triad > 0, bytes / triad);
        assay_sink_raw(to, "\n");
    }
}

static void models(struct assay_sink *to, const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->summary->n_rows; i++)
        if (run->models[i].n)
            model(to, &run->models[i]);
}

static void unproved(struct assay_sink *to, const struct assay_summary *run)
{
    bool any = false;
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_summary_row *row = &run->rows[i];
        if (assay_figure_is_proved(row) && row->status == ASSAY_STATUS_OK)
            continue;
        assay_sink_raw(to, "%s| ", any ? "" : "\n### What does not count, and why\n\n| case | back end | launches | what | why |\n| --- | --- | ---: | --- | --- |\n");
        any = true;
        assay_sink_text(to, row->case_name);
        assay_sink_raw(to, " |");
        assay_markdown_cell(to, row->backend);
        assay_sink_raw(to, " %zu | %s, %s |", row->n_launches, assay_status_name(row->status), assay_outcome_name(row->outcome));
        assay_markdown_cell(to, row->status != ASSAY_STATUS_OK && *row->reason ? row->reason : *row->outcome_why ? row->outcome_why : assay_figure_outcome_about(row->outcome));
        assay_sink_raw(to, "\n");
    }
    for (size_t i = 0; i < run->n_missing; i++) {
        assay_sink_raw(to, "%s", i ? "" : "\n### Never run\n\n");
        assay_sink_raw(to, "- ");
        assay_sink_text(to, run->missing[i].case_name);
        assay_sink_raw(to, " on ");
        assay_sink_text(to, run->missing[i].backend);
        assay_sink_raw(to, "\n");
    }
}

/* Cases with a scenario: what was served, and by which rules it counts. */
static void under_load(struct assay_sink *to, const struct assay_summary *run)
{
    bool any = false;
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_summary_row *row = &run->rows[i];
        const struct assay_load        *load = &row->launches[row->typical]->load;
        if (!load->issued)
            continue;
        assay_sink_raw(to, "%s|", any ? "" : "\n### Under load\n\n| case | back end | samples served | median | at percentile | published rules | settled | rule that is broken |\n"
                                            "| --- | --- | ---: | ---: | ---: | --- | --- | --- |\n");
        any = true;
        assay_markdown_cell(to, row->case_name);
        assay_markdown_cell(to, row->backend);
        figure(to, row, ASSAY_METRIC_samples_per_s);
        figure(to, row, ASSAY_METRIC_latency_ns);
        figure(to, row, ASSAY_METRIC_latency_at_percentile_ns);
        assay_markdown_cell(to, load->loadgen);
        assay_markdown_cell(to, load->settled);
        assay_markdown_cell(to, *load->invalid ? load->invalid : "none");
        assay_sink_raw(to, "\n");
    }
}

static void fact(struct assay_sink *to, const char *name, const char *value)
{
    assay_sink_raw(to, "- %s: ", name);
    assay_sink_text(to, *value ? value : "not recorded");
    assay_sink_raw(to, "\n");
}

static void one_run(struct assay_sink *to, const struct assay_report_run *sorted)
{
    const struct assay_summary *run = sorted->summary;
    char              room[512];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_run_name(&text, run);
    assay_sink_raw(to, "\n## Run ");
    assay_sink_text(to, room);
    assay_sink_raw(to, "\n\n");
    text = ASSAY_TEXT(room);
    assay_figure_run(&text, run);
    assay_sink_text(to, room);
    assay_sink_raw(to, "; **%zu** of %zu rows proved right.\n\n", run->outcomes[ASSAY_PASS] + run->outcomes[ASSAY_MARGINAL], run->n_rows);
    if (assay_figures_want_validation(run))
        assay_sink_raw(to, "**Nothing was validated: no time below is proved.**\n\n");
    const json_t *host = json_object_get(assay_run_folder_manifest(run->folder), "host");
    const char   *name = json_is_string(host) ? json_string_value(host) : json_string_value(json_object_get(host, "hostname"));
    fact(to, "host", name ? name : "");
    fact(to, "run", assay_figure_manifest(run, "created"));
    fact(to, "suite", assay_figure_manifest(run, "suite"));
    text = ASSAY_TEXT(room);
    assay_figure_seed(&text, run);
    fact(to, "seed", room);
    fact(to, "assay", assay_figure_manifest(run, "assay"));
    assay_sink_raw(to, "- verdicts:");
    for (enum assay_outcome o = ASSAY_PASS; o <= ASSAY_NOT_CHECKED; o++)
        assay_sink_raw(to, "%s %zu %s", o == ASSAY_PASS ? "" : ",", run->outcomes[o], assay_outcome_name(o));
    assay_sink_raw(to, "\n\n### Results\n\n| case | back end | evidence | time | how sure | rate | byte rate | of peak | of bandwidth | verdict | machine |\n"
                       "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |\n");
    for (size_t i = 0; i < run->n_rows; i++)
        result(to, &run->rows[i]);
    assay_report_markdown_clusters(to, sorted);
    under_load(to, run);
    assay_report_markdown_ops(to, run);
    models(to, sorted);
    unproved(to, run);
}

bool assay_report_markdown(const struct assay_report_source *of, struct assay_sink *to)
{
    assay_sink_raw(to, "# Assay report\n\nEvery figure carries the mark of its evidence:\n\n");
    for (enum assay_evidence e = ASSAY_EVIDENCE_MEASURED; e <= ASSAY_EVIDENCE_INSTRUMENT; e++)
        assay_sink_raw(to, "- %s %s: %s\n", assay_figure_evidence_mark(e), assay_evidence_name(e), assay_figure_evidence_about(e));
    for (size_t i = 0; i < of->n_levels; i++)
        assay_report_markdown_level(to, &of->levels[i]);
    for (size_t i = 0; i < of->n_runs; i++) {
        struct assay_report_run sorted;
        if (assay_report_run_init(&sorted, of->runs[i], i + 1))
            one_run(to, &sorted);
        else
            to->failed = true;
        assay_report_run_release(&sorted);
    }
    return !to->failed;
}
