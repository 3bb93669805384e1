/* Bags of rows of a table, and mixtures of experts. */
#include "oracle.h"

/* ---- EmbeddingBag: operands table (or dY), indices, offsets ----------------------------------------------------------- */

static int64_t bag_end(const struct oracle *o, int64_t bag)
{
    return bag + 1 < o->in[2].n ? whole_at(&o->in[2], bag + 1) : o->in[1].n;
}

/* Its share of a bag's `n` rows. */
static number share(const struct oracle *o, number x, int64_t n)
{
    return attr_is(o, "mode", "mean") && n > 0 ? over(x, whole((long)n)) : x;
}

static int64_t row_named(const struct oracle *o, int64_t i, int64_t rows)
{
    return (whole_at(&o->in[1], i) + rows) % rows;
}

static number embedding_bag(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t begin = whole_at(&o->in[2], at[0]), end = bag_end(o, at[0]);
    number  sum = num(0);
    (void)out;
    for (int64_t i = begin; i < end; i++)
        sum = plus(sum, element_at(&o->in[0], (int64_t[]){row_named(o, i, o->in[0].dims[0]), at[1]}));
    return share(o, sum, end - begin);
}
ORACLE(EmbeddingBag) = {.element = embedding_bag};

static number embedding_bag_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    number sum = num(0);
    (void)out;
    for (int64_t bag = 0; bag < o->in[2].n; bag++) {
        int64_t begin = whole_at(&o->in[2], bag), end = bag_end(o, bag);
        for (int64_t i = begin; i < end; i++)
            if (row_named(o, i, attr_i(o, "rows")) == at[0])
                sum = plus(sum, share(o, element_at(&o->in[0], (int64_t[]){bag, at[1]}), end - begin));
    }
    return sum;
}
ORACLE(EmbeddingBagGrad) = {.element = embedding_bag_grad};

/* ---- routing ----------------------------------------------------------------------------------------------------------- */

static number score(const struct oracle *o, const struct oracle_tensor *logits, int64_t token, int64_t expert)
{
    const number *row = logits->x + token * logits->dims[1];
    number sum = num(0);
    if (attr_is(o, "scoring", "sigmoid"))
        return over(num(1), plus(num(1), exp_of(negated(row[expert]))));
    for (int64_t e = 0; e < logits->dims[1]; e++)
        sum = plus(sum, exp_of(minus(row[e], row[expert])));
    return over(num(1), sum);
}

/* The expert that comes at a rank of a token: by score plus bias, of equals the lower number. */
static int64_t chosen(const struct oracle *o, int64_t token, int64_t rank)
{
    int64_t experts = o->in[0].dims[1];
    for (int64_t e = 0; e < experts; e++) {
        int64_t before = 0;
        for (int64_t other = 0; other < experts; other++) {
            number mine = score(o, &o->in[0], token, e), its = score(o, &o->in[0], token, other);
            if (is_there(&o->in[1])) {
                mine = plus(mine, o->in[1].x[e]);
                its = plus(its, o->in[1].x[other]);
            }
            before += is_above(its, mine) || (is_equal(its, mine) && other < e);
        }
        if (before == rank)
            return e;
    }
    return 0; /* scores that are no numbers have no order */
}

static number moe_route(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t expert = chosen(o, at[0], at[1]);
    number  weight = score(o, &o->in[0], at[0], expert), sum = num(0);
    if (o->out[out].dtype != o->in[0].dtype)
        return whole((long)expert);
    for (int64_t k = 0; attr_i(o, "normalize") && k < attr_i(o, "k"); k++)
        sum = plus(sum, score(o, &o->in[0], at[0], chosen(o, at[0], k)));
    return times(attr_f(o, "scale"), attr_i(o, "normalize") ? over(weight, sum) : weight);
}
ORACLE(MoeRoute) = {.element = moe_route};

