#include "harness/ir/transform/optimizer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define NAME_BYTES 160 /* more than a name may have: too long ones are refused, not cut */

static const char *const kinds[] = {"sgd", "adamw", "lamb", NULL};

#define ROW(field, label, value, low, high, text)                                                                     \
    {                                                                                                                  \
        .name = label, .type = ASSAY_OPT_F64, .offset = offsetof(struct assay_optimizer, field), .dflt = value,        \
        .min = low, .max = high, .help = text                                                                          \
    }
const struct assay_option assay_optimizer_options[] = {
    {.name = "optimizer", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct assay_optimizer, kind), .dflt = "adamw",
     .choices = kinds, .help = "what turns gradients into steps"},
    ROW(momentum, "momentum", "0.9", 0, 0.9999, "share of the last step that sgd keeps; 0 keeps no state"),
    ROW(beta1, "beta1", "0.9", 0, 0.9999, "decay of the mean of gradients"),
    ROW(beta2, "beta2", "0.999", 0, 0.999999, "decay of the mean of squared gradients"),
    ROW(epsilon, "epsilon", "1e-8", 0, 1, "added to the root of the mean square"),
    ROW(weight_decay, "weight-decay", "0.01", 0, 10, "of params with two axes or more"),
    ROW(clip_norm, "clip-norm", "1", 0, 1e9, "largest norm of all gradients together; 0 does not clip"),
    {.name = "zero", .type = ASSAY_OPT_I64, .offset = offsetof(struct assay_optimizer, zero), .dflt = "0", .min = 0, .max = 3,
     .help = "ranks that share a param split its moments (1), its gradient (2), the param (3)"},
    {.name = "gradients", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct assay_optimizer, gradients), .dflt = "false",
     .help = "every param's gradient is an output"},
    {.name = NULL},
};

/* How a rank works on a param that others have, too. */
struct sharing {
    const struct assay_part *part;  /* NULL: nobody else has anything of it */
    bool                     split; /* its sharers split the step, */
    int32_t                  axis;  /* along this axis; */
    int64_t                  place; /* this rank's place among them */
    int32_t                  whole; /* the param, where `params` has its shard */
};

struct train {
    struct assay_graph           *g;
    const struct assay_optimizer *o;
    int32_t                       rate, step, scale; /* scale: ASSAY_NO_VALUE without clipping */
    size_t                        n;
    int32_t                      *params, *grads; /* grads has room for n + edges */
    struct sharing               *sharing;
    const struct assay_optimizer_ranks *ranks; /* NULL: this is the only one */
    size_t                        n_edges;       /* inputs that a Receive waits on, behind the n params */
};

static int32_t node(const struct train *t, const char *op, const char *name, const int32_t *inputs, size_t n,
                    const struct assay_attr *attrs)
{
    return assay_graph_op(t->g, op, name, inputs, n, attrs);
}

static void name_of(const struct train *t, int32_t param, const char *suffix, char name[NAME_BYTES])
{
    const struct assay_value *v = assay_graph_value(t->g, param);
    (void)snprintf(name, NAME_BYTES, "%.127s%.24s", v ? v->name : "", suffix);
}

static int32_t number(const struct train *t, const char *name, int32_t like, double x)
{
    const struct assay_value *v = assay_graph_value(t->g, like);
    unsigned char             bytes[8] = {0};
    if (!v)
        return ASSAY_NO_VALUE;
    assay_from_double(v->dtype, &x, 1, bytes);
    return assay_graph_const(t->g, name, v->dtype, 0, NULL, bytes);
}

/* ---- clipping -------------------------------------------------------------------------------------------------- */

