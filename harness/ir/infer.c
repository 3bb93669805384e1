/* What the ops' inference shares. */
#include "harness/ir/infer.h"

#include <inttypes.h>
#include <string.h>

#include "assay/banned.h"

/* ---- refusing ------------------------------------------------------------------------------------------ */

static void describe_input(const struct assay_infer *in, int i, struct assay_text *out)
{
    assay_text_add(out, "input %d '%s' ", i, in->in[i]->name);
    assay_value_describe(in->in[i], out);
}

void assay_infer_refuse(const struct assay_infer *in, struct assay_error *err, const char *where, int first, int second,
                        const char *fmt, ...)
{
    char message[sizeof err->message];
    struct assay_text text = ASSAY_TEXT(message);
    va_list args;
    assay_text_add(&text, "%s '%s': ", in->node->op->name, in->node->name);
    if (first >= 0)
        describe_input(in, first, &text);
    if (second >= 0) {
        assay_text_add(&text, " and ");
        describe_input(in, second, &text);
    }
    if (first >= 0)
        assay_text_add(&text, ": ");
    va_start(args, fmt);
    (void)vsnprintf(text.at + text.length, text.capacity - text.length, fmt, args);
    va_end(args);
    (void)assay_error_set(err, ASSAY_CONFIG, where, "%s", message);
}

/* ---- types --------------------------------------------------------------------------------------------- */

enum assay_code assay_infer_type(const struct assay_infer *in, int i, uint32_t types, struct assay_error *err)
{
    char list[128];
    struct assay_text text = ASSAY_TEXT(list);
    if (!in->in[i] || types & ASSAY_TYPE(in->in[i]->dtype))
        return ASSAY_OK;
#define X(id, number, name, bits, is_float)                                                                            \
    if (types & ASSAY_TYPE(number))                                                                                    \
        assay_text_add(&text, " " name);
    ASSAY_DTYPES(X)
#undef X
    return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "the type must be one of%s", list);
}

enum assay_code assay_infer_same_type(const struct assay_infer *in, int as, int i, struct assay_error *err)
{
    if (!in->in[i] || in->in[i]->dtype == in->in[as]->dtype)
        return ASSAY_OK;
    return ASSAY_INFER_REFUSE(in, err, as, i, "the types must be equal");
}

enum assay_code assay_infer_rank(const struct assay_infer *in, int i, int32_t min, int32_t max, struct assay_error *err)
{
    if (!in->in[i] || (in->in[i]->rank >= min && in->in[i]->rank <= max))
        return ASSAY_OK;
    if (min == max)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "the rank must be %" PRId32, min);
    return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "the rank must be in %" PRId32 "..%" PRId32, min, max);
}

static const struct {
    enum assay_dtype dtype;
    int64_t number;
} onnx_types[] = {{ASSAY_F32, 1},     {ASSAY_U8, 2},      {ASSAY_I8, 3},  {ASSAY_I32, 6}, {ASSAY_I64, 7},     {ASSAY_BOOL, 9},
                  {ASSAY_F16, 10},    {ASSAY_F64, 11},    {ASSAY_BF16, 16}, {ASSAY_F8E4M3, 17}, {ASSAY_F8E5M2, 19},
                  {ASSAY_U4, 21},     {ASSAY_I4, 22},     {ASSAY_F4E2M1, 23}, {ASSAY_F8E8M0, 24}};

enum assay_dtype assay_onnx_dtype(int64_t number)
{
    for (size_t i = 0; i < sizeof onnx_types / sizeof *onnx_types; i++)
        if (onnx_types[i].number == number)
            return onnx_types[i].dtype;
    return ASSAY_DTYPE_NONE;
}

int64_t assay_onnx_number(enum assay_dtype dtype)
{
    for (size_t i = 0; i < sizeof onnx_types / sizeof *onnx_types; i++)
        if (onnx_types[i].dtype == dtype)
            return onnx_types[i].number;
    return 0;
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

bool assay_shape_broadcast(int32_t rank_a, const int64_t *a, int32_t rank_b, const int64_t *b, int32_t *rank,
                           int64_t *out)
{
    int64_t common[ASSAY_MAX_RANK] = {0};
    int32_t r = rank_a > rank_b ? rank_a : rank_b;
    for (int32_t i = 0; i < r; i++) {
        int64_t from_a = i < r - rank_a ? 1 : a[i - (r - rank_a)];
        int64_t from_b = i < r - rank_b ? 1 : b[i - (r - rank_b)];
        if (from_a != from_b && from_a != 1 && from_b != 1)
            return false;
        common[i] = from_a == 1 ? from_b : from_a;
    }
    memcpy(out, common, (size_t)r * sizeof *out);
    *rank = r;
    return true;
}

bool assay_shape_stretches(int32_t rank, const int64_t *dims, int32_t rank_to, const int64_t *to)
{
    if (rank > rank_to)
        return false;
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] != 1 && dims[i] != to[i + rank_to - rank])
            return false;
    }
    return true;
}

