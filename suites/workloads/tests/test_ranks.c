/* A decoder on several ranks against the same decoder on one, all in double: the loss and every gradient. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "harness/ir/live.h"
#include "harness/ir/ops.h"
#include "harness/ir/steps.h"
#include "harness/ir/transform/join.h"
#include "harness/model/cluster/pipeline.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

/* A graph with what is bound to it, and its values in double. */
struct made {
    struct assay_graph     *g;
    void                  **data;
    struct assay_reference *ref;
};

static void evaluate(struct made *m)
{
    struct assay_error err = {.code = ASSAY_OK};
    m->data = calloc(m->g->n_values, sizeof *m->data);
    for (uint32_t v = 0; v < m->g->n_values; v++) {
        const struct assay_value *x = &m->g->values[v];
        if (x->producer >= 0 || x->role == ASSAY_ROLE_CONST)
            continue;
        m->data[v] = malloc(x->bytes + 1);
        cr_assert(!assay_fill_value(m->g, (int32_t)v, 5, 0, m->data[v], &err), "%s", err.message);
    }
    cr_assert_eq(assay_reference_new_with(m->g, (const void *const *)m->data, ASSAY_BOUNDS_NONE, &m->ref, &err), ASSAY_OK, "%s", err.message);
}

static double *all_of(const struct made *m, int32_t value)
{
    struct assay_error err = {.code = ASSAY_OK};
    size_t             n = (size_t)m->g->values[value].elements;
    int64_t           *index = malloc((n + 1) * sizeof *index);
    double            *x = malloc((n + 1) * sizeof *x), *bound = malloc((n + 1) * sizeof *bound);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(m->ref, value, n, index, x, bound, &err), ASSAY_OK, "%s", err.message);
    free(index);
    free(bound);
    return x;
}

static void release(struct made *m)
{
    for (uint32_t v = 0; v < m->g->n_values; v++)
        free(m->data[v]);
    free(m->data);
    assay_reference_free(m->ref);
    assay_graph_free(m->g);
}

struct ranks {
    uint32_t            n;
    struct assay_graph *g[ASSAY_RANKS];
    int32_t            *there[ASSAY_RANKS];
};

static void build(const char *name, struct ranks *s)
{
    struct assay_case  c;
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert(!assay_case_parse(name, &c, &err), "%s", err.message);
    cr_assert(!c.workload->ranks(c.params, c.phase, &s->n, &err), "%s", err.message);
    for (uint32_t r = 0; r < s->n; r++) {
        s->g[r] = assay_graph_new("rank");
        cr_assert(!c.workload->build_rank(c.params, c.phase, r, s->g[r], &err), "%s, rank %u: %s", name, r, err.message);
        s->there[r] = malloc(s->g[r]->n_values * sizeof *s->there[r]);
    }
    assay_case_release(&c);
}

static void join(const struct ranks *s, struct made *m)
{
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_graph_join((const struct assay_graph *const *)s->g, s->n, s->there, &m->g, &err), ASSAY_OK, "%s", err.message);
    evaluate(m);
}

static void forget(struct ranks *s)
{
    for (uint32_t r = 0; r < s->n; r++) {
        assay_graph_free(s->g[r]);
        free(s->there[r]);
    }
}

/* Where element i of a part lies in the whole. */
static uint64_t place_of(const struct assay_value *v, const struct assay_part *part, uint64_t i)
{
    uint64_t at = 0, step = 1;
    for (int32_t d = v->rank - 1; d >= 0; d--) {
        at += (i % (uint64_t)v->dims[d] + (uint64_t)(part ? part->first[d] : 0)) * step;
        step *= (uint64_t)(part ? part->whole[d] : v->dims[d]);
        i /= (uint64_t)v->dims[d];
    }
    return at;
}

/* The largest error of output `name` of any rank, as a share of the greatest element of the one rank's. `of` is the param that says
 * which part of it a rank has; NULL: all of it. *seen counts the elements of the one rank's that somebody has. */
