#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "reference/formats/formats.h"

static const struct oracle_op *const table[] = {
#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out) &oracle_##name,
#include "harness/ir/ops.def"
#undef ASSAY_OP
};

/* ---- places ------------------------------------------------------------------------------------------------------ */

void place_of(const struct oracle_tensor *t, int64_t flat, int64_t at[ASSAY_MAX_RANK])
{
    for (int32_t d = t->rank - 1; d >= 0; d--) {
        at[d] = flat % t->dims[d];
        flat /= t->dims[d];
    }
}

int64_t flat_of(const struct oracle_tensor *t, const int64_t at[])
{
    int64_t flat = 0;
    for (int32_t d = 0; d < t->rank; d++)
        flat = flat * t->dims[d] + at[d];
    return flat;
}

number element_at(const struct oracle_tensor *t, const int64_t at[])
{
    return t->x[flat_of(t, at)];
}

number stretched_at(const struct oracle_tensor *t, int32_t rank, const int64_t at[])
{
    int64_t own[ASSAY_MAX_RANK];
    for (int32_t d = 0; d < t->rank; d++)
        own[d] = t->dims[d] == 1 ? 0 : at[rank - t->rank + d];
    return element_at(t, own);
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

int64_t attr_i(const struct oracle *o, const char *name)
{
    return assay_node_i64(o->node, name, 0);
}

number attr_f(const struct oracle *o, const char *name)
{
    return num(assay_node_f64(o->node, name, 0));
}

number attr_f32(const struct oracle *o, const char *name)
{
    return num((double)(float)assay_node_f64(o->node, name, 0));
}

bool attr_is(const struct oracle *o, const char *name, const char *text)
{
    return !strcmp(assay_node_text(o->node, name, ""), text);
}

const int64_t *attr_list(const struct oracle *o, const char *name)
{
    return assay_node_attr(o->node, name)->list;
}

/* ---- a node ------------------------------------------------------------------------------------------------------ */

static void shape(const struct oracle *o, int32_t value, struct oracle_tensor *t)
{
    const struct assay_value *v = &o->graph->values[value];
    *t = (struct oracle_tensor){.dtype = v->dtype, .rank = v->rank, .n = (int64_t)v->elements};
    memcpy(t->dims, v->dims, sizeof t->dims);
    t->x = calloc(v->elements + 1, sizeof(number));
}

static void read_bytes(struct oracle_tensor *t, const void *bytes)
{
    double *x = calloc((size_t)t->n + 1, sizeof *x);
    if (t->dtype != ASSAY_I64)
        assay_to_double(t->dtype, bytes, (size_t)t->n, x);
    for (int64_t i = 0; i < t->n; i++)
        t->x[i] = t->dtype == ASSAY_I64 ? whole((long)((const int64_t *)bytes)[i]) : num(x[i]);
    free(x);
}

void oracle_open(struct oracle *o, const struct assay_graph *g, const void *const *bytes)
{
    *o = (struct oracle){.graph = g, .node = &g->nodes[0]};
    o->op = table[assay_op_index(o->node->op)];
    for (uint32_t i = 0; i < o->node->n_inputs; i++) {
        int32_t v = o->node->inputs[i];
        if (v == ASSAY_NO_VALUE)
            continue;
        shape(o, v, &o->in[i]);
        read_bytes(&o->in[i], g->values[v].data ? g->values[v].data : bytes[v]);
    }
    for (uint32_t i = 0; i < o->node->n_outputs; i++)
        if (o->node->outputs[i] != ASSAY_NO_VALUE)
            shape(o, o->node->outputs[i], &o->out[i]);
}

/* Whole numbers keep their low bits. */
static number wrapped(enum assay_dtype dtype, number x)
{
    if (assay_dtype_is_float(dtype) || dtype == ASSAY_BOOL || is_nan(x))
        return x;
    bool   is_unsigned = dtype == ASSAY_U8 || dtype == ASSAY_U4;
    number span = to_the(num(2), whole((long)assay_dtype_bits(dtype))), least = is_unsigned ? num(0) : over(span, num(-2));
    return minus(x, times(span, floored(over(minus(x, least), span))));
}

static number element(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int32_t rank = o->out[out].rank;
    if (o->op->one)
        return wrapped(o->out[out].dtype, o->op->one(o, stretched_at(&o->in[0], rank, at)));
    if (o->op->two)
        return wrapped(o->out[out].dtype,
                       o->op->two(o, stretched_at(&o->in[0], rank, at), stretched_at(&o->in[1], rank, at)));
    return o->op->element(o, out, at);
}

/* What an element left behind in the pool is given back; its result takes the first place. */
static void compute_tensor(struct oracle *o, uint32_t out)
{
    struct oracle_tensor *t = &o->out[out];
    for (int64_t i = 0; i < t->n; i++) {
        int64_t at[ASSAY_MAX_RANK];
        number  kept = num(0);
        size_t  mark = numbers_mark();
        place_of(t, i, at);
        mpfr_set((mpfr_ptr)(uintptr_t)kept, element(o, out, at), MPFR_RNDN);
        numbers_release(mark);
        t->x[i] = kept;
    }
}

void oracle_compute(struct oracle *o)
{
    if (o->op->prepare) {
        o->n_memo = o->op->memos(o);
        o->memo = calloc(o->n_memo + 1, sizeof *o->memo);
        o->op->prepare(o);
    }
    for (uint32_t i = 0; i < o->node->n_outputs; i++)
        if (is_there(&o->out[i]))
            compute_tensor(o, i);
}

void oracle_close(struct oracle *o)
{
    for (size_t i = 0; i < ASSAY_OP_MAX_OPERANDS; i++) {
        free(o->in[i].x);
        free(o->out[i].x);
    }
    free(o->memo);
}
