/* Single ops: a map of op by format, one a back end, in the colours of verdicts, deeper the more of its bound an error takes. */
#include <math.h>
#include <string.h>

#include "harness/judge/ops.h"
#include "reports/op_cells.h"
#include "reports/page/page.h"

#include "assay/banned.h"

enum { MOST_FORMATS = 32 };

/* The formats in the order in which cells name them. */
static size_t formats_of(const struct assay_ops *ops, const char *formats[MOST_FORMATS])
{
    size_t n = 0;
    for (size_t i = 0; i < ops->n; i++) {
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || !strcmp(formats[k], ops->cell[i].format);
        if (!known && n < MOST_FORMATS)
            formats[n++] = ops->cell[i].format;
    }
    return n;
}

static const struct assay_ops_cell *cell_at(const struct assay_ops *ops, const char *op, const char *format)
{
    for (size_t i = 0; i < ops->n; i++)
        if (!strcmp(ops->cell[i].op, op) && !strcmp(ops->cell[i].format, format))
            return &ops->cell[i];
    return NULL;
}

static void cell(struct assay_page *p, const struct assay_ops_cell *c, const char *format)
{
    static const char *const words[] = {[ASSAY_PASS] = "", [ASSAY_MARGINAL] = "marginal", [ASSAY_FAIL] = "fail", [ASSAY_UNTRUSTED] = "untrusted",
                                        [ASSAY_NOT_CHECKED] = "not checked"};
    assay_sink_raw(&p->to, "<td data-label=\"");
    assay_sink_text(&p->to, format);
    assay_sink_raw(&p->to, "\"");
    if (!c) {
        assay_sink_raw(&p->to, "></td>");
        return;
    }
    assay_sink_raw(&p->to, " class=\"num v%d h%d\" title=\"", (int)c->outcome, assay_page_heat(c->outcome, c->worst_ratio));
    assay_sink_text(&p->to, c->why);
    assay_sink_raw(&p->to, "\">");
    if (c->outcome == ASSAY_FAIL || c->outcome == ASSAY_UNTRUSTED || c->outcome == ASSAY_NOT_CHECKED || isnan(c->worst_ratio))
        assay_sink_raw(&p->to, "%s", words[c->outcome]);
    else
        assay_sink_raw(&p->to, "%s%.2g", c->worst_ratio == 0 ? "exact " : "", c->worst_ratio);
    if (c->checked)
        assay_sink_raw(&p->to, "<small>%s%u of %u cases</small>", c->outcome == ASSAY_MARGINAL ? "marginal, " : "", c->checked, c->cases);
    assay_sink_raw(&p->to, "</td>");
}

static void map(struct assay_page *p, const struct assay_ops *ops)
{
    const char *formats[MOST_FORMATS];
    size_t      n = formats_of(ops, formats);
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"op by format\"><table class=\"heat\"><thead><tr><th scope=\"col\">op</th>");
    for (size_t k = 0; k < n; k++)
        assay_page_element(p, "th scope=\"col\" class=\"num\"", formats[k]);
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < ops->n; i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first = first && strcmp(ops->cell[k].op, ops->cell[i].op) != 0;
        if (!first)
            continue;
        assay_sink_raw(&p->to, "<tr>");
        assay_page_op_name(p, "th scope=\"row\"", ops->cell[i].op);
        for (size_t k = 0; k < n; k++)
            cell(p, cell_at(ops, ops->cell[i].op, formats[k]), formats[k]);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

