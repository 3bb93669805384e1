/* Level model: whole models, node by node; nets that learned, on data they never saw; greedy tokens. */
#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/plan/plan.h"
#include "reports/level_columns.h"
#include "reports/level_layers.h"
#include "reports/page/page.h"

#include "assay/banned.h"

enum { MOST_LAYERS = 40 };

static void row(struct assay_page *p, const struct assay_model_case *c, enum assay_outcome outcome)
{
    char name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(c->name, name);
    assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"case\">");
    assay_page_case_name(p, name);
    assay_sink_raw(&p->to, "</th><td data-label=\"verdict\">");
    assay_page_outcome(p, outcome);
    assay_sink_raw(&p->to, "</td>");
}

static void reason(struct assay_page *p, const char *why)
{
    assay_page_element(p, "td class=\"why\" data-label=\"why\"", why);
    assay_sink_raw(&p->to, "</tr>\n");
}

/* ---- what came of each case ------------------------------------------------------------------------------------ */

/* Error over bound; and beside the rounding of the result, in colour. */
static void ratios(struct assay_page *p, const struct assay_model_layer *l)
{
    assay_page_number(p, "error / bound", l->ratio);
    assay_page_ratio(p, "unrounded", assay_level_layer_outcome(l), l->strain);
}

/* The node that diverges first, or that is nearest to its bound. */
static void telling_node(struct assay_page *p, const struct assay_model_search *s)
{
    const struct assay_model_layer *l = assay_model_search_telling(s);
    if (!l) {
        assay_sink_raw(&p->to, "<td data-label=\"node\">–</td>");
        assay_page_number(p, "error / bound", NAN);
        assay_page_number(p, "unrounded", NAN);
        return;
    }
    assay_sink_raw(&p->to, "<td data-label=\"node\" translate=\"no\">");
    assay_sink_text(&p->to, l->node);
    assay_sink_raw(&p->to, "<small>");
    assay_sink_text(&p->to, l->op);
    assay_sink_raw(&p->to, "</small></td>");
    ratios(p, l);
}

static void cases(struct assay_page *p, const struct assay_model_findings *f)
{
    assay_sink_raw(&p->to, "<h3>Node by node</h3>\n");
    assay_page_cards_begin(p, "node by node", assay_level_nodes);
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_case   *c = &f->cases[i];
        const struct assay_model_search *s = &c->search;
        row(p, c, s->outcome ? s->outcome : c->outcome);
        assay_page_count(p, "nodes", s->nodes);
        assay_page_count(p, "diverging", s->diverging);
        telling_node(p, s);
        assay_page_number(p, "outputs", s->outcome && s->nodes ? s->outputs_ratio : NAN);
        reason(p, s->outcome ? s->why : c->why);
    }
    assay_page_table_end(p);
}

/* A table of which a case that has any brings the first row. */
static void begin_table(struct assay_page *p, const char *heading, const char *label, const char *const *columns)
{
    assay_sink_raw(&p->to, "%s", heading);
    assay_page_cards_begin(p, label, columns);
}

/* ---- choices --------------------------------------------------------------------------------------------------- */

static void quality(struct assay_page *p, const struct assay_model_findings *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_quality *q = &f->cases[i].quality;
        if (!q->choices.outcome)
            continue;
        if (!any)
            begin_table(p, "<h3>Trained nets on unseen data</h3>\n", "trained nets on unseen data", assay_level_quality);
        any = true;
        row(p, &f->cases[i], q->choices.outcome);
        assay_page_count(p, "choices", q->choices.items);
        assay_page_count(p, "on the device", q->right);
        assay_page_count(p, "reference", q->reference_right);
        assay_page_count(p, "same choice", q->choices.equal);
        assay_page_count(p, "wrong", q->choices.wrong);
        assay_page_ratio(p, "score", q->scores_ratio > 1 ? ASSAY_FAIL : ASSAY_PASS, q->scores_ratio);
        assay_sink_raw(&p->to, isnan(q->loss_device) ? "<td class=\"num\" data-label=\"loss\">–</td>" : "<td class=\"num\" data-label=\"loss\">%.6g</td>", q->loss_device);
        assay_sink_raw(&p->to, isnan(q->loss_reference) ? "<td class=\"num\" data-label=\"ref. loss\">–</td>" : "<td class=\"num\" data-label=\"ref. loss\">%.6g</td>", q->loss_reference);
        assay_page_ratio(p, "loss / bound", q->loss_ratio > 1 ? ASSAY_FAIL : ASSAY_PASS, q->loss_ratio);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    if (any) {
        assay_page_table_end(p);
        assay_sink_raw(&p->to, "<p class=\"small\">The net is trained on the processor and evaluated on the device and in double. A choice is certainly wrong if no rounding within "
                               "the bounds of the scores makes it the best.</p>\n");
    }
}

