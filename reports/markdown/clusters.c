/* Systems that train a decoder, as text: what the section "Clusters" of the page has, with figures where that has bars. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/cluster/footprint.h"
#include "harness/model/cluster/step.h"
#include "reports/clusters.h"
#include "reports/figures.h"
#include "reports/markdown/markdown.h"
#include "reports/markdown/table.h"

#include "assay/banned.h"

static void system_cell(struct assay_sink *to, const struct assay_report_run *run, const struct assay_summary_row *row)
{
    char              room[640];
    struct assay_text text = ASSAY_TEXT(room);
    assay_report_series_name(run->summary, row->backend, &text);
    assay_markdown_cell(to, room);
}

/* With the mark of what it rests on. */
static void estimate_cell(struct assay_sink *to, const struct assay_summary_row *row, enum assay_metric metric, const struct assay_estimate *e)
{
    char              room[128];
    struct assay_text text = ASSAY_TEXT(room);
    bool              there = assay_cluster_figure(&text, metric, e);
    assay_sink_raw(to, "%s%s", there ? " " : "", there ? assay_figure_evidence_mark(row->evidence) : "");
    assay_markdown_cell(to, there ? room : *e->why ? e->why : "–");
}

static void metric_cell(struct assay_sink *to, const struct assay_summary_row *row, enum assay_metric metric)
{
    estimate_cell(to, row, metric, &row->metric[metric]);
}

static void percent_cell(struct assay_sink *to, const struct assay_summary_row *row, const struct assay_summary_counter *c)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    bool              there = assay_cluster_percent(&text, c);
    assay_sink_raw(to, "%s%s", there ? " " : "", there ? assay_figure_evidence_mark(row->evidence) : "");
    assay_markdown_cell(to, there ? room : "–");
}

static void reached(struct assay_sink *to, const struct assay_report_run *run, const struct assay_report_case *c)
{
    static const char *const columns[] = {"system", "evidence", "plan", ">devices", ">a step", ">tokens a second", ">10^12 tokens, failures counted", ">time kept",
                                          ">of the peak", ">energy of a step", NULL};
    assay_markdown_head(to, columns);
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct assay_summary_row *row = c->rows[i];
        char                            room[256];
        struct assay_text               text = ASSAY_TEXT(room);
        assay_sink_raw(to, "|");
        system_cell(to, run, row);
        assay_figure_evidence(&text, row);
        assay_markdown_cell(to, room);
        if (!assay_cluster_is(row)) {
            assay_sink_raw(to, " **%s**: ", assay_status_name(row->status));
            assay_sink_text(to, *row->reason ? row->reason : "no reason was recorded");
            assay_sink_raw(to, " | | | | | | | |\n");
            continue;
        }
        text = ASSAY_TEXT(room);
        assay_cluster_plan(row, &text);
        assay_markdown_cell(to, room);
        assay_sink_raw(to, " %.0f |", assay_cluster_devices(row));
        metric_cell(to, row, ASSAY_METRIC_latency_ns);
        metric_cell(to, row, ASSAY_METRIC_items_per_s);
        metric_cell(to, row, ASSAY_METRIC_trillion_items_ns);
        percent_cell(to, row, assay_cluster_counter(row, "goodput"));
        percent_cell(to, row, assay_cluster_counter(row, "model_flops_share"));
        metric_cell(to, row, ASSAY_METRIC_energy_joules);
        assay_sink_raw(to, "\n");
    }
}

/* ---- groups of a whole, a line each; systems side by side ------------------------------------------------------------ */

static void group_head(struct assay_sink *to, const struct assay_report_run *run, const struct assay_report_case *c, const char *of)
{
    size_t n = 0;
    assay_sink_raw(to, "\n| %s |", of);
    for (size_t i = 0; i < c->n_rows; i++)
        if (assay_cluster_is(c->rows[i])) {
            system_cell(to, run, c->rows[i]);
            n++;
        }
    assay_sink_raw(to, "\n| --- |");
    for (size_t i = 0; i < n; i++)
        assay_sink_raw(to, " ---: |");
    assay_sink_raw(to, "\n");
}

/* A counter in ns or in bytes, or a dash: what the plan does not have. */
static void group_cell(struct assay_sink *to, const struct assay_summary_row *row, const struct assay_summary_counter *c)
{
    char                  room[128];
    struct assay_text     text = ASSAY_TEXT(room);
    struct assay_estimate e = assay_cluster_estimate(c);
    e.has_value = e.has_value && e.value > 0;
    if (!c || strcmp(c->first->unit, "bytes") != 0) {
        estimate_cell(to, row, ASSAY_METRIC_latency_ns, &e);
        return;
    }
    assay_cluster_bytes(&text, &e);
    assay_sink_raw(to, "%s%s", *room ? " " : "", *room ? assay_figure_evidence_mark(row->evidence) : "");
    assay_markdown_cell(to, *room ? room : "–");
}

