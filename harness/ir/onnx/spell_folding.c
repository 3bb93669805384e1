/* Along axes: reductions, norms, losses, places of extremes. */
#include "harness/ir/onnx/spell.h"

#include "reference/formats/formats.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE

/* A Reduce op of x over what operand 1 and the attributes of the spelled op say. */
static int32_t reduce(struct assay_onnx_spelling *s, const char *op, int32_t x, bool keeps)
{
    const struct assay_attr list[] = {ASSAY_ATTR_INT("keepdims", keeps || assay_onnx_i64(s, "keepdims", 1)),
                                      ASSAY_ATTR_INT("noop_with_empty_axes", assay_onnx_i64(s, "noop_with_empty_axes", 0)),
                                      ASSAY_ATTR_END};
    return assay_onnx_put(s, op, (int32_t[]){x, assay_onnx_in(s, 1)}, s->call->n_in > 1 ? 2 : 1, list);
}

/* Σ|x| */
static enum assay_code reduce_l1(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Identity", reduce(s, "ReduceSum", PUT(s, "Abs", assay_onnx_in(s, 0)), false));
}

/* log Σx */
static enum assay_code reduce_log_sum(struct assay_onnx_spelling *s)
{
    return GIVE(s, "Log", reduce(s, "ReduceSum", assay_onnx_in(s, 0), false));
}

/* log Σe^x, by the greatest, so that nothing overflows */
static enum assay_code reduce_log_sum_exp(struct assay_onnx_spelling *s)
{
    int32_t x = assay_onnx_in(s, 0), kept = reduce(s, "ReduceMax", x, true), most = reduce(s, "ReduceMax", x, false);
    int32_t e = PUT(s, "Exp", PUT(s, "Sub", x, kept));
    return GIVE(s, "Add", PUT(s, "Log", reduce(s, "ReduceSum", e, false)), most);
}

static int32_t slice(struct assay_onnx_spelling *s, int32_t x, int64_t axis, int64_t start, int64_t end)
{
    int32_t from = assay_onnx_numbers(s, 1, &start), to = assay_onnx_numbers(s, 1, &end);
    return PUT(s, "Slice", x, from, to, assay_onnx_numbers(s, 1, &axis));
}

/* The product along an axis: one half times the other until one is left. */
static int32_t product(struct assay_onnx_spelling *s, int32_t y, int32_t axis)
{
    struct assay_attr along[] = {ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END};
    for (int64_t n = assay_onnx_seen(s, y).dims[axis]; n > 1; n -= n / 2) {
        int64_t half = n / 2;
        int32_t both = PUT(s, "Mul", slice(s, y, axis, 0, half), slice(s, y, axis, half, 2 * half));
        y = n % 2 ? assay_onnx_put(s, "Concat", (int32_t[]){both, slice(s, y, axis, 2 * half, n)}, 2, along) : both;
    }
    return y;
}

static enum assay_code reduce_prod(struct assay_onnx_spelling *s)
{
    int64_t axes[ASSAY_MAX_RANK] = {0}, dims[ASSAY_MAX_RANK];
    bool    folded[ASSAY_MAX_RANK] = {false}, keeps = assay_onnx_i64(s, "keepdims", 1);
    size_t  n = 0;
    int32_t y = assay_onnx_in(s, 0), rank = 0;
    if (assay_onnx_in(s, 1) != ASSAY_NO_VALUE && !assay_onnx_const(s, 1, ASSAY_MAX_RANK, axes, &n))
        return s->err->code;
    bool all = !n && !assay_onnx_i64(s, "noop_with_empty_axes", 0);
    if (!s->x.elements)
        return assay_onnx_not_spelled(s, "multiplies nothing");
    for (size_t i = 0; i < n; i++) {
        axes[i] += axes[i] < 0 ? s->x.rank : 0;
        if (axes[i] < 0 || axes[i] >= s->x.rank)
            return assay_onnx_not_spelled(s, "has an axis that its operand lacks");
        folded[axes[i]] = true;
    }
    for (int32_t d = 0; d < s->x.rank; d++) {
        bool folds = all || folded[d];
        y = folds ? product(s, y, d) : y;
        if (!folds || keeps)
            dims[rank++] = folds ? 1 : s->x.dims[d];
    }
    return GIVE(s, "Reshape", y, assay_onnx_numbers(s, (size_t)rank, dims));
}

