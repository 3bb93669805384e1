/* For the tests of the reference: calls made by hand, and devices simulated in float or double that sum in several
 * orders. Nothing here uses the reference's own arithmetic. */
#ifndef ASSAY_REFERENCE_TESTS_SIMULATE_H
#define ASSAY_REFERENCE_TESTS_SIMULATE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/random.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

/* A call with up to 6 inputs and 4 outputs; memory from the arena, cleared by call_end. */
struct made {
    struct assay_arena arena;
    struct assay_random random;
    struct assay_value values[10];
    struct assay_graph graph;
    struct assay_node node;
    struct assay_attr attrs[12];
    int32_t inputs[6], outputs[4];
    struct assay_ref_tensor in[6], out[4];
    struct assay_ref_call call;
};

static inline void made_begin(struct made *m, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    assay_random_init(&m->random, seed);
    m->graph.values = m->values;
    m->graph.n_values = 10;
    m->node.inputs = m->inputs;
    m->node.outputs = m->outputs;
    m->node.attrs = m->attrs;
    for (int i = 0; i < 10; i++)
        m->values[i].dtype = ASSAY_F32;
}

static inline void made_end(struct made *m)
{
    assay_arena_clear(&m->arena);
}

static inline double *made_doubles(struct made *m, size_t n)
{
    double *x = assay_arena_take(&m->arena, n + 1, sizeof *x);
    cr_assert(x);
    return x;
}

static inline struct assay_ref_tensor made_tensor(enum assay_dtype dtype, int rank, const int64_t *dims)
{
    struct assay_ref_tensor t = {.dtype = dtype, .rank = rank, .elements = 1};
    for (int d = 0; d < rank; d++) {
        t.dims[d] = dims[d];
        t.elements *= (uint64_t)dims[d];
    }
    return t;
}

#define DIMS(...)                                                                                                      \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[])                                             \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

/* Input number `i`, on the grid of its format: uniform in [low, high), with signs and magnitudes spread over
 * `decades` powers of ten if asked (that makes sums ill-conditioned). */
static inline double *made_input(struct made *m, uint32_t i, enum assay_dtype dtype, int rank, const int64_t *dims,
                                 double low, double high, double decades)
{
    struct assay_ref_tensor t = made_tensor(dtype, rank, dims);
    double *x = made_doubles(m, t.elements);
    for (uint64_t k = 0; k < t.elements; k++) {
        x[k] = low + (high - low) * assay_random_unit(&m->random);
        if (decades > 0)
            x[k] *= pow(10, decades * (assay_random_unit(&m->random) - 0.5));
        x[k] = assay_round_to(dtype, x[k]);
    }
    t.value = x;
    m->in[i] = t;
    m->values[i].dtype = dtype;
    m->inputs[i] = (int32_t)i;
    m->node.n_inputs = i + 1 > m->node.n_inputs ? i + 1 : m->node.n_inputs;
    return x;
}

static inline void made_output(struct made *m, uint32_t i, enum assay_dtype dtype, int rank, const int64_t *dims)
{
    m->out[i] = made_tensor(dtype, rank, dims);
    m->values[6 + i].dtype = dtype;
    m->outputs[i] = (int32_t)(6 + i);
    m->node.n_outputs = i + 1 > m->node.n_outputs ? i + 1 : m->node.n_outputs;
}

static inline void made_attr(struct made *m, struct assay_attr attr)
{
    m->attrs[m->node.n_attrs++] = attr;
}

static inline void made_ready(struct made *m, uint32_t output)
{
    m->call =
        (struct assay_ref_call){.graph = &m->graph, .node = &m->node, .in = m->in, .out = m->out, .output = output};
    m->call.arithmetic = assay_arithmetic_required(&m->graph, &m->node);
}

/* Every element of the output. */
static inline void made_all(struct made *m, const struct assay_op_reference *op, uint32_t output, double **value,
                            double **bound)
{
    struct assay_error err = {0};
    size_t n = m->out[output].elements;
    int64_t *index = assay_arena_take(&m->arena, n + 1, sizeof *index);
    made_ready(m, output);
    *value = made_doubles(m, n);
    *bound = made_doubles(m, n);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(op->at(&m->call, n, index, *value, *bound, &err), ASSAY_OK, "%s", err.message);
}

/* ---- devices ----------------------------------------------------------------------------------------------- */

enum { FORWARD, BACKWARD, PAIRWISE, BLOCKED, FUSED, FUSED_BACKWARD, N_ORDERS };

/* sum of x[i] y[i] with strides, every operation rounded to T; `order` says how. */
#define SIMULATED_DOT(T, name, fused)                                                                                  \
    static inline T name(int order, size_t n, const double *x, size_t sx, const double *y, size_t sy)                  \
    {                                                                                                                  \
        T sum = 0;                                                                                                     \
        if (n == 0)                                                                                                    \
            return 0;                                                                                                  \
        if (order == PAIRWISE && n > 1)                                                                                \
            return (T)(name(order, n / 2, x, sx, y, sy) +                                                              \
                       name(order, n - n / 2, x + n / 2 * sx, sx, y + n / 2 * sy, sy));                                \
        if (order == BLOCKED && n > 7)                                                                                 \
            return (T)(name(FORWARD, 7, x, sx, y, sy) + name(order, n - 7, x + 7 * sx, sx, y + 7 * sy, sy));           \
        for (size_t k = 0; k < n; k++) {                                                                               \
            size_t i = order == BACKWARD || order == FUSED_BACKWARD ? n - 1 - k : k;                                   \
            T a = (T)x[i * sx], b = (T)y[i * sy];                                                                      \
            if (order == FUSED || order == FUSED_BACKWARD) {                                                           \
                sum = fused(a, b, sum);                                                                                \
            } else {                                                                                                   \
                T product = (T)(a * b);                                                                                \
                sum = (T)(sum + product);                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        return sum;                                                                                                    \
    }
SIMULATED_DOT(float, dot_f32, fmaf)
SIMULATED_DOT(double, dot_f64, fma)

static inline double simulated_dot(bool wide, int order, size_t n, const double *x, size_t sx, const double *y,
                                   size_t sy)
{
    return wide ? dot_f64(order, n, x, sx, y, sy) : (double)dot_f32(order, n, x, sx, y, sy);
}

static inline long double exact_dot(size_t n, const double *x, size_t sx, const double *y, size_t sy)
{
    long double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += (long double)x[k * sx] * (long double)y[k * sy];
    return sum;
}

/* ---- what was seen ------------------------------------------------------------------------------------------ */

struct seen {
    size_t n, above; /* compared; beyond the bound */
    double worst;    /* largest observed / bound */
    double ratio[1 << 16];
};

static inline void see(struct seen *s, double observed, double value, double bound)
{
    double off = fabs(observed - value), ratio = off == 0 ? 0 : off / bound;
    if (isnan(value) || isnan(observed))
        ratio = isnan(value) && isnan(observed) ? 0 : INFINITY;
    else if (isinf(value) && value == observed)
        ratio = 0;
    s->above += !(ratio <= 1);
    s->worst = ratio > s->worst ? ratio : s->worst;
    s->ratio[s->n++ & 0xffff] = ratio;
}

static inline int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of what was seen that was not exact. */
static inline double median(struct seen *s)
{
    size_t n = s->n < 1 << 16 ? s->n : 1 << 16, zeros = 0;
    qsort(s->ratio, n, sizeof s->ratio[0], by_size);
    while (zeros < n && s->ratio[zeros] == 0)
        zeros++;
    return zeros < n ? s->ratio[zeros + (n - zeros) / 2] : 0;
}

#endif
