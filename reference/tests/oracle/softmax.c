/* Softmax, its kin and the loss of a classifier. A weight is 1 / sum of e^(x_j - x_i), which needs no maximum; its logarithm
 * is taken with log1p of all but the greatest. */
#include "oracle.h"

/* The place of element k of the line along `axis` through `at`. */
static number on_line(const struct oracle_tensor *t, const int64_t at[], int64_t axis, int64_t k)
{
    int64_t there[ASSAY_MAX_RANK];
    for (int32_t d = 0; d < t->rank; d++)
        there[d] = d == axis ? k : at[d];
    return element_at(t, there);
}

static number weight(const struct oracle_tensor *x, const int64_t at[], int64_t axis)
{
    number sum = num(0);
    for (int64_t k = 0; k < x->dims[axis]; k++)
        sum = plus(sum, exp_of(minus(on_line(x, at, axis, k), element_at(x, at))));
    return over(num(1), sum);
}

static number log_weight(const struct oracle_tensor *x, const int64_t at[], int64_t axis)
{
    int64_t greatest = 0;
    number  rest = num(0);
    for (int64_t k = 1; k < x->dims[axis]; k++)
        greatest = is_above(on_line(x, at, axis, k), on_line(x, at, axis, greatest)) ? k : greatest;
    number most = on_line(x, at, axis, greatest);
    for (int64_t k = 0; k < x->dims[axis]; k++)
        if (k != greatest)
            rest = plus(rest, exp_of(minus(on_line(x, at, axis, k), most)));
    return minus(minus(element_at(x, at), most), log1p_of(rest));
}

static number softmax(const struct oracle *o, uint32_t out, const int64_t at[])
{
    (void)out;
    return weight(&o->in[0], at, attr_i(o, "axis"));
}
ORACLE(Softmax) = {.element = softmax};

static number log_softmax(const struct oracle *o, uint32_t out, const int64_t at[])
{
    (void)out;
    return log_weight(&o->in[0], at, attr_i(o, "axis"));
}
ORACLE(LogSoftmax) = {.element = log_softmax};

/* Y_i (dY_i - sum dY Y) */
static number softmax_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *y = &o->in[1];
    int64_t axis = attr_i(o, "axis");
    number  sum = num(0);
    (void)out;
    for (int64_t k = 0; k < y->dims[axis]; k++)
        sum = plus(sum, times(on_line(dy, at, axis, k), on_line(y, at, axis, k)));
    return times(element_at(y, at), minus(element_at(dy, at), sum));
}
ORACLE(SoftmaxGrad) = {.element = softmax_grad};

/* dY_i - e^Y_i sum dY */
static number log_softmax_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *y = &o->in[1];
    int64_t axis = attr_i(o, "axis");
    number  sum = num(0);
    (void)out;
    for (int64_t k = 0; k < y->dims[axis]; k++)
        sum = plus(sum, on_line(dy, at, axis, k));
    return minus(element_at(dy, at), times(exp_of(element_at(y, at)), sum));
}
ORACLE(LogSoftmaxGrad) = {.element = log_softmax_grad};

/* ---- the loss: operands scores, labels, weights of the classes from input `first` on -------------------------------- */

/* The weight of label i; 0 where it is ignored. */
static number label_weight(const struct oracle *o, int first, int64_t i)
{
    const struct assay_attr *ignored = assay_node_attr(o->node, "ignore_index");
    long label = whole_at(&o->in[first + 1], i);
    if (ignored && ignored->i == label)
        return num(0);
    return is_there(&o->in[first + 2]) ? o->in[first + 2].x[label] : num(1);
}

/* What a loss is divided by. */
static number divisor(const struct oracle *o, int first)
{
    number sum = num(0);
    if (!attr_is(o, "reduction", "mean"))
        return num(1);
    for (int64_t i = 0; i < o->in[first + 1].n; i++)
        sum = plus(sum, label_weight(o, first, i));
    return sum;
}

/* The place of class c in the scores of label i. */
static void score_place(const struct oracle *o, int first, int64_t i, int64_t c, int64_t at[ASSAY_MAX_RANK])
{
    int64_t label_at[ASSAY_MAX_RANK];
    place_of(&o->in[first + 1], i, label_at);
    at[0] = label_at[0];
    at[1] = c;
    for (int32_t d = 1; d < o->in[first + 1].rank; d++)
        at[d + 1] = label_at[d];
}

static number loss_of_label(const struct oracle *o, int64_t i)
{
    int64_t at[ASSAY_MAX_RANK];
    number  w = label_weight(o, 0, i);
    if (is_equal(w, num(0)))
        return w;
    score_place(o, 0, i, whole_at(&o->in[1], i), at);
    return negated(times(w, log_weight(&o->in[0], at, 1)));
}

static number cross_entropy(const struct oracle *o, uint32_t out, const int64_t at[])
{
    number sum = num(0);
    if (out == 1)
        return log_weight(&o->in[0], at, 1);
    if (attr_is(o, "reduction", "none"))
        return loss_of_label(o, flat_of(&o->out[0], at));
    for (int64_t i = 0; i < o->in[1].n; i++)
        sum = plus(sum, loss_of_label(o, i));
    return over(sum, divisor(o, 0));
}
ORACLE(SoftmaxCrossEntropyLoss) = {.element = cross_entropy};

/* Operands dLoss, scores, labels, weights. P - 1 at the label is minus the weights of the others. */
static number cross_entropy_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dloss = &o->in[0], *scores = &o->in[1];
    int64_t label_at[ASSAY_MAX_RANK], there[ASSAY_MAX_RANK];
    (void)out;
    for (int32_t d = 0; d < o->in[2].rank; d++)
        label_at[d] = at[d ? d + 1 : 0];
    int64_t i = flat_of(&o->in[2], label_at);
    number  w = label_weight(o, 1, i), slope = num(0);
    if (is_equal(w, num(0)))
        return w;
    long label = whole_at(&o->in[2], i);
    for (int64_t c = 0; at[1] == label && c < scores->dims[1]; c++) {
        score_place(o, 1, i, c, there);
        slope = c == label ? slope : minus(slope, weight(scores, there, 1));
    }
    slope = at[1] == label ? slope : weight(scores, at, 1);
    number each = attr_is(o, "reduction", "none") ? dloss->x[i] : dloss->x[0];
    return over(times(times(each, w), slope), divisor(o, 1));
}
ORACLE(SoftmaxCrossEntropyGrad) = {.element = cross_entropy_grad};