static double compare(const struct made *one, const struct ranks *s, const struct made *joined, const char *name, const char *of, uint64_t *seen)
{
    int32_t value = assay_graph_find(one->g, name);
    cr_assert_neq(value, ASSAY_NO_VALUE, "%s", name);
    uint64_t n = one->g->values[value].elements;
    double  *want = all_of(one, value), worst = 0, size = DBL_MIN;
    bool    *has = calloc(n, sizeof *has);
    for (uint64_t i = 0; i < n; i++)
        size = fmax(size, fabs(want[i]));
    for (uint32_t r = 0; r < s->n; r++) {
        int32_t own = assay_graph_find(s->g[r], name), param = of ? assay_graph_find(s->g[r], of) : ASSAY_NO_VALUE;
        if (own == ASSAY_NO_VALUE)
            continue;
        const struct assay_value *v = &s->g[r]->values[own];
        double                   *got = all_of(joined, s->there[r][own]);
        for (uint64_t i = 0; i < v->elements; i++) {
            uint64_t at = place_of(v, param == ASSAY_NO_VALUE ? NULL : s->g[r]->values[param].part, i);
            cr_assert_lt(at, n);
            worst = fmax(worst, fabs(got[i] - want[at]) / size);
            has[at] = true;
        }
        free(got);
    }
    for (uint64_t i = 0; i < n; i++)
        *seen += has[i];
    free(want);
    free(has);
    return worst;
}

/* Everything that `suffix` names of a param, of all params; the worst of them is told. */
static double compare_params(const struct made *one, const struct ranks *s, const struct made *joined, const char *suffix, const char **which)
{
    double worst = 0;
    for (uint32_t v = 0; v < one->g->n_values; v++) {
        const struct assay_value *p = &one->g->values[v];
        char                      name[160];
        uint64_t                  seen = 0;
        if (p->role != ASSAY_ROLE_PARAM || p->frozen)
            continue;
        (void)snprintf(name, sizeof name, "%s%s", p->name, suffix);
        double error = compare(one, s, joined, name, p->name, &seen);
        cr_expect_eq(seen, p->elements, "%s: the ranks have %llu of %llu elements", name, (unsigned long long)seen, (unsigned long long)p->elements);
        if (!(error <= worst)) {
            worst = error;
            *which = p->name;
        }
    }
    return worst;
}

#define ROUNDING 1e-12 /* sums of some hundred terms in double, in another order */

static void check_on(const char *model, const char *mesh)
{
    struct made  one, joined;
    struct ranks whole = {.n = 0}, s = {.n = 0};
    char         name[256];
    const char  *which = "";
    uint64_t     seen = 0;
    (void)snprintf(name, sizeof name, "decoder.gradients/%s", model);
    build(name, &whole);
    one.g = whole.g[0];
    evaluate(&one);
    (void)snprintf(name, sizeof name, "decoder.gradients/%s,%s", model, mesh);
    build(name, &s);
    join(&s, &joined);
    double loss = compare(&one, &s, &joined, "loss", NULL, &seen);
    cr_expect(loss <= ROUNDING, "%s: the loss is off by %.3g of itself", name, loss);
    double norm = compare(&one, &s, &joined, "gradient_norm", NULL, &seen);
    cr_expect(norm <= ROUNDING, "%s: the gradients' norm is off by %.3g of itself", name, norm);
    double worst = compare_params(&one, &s, &joined, ".gradient", &which);
    cr_expect(worst <= ROUNDING, "%s: the gradient of '%s' is off by %.3g of its greatest element", name, which, worst);
    double next = compare_params(&one, &s, &joined, ".next", &which);
    cr_expect(next <= ROUNDING, "%s: the stepped '%s' is off by %.3g of its greatest element", name, which, next);
    printf("%s: loss %.1e, norm %.1e, gradients %.1e, steps %.1e\n", name, loss, norm, worst, next);
    release(&joined);
    release(&one);
    forget(&s);
    free(whole.there[0]);
}

