/* What the models are worth: predictions of chips that a fit never saw, against what was measured of them. The table
 * comes with the program (backends/coefficients/left-out.csv, written with the fit), not from the run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/model/coefficients.h"
#include "harness/model/csv.h"
#include "harness/model/left_out.h"
#include "reports/page/page.h"

#include "assay/banned.h"

bool assay_page_has_worth(const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->summary->n_rows; i++)
        if (run->summary->rows[i].evidence == ASSAY_EVIDENCE_MODELLED)
            return true;
    return false;
}

/* ---- the table -----------------------------------------------------------------------------------------------------
 */

enum how { WORD, COUNT, PERCENT, SIGNED_PERCENT, RATIO };
static const struct {
    const char *column, *title;
    enum how how;
} columns[] = {
    {"class", "kernels", WORD},
    {"chip", "chip left out", WORD},
    {"formats", "formats", WORD},
    {"rows", "measure&#173;ments", COUNT},
    {"median_error", "median error", PERCENT},
    {"p90_error", "90th percentile", PERCENT},
    {"bias", "bias", SIGNED_PERCENT},
    {"coverage", "in the 80&#160;% band", PERCENT},
    {"ln_width", "ln(p90/p10)", RATIO},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static enum assay_code read_left_out(struct assay_csv *out, struct assay_error *err)
{
    char folder[480], path[512];
    if (assay_data_folder("backends/coefficients", folder, sizeof folder, err) ||
        assay_path_join(path, sizeof path, folder, "left-out.csv", err) || assay_csv_read(path, out, err))
        return err->code;
    for (size_t c = 0; c < COLUMNS; c++)
        if (assay_csv_column(out, columns[c].column) == out->n_columns) {
            assay_csv_release(out);
            return ASSAY_FAIL(err, ASSAY_DATA, "'%.160s' has no column '%s'", path, columns[c].column);
        }
    return ASSAY_OK;
}

static void cell(struct assay_page *p, const struct assay_csv *csv, size_t row, size_t c)
{
    const char *text = assay_csv_cell(csv, row, assay_csv_column(csv, columns[c].column));
    char number[32];
    double value = strtod(text, NULL);
    switch (columns[c].how) {
    case WORD:
        assay_page_element(p, c ? "td" : "th scope=\"row\"", text);
        return;
    case COUNT:
        (void)snprintf(number, sizeof number, "%.0f", value);
        break;
    case PERCENT:
        (void)snprintf(number, sizeof number, "%.1f\u00a0%%", 100 * value);
        break;
    case SIGNED_PERCENT:
        (void)snprintf(number, sizeof number, "%+.1f\u00a0%%", 100 * value);
        break;
    case RATIO:
        (void)snprintf(number, sizeof number, "%.2f", value);
        break;
    }
    assay_page_element(p, "td class=\"num\"", number);
}

static void table(struct assay_page *p, const struct assay_csv *csv)
{
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"predictions of chips "
                           "left out\"><table class=\"worth\"><thead><tr>");
    for (size_t c = 0; c < COLUMNS; c++)
        assay_sink_raw(&p->to, "<th scope=\"col\"%s>%s</th>", columns[c].how != WORD ? " class=\"num\"" : "",
                       columns[c].title);
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
    for (size_t row = 0; row < csv->n_rows; row++) {
        assay_sink_raw(&p->to, "<tr>");
        for (size_t c = 0; c < COLUMNS; c++)
            cell(p, csv, row, c);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

/* ---- the drawings --------------------------------------------------------------------------------------------------
 */

static void drawing(struct assay_page *p, const struct assay_worth *w, size_t class)
{
    const struct assay_worth_class *c = &w->of[class];
    const char *name = assay_kernel_class_names[class];
    char label[200];
    double factor = exp(c->half);
    (void)snprintf(label, sizeof label, "%s: predicted over measured time, both axes logarithmic, with the line of equals",
                   name);
    assay_sink_raw(&p->to, "<figure><figcaption><b>%s</b>, band: ÷ %.2f to × %.2f</figcaption>\n", name, factor, factor);
    assay_page_plot(p, c->plot, label);
    assay_sink_raw(&p->to, "<ul class=\"keys names\">");
    for (size_t i = 0; i < w->n_chips; i++) {
        if (!c->points[i])
            continue;
        assay_sink_raw(&p->to, "<li><span class=\"s%zu\" aria-hidden=\"true\">%s</span>&#160;", i + 1,
                       assay_worth_mark(i + 1));
        assay_sink_text(&p->to, w->chip[i]);
        assay_sink_raw(&p->to, " <small>%zu</small></li>\n", c->points[i]);
    }
    assay_sink_raw(&p->to, "</ul></figure>\n");
}

static void drawings(struct assay_page *p, const struct assay_worth *w)
{
    assay_sink_raw(&p->to, "<h3>Predicted against measured</h3>\n");
    if (*w->why) {
        assay_sink_raw(&p->to, "<p class=\"none\">Not known here: ");
        assay_sink_text(&p->to, w->why);
        assay_sink_raw(&p->to, "</p>\n");
        return;
    }
    assay_sink_raw(&p->to,
                   "<p class=\"small\">Each point is one kernel on a chip that was left out; above the line the chip was "
                   "faster than predicted. Shaded: the 80&#160;%% band in the median of the points. "
                   "Of each chip and format at most %d points, evenly spread over the order of predicted times, so none is "
                   "chosen by its error; the table is of all.</p>\n<div class=\"panels\">\n",
                   ASSAY_LEFT_OUT_POINTS);
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        if (w->of[c].n_points)
            drawing(p, w, c);
    assay_sink_raw(&p->to, "</div>\n");
}

/* ---- the devices of this run ---------------------------------------------------------------------------------------
 */

/* "gemm 3, prefill 3": chips of the vendor that the fit saw, by class of kernels. */
static void measured_of(struct assay_page *p, const struct assay_fitted *f, const char *vendor)
{
    unsigned most = 0;
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        unsigned n = assay_fitted_chips(f, vendor, (enum assay_kernel_class)c);
        if (n)
            assay_sink_raw(&p->to, "%s%s %u", most ? ", " : "", assay_kernel_class_names[c], n);
        most = n > most ? n : most;
    }
    if (!most)
        assay_sink_raw(&p->to, "none: its bands are a written prior, without a claim that they cover 80 of 100");
    else if (most < 3)
        assay_sink_raw(&p->to, "; the spread is borrowed from the vendor with the most");
}

static void devices(struct assay_page *p, const struct assay_summary *run, const struct assay_fitted *f)
{
    assay_sink_raw(&p->to, "<h3>The devices of this run</h3>\n<dl class=\"facts\">\n");
    for (size_t b = 0; b < run->n_backends; b++) {
        const struct assay_record *r = NULL;
        for (size_t i = 0; i < run->n_rows && !r; i++)
            if (!strcmp(run->rows[i].backend, run->backends[b]) && run->rows[i].evidence == ASSAY_EVIDENCE_MODELLED)
                r = run->rows[i].launches[run->rows[i].typical];
        if (!r)
            continue;
        assay_sink_raw(&p->to, "<div><dt>");
        assay_sink_text(&p->to, r->device.name);
        assay_sink_raw(&p->to, "</dt><dd>measured chips of ");
        assay_sink_text(&p->to, r->device.vendor);
        assay_sink_raw(&p->to, ": ");
        measured_of(p, f, r->device.vendor);
        assay_sink_raw(&p->to, "</dd></div>\n");
    }
    assay_sink_raw(&p->to, "</dl>\n");
}

/* Records name the fit that they were priced by: "fit 0123456789abcdef". */
static bool is_other_fit(const struct assay_summary *run, const struct assay_csv *csv)
{
    const char *fit = csv->n_rows ? assay_csv_cell(csv, 0, assay_csv_column(csv, "fit")) : "";
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_record *r = run->rows[i].launches[run->rows[i].typical];
        const char *at = strstr(r->compiled, "; fit ");
        if (at && strncmp(at + strlen("; fit "), fit, 16) != 0)
            return true;
    }
    return false;
}

