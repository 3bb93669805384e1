/* Resize in the forms that ir lacks, an axis at a time. Along an axis every element of the result is a sum of those of the operand whose
 * weights are known while the file is read, so that interpolation is a product with a const matrix, and mode nearest a Gather. */
#include "harness/ir/onnx/spell.h"

#include <math.h>
#include <stdlib.h>

#include "reference/formats/formats.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define WEIGHTS_MOST (1 << 22) /* numbers of a matrix of weights */

struct along {
    int64_t in, out;
    double  scale, start, end; /* start, end: of the region of interest, as shares */
    bool    changes;
};

struct resized {
    struct along axis[ASSAY_MAX_RANK];
    const char  *transform, *nearest;
    enum { NEAREST, LINEAR, CUBIC, OTHER } mode;
    double       cubic, outside; /* outside: what is put where a region of interest reaches beyond the operand */
    bool         antialias, exclude_outside, crops;
};

/* ---- lengths ----------------------------------------------------------------------------------------------------- */

/* Number i of operand `at`, a const of any type of numbers; NaN: there is none. */
static double const_at(const struct assay_onnx_spelling *s, size_t at, size_t i)
{
    struct assay_value v = assay_onnx_seen(s, assay_onnx_in(s, at));
    double             x = NAN;
    if (v.role == ASSAY_ROLE_CONST && i < v.elements)
        assay_to_double(v.dtype, (const char *)v.data + i * (size_t)(v.bytes / v.elements), 1, &x);
    return x;
}

static size_t count_of(const struct assay_onnx_spelling *s, size_t at)
{
    return assay_onnx_in(s, at) == ASSAY_NO_VALUE ? 0 : (size_t)assay_onnx_seen(s, assay_onnx_in(s, at)).elements;
}

/* Scales that make the sizes fit within what is asked for, or reach it, without a change of proportions. */
static double common_scale(const struct assay_onnx_spelling *s, const int32_t *axes, size_t n, bool larger)
{
    double common = larger ? 0 : INFINITY;
    for (size_t i = 0; i < n; i++) {
        double scale = const_at(s, 3, i) / (double)s->x.dims[axes[i]];
        common = larger ? fmax(common, scale) : fmin(common, scale);
    }
    return common;
}

/* Which axes the numbers are of; how many, 0: none or such as make no sense. */
static size_t axes_of(const struct assay_onnx_spelling *s, int32_t axes[ASSAY_MAX_RANK])
{
    const struct assay_attr *list = assay_onnx_list(s, "axes");
    size_t                   n = list ? list->n : (size_t)s->x.rank;
    for (size_t i = 0; i < n && n <= ASSAY_MAX_RANK; i++) {
        int64_t axis = list ? list->list[i] + (list->list[i] < 0 ? s->x.rank : 0) : (int64_t)i;
        if (axis < 0 || axis >= s->x.rank)
            return 0;
        axes[i] = (int32_t)axis;
    }
    return n <= ASSAY_MAX_RANK ? n : 0;
}

/* Along one axis; false: to a length that is none. */
static bool length_of(const struct assay_onnx_spelling *s, size_t i, double common, struct along *a)
{
    bool sized = count_of(s, 3) > 0;
    double out = sized ? const_at(s, 3, i) : 0;
    a->scale = isnan(common) ? sized ? out / (double)a->in : const_at(s, 2, i) : common;
    if (!sized)
        out = floor((double)a->in * a->scale);
    else if (!isnan(common))
        out = floor((double)a->in * common + 0.5);
    if (!(a->scale > 0 && a->in >= 1 && out >= 1 && out * (double)a->in <= WEIGHTS_MOST))
        return false;
    a->out = (int64_t)out;
    return true;
}

