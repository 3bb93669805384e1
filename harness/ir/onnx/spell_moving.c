/* Moving elements, choosing them by place, and ConvTranspose, which is the gradient of a convolution. */
#include "harness/ir/onnx/spell.h"

#include "harness/ir/infer.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define BLOCK_MOST (1 << 15)
#define PAD_MOST 8192 /* elements along an axis that is padded by others of it */

static int32_t i64(struct assay_onnx_spelling *s, int64_t number)
{
    return assay_onnx_scalar(s, ASSAY_I64, (double)number);
}

int32_t assay_onnx_from_zero(struct assay_onnx_spelling *s, int32_t indices, int64_t n)
{
    int32_t wide = assay_onnx_cast(s, indices, ASSAY_I64), below = PUT(s, "Less", wide, i64(s, 0));
    return PUT(s, "Where", below, PUT(s, "Add", wide, i64(s, n)), wide);
}

int32_t assay_onnx_places(struct assay_onnx_spelling *s, int32_t x, int32_t indices, int32_t axis)
{
    struct assay_value   from = assay_onnx_seen(s, x), at = assay_onnx_seen(s, indices);
    int32_t              place = assay_onnx_from_zero(s, indices, from.dims[axis]);
    int64_t              step = 1;
    for (int32_t d = from.rank - 1; d >= 0; step *= from.dims[d--]) {
        if (d == axis && step != 1)
            place = PUT(s, "Mul", place, i64(s, step));
    }
    step = 1;
    for (int32_t d = from.rank - 1; d >= 0; step *= from.dims[d--]) {
        if (d != axis && at.dims[d] > 1)
            place = PUT(s, "Add", place, assay_onnx_count(s, at.dims[d], from.rank, d, step));
    }
    return place;
}

int32_t assay_onnx_gather_elements(struct assay_onnx_spelling *s, int32_t x, int32_t indices, int32_t axis)
{
    static const int64_t all = -1;
    int32_t              place = assay_onnx_places(s, x, indices, axis);
    return PUT(s, "Gather", PUT(s, "Reshape", x, assay_onnx_numbers(s, 1, &all)), place);
}

static enum assay_code gather_elements(struct assay_onnx_spelling *s)
{
    struct assay_value at = assay_onnx_seen(s, assay_onnx_in(s, 1));
    int32_t            axis = assay_onnx_axis(s, "axis", 0, 0);
    if (axis < 0)
        return s->err->code;
    bool fits = at.rank == s->x.rank && s->x.elements;
    for (int32_t d = 0; fits && d < at.rank; d++)
        fits = d == axis || at.dims[d] <= s->x.dims[d];
    if (!fits)
        return assay_onnx_not_spelled(s, "has indices that its operand does not hold");
    return GIVE(s, "Identity", assay_onnx_gather_elements(s, assay_onnx_in(s, 0), assay_onnx_in(s, 1), axis));
}

/* Of each item of the batch the first so many steps backwards, the others as they stand. */
static enum assay_code reverse_sequence(struct assay_onnx_spelling *s)
{
    int64_t            time = assay_onnx_i64(s, "time_axis", 0), batch = assay_onnx_i64(s, "batch_axis", 1), apart[2] = {1, 1};
    struct assay_value lengths = assay_onnx_seen(s, assay_onnx_in(s, 1));
    if (s->x.rank < 2 || time + batch != 1 || time * batch != 0 || lengths.rank != 1 || lengths.elements != (uint64_t)s->x.dims[batch] || !s->x.elements)
        return assay_onnx_not_spelled(s, "has no length for each item of its batch, or other axes than the first two");
    apart[batch] = s->x.dims[batch];
    int32_t length = assay_onnx_reshape(s, assay_onnx_cast(s, assay_onnx_in(s, 1), ASSAY_I64), 2, apart);
    int32_t step = assay_onnx_count(s, s->x.dims[time], 2, (int32_t)time, 1);
    int32_t back = PUT(s, "Sub", PUT(s, "Sub", length, i64(s, 1)), step), place = PUT(s, "Where", PUT(s, "Less", step, length), back, step);
    int64_t dims[ASSAY_MAX_RANK] = {s->x.dims[0], s->x.dims[1], 1, 1, 1, 1, 1, 1};
    place = assay_onnx_reshape(s, PUT(s, "Expand", place, assay_onnx_numbers(s, 2, dims)), s->x.rank, dims);
    place = PUT(s, "Expand", place, assay_onnx_numbers(s, (size_t)s->x.rank, s->x.dims));
    return GIVE(s, "Identity", assay_onnx_gather_elements(s, assay_onnx_in(s, 0), place, (int32_t)time));
}

