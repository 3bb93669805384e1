/* What the gradient rules share. */
#include "harness/ir/gradient.h"

#include <stdio.h>
#include <string.h>

#include "reference/formats/formats.h"

#include "assay/banned.h"

#define NAME_BYTES ASSAY_VALUE_NAME_BYTES

/* "<node>'<number>": names of forward values end in no such number, so none is taken. Long names are cut. */
static void fresh_name(const struct assay_gradient *q, size_t o, char name[NAME_BYTES])
{
    (void)snprintf(name, NAME_BYTES, "%.112s'%u", q->node->name, (unsigned)(q->graph->n_values + o));
}

void assay_gradient_op_outputs(const struct assay_gradient *q, const char *op, const int32_t *inputs, size_t n_inputs,
                               const struct assay_attr *attrs, const bool *want, size_t n_outputs, int32_t *out)
{
    char        text[ASSAY_OP_MAX_OPERANDS][NAME_BYTES];
    const char *names[ASSAY_OP_MAX_OPERANDS] = {NULL};
    for (size_t o = 0, wanted = 0; o < n_outputs; o++) { /* numbered as the values that they become */
        if (!want[o])
            continue;
        fresh_name(q, wanted++, text[o]);
        names[o] = text[o];
    }
    assay_graph_op_outputs(q->graph, op, names, n_outputs, inputs, n_inputs, attrs, out);
}

int32_t assay_gradient_op(const struct assay_gradient *q, const char *op, const int32_t *inputs, size_t n_inputs,
                          const struct assay_attr *attrs)
{
    int32_t out;
    assay_gradient_op_outputs(q, op, inputs, n_inputs, attrs, (const bool[]){true}, 1, &out);
    return out;
}

int32_t assay_gradient_unary(const struct assay_gradient *q, const char *op, int32_t x)
{
    return assay_gradient_op(q, op, &x, 1, NULL);
}

int32_t assay_gradient_binary(const struct assay_gradient *q, const char *op, int32_t a, int32_t b)
{
    return assay_gradient_op(q, op, (int32_t[]){a, b}, 2, NULL);
}

int32_t assay_gradient_number(const struct assay_gradient *q, int32_t like, double number)
{
    char                      name[NAME_BYTES];
    unsigned char             bytes[8] = {0};
    const struct assay_value *v = assay_graph_value(q->graph, like);
    if (!v)
        return ASSAY_NO_VALUE;
    enum assay_dtype dtype = v->dtype;
    assay_from_double(dtype, &number, 1, bytes);
    fresh_name(q, 0, name);
    return assay_graph_const(q->graph, name, dtype, 0, NULL, bytes);
}

int32_t assay_gradient_i64s(const struct assay_gradient *q, size_t n, const int64_t *numbers)
{
    char name[NAME_BYTES];
    fresh_name(q, 0, name);
    return assay_graph_i64s(q->graph, name, n, numbers);
}

int32_t assay_gradient_reshape(const struct assay_gradient *q, int32_t x, int32_t rank, const int64_t *dims)
{
    int32_t shape = assay_gradient_i64s(q, (size_t)rank, dims);
    return assay_gradient_op(q, "Reshape", (int32_t[]){x, shape}, 2,
                             (struct assay_attr[]){ASSAY_ATTR_INT("allowzero", 1), ASSAY_ATTR_END});
}

int32_t assay_gradient_shape_as(const struct assay_gradient *q, int32_t x, int32_t like)
{
    const struct assay_value *v = assay_graph_value(q->graph, x), *w = assay_graph_value(q->graph, like);
    int64_t                   dims[ASSAY_MAX_RANK];
    if (!v || !w || assay_value_same_shape(v, w))
        return x;
    memcpy(dims, w->dims, sizeof dims);
    return assay_gradient_reshape(q, x, w->rank, dims);
}

int32_t assay_gradient_transpose(const struct assay_gradient *q, int32_t x, const int64_t *perm)
{
    const struct assay_value *v = assay_graph_value(q->graph, x);
    struct assay_attr         attrs[2] = {{.name = "perm", .type = ASSAY_ATTR_I64S}, ASSAY_ATTR_END};
    if (!v)
        return ASSAY_NO_VALUE;
    attrs[0].n = (size_t)v->rank;
    memcpy(attrs[0].list, perm, attrs[0].n * sizeof *perm);
    return assay_gradient_op(q, "Transpose", &x, 1, attrs);
}

int32_t assay_gradient_sum_to(const struct assay_gradient *q, int32_t x, int32_t like)
{
    const struct assay_value *v = assay_graph_value(q->graph, x), *w = assay_graph_value(q->graph, like);
    int64_t                   axes[ASSAY_MAX_RANK];
    size_t                    n = 0;
    if (!v || !w)
        return ASSAY_NO_VALUE;
    int32_t extra = v->rank - w->rank;
    for (int32_t i = 0; i < v->rank; i++)
        if (i < extra || w->dims[i - extra] != v->dims[i])
            axes[n++] = i;
    if (n) {
        int32_t list = assay_gradient_i64s(q, n, axes);
        x = assay_gradient_op(q, "ReduceSum", (int32_t[]){x, list}, 2, NULL);
    }
    return assay_gradient_shape_as(q, x, like);
}

int32_t assay_gradient_zeros(const struct assay_gradient *q, int32_t like, int32_t rank, const int64_t *dims)
{
    int32_t zero = assay_gradient_number(q, like, 0), shape = assay_gradient_i64s(q, (size_t)rank, dims);
    return assay_gradient_binary(q, "Expand", zero, shape);
}

int32_t assay_gradient_where(const struct assay_gradient *q, int32_t mask, int32_t dy, bool otherwise, int32_t like)
{
    int32_t zero = assay_gradient_number(q, dy, 0);
    int32_t x = assay_gradient_op(q, "Where", (int32_t[]){mask, otherwise ? zero : dy, otherwise ? dy : zero}, 3, NULL);
    return assay_gradient_sum_to(q, x, like);
}

struct assay_attr assay_gradient_list(const char *name, size_t n, const int64_t *numbers)
{
    struct assay_attr attr = {.name = name, .type = ASSAY_ATTR_I64S, .n = n};
    memcpy(attr.list, numbers, n * sizeof *numbers);
    return attr;
}

size_t assay_gradient_attrs(const struct assay_gradient *q, struct assay_attr *room)
{
    size_t n = 0;
    for (; n < q->node->n_attrs && n + 1 < ASSAY_GRADIENT_MAX_ATTRS; n++)
        room[n] = q->node->attrs[n];
    room[n] = ASSAY_ATTR_END;
    return n;
}

void assay_gradient_zero(const struct assay_gradient *q)
{
    (void)q;
}