uint64_t assay_shape_count(const int64_t *dims, int32_t begin, int32_t end)
{
    uint64_t count = 1;
    for (int32_t i = begin; i < end; i++)
        count = assay_count_multiply(count, (uint64_t)dims[i]);
    return count;
}

enum assay_code assay_infer_stretches(const struct assay_infer *in, int i, int to, struct assay_error *err)
{
    const struct assay_value *v = in->in[i], *target = in->in[to];
    if (!v || assay_shape_stretches(v->rank, v->dims, target->rank, target->dims))
        return ASSAY_OK;
    return ASSAY_INFER_REFUSE(in, err, i, to, "the first does not stretch to the second");
}

enum assay_code assay_infer_same_shape(const struct assay_infer *in, int as, int i, struct assay_error *err)
{
    if (!in->in[i] || assay_value_same_shape(in->in[as], in->in[i]))
        return ASSAY_OK;
    return ASSAY_INFER_REFUSE(in, err, as, i, "the shapes must be equal");
}

void assay_infer_output(const struct assay_infer *in, int o, enum assay_dtype dtype, int32_t rank, const int64_t *dims)
{
    struct assay_value *out = in->out[o];
    if (!out)
        return;
    out->dtype = dtype;
    out->rank = rank;
    for (int32_t i = 0; i < rank && i < ASSAY_MAX_RANK; i++)
        out->dims[i] = dims[i];
}

enum assay_code assay_infer_unary(const struct assay_infer *in, uint32_t types, struct assay_error *err)
{
    enum assay_code code = assay_infer_type(in, 0, types, err);
    if (!code)
        assay_infer_output(in, 0, in->in[0]->dtype, in->in[0]->rank, in->in[0]->dims);
    return code;
}