/* x where the column is k or more to the right of the row (upper), or at most k (lower); else 0 */
static enum assay_code trilu(struct assay_onnx_spelling *s)
{
    int64_t k = 0;
    size_t  n = 1;
    if (s->x.rank < 2)
        return assay_onnx_not_spelled(s, "has no matrix");
    if (assay_onnx_in(s, 1) != ASSAY_NO_VALUE && (!assay_onnx_const(s, 1, 1, &k, &n) || n != 1))
        return s->err->code ? s->err->code : assay_onnx_not_spelled(s, "has no k");
    int32_t row = PUT(s, "Add", assay_onnx_count(s, s->x.dims[s->x.rank - 2], 2, 0, 1), i64(s, k));
    int32_t column = assay_onnx_count(s, s->x.dims[s->x.rank - 1], 2, 1, 1);
    int32_t kept = PUT(s, assay_onnx_i64(s, "upper", 1) ? "GreaterOrEqual" : "LessOrEqual", column, row);
    return GIVE(s, "Where", kept, assay_onnx_in(s, 0), assay_onnx_scalar(s, s->x.dtype, 0));
}

/* 1 where the column is k to the right of the row */
static enum assay_code eye_like(struct assay_onnx_spelling *s)
{
    enum assay_dtype dtype = assay_onnx_dtype(assay_onnx_i64(s, "dtype", assay_onnx_number(s->x.dtype)));
    if (s->x.rank != 2 || !dtype)
        return assay_onnx_not_spelled(s, "has no matrix, or a type that is not read");
    int32_t row = PUT(s, "Add", assay_onnx_count(s, s->x.dims[0], 2, 0, 1), i64(s, assay_onnx_i64(s, "k", 0)));
    int32_t hit = PUT(s, "Equal", assay_onnx_count(s, s->x.dims[1], 2, 1, 1), row);
    return GIVE(s, "Where", hit, assay_onnx_scalar(s, dtype, 1), assay_onnx_scalar(s, dtype, 0));
}

/* Along a new axis: the second of `values` where its number is the index, else the first. */
static enum assay_code one_hot(struct assay_onnx_spelling *s)
{
    struct assay_value depth = assay_onnx_seen(s, assay_onnx_in(s, 1));
    double             n = 0;
    int32_t            axis = assay_onnx_axis(s, "axis", -1, 1);
    if (axis < 0)
        return s->err->code;
    if (depth.role == ASSAY_ROLE_CONST && depth.elements == 1)
        assay_to_double(depth.dtype, depth.data, 1, &n);
    if (!(n >= 1 && n <= 0x1p24) || s->x.rank >= ASSAY_MAX_RANK)
        return assay_onnx_not_spelled(s, "has a depth that is no const from 1 to 2^24, or too many axes");
    int64_t axes = axis;
    int32_t index = PUT(s, "Unsqueeze", assay_onnx_from_zero(s, assay_onnx_in(s, 0), (int64_t)n), assay_onnx_numbers(s, 1, &axes));
    int32_t hit = PUT(s, "Equal", index, assay_onnx_count(s, (int64_t)n, s->x.rank + 1, axis, 1));
    int32_t off = PUT(s, "Gather", assay_onnx_in(s, 2), i64(s, 0)), on = PUT(s, "Gather", assay_onnx_in(s, 2), i64(s, 1));
    return GIVE(s, "Where", hit, on, off);
}

