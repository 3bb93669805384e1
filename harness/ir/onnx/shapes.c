#include "harness/ir/onnx/shapes.h"

#include "harness/ir/infer.h"
#include "harness/ir/slice.h"

#include "assay/banned.h"

#define OPERANDS_MOST 5
#define MOST ASSAY_ONNX_NUMBERS_MOST

struct operands {
    const struct assay_onnx_call *call;
    struct assay_onnx_numbers     in[OPERANDS_MOST];
};
typedef bool evaluator(const struct operands *o, struct assay_onnx_numbers *out);

static int64_t attr(const struct assay_onnx_call *call, const char *name, int64_t if_absent)
{
    for (const struct assay_attr *a = call->attrs; a->name; a++)
        if (a->type == ASSAY_ATTR_I64 && strcmp(a->name, name) == 0)
            return a->i;
    return if_absent;
}

static bool read_numbers(const struct assay_graph *g, int32_t index, struct assay_onnx_numbers *out)
{
    const struct assay_value *v = assay_graph_value(g, index);
    *out = (struct assay_onnx_numbers){.rank = 1};
    if (index == ASSAY_NO_VALUE)
        return true;
    if (!v || v->role != ASSAY_ROLE_CONST || v->dtype != ASSAY_I64 || v->rank > 1 || v->elements > MOST)
        return false;
    out->rank = v->rank;
    out->n = v->elements;
    if (v->bytes)
        memcpy(out->at, v->data, v->bytes);
    return true;
}

static bool push(struct assay_onnx_numbers *out, int64_t number)
{
    if (out->n == MOST)
        return false;
    out->at[out->n++] = number;
    return true;
}

/* ---- of any value ---- */

static int64_t clamp(int64_t x, int64_t most)
{
    x += x < 0 ? most : 0;
    return x < 0 ? 0 : x > most ? most : x;
}

static bool shape(const struct assay_onnx_call *call, const struct assay_value *x, struct assay_onnx_numbers *out)
{
    int64_t start = clamp(attr(call, "start", 0), x->rank), end = clamp(attr(call, "end", x->rank), x->rank);
    *out = (struct assay_onnx_numbers){.rank = 1};
    for (int64_t i = start; i < end; i++)
        (void)push(out, x->dims[i]);
    return true;
}

/* ---- of numbers ---- */

/* Overflow wraps, as it does where tensors are computed. */
static bool two(const struct operands *o, struct assay_onnx_numbers *out, char how)
{
    const struct assay_onnx_numbers *a = &o->in[0], *b = &o->in[1];
    size_t n = a->n == 1 ? b->n : a->n;
    if (b->n != 1 && b->n != n)
        return false;
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (size_t i = 0; i < n; i++) {
        int64_t  x = a->at[a->n == 1 ? 0 : i], y = b->at[b->n == 1 ? 0 : i];
        uint64_t u = (uint64_t)x, v = (uint64_t)y;
        if (how == '/' && (y == 0 || y == -1))
            return false;
        (void)push(out, how == '+' ? (int64_t)(u + v) : how == '-' ? (int64_t)(u - v) : how == '*' ? (int64_t)(u * v) : x / y);
    }
    return true;
}

static bool add(const struct operands *o, struct assay_onnx_numbers *out)
{
    return two(o, out, '+');
}

static bool subtract(const struct operands *o, struct assay_onnx_numbers *out)
{
    return two(o, out, '-');
}

static bool multiply(const struct operands *o, struct assay_onnx_numbers *out)
{
    return two(o, out, '*');
}

static bool divide(const struct operands *o, struct assay_onnx_numbers *out)
{
    return two(o, out, '/');
}

static bool negative(const struct operands *o, struct assay_onnx_numbers *out)
{
    *out = o->in[0];
    for (size_t i = 0; i < out->n; i++)
        out->at[i] = (int64_t)-(uint64_t)out->at[i];
    return true;
}

static bool same(const struct operands *o, struct assay_onnx_numbers *out)
{
    *out = o->in[0];
    return true;
}

static bool cast(const struct operands *o, struct assay_onnx_numbers *out)
{
    return attr(o->call, "to", 0) == assay_onnx_number(ASSAY_I64) && same(o, out);
}

static bool unsqueeze(const struct operands *o, struct assay_onnx_numbers *out)
{
    *out = o->in[0];
    out->rank = 1;
    return o->in[0].rank == 0 && o->in[1].n == 1;
}

static bool squeeze(const struct operands *o, struct assay_onnx_numbers *out)
{
    *out = o->in[0];
    out->rank = 0;
    return o->in[0].rank == 1 && o->in[0].n == 1;
}