static int32_t square_of(const struct train *t, size_t i)
{
    char name[NAME_BYTES];
    name_of(t, t->params[i], ".gradient_square", name);
    return node(t, "ReduceSumSquare", name, &t->grads[i], 1,
                (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
}

static bool of_one_type(const struct train *t)
{
    for (size_t i = 1; i < t->n; i++) {
        const struct assay_value *a = assay_graph_value(t->g, t->params[0]), *b = assay_graph_value(t->g, t->params[i]);
        if (a->dtype == b->dtype)
            continue;
        assay_graph_refuse(t->g, ASSAY_UNSUPPORTED, "clip_norm: the gradients of '%s' (%s) and '%s' (%s) have no common norm",
                           a->name, assay_dtype_name(a->dtype), b->name, assay_dtype_name(b->dtype));
        return false;
    }
    return true;
}

static struct assay_attr group_attr(const int64_t *ranks, size_t n)
{
    struct assay_attr attr = {.name = "ranks", .type = ASSAY_ATTR_I64S, .n = n};
    memcpy(attr.list, ranks, n * sizeof *ranks);
    return attr;
}

/* The sum over a group; x itself of a group of one. */
static int32_t add_up(const struct train *t, const char *name, int32_t x, const int64_t *ranks, size_t n)
{
    return n < 2 ? x : node(t, "assay.AllReduce", name, &x, 1, (struct assay_attr[]){group_attr(ranks, n), ASSAY_ATTR_END});
}

static bool same_ranks(const int64_t *a, size_t n, const int64_t *b, size_t m)
{
    return n == m && !memcmp(a, b, n * sizeof *a);
}

/* Are the squares of i and k added up over the same ranks? */
static bool are_summed_alike(const struct train *t, size_t i, size_t k)
{
    static const struct assay_part none = {.n_holders = 0};
    const struct sharing          *x = &t->sharing[i], *y = &t->sharing[k];
    const struct assay_part       *p = x->part ? x->part : &none, *q = y->part ? y->part : &none;
    bool                           cut_x = x->split && t->o->zero >= 2, cut_y = y->split && t->o->zero >= 2;
    return same_ranks(p->holders, p->n_holders > 1 ? p->n_holders : 0, q->holders, q->n_holders > 1 ? q->n_holders : 0) &&
           same_ranks(p->sharers, cut_x ? p->n_sharers : 0, q->sharers, cut_y ? q->n_sharers : 0);
}

/* Of all params whose squares are added up over the same ranks as those of `first`, which is the first of them. */
static int32_t squares_of(const struct train *t, size_t first)
{
    const struct assay_part *part = t->sharing[first].part;
    char                     name[NAME_BYTES];
    int32_t                  sum = ASSAY_NO_VALUE;
    for (size_t i = first; i < t->n; i++) {
        if (!are_summed_alike(t, first, i))
            continue;
        int32_t square = square_of(t, i);
        name_of(t, t->params[i], ".gradient_squares", name);
        sum = i > first ? node(t, "Add", name, (int32_t[]){sum, square}, 2, NULL) : square;
    }
    if (!part)
        return sum;
    name_of(t, t->params[first], ".gradient_squares.held", name);
    sum = add_up(t, name, sum, part->holders, part->n_holders);
    name_of(t, t->params[first], ".gradient_squares.shared", name);
    return t->sharing[first].split && t->o->zero >= 2 ? add_up(t, name, sum, part->sharers, part->n_sharers) : sum;
}

/* min(1, clip_norm / (norm + 1e-6)); the norm is an output. */
static int32_t clip(const struct train *t)
{
    char    name[NAME_BYTES];
    int32_t sum = ASSAY_NO_VALUE;
    if (!of_one_type(t))
        return ASSAY_NO_VALUE;
    for (size_t i = 0; i < t->n; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i; k++)
            is_first &= !are_summed_alike(t, k, i);
        if (!is_first)
            continue;
        int32_t squares = squares_of(t, i);
        name_of(t, t->params[i], ".gradient_squares.all", name);
        sum = sum == ASSAY_NO_VALUE ? squares : node(t, "Add", name, (int32_t[]){sum, squares}, 2, NULL);
    }
    for (size_t i = t->n; i < t->n + t->n_edges; i++) { /* zeros: what was answered to other stages stands before the norm */
        name_of(t, t->params[i], ".answered", name);
        sum = node(t, "Add", name, (int32_t[]){sum, t->grads[i]}, 2, NULL);
    }
    if (t->ranks)
        sum = add_up(t, "gradient_squares", sum, t->ranks->stages, t->ranks->n_stages);
    int32_t norm = node(t, "Sqrt", "gradient_norm", &sum, 1, NULL);
    int32_t room = node(t, "Add", "clip.divisor", (int32_t[]){norm, number(t, "clip.room", norm, 1e-6)}, 2, NULL);
    int32_t ratio = node(t, "Div", "clip.ratio", (int32_t[]){number(t, "clip.norm", norm, t->o->clip_norm), room}, 2, NULL);
    int32_t scale = node(t, "Min", "clip.scale", (int32_t[]){ratio, number(t, "clip.one", norm, 1)}, 2, NULL);
    assay_graph_output(t->g, norm);
    return scale;
}

/* ---- one param ------------------------------------------------------------------------------------------------- */

/* Zeros of the size of the param, or of its shard. */
static int32_t state_of(const struct train *t, size_t i, const char *suffix)
{
    char                      name[NAME_BYTES];
    int64_t                   dims[ASSAY_MAX_RANK];
    const struct assay_value *v = assay_graph_value(t->g, t->params[i]);
    name_of(t, t->sharing[i].whole, suffix, name);
    if (!v)
        return ASSAY_NO_VALUE;
    memcpy(dims, v->dims, sizeof dims);
    return assay_graph_state(t->g, name, v->dtype, v->rank, dims, (struct assay_fill){ASSAY_FILL_CONSTANT, 0, 0});
}

static double decay_of(const struct train *t, int32_t param)
{
    return assay_graph_value(t->g, param)->rank > 1 ? t->o->weight_decay : 0;
}

/* The first n_next outputs named after the param with these suffixes take over `of`. */
static void step_node(const struct train *t, int32_t param, const char *op, const int32_t *inputs, size_t n_inputs,
                      const struct assay_attr *attrs, const char *const *suffixes, const int32_t *of, size_t n, int32_t *out)
{
    char        text[3][NAME_BYTES];
    const char *names[3] = {NULL};
    for (size_t o = 0; o < n; o++) {
        name_of(t, param, suffixes[o], text[o]);
        names[o] = text[o];
    }
    assay_graph_op_outputs(t->g, op, names, n, inputs, n_inputs, attrs, out);
    for (size_t o = 0; o < n; o++) {
        if (of[o] == ASSAY_NO_VALUE)
            continue;
        assay_graph_output(t->g, out[o]);
        assay_graph_alias(t->g, out[o], of[o]);
    }
}

/* This rank's shard of x, which is whole here. */
static int32_t shard_of(const struct train *t, const struct sharing *s, const char *suffix, int32_t x)
{
    static const char *const what[] = {".begin", ".end", ".axis"};
    char                     name[NAME_BYTES], label[NAME_BYTES];
    int64_t                  n = assay_graph_value(t->g, s->whole)->dims[s->axis] / (int64_t)s->part->n_sharers;
    int64_t                  numbers[3] = {s->place * n, (s->place + 1) * n, s->axis};
    int32_t                  in[4] = {x};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(label, sizeof label, "%.18s%.5s", suffix, what[i]);
        name_of(t, s->whole, label, name);
        in[1 + i] = assay_graph_i64s(t->g, name, 1, &numbers[i]);
    }
    name_of(t, s->whole, suffix, name);
    return node(t, "Slice", name, in, 4, NULL);
}

