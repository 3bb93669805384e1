/* RotaryEmbedding: a cos - b sin and a sin + b cos of each pair; what does not turn is copied. A position that the caches do
 * not hold leaves its elements open. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

enum { X, COS, SIN, IDS };

struct job {
    const struct assay_ref_call *call;
    const struct assay_ref_tensor *ids;
    int64_t heads, length, width, turned;
    bool interleaved;
    const int64_t *index;
    double *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *x = &j->call->in[X], *cos = &j->call->in[COS];
    int64_t index = j->index[i], d = index % j->width, outer = index / j->width, half = j->turned / 2;
    int64_t position = x->rank == 4 ? outer % j->length : outer / j->heads % j->length;
    int64_t batch = outer / (j->heads * j->length), row = batch * j->length + position;
    if (d >= j->turned) {
        struct assay_bounded same = bounded_of(x, (size_t)index);
        j->value[i] = same.value;
        j->bound[i] = same.error;
        return;
    }
    if (j->ids)
        row = (int64_t)j->ids->value[row];
    if (j->ids && (row < 0 || row >= cos->dims[0])) {
        j->value[i] = 0;
        j->bound[i] = INFINITY;
        return;
    }
    bool second = j->interleaved ? d % 2 : d >= half;
    int64_t pair = j->interleaved ? d / 2 : d % half, other = j->interleaved ? 1 : half;
    struct assay_bounded c = bounded_of(cos, (size_t)(row * half + pair));
    struct assay_bounded s = bounded_of(&j->call->in[SIN], (size_t)(row * half + pair));
    struct assay_bounded own = bounded_of(x, (size_t)index);
    struct assay_bounded its = bounded_of(x, (size_t)(second ? index - other : index + other));
    struct assay_bounded straight = bounded_multiply(a, own, c), across = bounded_multiply(a, its, s);
    assay_ref_put(j->call, i, second ? bounded_add(a, straight, across) : bounded_subtract(a, straight, across), j->value,
                  j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[X];
    struct job j = {.call = call, .ids = assay_ref_input(call, IDS), .index = index, .value = value, .bound = bound};
    j.heads = assay_node_i64(call->node, "num_heads", 1);
    j.length = x->dims[x->rank - 2];
    j.width = x->rank == 4 ? x->dims[3] : x->dims[2] / j.heads;
    j.turned = assay_node_i64(call->node, "rotary_embedding_dim", 0);
    j.interleaved = assay_node_i64(call->node, "interleaved", 0) != 0;
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(RotaryEmbedding) = {.at = at};
