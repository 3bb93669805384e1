/* Ops of quantized models: what they multiply is MatMulInteger, what they scale is QuantizeLinear. */
#include <assert.h>
#include <stdlib.h>

#include "harness/ir/onnx/spell.h"

#include "harness/ir/infer.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define AXES_MOST 3
#define SEEN_MOST (1 << 24) /* places that all windows of an image look at */

/* ---- convolutions ------------------------------------------------------------------------------------------------ */

/* Windows over an image x [n, c, d1, ..] of kernels w [m, c / group, k1, ..]. */
struct windows {
    struct assay_value x, w;
    int32_t            axes;
    int64_t            group, stride[AXES_MOST], dilation[AXES_MOST], pad[2 * AXES_MOST];
    int64_t            out[AXES_MOST], taps, inside, places; /* taps of a window; elements of an image and of an output */
};

static bool read_list(const struct assay_onnx_spelling *s, const char *name, size_t n, int64_t least, int64_t usual, int64_t *out)
{
    const struct assay_attr *a = assay_onnx_list(s, name);
    bool                     sane = !a || a->n == n;
    for (size_t i = 0; i < n; i++) {
        out[i] = a && sane ? a->list[i] : usual;
        sane = sane && out[i] >= least && out[i] <= INT32_MAX;
    }
    return sane;
}

/* Multiplies *count; false: it would go over SEEN_MOST. */
static bool count(int64_t *n, int64_t by)
{
    bool fits = by >= 0 && (by == 0 || *n <= SEEN_MOST / by);
    *n = fits ? *n * by : 0;
    return fits;
}

/* The pads that auto_pad asks for, and the length of the output, along axis i; false: none. */
static bool lay_axis(struct windows *v, const char *automatic, int32_t i)
{
    int64_t in = v->x.dims[i + 2], reach = (v->w.dims[i + 2] - 1) * v->dilation[i] + 1;
    if (strncmp(automatic, "SAME_", 5) == 0) {
        int64_t over = ((in + v->stride[i] - 1) / v->stride[i] - 1) * v->stride[i] + reach - in;
        over = over < 0 ? 0 : over;
        v->pad[i] = strcmp(automatic, "SAME_UPPER") == 0 ? over / 2 : over - over / 2;
        v->pad[i + v->axes] = over - v->pad[i];
    } else if (strcmp(automatic, "VALID") == 0) {
        v->pad[i] = v->pad[i + v->axes] = 0;
    }
    int64_t room = in + v->pad[i] + v->pad[i + v->axes] - reach;
    v->out[i] = room / v->stride[i] + 1;
    return room >= 0 && count(&v->inside, in) && count(&v->taps, v->w.dims[i + 2]) && count(&v->places, v->out[i]);
}

static enum assay_code read_windows(struct assay_onnx_spelling *s, int32_t w, struct windows *v)
{
    const char *automatic = assay_onnx_text(s, "auto_pad", "NOTSET");
    *v = (struct windows){.x = s->x, .w = assay_onnx_seen(s, w), .axes = s->x.rank - 2, .group = assay_onnx_i64(s, "group", 1),
                          .taps = 1, .inside = 1, .places = 1};
    if (v->axes < 1 || v->axes > AXES_MOST || v->w.rank != s->x.rank)
        return assay_onnx_not_spelled(s, "has an image and kernels of different ranks, or not of one to three axes");
    size_t n = (size_t)v->axes;
    bool   sane = read_list(s, "strides", n, 1, 1, v->stride) && read_list(s, "dilations", n, 1, 1, v->dilation) &&
                read_list(s, "pads", 2 * n, 0, 0, v->pad) && v->group >= 1 && v->group <= INT32_MAX && v->w.dims[1] >= 1 && v->w.dims[1] <= INT32_MAX;
    sane = sane && v->group <= v->x.dims[1] && v->x.dims[1] == v->w.dims[1] * v->group && v->w.dims[0] % v->group == 0;
    if (!sane)
        return assay_onnx_not_spelled(s, "has strides, dilations, pads or groups that make no sense");
    for (int32_t i = 0; sane && i < v->axes; i++)
        sane = v->x.dims[i + 2] >= 1 && v->x.dims[i + 2] <= INT32_MAX && v->w.dims[i + 2] >= 1 && v->w.dims[i + 2] <= INT32_MAX &&
               lay_axis(v, automatic, i);
    int64_t all = v->places;
    return sane && count(&all, v->taps) ? ASSAY_OK : assay_onnx_not_spelled(s, "has windows that see nothing, or too much");
}