/* What the node asks for; NULL, or why it cannot be read. */
static const char *read_resized(const struct assay_onnx_spelling *s, struct resized *r)
{
    const char *mode = assay_onnx_text(s, "mode", "nearest"), *policy = assay_onnx_text(s, "keep_aspect_ratio_policy", "stretch");
    int32_t     axes[ASSAY_MAX_RANK];
    size_t      n = axes_of(s, axes), scales = count_of(s, 2), sizes = count_of(s, 3);
    bool        keeps = strcmp(policy, "stretch") != 0 && sizes;
    *r = (struct resized){.transform = assay_onnx_text(s, "coordinate_transformation_mode", "half_pixel"),
                          .nearest = assay_onnx_text(s, "nearest_mode", "round_prefer_floor"),
                          .mode = !strcmp(mode, "nearest") ? NEAREST : !strcmp(mode, "linear") ? LINEAR : !strcmp(mode, "cubic") ? CUBIC : OTHER,
                          .cubic = assay_onnx_f64(s, "cubic_coeff_a", -0.75), .outside = assay_onnx_f64(s, "extrapolation_value", 0),
                          .antialias = assay_onnx_i64(s, "antialias", 0), .exclude_outside = assay_onnx_i64(s, "exclude_outside", 0)};
    r->crops = !strcmp(r->transform, "tf_crop_and_resize");
    if (r->mode == OTHER)
        return "has a mode that is not known";
    if (!n || !scales == !sizes || (scales ? scales : sizes) != n || (r->crops && count_of(s, 1) != 2 * n))
        return "has no scale or size, or region, of each axis that it is of";
    for (int32_t d = 0; d < s->x.rank; d++)
        r->axis[d] = (struct along){.in = s->x.dims[d], .out = s->x.dims[d], .scale = 1, .end = 1};
    double common = keeps ? common_scale(s, axes, n, !strcmp(policy, "not_smaller")) : NAN;
    for (size_t i = 0; i < n; i++) {
        struct along *a = &r->axis[axes[i]];
        if (!length_of(s, i, common, a))
            return "has a scale or size that is no const from 1 to what a matrix of 2^22 weights holds";
        if (r->crops)
            a->start = const_at(s, 1, i), a->end = const_at(s, 1, i + n);
        if (!isfinite(a->start) || !isfinite(a->end))
            return "has a region that is no const";
        a->changes = a->out != a->in || a->scale != 1 || a->start != 0 || a->end != 1;
    }
    return NULL;
}

/* ---- places and weights ------------------------------------------------------------------------------------------ */

/* Where element i of the result lies along the operand; NaN: by no transform that is known. */
static double place_of(const struct resized *r, const struct along *a, int64_t i)
{
    double x = (double)i, in = (double)a->in, width = a->scale * in; /* width: of the result, before it is cut to whole elements */
    double centre = (x + 0.5) / a->scale - 0.5;
    if (!strcmp(r->transform, "half_pixel"))
        return centre;
    if (!strcmp(r->transform, "pytorch_half_pixel"))
        return a->out > 1 ? centre : 0;
    if (!strcmp(r->transform, "half_pixel_symmetric"))
        return in / 2 * (1 - (double)a->out / width) + centre;
    if (!strcmp(r->transform, "asymmetric"))
        return x / a->scale;
    if (!strcmp(r->transform, "align_corners"))
        return a->out > 1 ? x * (in - 1) / (width - 1) : 0;
    if (!strcmp(r->transform, "tf_half_pixel_for_nn"))
        return (x + 0.5) / a->scale;
    if (r->crops)
        return a->out > 1 ? a->start * (in - 1) + x * (a->end - a->start) * (in - 1) / (width - 1) : 0.5 * (a->start + a->end) * (in - 1);
    return NAN;
}

static double nearest_of(const struct resized *r, double x)
{
    if (!strcmp(r->nearest, "floor"))
        return floor(x);
    if (!strcmp(r->nearest, "ceil"))
        return ceil(x);
    if (!strcmp(r->nearest, "round_prefer_floor"))
        return ceil(x - 0.5);
    return !strcmp(r->nearest, "round_prefer_ceil") ? floor(x + 0.5) : NAN;
}

