/* What changed between versions is told by onnx/docs/Changelog.md. */
#include "harness/ir/onnx/upgrade.h"

#include <inttypes.h>

#include "assay/banned.h"

typedef enum assay_code (*converter)(struct assay_onnx_call *call, struct assay_error *err);

static struct assay_attr *find(struct assay_onnx_call *call, const char *name)
{
    struct assay_attr *a = call->attrs;
    while (a->name && strcmp(a->name, name) != 0)
        a++;
    return a->name ? a : NULL;
}

static void drop(struct assay_onnx_call *call, const char *name)
{
    struct assay_attr *a = find(call, name);
    for (; a && a->name; a++)
        a[0] = a[1];
}

static enum assay_code refuse(const struct assay_onnx_call *call, const char *why, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.60s '%.60s' of an old opset %s, which is not read", call->op, call->name, why);
}

static void set_operand(struct assay_onnx_call *call, size_t at, int32_t value)
{
    while (call->n_in <= at)
        call->in[call->n_in++] = ASSAY_NO_VALUE;
    call->in[at] = value;
}

static const char *const_name(const struct assay_onnx_call *call, const char *what, char *out, size_t capacity)
{
    (void)snprintf(out, capacity, "%.90s/%s", call->name, what);
    for (unsigned n = 2; assay_graph_find(call->graph, out) != ASSAY_NO_VALUE; n++) /* long names may have one beginning */
        (void)snprintf(out, capacity, "%.90s/%s/%u", call->name, what, n);
    return out;
}

/* A list, or one number, that was an attribute and became operand `at`. */
static enum assay_code list_to_operand(struct assay_onnx_call *call, const char *name, size_t at)
{
    struct assay_attr *a = find(call, name);
    char               as[ASSAY_VALUE_NAME_BYTES];
    if (!a)
        return ASSAY_OK;
    int32_t value = a->type == ASSAY_ATTR_I64S ? assay_graph_i64s(call->graph, const_name(call, name, as, sizeof as), a->n, a->list)
                                               : assay_graph_i64s(call->graph, const_name(call, name, as, sizeof as), 1, &a->i);
    set_operand(call, at, value);
    drop(call, name);
    return call->graph->first_error.code;
}

/* The same of a number, which takes the type of operand 0: f32 is all that old files have. */
static enum assay_code number_to_operand(struct assay_onnx_call *call, const char *name, size_t at, struct assay_error *err)
{
    struct assay_attr        *a = find(call, name);
    const struct assay_value *x = assay_graph_value(call->graph, call->in[0]);
    char                      as[ASSAY_VALUE_NAME_BYTES];
    if (!a)
        return ASSAY_OK;
    if (!x || x->dtype != ASSAY_F32)
        return refuse(call, "has numbers as attributes of what is not f32", err);
    const float number = (float)a->f;
    set_operand(call, at, assay_graph_const(call->graph, const_name(call, name, as, sizeof as), ASSAY_F32, 0, NULL, &number));
    drop(call, name);
    return call->graph->first_error.code;
}

/* ---- converters ---- */

/* Operand 1, whose axes are those of operand 0 from `axis` on, with ones behind them, so that they are aligned as today. */
static enum assay_code align(struct assay_onnx_call *call, int64_t axis, struct assay_error *err)
{
    const struct assay_value *a = assay_graph_value(call->graph, call->in[0]), *b = assay_graph_value(call->graph, call->in[1]);
    char                      as[ASSAY_VALUE_NAME_BYTES];
    int64_t                   dims[ASSAY_MAX_RANK];
    if (!a || !b)
        return refuse(call, "lacks an operand", err);
    axis += axis < 0 ? a->rank : 0;
    if (axis < 0 || axis + b->rank > a->rank)
        return refuse(call, "aligns shapes by an 'axis' that does not fit", err);
    int32_t rank = a->rank - (int32_t)axis;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = i < b->rank ? b->dims[i] : 1;
    int32_t to[] = {call->in[1], assay_graph_i64s(call->graph, const_name(call, "shape", as, sizeof as), (size_t)rank, dims)};
    call->in[1] = assay_graph_op(call->graph, "Reshape", const_name(call, "aligned", as, sizeof as), to, 2, NULL);
    return call->graph->first_error.code;
}