/* Which element of an image tap `tap` of window `place` looks at; the one behind the last is padding. */
static int64_t seen_by(const struct windows *v, int64_t place, int64_t tap)
{
    int64_t at = 0, step = 1;
    for (int32_t i = v->axes - 1; i >= 0; i--) {
        int64_t in = v->x.dims[i + 2];
        assert(v->out[i] > 0 && v->w.dims[i + 2] > 0); /* read_windows saw to it */
        int64_t o = place % v->out[i] * v->stride[i] + tap % v->w.dims[i + 2] * v->dilation[i] - v->pad[i];
        if (o < 0 || o >= in)
            return v->inside;
        at += o * step;
        step *= in;
        place /= v->out[i];
        tap /= v->w.dims[i + 2];
    }
    return at;
}

/* What every window sees, in rows: [n, group, places, c / group taps]. Padding is the zero point. */
static int32_t rows_of(struct assay_onnx_spelling *s, const struct windows *v, int32_t x, int32_t zero)
{
    int64_t  n = v->x.dims[0], c = v->x.dims[1], each = v->w.dims[1], flat[] = {n, c, v->inside}, one[] = {n, c, 1};
    int64_t  apart[] = {n, v->group, each, v->places, v->taps}, rows[] = {n, v->group, v->places, each * v->taps};
    int64_t *seen = calloc((size_t)(v->places * v->taps) + 1, sizeof *seen);
    if (!seen) {
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read %.60s", s->call->op);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < v->places * v->taps; i++)
        seen[i] = seen_by(v, i / v->taps, i % v->taps);
    int32_t index = assay_onnx_numbers(s, (size_t)(v->places * v->taps), seen);
    free(seen);
    const struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", 2), ASSAY_ATTR_END};
    const struct assay_attr perm[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {0, 1, 3, 2, 4}, .n = 5}, ASSAY_ATTR_END};
    int32_t padding = PUT(s, "Expand", zero == ASSAY_NO_VALUE ? assay_onnx_scalar(s, v->x.dtype, 0) : zero, assay_onnx_numbers(s, 3, one));
    int32_t image = assay_onnx_put(s, "Concat", (int32_t[]){assay_onnx_reshape(s, x, 3, flat), padding}, 2, axis);
    int32_t patches = assay_onnx_reshape(s, assay_onnx_put(s, "Gather", (int32_t[]){image, index}, 2, axis), 5, apart);
    return assay_onnx_reshape(s, assay_onnx_put(s, "Transpose", &patches, 1, perm), 4, rows);
}

/* Whole sums: rows of windows, u8 or i8, by kernels. ASSAY_NO_VALUE with the error set: they make no sense. */
static int32_t convolve(struct assay_onnx_spelling *s, int32_t w, int32_t x_zero, int32_t w_zero)
{
    struct windows     v;
    struct assay_value zero = assay_onnx_seen(s, w_zero), x = assay_onnx_seen(s, x_zero);
    if (read_windows(s, w, &v))
        return ASSAY_NO_VALUE;
    if ((x_zero != ASSAY_NO_VALUE && x.elements != 1) || (w_zero != ASSAY_NO_VALUE && zero.elements != 1 && (int64_t)zero.elements != v.w.dims[0])) {
        (void)assay_onnx_not_spelled(s, "has zero points that are neither one nor one a kernel");
        return ASSAY_NO_VALUE;
    }
    int64_t                 m = v.w.dims[0] / v.group, depth = v.w.dims[1] * v.taps, dims[2 + AXES_MOST] = {v.x.dims[0], v.w.dims[0]};
    const struct assay_attr turn[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {0, 2, 1}, .n = 3}, ASSAY_ATTR_END};
    const struct assay_attr back[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {0, 1, 3, 2}, .n = 4}, ASSAY_ATTR_END};
    int32_t                 kernels = assay_onnx_reshape(s, w, 3, (int64_t[]){v.group, m, depth});
    int32_t in[4] = {rows_of(s, &v, assay_onnx_in(s, 0), x_zero), assay_onnx_put(s, "Transpose", &kernels, 1, turn), ASSAY_NO_VALUE, ASSAY_NO_VALUE};
    if (x_zero != ASSAY_NO_VALUE)
        in[2] = assay_onnx_reshape(s, x_zero, 0, NULL);
    if (w_zero != ASSAY_NO_VALUE)
        in[3] = zero.elements == 1 ? assay_onnx_reshape(s, w_zero, 0, NULL) : assay_onnx_reshape(s, w_zero, 3, (int64_t[]){v.group, 1, m});
    int32_t sums = assay_onnx_put(s, "MatMulInteger", in, 4, NULL);
    memcpy(dims + 2, v.out, sizeof v.out);
    return assay_onnx_reshape(s, assay_onnx_put(s, "Transpose", &sums, 1, back), s->x.rank, dims);
}

static enum assay_code conv_integer(struct assay_onnx_spelling *s)
{
    int32_t y = convolve(s, assay_onnx_in(s, 1), assay_onnx_in(s, 2), assay_onnx_in(s, 3));
    return s->err->code ? s->err->code : GIVE(s, "Identity", y);
}

