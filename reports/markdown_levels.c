/* What levels of validation found, as tables of the text: op by format, whole models, trainings. */
#include <math.h>
#include <string.h>

#include "harness/plan/plan.h"
#include "reports/formats.h"
#include "reports/level_layers.h"
#include "reports/op_cells.h"

#include "assay/banned.h"

enum { MOST_LAYERS = 10 }; /* of a case; the page has more, the document all */

static void cell(struct assay_sink *to, const char *text)
{
    assay_sink_raw(to, " ");
    assay_sink_text(to, text);
    assay_sink_raw(to, " |");
}

static void number(struct assay_sink *to, double x)
{
    assay_sink_raw(to, isnan(x) ? " – |" : isinf(x) ? " ∞ |" : " %.2g |", x);
}

static void loss(struct assay_sink *to, double x)
{
    assay_sink_raw(to, isnan(x) ? " – |" : " %.5f |", x);
}

static void count(struct assay_sink *to, uint64_t n)
{
    assay_sink_raw(to, " %llu |", (unsigned long long)n);
}

/* "| case | verdict |" of a row. */
static void begin(struct assay_sink *to, const char *case_name, enum assay_outcome outcome)
{
    char name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(case_name, name);
    assay_sink_raw(to, "|");
    cell(to, name);
    cell(to, assay_outcome_name(outcome));
}

/* ---- op by format ---------------------------------------------------------------------------------------------- */

