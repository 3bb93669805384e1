/* Conv (ONNX 22): Y = X convolved with W, plus B, for X [n, c, d1..], W [m, c/group, k1..], B [m], Y [n, m, o1..] of
 * one to three spatial axes. With window w = (k - 1) dilation + 1,
 *     o = floor((d + pad at begin + pad at end - w) / stride) + 1;
 * auto_pad VALID pads nothing; SAME_UPPER and SAME_LOWER pad so that o = ceil(d / stride), the odd one at the end or
 * at the beginning. In a built graph kernel_shape, strides, dilations and pads always stand in the node and auto_pad
 * is NOTSET, so that a reader needs nothing else.
 * Cost: 2 (c/group) k1 k2 .. flops an output element, padding included, and one to add B. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

#define MAX_SPATIAL 3
/* Kernels, strides, dilations and pads beyond this are mistakes, and would overflow. */
#define MAX_NUMBER INT64_C(0x7fffffff)

static const struct assay_attr_row attrs[] = {
    {.name = "auto_pad", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "NOTSET"},
    {.name = "dilations", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "group", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "pads", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "strides", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

struct geometry {
    int32_t spatial;
    int64_t kernel[MAX_SPATIAL], strides[MAX_SPATIAL], dilations[MAX_SPATIAL], pads[2 * MAX_SPATIAL];
};

/* The n numbers of an attribute, each in min..MAX_NUMBER; without it they stay. */
static enum assay_code read_list(const struct assay_infer *in, const char *name, int32_t n, int64_t min, int64_t *list,
                                 struct assay_error *err)
{
    const struct assay_attr *attr = assay_node_attr(in->node, name);
    if (!attr)
        return ASSAY_OK;
    if (attr->n != (size_t)n)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%s has %zu numbers, not %" PRId32, name, attr->n, n);
    for (int32_t i = 0; i < n; i++) {
        list[i] = attr->list[i];
        if (list[i] < min || list[i] > MAX_NUMBER)
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                      "%s holds %" PRId64 ", which is not in %" PRId64 "..%" PRId64, name, list[i], min,
                                      MAX_NUMBER);
    }
    return ASSAY_OK;
}

static enum assay_code read_geometry(const struct assay_infer *in, struct geometry *geo, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *w = in->in[1];
    int32_t n = geo->spatial = x->rank - 2;
    for (int32_t i = 0; i < n; i++) {
        geo->kernel[i] = w->dims[i + 2];
        geo->strides[i] = geo->dilations[i] = 1;
        geo->pads[i] = geo->pads[n + i] = 0;
    }
    enum assay_code code = read_list(in, "kernel_shape", n, 1, geo->kernel, err);
    if (!code)
        code = read_list(in, "strides", n, 1, geo->strides, err);
    if (!code)
        code = read_list(in, "dilations", n, 1, geo->dilations, err);
    if (!code)
        code = read_list(in, "pads", 2 * n, 0, geo->pads, err);
    for (int32_t i = 0; !code && i < n; i++) {
        if (geo->kernel[i] != w->dims[i + 2])
            code = ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "kernel_shape says %" PRId64 " for its axis %d",
                                      geo->kernel[i], (int)i + 2);
        else if (geo->kernel[i] < 1 || geo->kernel[i] > MAX_NUMBER)
            code =
                ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "a kernel's lengths are in 1..%" PRId64, MAX_NUMBER);
    }
    return code;
}

static int64_t window(const struct geometry *geo, int32_t i)
{
    return (geo->kernel[i] - 1) * geo->dilations[i] + 1;
}

static enum assay_code resolve_auto_pad(const struct assay_infer *in, struct geometry *geo, struct assay_error *err)
{
    const char *mode = assay_node_text(in->node, "auto_pad", "NOTSET");
    bool lower = !strcmp(mode, "SAME_LOWER"), same = lower || !strcmp(mode, "SAME_UPPER");
    if (!strcmp(mode, "NOTSET"))
        return ASSAY_OK;
    if (!same && strcmp(mode, "VALID") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, got '%.32s'", mode);
    if (assay_node_attr(in->node, "pads"))
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "auto_pad %s and pads exclude each other", mode);
    for (int32_t i = 0; same && i < geo->spatial; i++) {
        int64_t d = in->in[0]->dims[i + 2], s = geo->strides[i];
        int64_t o = d / s + (d % s != 0);
        int64_t pad = o ? (o - 1) * s + window(geo, i) - d : 0;
        if (pad < 0)
            pad = 0;
        geo->pads[i] = lower ? pad - pad / 2 : pad / 2;
        geo->pads[geo->spatial + i] = pad - geo->pads[i];
    }
    return ASSAY_OK;
}

static enum assay_code check_channels(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *w = in->in[1], *b = in->in[2];
    int64_t group = assay_node_i64(in->node, "group", 1), c = x->dims[1], m = w->dims[0];
    if (w->rank != x->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the ranks must be equal");
    if (group < 1)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "group must be positive, got %" PRId64,
                                  group);
    if (c % group || c / group != w->dims[1])
        return ASSAY_INFER_REFUSE(in, err, 0, 1,
                                  "%" PRId64 " channels in %" PRId64 " groups do not meet %" PRId64 " in a kernel", c,
                                  group, w->dims[1]);
    if (m % group)
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE,
                                  "%" PRId64 " kernels do not divide into %" PRId64 " groups", m, group);
    if (b && (b->rank != 1 || b->dims[0] != m))
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "the bias must be [%" PRId64 "]", m);
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *w = in->in[1];
    struct geometry geo;
    int64_t dims[2 + MAX_SPATIAL] = {0};
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    for (int i = 1; !code && i < 3; i++)
        code = assay_infer_same_type(in, 0, i, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, 2 + MAX_SPATIAL, err);
    if (!code)
        code = check_channels(in, err);
    if (!code)
        code = read_geometry(in, &geo, err);
    if (!code)
        code = resolve_auto_pad(in, &geo, err);
    if (code)
        return code;
    dims[0] = x->dims[0];
    dims[1] = w->dims[0];
    for (int32_t i = 0; i < geo.spatial; i++) {
        int64_t room = x->dims[i + 2] + geo.pads[i] + geo.pads[geo.spatial + i], wide = window(&geo, i);
        /* SAME of an empty axis is empty; any other window must fit once. */
        bool same = !strncmp(assay_node_text(in->node, "auto_pad", "NOTSET"), "SAME", 4);
        if (room < wide && !(same && x->dims[i + 2] == 0))
            return ASSAY_INFER_REFUSE(in, err, 0, 1,
                                      "a window of %" PRId64 " does not fit axis %d, %" PRId64 " long with its pads",
                                      wide, (int)i + 2, room);
        dims[i + 2] = room < wide ? 0 : (room - wide) / geo.strides[i] + 1;
    }
    size_t n = (size_t)geo.spatial;
    assay_infer_set_i64s(in, "kernel_shape", n, geo.kernel);
    assay_infer_set_i64s(in, "strides", n, geo.strides);
    assay_infer_set_i64s(in, "dilations", n, geo.dilations);
    assay_infer_set_i64s(in, "pads", 2 * n, geo.pads);
    assay_infer_set_text(in, "auto_pad", "NOTSET");
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *w = assay_graph_value(g, node->inputs[1]);
    uint64_t depth = assay_shape_count(w->dims, 1, w->rank), elements = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, assay_count_multiply(2, depth), elements);
    if (node->n_inputs > 2)
        assay_cost_flops(cost, 1, elements);
}

ASSAY_OP_IR(Conv) = {.attrs = attrs, .infer = infer, .cost = cost};
