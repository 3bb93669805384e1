#include "reports/level_figures.h"

#include <math.h>
#include <stdio.h>

#include "assay/banned.h"

struct telling {
    assay_level_each         *each;
    void                     *self;
    struct assay_level_figure row; /* what all figures of a case have in common */
};

/* NaN: nothing told it; infinite: it is off without a number. */
static void tell(const struct telling *t, const char *metric, double value, uint64_t n)
{
    struct assay_level_figure f = t->row;
    f.metric = metric;
    f.unit = "1";
    f.n = n;
    f.has_value = isfinite(value);
    f.value = f.has_value ? value : 0;
    if (!f.has_value && !*f.why)
        f.why = isnan(value) ? "nothing was compared" : "off without a number: not finite, or against a bound of zero";
    t->each(t->self, &f);
}

static void tell_choices(const struct telling *t, const char *kind, const struct assay_model_choices *c)
{
    const struct {
        const char *what;
        uint64_t    count;
    } rows[] = {{"choices", c->items}, {"same_choice", c->equal}, {"within_bounds", c->within_bounds}, {"certainly_wrong", c->wrong}, {"undecided", c->undecided}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char metric[64];
        (void)snprintf(metric, sizeof metric, "model.%s.%s", kind, rows[i].what);
        tell(t, metric, (double)rows[i].count, c->items);
    }
}

static void tell_quality(const struct telling *of, const struct assay_model_quality *q)
{
    struct telling t = *of;
    uint64_t       n = q->choices.items;
    if (!q->choices.outcome)
        return;
    t.row.outcome = q->choices.outcome;
    t.row.why = q->choices.why;
    tell_choices(&t, "unseen", &q->choices);
    tell(&t, "model.unseen.right", (double)q->right, n);
    tell(&t, "model.unseen.right_by_reference", (double)q->reference_right, n);
    tell(&t, "model.unseen.score_error_over_bound", q->scores_ratio, n);
    if (isnan(q->loss_device) && isnan(q->loss_reference)) /* its quality is no loss */
        return;
    tell(&t, "model.unseen.loss", q->loss_device, n);
    tell(&t, "model.unseen.loss_by_reference", q->loss_reference, n);
    tell(&t, "model.unseen.loss_error_over_bound", q->loss_ratio, n);
}

static void tell_model(const struct telling *of, const struct assay_model_case *c)
{
    const struct assay_model_search *s = &c->search;
    const struct assay_model_layer  *l = assay_model_search_telling(s);
    struct telling                   t = *of;
    t.row.case_name = c->name;
    t.row.outcome = c->outcome;
    t.row.why = s->outcome ? s->why : c->why;
    tell(&t, "model.nodes", (double)s->nodes, s->nodes);
    tell(&t, "model.nodes_diverging", s->nodes ? (double)s->diverging : NAN, s->nodes);
    tell(&t, "model.node_error_over_bound", l ? l->ratio : NAN, s->nodes);
    tell(&t, "model.outputs_error_over_bound", s->nodes ? s->outputs_ratio : NAN, s->nodes);
    tell_quality(&t, &c->quality);
    if (!c->tokens.choices.outcome)
        return;
    t.row.outcome = c->tokens.choices.outcome;
    t.row.why = c->tokens.choices.why;
    tell_choices(&t, "tokens", &c->tokens.choices);
}

static void tell_gradients(const struct telling *of, const struct assay_gradients *g)
{
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct assay_gradient_row *r = &g->rows[i];
        const struct assay_verdict      *v = &g->verdicts[r->verdict];
        struct telling                   t = *of;
        char                             metric[ASSAY_VALUE_NAME_BYTES + 64];
        (void)snprintf(metric, sizeof metric, "training.%s_error_over_bound.%s", r->is_gradient ? "gradient" : "output", r->param);
        t.row.case_name = v->case_name;
        t.row.outcome = r->found.outcome;
        t.row.why = r->found.outcome == ASSAY_PASS ? "" : v->check.why;
        tell(&t, metric, r->found.worst_ratio, r->found.compared);
    }
}

/* The mean of B - A over pairs of trainings, with the interval that decides. */
static void tell_trainings(const struct telling *of, const struct assay_trainings *all)
{
    const struct assay_equivalence_result *r = &all->result;
    struct assay_level_figure              f = of->row;
    f.case_name = all->case_name;
    f.metric = "training.loss_difference";
    f.unit = "1";
    f.why = r->why;
    f.outcome = r->outcome == ASSAY_EQUIVALENT ? ASSAY_PASS : r->outcome == ASSAY_NOT_EQUIVALENT ? ASSAY_FAIL : ASSAY_NOT_CHECKED;
    f.has_value = f.has_interval = isfinite(r->mean) && isfinite(r->low) && isfinite(r->high);
    if (f.has_value) {
        f.value = r->mean;
        f.low = r->low;
        f.high = r->high;
        f.level = 0.90;
    }
    f.n = r->complete;
    of->each(of->self, &f);
}

void assay_level_figures(const struct assay_findings *levels, size_t n, assay_level_each *each, void *self)
{
    for (size_t i = 0; i < n; i++) {
        const struct assay_findings *l = &levels[i];
        struct telling               t = {each, self, {.folder = assay_findings_name(l), .why = ""}};
        t.row.backend = l->has_model ? l->model.backend : "";
        for (size_t c = 0; l->has_model && c < l->model.n; c++)
            tell_model(&t, &l->model.cases[c]);
        if (!l->has_training)
            continue;
        t.row.backend = l->training.backend;
        tell_gradients(&t, &l->training.gradients);
        if (l->training.compared)
            tell_trainings(&t, &l->training.trainings);
    }
}
