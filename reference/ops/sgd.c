/* assay.Sgd: g = G scale + weight_decay P, M' = momentum M + g, P - R M'. */
#include "reference/update.h"

#include "assay/banned.h"

enum { R, P, G, M, SCALE };

struct job {
    const struct assay_ref_call *call;
    const int64_t *index;
    double *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_ref_call *call = j->call;
    const struct assay_arithmetic *a = &call->arithmetic;
    size_t at = (size_t)j->index[i];
    double decay = assay_node_f64(call->node, "weight_decay", 0), momentum = assay_node_f64(call->node, "momentum", 0);
    struct assay_bounded p = bounded_of(&call->in[P], at), step = bounded_of(&call->in[G], at);
    if (assay_ref_input(call, SCALE))
        step = bounded_multiply(a, step, assay_ref_scalar(call, SCALE, 1));
    if (decay != 0)
        step = bounded_add(a, step, bounded_multiply(a, assay_bounded_constant(a, decay), p));
    if (assay_ref_input(call, M))
        step = bounded_add(a, bounded_multiply(a, assay_bounded_constant(a, momentum), bounded_of(&call->in[M], at)), step);
    if (call->output == 0)
        step = bounded_subtract(a, p, bounded_multiply(a, assay_ref_scalar(call, R, 0), step));
    assay_ref_put(call, i, step, j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {call, index, value, bound};
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Sgd) = {.at = at};