/* The share of an element at distance t. */
static double share_of(const struct resized *r, double t)
{
    double a = r->cubic;
    t = fabs(t);
    if (r->mode == LINEAR)
        return t < 1 ? 1 - t : 0;
    return t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* One row of weights, which add up to 1: of elements at both sides of x; where there are none, that at the edge stands for them. */
static void weigh(const struct resized *r, const struct along *a, double x, double *weight)
{
    double by = r->antialias && a->scale < 1 ? a->scale : 1, reach = (r->mode == LINEAR ? 1 : 2) / by, sum = 0;
    for (int64_t j = (int64_t)ceil(x - reach); j <= (int64_t)floor(x + reach); j++) {
        double  w = share_of(r, ((double)j - x) * by);
        int64_t at = j < 0 ? 0 : j >= a->in ? a->in - 1 : j;
        if (r->exclude_outside && at != j)
            continue;
        weight[at] += w;
        sum += w;
    }
    for (int64_t j = 0; j < a->in; j++)
        weight[j] /= sum != 0 ? sum : 1;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static int32_t gathered(struct assay_onnx_spelling *s, int32_t y, int32_t d, const struct resized *r)
{
    const struct along *a = &r->axis[d];
    int64_t            *index = calloc((size_t)a->out, sizeof *index);
    for (int64_t i = 0; index && i < a->out; i++)
        index[i] = (int64_t)fmin(fmax(nearest_of(r, place_of(r, a, i)), 0), (double)(a->in - 1));
    if (index)
        y = assay_onnx_put(s, "Gather", (int32_t[]){y, assay_onnx_numbers(s, (size_t)a->out, index)}, 2,
                           (struct assay_attr[]){ASSAY_ATTR_INT("axis", d), ASSAY_ATTR_END});
    else
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read Resize");
    free(index);
    return y;
}

/* [outer, in, inner] by weights [out, in] */
static int32_t interpolated(struct assay_onnx_spelling *s, int32_t y, int32_t d, const struct resized *r)
{
    const struct along *a = &r->axis[d];
    int64_t             apart[3] = {1, a->in, 1}, dims[ASSAY_MAX_RANK];
    double             *weights = calloc((size_t)(a->in * a->out), sizeof *weights);
    struct assay_value  v = assay_onnx_seen(s, y);
    if (!weights) {
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read Resize");
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < a->out; i++)
        weigh(r, a, fmin(fmax(place_of(r, a, i), -(double)WEIGHTS_MOST), 2.0 * WEIGHTS_MOST), weights + i * a->in);
    for (int32_t k = 0; k < v.rank; k++) {
        dims[k] = k == d ? a->out : v.dims[k];
        apart[k < d ? 0 : 2] = assay_onnx_times(apart[k < d ? 0 : 2], k == d ? 1 : v.dims[k]);
    }
    int32_t matrix = assay_onnx_table(s, v.dtype, 2, (int64_t[]){a->out, a->in}, weights);
    free(weights);
    return assay_onnx_reshape(s, PUT(s, "MatMul", matrix, assay_onnx_reshape(s, y, 3, apart)), v.rank, dims);
}

/* Places of a region that lie beyond the operand have no element near them. */
static int32_t extrapolated(struct assay_onnx_spelling *s, int32_t y, int32_t d, const struct resized *r)
{
    const struct along *a = &r->axis[d];
    int64_t             dims[ASSAY_MAX_RANK];
    double             *beyond = calloc((size_t)a->out, sizeof *beyond);
    bool                any = false;
    for (int64_t i = 0; beyond && i < a->out; i++) {
        double x = place_of(r, a, i);
        beyond[i] = x < 0 || x > (double)(a->in - 1);
        any = any || beyond[i] != 0;
    }
    for (int32_t k = 0; k < s->x.rank; k++)
        dims[k] = k == d ? a->out : 1;
    if (any)
        y = PUT(s, "Where", assay_onnx_table(s, ASSAY_BOOL, s->x.rank, dims, beyond), assay_onnx_scalar(s, s->x.dtype, r->outside), y);
    else if (!beyond)
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read Resize");
    free(beyond);
    return y;
}

static enum assay_code resize(struct assay_onnx_spelling *s)
{
    struct resized r;
    const char    *why = read_resized(s, &r);
    int32_t        y = assay_onnx_in(s, 0);
    if (!why && (isnan(place_of(&r, &r.axis[0], 0)) || (r.mode == NEAREST && isnan(nearest_of(&r, 0)))))
        why = "has a coordinate_transformation_mode or nearest_mode that is not known";
    if (why)
        return assay_onnx_not_spelled(s, why);
    for (int32_t d = 0; d < s->x.rank && !s->graph->first_error.code; d++) {
        if (!r.axis[d].changes)
            continue;
        y = r.mode == NEAREST ? gathered(s, y, d, &r) : interpolated(s, y, d, &r);
        if (r.crops)
            y = extrapolated(s, y, d, &r);
    }
    return GIVE(s, "Identity", y);
}

/* ir's own repeats every element a whole number of times. */
static bool is_no_repetition(const struct assay_onnx_call *call)
{
    static const char *const         others[] = {"cubic_coeff_a", "extrapolation_value"};
    struct assay_onnx_spelling       s = {.call = call, .graph = call->graph};
    struct resized                   r;
    s.x = assay_onnx_seen(&s, assay_onnx_in(&s, 0));
    if (read_resized(&s, &r))
        return true;
    bool floors = !strcmp(r.transform, "asymmetric") && !strcmp(r.nearest, "floor");
    bool rounds = !strcmp(r.transform, "half_pixel") && !strncmp(r.nearest, "round_prefer_", 13), whole = true;
    for (int32_t d = 0; d < s.x.rank; d++)
        if (r.axis[d].changes && r.axis[d].in >= 1)
            whole = whole && r.axis[d].out % r.axis[d].in == 0 && r.axis[d].scale * (double)r.axis[d].in == (double)r.axis[d].out;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        whole = whole && isnan(assay_onnx_f64(&s, others[i], NAN));
    return r.mode != NEAREST || !(floors || rounds) || !whole || r.antialias || assay_onnx_in(&s, 1) != ASSAY_NO_VALUE ||
           assay_onnx_i64(&s, "exclude_outside", -1) != -1 || strcmp(assay_onnx_text(&s, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0;
}

const struct assay_onnx_spelled_row assay_onnx_spelled_resize[] = {
    {"Resize", resize, is_no_repetition},
    {"Upsample", resize, NULL}, /* its name before opset 10; from 9 on it has been upgraded */
    {NULL, NULL, NULL},
};
