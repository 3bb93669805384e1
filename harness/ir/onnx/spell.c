#include "harness/ir/onnx/spell.h"

#include <stdlib.h>

#include "harness/ir/infer.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define COUNTED_MOST (1 << 24) /* numbers that one spelling puts into a graph */

static const struct assay_onnx_spelled_row *const tables[] = {assay_onnx_spelled_elementwise, assay_onnx_spelled_folding,
                                                              assay_onnx_spelled_moving, assay_onnx_spelled_quantized,
                                                              assay_onnx_spelled_scattering, assay_onnx_spelled_resize,
                                                              assay_onnx_spelled_einsum,     assay_onnx_spelled_recurrent,
                                                              assay_onnx_spelled_signal,     NULL};

static const struct assay_onnx_spelled_row *find(const char *op)
{
    for (size_t t = 0; tables[t]; t++)
        for (const struct assay_onnx_spelled_row *row = tables[t]; row->op; row++)
            if (strcmp(row->op, op) == 0)
                return row;
    return NULL;
}

bool assay_onnx_spells(const char *op)
{
    return find(op) != NULL;
}

const char *assay_onnx_spelled_at(size_t i)
{
    for (size_t t = 0; tables[t]; t++)
        for (const struct assay_onnx_spelled_row *row = tables[t]; row->op; row++)
            if (!row->is_form && i-- == 0)
                return row->op;
    return NULL;
}

bool assay_onnx_is_spelled(const struct assay_onnx_call *call)
{
    const struct assay_onnx_spelled_row *row = find(call->op);
    return row && (!row->is_form || row->is_form(call));
}

enum assay_code assay_onnx_spell(const struct assay_onnx_call *call, const char *const *names, struct assay_error *err)
{
    struct assay_onnx_spelling s = {.call = call, .graph = call->graph, .names = names, .err = err};
    for (size_t i = 0; i < call->n_out && !s.name; i++)
        s.name = names[i];
    if (!call->n_in || call->in[0] == ASSAY_NO_VALUE || !s.name)
        return assay_onnx_not_spelled(&s, "lacks its first operand or output");
    s.x = assay_onnx_seen(&s, call->in[0]);
    return find(call->op)->spell(&s);
}