/* "step 4: 0.031 apart, bounds 0.12" */
static void first_choice(struct assay_page *p, const char *label, const struct assay_model_choice *c, uint64_t sequences)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
    if (!c->there)
        assay_sink_raw(&p->to, "–</td>");
    else
        assay_sink_raw(&p->to, "step %llu<small>margin %.2g, bounds %.2g</small></td>", (unsigned long long)(c->item / (sequences ? sequences : 1)), c->margin,
                       c->bounds);
}

static void tokens(struct assay_page *p, const struct assay_model_findings *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_model_tokens *t = &f->cases[i].tokens;
        if (!t->choices.outcome)
            continue;
        if (!any)
            begin_table(p, "<h3>Greedy tokens</h3>\n", "greedy tokens", assay_level_tokens);
        any = true;
        row(p, &f->cases[i], t->choices.outcome);
        assay_page_element(p, "td data-label=\"weights\"", t->weights);
        assay_page_count(p, "tokens", t->choices.items);
        assay_page_count(p, "the reference's", t->choices.equal);
        assay_page_count(p, "wrong", t->choices.wrong);
        first_choice(p, "first wrong", &t->choices.first_wrong, t->sequences);
        first_choice(p, "undecided", &t->choices.first_undecided, t->sequences);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    if (any) {
        assay_page_table_end(p);
        assay_sink_raw(&p->to, "<p class=\"small\">The device chooses every token; the reference then scores the whole text. The margin is between the reference's best two scores, the "
                               "bounds are what both may be off: where the margin is smaller, right answers may part.</p>\n");
    }
}

/* ---- layer by layer -------------------------------------------------------------------------------------------- */

/* All values in the order of execution, one mark each. */
static void strip(struct assay_page *p, const struct assay_model_search *s)
{
    assay_sink_raw(&p->to, "<div class=\"heat strip\" role=\"img\" aria-label=\"values in the order of execution, by their errors over their bounds\">");
    for (size_t i = 0; i < s->n; i++) {
        const struct assay_model_layer *l = &s->value[i];
        enum assay_outcome              outcome = assay_level_layer_outcome(l);
        assay_sink_raw(&p->to, "<i class=\"v%d h%d\" translate=\"no\" title=\"", (int)outcome, assay_page_heat(outcome, l->strain));
        assay_sink_textf(&p->to, "%s (%s): ", l->node, l->op);
        assay_sink_raw(&p->to, isnan(l->ratio) ? "–\"></i>" : isinf(l->ratio) ? "∞\"></i>" : "%.2g\"></i>", l->ratio);
    }
    assay_sink_raw(&p->to, "</div>\n");
}

static void layer(struct assay_page *p, const struct assay_model_layer *l)
{
    char              room[400];
    struct assay_text text = ASSAY_TEXT(room);
    assay_model_layer_shapes(l, &text);
    assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"case\" translate=\"no\">");
    assay_sink_text(&p->to, l->node);
    assay_sink_raw(&p->to, "</th><td data-label=\"op\" translate=\"no\">");
    assay_sink_text(&p->to, l->op);
    assay_sink_raw(&p->to, "<small>");
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "</small></td>");
    assay_page_number(p, "error in", l->in);
    assay_page_number(p, "carried", l->carried);
    assay_page_number(p, "added", l->added);
    assay_page_number(p, "out", l->out);
    assay_page_number(p, "worst error", fabs(l->observed - l->expected));
    assay_page_number(p, "its bound", l->bound);
    ratios(p, l);
    assay_sink_raw(&p->to, "</tr>\n");
}

