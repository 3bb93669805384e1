/* Level training: gradients param by param, and whether trainings in pairs are equivalent. */
#include <math.h>
#include <string.h>

#include "harness/plan/plan.h"
#include "reports/level_columns.h"
#include "reports/page/page.h"

#include "assay/banned.h"

/* ---- equivalence ----------------------------------------------------------------------------------------------- */

static void fact(struct assay_page *p, const char *name, const char *format, double x)
{
    char room[64];
    (void)snprintf(room, sizeof room, isnan(x) ? "–" : format, x); /* NOLINT(clang-diagnostic-format-nonliteral): all are below */
    assay_page_fact(p, name, room);
}

static void counted(struct assay_page *p, const char *name, size_t n)
{
    fact(p, name, "%.0f", (double)n);
}

static void statistic(struct assay_page *p, const struct assay_training_findings *f)
{
    const struct assay_equivalence_result *r = &f->trainings.result;
    char                                   interval[80];
    (void)snprintf(interval, sizeof interval, isnan(r->low) ? "–" : "[%+.5f, %+.5f]", r->low, r->high);
    char net[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(f->trainings.case_name, net);
    assay_sink_raw(&p->to, "<dl class=\"facts\">\n");
    assay_page_fact(p, "net", net);
    assay_page_fact(p, "A", f->trainings.a);
    assay_page_fact(p, "B", f->trainings.b);
    assay_sink_raw(&p->to, "</dl>\n<dl class=\"facts top\">\n");
    fact(p, "mean of loss B − loss A", "%+.5f", r->mean);
    assay_page_fact(p, "90 % interval", interval);
    fact(p, "margin", "%.5f", r->margin);
    fact(p, "margin, share of the entropy", "%.3g", f->margin_share);
    fact(p, "p, the larger of both tests", "%.3g", r->p);
    fact(p, "smallest margin these data show", "%.5f", r->shown);
    counted(p, "pairs", r->pairs);
    counted(p, "complete pairs", r->complete);
    counted(p, "diverged on A", r->diverged_a);
    counted(p, "diverged on B", r->diverged_b);
    counted(p, "pairs without a training", r->missing);
    assay_sink_raw(&p->to, "</dl>\n");
}

static void loss(struct assay_page *p, const char *label, double x, bool with_sign)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
    if (isnan(x))
        assay_sink_raw(&p->to, "–</td>");
    else
        assay_sink_raw(&p->to, with_sign ? "%+.5f</td>" : "%.5f</td>", x);
}

static void pairs(struct assay_page *p, const struct assay_trainings *t)
{
    assay_page_cards_begin(p, "pairs of trainings", assay_level_pairs);
    for (size_t i = 0; i < t->result.pairs; i++) {
        const struct assay_training *a = &t->pair[i].a, *b = &t->pair[i].b;
        bool                         both = a->end == ASSAY_TRAINING_ENDED && b->end == ASSAY_TRAINING_ENDED;
        assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"num\">%zu</th><td class=\"num\" data-label=\"seed A\">%llu</td>", i + 1, (unsigned long long)a->seed);
        loss(p, "loss A", a->quality, false);
        assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"seed B\">%llu</td>", (unsigned long long)b->seed);
        loss(p, "loss B", b->quality, false);
        loss(p, "B − A", both ? b->quality - a->quality : NAN, true);
        assay_page_element(p, "td class=\"why\" data-label=\"why\"", *b->why ? b->why : *a->why ? a->why : "–");
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_page_table_end(p);
}

static void equivalence(struct assay_page *p, const struct assay_training_findings *f)
{
    static const enum assay_outcome as_verdict[] = {[ASSAY_EQUIVALENT] = ASSAY_PASS, [ASSAY_NOT_EQUIVALENT] = ASSAY_FAIL,
                                                    [ASSAY_EQUIVALENCE_UNDECIDED] = ASSAY_NOT_CHECKED};
    const struct assay_equivalence_result *r = &f->trainings.result;
    assay_sink_raw(&p->to, "<h3>Trainings</h3>\n");
    if (!f->compared) {
        assay_sink_raw(&p->to, "<p>No trainings were compared: gradients only.</p>\n");
        return;
    }
    assay_sink_raw(&p->to, "<p class=\"big\"><span class=\"v v%d\">%s</span></p>\n<p>", (int)as_verdict[r->outcome], assay_equivalence_name(r->outcome));
    assay_sink_text(&p->to, r->why);
    assay_sink_raw(&p->to, "</p>\n<p class=\"small\">The same net is trained on A and B in pairs%s. Statistic: loss of B − loss of A on unseen data behind the last step, of the nets that were "
                           "left, evaluated by the reference. Equivalent: both one-sided tests at 5 %% keep the mean within the margin (TOST); a pair in which B alone diverged is a failure. "
                           "The rule was written before the first step.</p>\n", f->trainings.same ? ", B under other seeds as it is A itself" : " from the same seeds");
    statistic(p, f);
    pairs(p, &f->trainings);
}