enum assay_code assay_infer_product(const struct assay_infer *in, enum assay_dtype out, struct assay_error *err)
{
    const struct assay_value *a = in->in[0], *b = in->in[1];
    int64_t                   dims[ASSAY_MAX_RANK + 2];
    int32_t                   batch_a = a->rank > 2 ? a->rank - 2 : 0, batch_b = b->rank > 2 ? b->rank - 2 : 0, rank;
    enum assay_code           code = ASSAY_OK;
    for (int i = 0; !code && i < 2; i++)
        code = assay_infer_rank(in, i, 1, ASSAY_MAX_RANK, err);
    if (code)
        return code;
    int64_t k = a->dims[a->rank - 1], k_b = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    if (k != k_b)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the inner lengths %" PRId64 " and %" PRId64 " differ", k, k_b);
    if (!assay_shape_broadcast(batch_a, a->dims, batch_b, b->dims, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the axes before the last two do not broadcast");
    if (a->rank > 1)
        dims[rank++] = a->dims[a->rank - 2];
    if (b->rank > 1)
        dims[rank++] = b->dims[b->rank - 1];
    assay_infer_output(in, 0, out, rank, dims);
    return ASSAY_OK;
}

enum assay_code assay_infer_binary(const struct assay_infer *in, uint32_t types, struct assay_error *err)
{
    const struct assay_value *a = in->in[0], *b = in->in[1];
    int64_t dims[ASSAY_MAX_RANK];
    int32_t rank;
    enum assay_code code = assay_infer_type(in, 0, types, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (code)
        return code;
    if (!assay_shape_broadcast(a->rank, a->dims, b->rank, b->dims, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the shapes do not broadcast");
    assay_infer_output(in, 0, a->dtype, rank, dims);
    return ASSAY_OK;
}

enum assay_code assay_infer_pair(const struct assay_infer *in, uint32_t types, struct assay_error *err)
{
    enum assay_code code = assay_infer_type(in, 0, types, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_same_shape(in, 0, 1, err);
    if (!code)
        assay_infer_output(in, 0, in->in[0]->dtype, in->in[0]->rank, in->in[0]->dims);
    return code;
}

enum assay_code assay_infer_comparison(const struct assay_infer *in, uint32_t types, struct assay_error *err)
{
    enum assay_code code = assay_infer_binary(in, types, err);
    if (!code && in->out[0])
        in->out[0]->dtype = ASSAY_BOOL;
    return code;
}

/* ---- attributes and const inputs ----------------------------------------------------------------------- */

enum assay_code assay_infer_axis(const struct assay_infer *in, const char *name, int32_t *axis, struct assay_error *err)
{
    int64_t given = assay_node_i64(in->node, name, -1), rank = in->in[0]->rank;
    if (given < -rank || given >= rank)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%s %" PRId64 " is not an axis of it", name, given);
    *axis = (int32_t)(given < 0 ? given + rank : given);
    assay_infer_set_i64(in, name, *axis);
    return ASSAY_OK;
}

enum assay_code assay_infer_range(const struct assay_infer *in, const char *name, int64_t min, int64_t max,
                                  struct assay_error *err)
{
    int64_t given = assay_node_i64(in->node, name, min);
    if (given >= min && given <= max)
        return ASSAY_OK;
    return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                              "%s must be in %" PRId64 "..%" PRId64 ", got %" PRId64, name, min, max, given);
}

enum assay_code assay_infer_stash(const struct assay_infer *in, enum assay_dtype *stash, struct assay_error *err)
{
    int64_t number = assay_node_i64(in->node, "stash_type", 1);
    if (number != 1 && number != 16)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "stash_type must be 1 (f32) or 16 (bf16), got %" PRId64, number);
    *stash = number == 1 ? ASSAY_F32 : ASSAY_BF16;
    return ASSAY_OK;
}

/* While inference runs the node has one attribute slot per row of the op's table, in its order (node.c). */
static struct assay_attr *slot(const struct assay_infer *in, const char *name, enum assay_attr_type type)
{
    const struct assay_attr_row *rows = in->node->op->ir->attrs;
    size_t i = 0;
    while (strcmp(rows[i].name, name) != 0)
        i++;
    in->node->attrs[i] = (struct assay_attr){.name = rows[i].name, .type = type};
    return &in->node->attrs[i];
}

void assay_infer_set_i64(const struct assay_infer *in, const char *name, int64_t value)
{
    slot(in, name, ASSAY_ATTR_I64)->i = value;
}

void assay_infer_set_f64(const struct assay_infer *in, const char *name, double value)
{
    slot(in, name, ASSAY_ATTR_F64)->f = value;
}

void assay_infer_set_text(const struct assay_infer *in, const char *name, const char *value)
{
    slot(in, name, ASSAY_ATTR_TEXT)->text = value;
}

void assay_infer_set_i64s(const struct assay_infer *in, const char *name, size_t n, const int64_t *list)
{
    struct assay_attr *attr = slot(in, name, ASSAY_ATTR_I64S);
    attr->n = n;
    for (size_t i = 0; i < n; i++)
        attr->list[i] = list[i];
}

enum assay_code assay_infer_const_i64s(const struct assay_infer *in, int i, size_t capacity, const int64_t **list,
                                       size_t *n, struct assay_error *err)
{
    const struct assay_value *v = in->in[i];
    if (v->role != ASSAY_ROLE_CONST)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "it must be a const, since shapes are static");
    if (v->dtype != ASSAY_I64 || v->rank != 1)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "it must be a vector of i64");
    if (v->elements > capacity)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "it has more than %zu numbers", capacity);
    *list = v->data;
    *n = (size_t)v->elements;
    return ASSAY_OK;
}

enum assay_code assay_infer_axes(const struct assay_infer *in, int i, int32_t rank, bool marked[ASSAY_MAX_RANK],
                                 struct assay_error *err)
{
    const int64_t *axes = NULL;
    size_t n = 0;
    enum assay_code code = assay_infer_const_i64s(in, i, ASSAY_MAX_RANK, &axes, &n, err);
    memset(marked, 0, ASSAY_MAX_RANK * sizeof *marked);
    for (size_t k = 0; !code && k < n; k++) {
        int64_t axis = axes[k] < 0 ? axes[k] + rank : axes[k];
        if (axis < 0 || axis >= rank)
            return ASSAY_INFER_REFUSE(in, err, 0, i, "axis %" PRId64 " is not one of %" PRId32, axes[k], rank);
        if (marked[axis])
            return ASSAY_INFER_REFUSE(in, err, 0, i, "axis %" PRId64 " is given twice", axes[k]);
        marked[axis] = true;
    }
    return code;
}

enum assay_code assay_infer_shape(const struct assay_infer *in, const char *name, int32_t *rank, int64_t *dims,
                                  struct assay_error *err)
{
    const struct assay_attr *attr = assay_node_attr(in->node, name);
    if (!attr || attr->n > ASSAY_MAX_RANK)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "%s must have at most %d lengths", name,
                                  ASSAY_MAX_RANK);
    for (size_t i = 0; i < attr->n; i++) {
        if (attr->list[i] < 0)
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "%s holds %" PRId64, name,
                                      attr->list[i]);
        dims[i] = attr->list[i];
    }
    *rank = (int32_t)attr->n;
    return ASSAY_OK;
}

/* ---- cost ---------------------------------------------------------------------------------------------- */

uint64_t assay_input_elements(const struct assay_graph *g, const struct assay_node *node, uint32_t i)
{
    const struct assay_value *v = i < node->n_inputs ? assay_graph_value(g, node->inputs[i]) : NULL;
    return v ? v->elements : 0;
}

uint64_t assay_output_elements(const struct assay_graph *g, const struct assay_node *node, uint32_t o)
{
    const struct assay_value *v = o < node->n_outputs ? assay_graph_value(g, node->outputs[o]) : NULL;
    return v ? v->elements : 0;
}
