/* The norms and their gradients, all from one definition: the elements of X fall into sets, each with mean and deviation, and
 * h = (X - mean) / deviation. Two passes. Which set an element is in is all that the norms differ by. */
#include "oracle.h"

/* The number of the set that x's place is in. */
struct norm {
    const struct oracle        *o;
    const struct oracle_tensor *x;
    int64_t (*set_of)(const struct norm *n, const int64_t at[]);
    bool centred; /* with a mean */
};

static int64_t row_of(const struct norm *n, const int64_t at[])
{
    int64_t row = 0;
    for (int32_t d = 0; d < attr_i(n->o, "axis"); d++)
        row = row * n->x->dims[d] + at[d];
    return row;
}

static int64_t channel_at(const struct oracle_tensor *x, const int64_t at[])
{
    return x->rank > 1 ? at[1] : 0;
}

static int64_t channel_of(const struct norm *n, const int64_t at[])
{
    return channel_at(n->x, at);
}

static int64_t group_of(const struct norm *n, const int64_t at[])
{
    int64_t groups = attr_i(n->o, "num_groups");
    return at[0] * groups + channel_at(n->x, at) / (n->x->dims[1] / groups);
}

struct moments {
    number  mean, deviation;
    int64_t n;
};

static number mean_over(const struct norm *n, int64_t set, number centre, bool squares, int64_t *count)
{
    number sum = num(0);
    *count = 0;
    for (int64_t i = 0; i < n->x->n; i++) {
        int64_t at[ASSAY_MAX_RANK];
        place_of(n->x, i, at);
        if (n->set_of(n, at) != set)
            continue;
        number off = minus(n->x->x[i], centre);
        sum = plus(sum, squares ? squared(off) : off);
        ++*count;
    }
    return over(sum, whole((long)*count));
}

static struct moments moments_of(const struct norm *n, int64_t set)
{
    struct moments m;
    m.mean = n->centred ? mean_over(n, set, num(0), false, &m.n) : num(0);
    m.deviation = root(plus(mean_over(n, set, m.mean, true, &m.n), attr_f32(n->o, "epsilon")));
    return m;
}

static number normalized(const struct norm *n, const int64_t at[])
{
    struct moments m = moments_of(n, n->set_of(n, at));
    return over(minus(element_at(n->x, at), m.mean), m.deviation);
}

/* ---- over rows ------------------------------------------------------------------------------------------------------ */

static number layer_norm(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct norm n = {o, &o->in[0], row_of, true};
    if (out > 0) { /* the folded axes are 1 long, so `at` is the place of a row's first element */
        struct moments m = moments_of(&n, row_of(&n, at));
        return out == 1 ? m.mean : over(num(1), m.deviation);
    }
    number y = times(normalized(&n, at), stretched_at(&o->in[1], n.x->rank, at));
    return is_there(&o->in[2]) ? plus(y, stretched_at(&o->in[2], n.x->rank, at)) : y;
}
ORACLE(LayerNormalization) = {.element = layer_norm};

static number rms_norm(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct norm n = {o, &o->in[0], row_of, false};
    (void)out;
    return times(normalized(&n, at), stretched_at(&o->in[1], n.x->rank, at));
}
ORACLE(RMSNormalization) = {.element = rms_norm};

/* ---- over channels and groups --------------------------------------------------------------------------------------- */

enum { X, SCALE, BIAS, MEAN, VARIANCE };

static number batch_norm(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct norm n = {o, &o->in[X], channel_of, true};
    int64_t c = out ? at[0] : channel_of(&n, at), count;
    bool    training = attr_i(o, "training_mode") != 0;
    if (out > 0) {
        number keep = attr_f32(o, "momentum"), mean = mean_over(&n, c, num(0), false, &count);
        number now = out == 1 ? mean : mean_over(&n, c, mean, true, &count);
        return plus(times(keep, o->in[out == 1 ? MEAN : VARIANCE].x[c]), times(minus(num(1), keep), now));
    }
    struct moments m = {o->in[MEAN].x[c], NULL, 0};
    if (training)
        m = moments_of(&n, c);
    else
        m.deviation = root(plus(o->in[VARIANCE].x[c], attr_f32(o, "epsilon")));
    number h = over(minus(element_at(n.x, at), m.mean), m.deviation);
    return plus(times(h, o->in[SCALE].x[c]), o->in[BIAS].x[c]);
}
ORACLE(BatchNormalization) = {.element = batch_norm};