enum assay_code assay_onnx_not_spelled(const struct assay_onnx_spelling *s, const char *why)
{
    return ASSAY_FAIL(s->err, ASSAY_UNSUPPORTED, "%.60s '%.60s' %s, which is not read", s->call->op, s->call->name, why);
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

int32_t assay_onnx_in(const struct assay_onnx_spelling *s, size_t i)
{
    return i < s->call->n_in ? s->call->in[i] : ASSAY_NO_VALUE;
}

struct assay_value assay_onnx_seen(const struct assay_onnx_spelling *s, int32_t index)
{
    const struct assay_value *v = assay_graph_value(s->graph, index);
    return v ? *v : (struct assay_value){.rank = 0};
}

static const struct assay_attr *attr(const struct assay_onnx_spelling *s, const char *name, enum assay_attr_type type)
{
    for (const struct assay_attr *a = s->call->attrs; a->name; a++)
        if (a->type == type && strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

int64_t assay_onnx_i64(const struct assay_onnx_spelling *s, const char *name, int64_t if_absent)
{
    const struct assay_attr *a = attr(s, name, ASSAY_ATTR_I64);
    return a ? a->i : if_absent;
}

double assay_onnx_f64(const struct assay_onnx_spelling *s, const char *name, double if_absent)
{
    const struct assay_attr *a = attr(s, name, ASSAY_ATTR_F64);
    return a ? a->f : if_absent;
}

const char *assay_onnx_text(const struct assay_onnx_spelling *s, const char *name, const char *if_absent)
{
    const struct assay_attr *a = attr(s, name, ASSAY_ATTR_TEXT);
    return a ? a->text : if_absent;
}

const struct assay_attr *assay_onnx_list(const struct assay_onnx_spelling *s, const char *name)
{
    return attr(s, name, ASSAY_ATTR_I64S);
}

int32_t assay_onnx_axis(const struct assay_onnx_spelling *s, const char *name, int64_t if_absent, int32_t more)
{
    int64_t axis = assay_onnx_i64(s, name, if_absent), rank = s->x.rank + more;
    if (axis < -rank || axis >= rank) {
        (void)assay_onnx_not_spelled(s, "has an axis that its operand lacks");
        return -1;
    }
    return (int32_t)(axis + (axis < 0 ? rank : 0));
}

bool assay_onnx_const(const struct assay_onnx_spelling *s, size_t i, size_t capacity, int64_t *numbers, size_t *n)
{
    struct assay_value v = assay_onnx_seen(s, assay_onnx_in(s, i));
    if (v.role != ASSAY_ROLE_CONST || v.dtype != ASSAY_I64 || v.rank > 1 || v.elements > capacity) {
        (void)assay_onnx_not_spelled(s, "has a shape or axes that are not consts");
        return false;
    }
    if (v.bytes)
        memcpy(numbers, v.data, v.bytes);
    *n = v.elements;
    return true;
}

int64_t assay_onnx_times(int64_t a, int64_t b)
{
    int64_t product;
    return a < 0 || __builtin_mul_overflow(a, b, &product) ? -1 : product;
}

/* ---- adding -------------------------------------------------------------------------------------------------- */

static const char *own_name(struct assay_onnx_spelling *s, char out[ASSAY_VALUE_NAME_BYTES])
{
    (void)snprintf(out, ASSAY_VALUE_NAME_BYTES, "%.110s/%u", s->name, ++s->n);
    return out;
}

int32_t assay_onnx_put(struct assay_onnx_spelling *s, const char *op, const int32_t *in, size_t n_in, const struct assay_attr *attrs)
{
    char as[ASSAY_VALUE_NAME_BYTES];
    return assay_graph_op(s->graph, op, own_name(s, as), in, n_in, attrs);
}

enum assay_code assay_onnx_give(struct assay_onnx_spelling *s, size_t o, const char *op, const int32_t *in, size_t n_in,
                                const struct assay_attr *attrs)
{
    if (o < s->call->n_out && s->names[o])
        (void)assay_graph_op(s->graph, op, s->names[o], in, n_in, attrs);
    return s->graph->first_error.code;
}

int32_t assay_onnx_scalar(struct assay_onnx_spelling *s, enum assay_dtype dtype, double number)
{
    char          as[ASSAY_VALUE_NAME_BYTES];
    unsigned char bytes[8] = {0};
    if (!dtype)
        return ASSAY_NO_VALUE;
    assay_from_double(dtype, &number, 1, bytes);
    return assay_graph_const(s->graph, own_name(s, as), dtype, 0, NULL, bytes);
}

int32_t assay_onnx_table(struct assay_onnx_spelling *s, enum assay_dtype dtype, int32_t rank, const int64_t *dims, const double *numbers)
{
    char    as[ASSAY_VALUE_NAME_BYTES];
    int32_t value = ASSAY_NO_VALUE;
    size_t  n = 1;
    for (int32_t d = 0; d < rank; d++)
        n *= (size_t)dims[d];
    void *bytes = calloc(n + 1, sizeof *numbers); /* no type is wider than a double */
    if (bytes && dtype) {
        assay_from_double(dtype, numbers, n, bytes);
        value = assay_graph_const(s->graph, own_name(s, as), dtype, rank, dims, bytes);
    } else {
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read %.60s", s->call->op);
    }
    free(bytes);
    return value;
}

int32_t assay_onnx_numbers(struct assay_onnx_spelling *s, size_t n, const int64_t *numbers)
{
    char as[ASSAY_VALUE_NAME_BYTES];
    return assay_graph_i64s(s->graph, own_name(s, as), n, numbers);
}

int32_t assay_onnx_count(struct assay_onnx_spelling *s, int64_t n, int32_t rank, int32_t axis, int64_t step)
{
    char     as[ASSAY_VALUE_NAME_BYTES];
    int64_t  dims[ASSAY_MAX_RANK];
    bool     fits = n >= 0 && n <= COUNTED_MOST;
    int64_t *numbers = calloc(fits ? (size_t)n + 1 : 1, sizeof *numbers);
    int32_t  value = ASSAY_NO_VALUE;
    for (int32_t i = 0; i < rank && i < ASSAY_MAX_RANK; i++)
        dims[i] = i == axis ? n : 1;
    for (int64_t i = 0; numbers && fits && i < n; i++)
        numbers[i] = (int64_t)((uint64_t)i * (uint64_t)step);
    if (!fits)
        assay_graph_refuse(s->graph, ASSAY_UNSUPPORTED, "%.60s '%.60s' along an axis of over %d elements is not read", s->call->op,
                           s->call->name, COUNTED_MOST);
    else if (numbers)
        value = assay_graph_const(s->graph, own_name(s, as), ASSAY_I64, rank, dims, numbers);
    else
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read %.60s", s->call->op);
    free(numbers);
    return value;
}

int32_t assay_onnx_reshape(struct assay_onnx_spelling *s, int32_t x, int32_t rank, const int64_t *dims)
{
    static const struct assay_attr as_it_stands[] = {{.name = "allowzero", .type = ASSAY_ATTR_I64, .i = 1}, {.name = NULL}};
    return assay_onnx_put(s, "Reshape", (int32_t[]){x, assay_onnx_numbers(s, (size_t)rank, dims)}, 2, as_it_stands);
}

int32_t assay_onnx_cast(struct assay_onnx_spelling *s, int32_t x, enum assay_dtype to)
{
    if (assay_onnx_seen(s, x).dtype == to)
        return x;
    return assay_onnx_put(s, "Cast", &x, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", assay_onnx_number(to)), ASSAY_ATTR_END});
}