/* The largest share by which anything is off; what fails to be joined is off, too. */
static double off(const struct made *one, const struct ranks *s)
{
    struct made joined;
    const char *which;
    uint64_t    seen = 0;
    join(s, &joined);
    double worst = compare(one, s, &joined, "loss", NULL, &seen);
    worst = fmax(worst, compare(one, s, &joined, "gradient_norm", NULL, &seen));
    worst = fmax(worst, compare_params(one, s, &joined, ".gradient", &which));
    release(&joined);
    return worst;
}

/* Every sum in turn becomes a copy on all ranks. */
static void check_that_no_sum_is_idle(const char *model, const char *mesh)
{
    struct made  one;
    struct ranks whole = {.n = 0}, s = {.n = 0};
    char         name[256];
    size_t       sums = 0;
    (void)snprintf(name, sizeof name, "decoder.gradients/%s", model);
    build(name, &whole);
    one.g = whole.g[0];
    evaluate(&one);
    (void)snprintf(name, sizeof name, "decoder.gradients/%s,%s", model, mesh);
    build(name, &s);
    for (uint32_t k = 0; k < s.g[0]->n_nodes; k++) {
        const struct assay_op_row *sum = s.g[0]->nodes[k].op;
        if (strcmp(sum->qualified, "assay.AllReduce") != 0)
            continue;
        for (uint32_t r = 0; r < s.n; r++)
            s.g[r]->nodes[k].op = assay_op_find("assay.Replicate"), s.g[r]->nodes[k].n_attrs = 1;
        double worst = off(&one, &s);
        cr_expect(worst > 1e-6, "%s: without the sum '%s' everything is within %.3g", name, s.g[0]->nodes[k].name, worst);
        for (uint32_t r = 0; r < s.n; r++)
            s.g[r]->nodes[k].op = sum, s.g[r]->nodes[k].n_attrs = 2;
        sums++;
    }
    cr_expect_gt(sums, 3u, "%s: %zu sums", name, sums);
    release(&one);
    forget(&s);
    free(whole.there[0]);
}

#define DENSE "batch=4,layers=2,model=tiny-ranks,optimizer=sgd,tokens=6"
#define DEEP "batch=4,model=tiny-ranks,optimizer=sgd,tokens=6"

Test(ranks, four_of_one_axis_have_the_loss_and_gradients_of_one, .init = find_source, .timeout = 120)
{
    check_on(DENSE, "dp=4");
    check_on(DENSE, "tp=4");
    check_on(DENSE, "tp=2,sp=true");
    check_on(DEEP, "pp=4");
    check_on(DEEP, "ep=4");
    check_on(DEEP, "tp=4");
    check_on(DEEP, "tp=4,sp=true");
}

Test(ranks, products_of_axes_have_the_loss_and_gradients_of_one, .init = find_source, .timeout = 120)
{
    check_on(DENSE, "dp=2,tp=2");
    check_on(DENSE, "dp=2,sp=true,tp=2");
    check_on(DEEP, "pp=2,tp=2");
    check_on(DEEP, "dp=2,ep=2");
    check_on(DEEP, "ep=2,tp=2,sp=true");
    check_on(DEEP, "dp=2,ep=2,pp=2,tp=2");
    check_on(DEEP, "dp=2,ep=2,pp=2,recompute=full,sp=true,tp=2");
    check_on(DEEP, "ep=2,recompute=selective,sp=true,tp=2");
}

Test(ranks, that_split_sequences_have_the_loss_and_gradients_of_one, .init = find_source, .timeout = 120)
{
    check_on("batch=2,layers=2,model=tiny-ranks,optimizer=sgd,tokens=16", "cp=2");
    check_on("batch=2,model=tiny-ranks,optimizer=sgd,tokens=16", "cp=4");
    check_on("batch=2,model=tiny-mla,optimizer=sgd,tokens=8", "cp=2");
    check_on("batch=2,model=tiny-dense,optimizer=sgd,tokens=8", "cp=4");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "cp=2,dp=2");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "cp=2,tp=2");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "cp=2,sp=true,tp=2");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "cp=2,ep=2");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "cp=2,pp=2");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "chunks=2,cp=2,pp=2,recompute=full,schedule=1f1b,sp=true,tp=2");
    check_on("batch=4,model=tiny-ranks,optimizer=sgd,tokens=8", "cp=2,dp=2,ep=2,recompute=selective,zero=3");
}