/* x moved by k along the axis, away from its beginning (or, in reverse, its end), with zeros behind. */
static int32_t moved(struct assay_onnx_spelling *s, int32_t x, int32_t axis, int64_t k, bool reverse)
{
    struct assay_value       v = assay_onnx_seen(s, x);
    const struct assay_attr  along[] = {ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END};
    int64_t                  n = v.rank ? v.dims[axis] : 0;
    int32_t                  kept = reverse ? slice(s, x, axis, k, n) : slice(s, x, axis, 0, n - k);
    v.dims[axis] = k;
    int32_t zeros = PUT(s, "Expand", assay_onnx_scalar(s, v.dtype, 0), assay_onnx_numbers(s, (size_t)v.rank, v.dims));
    return assay_onnx_put(s, "Concat", reverse ? (int32_t[]){kept, zeros} : (int32_t[]){zeros, kept}, 2, along);
}

/* Sums of 1, 2, 4 … neighbours, each from two of the one before. */
static enum assay_code cum_sum(struct assay_onnx_spelling *s)
{
    struct assay_value at = assay_onnx_seen(s, assay_onnx_in(s, 1));
    bool               reverse = assay_onnx_i64(s, "reverse", 0) != 0;
    double             axis = 0;
    int32_t            y = assay_onnx_in(s, 0);
    if (at.role != ASSAY_ROLE_CONST || at.elements != 1)
        return assay_onnx_not_spelled(s, "has an axis that is no const");
    assay_to_double(at.dtype, at.data, 1, &axis);
    axis += axis < 0 ? s->x.rank : 0;
    if (!(axis >= 0 && axis < s->x.rank))
        return assay_onnx_not_spelled(s, "has an axis that its operand lacks");
    int32_t d = (int32_t)axis;
    if (assay_onnx_i64(s, "exclusive", 0) && s->x.dims[d] > 0)
        y = moved(s, y, d, 1, reverse);
    for (int64_t k = 1; k < s->x.dims[d] && !s->graph->first_error.code; k *= 2)
        y = PUT(s, "Add", y, moved(s, y, d, k, reverse));
    return GIVE(s, "Identity", y);
}

/* ---- places of extremes ---- */

static enum assay_code arg_min(struct assay_onnx_spelling *s)
{
    int32_t negative = PUT(s, "Neg", assay_onnx_in(s, 0));
    return assay_onnx_give(s, 0, "ArgMax", &negative, 1, s->call->attrs);
}

/* 1 where along the axis the greatest stands first, else 0 */
static enum assay_code hardmax(struct assay_onnx_spelling *s)
{
    int32_t axis = assay_onnx_axis(s, "axis", -1, 0);
    if (axis < 0)
        return s->err->code;
    int32_t at = assay_onnx_put(s, "ArgMax", s->call->in, 1, (struct assay_attr[]){ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END});
    int32_t hit = PUT(s, "Equal", assay_onnx_count(s, s->x.dims[axis], s->x.rank, axis, 1), at);
    return GIVE(s, "Where", hit, assay_onnx_scalar(s, s->x.dtype, 1), assay_onnx_scalar(s, s->x.dtype, 0));
}

/* ---- norms and pools ---- */

static enum assay_code instance_normalization(struct assay_onnx_spelling *s)
{
    const struct assay_attr list[] = {ASSAY_ATTR_FLOAT("epsilon", assay_onnx_f64(s, "epsilon", 1e-5)),
                                      ASSAY_ATTR_INT("num_groups", s->x.rank > 1 ? s->x.dims[1] : 0), ASSAY_ATTR_END};
    return assay_onnx_give(s, 0, "GroupNormalization", s->call->in, s->call->n_in, list);
}

