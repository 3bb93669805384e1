/* Values that are held in double, and the calls of ops on them. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "harness/base/recycle.h"
#include "reference/arithmetic.h"
#include "reference/held.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

/* Elements computed in one call of an op, so that the list of their indices stays small. */
#define CHUNK ((size_t)1 << 22)

void assay_ref_drop(struct assay_held *h)
{
    if (!h->shared) {
        assay_recycle_give(h->value);
        assay_recycle_give(h->error);
    }
    *h = (struct assay_held){0};
}

double *assay_ref_doubles(uint64_t n)
{
    size_t bytes;
    return n < SIZE_MAX / 2 && assay_size_multiply((size_t)n + 1, sizeof(double), &bytes) ? assay_recycle_take(bytes) : NULL;
}

double *assay_ref_zeros(uint64_t n)
{
    double *to = assay_ref_doubles(n);
    if (to)
        memset(to, 0, ((size_t)n + 1) * sizeof *to);
    return to;
}

/* ---- values that are given --------------------------------------------------------------------------------- */

struct conversion {
    const struct assay_value *v;
    const char *from;
    double *to;
};

/* Cut at multiples of 8 elements, so that packed elements are cut at bytes. */
static void convert(void *self, size_t begin, size_t end)
{
    const struct conversion *c = self;
    assay_to_double(c->v->dtype, c->from + assay_dtype_bytes(c->v->dtype, begin), end - begin, c->to + begin);
}

/* Subnormal numbers of f32, bf16 and f64 may be read as zeros by a device: their own magnitude is their error. */
static double tiny_of(enum assay_dtype dtype)
{
    return dtype == ASSAY_F32 || dtype == ASSAY_BF16 || dtype == ASSAY_F64 ? assay_format_of(dtype)->smallest_normal
                                                                           : 0;
}

/* What is known of each element only: within one rounding to its type, and of a subnormal, which may be read as zero, its magnitude. */
static double rounding_of(const struct assay_number_format *f, double x, double tiny)
{
    double size = fabs(x);
    if (isnan(x) || isinf(x))
        return 0;
    return size < tiny && size > 0 ? size : f->unit_roundoff * fmax(size, f->smallest_normal);
}

enum assay_code assay_ref_convert(const struct assay_reference *r, int32_t value, struct assay_held *h,
                                  struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    double tiny = tiny_of(v->dtype);
    if (!r->bound[value])
        return ASSAY_FAIL(err, ASSAY_CONFIG, "value '%s' is bound to nothing", v->name);
    double *to = assay_ref_doubles(v->elements), *error = NULL;
    if (!to)
        return assay_ref_no_memory(v, err);
    struct conversion c = {v, r->bound[value], to};
    assay_parallel_for((size_t)v->elements, (size_t)1 << 16, convert, &c);
    if (r->rounded[value] && !(error = assay_ref_doubles(v->elements))) {
        assay_recycle_give(to);
        return assay_ref_no_memory(v, err);
    }
    for (uint64_t i = 0; r->rounded[value] && i < v->elements; i++)
        error[i] = rounding_of(assay_format_of(v->dtype), to[i], tiny);
    for (uint64_t i = 0; tiny > 0 && !r->rounded[value] && i < v->elements; i++) {
        double x = fabs(to[i]);
        if (!(x < tiny) || x == 0)
            continue;
        if (!error && !(error = assay_ref_zeros(v->elements))) {
            assay_recycle_give(to);
            return assay_ref_no_memory(v, err);
        }
        error[i] = x;
    }
    *h = (struct assay_held){to, error, true, false, error ? 0 : assay_ref_quantum((size_t)v->elements, to)};
    return ASSAY_OK;
}

/* ---- values that nodes write ------------------------------------------------------------------------------- */

void assay_ref_describe(const struct assay_reference *r, const struct assay_held *held, int32_t value,
                        struct assay_ref_tensor *t)
{
    memset(t, 0, sizeof *t);
    if (value == ASSAY_NO_VALUE)
        return;
    const struct assay_value *v = &r->graph->values[value];
    t->dtype = v->dtype;
    t->rank = v->rank;
    memcpy(t->dims, v->dims, sizeof t->dims);
    t->elements = v->elements;
    t->value = held[value].value;
    t->error = held[value].error;
    t->quantum = held[value].quantum;
}