static void layers(struct assay_page *p, const struct assay_model_case *c)
{
    size_t index[MOST_LAYERS], n = assay_level_layers(&c->search, MOST_LAYERS, index);
    char   name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(c->name, name);
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>");
    assay_page_case_name(p, name);
    assay_sink_raw(&p->to, "</h3><span class=\"marks\">");
    assay_page_outcome(p, c->search.outcome);
    assay_sink_raw(&p->to, "</span></summary><div class=\"body\">\n");
    strip(p, &c->search);
    assay_page_cards_begin(p, "layer by layer", assay_level_values + ASSAY_LEVEL_OF_CASE);
    for (size_t k = 0; k < n; k++)
        layer(p, &c->search.value[index[k]]);
    assay_page_table_end(p);
    unsigned long long all = c->search.n + c->search.left_out;
    if (n < all)
        assay_sink_raw(&p->to, "<p class=\"small\">%zu of %llu values: those that diverge, then those nearest to their bounds. The document of the level has the others.</p>\n", n, all);
    assay_sink_raw(&p->to, "</div></details>\n");
}

static void all_layers(struct assay_page *p, const struct assay_model_findings *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        if (!f->cases[i].search.n)
            continue;
        if (!any)
            assay_sink_raw(&p->to, "<h3>Layer by layer</h3>\n<p class=\"small\">A mark a value in the order of execution, deeper the more of its own bound the error takes that its node added, beside the rounding of "
                                   "the result, which an exact sum has as well. "
                                   "Errors in, carried, added and out are root mean squares over that of the value: what came in, what the node made of it, what the node "
                                   "added itself, what went out. Seen in a program whose inner values are outputs, which is not the one that is timed.</p>\n");
        any = true;
        layers(p, &f->cases[i]);
    }
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

static void circumstances(struct assay_page *p, const struct assay_findings *level)
{
    const json_t *m = level->model.manifest;
    char          seed[32];
    (void)snprintf(seed, sizeof seed, "%lld", (long long)json_integer_value(json_object_get(m, "seed")));
    assay_sink_raw(&p->to, "<dl class=\"facts top\">\n");
    assay_page_fact(p, "host", assay_json_text_of(json_object_get(m, "host"), "hostname"));
    assay_page_fact(p, "run", assay_json_text_of(m, "created"));
    assay_page_fact(p, "run folder", assay_findings_name(level));
    assay_page_fact(p, "suite", assay_json_text_of(m, "suite"));
    assay_page_fact(p, "seed", seed);
    assay_page_fact(p, "measured with", assay_json_text_of(m, "assay"));
    assay_sink_raw(&p->to, "</dl>\n");
}

void assay_page_level_model(struct assay_page *p, size_t k)
{
    const struct assay_findings       *level = &p->levels[k];
    const struct assay_model_findings *f = &level->model;
    assay_sink_raw(&p->to, "<section id=\"level-model-%zu\">\n<h2>Whole models</h2>\n<p class=\"lead\"><b>%zu</b> of %zu models proved right on <b translate=\"no\">", k + 1, assay_model_findings_proved(f), f->n);
    assay_sink_text(&p->to, f->backend);
    assay_sink_raw(&p->to, "</b></p>\n");
    circumstances(p, level);
    assay_sink_raw(&p->to, "<p class=\"small\">Every node is judged from the device's own inputs, so that the first that diverges is at fault itself, whatever came in. Bounds are those of "
                           "the types of its operands.</p>\n");
    cases(p, f);
    quality(p, f);
    tokens(p, f);
    all_layers(p, f);
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>Environment</h3></summary><div class=\"body\">\n");
    assay_page_json(p, f->manifest);
    assay_sink_raw(&p->to, "</div></details>\n</section>\n");
}