static int32_t over(struct assay_onnx_spelling *s, const char *op, int32_t x, size_t n, const int64_t *axes)
{
    return PUT(s, op, x, assay_onnx_numbers(s, n, axes));
}

/* (x - mean) / (√mean (x - mean)² + 1e-9) */
static enum assay_code mean_variance_normalization(struct assay_onnx_spelling *s)
{
    static const int64_t     usual[] = {0, 2, 3};
    const struct assay_attr *list = assay_onnx_list(s, "axes");
    size_t                   n = list ? list->n : 3;
    const int64_t           *axes = list ? list->list : usual;
    int32_t                  x = assay_onnx_in(s, 0), off = PUT(s, "Sub", x, over(s, "ReduceMean", x, n, axes));
    int32_t                  deviation = PUT(s, "Sqrt", over(s, "ReduceMean", PUT(s, "Mul", off, off), n, axes));
    return GIVE(s, "Div", off, PUT(s, "Add", deviation, assay_onnx_scalar(s, s->x.dtype, 1e-9)));
}

static enum assay_code lp_normalization(struct assay_onnx_spelling *s)
{
    int64_t axis = assay_onnx_i64(s, "axis", -1), p = assay_onnx_i64(s, "p", 2);
    int32_t x = assay_onnx_in(s, 0);
    if (p != 1 && p != 2)
        return assay_onnx_not_spelled(s, "has another p than 1 and 2");
    return GIVE(s, "Div", x,
                p == 2 ? over(s, "ReduceL2", x, 1, &axis) : over(s, "ReduceSum", PUT(s, "Abs", x), 1, &axis));
}

static enum assay_code global_max_pool(struct assay_onnx_spelling *s)
{
    int64_t axes[ASSAY_MAX_RANK];
    size_t  n = 0;
    for (int32_t d = 2; d < s->x.rank; d++)
        axes[n++] = d;
    return GIVE(s, "ReduceMax", assay_onnx_in(s, 0), assay_onnx_numbers(s, n, axes));
}

/* x / (bias + alpha/size Σx² over `size` channels around)^beta */
static enum assay_code lrn(struct assay_onnx_spelling *s)
{
    int64_t          size = assay_onnx_i64(s, "size", 0), widths[2 * ASSAY_MAX_RANK] = {0};
    enum assay_dtype dtype = s->x.dtype;
    int32_t          x = assay_onnx_in(s, 0), sum = ASSAY_NO_VALUE, rank = s->x.rank;
    if (rank < 2 || size < 1 || size > 64)
        return assay_onnx_not_spelled(s, "has no channels, or a size beyond 1 to 64");
    widths[1] = (size - 1) / 2;
    widths[rank + 1] = size - 1 - widths[1];
    int32_t padded = PUT(s, "Pad", PUT(s, "Mul", x, x), assay_onnx_numbers(s, 2 * (size_t)rank, widths),
                         assay_onnx_scalar(s, dtype, 0));
    for (int64_t i = 0; i < size; i++) {
        int32_t part = slice(s, padded, 1, i, i + s->x.dims[1]);
        sum = i ? PUT(s, "Add", sum, part) : part;
    }
    int32_t scaled = PUT(s, "Mul", sum, assay_onnx_scalar(s, dtype, assay_onnx_f64(s, "alpha", 1e-4) / (double)size));
    int32_t base = PUT(s, "Add", scaled, assay_onnx_scalar(s, dtype, assay_onnx_f64(s, "bias", 1)));
    return GIVE(s, "Div", x, PUT(s, "Pow", base, assay_onnx_scalar(s, dtype, assay_onnx_f64(s, "beta", 0.75))));
}

/* ---- losses ---- */

/* Labels and weights of a loss; `labels` with a class that there is where they say to ignore. */
struct labels {
    int32_t labels, weights; /* weights ASSAY_NO_VALUE: all are 1 */
};