/* Axis by axis: [.., d, ..] as [.., 1, d, ..], stretched, as [.., n d, ..]. */
static enum assay_code tile(struct assay_onnx_spelling *s)
{
    int64_t times[ASSAY_MAX_RANK], dims[ASSAY_MAX_RANK];
    size_t  n;
    int32_t y = assay_onnx_in(s, 0);
    if (!assay_onnx_const(s, 1, ASSAY_MAX_RANK, times, &n))
        return s->err->code;
    if (n != (size_t)s->x.rank)
        return assay_onnx_not_spelled(s, "has another number of repeats than its operand has axes");
    memcpy(dims, s->x.dims, sizeof dims);
    for (int32_t d = 0; d < s->x.rank; d++) {
        int64_t apart[4] = {1, 1, dims[d], 1};
        if (times[d] == 1)
            continue;
        for (int32_t k = 0; k < s->x.rank; k++)
            apart[k < d ? 0 : 3] = assay_onnx_times(apart[k < d ? 0 : 3], k == d ? 1 : dims[k]);
        int32_t one = assay_onnx_reshape(s, y, 4, apart);
        apart[1] = times[d];
        if (times[d] < 0 || __builtin_mul_overflow(dims[d], times[d], &dims[d]) || s->graph->first_error.code)
            return assay_onnx_not_spelled(s, "repeats more often than can be counted, or less than never");
        y = assay_onnx_reshape(s, PUT(s, "Expand", one, assay_onnx_numbers(s, 4, apart)), s->x.rank, dims);
    }
    return GIVE(s, "Identity", y);
}

/* Where the element stands that comes to place `at` of an axis of n, counted from its first: nearest, or as in a mirror that
 * stands at the last element. */
static int64_t mirrored(int64_t at, int64_t n, bool reflects)
{
    int64_t period = 2 * (n - 1);
    if (!reflects || n == 1)
        return at < 0 ? 0 : at >= n ? n - 1 : at;
    at = ((at % period) + period) % period;
    return at < n ? at : period - at;
}

static bool is_no_constant(const struct assay_onnx_call *call)
{
    for (const struct assay_attr *a = call->attrs; a->name; a++)
        if (a->type == ASSAY_ATTR_TEXT && strcmp(a->name, "mode") == 0)
            return strcmp(a->text, "edge") == 0 || strcmp(a->text, "reflect") == 0;
    return false;
}

/* Pad by what stands at the edge, or is reflected there: a Gather along each axis that grows or shrinks. */
static enum assay_code pad(struct assay_onnx_spelling *s)
{
    int64_t widths[2 * ASSAY_MAX_RANK], indices[PAD_MOST];
    size_t  n;
    int32_t y = assay_onnx_in(s, 0);
    bool    reflects = strcmp(assay_onnx_text(s, "mode", ""), "reflect") == 0;
    if (!assay_onnx_const(s, 1, 2 * ASSAY_MAX_RANK, widths, &n))
        return s->err->code;
    if (n != 2 * (size_t)s->x.rank || assay_onnx_in(s, 3) != ASSAY_NO_VALUE)
        return assay_onnx_not_spelled(s, "has pads of some axes only");
    for (int32_t d = 0; d < s->x.rank; d++) {
        int64_t front = widths[d], behind = widths[d + s->x.rank], length = s->x.dims[d];
        bool    fits = front > -PAD_MOST && front < PAD_MOST && behind > -PAD_MOST && behind < PAD_MOST && length < PAD_MOST;
        int64_t size = fits ? front + length + behind : -1;
        if (size < 0 || size > PAD_MOST || (length == 0 && size))
            return assay_onnx_not_spelled(s, "has pads that do not fit its operand");
        for (int64_t i = 0; i < size; i++)
            indices[i] = mirrored(i - front, length, reflects);
        if (front || behind)
            y = assay_onnx_put(s, "Gather", (int32_t[]){y, assay_onnx_numbers(s, (size_t)size, indices)}, 2,
                               (struct assay_attr[]){ASSAY_ATTR_INT("axis", d), ASSAY_ATTR_END});
    }
    return GIVE(s, "Identity", y);
}