/* ---- gradients ------------------------------------------------------------------------------------------------- */

static void gradient(struct assay_page *p, const struct assay_gradient_row *r)
{
    const struct assay_check_output *o = &r->found;
    assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"case\" translate=\"no\">");
    assay_sink_text(&p->to, r->param);
    assay_sink_raw(&p->to, "</th><td data-label=\"is\">%s</td><td data-label=\"verdict\">", r->is_gradient ? "gradient" : "output of the step");
    assay_page_outcome(p, o->outcome);
    assay_sink_raw(&p->to, "</td>");
    assay_page_number(p, "rel. error", o->error);
    assay_page_number(p, "1 − cosine", 1 - o->cosine);
    assay_page_number(p, "worst error", fabs(o->worst_observed - o->worst_expected));
    assay_page_number(p, "its bound", o->worst_bound);
    assay_page_ratio(p, "error / bound", o->outcome, o->worst_ratio);
    assay_page_count(p, "elements", o->compared);
    assay_sink_raw(&p->to, "</tr>\n");
}

/* Every gradient, and of what the optimizer made of them that which fails. */
static bool is_told(const struct assay_gradient_row *r, size_t verdict)
{
    return r->verdict == verdict && (r->is_gradient || r->found.outcome == ASSAY_FAIL);
}

static void strip(struct assay_page *p, const struct assay_gradients *g, size_t verdict)
{
    assay_sink_raw(&p->to, "<div class=\"heat strip\" role=\"img\" aria-label=\"gradients, by error / bound\">");
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct assay_check_output *o = &g->rows[i].found;
        if (!is_told(&g->rows[i], verdict))
            continue;
        assay_sink_raw(&p->to, "<i class=\"v%d h%d\" translate=\"no\" title=\"", (int)o->outcome, assay_page_heat(o->outcome, o->worst_ratio));
        assay_sink_text(&p->to, g->rows[i].param);
        assay_sink_raw(&p->to, isnan(o->worst_ratio) ? ": –\"></i>" : isinf(o->worst_ratio) ? ": ∞\"></i>" : ": %.2g\"></i>", o->worst_ratio);
    }
    assay_sink_raw(&p->to, "</div>\n");
}

static void one_case(struct assay_page *p, const struct assay_gradients *g, size_t verdict)
{
    static const char *const columns[] = {"parameter", "is", "verdict", ">relative error", ">1 − cosine", ">worst error", ">its bound",
                                          ">error / bound", ">elements", NULL};
    const struct assay_verdict *v = &g->verdicts[verdict];
    char                        name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(v->case_name, name);
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>");
    assay_page_case_name(p, name);
    assay_sink_raw(&p->to, "</h3><span class=\"marks\">");
    assay_page_outcome(p, v->check.outcome);
    assay_sink_raw(&p->to, "</span></summary><div class=\"body\">\n<p class=\"verdict\">");
    assay_sink_text(&p->to, v->check.why);
    assay_sink_raw(&p->to, "</p>\n");
    strip(p, g, verdict);
    assay_page_cards_begin(p, "gradients of parameters", columns);
    for (size_t i = 0; i < g->n_rows; i++)
        if (is_told(&g->rows[i], verdict))
            gradient(p, &g->rows[i]);
    assay_page_table_end(p);
    assay_sink_raw(&p->to, "</div></details>\n");
}

void assay_page_level_training(struct assay_page *p, size_t k)
{
    const struct assay_training_findings *f = &p->levels[k].training;
    assay_sink_raw(&p->to, "<section id=\"level-training-%zu\">\n<h2>Training</h2>\n<p class=\"lead\">Gradients of <b>%zu</b> of %zu nets proved right on <b translate=\"no\">", k + 1, assay_gradients_proved(&f->gradients),
                   f->gradients.n_verdicts);
    assay_sink_text(&p->to, f->backend);
    assay_sink_raw(&p->to, "</b></p>\n");
    equivalence(p, f);
    assay_sink_raw(&p->to, "<h3>Gradients, parameter by parameter</h3>\n<p class=\"small\">Of one step, before clipping, each an output of a program of its own. The verdict is of the bounds of "
                           "the types alone: a unit that rounds operands of f32 fails here, and what that costs is what trainings in pairs say.</p>\n");
    for (size_t v = 0; v < f->gradients.n_verdicts; v++)
        one_case(p, &f->gradients, v);
    assay_sink_raw(&p->to, "</section>\n");
}