enum assay_code assay_ref_prepare(const struct assay_reference *r, const struct assay_ref_how *how, int32_t value,
                                  struct assay_ref_prepared *p, struct assay_error *err)
{
    const struct assay_node *node = &r->graph->nodes[r->graph->values[value].producer];
    p->tensors = calloc((size_t)node->n_inputs + node->n_outputs + 1, sizeof *p->tensors);
    if (!p->tensors)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a call of %s", node->op->name);
    p->call =
        (struct assay_ref_call){.graph = r->graph, .node = node, .in = p->tensors, .out = p->tensors + node->n_inputs};
    for (uint32_t i = 0; i < node->n_inputs; i++)
        assay_ref_describe(r, how->held, node->inputs[i], &p->tensors[i]);
    for (uint32_t i = 0; i < node->n_outputs; i++) {
        assay_ref_describe(r, how->held, node->outputs[i], &p->tensors[node->n_inputs + i]);
        if (node->outputs[i] == value)
            p->call.output = i;
    }
    p->call.arithmetic = assay_arithmetic_required(r->graph, node);
    p->call.arithmetic.deviations = how->deviations;
    p->call.arithmetic.bridge = how->bridge;
    p->call.values_only = how->values_only;
    if (p->call.output > 0) { /* the format of the output asked for, which need not be that of the first */
        const struct assay_number_format *f = assay_format_of(r->graph->values[value].dtype);
        p->call.arithmetic.store = f ? f->unit_roundoff : 0;
        p->call.arithmetic.store_tiny = f ? f->smallest_normal : 0;
    }
    if (assay_reference_of(node->op)->quantum)
        p->call.arithmetic.quantum = assay_reference_of(node->op)->quantum(&p->call);
    return ASSAY_OK;
}

enum assay_code assay_ref_call_at(const struct assay_reference *r, const struct assay_ref_how *how, int32_t value, size_t n,
                                  const int64_t *index, double *out, double *bound, struct assay_error *err)
{
    struct assay_ref_prepared p;
    enum assay_code code = assay_ref_prepare(r, how, value, &p, err);
    if (code)
        return code;
    code = assay_reference_of(p.call.node->op)->at(&p.call, n, index, out, bound, err);
    free(p.tensors);
    return code ? assay_error_in(err, "reference of %s '%s'", p.call.node->op->name, p.call.node->name) : ASSAY_OK;
}

/* Whole slices along the first axis, where one fits: an op may do those faster. */
static size_t chunk_of(const struct assay_value *v)
{
    size_t n = (size_t)v->elements, slice = v->rank > 0 && v->dims[0] > 0 ? n / (size_t)v->dims[0] : n;
    if (n <= CHUNK)
        return n;
    return slice <= CHUNK && slice > 0 ? CHUNK / slice * slice : CHUNK;
}

/* The numbers first .. first + n - 1, n > 0; NULL: no memory. Mostly they are those of the call before. */
static const int64_t *run_from(struct assay_reference *r, size_t first, size_t n)
{
    if (r->n_run >= n && r->run[0] == (int64_t)first)
        return r->run;
    if (r->n_run < n) {
        free(r->run);
        r->run = malloc(n * sizeof *r->run);
        r->n_run = r->run ? n : 0;
    }
    for (size_t i = 0; i < r->n_run; i++)
        r->run[i] = (int64_t)(first + i);
    return r->run;
}

enum assay_code assay_ref_whole(struct assay_reference *r, const struct assay_ref_how *how, int32_t value,
                                double *out, double *bound, struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    size_t n = (size_t)v->elements, most = chunk_of(v);
    double *unread = bound ? NULL : assay_ref_doubles(most);
    enum assay_code code = ASSAY_OK;
    if (!bound && !unread)
        code = assay_ref_no_memory(v, err);
    for (size_t done = 0; !code && done < n; done += most) {
        size_t count = n - done < most ? n - done : most;
        const int64_t *index = run_from(r, done, count);
        code = index ? assay_ref_call_at(r, how, value, count, index, out + done, bound ? bound + done : unread, err)
                     : assay_ref_no_memory(v, err);
    }
    assay_recycle_give(unread);
    return code;
}