/* x as `from`, its axes in the order of `perm`, as [x's images, `to` channels, height, width] */
static enum assay_code rearrange(struct assay_onnx_spelling *s, const int64_t *from, const int64_t *perm, const int64_t *to)
{
    struct assay_attr order[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = 6}, ASSAY_ATTR_END};
    memcpy(order[0].list, perm, 6 * sizeof *perm);
    int32_t apart = assay_onnx_reshape(s, assay_onnx_in(s, 0), 6, from);
    return GIVE(s, "Reshape", assay_onnx_put(s, "Transpose", &apart, 1, order), assay_onnx_numbers(s, 4, to));
}

static enum assay_code depth_to_space(struct assay_onnx_spelling *s)
{
    const int64_t *d = s->x.dims, b = assay_onnx_i64(s, "blocksize", 0);
    bool           by_column = strcmp(assay_onnx_text(s, "mode", "DCR"), "CRD") == 0;
    if (s->x.rank != 4 || b < 1 || b > BLOCK_MOST || d[1] % (b * b) || d[2] > INT32_MAX || d[3] > INT32_MAX)
        return assay_onnx_not_spelled(s, "has channels that make no blocks");
    const int64_t c = d[1] / (b * b), to[] = {d[0], c, d[2] * b, d[3] * b};
    if (by_column)
        return rearrange(s, (int64_t[]){d[0], c, b, b, d[2], d[3]}, (int64_t[]){0, 1, 4, 2, 5, 3}, to);
    return rearrange(s, (int64_t[]){d[0], b, b, c, d[2], d[3]}, (int64_t[]){0, 3, 4, 1, 5, 2}, to);
}

static enum assay_code space_to_depth(struct assay_onnx_spelling *s)
{
    const int64_t *d = s->x.dims, b = assay_onnx_i64(s, "blocksize", 0);
    if (s->x.rank != 4 || b < 1 || b > BLOCK_MOST || d[2] % b || d[3] % b || d[1] > INT32_MAX)
        return assay_onnx_not_spelled(s, "has an image that makes no blocks");
    const int64_t to[] = {d[0], d[1] * b * b, d[2] / b, d[3] / b};
    return rearrange(s, (int64_t[]){d[0], d[1], d[2] / b, b, d[3] / b, b}, (int64_t[]){0, 3, 5, 1, 2, 4}, to);
}

/* A tensor of one number, of the shape that is operand 0: the number is operand 1, 0 without it. */
static enum assay_code constant_of_shape(struct assay_onnx_spelling *s)
{
    int32_t number = assay_onnx_in(s, 1);
    if (number == ASSAY_NO_VALUE)
        number = assay_onnx_scalar(s, ASSAY_F32, 0);
    return GIVE(s, "Expand", number, assay_onnx_in(s, 0));
}

/* ---- ConvTranspose ---- */

struct transposed {
    int32_t           axes;
    struct assay_attr stride, dilation, pads, output;
};

/* The list that is an attribute, or n times `usual`; false: one of another length. */
static bool list_of(const struct assay_onnx_spelling *s, const char *name, size_t n, int64_t usual, struct assay_attr *out)
{
    const struct assay_attr *a = assay_onnx_list(s, name);
    *out = (struct assay_attr){.name = name, .type = ASSAY_ATTR_I64S, .n = n};
    for (size_t i = 0; i < n; i++)
        out->list[i] = a && a->n == n ? a->list[i] : usual;
    return !a || a->n == n;
}

static bool is_sane(const struct assay_attr *list, int64_t least)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->list[i] < least || list->list[i] > INT32_MAX)
            return false;
    return true;
}

/* Where the output's shape decides: what lies over is cut off, half on either side. */
static void pads_of(struct transposed *t, int32_t i, int64_t over, bool more_behind)
{
    int64_t less = over / 2, rest = over - less;
    t->pads.list[i] = more_behind ? less : rest;
    t->pads.list[i + t->axes] = more_behind ? rest : less;
}

