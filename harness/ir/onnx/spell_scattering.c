/* Elements by their places: GatherND, and the Scatters, which are sums over places and a choice. */
#include "harness/ir/onnx/spell.h"

#include "harness/ir/infer.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE

static bool is_add(const struct assay_onnx_spelling *s)
{
    return strcmp(assay_onnx_text(s, "reduction", "none"), "add") == 0;
}

/* x with the updates, slices [places, inner..] for x as [outer, inner..], put or added where the places say. Where two updates have one
 * place, which ONNX leaves open without a reduction, it is their sum. */
static enum assay_code scatter(struct assay_onnx_spelling *s, int32_t place, int32_t updates, int32_t rank, const int64_t *dims)
{
    const char       *reduction = assay_onnx_text(s, "reduction", "none");
    int64_t           flat[ASSAY_MAX_RANK], all = -1;
    struct assay_attr list[] = {ASSAY_ATTR_INT("axis", 0), {.name = "input_shape", .type = ASSAY_ATTR_I64S, .n = (size_t)rank}, ASSAY_ATTR_END};
    if (!is_add(s) && strcmp(reduction, "none") != 0)
        return assay_onnx_not_spelled(s, "reduces by other than a sum");
    if (!(ASSAY_TYPES_FLOAT >> s->x.dtype & 1))
        return assay_onnx_not_spelled(s, "scatters other than floats");
    memcpy(list[1].list, dims, (size_t)rank * sizeof *dims);
    memcpy(flat, dims, (size_t)rank * sizeof *dims);
    flat[0] = (int64_t)assay_onnx_seen(s, place).elements;
    int32_t at = PUT(s, "Reshape", place, assay_onnx_numbers(s, 1, &all)), rows = assay_onnx_reshape(s, updates, rank, flat);
    int32_t sums = assay_onnx_put(s, "assay.GatherGrad", (int32_t[]){rows, at}, 2, list);
    sums = assay_onnx_reshape(s, sums, s->x.rank, s->x.dims);
    if (is_add(s))
        return GIVE(s, "Add", assay_onnx_in(s, 0), sums);
    int32_t one = PUT(s, "Expand", assay_onnx_scalar(s, s->x.dtype, 1), assay_onnx_numbers(s, (size_t)rank, flat));
    int32_t hits = assay_onnx_put(s, "assay.GatherGrad", (int32_t[]){one, at}, 2, list);
    int32_t hit = PUT(s, "Greater", assay_onnx_reshape(s, hits, s->x.rank, s->x.dims), assay_onnx_scalar(s, s->x.dtype, 0));
    return GIVE(s, "Where", hit, sums, assay_onnx_in(s, 0));
}

static enum assay_code scatter_elements(struct assay_onnx_spelling *s)
{
    struct assay_value at = assay_onnx_seen(s, assay_onnx_in(s, 1)), updates = assay_onnx_seen(s, assay_onnx_in(s, 2));
    int32_t            axis = assay_onnx_axis(s, "axis", 0, 0);
    int64_t            all = (int64_t)s->x.elements;
    if (axis < 0)
        return s->err->code;
    bool fits = at.rank == s->x.rank && s->x.elements && updates.elements == at.elements && updates.dtype == s->x.dtype;
    for (int32_t d = 0; fits && d < at.rank; d++)
        fits = (d == axis || at.dims[d] <= s->x.dims[d]) && at.dims[d] == updates.dims[d];
    if (!fits)
        return assay_onnx_not_spelled(s, "has indices or updates that its operand does not hold");
    return scatter(s, assay_onnx_places(s, assay_onnx_in(s, 0), assay_onnx_in(s, 1), axis), assay_onnx_in(s, 2), 1, &all);
}