/* Before 7 the second operand is stretched only where `broadcast` says so, and from its last axis on if `axis` is absent: as
 * it is today. */
static enum assay_code broadcast(struct assay_onnx_call *call, struct assay_error *err)
{
    const struct assay_attr *axis = find(call, "axis");
    if (axis && call->n_in == 2 && align(call, axis->i, err))
        return err->code ? err->code : call->graph->first_error.code;
    drop(call, "axis");
    drop(call, "broadcast");
    drop(call, "consumed_inputs");
    return ASSAY_OK;
}

/* Before 7 a slope of several numbers has one for each channel. */
static enum assay_code slope(struct assay_onnx_call *call, struct assay_error *err)
{
    const struct assay_value *b = call->n_in == 2 ? assay_graph_value(call->graph, call->in[1]) : NULL;
    drop(call, "consumed_inputs");
    return b && b->rank == 1 && b->elements > 1 ? align(call, 1, err) : ASSAY_OK;
}

/* Up to 6 `is_test` tells inference from training, up to 11 nothing does: a model that is read is not trained. */
static enum assay_code dropout(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    drop(call, "is_test");
    drop(call, "ratio");
    drop(call, "consumed_inputs");
    return ASSAY_OK;
}

static enum assay_code consumed(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    drop(call, "consumed_inputs");
    return ASSAY_OK;
}

static enum assay_code axes(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    return list_to_operand(call, "axes", 1);
}

/* Before 18 outputs of equal length are asked for by their number alone. */
static enum assay_code lengths(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    if (!find(call, "split") && call->n_in == 1 && !find(call, "num_outputs")) {
        struct assay_attr *end = call->attrs;
        while (end->name)
            end++;
        if (end < call->attrs + ASSAY_ATTR_MAX_LENGTH) {
            end[0] = ASSAY_ATTR_INT("num_outputs", (int64_t)call->n_out);
            end[1] = ASSAY_ATTR_END;
        }
    }
    return list_to_operand(call, "split", 1);
}

static enum assay_code slice(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    if (list_to_operand(call, "starts", 1) || list_to_operand(call, "ends", 2))
        return call->graph->first_error.code;
    return list_to_operand(call, "axes", 3);
}

static enum assay_code shape(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    drop(call, "consumed_inputs");
    return list_to_operand(call, "shape", 1);
}

static enum assay_code k(struct assay_onnx_call *call, struct assay_error *err)
{
    (void)err;
    return list_to_operand(call, "k", 1);
}

static enum assay_code pad(struct assay_onnx_call *call, struct assay_error *err)
{
    if (list_to_operand(call, "pads", 1))
        return call->graph->first_error.code;
    return number_to_operand(call, "value", 2, err);
}

static enum assay_code clip(struct assay_onnx_call *call, struct assay_error *err)
{
    drop(call, "consumed_inputs");
    enum assay_code code = number_to_operand(call, "min", 1, err);
    return code ? code : number_to_operand(call, "max", 2, err);
}

/* Upsample, and Resize before 11: scales are operand 1, and element i comes from i / scale. */
static enum assay_code upsample(struct assay_onnx_call *call, struct assay_error *err)
{
    struct assay_attr *end = call->attrs;
    while (end->name)
        end++;
    if (call->n_in != 2 || end + 2 >= call->attrs + ASSAY_ATTR_MAX_LENGTH)
        return refuse(call, "has no scales among its operands", err);
    end[0] = ASSAY_ATTR_STRING("coordinate_transformation_mode", "asymmetric");
    end[1] = ASSAY_ATTR_STRING("nearest_mode", "floor");
    end[2] = ASSAY_ATTR_END;
    set_operand(call, 2, call->in[1]);
    call->in[1] = ASSAY_NO_VALUE;
    call->op = "Resize";
    return ASSAY_OK;
}

/* Before 13 over all axes from `axis` on at once; where that is the last one alone, it is today's op. */
static enum assay_code softmax(struct assay_onnx_call *call, struct assay_error *err)
{
    const struct assay_attr  *a = find(call, "axis");
    const struct assay_value *x = call->n_in ? assay_graph_value(call->graph, call->in[0]) : NULL;
    int64_t                   axis = a ? a->i : 1;
    if (!x || (axis != x->rank - 1 && axis != -1))
        return refuse(call, "goes over several axes", err);
    drop(call, "axis");
    return ASSAY_OK;
}