/* Operands dWeights, logits, experts. Weights are functions of the scores: w_j = scale s_j / S or scale s_j. */
static number weight_slope(const struct oracle *o, int64_t token, int64_t j)
{
    const struct oracle_tensor *dw = &o->in[0], *experts = &o->in[2];
    int64_t k = dw->dims[1];
    number  sum = num(0), product = num(0);
    if (!attr_i(o, "normalize"))
        return times(attr_f(o, "scale"), dw->x[token * k + j]);
    for (int64_t i = 0; i < k; i++) {
        number s = score(o, &o->in[1], token, whole_at(experts, token * k + i));
        sum = plus(sum, s);
        product = plus(product, times(s, minus(dw->x[token * k + j], dw->x[token * k + i])));
    }
    return over(times(attr_f(o, "scale"), product), squared(sum));
}

/* Of a sigmoid the slope of a score by its own logit is s (1 - s); of a softmax, by any logit, s_j ([i = j] - s_i). */
static number moe_route_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *experts = &o->in[2];
    bool   sigmoid = attr_is(o, "scoring", "sigmoid");
    number own = score(o, &o->in[1], at[0], at[1]), sum = num(0);
    (void)out;
    for (int64_t j = 0; j < experts->dims[1]; j++) {
        int64_t expert = whole_at(experts, at[0] * experts->dims[1] + j);
        number  kept = minus(num(expert == at[1] ? 1 : 0), own);
        if (!sigmoid || expert == at[1])
            sum = plus(sum, times(weight_slope(o, at[0], j), times(score(o, &o->in[1], at[0], expert), kept)));
    }
    return sum;
}
ORACLE(MoeRouteGrad) = {.element = moe_route_grad};

/* ---- rows of experts: slot = token k + j --------------------------------------------------------------------------------- */

/* The slot of a row: slots in the order of (expert, slot). */
static int64_t slot_of_row(const struct oracle_tensor *experts, int64_t row)
{
    for (int64_t slot = 0; slot < experts->n; slot++) {
        int64_t before = 0;
        for (int64_t other = 0; other < experts->n; other++) {
            long a = whole_at(experts, other), b = whole_at(experts, slot);
            before += a < b || (a == b && other < slot);
        }
        if (before == row)
            return slot;
    }
    return -1;
}

/* Operands X, experts; outputs rows, counts, source. */
static number moe_permute(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *experts = &o->in[1];
    long n = 0;
    for (int64_t i = 0; out == 1 && i < experts->n; i++)
        n += whole_at(experts, i) == at[0];
    if (out == 1)
        return whole(n);
    int64_t slot = slot_of_row(experts, at[0]);
    return out ? whole((long)slot) : element_at(&o->in[0], (int64_t[]){slot / experts->dims[1], at[1]});
}
ORACLE(MoePermute) = {.element = moe_permute};

/* Operands rows, weights, source. */
static number moe_combine(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t k = o->in[1].dims[1];
    number  sum = num(0);
    (void)out;
    for (int64_t row = 0; row < o->in[2].n; row++) {
        int64_t slot = whole_at(&o->in[2], row);
        if (slot / k == at[0])
            sum = plus(sum, times(o->in[1].x[slot], element_at(&o->in[0], (int64_t[]){row, at[1]})));
    }
    return sum;
}
ORACLE(MoeCombine) = {.element = moe_combine};

/* Operands dY, rows, weights, source; outputs those of the rows and of the weights. */
static number moe_combine_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *rows = &o->in[1], *weights = &o->in[2], *source = &o->in[3];
    int64_t k = weights->dims[1], row = 0;
    number  sum = num(0);
    if (out == 0) {
        long slot = whole_at(source, at[0]);
        return times(weights->x[slot], element_at(dy, (int64_t[]){slot / k, at[1]}));
    }
    while (whole_at(source, row) != at[0] * k + at[1])
        row++;
    for (int64_t c = 0; c < rows->dims[1]; c++)
        sum = plus(sum, times(element_at(rows, (int64_t[]){row, c}), element_at(dy, (int64_t[]){at[0], c})));
    return sum;
}
ORACLE(MoeCombineGrad) = {.element = moe_combine_grad};
