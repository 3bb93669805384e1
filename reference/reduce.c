#include "reference/reduce.h"

#include "harness/base/parallel.h"
#include "reference/elementwise.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    enum assay_ref_reduction kind;
    bool reduced[ASSAY_MAX_RANK];
    int64_t stride[ASSAY_MAX_RANK];
    int64_t terms;
    const int64_t *index;
    double *value, *bound;
};

/* Offset of the number-th element over the axes that are (or are not) reduced. */
static int64_t walk(const struct job *j, bool reduced, int64_t number)
{
    const struct assay_ref_tensor *in = &j->call->in[0];
    int64_t offset = 0;
    for (int32_t d = in->rank - 1; d >= 0; d--) {
        if (j->reduced[d] == reduced) {
            offset += number % in->dims[d] * j->stride[d];
            number /= in->dims[d];
        }
    }
    return offset;
}

/* Elements are visited in runs along the last reduced axis. */
struct run {
    int64_t length, stride;
};

static struct run run_of(const struct job *j)
{
    for (int32_t d = j->call->in[0].rank - 1; d >= 0; d--) {
        if (j->reduced[d])
            return (struct run){j->call->in[0].dims[d], j->stride[d]};
    }
    return (struct run){1, 0};
}

static struct assay_bounded sum(const struct job *j, int64_t first)
{
    const struct assay_ref_tensor *in = &j->call->in[0];
    struct run run = run_of(j);
    struct assay_ref_sum s = {0};
    double total = 0, low = 0;
    bool square = j->kind == ASSAY_REF_SUM_SQUARE || j->kind == ASSAY_REF_L2;
    for (int64_t r = 0; r < j->terms; r += run.length) {
        int64_t at = first + walk(j, true, r);
        for (int64_t i = 0; i < run.length; i++, at += run.stride) {
            double x = in->value[at], error = in->error ? in->error[at] : 0;
            if (square) {
                error *= 2 * fabs(x) + error;
                error = isfinite(x) && !isfinite(x * x) ? INFINITY : error;
                s.magnitude += x != 0 && x * x == 0 ? ASSAY_REF_LEAST : 0; /* it underflowed */
                x *= x;
            }
            double next = total + x, back = next - total;
            bool   left = !isfinite(next) && isfinite(total) && isfinite(x); /* the range of double */
            low += (total - (next - back)) + (x - back); /* two-sum: what the addition lost */
            total = next;
            s.magnitude += fabs(x);
            s.error += left ? INFINITY : error;
        }
    }
    double gamma = assay_ref_gamma((double)j->terms + 8, ASSAY_REF_OWN);
    s.value = isfinite(total) ? total + low : total;
    if (j->call->arithmetic.accumulate > 0 || s.magnitude >= 0x1p53)
        s.own = (square ? 3 : 2) * ASSAY_REF_OWN * fabs(s.value) + 2 * gamma * gamma * s.magnitude;
    return assay_ref_sum_close(&j->call->arithmetic, &s, (double)j->terms, (double)j->terms - !square);
}

static struct assay_bounded mean(const struct job *j, int64_t first)
{
    struct assay_bounded s = sum(j, first);
    if (j->terms == 1)
        return s;
    if (!assay_dtype_is_float(j->call->out[0].dtype)) /* rounded in a way that ONNX leaves open */
        return bounded(s.value / (double)j->terms, s.error + 1);
    return assay_bounded_divide(&j->call->arithmetic, s, bounded((double)j->terms, 0));
}

static double root(double x)
{
    return x < 0 ? 0 : sqrt(x); /* no sum of squares is below zero, whatever its bound says */
}

static struct assay_bounded folded(const struct job *j, int64_t first)
{
    if (j->kind == ASSAY_REF_MEAN)
        return mean(j, first);
    struct assay_bounded s = sum(j, first);
    return j->kind == ASSAY_REF_L2 ? assay_bounded_monotone(&j->call->arithmetic, root, s, assay_reference_ulps.sqrt) : s;
}

static struct assay_bounded extreme(const struct job *j, int64_t first, double sign)
{
    struct run run = run_of(j);
    enum assay_dtype dtype = j->call->out[0].dtype;
    /* Of nothing: the least or greatest number that the type has. */
    struct assay_bounded best =
        bounded(dtype == ASSAY_BOOL ? sign < 0 : assay_round_to(dtype, -sign * (double)INFINITY), 0);
    for (int64_t r = 0; r < j->terms; r += run.length) {
        int64_t at = first + walk(j, true, r);
        for (int64_t i = 0; i < run.length; i++, at += run.stride) {
            struct assay_bounded x = bounded_of(&j->call->in[0], (size_t)at);
            best = r + i == 0 ? x : assay_bounded_extreme(best, x, sign);
        }
    }
    return best;
}

static void do_pieces(void *self, size_t begin, size_t end)
{
    const struct job *j = self;
    for (size_t i = begin; i < end; i++) {
        int64_t first = walk(j, false, j->index[i]);
        if (j->kind != ASSAY_REF_MAX && j->kind != ASSAY_REF_MIN) {
            assay_ref_put(j->call, i, folded(j, first), j->value, j->bound);
            continue;
        }
        struct assay_bounded x = extreme(j, first, j->kind == ASSAY_REF_MAX ? 1 : -1);
        x = bounded_settle(x.value, x.error);
        j->value[i] = x.value;
        j->bound[i] = x.error;
    }
}

enum assay_code assay_ref_reduce(const struct assay_ref_call *call, enum assay_ref_reduction kind, size_t n,
                                 const int64_t *index, double *value, double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *in = &call->in[0], *axes = assay_ref_input(call, 1);
    struct job j = {.call = call, .kind = kind, .terms = 1, .index = index, .value = value, .bound = bound};
    bool none = !axes || axes->elements == 0, all = none && !assay_node_i64(call->node, "noop_with_empty_axes", 0);
    for (uint64_t i = 0; !none && i < axes->elements; i++) {
        int64_t axis = (int64_t)axes->value[i];
        axis += axis < 0 ? in->rank : 0;
        if (axis < 0 || axis >= in->rank)
            return ASSAY_FAIL(err, ASSAY_DATA, "axis %lld of a tensor of rank %d", (long long)axis, (int)in->rank);
        j.reduced[axis] = true;
    }
    for (int32_t d = in->rank - 1, last = d; d >= 0; d--) {
        j.stride[d] = d == last ? 1 : j.stride[d + 1] * in->dims[d + 1];
        j.reduced[d] |= all;
        if (j.reduced[d])
            j.terms *= in->dims[d];
    }
    assay_parallel_for(n, j.terms > 4096 ? 1 : 4096 / (size_t)(j.terms + 1) + 1, do_pieces, &j);
    return ASSAY_OK;
}
