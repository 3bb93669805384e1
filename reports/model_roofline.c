/* The roofline of one case's nodes: intensity and rate of each as its own op, below the roofs measured beside that launch. */
#include <math.h>

#include "reports/figures.h"
#include "reports/model.h"

#include "assay/banned.h"

#define MAX_POINTS 400 /* the longest ones; a drawing has 60 bytes for each */

static bool place(const struct assay_model_node *node, double *intensity, double *rate)
{
    double flops = (double)node->cost.flops, bytes = (double)node->cost.read_bytes + (double)node->cost.written_bytes;
    *intensity = bytes > 0 ? flops / bytes : 0;
    *rate = assay_report_model_rate(flops, node->ns);
    return *intensity > 0 && *rate > 0;
}

size_t assay_model_roofline_placed(const struct assay_report_model *model)
{
    size_t n = 0;
    double x, y;
    for (size_t i = 0; i < model->n_timed && n < MAX_POINTS; i++)
        n += place(model->by_time[i], &x, &y);
    return n;
}

/* Longest first, so that large points lie below small ones; a point's area is its share of the time. */
static void write_points(const struct assay_report_model *model, FILE *script, double low[2], double high[2])
{
    size_t n = 0;
    double at[2];
    fputs("$p << EOD\n", script);
    for (size_t i = 0; i < model->n_timed && n < MAX_POINTS; i++) {
        const struct assay_model_node *node = model->by_time[i];
        if (!place(node, &at[0], &at[1]))
            continue;
        at[1] /= 1e9;
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], at[k]);
            high[k] = fmax(high[k], at[k]);
        }
        size_t series = node->rank + 1 < ASSAY_PLOT_MAX_SERIES ? node->rank + 1 : ASSAY_PLOT_MAX_SERIES;
        double size = 0.35 + 2.2 * sqrt(assay_report_model_share(model, node->ns) / assay_report_model_share(model, model->by_time[0]->ns));
        fprintf(script, "%.6g %.6g %zu %.3g\n", at[0], at[1], series, size);
        n++;
    }
    fputs("EOD\n", script);
}

void assay_model_roofline_begin(struct assay_report_model *model, struct assay_plots *plots)
{
    FILE  *script;
    double peak = assay_report_model_peak(model) / 1e9, triad = assay_report_model_triad(model) / 1e9;
    if (peak <= 0 || triad <= 0 || assay_model_roofline_placed(model) == 0)
        return;
    model->plot = assay_plots_begin(plots, 760, 420, &script);
    if (model->plot == ASSAY_PLOT_NONE)
        return;
    double low[2] = {peak / triad / 8, peak / 20}, high[2] = {peak / triad * 8, peak};
    write_points(model, script, low, high);
    for (int k = 0; k < 2; k++) { /* half decades around, so that no point sits on the frame */
        low[k] = pow(10, floor(2 * log10(low[k] / 1.4)) / 2);
        high[k] = pow(10, ceil(2 * log10(high[k] * 1.4)) / 2);
    }
    fprintf(script,
            "set border 3 lw 0.8\nset tics nomirror scale 0.5\nset grid x y lt 1 lc " ASSAY_PLOT_GRID " lw 0.6\nset logscale xy\n"
            "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\nset samples 400\nset format \"%%g\"\nunset key\n"
            "set xlabel \"arithmetic intensity of a node (flop/byte, its operands and results once)\"\nset ylabel \"rate (Gflop/s), traced\" offset 1\n"
            "roof(i) = i * %.9g < %.9g ? i * %.9g : %.9g\n",
            low[0], high[0], low[1], high[1], triad, peak, triad, peak);
    fprintf(script, "set label 1 \"peak %.4g Gflop/s, triad %.4g GB/s\" at graph 0.015, graph 0.955 left noenhanced\n", peak, triad);
    fputs("plot roof(x) with lines lw 1.6 lc rgb \"#000000\"", script);
    int filled = assay_figure_is_proved(model->row) ? 7 : 6;
    for (unsigned s = 1; s <= ASSAY_PLOT_MAX_SERIES && s <= model->n_ops; s++)
        fprintf(script, ", $p using 1:($3==%u?$2:NaN):4 with points pt %d ps variable lc " ASSAY_PLOT_SERIES, s, filled, s);
    fputs("\n", script);
}