/* Before 7 `is_test` tells inference from training, before 14 the number of outputs does. */
static enum assay_code normalization(struct assay_onnx_call *call, struct assay_error *err)
{
    const struct assay_attr *spatial = find(call, "spatial");
    if (call->n_out > 1)
        return refuse(call, "trains", err);
    if (spatial && spatial->i != 1)
        return refuse(call, "has statistics of every activation", err);
    drop(call, "spatial");
    drop(call, "is_test");
    drop(call, "consumed_inputs");
    return ASSAY_OK;
}

static enum assay_code normalization_1(struct assay_onnx_call *call, struct assay_error *err)
{
    const struct assay_attr *test = find(call, "is_test");
    if (!test || test->i == 0)
        return refuse(call, "trains", err);
    return normalization(call, err);
}

/* ---- the table ---- */

/* From opset `from` up to, without it, `before`. */
static const struct {
    const char *op;
    int64_t     from, before;
    converter   convert;
} rows[] = {
    {"Add", 1, 7, broadcast},         {"Sub", 1, 7, broadcast},        {"Mul", 1, 7, broadcast},       {"Div", 1, 7, broadcast},
    {"Pow", 1, 7, broadcast},         {"Equal", 1, 7, broadcast},      {"Less", 1, 7, broadcast},      {"Greater", 1, 7, broadcast},
    {"And", 1, 7, broadcast},         {"Gemm", 1, 7, broadcast},       {"Max", 1, 8, broadcast},       {"Min", 1, 8, broadcast},
    {"Reshape", 1, 5, shape},         {"Slice", 1, 10, slice},         {"TopK", 1, 10, k},             {"Clip", 1, 11, clip},
    {"Pad", 2, 11, pad},              {"Softmax", 1, 13, softmax},     {"LogSoftmax", 1, 13, softmax}, {"Squeeze", 1, 13, axes},
    {"Unsqueeze", 1, 13, axes},       {"Split", 2, 18, lengths},       {"ReduceSum", 1, 13, axes},     {"ReduceMean", 1, 18, axes},
    {"ReduceSumSquare", 1, 18, axes}, {"ReduceL2", 1, 18, axes},       {"ReduceMax", 1, 18, axes},     {"ReduceMin", 1, 18, axes},
    {"BatchNormalization", 1, 7, normalization_1}, {"BatchNormalization", 7, 15, normalization},
    {"ReduceL1", 1, 18, axes},        {"ReduceLogSum", 1, 18, axes},   {"ReduceLogSumExp", 1, 18, axes}, {"ReduceProd", 1, 18, axes},
    {"Or", 1, 7, broadcast},          {"Xor", 1, 7, broadcast},        {"PRelu", 1, 7, slope},         {"Dropout", 1, 12, dropout},
    {"LeakyRelu", 1, 6, consumed},    {"Elu", 1, 6, consumed},         {"Selu", 1, 6, consumed},       {"HardSigmoid", 1, 6, consumed},
    {"Hardmax", 1, 13, softmax},      {"Upsample", 9, 25, upsample},   {"Resize", 10, 11, upsample},
};

/* What has no converter: before these versions the op means something else. */
static const struct {
    const char *op;
    int64_t     version;
} oldest[] = {{"Concat", 4}, {"Pad", 2}, {"Split", 2}, {"Resize", 10}, {"GroupNormalization", 21}, {"Tile", 6}};

enum assay_code assay_onnx_upgrade(struct assay_onnx_call *call, int64_t opset, struct assay_error *err)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (opset >= rows[i].from && opset < rows[i].before && strcmp(rows[i].op, call->op) == 0)
            return rows[i].convert(call, err);
    return ASSAY_OK;
}

int64_t assay_onnx_since(const char *op)
{
    const struct assay_op_row *row = assay_op_find(op);
    if (!row || *row->domain)
        return 0;
    for (size_t i = 0; i < sizeof oldest / sizeof *oldest; i++)
        if (strcmp(oldest[i].op, op) == 0)
            return oldest[i].version;
    return 1;
}