static bool reshape(const struct operands *o, struct assay_onnx_numbers *out)
{
    int64_t n = o->in[1].n == 1 ? o->in[1].at[0] : 1;
    *out = o->in[0];
    out->rank = (int32_t)o->in[1].n;
    return o->in[1].n < 2 && (n == -1 || n == (int64_t)out->n);
}

static bool gather(const struct operands *o, struct assay_onnx_numbers *out)
{
    const struct assay_onnx_numbers *x = &o->in[0], *at = &o->in[1];
    out->rank = at->rank;
    for (size_t i = 0; i < at->n; i++) {
        int64_t k = at->at[i] + (at->at[i] < 0 ? (int64_t)x->n : 0);
        if (k < 0 || k >= (int64_t)x->n)
            return false;
        (void)push(out, x->at[k]);
    }
    return x->rank == 1;
}

static bool slice(const struct operands *o, struct assay_onnx_numbers *out)
{
    const struct assay_onnx_numbers *x = &o->in[0];
    struct assay_slice               s;
    int64_t                          n = (int64_t)x->n;
    if (x->rank != 1 || o->in[1].n != 1 || o->in[2].n != 1 ||
        assay_slice_resolve(1, &n, 1, o->in[1].at, o->in[2].at, o->in[3].n ? o->in[3].at : NULL, o->in[4].n ? o->in[4].at : NULL, &s))
        return false;
    for (int64_t i = 0; i < s.count[0]; i++)
        (void)push(out, x->at[s.start[0] + i * s.step[0]]);
    return true;
}

static bool concat(const struct operands *o, struct assay_onnx_numbers *out)
{
    for (size_t k = 0; k < o->call->n_in; k++)
        for (size_t i = 0; i < o->in[k].n; i++)
            if (o->in[k].rank != 1 || !push(out, o->in[k].at[i]))
                return false;
    return true;
}

static bool constant_of_shape(const struct operands *o, struct assay_onnx_numbers *out)
{
    if (o->in[0].n != 1 || o->in[1].n != 1)
        return false;
    for (int64_t i = 0; i < o->in[0].at[0]; i++)
        if (!push(out, o->in[1].at[0]))
            return false;
    return true;
}

static bool range(const struct operands *o, struct assay_onnx_numbers *out)
{
    int64_t from = o->in[0].at[0], limit = o->in[1].at[0], step = o->in[2].at[0];
    if (o->call->n_in != 3 || !step)
        return false;
    for (int64_t i = from; step > 0 ? i < limit : i > limit; i = (int64_t)((uint64_t)i + (uint64_t)step))
        if (!push(out, i))
            return false;
    return true;
}

static const struct {
    const char *op;
    size_t      least; /* operands */
    evaluator  *evaluate;
} rows[] = {
    {"Add", 2, add},         {"Sub", 2, subtract},         {"Mul", 2, multiply},
    {"Div", 2, divide},      {"Identity", 1, same},        {"Cast", 1, cast},
    {"Unsqueeze", 2, unsqueeze}, {"Squeeze", 1, squeeze},  {"Reshape", 2, reshape},
    {"Gather", 2, gather},   {"Slice", 3, slice},          {"Concat", 1, concat},
    {"ConstantOfShape", 1, constant_of_shape}, {"Range", 3, range}, {"Neg", 1, negative},
};

bool assay_onnx_is_of_shapes(const char *op)
{
    return strcmp(op, "Shape") == 0 || strcmp(op, "Size") == 0;
}

bool assay_onnx_shapes(const struct assay_onnx_call *call, struct assay_onnx_numbers *out)
{
    struct operands           o = {.call = call};
    const struct assay_value *x = call->n_in ? assay_graph_value(call->graph, call->in[0]) : NULL;
    *out = (struct assay_onnx_numbers){.rank = 1};
    if (!x || call->n_out != 1)
        return false;
    if (strcmp(call->op, "Shape") == 0)
        return shape(call, x, out);
    if (strcmp(call->op, "Size") == 0) {
        *out = (struct assay_onnx_numbers){.n = 1, .at = {(int64_t)x->elements}};
        return true;
    }
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        if (strcmp(call->op, rows[r].op) != 0 || call->n_in < rows[r].least || call->n_in > OPERANDS_MOST)
            continue;
        for (size_t i = 0; i < call->n_in; i++)
            if (!read_numbers(call->graph, call->in[i], &o.in[i]))
                return false;
        return rows[r].evaluate(&o, out);
    }
    return false;
}
