/* Systems of many devices that train a decoder, side by side: what they reach, where a step's time goes, what fills their memory, how the
 * stages of a pipeline take turns, and what comes of one device, one kilowatt, one dollar. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/cluster/footprint.h"
#include "harness/model/cluster/pipeline.h"
#include "harness/model/cluster/step.h"
#include "harness/plan/plan.h"
#include "reports/clusters.h"
#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

#define COLOURS 8u
#define OPERATIONS_MOST 1600.0 /* drawn of one pipeline: more are finer than a line */
#define LANES_MOST 32

bool assay_page_has_clusters(const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->n_cases; i++)
        if (assay_cluster_is_case(&run->cases[i]))
            return true;
    return false;
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

static void estimate_cell(struct assay_page *p, enum assay_metric metric, const struct assay_estimate *e)
{
    char              room[128];
    struct assay_text text = ASSAY_TEXT(room);
    if (assay_cluster_figure(&text, metric, e)) {
        assay_page_element(p, "td class=\"num\"", room);
        return;
    }
    assay_sink_raw(&p->to, *e->why ? "<td class=\"num none\" title=\"" : "<td class=\"num");
    assay_sink_text(&p->to, e->why);
    assay_sink_raw(&p->to, "\">–</td>");
}

/* "96.1 % – 98.7 %"; NULL: a dash. */
static void range_cell(struct assay_page *p, const struct assay_summary_counter *c)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    if (assay_cluster_percent(&text, c))
        assay_page_element(p, "td class=\"num\"", room);
    else
        assay_sink_raw(&p->to, "<td class=\"num none\">–</td>");
}

static void plan_words(struct assay_page *p, const struct assay_summary_row *row)
{
    char              room[160];
    struct assay_text text = ASSAY_TEXT(room);
    assay_cluster_plan(row, &text);
    assay_page_element(p, "small translate=\"no\"", room);
}

static void system_head(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row)
{
    assay_sink_raw(&p->to, "<tr><th scope=\"row\">");
    assay_page_series(p, run->summary, row->backend, false);
    assay_sink_raw(&p->to, "<small>");
    assay_page_evidence(p, row);
    assay_sink_raw(&p->to, "</small>");
    if (assay_cluster_is(row))
        plan_words(p, row);
    assay_sink_raw(&p->to, "</th>");
}

static void table_head(struct assay_page *p, const char *about, const char *const *columns)
{
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"clusters\"><thead><tr>", about);
    for (size_t i = 0; columns[i]; i++)
        assay_sink_raw(&p->to, "<th scope=\"col\"%s>%s</th>", i ? " class=\"num\"" : "", columns[i]);
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
}

