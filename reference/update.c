#include "reference/update.h"

#include "assay/banned.h"

struct assay_bounded assay_ref_scalar(const struct assay_ref_call *call, uint32_t i, double absent)
{
    const struct assay_ref_tensor *t = assay_ref_input(call, i);
    return t ? bounded_of(t, 0) : bounded(absent, 0);
}

static struct assay_bounded constant(const struct assay_ref_call *call, double x)
{
    return assay_bounded_constant(&call->arithmetic, x);
}

struct assay_ref_adam assay_ref_adam_of(const struct assay_ref_call *call, uint32_t step, uint32_t scale)
{
    const struct assay_node *node = call->node;
    double beta1 = assay_node_f64(node, "beta1", 0.9), beta2 = assay_node_f64(node, "beta2", 0.999);
    double decay = assay_node_f64(node, "weight_decay", 0), number = assay_ref_scalar(call, step, 1).value;
    struct assay_ref_adam a = {.decays = decay != 0, .scaled = assay_ref_input(call, scale) != NULL, .open = !(number >= 1)};
    a.beta1 = constant(call, beta1);
    a.rest1 = constant(call, 1 - beta1);
    a.beta2 = constant(call, beta2);
    a.rest2 = constant(call, 1 - beta2);
    a.correct1 = constant(call, 1 - pow(beta1, number));
    a.correct2 = constant(call, 1 - pow(beta2, number));
    a.epsilon = constant(call, assay_node_f64(node, "epsilon", 1e-8));
    a.decay = constant(call, decay);
    a.scale = assay_ref_scalar(call, scale, 1);
    return a;
}

static double root(double x)
{
    return x < 0 ? 0 : sqrt(x); /* no mean of squares is below zero, whatever its bound says */
}

static struct assay_bounded gradient_at(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i)
{
    struct assay_bounded g = bounded_of(&call->in[param + 1], i);
    return adam->scaled ? bounded_multiply(&call->arithmetic, g, adam->scale) : g;
}

struct assay_bounded assay_ref_adam_first(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    return bounded_add(a, bounded_multiply(a, adam->beta1, bounded_of(&call->in[param + 2], i)),
                       bounded_multiply(a, adam->rest1, gradient_at(call, adam, param, i)));
}

struct assay_bounded assay_ref_adam_second(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    struct assay_bounded g = gradient_at(call, adam, param, i);
    return bounded_add(a, bounded_multiply(a, adam->beta2, bounded_of(&call->in[param + 3], i)),
                       bounded_multiply(a, adam->rest2, bounded_multiply(a, g, g)));
}

/* The value of the direction alone, by the same operations: most of the time goes into bounds. */
static double direction_value(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i)
{
    double p = call->in[param].value[i], g = call->in[param + 1].value[i];
    g = adam->scaled ? g * adam->scale.value : g;
    double first = adam->beta1.value * call->in[param + 2].value[i] + adam->rest1.value * g;
    double second = adam->beta2.value * call->in[param + 3].value[i] + adam->rest2.value * (g * g);
    double u = first / adam->correct1.value / (root(second / adam->correct2.value) + adam->epsilon.value);
    return adam->decays ? u + adam->decay.value * p : u;
}

struct assay_bounded assay_ref_adam_direction(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param,
                                              size_t i)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    if (adam->open)
        return bounded(0, INFINITY);
    if (call->values_only)
        return bounded(direction_value(call, adam, param, i), 0);
    struct assay_bounded top = assay_bounded_divide(a, assay_ref_adam_first(call, adam, param, i), adam->correct1);
    struct assay_bounded under = assay_bounded_divide(a, assay_ref_adam_second(call, adam, param, i), adam->correct2);
    under = bounded_add(a, assay_bounded_monotone(a, root, under, assay_reference_ulps.sqrt), adam->epsilon);
    struct assay_bounded u = assay_bounded_divide(a, top, under);
    return adam->decays ? bounded_add(a, u, bounded_multiply(a, adam->decay, bounded_of(&call->in[param], i))) : u;
}
