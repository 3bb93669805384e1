/* How a training went: loss of its steps, quality on unseen data against the target and the floor, norms of gradients. Curves of
 * all back ends of a case in one plot, each of its typical launch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/plan.h"
#include "harness/store/run_folder.h"
#include "reports/cases.h"

#include "assay/banned.h"

#define POINTS 400 /* of a curve; each is the mean of the steps it stands for */

/* One launch's curve. */
struct curve {
    unsigned                 series;
    size_t                   n;
    struct assay_lesson_row *rows;
};
struct curves {
    struct curve *at;
    size_t        n;
    double        target, floor; /* NaN: not recorded */
    bool          by_loss;       /* quality is a loss, so it stands in the same plot */
};

static const char *read_curve(const struct assay_report_run *run, const struct assay_summary_row *row, struct curve *out)
{
    struct assay_error         err = {.code = ASSAY_OK};
    const struct assay_record *launch = row->launches[row->typical];
    out->series = assay_report_series(run->summary, row->backend);
    if (!*launch->curve_file)
        return "";
    if (assay_curve_read(assay_run_folder_path(run->summary->folder), launch, &out->rows, &out->n, &err))
        return err.code == ASSAY_IO ? "the file of the curve cannot be read" : "the file of the curve is not what the record says";
    return out->n ? NULL : "the file of the curve is empty";
}

static double recorded(const struct assay_summary_row *row, enum assay_metric metric)
{
    const struct assay_metric_value *m = &row->launches[row->typical]->metric[metric];
    return m->has_value ? m->value : NAN;
}

static bool is_judged_by_loss(const char *case_name)
{
    struct assay_case  c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    if (assay_case_parse(case_name, &c, &ignored))
        return false; /* of a program that had this case: quality gets a plot of its own */
    bool by_loss = c.workload->lesson && c.workload->lesson->quality == ASSAY_QUALITY_LOSS;
    assay_case_release(&c);
    return by_loss;
}

/* ---- drawing ------------------------------------------------------------------------------------------------- */

static void axes(FILE *script, const char *ylabel)
{
    fprintf(script, "set border 3 lw 0.8\nset tics nomirror scale 0.5\nset grid y lt 1 lc " ASSAY_PLOT_GRID " lw 0.6\nunset key\n"
                    "set xrange [0:*]\nset xlabel \"steps\"\nset ylabel \"%s\" offset 1\n", ylabel);
}

/* Means over equal runs of steps, so that noise is thinned and no step is left out. */
static void steps_block(FILE *script, size_t number, const struct curve *c, bool norms)
{
    size_t steps = 0, k = 0;
    double sum = 0;
    for (size_t i = 0; i < c->n; i++)
        steps += c->rows[i].kind == ASSAY_LESSON_STEP;
    size_t each = steps / POINTS + 1;
    fprintf(script, "$ps%zu << EOD\n", number);
    for (size_t i = 0; i < c->n; i++) {
        if (c->rows[i].kind != ASSAY_LESSON_STEP)
            continue;
        sum += norms ? c->rows[i].gradient_norm : c->rows[i].value;
        if (++k % each && k < steps)
            continue;
        size_t in = k % each ? k % each : each;
        if (isfinite(sum))
            fprintf(script, "%.9g %.6g\n", (double)c->rows[i].step - (double)(in - 1) / 2, sum / (double)in);
        sum = 0;
    }
    fputs("EOD\n", script);
}

static void evaluations_block(FILE *script, size_t number, const struct curve *c)
{
    size_t all = 0, k = 0;
    for (size_t i = 0; i < c->n; i++)
        all += c->rows[i].kind == ASSAY_LESSON_EVALUATION;
    size_t each = all / POINTS + 1; /* of very many, some; the last one always */
    fprintf(script, "$pe%zu << EOD\n", number);
    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].kind == ASSAY_LESSON_EVALUATION && (++k % each == 0 || k == all) && isfinite(c->rows[i].value))
            fprintf(script, "%llu %.6g\n", (unsigned long long)c->rows[i].step, c->rows[i].value);
    fputs("EOD\n", script);
}

static bool has(const struct curve *c, bool evaluation, bool norms)
{
    for (size_t i = 0; i < c->n; i++)
        if ((c->rows[i].kind == ASSAY_LESSON_EVALUATION) == evaluation && isfinite(norms ? c->rows[i].gradient_norm : c->rows[i].value))
            return true;
    return false;
}

static void line_at(FILE *script, int tag, double y, const char *what, const char *dash, const char *side)
{
    if (!isfinite(y))
        return;
    fprintf(script, "set arrow %d from graph 0, first %.9g to graph 1, first %.9g nohead lw 1.1 dt %s lc rgb \"#000000\"\n", tag, y, y, dash);
    fprintf(script, "set label %d \"%s %.5g\" at graph 0.99, first %.9g right offset 0,%s noenhanced\n", tag, what, y, y, side);
}

