/* The roofline: what each case reached over its arithmetic intensity, below what this host's cores were measured to be
 * able to (multiply-add peak, triad bandwidth), both taken in turn with the cases.
 * Williams, Waterman, Patterson: Roofline (CACM 52(4), 2009): attainable = min(peak, bandwidth * intensity). */
#include <math.h>

#include "reports/cases.h"
#include "reports/figures.h"

#include "assay/banned.h"

#define MAX_LABELS 60 /* points beyond which numbers would only cover each other */

static double intensity(const struct assay_record *launch)
{
    double bytes = (double)launch->read_bytes + (double)launch->written_bytes;
    return launch->flops > 0 && bytes > 0 ? (double)launch->flops / bytes : 0;
}

double assay_roofline_place(const struct assay_summary_row *row, const char **why_not)
{
    const struct assay_record *launch = row->launches[row->typical];
    *why_not = NULL;
    if (launch->status == ASSAY_STATUS_OK && row->metric[ASSAY_METRIC_flops_per_s].has_interval && !row->metric[ASSAY_METRIC_flops_per_s].has_value)
        *why_not = "its rate is a range and no point";
    else if (launch->status == ASSAY_STATUS_OK && launch->load.issued)
        *why_not = "under load: a rate of samples, and none of operations";
    else if (launch->status != ASSAY_STATUS_OK || !row->metric[ASSAY_METRIC_flops_per_s].has_value)
        *why_not = launch->status != ASSAY_STATUS_OK ? "no launch ended well" : "no floating-point rate: the case does no floating-point work that is counted";
    else if (!row->metric[ASSAY_METRIC_ceiling_flops_per_s].has_value || !row->metric[ASSAY_METRIC_ceiling_bytes_per_s].has_value)
        *why_not = "the device has no measured roof";
    else if (intensity(launch) == 0 || row->metric[ASSAY_METRIC_flops_per_s].value <= 0)
        *why_not = "no floating-point work or no bytes are counted";
    return *why_not ? 0 : intensity(launch);
}

struct range {
    double low, high;
};

static void widen(struct range *r, double value)
{
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

/* Half decades around, so that no point sits on the frame. */
static void round_out(struct range *r)
{
    r->low = pow(10, floor(2 * log10(r->low / 1.2)) / 2);
    r->high = pow(10, ceil(2 * log10(r->high * 1.2)) / 2);
}

static size_t write_points(const struct assay_report_run *run, FILE *script, struct range *x, struct range *y)
{
    size_t      n = 0;
    const char *why;
    fputs("$p << EOD\n", script);
    for (size_t c = 0; c < run->n_cases; c++)
        for (size_t i = 0; i < run->cases[c].n_rows; i++) {
            const struct assay_summary_row *row = run->cases[c].rows[i];
            double                          at = assay_roofline_place(row, &why), rate = row->metric[ASSAY_METRIC_flops_per_s].value / 1e9;
            if (at == 0)
                continue;
            widen(x, at);
            widen(y, rate);
            fprintf(script, "%.6g %.6g %u %d %zu\n", at, rate, assay_report_series(run->summary, row->backend),
                    assay_figure_is_proved(row), run->cases[c].number);
            n++;
        }
    fputs("EOD\n", script);
    return n;
}

static size_t count_points(const struct assay_report_run *run)
{
    size_t      n = 0;
    const char *why;
    for (size_t i = 0; i < run->summary->n_rows; i++)
        n += assay_roofline_place(&run->summary->rows[i], &why) > 0;
    return n;
}

void assay_roofline_begin(struct assay_report_run *run, struct assay_plots *plots)
{
    FILE  *script;
    double peak = run->peak_flops_per_s / 1e9, triad = run->triad_bytes_per_s / 1e9;
    if (peak <= 0 || triad <= 0 || count_points(run) == 0)
        return;
    run->roofline = assay_plots_begin(plots, 760, 440, &script);
    if (run->roofline == ASSAY_PLOT_NONE)
        return;
    struct range x = {peak / triad / 8, peak / triad * 8}, y = {peak / 20, peak};
    size_t       n = write_points(run, script, &x, &y);
    round_out(&x);
    round_out(&y);
    fprintf(script,
            "set border 3 lw 0.8\nset tics nomirror scale 0.5\nset grid x y lt 1 lc " ASSAY_PLOT_GRID " lw 0.6\nset logscale xy\n"
            "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\nset samples 400\nset format \"%%g\"\nunset key\n"
            "set xlabel \"arithmetic intensity (flop/byte, algorithmic)\"\nset ylabel \"rate (Gflop/s)\" offset 1\n"
            "roof(i) = i * %.9g < %.9g ? i * %.9g : %.9g\n",
            x.low, x.high, y.low, y.high, triad, peak, triad, peak);
    fprintf(script, "set label 1 \"peak %.4g Gflop/s\" at graph 0.985, first %.6g right offset 0,0.6 noenhanced\n", peak, peak);
    fprintf(script, "set label 2 \"triad %.4g GB/s\" at graph 0.015, graph 0.955 left noenhanced\n", triad);
    fputs("plot roof(x) with lines lw 1.6 lc rgb \"#000000\"", script);
    for (unsigned s = 1; s <= run->summary->n_backends; s++)
        fprintf(script, ", $p using 1:($3==%u&&$4==1?$2:NaN) with points pt 7 ps 0.9 lc " ASSAY_PLOT_SERIES
                        ", $p using 1:($3==%u&&$4==0?$2:NaN) with points pt 6 ps 0.9 lc " ASSAY_PLOT_SERIES,
                s, s, s, s);
    if (n <= MAX_LABELS)
        fputs(", $p using 1:2:(sprintf(\"%d\", $5)) with labels offset 0.9,0.5 font \",10\"", script);
    fputs("\n", script);
}