/* Latent attention has no tp, and its lengths are those of a micro-batch, not of all sequences. */
Test(ranks, of_latent_attention_have_the_loss_and_gradients_of_one, .init = find_source, .timeout = 120)
{
    check_on("batch=4,model=tiny-mla,optimizer=sgd,tokens=6", "dp=2");
    check_on("batch=4,model=tiny-mla,optimizer=sgd,tokens=6", "dp=2,pp=2");
}

Test(ranks, of_a_pipeline_by_turns_have_the_loss_and_gradients_of_one, .init = find_source, .timeout = 120)
{
    check_on(DEEP, "pp=4,schedule=1f1b");
    check_on(DEEP, "pp=2,schedule=1f1b");
    check_on(DEEP, "chunks=2,pp=2,schedule=1f1b");
    check_on(DEEP, "pp=2,schedule=1f1b,sp=true,tp=2");
    check_on(DEEP, "chunks=2,ep=2,pp=2,recompute=full,schedule=1f1b,tp=2");
    check_on(DEEP, "chunks=2,dp=2,pp=2,recompute=selective,schedule=1f1b,zero=3");
}

Test(ranks, that_split_the_optimizers_work_step_as_one, .init = find_source, .timeout = 120)
{
    check_on(DENSE, "dp=4,zero=1");
    check_on(DENSE, "dp=4,zero=2");
    check_on(DEEP, "dp=2,ep=2,zero=2");
    check_on(DENSE, "dp=4,zero=3");
    check_on(DEEP, "dp=2,ep=2,tp=2,zero=3");
    check_on(DEEP, "dp=2,pp=2,recompute=full,zero=3");
    check_on(DEEP, "dp=2,pp=2,zero=1");
}

Test(ranks, without_any_one_of_their_sums_are_off, .init = find_source, .timeout = 120)
{
    check_that_no_sum_is_idle("batch=2,layers=1,model=tiny-ranks,optimizer=sgd,tokens=4", "tp=2");
    check_that_no_sum_is_idle("batch=2,layers=1,model=tiny-ranks,optimizer=sgd,tokens=4", "cp=2");
    check_that_no_sum_is_idle("batch=2,layers=1,model=tiny-ranks,optimizer=sgd,tokens=4", "sp=true,tp=2");
    check_that_no_sum_is_idle("batch=2,layers=1,model=tiny-ranks,optimizer=sgd,tokens=4", "dp=2");
}

/* Bytes of params and of what the optimizer keeps, on rank 1. */
static void holds(const char *mesh, uint64_t *params, uint64_t *states)
{
    struct ranks s = {.n = 0};
    char         name[256];
    *params = *states = 0;
    (void)snprintf(name, sizeof name, "decoder.train/batch=4,layers=2,model=tiny-ranks,tokens=6,%s", mesh);
    build(name, &s);
    for (uint32_t v = 0; v < s.g[1]->n_values; v++) {
        const struct assay_value *x = &s.g[1]->values[v];
        *params += x->role == ASSAY_ROLE_PARAM ? x->bytes : 0;
        *states += x->role == ASSAY_ROLE_STATE ? x->bytes : 0;
    }
    forget(&s);
}