static number group_norm(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct norm n = {o, &o->in[X], group_of, true};
    int64_t c = channel_at(n.x, at);
    (void)out;
    return plus(times(normalized(&n, at), o->in[SCALE].x[c]), o->in[BIAS].x[c]);
}
ORACLE(GroupNormalization) = {.element = group_norm};

/* ---- gradients: operands dY, X, scale ------------------------------------------------------------------------------- */

/* h of every element of X: the memo. */
static size_t one_each(const struct oracle *o)
{
    return (size_t)o->in[1].n;
}

static void prepare(struct oracle *o, int64_t (*set_of)(const struct norm *n, const int64_t at[]), bool centred)
{
    struct norm n = {o, &o->in[1], set_of, centred};
    for (int64_t i = 0; i < n.x->n; i++) {
        int64_t at[ASSAY_MAX_RANK];
        place_of(n.x, i, at);
        o->memo[i] = normalized(&n, at);
    }
}

/* (g - mean g - h mean(g h)) / deviation, g = dY scale, with scale by a function of the place. */
static number norm_input_grad(const struct norm *n, number (*scale)(const struct norm *n, const int64_t at[]), const int64_t at[])
{
    const struct oracle *o = n->o;
    int64_t set = n->set_of(n, at), own = flat_of(n->x, at);
    number  sum = num(0), product = num(0), g = times(o->in[0].x[own], scale(n, at));
    struct moments m = moments_of(n, set);
    for (int64_t i = 0; i < n->x->n; i++) {
        int64_t there[ASSAY_MAX_RANK];
        place_of(n->x, i, there);
        if (n->set_of(n, there) != set)
            continue;
        number other = times(o->in[0].x[i], scale(n, there));
        sum = plus(sum, other);
        product = plus(product, times(other, o->memo[i]));
    }
    number mean = over(product, whole((long)m.n));
    g = n->centred ? minus(g, over(sum, whole((long)m.n))) : g;
    return over(minus(g, times(o->memo[own], mean)), m.deviation);
}

/* dY, with h or without, summed over what shares the element `at` of the scale. */
static number norm_scale_grad(const struct norm *n, bool (*shares)(const struct norm *n, const int64_t x_at[], const int64_t at[]),
                              bool with_h, const int64_t at[])
{
    number sum = num(0);
    for (int64_t i = 0; i < n->x->n; i++) {
        int64_t x_at[ASSAY_MAX_RANK];
        place_of(n->x, i, x_at);
        if (shares(n, x_at, at))
            sum = plus(sum, with_h ? times(n->o->in[0].x[i], n->o->memo[i]) : n->o->in[0].x[i]);
    }
    return sum;
}

static number stretched_scale(const struct norm *n, const int64_t at[])
{
    return stretched_at(&n->o->in[2], n->x->rank, at);
}

static bool shares_stretched(const struct norm *n, const int64_t x_at[], const int64_t at[])
{
    const struct oracle_tensor *scale = &n->o->in[2];
    for (int32_t d = 0; d < scale->rank; d++)
        if (scale->dims[d] != 1 && x_at[n->x->rank - scale->rank + d] != at[d])
            return false;
    return true;
}

static number channel_scale(const struct norm *n, const int64_t at[])
{
    return n->o->in[2].x[channel_at(n->x, at)];
}

static bool shares_channel(const struct norm *n, const int64_t x_at[], const int64_t at[])
{
    return channel_at(n->x, x_at) == at[0];
}

#define NORM_GRADIENT(name, set_of, is_centred, scale, shares)                                         \
    static void name##_prepare(struct oracle *o)                                                       \
    {                                                                                                  \
        prepare(o, set_of, is_centred);                                                                \
    }                                                                                                  \
    static number name##_at(const struct oracle *o, uint32_t out, const int64_t at[])                  \
    {                                                                                                  \
        struct norm n = {o, &o->in[1], set_of, is_centred};                                            \
        return out ? norm_scale_grad(&n, shares, out == 1, at) : norm_input_grad(&n, scale, at);       \
    }                                                                                                  \
    ORACLE(name) = {.element = name##_at, .memos = one_each, .prepare = name##_prepare};
NORM_GRADIENT(LayerNormalizationGrad, row_of, true, stretched_scale, shares_stretched)
NORM_GRADIENT(RMSNormalizationGrad, row_of, false, stretched_scale, shares_stretched)
NORM_GRADIENT(BatchNormalizationGrad, channel_of, true, channel_scale, shares_channel)
NORM_GRADIENT(GroupNormalizationGrad, group_of, true, channel_scale, shares_channel)