/* The shape that was pooled, if the last window ended at its end. */
static bool unpooled(const struct assay_onnx_spelling *s, int64_t dims[ASSAY_MAX_RANK])
{
    const struct assay_attr *kernel = assay_onnx_list(s, "kernel_shape"), *strides = assay_onnx_list(s, "strides"), *pads = assay_onnx_list(s, "pads");
    size_t                   n = s->x.rank > 2 ? (size_t)s->x.rank - 2 : 0;
    if (!n || !kernel || kernel->n != n || (strides && strides->n != n) || (pads && pads->n != 2 * n))
        return false;
    memcpy(dims, s->x.dims, sizeof s->x.dims);
    for (size_t i = 0; i < n; i++) {
        int64_t stride = strides ? strides->list[i] : 1, less = pads ? pads->list[i] + pads->list[i + n] : 0;
        if (stride < 1 || stride > INT32_MAX || kernel->list[i] < 1 || kernel->list[i] > INT32_MAX || less < 0 || less > INT32_MAX || dims[i + 2] > INT32_MAX)
            return false;
        dims[i + 2] = (dims[i + 2] - 1) * stride + kernel->list[i] - less;
        if (dims[i + 2] < 1)
            return false;
    }
    return true;
}

/* Each x at its place, zeros elsewhere. Places count through the shape that was pooled; operand 2 may add zeros behind it. */
static enum assay_code max_unpool(struct assay_onnx_spelling *s)
{
    struct assay_value at = assay_onnx_seen(s, assay_onnx_in(s, 1));
    int64_t            small[ASSAY_MAX_RANK], dims[ASSAY_MAX_RANK], pads[2 * ASSAY_MAX_RANK] = {0}, flat = (int64_t)s->x.elements, all = 1;
    size_t             n = (size_t)s->x.rank;
    if (!unpooled(s, small) || at.rank != s->x.rank || at.elements != s->x.elements || !(ASSAY_TYPES_FLOAT >> s->x.dtype & 1))
        return assay_onnx_not_spelled(s, "has windows or places that do not fit its operand");
    memcpy(dims, small, sizeof dims);
    if (assay_onnx_in(s, 2) != ASSAY_NO_VALUE && (!assay_onnx_const(s, 2, ASSAY_MAX_RANK, dims, &n) || n != (size_t)s->x.rank))
        return s->err->code ? s->err->code : assay_onnx_not_spelled(s, "has a shape of another number of axes");
    for (int32_t d = 0; d < s->x.rank; d++) {
        if (dims[d] < small[d])
            return assay_onnx_not_spelled(s, "has a shape smaller than what was pooled");
        pads[s->x.rank + d] = dims[d] - small[d];
        all = assay_onnx_times(all, small[d]);
    }
    struct assay_attr list[] = {ASSAY_ATTR_INT("axis", 0), {.name = "input_shape", .type = ASSAY_ATTR_I64S, .n = 1, .list = {all}}, ASSAY_ATTR_END};
    int32_t           x = assay_onnx_reshape(s, assay_onnx_in(s, 0), 1, &flat), place = assay_onnx_reshape(s, assay_onnx_in(s, 1), 1, &flat);
    int32_t           y = assay_onnx_put(s, "assay.GatherGrad", (int32_t[]){x, place}, 2, list);
    return GIVE(s, "Pad", assay_onnx_reshape(s, y, s->x.rank, small), assay_onnx_numbers(s, 2 * n, pads));
}

/* ---- places by several axes -------------------------------------------------------------------------------------- */

/* x as [all that indices choose from, inner..]; indices [.., k] choose along k axes behind the first `batch`. */
struct chosen {
    int32_t batch, k, inner_rank;
    int64_t dims[ASSAY_MAX_RANK];
};