static void table_end(struct assay_page *p)
{
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

static void not_run(struct assay_page *p, const struct assay_summary_row *row, unsigned columns)
{
    assay_sink_raw(&p->to, "<td class=\"why\" colspan=\"%u\"><b>%s</b>", columns, assay_status_name(row->status));
    assay_sink_textf(&p->to, "%s%s", *row->reason ? ": " : "", row->reason);
    assay_sink_raw(&p->to, "</td></tr>\n");
}

static void reached(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    static const char *const columns[] = {"system, plan", "devices", "a step", "tokens a second", "10<sup>12</sup> tokens, failures counted",
                                          "time kept", "of the peak", "energy of a step", NULL};
    table_head(p, "systems and what they reach", columns);
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct assay_summary_row *row = c->rows[i];
        system_head(p, run, row);
        if (!assay_cluster_is(row)) {
            not_run(p, row, 7);
            continue;
        }
        assay_sink_raw(&p->to, "<td class=\"num\">%.0f</td>", assay_cluster_devices(row));
        estimate_cell(p, ASSAY_METRIC_latency_ns, &row->metric[ASSAY_METRIC_latency_ns]);
        estimate_cell(p, ASSAY_METRIC_items_per_s, &row->metric[ASSAY_METRIC_items_per_s]);
        estimate_cell(p, ASSAY_METRIC_trillion_items_ns, &row->metric[ASSAY_METRIC_trillion_items_ns]);
        range_cell(p, assay_cluster_counter(row, "goodput"));
        range_cell(p, assay_cluster_counter(row, "model_flops_share"));
        estimate_cell(p, ASSAY_METRIC_energy_joules, &row->metric[ASSAY_METRIC_energy_joules]);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    table_end(p);
}

/* ---- stacked bars ---------------------------------------------------------------------------------------------------- */

static void piece(struct assay_page *p, unsigned colour, double percent)
{
    if (percent > 0.05)
        assay_sink_raw(&p->to, "<span class=\"piece b%u%s\" style=\"width:%.2f%%\"></span>", colour % COLOURS + 1, colour >= COLOURS ? " pale" : "", percent);
}

static void key_list(struct assay_page *p, const char *const *names, size_t n)
{
    assay_sink_raw(&p->to, "<ul class=\"keys names\">");
    for (size_t i = 0; i < n; i++) {
        assay_sink_raw(&p->to, "<li><span class=\"swatch b%zu%s\"></span> ", i % COLOURS + 1, i >= COLOURS ? " pale" : "");
        assay_sink_text(&p->to, names[i]);
        assay_sink_raw(&p->to, "</li>");
    }
    assay_sink_raw(&p->to, "</ul>\n");
}

/* `of`: what of the system, "" = it; words of ours. */
static void bar_head(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row, const char *of)
{
    assay_sink_raw(&p->to, "<li><span class=\"of\">");
    assay_page_series(p, run->summary, row->backend, false);
    if (*of) {
        assay_sink_raw(&p->to, " ");
        assay_page_element(p, "small", of);
    }
    assay_sink_raw(&p->to, "</span><span class=\"track stack\" aria-hidden=\"true\">");
}

/* Parts of a step as shares of their sum: of a system without a point, each part by the middle of its range. */
static void step_bar(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row)
{
    double part[ASSAY_STEP_PARTS], sum = 0;
    int    first = 0, second = 0;
    assay_cluster_parts(row, "step_", assay_step_part_names, ASSAY_STEP_PARTS, part);
    for (int i = 0; i < ASSAY_STEP_PARTS; i++)
        sum += part[i];
    bar_head(p, run, row, "");
    for (int i = 0; i < ASSAY_STEP_PARTS; i++) {
        piece(p, (unsigned)i, 100 * part[i] / sum);
        if (part[i] > part[first]) {
            second = first;
            first = i;
        } else if (i != first && (second == first || part[i] > part[second]))
            second = i;
    }
    if (row->metric[ASSAY_METRIC_latency_ns].has_value && sum > 0)
        assay_sink_raw(&p->to, "</span><span><span>%s</span> %.0f&#160;%%, <span>%s</span> %.0f&#160;%%</span></li>\n", assay_step_part_names[first],
                       100 * part[first] / sum, assay_step_part_names[second], 100 * part[second] / sum);
    else /* of a middle that is no point, no figure */
        assay_sink_raw(&p->to, "</span><span><span>%s</span>, <span>%s</span></span></li>\n", assay_step_part_names[first], assay_step_part_names[second]);
}

static void memory_bar(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row)
{
    const struct assay_summary_counter *capacity = assay_cluster_counter(row, "memory_capacity");
    double held[ASSAY_FOOTPRINT_GROUPS], sum = 0, most = capacity && capacity->ranged ? capacity->high : NAN;
    assay_cluster_parts(row, "memory_", assay_footprint_names, ASSAY_FOOTPRINT_GROUPS, held);
    for (int i = 0; i < ASSAY_FOOTPRINT_GROUPS; i++)
        sum += held[i];
    double whole = fmax(sum, isnan(most) ? 0 : most);
    bar_head(p, run, row, "");
    for (int i = 0; i < ASSAY_FOOTPRINT_GROUPS; i++)
        piece(p, (unsigned)i, 100 * held[i] / whole);
    assay_sink_raw(&p->to, "</span><span>%.1f GB of ", sum / 1e9);
    if (capacity && capacity->ranged && capacity->low < capacity->high)
        assay_sink_raw(&p->to, "%.1f to %.1f GB", capacity->low / 1e9, capacity->high / 1e9);
    else
        assay_sink_raw(&p->to, "%.1f GB", most / 1e9);
    assay_sink_raw(&p->to, "</span></li>\n");
}

static void bars(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c, const char *title, const char *about,
                 const char *const *keys, size_t n_keys, void (*bar)(struct assay_page *, const struct assay_report_run *, const struct assay_summary_row *))
{
    assay_sink_raw(&p->to, "<h5>%s</h5>\n<p class=\"small\">%s</p>\n", title, about);
    key_list(p, keys, n_keys);
    assay_sink_raw(&p->to, "<ul class=\"bars\">\n");
    for (size_t i = 0; i < c->n_rows; i++)
        if (assay_cluster_is(c->rows[i]))
            bar(p, run, c->rows[i]);
    assay_sink_raw(&p->to, "</ul>\n");
}

/* ---- links ----------------------------------------------------------------------------------------------------------- */

/* Dark to the low end of the range, pale to the high one. */
static void busy_bar(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row, const struct assay_cluster_link *l)
{
    const struct assay_summary_counter *busy = l->busy_share;
    char                                room[64];
    struct assay_text                   text = ASSAY_TEXT(room);
    if (!assay_cluster_percent(&text, busy))
        return;
    bar_head(p, run, row, l->tier);
    assay_sink_raw(&p->to, "<span class=\"piece b1\" style=\"width:%.2f%%\"></span><span class=\"piece b1 pale\" style=\"width:%.2f%%\"></span></span>", 100 * busy->low,
                   100 * (busy->high - busy->low));
    assay_page_element(p, "span", room);
    assay_sink_raw(&p->to, "</li>\n");
}

static void link_row(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row, const struct assay_cluster_link *l)
{
    char                        room[64];
    struct assay_text           sent = ASSAY_TEXT(room);
    const struct assay_estimate bytes = assay_cluster_estimate(l->sent), busy = assay_cluster_estimate(l->busy), rate = assay_cluster_estimate(l->rate);
    assay_sink_raw(&p->to, "<tr><th scope=\"row\">");
    assay_page_series(p, run->summary, row->backend, false);
    assay_page_element(p, "small", l->tier);
    assay_sink_raw(&p->to, "</th>");
    assay_cluster_bytes(&sent, &bytes);
    assay_page_element(p, "td class=\"num\"", room);
    estimate_cell(p, ASSAY_METRIC_latency_ns, &busy);
    range_cell(p, l->busy_share);
    estimate_cell(p, ASSAY_METRIC_bytes_per_s, &rate);
    range_cell(p, l->rate_share);
    assay_sink_raw(&p->to, "</tr>\n");
}

void assay_page_links(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    static const char *const  columns[] = {"system, tier", "sent by a device", "busy", "of the step", "rate while busy", "of the link's rate", NULL};
    struct assay_cluster_link all[ASSAY_CLUSTER_LINKS];
    bool                      any = false;
    for (size_t i = 0; i < c->n_rows; i++)
        any = any || assay_cluster_links(c->rows[i], all) > 0;
    if (!any)
        return; /* of one device, or a record of before links were told */
    assay_sink_raw(&p->to, "<h5>Use of links</h5>\n<p class=\"small\">For how much of a step exchanges are under way in each tier of links, hidden behind work or not: dark to the "
                           "10th percentile, pale to the 90th. Below, what a device sends in a step, and how fast while it is busy: of training, a device of the busiest stage; of serving, in the mean of all steps.</p>\n<ul class=\"bars\">\n");
    for (size_t i = 0; i < c->n_rows; i++)
        for (size_t k = 0, n = assay_cluster_links(c->rows[i], all); k < n; k++)
            busy_bar(p, run, c->rows[i], &all[k]);
    assay_sink_raw(&p->to, "</ul>\n");
    table_head(p, "use of links by tier", columns);
    for (size_t i = 0; i < c->n_rows; i++)
        for (size_t k = 0, n = assay_cluster_links(c->rows[i], all); k < n; k++)
            link_row(p, run, c->rows[i], &all[k]);
    table_end(p);
}

/* ---- the pipeline of one step ---------------------------------------------------------------------------------------- */

struct drawing {
    struct assay_page *p;
    double             until; /* operations that begin later are not drawn; of a makespan of 1 */
    double             makespan;
};

static void draw_operation(void *self, const struct assay_pipeline_event *e)
{
    static const char *const kinds[] = {"f", "b", "w"};
    const struct drawing    *d = self;
    double                   begin = e->begin_ns / d->makespan / d->until, end = e->end_ns / d->makespan / d->until;
    if (begin < 1 && e->stage < LANES_MOST)
        assay_sink_raw(&d->p->to, "<rect class=\"%s%s\" x=\"%.2f\" y=\"%lld\" width=\"%.2f\" height=\"8\"/>", kinds[e->op], e->chunk % 2 ? " odd" : "",
                       1000 * begin, 10 * (long long)e->stage, 1000 * (fmin(end, 1) - begin));
}

/* Relative times: what a stage does for how long, as shares of the step. */
static bool pipeline_of(const struct assay_summary_row *row, struct assay_pipeline *out, double **times)
{
    double stages = assay_cluster_about(row, "plan_pp"), chunks = assay_cluster_about(row, "plan_chunks");
    double micro_batches = assay_cluster_about(row, "plan_micro_batches"), zero_bubble = assay_cluster_about(row, "pipeline_zero_bubble");
    double each[3] = {assay_cluster_about(row, "pipeline_forward"), assay_cluster_about(row, "pipeline_backward"), assay_cluster_about(row, "pipeline_weights")};
    if (!(stages > 1 && stages <= 4096 && chunks >= 1 && chunks <= 64 && micro_batches >= 1 && micro_batches <= 1e6 && each[0] > 0 && each[1] > 0 && each[2] >= 0) ||
        stages * chunks * micro_batches > 4e6)
        return false;
    size_t  n = (size_t)(stages * chunks);
    double *t = malloc(3 * n * sizeof *t);
    if (!t)
        return false;
    for (size_t i = 0; i < 3 * n; i++)
        t[i] = each[i / n];
    *times = t;
    *out = (struct assay_pipeline){.schedule = zero_bubble > 0 ? ASSAY_PIPELINE_ZERO_BUBBLE : ASSAY_PIPELINE_1F1B, .stages = (int64_t)stages,
                                   .chunks = (int64_t)chunks, .micro_batches = (int64_t)micro_batches, .forward_ns = t, .backward_ns = t + n,
                                   .weight_ns = t + 2 * n};
    return true;
}

static void timeline(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row)
{
    struct assay_pipeline        pipe;
    struct assay_pipeline_result result;
    struct assay_error           none = {.code = ASSAY_OK};
    double                      *times = NULL;
    if (!pipeline_of(row, &pipe, &times))
        return;
    if (!assay_pipeline_run(&pipe, &result, &none) && result.makespan_ns > 0) {
        int64_t        lanes = pipe.stages < LANES_MOST ? pipe.stages : LANES_MOST;
        double         drawn = (double)result.operations * (double)lanes / (double)pipe.stages;
        struct drawing d = {p, drawn > OPERATIONS_MOST ? OPERATIONS_MOST / drawn : 1, result.makespan_ns};
        assay_sink_raw(&p->to, "<figure><figcaption>");
        assay_page_series(p, run->summary, row->backend, false);
        assay_sink_raw(&p->to, " <span>%lld stages of %lld chunks, %lld micro-batches, idle for %.1f %% of their time</span>", (long long)pipe.stages,
                       (long long)pipe.chunks, (long long)pipe.micro_batches, 100 * result.bubble);
        if (d.until < 1 || lanes < pipe.stages)
            assay_sink_raw(&p->to, " <span>(drawn: the first %.2g %% of the step, %lld stages)</span>", 100 * d.until, (long long)lanes);
        assay_sink_raw(&p->to, "</figcaption>\n<svg class=\"pipeline\" role=\"img\" aria-label=\"operations of %lld pipeline stages over time\" viewBox=\"0 0 1000 %lld\" "
                               "preserveAspectRatio=\"none\" style=\"height:%.1frem\">", (long long)pipe.stages, 10 * (long long)lanes, 0.55 * (double)lanes + 0.2);
        (void)assay_pipeline_trace(&pipe, draw_operation, &d, &result, &none);
        assay_sink_raw(&p->to, "</svg></figure>\n");
    }
    free(times);
}

static void timelines(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    bool any = false;
    for (size_t i = 0; i < c->n_rows; i++)
        any = any || (assay_cluster_is(c->rows[i]) && assay_cluster_about(c->rows[i], "plan_pp") > 1);
    if (!any)
        return;
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>The pipeline of one step, stage by stage</h3></summary>\n"
                           "<p class=\"small\">Stages from the first, downwards; time to the right. <span class=\"swatch f\"></span> forward, "
                           "<span class=\"swatch b\"></span> backward, <span class=\"swatch w\"></span> gradients of weights where they go alone; every other chunk is paler.</p>\n");
    for (size_t i = 0; i < c->n_rows; i++)
        if (assay_cluster_is(c->rows[i]))
            timeline(p, run, c->rows[i]);
    assay_sink_raw(&p->to, "</details>\n");
}