static void group_line(struct assay_sink *to, const struct assay_report_case *c, const char *prefix, const char *name)
{
    char              full[64];
    struct assay_text text = ASSAY_TEXT(full);
    assay_text_add(&text, "%s", prefix);
    assay_string_name(&text, name);
    assay_sink_raw(to, "| %s |", name);
    for (size_t i = 0; i < c->n_rows; i++)
        if (assay_cluster_is(c->rows[i]))
            group_cell(to, c->rows[i], assay_cluster_counter(c->rows[i], full));
    assay_sink_raw(to, "\n");
}

static void parts(struct assay_sink *to, const struct assay_report_run *run, const struct assay_report_case *c)
{
    assay_sink_raw(to, "\n##### Where a step's time goes\n\nEach part by its own range: the ends of ranges do not add up to the step.\n");
    group_head(to, run, c, "part");
    for (size_t i = 0; i < ASSAY_STEP_PARTS; i++)
        group_line(to, c, "step_", assay_step_part_names[i]);
}

static void memory(struct assay_sink *to, const struct assay_report_run *run, const struct assay_report_case *c)
{
    assay_sink_raw(to, "\n##### What fills the fullest device's memory\n");
    group_head(to, run, c, "group");
    for (size_t i = 0; i < ASSAY_FOOTPRINT_GROUPS; i++)
        group_line(to, c, "memory_", assay_footprint_names[i]);
    group_line(to, c, "memory_", "capacity");
}

/* ---- links ------------------------------------------------------------------------------------------------------------- */

static void link_line(struct assay_sink *to, const struct assay_report_run *run, const struct assay_summary_row *row, const struct assay_cluster_link *l)
{
    char                        room[64];
    struct assay_text           sent = ASSAY_TEXT(room);
    const struct assay_estimate bytes = assay_cluster_estimate(l->sent), busy = assay_cluster_estimate(l->busy), rate = assay_cluster_estimate(l->rate);
    assay_sink_raw(to, "|");
    system_cell(to, run, row);
    assay_markdown_cell(to, l->tier);
    assay_cluster_bytes(&sent, &bytes);
    assay_sink_raw(to, " %s", assay_figure_evidence_mark(row->evidence));
    assay_markdown_cell(to, room);
    estimate_cell(to, row, ASSAY_METRIC_latency_ns, &busy);
    percent_cell(to, row, l->busy_share);
    estimate_cell(to, row, ASSAY_METRIC_bytes_per_s, &rate);
    percent_cell(to, row, l->rate_share);
    assay_sink_raw(to, "\n");
}

static void links(struct assay_sink *to, const struct assay_report_run *run, const struct assay_report_case *c)
{
    static const char *const  columns[] = {"system", "tier", ">sent by a device", ">busy", ">of the step", ">rate while busy", ">of the link's rate", NULL};
    struct assay_cluster_link all[ASSAY_CLUSTER_LINKS];
    bool                      begun = false;
    for (size_t i = 0; i < c->n_rows; i++)
        for (size_t k = 0, n = assay_cluster_links(c->rows[i], all); k < n; k++) {
            if (!begun) {
                assay_sink_raw(to, "\n##### Use of links\n\nOf a device in a step: of training, a device of the busiest stage; of serving, in the mean of all steps. Busy while exchanges are under way, hidden behind work or not.\n");
                assay_markdown_head(to, columns);
            }
            begun = true;
            link_line(to, run, c->rows[i], &all[k]);
        }
}

/* ---- equal terms, scaling ---------------------------------------------------------------------------------------------- */

static void per_cell(struct assay_sink *to, const struct assay_summary_row *row, const char *counter, double unit, const char *why)
{
    struct assay_estimate e = assay_cluster_per(row, counter, unit);
    if (e.has_interval)
        estimate_cell(to, row, ASSAY_METRIC_items_per_s, &e);
    else
        assay_markdown_cell(to, why);
}

static void equal_terms(struct assay_sink *to, const struct assay_report_run *run, const struct assay_report_case *c)
{
    static const char *const columns[] = {"system", ">a device", ">a kilowatt", ">a million dollars", NULL};
    assay_sink_raw(to, "\n##### At equal count, equal power, equal price\n\nTokens a second of the whole system over its devices, its power (devices at their full, hosts, "
                       "network, facility) and its described price: as if a system of another size were a share of this one, which flatters small systems beside large ones. "
                       "Ranges of rate and divisor add up in squares, in logarithms.\n");
    assay_markdown_head(to, columns);
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct assay_summary_row *row = c->rows[i];
        if (!assay_cluster_is(row))
            continue;
        struct assay_estimate each = assay_cluster_scaled(row, ASSAY_METRIC_items_per_s, 1 / assay_cluster_devices(row));
        assay_sink_raw(to, "|");
        system_cell(to, run, row);
        estimate_cell(to, row, ASSAY_METRIC_items_per_s, &each);
        per_cell(to, row, "power", 1e3, "power not known");
        per_cell(to, row, "price", 1e6, "price not known");
        assay_sink_raw(to, "\n");
    }
}