/* Every figure of the map, a line a cell. */
static void figures(struct assay_page *p, const struct assay_ops *ops)
{
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>Every figure</h3></summary><div class=\"body\">\n"
                           "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"figures of ops\"><table class=\"results\"><thead><tr><th scope=\"col\">op</th>"
                           "<th scope=\"col\">format</th><th scope=\"col\">verdict</th><th scope=\"col\" class=\"num\">error</th><th scope=\"col\" class=\"num\">bound</th>"
                           "<th scope=\"col\" class=\"num\">error / bound</th><th scope=\"col\" class=\"num\">median</th><th scope=\"col\" class=\"num\">elements</th>"
                           "<th scope=\"col\">assurance</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < ops->n; i++) {
        const struct assay_ops_cell *c = &ops->cell[i];
        assay_sink_raw(&p->to, "<tr class=\"first\">");
        assay_page_op_name(p, "th scope=\"row\"", c->op);
        assay_page_element(p, "td data-label=\"format\"", c->format);
        assay_sink_raw(&p->to, "<td data-label=\"verdict\">");
        assay_page_outcome(p, c->outcome);
        assay_sink_raw(&p->to, "</td>");
        assay_page_number(p, "error", c->worst_error);
        assay_page_number(p, "bound", c->worst_bound);
        assay_page_number(p, "error / bound", c->worst_ratio);
        assay_page_number(p, "median", c->median_ratio);
        assay_page_count(p, "elements", c->elements);
        assay_page_element(p, "td data-label=\"assurance\"", assay_assurance_name(c->assurance));
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n</div></details>\n");
}

/* How tight the bounds are, and which are not. */
static void tightness(struct assay_page *p, const struct assay_ops *ops)
{
    struct assay_ops_tightness t;
    struct assay_error         ignored = {.code = ASSAY_OK};
    if (assay_ops_tightness_of(ops, &t, &ignored) || !t.cells)
        return;
    assay_sink_raw(&p->to, "<p>On random operands the largest error takes %.2g of its bound in the median of the %zu cells that round.", t.median, t.cells);
    for (size_t i = 0, told = 0; i < ops->n; i++)
        if (assay_ops_is_loose(&ops->cell[i])) {
            assay_sink_raw(&p->to, "%s", told++ ? ", " : " Below 0.05, where the bound allows much more rounding than there was: ");
            assay_sink_text(&p->to, ops->cell[i].op);
            assay_sink_raw(&p->to, " ");
            assay_sink_text(&p->to, ops->cell[i].format);
            assay_sink_raw(&p->to, " %.2g", ops->cell[i].random_ratio);
        }
    assay_sink_raw(&p->to, "%s</p>\n", t.loose ? "." : "");
}

/* What is not checked, once a reason. */
static void unproved(struct assay_page *p, const struct assay_ops *ops)
{
    bool any = false;
    for (size_t i = 0; i < ops->n; i++) {
        const struct assay_ops_cell *c = &ops->cell[i];
        if (c->outcome == ASSAY_PASS || c->outcome == ASSAY_NOT_CHECKED)
            continue;
        assay_sink_raw(&p->to, "%s<li>", any ? "" : "<ul class=\"prose\">\n");
        assay_page_outcome(p, c->outcome);
        assay_sink_raw(&p->to, " <b>");
        assay_sink_text(&p->to, c->op);
        assay_sink_raw(&p->to, "</b> ");
        assay_sink_text(&p->to, c->format);
        assay_sink_raw(&p->to, ": ");
        assay_sink_text(&p->to, c->why);
        assay_sink_raw(&p->to, ".</li>\n");
        any = true;
    }
    assay_sink_raw(&p->to, "%s", any ? "</ul>\n" : "");
}

bool assay_page_has_ops(const struct assay_report_run *run)
{
    return assay_ops_are_in(run->summary);
}

void assay_page_ops(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "ops");
    assay_sink_raw(&p->to, "\">\n<h2>Op by format</h2>\n<p>Largest error over its bound in every case of an op in a format: random operands, whole numbers whose answer is exact, "
                           "pairs that cancel, wide and special numbers. <i>f32 of bf16</i>: operands in bf16, arithmetic in f32. Empty: the op does not take the format.</p>\n");
    for (size_t b = 0; b < run->summary->n_backends; b++) {
        struct assay_ops   ops;
        struct assay_error ignored = {.code = ASSAY_OK};
        if (assay_ops_cells_of(run->summary, run->summary->backends[b], &ops, &ignored))
            continue;
        if (ops.n) {
            assay_sink_raw(&p->to, "<h3>");
            assay_page_series(p, run->summary, run->summary->backends[b], false);
            assay_sink_raw(&p->to, "</h3>\n");
            map(p, &ops);
            tightness(p, &ops);
            unproved(p, &ops);
            figures(p, &ops);
        }
        assay_ops_release(&ops);
    }
    assay_sink_raw(&p->to, "</section>\n");
}