/* ---- at equal count, power, price ------------------------------------------------------------------------------------- */

static void per(struct assay_page *p, const struct assay_summary_row *row, const char *counter, double unit, const char *why)
{
    struct assay_estimate e = assay_cluster_per(row, counter, unit);
    if (e.has_interval) {
        estimate_cell(p, ASSAY_METRIC_items_per_s, &e);
        return;
    }
    assay_sink_raw(&p->to, "<td class=\"num none\">");
    assay_sink_text(&p->to, why);
    assay_sink_raw(&p->to, "</td>");
}

static void equal_terms(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    static const char *const columns[] = {"system", "a device", "a kilowatt", "a million dollars", NULL};
    assay_sink_raw(&p->to, "<h5>At equal count, equal power, equal price</h5>\n<p class=\"small\">Tokens a second of the whole system over its devices, its power "
                           "(devices at their full, hosts, network, facility) and its described price: as if a system of another size were a share of this one, which "
                           "flatters small systems beside large ones. Ranges of rate and divisor add up in squares, in logarithms.</p>\n");
    table_head(p, "tokens a second at equal count, power and price", columns);
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct assay_summary_row *row = c->rows[i];
        if (!assay_cluster_is(row))
            continue;
        struct assay_estimate each = assay_cluster_scaled(row, ASSAY_METRIC_items_per_s, 1 / assay_cluster_devices(row));
        assay_sink_raw(&p->to, "<tr><th scope=\"row\">");
        assay_page_series(p, run->summary, row->backend, false);
        assay_sink_raw(&p->to, "</th>");
        estimate_cell(p, ASSAY_METRIC_items_per_s, &each);
        per(p, row, "power", 1e3, "power not known");
        per(p, row, "price", 1e6, "price not known");
        assay_sink_raw(&p->to, "</tr>\n");
    }
    table_end(p);
}

