/* Ops that name, move, join, cut and repeat elements, and the gradients of those, which add up what was read. */
#include "oracle.h"

#include <string.h>

#define ELEMENT(name, function) ORACLE(name) = {.element = function};

/* ---- the same elements in the same order ---------------------------------------------------------------------------- */

static number same(const struct oracle *o, uint32_t out, const int64_t at[])
{
    return o->in[0].x[flat_of(&o->out[out], at)];
}
ELEMENT(Reshape, same)
ELEMENT(Squeeze, same)
ELEMENT(Unsqueeze, same)
ELEMENT(Flatten, same)

static number expand(const struct oracle *o, uint32_t out, const int64_t at[])
{
    return stretched_at(&o->in[0], o->out[out].rank, at);
}
ELEMENT(Expand, expand)

static number transpose(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const int64_t *perm = attr_list(o, "perm");
    int64_t from[ASSAY_MAX_RANK];
    for (int32_t d = 0; d < o->out[out].rank; d++)
        from[perm[d]] = at[d];
    return element_at(&o->in[0], from);
}
ELEMENT(Transpose, transpose)

/* ---- joining and cutting -------------------------------------------------------------------------------------------- */

static void copy_place(int32_t rank, const int64_t from[], int64_t to[])
{
    memcpy(to, from, (size_t)rank * sizeof *to);
}

static number concat(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t axis = attr_i(o, "axis"), from[ASSAY_MAX_RANK];
    uint32_t i = 0;
    copy_place(o->out[out].rank, at, from);
    for (; from[axis] >= o->in[i].dims[axis]; i++)
        from[axis] -= o->in[i].dims[axis];
    return element_at(&o->in[i], from);
}
ELEMENT(Concat, concat)

/* Where piece `out` begins: the lengths are input 1, or equal but for the last. */
static int64_t piece_begins(const struct oracle *o, uint32_t out, int64_t axis)
{
    int64_t n = attr_i(o, "num_outputs"), begin = 0;
    if (!is_there(&o->in[1]))
        return out * ((o->in[0].dims[axis] + n - 1) / n);
    for (uint32_t i = 0; i < out; i++)
        begin += whole_at(&o->in[1], i);
    return begin;
}

static number cut(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t axis = attr_i(o, "axis"), from[ASSAY_MAX_RANK];
    copy_place(o->out[out].rank, at, from);
    from[axis] += piece_begins(o, out, axis);
    return element_at(&o->in[0], from);
}
ELEMENT(Split, cut)

/* Operands X, starts, ends, axes, steps. A start from the end counts back; beyond, the nearest there is. */
static number slice(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *x = &o->in[0];
    int64_t from[ASSAY_MAX_RANK];
    copy_place(o->out[out].rank, at, from);
    for (int64_t i = 0; i < o->in[1].n; i++) {
        int64_t axis = is_there(&o->in[3]) ? whole_at(&o->in[3], i) : i;
        int64_t step = is_there(&o->in[4]) ? whole_at(&o->in[4], i) : 1, start = whole_at(&o->in[1], i);
        axis += axis < 0 ? x->rank : 0;
        start += start < 0 ? x->dims[axis] : 0;
        int64_t last = step < 0 ? x->dims[axis] - 1 : x->dims[axis];
        start = start < 0 ? 0 : start > last ? last : start;
        from[axis] = start + at[axis] * step;
    }
    return element_at(x, from);
}
ELEMENT(Slice, slice)

static number slice_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const int64_t *starts = attr_list(o, "starts"), *steps = attr_list(o, "steps");
    number sum = num(0);
    for (int64_t i = 0; i < o->in[0].n; i++) {
        int64_t from[ASSAY_MAX_RANK];
        bool    here = true;
        place_of(&o->in[0], i, from);
        for (int32_t d = 0; d < o->out[out].rank; d++)
            here = here && starts[d] + from[d] * steps[d] == at[d];
        sum = here ? plus(sum, o->in[0].x[i]) : sum;
    }
    return sum;
}
ELEMENT(SliceGrad, slice_grad)

/* Operands X, pads (all begins, then all ends), value, axes. */
static number pad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *x = &o->in[0], *pads = &o->in[1], *axes = &o->in[3];
    int64_t from[ASSAY_MAX_RANK];
    bool    inside = true;
    copy_place(o->out[out].rank, at, from);
    for (int64_t i = 0; i < pads->n / 2; i++) {
        int64_t axis = is_there(axes) ? (whole_at(axes, i) + x->rank) % x->rank : i;
        from[axis] -= whole_at(pads, i);
        inside = inside && from[axis] >= 0 && from[axis] < x->dims[axis];
    }
    return inside ? element_at(x, from) : is_there(&o->in[2]) ? o->in[2].x[0] : num(0);
}
ELEMENT(Pad, pad)

/* ---- repeating: the factor of an axis is the ratio of its lengths ---------------------------------------------------- */

static number resize(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t from[ASSAY_MAX_RANK];
    for (int32_t d = 0; d < o->in[0].rank; d++)
        from[d] = at[d] / (o->out[out].dims[d] / o->in[0].dims[d]);
    return element_at(&o->in[0], from);
}
ELEMENT(Resize, resize)

static number resize_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *dx = &o->out[out];
    number sum = num(0);
    for (int64_t i = 0; i < dy->n; i++) {
        int64_t from[ASSAY_MAX_RANK];
        bool    here = true;
        place_of(dy, i, from);
        for (int32_t d = 0; d < dy->rank; d++)
            here = here && from[d] / (dy->dims[d] / dx->dims[d]) == at[d];
        sum = here ? plus(sum, dy->x[i]) : sum;
    }
    return sum;
}
ELEMENT(ResizeGrad, resize_grad)

