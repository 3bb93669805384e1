/* Resize (ONNX 19), of which only the repetition of elements is here: each axis grows by a whole factor, and
 *     Y[i1, i2, ..] = X[floor(i1 / factor1), ..].
 * That is mode nearest with coordinate_transformation_mode asymmetric and nearest_mode floor, or half_pixel and one of the
 * round_ modes, which is the same function for whole factors. Factors come from const input 2 (scales, f32) or follow from
 * const input 3 (sizes). In a built graph attribute `factors` holds one for each axis.
 * Cost: nothing but bytes. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "antialias", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "axes", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "coordinate_transformation_mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "half_pixel"},
    {.name = "factors", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "keep_aspect_ratio_policy", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "stretch"},
    {.name = "mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "nearest"},
    {.name = "nearest_mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "round_prefer_floor"},
    {.name = NULL},
};

static enum assay_code check_modes(const struct assay_infer *in, struct assay_error *err)
{
    const char *mode = assay_node_text(in->node, "mode", ""), *nearest = assay_node_text(in->node, "nearest_mode", "");
    const char *transform = assay_node_text(in->node, "coordinate_transformation_mode", "");
    const char *policy = assay_node_text(in->node, "keep_aspect_ratio_policy", "");
    bool floors = !strcmp(transform, "asymmetric") && !strcmp(nearest, "floor");
    bool rounds = !strcmp(transform, "half_pixel") &&
                  (!strcmp(nearest, "round_prefer_floor") || !strcmp(nearest, "round_prefer_ceil"));
    if (strcmp(mode, "nearest") != 0 || !(floors || rounds))
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "only mode nearest with asymmetric and floor, or with half_pixel and rounding, is known; "
                                  "got %.32s, %.32s, %.32s", mode, transform, nearest);
    if (strcmp(policy, "stretch") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "only keep_aspect_ratio_policy stretch is known, got %.32s", policy);
    return assay_infer_range(in, "antialias", 0, 0, err);
}

/* Which axes the factors are of: all, or those that attribute `axes` lists. */
static enum assay_code read_axes(const struct assay_infer *in, size_t n, int32_t axes[ASSAY_MAX_RANK], struct assay_error *err)
{
    const struct assay_attr *list = assay_node_attr(in->node, "axes");
    int32_t rank = in->in[0]->rank;
    size_t  want = list ? list->n : (size_t)rank;
    bool    taken[ASSAY_MAX_RANK] = {false};
    if (n != want || n > ASSAY_MAX_RANK)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%zu numbers for %zu axes", n, want);
    for (size_t i = 0; i < n; i++) {
        int64_t axis = list ? list->list[i] : (int64_t)i;
        axis += axis < 0 ? rank : 0;
        if (axis < 0 || axis >= rank || taken[axis])
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axes holds %" PRId64 ", no axis of it or one named twice",
                                      list ? list->list[i] : axis);
        taken[axis] = true;
        axes[i] = (int32_t)axis;
    }
    return ASSAY_OK;
}

static enum assay_code whole_factor(const struct assay_infer *in, int32_t axis, double factor, int64_t *out,
                                    struct assay_error *err)
{
    if (!(factor >= 1 && factor <= 65536) || factor != (double)(int64_t)factor)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE,
                                  "axis %" PRId32 " would grow by %g; only whole factors from 1 to 65536 are known", axis,
                                      factor);
    *out = (int64_t)factor;
    return ASSAY_OK;
}

static enum assay_code from_scales(const struct assay_infer *in, int64_t *factors, struct assay_error *err)
{
    const struct assay_value *scales = in->in[2];
    int32_t axes[ASSAY_MAX_RANK];
    if (scales->role != ASSAY_ROLE_CONST || scales->dtype != ASSAY_F32 || scales->rank != 1)
        return ASSAY_INFER_REFUSE(in, err, 2, ASSAY_INFER_NONE, "it must be a const vector of f32, since shapes are static");
    enum assay_code code = read_axes(in, (size_t)scales->elements, axes, err);
    for (size_t i = 0; !code && i < scales->elements; i++) {
        float scale;
        memcpy(&scale, (const char *)scales->data + i * sizeof scale, sizeof scale);
        code = whole_factor(in, axes[i], (double)scale, &factors[axes[i]], err);
    }
    return code;
}

static enum assay_code from_sizes(const struct assay_infer *in, int64_t *factors, struct assay_error *err)
{
    const int64_t *sizes;
    size_t  n;
    int32_t axes[ASSAY_MAX_RANK];
    enum assay_code code = assay_infer_const_i64s(in, 3, ASSAY_MAX_RANK, &sizes, &n, err);
    if (!code)
        code = read_axes(in, n, axes, err);
    for (size_t i = 0; !code && i < n; i++) {
        int64_t d = in->in[0]->dims[axes[i]];
        code = whole_factor(in, axes[i], d == sizes[i] ? 1 : (double)sizes[i] / (double)d, &factors[axes[i]], err);
    }
    return code;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t dims[ASSAY_MAX_RANK], factors[ASSAY_MAX_RANK];
    for (int32_t i = 0; i < ASSAY_MAX_RANK; i++)
        factors[i] = 1;
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_ORDERED, err);
    if (!code)
        code = check_modes(in, err);
    if (code)
        return code;
    if (in->in[1])
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "a region of interest is not known");
    if (!in->in[2] == !in->in[3])
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "it needs scales or sizes, and not both");
    code = in->in[2] ? from_scales(in, factors, err) : from_sizes(in, factors, err);
    if (code)
        return code;
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = (int64_t)assay_count_multiply((uint64_t)x->dims[i], (uint64_t)factors[i]);
    assay_infer_set_i64s(in, "factors", (size_t)x->rank, factors);
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr list[] = {*assay_node_attr(q->node, "factors"), ASSAY_ATTR_END};
    q->dx[0] = assay_gradient_op(q, "assay.ResizeGrad", q->dy, 1, list);
}

ASSAY_OP_IR(Resize) = {.attrs = attrs, .infer = infer, .gradient = gradient};