/* ---- scaling ---------------------------------------------------------------------------------------------------------- */

static void size_row(struct assay_page *p, const struct assay_cluster_size *size, enum assay_cluster_scaling kind)
{
    char system[64], name[ASSAY_CASE_NAME_BYTES];
    assay_cluster_system(size->row, system);
    assay_case_brief(size->row->case_name, name);
    assay_sink_raw(&p->to, "<tr>");
    assay_page_element(p, "th scope=\"row\"", system);
    if (kind == ASSAY_CLUSTER_WEAK)
        assay_page_element(p, "td", name);
    assay_sink_raw(&p->to, "<td class=\"num\">%.0f</td>", size->devices);
    if (kind == ASSAY_CLUSTER_WEAK)
        estimate_cell(p, ASSAY_METRIC_items_per_s, &size->row->metric[ASSAY_METRIC_items_per_s]);
    else {
        estimate_cell(p, ASSAY_METRIC_latency_ns, &size->row->metric[ASSAY_METRIC_latency_ns]);
        assay_sink_raw(&p->to, "<td class=\"num\">%.2f – %.2f</td>", size->speed_up[0], size->speed_up[1]);
    }
    assay_sink_raw(&p->to, "<td class=\"num\">%.0f&#160;%% – %.0f&#160;%%</td></tr>\n", 100 * size->efficiency[0], 100 * size->efficiency[1]);
}