/* What the step of param i takes as its gradient. */
static int32_t step_gradient(const struct train *t, size_t i)
{
    bool whole = t->sharing[i].split && t->o->zero == 1;
    return whole ? shard_of(t, &t->sharing[i], ".gradient_shard", t->grads[i]) : t->grads[i];
}

/* What the stepped param takes over: the param; of a shard nothing, it is gathered first. */
static int32_t taken_over(const struct train *t, size_t i)
{
    return t->sharing[i].split ? ASSAY_NO_VALUE : t->params[i];
}

/* Each returns the stepped param, or shard of one. */
static int32_t step_sgd(const struct train *t, size_t i)
{
    static const char *const suffixes[] = {".next", ".m.next"}, *const of_shard[] = {".shard.next", ".m.next"};
    int32_t                  param = t->params[i], whole = t->sharing[i].whole;
    struct assay_attr attrs[] = {ASSAY_ATTR_FLOAT("momentum", t->o->momentum),
                                 ASSAY_ATTR_FLOAT("weight_decay", decay_of(t, param)),
                                 ASSAY_ATTR_END};
    int32_t m = t->o->momentum > 0 ? state_of(t, i, ".m") : ASSAY_NO_VALUE, out[2];
    step_node(t, whole, "assay.Sgd", (int32_t[]){t->rate, param, step_gradient(t, i), m, t->scale}, 5, attrs,
              t->sharing[i].split ? of_shard : suffixes, (int32_t[]){taken_over(t, i), m}, m == ASSAY_NO_VALUE ? 1 : 2, out);
    return out[0];
}