static enum assay_code transposed_shape(struct assay_onnx_spelling *s, const struct assay_value *w, struct transposed *t)
{
    const char              *automatic = assay_onnx_text(s, "auto_pad", "NOTSET");
    const struct assay_attr *shape = assay_onnx_list(s, "output_shape");
    struct assay_attr        extra;
    bool                     same = strncmp(automatic, "SAME_", 5) == 0;
    size_t                   n = (size_t)t->axes;
    bool fits = list_of(s, "strides", n, 1, &t->stride) && list_of(s, "dilations", n, 1, &t->dilation) &&
                list_of(s, "pads", 2 * n, 0, &t->pads) && list_of(s, "output_padding", n, 0, &extra) &&
                (!shape || shape->n == n || shape->n == n + 2);
    if (!fits || !is_sane(&t->stride, 1) || !is_sane(&t->dilation, 1) || !is_sane(&t->pads, 0) || !is_sane(&extra, 0))
        return assay_onnx_not_spelled(s, "has strides, dilations, pads or a shape that make no sense");
    for (int32_t i = 0; i < t->axes; i++) {
        if (s->x.dims[i + 2] < 1 || s->x.dims[i + 2] > INT32_MAX || w->dims[i + 2] < 1 || w->dims[i + 2] > INT32_MAX)
            return assay_onnx_not_spelled(s, "has an image or kernels with an empty or endless axis");
        int64_t whole = t->stride.list[i] * (s->x.dims[i + 2] - 1) + extra.list[i] + (w->dims[i + 2] - 1) * t->dilation.list[i] + 1;
        int64_t wanted = shape ? shape->list[(size_t)i + shape->n - n] : s->x.dims[i + 2] * t->stride.list[i];
        if ((same || shape) && whole < wanted)
            return assay_onnx_not_spelled(s, "has an output that its input does not fill");
        if (same || shape)
            pads_of(t, i, whole - wanted, strcmp(automatic, "SAME_UPPER") == 0);
        t->output.list[i + 2] = whole - t->pads.list[i] - t->pads.list[i + t->axes];
    }
    return ASSAY_OK;
}

static enum assay_code conv_transpose(struct assay_onnx_spelling *s)
{
    struct assay_value w = assay_onnx_seen(s, assay_onnx_in(s, 1));
    struct transposed  t = {.axes = s->x.rank - 2, .output = {.name = "input_shape", .type = ASSAY_ATTR_I64S, .n = (size_t)s->x.rank}};
    int64_t            group = assay_onnx_i64(s, "group", 1), apart[ASSAY_MAX_RANK];
    if (s->x.rank < 3 || w.rank != s->x.rank || group < 1 || group > INT32_MAX)
        return assay_onnx_not_spelled(s, "has an image and kernels of different ranks, or no group");
    if (transposed_shape(s, &w, &t))
        return s->err->code;
    t.output.list[0] = s->x.dims[0];
    t.output.list[1] = w.dims[1] <= INT32_MAX ? w.dims[1] * group : -1;
    const struct assay_attr list[] = {t.stride, t.dilation, t.pads, t.output, ASSAY_ATTR_INT("group", group), ASSAY_ATTR_END};
    if (assay_onnx_in(s, 2) == ASSAY_NO_VALUE)
        return assay_onnx_give(s, 0, "assay.ConvInputGrad", s->call->in, 2, list);
    for (int32_t i = 0; i < s->x.rank; i++)
        apart[i] = i == 1 ? t.output.list[1] : 1;
    int32_t y = assay_onnx_put(s, "assay.ConvInputGrad", s->call->in, 2, list);
    return GIVE(s, "Add", y, assay_onnx_reshape(s, assay_onnx_in(s, 2), s->x.rank, apart));
}

const struct assay_onnx_spelled_row assay_onnx_spelled_moving[] = {
    {"GatherElements", gather_elements, NULL},
    {"ReverseSequence", reverse_sequence, NULL},
    {"Trilu", trilu, NULL},
    {"EyeLike", eye_like, NULL},
    {"OneHot", one_hot, NULL},
    {"Tile", tile, NULL},
    {"Pad", pad, is_no_constant},
    {"DepthToSpace", depth_to_space, NULL},
    {"SpaceToDepth", space_to_depth, NULL},
    {"ConstantOfShape", constant_of_shape, NULL},
    {"ConvTranspose", conv_transpose, NULL},
    {NULL, NULL, NULL},
};