static struct labels labels_of(struct assay_onnx_spelling *s)
{
    struct labels y = {assay_onnx_cast(s, assay_onnx_in(s, 1), ASSAY_I64), assay_onnx_in(s, 2)};
    int32_t       ignored = ASSAY_NO_VALUE;
    for (const struct assay_attr *a = s->call->attrs; a->name; a++)
        if (strcmp(a->name, "ignore_index") == 0)
            ignored = PUT(s, "Equal", y.labels, assay_onnx_scalar(s, ASSAY_I64, (double)a->i));
    if (ignored != ASSAY_NO_VALUE)
        y.labels = PUT(s, "Where", ignored, assay_onnx_scalar(s, ASSAY_I64, 0), y.labels);
    if (y.weights != ASSAY_NO_VALUE)
        y.weights = PUT(s, "Gather", y.weights, y.labels);
    if (ignored != ASSAY_NO_VALUE)
        y.weights = PUT(s, "Where", ignored, assay_onnx_scalar(s, s->x.dtype, 0),
                        y.weights == ASSAY_NO_VALUE ? assay_onnx_scalar(s, s->x.dtype, 1) : y.weights);
    return y;
}

/* -w x[label], reduced as asked; the mean is over the weights */
static enum assay_code loss_of(struct assay_onnx_spelling *s, int32_t x)
{
    const char             *how = assay_onnx_text(s, "reduction", "mean");
    const struct assay_attr scalar[] = {ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END};
    const int64_t           one = 1;
    struct labels           y = labels_of(s);
    int32_t at = PUT(s, "Unsqueeze", y.labels, assay_onnx_numbers(s, 1, &one));
    int32_t picked = PUT(s, "Squeeze", assay_onnx_gather_elements(s, x, at, 1), assay_onnx_numbers(s, 1, &one));
    int32_t loss = PUT(s, "Neg", picked);
    if (y.weights != ASSAY_NO_VALUE)
        loss = PUT(s, "Mul", loss, y.weights);
    if (strcmp(how, "none") == 0)
        return GIVE(s, "Identity", loss);
    if (strcmp(how, "sum") == 0 || y.weights == ASSAY_NO_VALUE)
        return assay_onnx_give(s, 0, strcmp(how, "sum") == 0 ? "ReduceSum" : "ReduceMean", &loss, 1, scalar);
    int32_t sum = assay_onnx_put(s, "ReduceSum", &loss, 1, scalar), weight = assay_onnx_put(s, "ReduceSum", &y.weights, 1, scalar);
    return GIVE(s, "Div", sum, weight);
}

static enum assay_code negative_log_likelihood(struct assay_onnx_spelling *s)
{
    struct assay_value labels = assay_onnx_seen(s, assay_onnx_in(s, 1));
    bool               fits = s->x.rank >= 2 && labels.rank == s->x.rank - 1;
    for (int32_t d = 0; fits && d < labels.rank; d++)
        fits = labels.dims[d] == s->x.dims[d ? d + 1 : 0];
    if (!fits)
        return assay_onnx_not_spelled(s, "has labels of another shape than its scores without their classes");
    return loss_of(s, assay_onnx_in(s, 0));
}

const struct assay_onnx_spelled_row assay_onnx_spelled_folding[] = {
    {"CumSum", cum_sum, NULL},
    {"ReduceL1", reduce_l1, NULL},
    {"ReduceLogSum", reduce_log_sum, NULL},
    {"ReduceLogSumExp", reduce_log_sum_exp, NULL},
    {"ReduceProd", reduce_prod, NULL},
    {"ArgMin", arg_min, NULL},
    {"Hardmax", hardmax, NULL},
    {"InstanceNormalization", instance_normalization, NULL},
    {"MeanVarianceNormalization", mean_variance_normalization, NULL},
    {"LpNormalization", lp_normalization, NULL},
    {"GlobalMaxPool", global_max_pool, NULL},
    {"LRN", lrn, NULL},
    {"NegativeLogLikelihoodLoss", negative_log_likelihood, NULL},
    {NULL, NULL, NULL},
};