static int32_t step_adam(const struct train *t, size_t i, bool lamb)
{
    static const char *const next[] = {".next", ".m.next", ".v.next"}, *const update[] = {".update", ".m.next", ".v.next"};
    static const char *const of_shard[] = {".shard.next", ".m.next", ".v.next"};
    int32_t                  param = t->params[i], whole = t->sharing[i].whole, grad = step_gradient(t, i);
    struct assay_attr attrs[] = {ASSAY_ATTR_FLOAT("beta1", t->o->beta1), ASSAY_ATTR_FLOAT("beta2", t->o->beta2),
                                 ASSAY_ATTR_FLOAT("epsilon", t->o->epsilon),
                                 ASSAY_ATTR_FLOAT("weight_decay", decay_of(t, param)), ASSAY_ATTR_END};
    int32_t m = state_of(t, i, ".m"), v = state_of(t, i, ".v"), out[3];
    if (!lamb) {
        step_node(t, whole, "assay.AdamW", (int32_t[]){t->rate, t->step, param, grad, m, v, t->scale}, 7, attrs,
                  t->sharing[i].split ? of_shard : next, (int32_t[]){taken_over(t, i), m, v}, 3, out);
        return out[0];
    }
    char    name[2][NAME_BYTES];
    int32_t norms[2];
    step_node(t, param, "assay.LambUpdate", (int32_t[]){t->step, param, grad, m, v, t->scale}, 6, attrs, update,
              (int32_t[]){ASSAY_NO_VALUE, m, v}, 3, out);
    name_of(t, param, ".norm", name[0]);
    name_of(t, param, ".update_norm", name[1]);
    for (int k = 0; k < 2; k++)
        norms[k] = node(t, "ReduceL2", name[k], k ? out : &param, 1,
                        (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
    step_node(t, param, "assay.LambApply", (int32_t[]){t->rate, param, out[0], norms[0], norms[1]}, 5, NULL, next, &param, 1,
              out);
    return out[0];
}

/* A copy under a name that says whose it is: the gradient itself has the name of the node that made it, and may be an operand of
 * others. */
static void show_gradient(const struct train *t, size_t i)
{
    const struct sharing *s = &t->sharing[i];
    char                  name[NAME_BYTES];
    name_of(t, s->whole, ".gradient", name);
    if (s->split && t->o->zero >= 2)
        assay_graph_output(t->g, node(t, "assay.AllGather", name, &t->grads[i], 1,
                                      (struct assay_attr[]){group_attr(s->part->sharers, s->part->n_sharers), ASSAY_ATTR_INT("axis", s->axis), ASSAY_ATTR_END}));
    else
        assay_graph_output(t->g, node(t, "Identity", name, &t->grads[i], 1, NULL));
}

/* ---- between ranks --------------------------------------------------------------------------------------------- */

/* Who has something of param i, and what its sharers split of it. */
static void find_sharing(const struct train *t, size_t i)
{
    const struct assay_value *v = assay_graph_value(t->g, t->params[i]);
    struct sharing           *s = &t->sharing[i];
    *s = (struct sharing){.whole = t->params[i]};
    if (!t->ranks)
        return;
    s->part = v->part;
    if (!s->part || s->part->n_sharers < 2 || !t->o->zero)
        return;
    while (s->place + 1 < (int64_t)s->part->n_sharers && s->part->sharers[s->place] != t->ranks->rank)
        s->place++;
    while (s->axis < v->rank && v->dims[s->axis] % (int64_t)s->part->n_sharers)
        s->axis++;
    s->split = s->axis < v->rank;
}

/* Gradients of shares become those of the one loss; where the step is split, gradient and param become this rank's shards. */
static void share_step(const struct train *t, size_t i)
{
    struct sharing *s = &t->sharing[i];
    char            name[NAME_BYTES];
    find_sharing(t, i);
    if (!s->part)
        return;
    name_of(t, s->whole, ".gradient_sum", name);
    if (s->split && t->o->zero >= 2)
        t->grads[i] = node(t, "assay.ReduceScatter", name, &t->grads[i], 1,
                           (struct assay_attr[]){group_attr(s->part->sharers, s->part->n_sharers), ASSAY_ATTR_INT("axis", s->axis), ASSAY_ATTR_END});
    else
        t->grads[i] = add_up(t, name, t->grads[i], s->part->sharers, s->part->n_sharers);
    if (s->split)
        t->params[i] = shard_of(t, s, ".shard", s->whole);
}

/* The stepped shard of each sharer becomes the param. */
static void gather_param(const struct train *t, size_t i, int32_t next)
{
    const struct sharing *s = &t->sharing[i];
    char                  name[NAME_BYTES];
    name_of(t, s->whole, ".next", name);
    int32_t whole = node(t, "assay.AllGather", name, &next, 1,
                         (struct assay_attr[]){group_attr(s->part->sharers, s->part->n_sharers), ASSAY_ATTR_INT("axis", s->axis), ASSAY_ATTR_END});
    assay_graph_output(t->g, whole);
    assay_graph_alias(t->g, whole, s->whole);
}

static bool lamb_can(const struct train *t)
{
    for (size_t i = 0; i < t->n && t->o->kind == ASSAY_OPTIMIZER_LAMB; i++)
        if (t->sharing[i].split || (t->sharing[i].part && t->sharing[i].part->n_holders > 1)) {
            assay_graph_refuse(t->g, ASSAY_UNSUPPORTED, "lamb with '%s' on several ranks: its norms are of whole params",
                               assay_graph_value(t->g, t->sharing[i].whole)->name);
            return false;
        }
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------------------------- */

static void find_params(struct train *t)
{
    for (uint32_t v = 0; v < t->g->n_values; v++)
        if (t->g->values[v].role == ASSAY_ROLE_PARAM && !t->g->values[v].frozen && assay_dtype_is_float(t->g->values[v].dtype))
            t->params[t->n++] = (int32_t)v;
    if (!t->n)
        assay_graph_refuse(t->g, ASSAY_CONFIG, "training: graph '%s' has no param that is a float", t->g->name);
}

/* Inputs that a Receive waits on, behind the params. */
static void find_edges(struct train *t)
{
    for (uint32_t k = 0; k < t->g->n_nodes; k++) {
        const struct assay_node *n = &t->g->nodes[k];
        if (!strcmp(n->op->qualified, "assay.Receive") && t->g->values[n->inputs[0]].role == ASSAY_ROLE_INPUT)
            t->params[t->n + t->n_edges++] = n->inputs[0];
    }
}

/* Where no norm hangs on them. */
static void show_edges(const struct train *t)
{
    char name[NAME_BYTES];
    for (size_t i = t->n; i < t->n + t->n_edges; i++) {
        name_of(t, t->params[i], ".gradient", name);
        assay_graph_output(t->g, node(t, "Identity", name, &t->grads[i], 1, NULL));
    }
}

static void step(const struct train *t, size_t i)
{
    int32_t next = t->o->kind == ASSAY_OPTIMIZER_SGD ? step_sgd(t, i) : step_adam(t, i, t->o->kind == ASSAY_OPTIMIZER_LAMB);
    if (t->sharing[i].split)
        gather_param(t, i, next);
}

static void train(struct train *t, int32_t loss, enum assay_recompute recompute)
{
    find_params(t);
    find_edges(t);
    assay_graph_gradient(t->g, loss, t->params, t->n + t->n_edges, recompute, t->grads);
    if (t->g->first_error.code)
        return;
    if (t->o->clip_norm <= 0)
        show_edges(t);
    for (size_t i = 0; i < t->n; i++)
        share_step(t, i);
    if (t->g->first_error.code || !lamb_can(t))
        return;
    t->rate = assay_graph_input(t->g, "learning_rate", ASSAY_F32, 0, NULL, (struct assay_fill){ASSAY_FILL_CONSTANT, 1e-3, 0});
    if (t->o->kind != ASSAY_OPTIMIZER_SGD)
        t->step = assay_graph_input(t->g, "step", ASSAY_I64, 0, NULL, (struct assay_fill){ASSAY_FILL_CONSTANT, 1, 0});
    if (assay_graph_value(t->g, loss)->role != ASSAY_ROLE_OUTPUT)
        assay_graph_output(t->g, loss);
    if (t->o->clip_norm > 0)
        t->scale = clip(t);
    for (size_t i = 0; i < t->n && !t->g->first_error.code; i++) {
        if (t->o->gradients)
            show_gradient(t, i);
        step(t, i);
    }
}

void assay_graph_train_rank(struct assay_graph *g, int32_t loss, const struct assay_optimizer *optimizer, enum assay_recompute recompute,
                            const struct assay_optimizer_ranks *ranks)
{
    size_t       room = (size_t)g->n_values + g->n_nodes + 1;
    struct train t = {.g = g, .o = optimizer, .step = ASSAY_NO_VALUE, .scale = ASSAY_NO_VALUE, .ranks = ranks,
                      .params = malloc(room * sizeof *t.params), .grads = malloc(room * sizeof *t.grads),
                      .sharing = malloc(room * sizeof *t.sharing)};
    if (t.params && t.grads && t.sharing) {
        if (!g->first_error.code)
            train(&t, loss, recompute);
    } else {
        assay_graph_refuse(g, ASSAY_MEMORY, "training: no memory for graph '%s'", g->name);
    }
    free(t.params);
    free(t.grads);
    free(t.sharing);
}

void assay_graph_train(struct assay_graph *g, int32_t loss, const struct assay_optimizer *optimizer,
                       enum assay_recompute recompute)
{
    assay_graph_train_rank(g, loss, optimizer, recompute, NULL);
}