/* Frees sizes. */
static void scaling(struct assay_page *p, struct assay_cluster_size *sizes, size_t n, enum assay_cluster_scaling kind)
{
    static const char *const strong[] = {"system", "devices", "a step", "faster than the smallest", "efficiency", NULL};
    static const char *const weak[] = {"system", "case", "devices", "tokens a second", "a device's rate, of the smallest's", NULL};
    p->to.failed = p->to.failed || !sizes;
    if (sizes && n) {
        assay_sink_raw(&p->to, "%s",
                       kind == ASSAY_CLUSTER_STRONG
                           ? "<h5>Strong scaling</h5>\n<p class=\"small\">The same step on more devices of the same system, each with its own best plan.</p>\n"
                           : "<h3>Weak scaling</h3>\n<p class=\"small\">More devices of the same system for as many more sequences a step.</p>\n");
        table_head(p, kind == ASSAY_CLUSTER_STRONG ? "strong scaling" : "weak scaling", kind == ASSAY_CLUSTER_STRONG ? strong : weak);
        for (size_t i = 0; i < n; i++)
            size_row(p, &sizes[i], kind);
        table_end(p);
    }
    free(sizes);
}

static void strong_scaling(struct assay_page *p, const struct assay_report_case *c)
{
    size_t                     n;
    struct assay_cluster_size *sizes = assay_cluster_sizes(c->rows, c->n_rows, ASSAY_CLUSTER_STRONG, &n);
    scaling(p, sizes, n, ASSAY_CLUSTER_STRONG);
}

