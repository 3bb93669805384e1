/* What levels of validation found, as tables of the text: op by format, whole models, trainings. */
#include <math.h>
#include <string.h>

#include "harness/plan/plan.h"
#include "reports/level_columns.h"
#include "reports/level_layers.h"
#include "reports/markdown/markdown.h"
#include "reports/markdown/table.h"
#include "reports/op_cells.h"

#include "assay/banned.h"

enum { MOST_LAYERS = 10 }; /* of a case; the page has more, the document all */

static void loss(struct assay_sink *to, double x)
{
    assay_sink_raw(to, isnan(x) ? " – |" : " %.5f |", x);
}

/* "| case | verdict |" of a row. */
static void begin(struct assay_sink *to, const char *case_name, enum assay_outcome outcome)
{
    char name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(case_name, name);
    assay_sink_raw(to, "|");
    assay_markdown_cell(to, name);
    assay_markdown_cell(to, assay_outcome_name(outcome));
}

/* ---- op by format ---------------------------------------------------------------------------------------------- */

static void ops_of(struct assay_sink *to, const char *backend, const struct assay_ops *ops)
{
    static const char *const columns[] = {"op", "format", "verdict", ">error", ">bound", ">error / bound", ">median", ">elements", "assurance", "why", NULL};
    assay_sink_raw(to, "\n### Op by format: ");
    assay_sink_text(to, backend);
    assay_sink_raw(to, "\n");
    assay_markdown_head(to, columns);
    for (size_t i = 0; i < ops->n; i++) {
        const struct assay_ops_cell *c = &ops->cell[i];
        assay_sink_raw(to, "|");
        assay_markdown_cell(to, c->op);
        assay_markdown_cell(to, c->format);
        assay_markdown_cell(to, assay_outcome_name(c->outcome));
        assay_markdown_number(to, c->worst_error);
        assay_markdown_number(to, c->worst_bound);
        assay_markdown_number(to, c->worst_ratio);
        assay_markdown_number(to, c->median_ratio);
        assay_markdown_count(to, c->elements);
        assay_markdown_cell(to, assay_assurance_name(c->assurance));
        assay_markdown_cell(to, c->outcome == ASSAY_PASS ? "" : c->why);
        assay_sink_raw(to, "\n");
    }
}

void assay_report_markdown_ops(struct assay_sink *to, const struct assay_summary *run)
{
    for (size_t b = 0; assay_ops_are_in(run) && b < run->n_backends; b++) {
        struct assay_ops   ops;
        struct assay_error ignored = {.code = ASSAY_OK};
        if (assay_ops_cells_of(run, run->backends[b], &ops, &ignored)) {
            to->failed = true;
            continue;
        }
        if (ops.n)
            ops_of(to, run->backends[b], &ops);
        assay_ops_release(&ops);
    }
}

/* A table of which a case that has any brings the first row. */
static void begin_table(struct assay_sink *to, const char *heading, const char *const *columns)
{
    assay_sink_raw(to, "\n### %s\n", heading);
    assay_markdown_head(to, columns);
}

/* ---- whole models ---------------------------------------------------------------------------------------------- */

static void nodes(struct assay_sink *to, const struct assay_model_findings *f)
{
    assay_markdown_head(to, assay_level_nodes);
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_case   *c = &f->cases[i];
        const struct assay_model_search *s = &c->search;
        const struct assay_model_layer  *l = assay_model_search_telling(s);
        begin(to, c->name, c->outcome);
        assay_markdown_count(to, s->nodes);
        assay_markdown_count(to, s->diverging);
        assay_sink_raw(to, " ");
        if (l)
            assay_sink_textf(to, "%s (%s)", l->node, l->op);
        assay_sink_raw(to, " |");
        assay_markdown_number(to, l ? l->ratio : NAN);
        assay_markdown_number(to, l ? l->strain : NAN);
        assay_markdown_number(to, s->nodes ? s->outputs_ratio : NAN);
        assay_markdown_cell(to, s->outcome ? s->why : c->why);
        assay_sink_raw(to, "\n");
    }
}

static void quality(struct assay_sink *to, const struct assay_model_findings *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_quality *q = &f->cases[i].quality;
        if (!q->choices.outcome)
            continue;
        if (!any)
            begin_table(to, "Trained nets on unseen data", assay_level_quality);
        any = true;
        begin(to, f->cases[i].name, q->choices.outcome);
        assay_markdown_count(to, q->choices.items);
        assay_markdown_count(to, q->right);
        assay_markdown_count(to, q->reference_right);
        assay_markdown_count(to, q->choices.equal);
        assay_markdown_count(to, q->choices.wrong);
        assay_markdown_number(to, q->scores_ratio);
        loss(to, q->loss_device);
        loss(to, q->loss_reference);
        assay_markdown_number(to, q->loss_ratio);
        assay_sink_raw(to, "\n");
    }
}

static void choice(struct assay_sink *to, const struct assay_model_choice *c, uint64_t sequences)
{
    if (c->there)
        assay_sink_raw(to, " step %llu, margin %.2g, bounds %.2g |", (unsigned long long)(c->item / (sequences ? sequences : 1)), c->margin, c->bounds);
    else
        assay_sink_raw(to, " – |");
}