Test(ranks, that_split_the_optimizers_work_hold_their_share, .init = find_source)
{
    static const struct {
        const char *mesh;
        uint64_t    params, states; /* one in so many of what a rank has that shares nothing */
    } rows[] = {{"dp=4,zero=1", 1, 4}, {"dp=4,zero=2", 1, 4}, {"dp=4,zero=3", 4, 4}, {"dp=2,zero=3", 2, 2}};
    uint64_t whole, moments, params, states;
    holds("dp=4", &whole, &moments);
    cr_expect_eq(moments, 2 * whole, "AdamW keeps two numbers a weight");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        holds(rows[i].mesh, &params, &states);
        cr_expect_eq(params * rows[i].params, whole, "%s: %llu bytes of params", rows[i].mesh, (unsigned long long)params);
        cr_expect_eq(states * rows[i].states, moments, "%s: %llu bytes of moments", rows[i].mesh, (unsigned long long)states);
    }
}

static size_t sends(const char *case_name)
{
    struct ranks s = {.n = 0};
    size_t       n = 0;
    build(case_name, &s);
    for (uint32_t k = 0; k < s.g[0]->n_nodes; k++)
        n += !strcmp(s.g[0]->nodes[k].op->qualified, "assay.Send");
    forget(&s);
    return n;
}

/* The first stage sends each forward, and nothing back. */
Test(ranks, of_a_pipeline_have_micro_batches_that_divide_and_are_no_more_than_four_a_stage, .init = find_source)
{
    cr_expect_eq(sends("decoder.train/batch=1,model=tiny-ranks,pp=2,tokens=4"), 1u);
    cr_expect_eq(sends("decoder.train/batch=8,model=tiny-ranks,pp=2,tokens=4"), 8u);
    cr_expect_eq(sends("decoder.train/batch=9,model=tiny-ranks,pp=2,tokens=4"), 3u);
    cr_expect_eq(sends("decoder.train/batch=16,dp=2,model=tiny-ranks,pp=2,tokens=4"), 8u);
    cr_expect_eq(sends("decoder.train/batch=16,model=tiny-ranks,pp=2,tokens=4"), 8u);
    cr_expect_eq(sends("decoder.train/batch=8,dp=2,model=tiny-ranks,tokens=4"), 0u);
}

/* ---- the order of a stage ---------------------------------------------------------------------------------------------- */

enum { MOST_HALVES = 512 };
struct halves {
    uint32_t step[ASSAY_RANKS][MOST_HALVES];
    size_t   n[ASSAY_RANKS];
    int64_t  stages, micros;
};

static void note(void *self, const struct assay_pipeline_event *e)
{
    struct halves *h = self;
    int64_t        piece = e->chunk * h->stages + e->stage;
    cr_assert_lt(h->n[e->stage], (size_t)MOST_HALVES);
    h->step[e->stage][h->n[e->stage]++] =
        (uint32_t)(1 + piece * h->micros + e->micro_batch) | (e->op == ASSAY_PIPELINE_BACKWARD ? ASSAY_STEP_BACKWARD : 0);
}

/* Which layer a node is of; -1: of none that its name says. */
static int layer_of(const struct assay_node *node)
{
    int layer = -1;
    return sscanf(node->name, "model.layers.%d.", &layer) == 1 ? layer : -1;
}

/* Of a case with the layers of tiny-ranks: each stage's nodes stand in the order of the model's operations, and are of their piece. */
static void check_order(const char *case_name, int64_t stages, int64_t chunks, int64_t micros)
{
    static const double          equal[ASSAY_RANKS] = {1, 1, 1, 1, 1, 1, 1, 1};
    const struct assay_pipeline  p = {.schedule = ASSAY_PIPELINE_1F1B, .stages = stages, .chunks = chunks, .micro_batches = micros,
                                      .forward_ns = equal, .backward_ns = equal, .weight_ns = equal};
    struct assay_pipeline_result result;
    struct assay_error           err = {.code = ASSAY_OK};
    struct halves               *want = calloc(1, sizeof *want);
    struct ranks                 s = {.n = 0};
    want->stages = stages;
    want->micros = micros;
    cr_assert_eq(assay_pipeline_trace(&p, note, want, &result, &err), ASSAY_OK, "%s", err.message);
    build(case_name, &s);
    for (uint32_t r = 0; r < s.n; r++) {
        size_t   at = 0;
        uint32_t last = 0;
        for (uint32_t k = 0; k < s.g[r]->n_nodes; k++) {
            const struct assay_node *node = &s.g[r]->nodes[k];
            uint32_t                 step = assay_graph_step_of(s.g[r], k);
            int64_t                  piece = ((step & ~ASSAY_STEP_BACKWARD) - 1) / micros;
            if (step == 0 || !strcmp(node->op->qualified, "assay.Receive"))
                continue;
            cr_expect(layer_of(node) < 0 || layer_of(node) / (4 / (stages * chunks)) == piece, "%s: '%s' is of piece %lld", case_name, node->name,
                      (long long)piece);
            if (step != last)
                cr_expect(at < want->n[r] && step == want->step[r][at], "%s, stage %u: '%s' is of half %zu", case_name, r, node->name, at);
            at += step != last;
            last = step;
        }
        cr_expect_eq(at, want->n[r], "%s, stage %u: %zu halves of %zu", case_name, r, at, want->n[r]);
    }
    forget(&s);
    free(want);
}