static void size_line(struct assay_sink *to, const struct assay_cluster_size *size, enum assay_cluster_scaling kind)
{
    char system[64], name[ASSAY_CASE_NAME_BYTES];
    assay_cluster_system(size->row, system);
    assay_case_brief(size->row->case_name, name);
    assay_sink_raw(to, "|");
    assay_markdown_cell(to, system);
    if (kind == ASSAY_CLUSTER_WEAK)
        assay_markdown_cell(to, name);
    assay_sink_raw(to, " %.0f |", size->devices);
    metric_cell(to, size->row, kind == ASSAY_CLUSTER_WEAK ? ASSAY_METRIC_items_per_s : ASSAY_METRIC_latency_ns);
    if (kind == ASSAY_CLUSTER_STRONG)
        assay_sink_raw(to, " %.2f – %.2f |", size->speed_up[0], size->speed_up[1]);
    assay_sink_raw(to, " %.0f %% – %.0f %% |\n", 100 * size->efficiency[0], 100 * size->efficiency[1]);
}

/* Frees the sizes. */
static void scaling(struct assay_sink *to, struct assay_cluster_size *sizes, size_t n, enum assay_cluster_scaling kind)
{
    static const char *const strong[] = {"system", ">devices", ">a step", ">faster than the smallest", ">efficiency", NULL};
    static const char *const weak[] = {"system", "case", ">devices", ">tokens a second", ">a device's rate, of the smallest's", NULL};
    to->failed = to->failed || !sizes;
    if (sizes && n && kind == ASSAY_CLUSTER_STRONG) {
        assay_sink_raw(to, "\n##### Strong scaling\n\nThe same step on more devices of the same system, each with its own best plan.\n");
        assay_markdown_head(to, strong);
    } else if (sizes && n) {
        assay_sink_raw(to, "\n#### Weak scaling\n\nMore devices of the same system for as many more sequences a step.\n");
        assay_markdown_head(to, weak);
    }
    for (size_t i = 0; sizes && i < n; i++)
        size_line(to, &sizes[i], kind);
    free(sizes);
}

static void strong_scaling(struct assay_sink *to, const struct assay_report_case *c)
{
    size_t                     n;
    struct assay_cluster_size *sizes = assay_cluster_sizes(c->rows, c->n_rows, ASSAY_CLUSTER_STRONG, &n);
    scaling(to, sizes, n, ASSAY_CLUSTER_STRONG);
}

static void weak_scaling(struct assay_sink *to, const struct assay_summary *run)
{
    size_t                     n;
    struct assay_cluster_size *sizes = assay_cluster_sizes_of_run(run, ASSAY_CLUSTER_WEAK, &n);
    scaling(to, sizes, n, ASSAY_CLUSTER_WEAK);
}

static void served(struct assay_sink *to, const struct assay_report_run *run)
{
    struct assay_cluster_link links_of[ASSAY_CLUSTER_LINKS];
    bool                      begun = false;
    for (size_t i = 0; i < run->n_cases; i++) {
        const struct assay_report_case *c = &run->cases[i];
        char                            name[ASSAY_CASE_NAME_BYTES];
        size_t                          n = 0;
        for (size_t k = 0; k < c->n_rows && !assay_cluster_is_case(c); k++)
            n += assay_cluster_links(c->rows[k], links_of);
        if (!n)
            continue;
        assay_case_brief(c->name, name);
        assay_sink_raw(to, "%s\n#### ", begun ? "" : "\n### Served by systems\n");
        assay_sink_text(to, name);
        assay_sink_raw(to, "\n");
        links(to, run, c);
        begun = true;
    }
}

void assay_report_markdown_clusters(struct assay_sink *to, const struct assay_report_run *run)
{
    bool any = false;
    for (size_t i = 0; i < run->n_cases; i++) {
        const struct assay_report_case *c = &run->cases[i];
        char                            name[ASSAY_CASE_NAME_BYTES];
        if (!assay_cluster_is_case(c))
            continue;
        if (!any)
            assay_sink_raw(to, "\n### Clusters\n\nOne training step, spread by the best plan that fits into the memory of each system. All of it is calculated from "
                               "descriptions: ranges are the 10th to the 90th percentile of what is known; where a number that matters is only known as a range, there is no point. Plans: ranks of tensor (tp), context (cp), data (dp), pipeline (pp) and expert parallelism (ep), micro-batches (mb).\n");
        any = true;
        assay_case_brief(c->name, name);
        assay_sink_raw(to, "\n#### ");
        assay_sink_text(to, name);
        assay_sink_raw(to, "\n");
        reached(to, run, c);
        parts(to, run, c);
        memory(to, run, c);
        links(to, run, c);
        equal_terms(to, run, c);
        strong_scaling(to, c);
    }
    if (any)
        weak_scaling(to, run->summary);
    served(to, run);
}