static void words(struct assay_page *p)
{
    assay_sink_raw(&p->to,
                   "<h3>What it was fitted on, and what it cannot do</h3>\n<ul class=\"prose\">\n"
                   "<li>Fitted on published measurements of single kernels on the chips of the table, never on a chip "
                   "that is kept back for judging; "
                   "a modelled case is the sum of its kernels. No whole model was measured for this table.</li>\n"
                   "<li>Convolutions, passes over memory and transfers were not among the measurements: their bands "
                   "are wider by a written prior.</li>\n"
                   "<li>The forms were chosen while looking at these same chips, and the widths of the bands come from "
                   "these same errors: "
                   "the table flatters both.</li>\n"
                   "<li>It knows no time of a host or a framework, no other year's software, no sparsity, no uneven "
                   "routing, and no chip "
                   "whose units work unlike those it saw.</li>\n"
                   "<li>A grade is the worst among inputs that make at least 5 %% of the variance of the time's "
                   "logarithm, and D wherever an assumed number moves "
                   "it. Where only a range of such a number is known, there is no point.</li>\n</ul>\n");
}

void assay_page_worth(struct assay_page *p, const struct assay_report_run *run)
{
    struct assay_csv csv = {.bytes = NULL};
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_fitted *f = malloc(sizeof *f);
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "worth");
    assay_sink_raw(&p->to, "\">\n<h2>What the model is worth</h2>\n<p class=\"small\">Each chip was predicted by "
                           "coefficients fitted without it; a vendor's only chip "
                           "by other vendors' coefficients alone. Error: |predicted / measured - 1|. Bias: the median "
                           "of predicted / measured - 1. "
                           "This comes with the program, not from the run.</p>\n");
    if (!f || read_left_out(&csv, &err) || assay_fitted_read(NULL, f, &err)) {
        assay_sink_raw(&p->to, "<p class=\"none\">Not known here: ");
        assay_sink_text(&p->to, f ? err.message : "no memory");
        assay_sink_raw(&p->to, "</p>\n");
    } else {
        if (is_other_fit(run->summary, &csv))
            assay_sink_raw(&p->to,
                           "<p><b>This run was priced by another fit</b> than the one that the table is of.</p>\n");
        table(p, &csv);
        drawings(p, &run->worth);
        devices(p, run->summary, f);
    }
    words(p);
    assay_sink_raw(&p->to, "</section>\n");
    assay_csv_release(&csv);
    free(f);
}