/* ---- scaled sums ------------------------------------------------------------------------------------------------- */

/* A scale or a zero point of one number, as a scalar; false and the error set: it is more. */
static bool one_number(struct assay_onnx_spelling *s, size_t i, int32_t *out)
{
    if (assay_onnx_seen(s, assay_onnx_in(s, i)).elements != 1) {
        (void)assay_onnx_not_spelled(s, "has a scale or a zero point of more than one number, or none");
        return false;
    }
    *out = assay_onnx_reshape(s, assay_onnx_in(s, i), 0, NULL);
    return true;
}

/* The sums, which `scale` makes real, in y's scale and around y's zero point: operands 6 and 7. */
static enum assay_code quantize(struct assay_onnx_spelling *s, int32_t sums, int32_t scale)
{
    int32_t in[3] = {ASSAY_NO_VALUE};
    if (!one_number(s, 6, &in[1]) || !one_number(s, 7, &in[2]))
        return s->err->code;
    in[0] = PUT(s, "Mul", assay_onnx_cast(s, sums, ASSAY_F32), scale);
    return assay_onnx_give(s, 0, "QuantizeLinear", in, 3, NULL);
}

/* Operands a, its scale and zero point, b, its scale and zero point, y's scale and zero point. */
static enum assay_code q_linear_mat_mul(struct assay_onnx_spelling *s)
{
    int32_t a_scale, b_scale, in[4] = {assay_onnx_in(s, 0), assay_onnx_in(s, 3), ASSAY_NO_VALUE, ASSAY_NO_VALUE};
    if (!one_number(s, 1, &a_scale) || !one_number(s, 2, &in[2]) || !one_number(s, 4, &b_scale) || !one_number(s, 5, &in[3]))
        return s->err->code;
    return quantize(s, assay_onnx_put(s, "MatMulInteger", in, 4, NULL), PUT(s, "Mul", a_scale, b_scale));
}

/* The same of x and w, whose scale and zero point may be one a kernel, and a bias of whole sums at last. */
static enum assay_code q_linear_conv(struct assay_onnx_spelling *s)
{
    int32_t            x_scale, w_scale = assay_onnx_in(s, 4), bias = assay_onnx_in(s, 8);
    int64_t            apart[ASSAY_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct assay_value w = assay_onnx_seen(s, assay_onnx_in(s, 3)), scale = assay_onnx_seen(s, w_scale);
    int32_t            sums = convolve(s, assay_onnx_in(s, 3), assay_onnx_in(s, 2), assay_onnx_in(s, 5));
    if (s->err->code || !one_number(s, 1, &x_scale))
        return s->err->code;
    if (scale.elements != 1 && (int64_t)scale.elements != w.dims[0])
        return assay_onnx_not_spelled(s, "has scales that are neither one nor one a kernel");
    apart[1] = w.dims[0];
    if (bias != ASSAY_NO_VALUE)
        sums = PUT(s, "Add", sums, assay_onnx_reshape(s, bias, s->x.rank, apart));
    apart[1] = (int64_t)scale.elements;
    return quantize(s, sums, PUT(s, "Mul", assay_onnx_reshape(s, w_scale, s->x.rank, apart), x_scale));
}

/* The scale is a 255th of the range of x and 0, the zero point where 0 lies in it. */
static enum assay_code dynamic_quantize_linear(struct assay_onnx_spelling *s)
{
    const struct assay_attr all[] = {ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END};
    int32_t                 x = assay_onnx_in(s, 0), none = assay_onnx_scalar(s, s->x.dtype, 0);
    int32_t                 most = PUT(s, "Max", assay_onnx_put(s, "ReduceMax", &x, 1, all), none);
    int32_t                 least = PUT(s, "Min", assay_onnx_put(s, "ReduceMin", &x, 1, all), none);
    int32_t                 scale = PUT(s, "Div", PUT(s, "Sub", most, least), assay_onnx_scalar(s, s->x.dtype, 255));
    int32_t                 zero = PUT(s, "QuantizeLinear", PUT(s, "Neg", least), scale);
    if (s->call->n_out > 1 && s->names[1])
        (void)assay_onnx_give(s, 1, "Identity", &scale, 1, NULL);
    if (s->call->n_out > 2 && s->names[2])
        (void)assay_onnx_give(s, 2, "Identity", &zero, 1, NULL);
    return GIVE(s, "QuantizeLinear", x, scale, zero);
}

const struct assay_onnx_spelled_row assay_onnx_spelled_quantized[] = {
    {"ConvInteger", conv_integer, NULL},
    {"QLinearMatMul", q_linear_mat_mul, NULL},
    {"QLinearConv", q_linear_conv, NULL},
    {"DynamicQuantizeLinear", dynamic_quantize_linear, NULL},
    {NULL, NULL, NULL},
};