static void tokens(struct assay_sink *to, const struct assay_model_findings *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_tokens *t = &f->cases[i].tokens;
        if (!t->choices.outcome)
            continue;
        if (!any)
            begin_table(to, "Greedy tokens", assay_level_tokens);
        any = true;
        begin(to, f->cases[i].name, t->choices.outcome);
        assay_markdown_cell(to, t->weights);
        assay_markdown_count(to, t->choices.items);
        assay_markdown_count(to, t->choices.equal);
        assay_markdown_count(to, t->choices.wrong);
        choice(to, &t->choices.first_wrong, t->sequences);
        choice(to, &t->choices.first_undecided, t->sequences);
        assay_sink_raw(to, "\n");
    }
}

static void layers(struct assay_sink *to, const struct assay_model_findings *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_case *c = &f->cases[i];
        size_t                         index[MOST_LAYERS], n = assay_level_layers(&c->search, MOST_LAYERS, index);
        for (size_t k = 0; k < n; k++) {
            const struct assay_model_layer *l = &c->search.value[index[k]];
            if (!any)
                begin_table(to, "Layer by layer\n\nOf each case those that diverge, then those nearest to their bounds, in the order of execution.", assay_level_values);
            any = true;
            begin(to, c->name, assay_level_layer_outcome(l));
            assay_markdown_cell(to, l->node);
            assay_markdown_cell(to, l->op);
            assay_markdown_number(to, l->in);
            assay_markdown_number(to, l->carried);
            assay_markdown_number(to, l->added);
            assay_markdown_number(to, l->out);
            assay_markdown_number(to, fabs(l->observed - l->expected));
            assay_markdown_number(to, l->bound);
            assay_markdown_number(to, l->ratio);
            assay_markdown_number(to, l->strain);
            assay_sink_raw(to, "\n");
        }
    }
}

static void model(struct assay_sink *to, const struct assay_model_findings *f)
{
    assay_sink_raw(to, "\n## Whole models\n\n%zu of %zu models proved right on ", assay_model_findings_proved(f), f->n);
    assay_sink_text(to, f->backend);
    assay_sink_raw(to, "\n");
    nodes(to, f);
    quality(to, f);
    tokens(to, f);
    layers(to, f);
}

/* ---- trainings ------------------------------------------------------------------------------------------------- */

static void pairs(struct assay_sink *to, const struct assay_training_findings *f)
{
    static const char *const columns[] = {"outcome", "A", "B", ">pairs", ">complete pairs", ">mean of loss B − loss A", ">low", ">high", ">margin",
                                          ">p, the larger of both tests", ">smallest margin these data show", "why", NULL};
    const struct assay_trainings          *t = &f->trainings;
    const struct assay_equivalence_result *r = &t->result;
    begin_table(to, "Trainings", columns);
    assay_sink_raw(to, "|");
    assay_markdown_cell(to, assay_equivalence_name(r->outcome));
    assay_markdown_cell(to, t->a);
    assay_markdown_cell(to, t->b);
    assay_markdown_count(to, r->pairs);
    assay_markdown_count(to, r->complete);
    loss(to, r->mean);
    loss(to, r->low);
    loss(to, r->high);
    loss(to, r->margin);
    assay_markdown_number(to, r->p);
    loss(to, r->shown);
    assay_markdown_cell(to, r->why);
    assay_sink_raw(to, "\n");
    assay_markdown_head(to, assay_level_pairs);
    for (size_t i = 0; i < r->pairs; i++) {
        const struct assay_training *a = &t->pair[i].a, *b = &t->pair[i].b;
        bool                         both = a->end == ASSAY_TRAINING_ENDED && b->end == ASSAY_TRAINING_ENDED;
        assay_sink_raw(to, "| %zu | %llu |", i + 1, (unsigned long long)a->seed);
        loss(to, a->quality);
        assay_markdown_count(to, b->seed);
        loss(to, b->quality);
        loss(to, both ? b->quality - a->quality : NAN);
        assay_markdown_cell(to, *b->why ? b->why : *a->why ? a->why : "–");
        assay_sink_raw(to, "\n");
    }
}

static void gradients(struct assay_sink *to, const struct assay_gradients *g)
{
    static const char *const columns[] = {"case", "verdict", "parameter", ">relative error", ">1 − cosine", ">worst error", ">its bound",
                                          ">error / bound", ">elements", NULL};
    begin_table(to, "Gradients, parameter by parameter", columns);
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct assay_check_output *o = &g->rows[i].found;
        if (!g->rows[i].is_gradient && o->outcome != ASSAY_FAIL)
            continue;
        begin(to, g->verdicts[g->rows[i].verdict].case_name, o->outcome);
        assay_markdown_cell(to, g->rows[i].param);
        assay_markdown_number(to, o->error);
        assay_markdown_number(to, 1 - o->cosine);
        assay_markdown_number(to, fabs(o->worst_observed - o->worst_expected));
        assay_markdown_number(to, o->worst_bound);
        assay_markdown_number(to, o->worst_ratio);
        assay_markdown_count(to, o->compared);
        assay_sink_raw(to, "\n");
    }
}

static void training(struct assay_sink *to, const struct assay_training_findings *f)
{
    assay_sink_raw(to, "\n## Training\n\nGradients of %zu of %zu nets proved right on ", assay_gradients_proved(&f->gradients), f->gradients.n_verdicts);
    assay_sink_text(to, f->backend);
    assay_sink_raw(to, "\n");
    if (f->compared)
        pairs(to, f);
    gradients(to, &f->gradients);
}

void assay_report_markdown_level(struct assay_sink *to, const struct assay_findings *level)
{
    if (level->has_model)
        model(to, &level->model);
    if (level->has_training)
        training(to, &level->training);
}
