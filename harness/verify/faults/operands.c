/* Faults of what an op reads: the sum over the wrong terms, an operand that is another one. The node then computes as it should. */
#include <math.h>
#include <string.h>

#include "harness/verify/faults/kinds.h"

#include "assay/banned.h"

#define OPERANDS(name) void assay_fault_operands_##name(struct assay_fault_operands *o)

static uint64_t last(const struct assay_fault_tensor *t)
{
    return (uint64_t)t->dims[t->rank - 1];
}

static void each(struct assay_fault_tensor *t, double by)
{
    for (uint64_t i = 0; t->at && i < t->elements; i++)
        t->at[i] *= by;
}

/* ---- terms of a sum along the last axis of the first operand ------------------------------------------------- */

static void multiply_terms(struct assay_fault_tensor *a, uint64_t first, uint64_t n, double by)
{
    uint64_t k = last(a);
    for (uint64_t i = 0; i < a->elements / k; i++)
        for (uint64_t l = first; l < first + n; l++)
            a->at[i * k + l] *= by;
}

OPERANDS(tail_missing)
{
    uint64_t k = last(&o->in[0]), t = (uint64_t)o->size < k ? (uint64_t)o->size : k;
    multiply_terms(&o->in[0], k - t, t, 0);
}

OPERANDS(term_missing)
{
    multiply_terms(&o->in[0], assay_random_below(o->random, last(&o->in[0])), 1, 0);
}

OPERANDS(term_twice)
{
    multiply_terms(&o->in[0], assay_random_below(o->random, last(&o->in[0])), 1, 2);
}

/* Two columns of A, not the rows of B that they meet. */
OPERANDS(terms_crossed)
{
    struct assay_fault_tensor *a = &o->in[0];
    uint64_t k = last(a), one = assay_random_below(o->random, k), two = (one + 1 + assay_random_below(o->random, k - 1)) % k;
    for (uint64_t i = 0; i < a->elements / k; i++) {
        a->at[i * k + one] = a->honest[i * k + two];
        a->at[i * k + two] = a->honest[i * k + one];
    }
}

OPERANDS(row_of_neighbour)
{
    struct assay_fault_tensor *a = &o->in[0];
    uint64_t                   k = last(a), rows = a->elements / k, i = assay_random_below(o->random, rows);
    memcpy(a->at + i * k, a->honest + (i + 1) % rows * k, k * sizeof *a->at);
}

OPERANDS(moved_along)
{
    struct assay_fault_tensor *a = &o->in[0];
    uint64_t                   k = last(a);
    for (uint64_t i = 0; i < a->elements; i++)
        a->at[i] = a->honest[i / k * k + (i + 1) % k];
}

/* ---- a second operand that is another one -------------------------------------------------------------------- */

/* B is read as if it lay the other way round. */
OPERANDS(transposed)
{
    struct assay_fault_tensor *b = &o->in[1];
    uint64_t                   n = last(b), k = b->elements / n;
    for (uint64_t i = 0; i < b->elements; i++)
        b->at[i] = b->honest[i % n * k + i / n];
}

static double rms_of(const struct assay_fault_tensor *t)
{
    double squares = 0;
    for (uint64_t i = 0; i < t->elements; i++)
        squares += t->honest[i] * t->honest[i];
    return sqrt(squares / (double)t->elements);
}

OPERANDS(operand_off)
{
    struct assay_fault_tensor *b = &o->in[1];
    b->at[assay_random_below(o->random, b->elements)] += (assay_random_below(o->random, 2) ? 1 : -1) * o->size * rms_of(b);
}

static void make_stale(struct assay_fault_tensor *t, uint64_t row)
{
    uint64_t n = last(t);
    memcpy(t->at + row * n, t->other + row * n, n * sizeof *t->at);
}

OPERANDS(operand_stale)
{
    make_stale(&o->in[1], assay_random_below(o->random, o->in[1].elements / last(&o->in[1])));
}

OPERANDS(cache_row_stale)
{
    uint64_t row = assay_random_below(o->random, o->in[1].elements / last(&o->in[1]));
    make_stale(&o->in[1], row);
    make_stale(&o->in[2], row);
}

/* Keys and values of the first head go to the second, and back. */
OPERANDS(heads_crossed)
{
    for (size_t i = 1; i <= 2; i++) {
        struct assay_fault_tensor *t = &o->in[i];
        uint64_t                   n = (uint64_t)t->dims[2] * (uint64_t)t->dims[3];
        memcpy(t->at, t->honest + n, n * sizeof *t->at);
        memcpy(t->at + n, t->honest, n * sizeof *t->at);
    }
}

/* ---- a third operand ----------------------------------------------------------------------------------------- */

OPERANDS(bias_missing)
{
    each(&o->in[2], 0);
}

OPERANDS(bias_twice)
{
    each(&o->in[2], 2);
}

/* ---- padding and masks --------------------------------------------------------------------------------------- */

static uint64_t clamped(uint64_t padded, uint64_t n)
{
    return padded == 0 ? 0 : padded > n ? n - 1 : padded - 1;
}

/* The node pads no more; a border of one repeats the edge. */
OPERANDS(edge_padding)
{
    struct assay_fault_tensor *x = &o->in[0];
    uint64_t                   h = (uint64_t)x->dims[2], w = (uint64_t)x->dims[3];
    for (uint64_t i = 0; i < x->elements; i++) {
        uint64_t image = i / (h * w), row = clamped(i / w % h, h - 2), column = clamped(i % w, w - 2);
        x->at[i] = x->honest[(image * (h - 2) + row) * (w - 2) + column];
    }
}

/* A mask in place of the attribute: a query sees the key after its own. */
OPERANDS(causal_by_one)
{
    struct assay_fault_tensor *mask = &o->in[3];
    uint64_t                   keys = last(mask);
    for (uint64_t i = 0; i < mask->elements; i++)
        mask->at[i] = i % keys <= i / keys + 1;
}

/* ---- norms --------------------------------------------------------------------------------------------------- */

OPERANDS(variance_by_less)
{
    double n = (double)last(&o->in[0]);
    each(&o->in[1], sqrt((n - 1) / n));
}

OPERANDS(scale_missing)
{
    for (uint64_t i = 0; i < o->in[1].elements; i++)
        o->in[1].at[i] = 1;
}

/* ---- indices and optimizers ---------------------------------------------------------------------------------- */

OPERANDS(index_by_one)
{
    struct assay_fault_tensor *index = &o->in[1];
    double                    *i = &index->at[assay_random_below(o->random, index->elements)];
    *i = *i > 0 ? *i - 1 : *i + 1;
}

enum { RATE, STEP, PARAM, GRADIENT, MOMENTUM };
#define DECAY 0.1 /* weight_decay of the subject */

/* Decay goes through the moments; the node has lost its own (nodes.c). */
OPERANDS(decay_coupled)
{
    for (uint64_t i = 0; i < o->in[GRADIENT].elements; i++)
        o->in[GRADIENT].at[i] += DECAY * o->in[PARAM].at[i];
}

/* The second half has the first half's, as two params that share one buffer. */
OPERANDS(momentum_shared)
{
    struct assay_fault_tensor *m = &o->in[MOMENTUM];
    uint64_t                   half = m->elements / 2;
    memcpy(m->at + (m->elements - half), m->honest, half * sizeof *m->at);
}

OPERANDS(gradient_dropped)
{
    each(&o->in[GRADIENT], 0);
}

OPERANDS(rate_off)
{
    o->in[RATE].at[0] *= 1 + o->size;
}