Test(ranks, of_a_pipeline_go_through_their_halves_as_the_model_of_pipelines_does, .init = find_source)
{
    check_order("decoder.train/batch=8,model=tiny-ranks,pp=2,schedule=1f1b,tokens=4", 2, 1, 8);
    check_order("decoder.train/batch=8,model=tiny-ranks,pp=4,schedule=1f1b,tokens=4", 4, 1, 8);
    check_order("decoder.train/batch=2,model=tiny-ranks,pp=4,schedule=1f1b,tokens=4", 4, 1, 2);
    check_order("decoder.train/batch=8,chunks=2,model=tiny-ranks,pp=2,recompute=full,schedule=1f1b,tokens=4", 2, 2, 8);
    check_order("decoder.train/batch=6,chunks=2,model=tiny-ranks,pp=2,schedule=1f1b,tokens=4", 2, 2, 6);
}

/* Most bytes of results that are alive at once on the first stage. */
static uint64_t peak(const char *case_name)
{
    struct assay_live live;
    struct ranks      s = {.n = 0};
    build(case_name, &s);
    cr_assert(assay_graph_live(s.g[0], &live));
    forget(&s);
    return live.peak_bytes;
}

/* By turns the first stage keeps what as many micro-batches left as there are stages; all first, of all of them. */
Test(ranks, of_a_pipeline_by_turns_keep_no_more_for_more_micro_batches, .init = find_source)
{
    uint64_t few = peak("decoder.train/batch=4,model=tiny-ranks,pp=2,schedule=1f1b,tokens=64");
    uint64_t turns = peak("decoder.train/batch=8,model=tiny-ranks,pp=2,schedule=1f1b,tokens=64");
    uint64_t first = peak("decoder.train/batch=8,model=tiny-ranks,pp=2,tokens=64");
    printf("4 micro-batches by turns %llu bytes, 8 by turns %llu, 8 all forward first %llu\n", (unsigned long long)few, (unsigned long long)turns,
           (unsigned long long)first);
    cr_expect_leq(turns, few + 4 * sizeof(float)); /* that each of four more was sent */
    cr_expect_gt((double)first, 3 * (double)turns);
}

/* ---- meshes that do not fit -------------------------------------------------------------------------------------------- */

static void refuse(const char *case_name, const char *want)
{
    struct assay_case  c;
    struct assay_error err = {.code = ASSAY_OK};
    uint32_t           n;
    cr_assert(!assay_case_parse(case_name, &c, &err), "%s: %s", case_name, err.message);
    struct assay_graph *g = assay_graph_new("refused");
    enum assay_code     code = c.workload->ranks(c.params, c.phase, &n, &err);
    if (!code)
        code = c.workload->build_rank(c.params, c.phase, 0, g, &err);
    cr_expect(want ? code != ASSAY_OK && !strcmp(err.message, want) : code == ASSAY_OK, "%s: '%s'", case_name, err.message);
    assay_graph_free(g);
    assay_case_release(&c);
}