/* ---- by indices ------------------------------------------------------------------------------------------------------ */

/* A place of the gathered tensor: axes before `axis` and behind it are X's, those of the indices stand between. */
static void gathered_place(const struct oracle *o, const struct oracle_tensor *x, const int64_t at[], int64_t from[])
{
    const struct oracle_tensor *indices = &o->in[1];
    int64_t axis = attr_i(o, "axis"), index = whole_at(indices, flat_of(indices, at + axis));
    for (int32_t d = 0; d < x->rank; d++)
        from[d] = d < axis ? at[d] : at[d - 1 + indices->rank];
    from[axis] = index < 0 ? index + x->dims[axis] : index;
}

static number gather(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t from[ASSAY_MAX_RANK];
    (void)out;
    gathered_place(o, &o->in[0], at, from);
    return element_at(&o->in[0], from);
}
ELEMENT(Gather, gather)

static number gather_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0];
    number sum = num(0);
    for (int64_t i = 0; i < dy->n; i++) {
        int64_t y_at[ASSAY_MAX_RANK], x_at[ASSAY_MAX_RANK];
        place_of(dy, i, y_at);
        gathered_place(o, &o->out[out], y_at, x_at);
        sum = flat_of(&o->out[out], x_at) == flat_of(&o->out[out], at) ? plus(sum, dy->x[i]) : sum;
    }
    return sum;
}
ELEMENT(GatherGrad, gather_grad)

/* ---- caches: `length` numbers along axis from an index of the batch on ------------------------------------------------ */

/* Which number of the update stands at `at`; -1: none. Read from its end, as later ones win. */
static int64_t update_at(const struct oracle *o, const struct oracle_tensor *cache, const struct oracle_tensor *indices,
                         int64_t length, const int64_t at[])
{
    int64_t axis = attr_i(o, "axis"), first = is_there(indices) ? whole_at(indices, at[0]) : 0;
    for (int64_t k = length - 1; k >= 0; k--) {
        int64_t there = first + k;
        if (attr_is(o, "mode", "circular"))
            there %= cache->dims[axis];
        if (there == at[axis])
            return k;
    }
    return -1;
}

static number tensor_scatter(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *past = &o->in[0], *update = &o->in[1];
    int64_t axis = attr_i(o, "axis"), from[ASSAY_MAX_RANK], k = update_at(o, past, &o->in[2], update->dims[axis], at);
    if (k < 0)
        return element_at(past, at);
    copy_place(o->out[out].rank, at, from);
    from[axis] = k;
    return element_at(update, from);
}
ELEMENT(TensorScatter, tensor_scatter)

/* Outputs dPast and dUpdate. */
static number tensor_scatter_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0];
    int64_t axis = attr_i(o, "axis"), length = attr_i(o, "length");
    if (out == 0)
        return update_at(o, dy, &o->in[1], length, at) < 0 ? element_at(dy, at) : num(0);
    number sum = num(0);
    for (int64_t i = 0; i < dy->dims[axis]; i++) {
        int64_t there[ASSAY_MAX_RANK];
        copy_place(dy->rank, at, there);
        there[axis] = i;
        if (update_at(o, dy, &o->in[1], length, there) == at[axis])
            sum = plus(sum, element_at(dy, there));
    }
    return sum;
}
ELEMENT(TensorScatterGrad, tensor_scatter_grad)

/* ---- positions ------------------------------------------------------------------------------------------------------- */

/* Operands X, cos, sin, position_ids. Pairs are turned as complex numbers are multiplied. */
static number rotary(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *x = &o->in[0], *ids = &o->in[3];
    int64_t heads = attr_i(o, "num_heads"), turned = attr_i(o, "rotary_embedding_dim"), half = turned / 2;
    int64_t width = x->rank == 4 ? x->dims[3] : x->dims[2] / heads, last = x->rank - 1;
    int64_t k = at[last] % width, other[ASSAY_MAX_RANK], position = x->rank == 4 ? at[2] : at[1];
    bool    interleaved = attr_i(o, "interleaved") != 0;
    (void)out;
    if (k >= turned)
        return element_at(x, at);
    bool    imaginary = interleaved ? k % 2 : k >= half;
    int64_t pair = interleaved ? k / 2 : k % half, step = interleaved ? 1 : half;
    copy_place(x->rank, at, other);
    other[last] += imaginary ? -step : step;
    int64_t row = is_there(ids) ? whole_at(ids, flat_of(ids, (int64_t[]){at[0], position})) : 0;
    int64_t angle = is_there(ids) ? flat_of(&o->in[1], (int64_t[]){row, pair})
                                  : flat_of(&o->in[1], (int64_t[]){at[0], position, pair});
    number  turn = times(element_at(x, other), o->in[2].x[angle]);
    return plus(times(element_at(x, at), o->in[1].x[angle]), imaginary ? turn : negated(turn));
}
ELEMENT(RotaryEmbedding, rotary)

/* ---- between ranks, of whom there is one: nothing comes ------------------------------------------------------------- */

static number nothing(const struct oracle *o, uint32_t out, const int64_t at[])
{
    (void)o;
    (void)out;
    (void)at;
    return num(0);
}

ORACLE(Send) = {.element = nothing};
ORACLE(Receive) = {.element = nothing};