static void weak_scaling(struct assay_page *p, const struct assay_summary *run)
{
    size_t                     n;
    struct assay_cluster_size *sizes = assay_cluster_sizes_of_run(run, ASSAY_CLUSTER_WEAK, &n);
    scaling(p, sizes, n, ASSAY_CLUSTER_WEAK);
}

/* ---- the section ------------------------------------------------------------------------------------------------------ */

static void one_case(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    char name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(c->name, name);
    assay_sink_raw(&p->to, "<h3><a href=\"#case-%zu-%zu\"><span class=\"no\">%zu</span>&#160;", run->number, c->number, c->number);
    assay_page_case_name(p, name);
    assay_sink_raw(&p->to, "</a></h3>\n");
    reached(p, run, c);
    bars(p, run, c, "Where a step's time goes", "Shares of the step. Of a system whose numbers are only known as ranges, each part stands at the middle of its range: a share, no time.",
         assay_step_part_names, ASSAY_STEP_PARTS, step_bar);
    bars(p, run, c, "What fills the fullest device's memory", "By groups; what is left of a bar is free.", assay_footprint_names, ASSAY_FOOTPRINT_GROUPS, memory_bar);
    assay_page_links(p, run, c);
    timelines(p, run, c);
    equal_terms(p, run, c);
    strong_scaling(p, c);
}

void assay_page_clusters(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "clusters");
    assay_sink_raw(&p->to, "\">\n<h2>Clusters</h2>\n<p class=\"small\">One training step, spread by the best plan that fits into the memory of each system. All of it is calculated from "
                           "descriptions: ranges are the 10th to the 90th percentile of what is known; where a number that matters is only known as a range, there is no point. Plans: ranks of tensor (tp), context (cp), data (dp), pipeline (pp) and expert parallelism (ep), micro-batches (mb).</p>\n");
    for (size_t i = 0; i < run->n_cases; i++)
        if (assay_cluster_is_case(&run->cases[i]))
            one_case(p, run, &run->cases[i]);
    weak_scaling(p, run->summary);
    assay_sink_raw(&p->to, "</section>\n");
}