Test(ranks, a_mesh_that_does_not_fit_is_refused_with_the_names, .init = find_source)
{
    refuse("decoder.train/batch=4,model=tiny-ranks,tokens=6,tp=4", NULL);
    refuse("decoder.train/batch=4,model=tiny-ranks,tokens=6,tp=3", "heads 4 of 'tiny-ranks' does not divide by tp 3");
    refuse("decoder.train/batch=4,model=tiny-moe,tokens=6,tp=2", NULL);
    refuse("decoder.train/batch=4,model=tiny-moe,tokens=6,tp=4", "kv_heads 2 of 'tiny-moe' does not divide by tp 4");
    refuse("decoder.train/batch=4,layers=3,model=tiny-ranks,pp=2,tokens=6", "layers 3 of 'tiny-ranks' does not divide by pp 2");
    refuse("decoder.train/batch=6,ep=3,model=tiny-ranks,tokens=6", "experts 4 of 'tiny-ranks' does not divide by ep 3");
    refuse("decoder.train/batch=4,ep=2,model=tiny-dense,tokens=6", "ep 2; model 'tiny-dense' has no experts");
    refuse("decoder.train/batch=3,dp=2,model=tiny-ranks,tokens=6", "batch 3 of 'tiny-ranks' does not divide by dp x ep 2");
    refuse("decoder.train/batch=1,model=tiny-ranks,sp=true,tokens=6,tp=4", "batch x tokens of a step 6 of 'tiny-ranks' does not divide by tp 4");
    refuse("decoder.train/batch=1,model=tiny-ranks,sp=true,tokens=6,tp=2", NULL);
    refuse("decoder.train/batch=4,model=tiny-ranks,sp=true,tokens=6", "sp with tp 1: the ranks of tp split the tokens");
    refuse("decoder.train/batch=4,model=tiny-dense,pp=2,tokens=6", "pp 2 with tied embeddings, which two stages would share");
    refuse("decoder.train/batch=4,model=tiny-mla,tokens=6,tp=2", "tp 2 with latent attention, which is not split");
    refuse("decoder.train/batch=4,cp=2,model=tiny-ranks,tokens=6", "tokens 6 of 'tiny-ranks' does not divide by 2 x cp 4");
    refuse("decoder.train/batch=4,cp=2,model=tiny-ranks,tokens=4", NULL);
    refuse("decoder.train/batch=32,dp=32,model=tiny-ranks,tokens=6", NULL);
    refuse("decoder.train/batch=32,dp=32,model=tiny-ranks,tokens=6,tp=2", "dp 32 x tp 2 x pp 1 x ep 1 x cp 1 are more than 32 ranks");
    refuse("decoder.prefill/dp=2,model=tiny-ranks,tokens=6", "a mesh of 2 ranks in phase prefill, which is not split; phases train and gradients are");
    refuse("decoder.train/batch=4,chunks=2,model=tiny-ranks,pp=2,tokens=6", "chunks 2 with schedule gpipe: schedule 1f1b interleaves them");
    refuse("decoder.train/batch=4,model=tiny-ranks,schedule=1f1b,tokens=6", "schedule 1f1b with 1 chunks and pp 1: stages have schedules and chunks");
    refuse("decoder.train/batch=4,chunks=4,model=tiny-ranks,pp=2,schedule=1f1b,tokens=6", "layers 4 of 'tiny-ranks' does not divide by pp x chunks 8");
    refuse("decoder.train/batch=3,chunks=2,model=tiny-ranks,pp=2,schedule=1f1b,tokens=6", "batch of a stage 3 of 'tiny-ranks' does not divide by pp 2");
    refuse("decoder.train/batch=4,dp=2,model=tiny-ranks,optimizer=lamb,tokens=6", NULL);
    refuse("decoder.train/batch=4,dp=2,model=tiny-ranks,optimizer=lamb,tokens=6,zero=1",
           "lamb with 'model.embed_tokens.weight' on several ranks: its norms are of whole params");
}
