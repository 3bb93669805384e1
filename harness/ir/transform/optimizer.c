#include "harness/ir/transform/optimizer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    {.name = "gradients", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct assay_optimizer, gradients), .dflt = "false",
     .help = "every param's gradient is an output"},
    {.name = NULL},
};

struct train {
    struct assay_graph           *g;
    const struct assay_optimizer *o;
    int32_t                       rate, step, scale; /* scale: ASSAY_NO_VALUE without clipping */
    size_t                        n;
    int32_t                      *params, *grads;
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

/* min(1, clip_norm / (norm + 1e-6)); the norm is an output. */
static int32_t clip(const struct train *t)
{
    char    name[NAME_BYTES];
    int32_t sum = ASSAY_NO_VALUE;
    if (!of_one_type(t))
        return ASSAY_NO_VALUE;
    for (size_t i = 0; i < t->n; i++) {
        int32_t square = square_of(t, i);
        name_of(t, t->params[i], ".gradient_squares", name);
        sum = i ? node(t, "Add", name, (int32_t[]){sum, square}, 2, NULL) : square;
    }
    int32_t norm = node(t, "Sqrt", "gradient_norm", &sum, 1, NULL);
    int32_t room = node(t, "Add", "clip.divisor", (int32_t[]){norm, number(t, "clip.room", norm, 1e-6)}, 2, NULL);
    int32_t ratio = node(t, "Div", "clip.ratio", (int32_t[]){number(t, "clip.norm", norm, t->o->clip_norm), room}, 2, NULL);
    int32_t scale = node(t, "Min", "clip.scale", (int32_t[]){ratio, number(t, "clip.one", norm, 1)}, 2, NULL);
    assay_graph_output(t->g, norm);
    return scale;
}

/* ---- one param ------------------------------------------------------------------------------------------------- */

static int32_t state_of(const struct train *t, int32_t param, const char *suffix)
{
    char                      name[NAME_BYTES];
    int64_t                   dims[ASSAY_MAX_RANK];
    const struct assay_value *v = assay_graph_value(t->g, param);
    name_of(t, param, suffix, name);
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

static void step_sgd(const struct train *t, int32_t param, int32_t grad)
{
    static const char *const suffixes[] = {".next", ".m.next"};
    struct assay_attr attrs[] = {ASSAY_ATTR_FLOAT("momentum", t->o->momentum),
                                 ASSAY_ATTR_FLOAT("weight_decay", decay_of(t, param)),
                                 ASSAY_ATTR_END};
    int32_t m = t->o->momentum > 0 ? state_of(t, param, ".m") : ASSAY_NO_VALUE, out[2];
    step_node(t, param, "assay.Sgd", (int32_t[]){t->rate, param, grad, m, t->scale}, 5, attrs, suffixes, (int32_t[]){param, m},
              m == ASSAY_NO_VALUE ? 1 : 2, out);
}

static void step_adam(const struct train *t, int32_t param, int32_t grad, bool lamb)
{
    static const char *const next[] = {".next", ".m.next", ".v.next"}, *const update[] = {".update", ".m.next", ".v.next"};
    struct assay_attr attrs[] = {ASSAY_ATTR_FLOAT("beta1", t->o->beta1), ASSAY_ATTR_FLOAT("beta2", t->o->beta2),
                                 ASSAY_ATTR_FLOAT("epsilon", t->o->epsilon),
                                 ASSAY_ATTR_FLOAT("weight_decay", decay_of(t, param)), ASSAY_ATTR_END};
    int32_t m = state_of(t, param, ".m"), v = state_of(t, param, ".v"), out[3];
    if (!lamb) {
        step_node(t, param, "assay.AdamW", (int32_t[]){t->rate, t->step, param, grad, m, v, t->scale}, 7, attrs, next,
                  (int32_t[]){param, m, v}, 3, out);
        return;
    }
    char    name[2][NAME_BYTES];
    int32_t norms[2];
    step_node(t, param, "assay.LambUpdate", (int32_t[]){t->step, param, grad, m, v, t->scale}, 6, attrs, update,
              (int32_t[]){ASSAY_NO_VALUE, m, v}, 3, out);
    name_of(t, param, ".norm", name[0]);
    name_of(t, param, ".update_norm", name[1]);
    for (int i = 0; i < 2; i++)
        norms[i] = node(t, "ReduceL2", name[i], i ? out : &param, 1,
                        (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
    step_node(t, param, "assay.LambApply", (int32_t[]){t->rate, param, out[0], norms[0], norms[1]}, 5, NULL, next, &param, 1,
              out);
}

/* A copy under a name that says whose it is: the gradient itself has the name of the node that made it, and may be an operand of
 * others. */
static void show_gradient(const struct train *t, size_t i)
{
    char name[NAME_BYTES];
    name_of(t, t->params[i], ".gradient", name);
    assay_graph_output(t->g, node(t, "Identity", name, &t->grads[i], 1, NULL));
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

static void train(struct train *t, int32_t loss, enum assay_recompute recompute)
{
    find_params(t);
    assay_graph_gradient(t->g, loss, t->params, t->n, recompute, t->grads);
    if (t->g->first_error.code)
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
        if (t->o->kind == ASSAY_OPTIMIZER_SGD)
            step_sgd(t, t->params[i], t->grads[i]);
        else
            step_adam(t, t->params[i], t->grads[i], t->o->kind == ASSAY_OPTIMIZER_LAMB);
    }
}

void assay_graph_train(struct assay_graph *g, int32_t loss, const struct assay_optimizer *optimizer,
                       enum assay_recompute recompute)
{
    size_t       room = (size_t)g->n_values + 1;
    struct train t = {.g = g, .o = optimizer, .step = ASSAY_NO_VALUE, .scale = ASSAY_NO_VALUE,
                      .params = malloc(room * sizeof *t.params), .grads = malloc(room * sizeof *t.grads)};
    if (t.params && t.grads) {
        if (!g->first_error.code)
            train(&t, loss, recompute);
    } else {
        assay_graph_refuse(g, ASSAY_MEMORY, "training: no memory for graph '%s'", g->name);
    }
    free(t.params);
    free(t.grads);
}