static void ops_of(struct assay_sink *to, const char *backend, const struct assay_ops *ops)
{
    assay_sink_raw(to, "\n### Op by format: ");
    assay_sink_text(to, backend);
    assay_sink_raw(to, "\n\n| op | format | verdict | error | bound | error / bound | median | elements | assurance | why |\n"
                       "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n");
    for (size_t i = 0; i < ops->n; i++) {
        const struct assay_ops_cell *c = &ops->cell[i];
        assay_sink_raw(to, "|");
        cell(to, c->op);
        cell(to, c->format);
        cell(to, assay_outcome_name(c->outcome));
        number(to, c->worst_error);
        number(to, c->worst_bound);
        number(to, c->worst_ratio);
        number(to, c->median_ratio);
        count(to, c->elements);
        cell(to, assay_assurance_name(c->assurance));
        cell(to, c->outcome == ASSAY_PASS ? "" : c->why);
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

/* ---- whole models ---------------------------------------------------------------------------------------------- */

static void nodes(struct assay_sink *to, const struct assay_model_findings *f)
{
    assay_sink_raw(to, "| case | verdict | nodes | diverging | first that diverges, or nearest to its bound | error / bound | beside rounding | outputs: error / bound | why |\n"
                       "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_case   *c = &f->cases[i];
        const struct assay_model_search *s = &c->search;
        const struct assay_model_layer  *l = assay_model_search_telling(s);
        begin(to, c->name, c->outcome);
        count(to, s->nodes);
        count(to, s->diverging);
        assay_sink_raw(to, " ");
        if (l)
            assay_sink_textf(to, "%s (%s)", l->node, l->op);
        assay_sink_raw(to, " |");
        number(to, l ? l->ratio : NAN);
        number(to, l ? l->strain : NAN);
        number(to, s->nodes ? s->outputs_ratio : NAN);
        cell(to, s->outcome ? s->why : c->why);
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
        assay_sink_raw(to, "%s", any ? "" : "\n### Trained nets on unseen data\n\n| case | verdict | choices | right on the device | right by the reference | same choice | certainly wrong | "
                                            "score: error / bound | loss on the device | loss by the reference | loss: error / bound |\n"
                                            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        any = true;
        begin(to, f->cases[i].name, q->choices.outcome);
        count(to, q->choices.items);
        count(to, q->right);
        count(to, q->reference_right);
        count(to, q->choices.equal);
        count(to, q->choices.wrong);
        number(to, q->scores_ratio);
        loss(to, q->loss_device);
        loss(to, q->loss_reference);
        number(to, q->loss_ratio);
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
        assay_sink_raw(to, "%s", any ? "" : "\n### Greedy tokens\n\n| case | verdict | weights | tokens | the reference's | certainly wrong | first wrong | first that the bounds do not decide |\n"
                                            "| --- | --- | --- | ---: | ---: | ---: | --- | --- |\n");
        any = true;
        begin(to, f->cases[i].name, t->choices.outcome);
        cell(to, t->weights);
        count(to, t->choices.items);
        count(to, t->choices.equal);
        count(to, t->choices.wrong);
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
            assay_sink_raw(to, "%s", any ? "" : "\n### Layer by layer\n\nOf each case those that diverge, then those nearest to their bounds, in the order of execution.\n\n"
                                                "| case | verdict | node | op | error in | carried | added | out | worst error | its bound | error / bound | beside rounding |\n"
                                                "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
            any = true;
            begin(to, c->name, assay_level_layer_outcome(l));
            cell(to, l->node);
            cell(to, l->op);
            number(to, l->in);
            number(to, l->carried);
            number(to, l->added);
            number(to, l->out);
            number(to, fabs(l->observed - l->expected));
            number(to, l->bound);
            number(to, l->ratio);
            number(to, l->strain);
            assay_sink_raw(to, "\n");
        }
    }
}

static void model(struct assay_sink *to, const struct assay_model_findings *f)
{
    size_t proved = 0;
    for (size_t i = 0; i < f->n; i++)
        proved += assay_outcome_proves(f->cases[i].outcome);
    assay_sink_raw(to, "\n## Whole models\n\n%zu of %zu models proved right on ", proved, f->n);
    assay_sink_text(to, f->backend);
    assay_sink_raw(to, "\n\n");
    nodes(to, f);
    quality(to, f);
    tokens(to, f);
    layers(to, f);
}

/* ---- trainings ------------------------------------------------------------------------------------------------- */

static void pairs(struct assay_sink *to, const struct assay_training_findings *f)
{
    const struct assay_trainings          *t = &f->trainings;
    const struct assay_equivalence_result *r = &t->result;
    assay_sink_raw(to, "\n### Trainings\n\n| outcome | A | B | pairs | complete pairs | mean of loss B − loss A | low | high | margin | p, the larger of both tests | smallest margin these data show | why |\n"
                       "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n|");
    cell(to, assay_equivalence_name(r->outcome));
    cell(to, t->a);
    cell(to, t->b);
    count(to, r->pairs);
    count(to, r->complete);
    loss(to, r->mean);
    loss(to, r->low);
    loss(to, r->high);
    loss(to, r->margin);
    number(to, r->p);
    loss(to, r->shown);
    cell(to, r->why);
    assay_sink_raw(to, "\n\n| pair | seed A | loss A | seed B | loss B | B − A | why |\n| ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < r->pairs; i++) {
        const struct assay_training *a = &t->pair[i].a, *b = &t->pair[i].b;
        bool                         both = a->end == ASSAY_TRAINING_ENDED && b->end == ASSAY_TRAINING_ENDED;
        assay_sink_raw(to, "| %zu | %llu |", i + 1, (unsigned long long)a->seed);
        loss(to, a->quality);
        count(to, b->seed);
        loss(to, b->quality);
        loss(to, both ? b->quality - a->quality : NAN);
        cell(to, *b->why ? b->why : *a->why ? a->why : "–");
        assay_sink_raw(to, "\n");
    }
}

static void gradients(struct assay_sink *to, const struct assay_gradients *g)
{
    assay_sink_raw(to, "\n### Gradients, parameter by parameter\n\n| case | verdict | parameter | relative error | 1 − cosine | worst error | its bound | error / bound | elements |\n"
                       "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct assay_check_output *o = &g->rows[i].found;
        if (!g->rows[i].is_gradient && o->outcome != ASSAY_FAIL)
            continue;
        begin(to, g->verdicts[g->rows[i].verdict].case_name, o->outcome);
        cell(to, g->rows[i].param);
        number(to, o->error);
        number(to, 1 - o->cosine);
        number(to, fabs(o->worst_observed - o->worst_expected));
        number(to, o->worst_bound);
        number(to, o->worst_ratio);
        count(to, o->compared);
        assay_sink_raw(to, "\n");
    }
}

static void training(struct assay_sink *to, const struct assay_training_findings *f)
{
    size_t proved = 0;
    for (size_t i = 0; i < f->gradients.n_verdicts; i++)
        proved += assay_outcome_proves(f->gradients.verdicts[i].check.outcome);
    assay_sink_raw(to, "\n## Training\n\nGradients of %zu of %zu nets proved right on ", proved, f->gradients.n_verdicts);
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
