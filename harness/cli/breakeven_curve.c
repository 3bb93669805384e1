#include "harness/cli/breakeven.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "reports/plot.h"

#include "assay/banned.h"

static enum assay_code write_text(const char *base, const char *ending, const char *text, size_t bytes,
                                  struct assay_error *err)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s.%s", base, ending);
    return assay_file_replace(path, text, bytes, err);
}

static enum assay_code write_csv(const struct assay_curve *c, const char *base, struct assay_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    if (!f)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the curve");
    fprintf(f, "memory_bytes_per_s,%s_even,%s_sure\n", c->peak, c->peak);
    for (size_t i = 0; i < ASSAY_CURVE_POINTS; i++) {
        fprintf(f, "%.6g,", c->at[i].bandwidth);
        fprintf(f, isinf(c->at[i].even) ? "," : "%.6g,", c->at[i].even); /* empty: no peak does it */
        fprintf(f, isinf(c->at[i].sure) ? "\n" : "%.6g\n", c->at[i].sure);
    }
    if (fclose(f))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the curve");
    else
        (void)write_text(base, "csv", text, bytes, err);
    free(text);
    return err->code;
}

static void write_block(FILE *script, const struct assay_curve *c, const char *name, bool sure)
{
    fprintf(script, "$%s << EOD\n", name);
    for (size_t i = 0; i < ASSAY_CURVE_POINTS; i++) {
        double peak = sure ? c->at[i].sure : c->at[i].even;
        if (isfinite(peak) && peak > 0)
            fprintf(script, "%.6g %.6g\n", c->at[i].bandwidth / 1e12, peak / 1e12);
        else
            fputs("\n", script);
    }
    fputs("EOD\n", script);
}

static void write_script(FILE *script, const struct assay_curve *c)
{
    write_block(script, c, "peven", false);
    write_block(script, c, "psure", true);
    fprintf(
        script,
        "set logscale xy\nset xlabel 'memory bandwidth, TB/s'\nset ylabel 'peak, TFLOP/s'\n"
        "set xtics (0.1,0.2,0.5,1,2,3,4,6,8,12,16,32)\nset ytics "
        "(1,2,5,10,20,50,100,200,500,1000,2000,5000,10000,20000)\n"
        "set xrange [%.6g:%.6g]\nset yrange [%.6g:*]\nset grid lt 1 lc " ASSAY_PLOT_GRID
        "\nset key top right\nset border 3\n"
        "set object 1 rectangle from %.6g,%.6g to %.6g,%.6g fs transparent solid 0.15 noborder fc " ASSAY_PLOT_SERIES
        "\n",
        c->at[0].bandwidth / 1e12, c->at[ASSAY_CURVE_POINTS - 1].bandwidth / 1e12, c->peak_low / 1.25e12, c->low / 1e12,
        c->peak_low / 1e12, c->high / 1e12, fmax(c->peak_high, c->peak_low * 1.02) / 1e12, 3u);
    fprintf(script,
            "plot $peven using 1:2 with linespoints pt 7 ps 0.5 lw 2 lc " ASSAY_PLOT_SERIES " title 'chance 50 %%', "
            "$psure using 1:2 with linespoints pt 7 ps 0.5 lw 2 lc " ASSAY_PLOT_SERIES " title 'chance 90 %%', "
            "NaN with boxes fs transparent solid 0.15 lc " ASSAY_PLOT_SERIES " title 'as described'\n",
            1u, 2u, 3u);
}

/* By itself a drawing needs what a page gives it: a name space and colours. */
static enum assay_code write_svg(const struct assay_curve *c, const char *base, struct assay_error *err)
{
    static const char head[] =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" style=\"background:#fff;color:#1b232c;--grid:#dde2e7;"
        "--s1:#1f5fa8;--s2:#b4530a;--s3:#2b7a3d\" font-family=\"sans-serif\"";
    FILE *script;
    char *text = NULL;
    struct assay_plots *plots = assay_plots_new();
    size_t plot = plots ? assay_plots_begin(plots, 640, 420, &script) : ASSAY_PLOT_NONE;
    if (plot == ASSAY_PLOT_NONE) {
        assay_plots_free(plots);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a drawing");
    }
    write_script(script, c);
    assay_plots_draw(plots);
    const char *svg = assay_plots_svg(plots, plot);
    size_t bytes = svg ? sizeof head + strlen(svg) : 0;
    if (!svg)
        (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "no drawing: %.150s", assay_plots_why(plots));
    else if (!(text = malloc(bytes)))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a drawing");
    else {
        int n = snprintf(text, bytes, "%s%s", head, svg + strlen("<svg"));
        (void)write_text(base, "svg", text, (size_t)n, err);
    }
    free(text);
    assay_plots_free(plots);
    return err->code;
}

enum assay_code assay_curve_write(const struct assay_curve *curve, const char *base, struct assay_error *err)
{
    return write_csv(curve, base, err) ? err->code : write_svg(curve, base, err);
}