/* What is drawn of every curve: steps as lines, evaluations as points. */
static void plot_all(FILE *script, const struct curves *c, bool steps, bool evaluations, bool norms)
{
    const char *between = "plot";
    for (size_t i = 0; i < c->n; i++) {
        if (steps && has(&c->at[i], false, norms)) {
            fprintf(script, "%s $ps%zu using 1:2 with lines lw 1.3 lc " ASSAY_PLOT_SERIES, between, i, c->at[i].series);
            between = ",";
        }
        if (evaluations && has(&c->at[i], true, false)) {
            fprintf(script, "%s $pe%zu using 1:2 with linespoints pt 7 ps 0.6 lw 0.8 dt 3 lc " ASSAY_PLOT_SERIES, between, i, c->at[i].series);
            between = ",";
        }
    }
    fputs("\n", script);
}

static bool any(const struct curves *c, bool evaluation, bool norms)
{
    for (size_t i = 0; i < c->n; i++)
        if (has(&c->at[i], evaluation, norms))
            return true;
    return false;
}

static size_t draw_loss(struct assay_plots *plots, const struct curves *c)
{
    FILE  *script;
    size_t plot = any(c, false, false) ? assay_plots_begin(plots, 660, 290, &script) : ASSAY_PLOT_NONE;
    if (plot == ASSAY_PLOT_NONE)
        return plot;
    axes(script, c->by_loss ? "loss (nats)" : "loss of a step (nats)");
    if (c->by_loss) {
        line_at(script, 1, c->floor, "floor", "2", "-0.7");
        line_at(script, 2, c->target, "target", "3", "0.6");
    }
    if (c->by_loss && isfinite(c->floor))
        fprintf(script, "set yrange [%.6g:*]\n", 0.8 * c->floor);
    for (size_t i = 0; i < c->n; i++) {
        steps_block(script, i, &c->at[i], false);
        evaluations_block(script, i, &c->at[i]);
    }
    plot_all(script, c, true, c->by_loss, false);
    return plot;
}

static size_t draw_quality(struct assay_plots *plots, const struct curves *c)
{
    FILE  *script;
    size_t plot = !c->by_loss && any(c, true, false) ? assay_plots_begin(plots, 660, 220, &script) : ASSAY_PLOT_NONE;
    if (plot == ASSAY_PLOT_NONE)
        return plot;
    axes(script, "wrong, unseen data");
    fputs("set yrange [0:*]\n", script);
    line_at(script, 2, c->target, "target", "3", "0.6");
    for (size_t i = 0; i < c->n; i++)
        evaluations_block(script, i, &c->at[i]);
    plot_all(script, c, false, true, false);
    return plot;
}

static size_t draw_norms(struct assay_plots *plots, const struct curves *c)
{
    FILE  *script;
    size_t plot = any(c, false, true) ? assay_plots_begin(plots, 660, 200, &script) : ASSAY_PLOT_NONE;
    if (plot == ASSAY_PLOT_NONE)
        return plot;
    axes(script, "norm of the gradients");
    fputs("set logscale y\nset format y \"%g\"\n", script);
    for (size_t i = 0; i < c->n; i++)
        steps_block(script, i, &c->at[i], true);
    plot_all(script, c, true, false, true);
    return plot;
}

static void begin(const struct assay_report_run *run, struct assay_report_case *c, struct assay_plots *plots)
{
    struct curves all = {.at = calloc(c->n_rows, sizeof *all.at), .target = NAN, .floor = NAN, .by_loss = is_judged_by_loss(c->name)};
    for (size_t i = 0; all.at && i < c->n_rows; i++) {
        const char *why = read_curve(run, c->rows[i], &all.at[all.n]);
        if (why && *why)
            (void)snprintf(c->why_no_learning, sizeof c->why_no_learning, "%s", why);
        if (why) {
            free(all.at[all.n].rows);
            all.at[all.n] = (struct curve){.n = 0};
            continue;
        }
        all.target = recorded(c->rows[i], ASSAY_METRIC_quality_target);
        all.floor = recorded(c->rows[i], ASSAY_METRIC_quality_floor);
        all.n++;
    }
    if (all.n) {
        c->learning = draw_loss(plots, &all);
        c->quality = draw_quality(plots, &all);
        c->norms = draw_norms(plots, &all);
    }
    for (size_t i = 0; i < all.n; i++)
        free(all.at[i].rows);
    free(all.at);
}

void assay_learning_begin(struct assay_report_run *run, struct assay_plots *plots)
{
    for (size_t i = 0; i < run->n_cases && i < ASSAY_REPORT_MAX_DISTRIBUTIONS; i++)
        begin(run, &run->cases[i], plots);
}