static enum assay_code read_chosen(struct assay_onnx_spelling *s, int64_t batch, struct chosen *c)
{
    struct assay_value at = assay_onnx_seen(s, assay_onnx_in(s, 1));
    int64_t            k = at.rank > 0 ? at.dims[at.rank - 1] : 0;
    bool               fits = at.rank > 0 && at.rank + s->x.rank <= ASSAY_MAX_RANK && s->x.elements && batch >= 0 && batch < at.rank && k >= 1 &&
                batch + k <= s->x.rank;
    for (int32_t d = 0; fits && d < (int32_t)batch; d++)
        fits = at.dims[d] == s->x.dims[d];
    if (!fits)
        return assay_onnx_not_spelled(s, "has indices that its operand does not hold, or more than 8 axes with them");
    *c = (struct chosen){.batch = (int32_t)batch, .k = (int32_t)k};
    c->dims[0] = (int64_t)assay_shape_count(s->x.dims, 0, c->batch + c->k);
    for (int32_t d = c->batch + c->k; d < s->x.rank; d++)
        c->dims[++c->inner_rank] = s->x.dims[d];
    return ASSAY_OK;
}

/* Of every index tuple the place along the first of c's axes, in the shape of the indices without their last axis. */
static int32_t places_of(struct assay_onnx_spelling *s, const struct chosen *c)
{
    struct assay_value      at = assay_onnx_seen(s, assay_onnx_in(s, 1));
    const struct assay_attr last[] = {ASSAY_ATTR_INT("axis", at.rank - 1), ASSAY_ATTR_END};
    int32_t                 wide = assay_onnx_cast(s, assay_onnx_in(s, 1), ASSAY_I64), place = ASSAY_NO_VALUE;
    int64_t                 step = 1;
    for (int32_t j = c->k - 1; j >= 0; step *= s->x.dims[c->batch + j--]) {
        int32_t one = assay_onnx_put(s, "Gather", (int32_t[]){wide, assay_onnx_scalar(s, ASSAY_I64, j)}, 2, last);
        one = PUT(s, "Mul", assay_onnx_from_zero(s, one, s->x.dims[c->batch + j]), assay_onnx_scalar(s, ASSAY_I64, (double)step));
        place = place == ASSAY_NO_VALUE ? one : PUT(s, "Add", place, one);
    }
    for (int32_t d = c->batch - 1; d >= 0; step *= s->x.dims[d--])
        place = PUT(s, "Add", place, assay_onnx_count(s, s->x.dims[d], at.rank - 1, d, step));
    return place;
}

static enum assay_code gather_nd(struct assay_onnx_spelling *s)
{
    struct chosen c = {0};
    if (read_chosen(s, assay_onnx_i64(s, "batch_dims", 0), &c))
        return s->err->code;
    return GIVE(s, "Gather", assay_onnx_reshape(s, assay_onnx_in(s, 0), 1 + c.inner_rank, c.dims), places_of(s, &c));
}

static enum assay_code scatter_nd(struct assay_onnx_spelling *s)
{
    struct chosen      c = {0};
    struct assay_value updates = assay_onnx_seen(s, assay_onnx_in(s, 2)), at = assay_onnx_seen(s, assay_onnx_in(s, 1));
    if (read_chosen(s, 0, &c))
        return s->err->code;
    bool fits = updates.dtype == s->x.dtype && updates.rank == at.rank - 1 + c.inner_rank;
    for (int32_t d = 0; fits && d < updates.rank; d++)
        fits = updates.dims[d] == (d < at.rank - 1 ? at.dims[d] : c.dims[d - at.rank + 2]);
    if (!fits)
        return assay_onnx_not_spelled(s, "has updates that are no slices of its operand");
    return scatter(s, places_of(s, &c), assay_onnx_in(s, 2), 1 + c.inner_rank, c.dims);
}

const struct assay_onnx_spelled_row assay_onnx_spelled_scattering[] = {
    {"GatherND", gather_nd, NULL},
    {"MaxUnpool", max_unpool, NULL},
    {"ScatterElements", scatter_elements, NULL},
    {"Scatter", scatter_elements, NULL}, /* its name before opset 11 */
    {"ScatterND", scatter_nd, NULL},
    {NULL, NULL, NULL},
};
