/* A device on paper: the outputs of a small graph for each input set, in the reference's values rounded to the format or
 * in naive float arithmetic, which a test spoils as it likes while they are recorded. */
#ifndef ASSAY_VERIFY_SIMULATED_H
#define ASSAY_VERIFY_SIMULATED_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/random.h"
#include "harness/verify/check.h"
#include "harness/verify/witness.h"
#include "reference/reference.h"
#include "suites/data/fill.h"
#include "suites/data/poison.h"

#define SETS 8u
#define CASE_ID "0123456789abcdef"
#define SEED 7u

struct simulated {
    struct assay_graph *graph;
    int32_t             output;
    size_t              bytes;
    void              **input[SETS]; /* one a value */
    unsigned char      *honest[SETS];
    unsigned char      *now; /* what the device leaves in its output */
    char                path[64];
};

static inline enum assay_code fill(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to,
                            struct assay_error *err)
{
    (void)self;
    return assay_fill_value(g, value, SEED, set, to, err);
}

static inline void simulate(struct simulated *s, struct assay_graph *g, int32_t output)
{
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    *s = (struct simulated){.graph = g, .output = output, .bytes = (size_t)g->values[output].bytes};
    s->now = malloc(s->bytes);
    for (uint32_t set = 0; set < SETS; set++) {
        s->input[set] = calloc(g->n_values, sizeof *s->input[set]);
        for (uint32_t v = 0; v < g->n_values; v++) {
            if (g->values[v].producer >= 0 || g->values[v].role == ASSAY_ROLE_CONST)
                continue;
            s->input[set][v] = malloc((size_t)g->values[v].bytes);
            cr_assert_eq(fill(NULL, g, (int32_t)v, set, s->input[set][v], &err), ASSAY_OK, "%s", err.message);
        }
        struct assay_reference *r;
        s->honest[set] = malloc(s->bytes);
        cr_assert_eq(assay_reference_new(g, (const void *const *)s->input[set], &r, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_reference_store(r, output, s->honest[set], &err), ASSAY_OK, "%s", err.message);
        assay_reference_free(r);
    }
    (void)snprintf(s->path, sizeof s->path, "/tmp/assay-witness-%d.bin", (int)getpid());
}

static inline void put_away(struct simulated *s)
{
    for (uint32_t set = 0; set < SETS; set++) {
        for (uint32_t v = 0; v < s->graph->n_values; v++)
            free(s->input[set][v]);
        free(s->input[set]);
        free(s->honest[set]);
    }
    free(s->now);
    assay_graph_free(s->graph);
    (void)unlink(s->path);
}

/* C = A B of f32[m, k], f32[k, n]. */
static inline void simulate_product_of(struct simulated *s, int64_t m, int64_t n, int64_t k, struct assay_fill fill)
{
    struct assay_graph *g = assay_graph_new("product");
    int32_t             in[2] = {assay_graph_input(g, "A", ASSAY_F32, 2, (int64_t[]){m, k}, fill),
                                 assay_graph_input(g, "B", ASSAY_F32, 2, (int64_t[]){k, n}, fill)};
    int32_t             c = assay_graph_op(g, "MatMul", "C", in, 2, NULL);
    assay_graph_output(g, c);
    simulate(s, g, c);
}

static inline void simulate_product(struct simulated *s, int64_t m, int64_t n, int64_t k)
{
    simulate_product_of(s, m, n, k, ASSAY_FILL_SIGNED);
}

/* Replaces the honest values of a product by those of a loop in float, summed in order. */
static inline void multiply_in_float(struct simulated *s, size_t m, size_t n, size_t k)
{
    for (uint32_t set = 0; set < SETS; set++) {
        const float *a = s->input[set][0], *b = s->input[set][1];
        float       *c = (float *)(void *)s->honest[set];
        memset(c, 0, s->bytes);
        for (size_t i = 0; i < m; i++)
            for (size_t l = 0; l < k; l++)
                for (size_t j = 0; j < n; j++)
                    c[i * n + j] += a[i * k + l] * b[l * n + j];
    }
}

/* One op on one f32 input of the shape given. */
static inline void simulate_unary(struct simulated *s, const char *op, int32_t rank, const int64_t *dims, struct assay_fill rule)
{
    struct assay_graph *g = assay_graph_new(op);
    int32_t             x = assay_graph_input(g, "X", ASSAY_F32, rank, dims, rule);
    int32_t             y = assay_graph_op(g, op, "Y", &x, 1, NULL);
    assay_graph_output(g, y);
    simulate(s, g, y);
}

/* What the device does to its output in one iteration; s->now holds the poison or whatever was there. */
typedef void device_fn(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random);

static inline void honestly(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)iteration, (void)random;
    memcpy(s->now, s->honest[set], s->bytes);
}

static inline void record(struct simulated *s, device_fn *device, uint64_t iterations, uint32_t chosen, uint64_t entropy,
                   struct assay_witness_counts *counts)
{
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_witness      *w;
    struct assay_random        random;
    struct assay_witness_setup setup = {.path = s->path, .case_id = CASE_ID, .graph = s->graph, .seed = SEED,
                                        .entropy = entropy, .sets = SETS, .chosen = chosen};
    cr_assert_eq(assay_witness_new(&setup, &w, &err), ASSAY_OK, "%s", err.message);
    assay_random_init(&random, entropy + 1);
    for (uint64_t i = 0; i < iterations; i++) {
        const void       *outputs[1] = {s->now};
        const struct assay_value *v = &s->graph->values[s->output];
        const void       *before[1] = {v->alias_of == ASSAY_NO_VALUE ? NULL : s->input[0][v->alias_of]};
        struct assay_seen seen = {i, (uint32_t)assay_random_below(&random, SETS), assay_random_u64(&random) & ~0xFFFFFFull, outputs, before};
        if (before[0])
            memcpy(s->now, before[0], s->bytes);
        else
            assay_poison_fill(v->dtype, seen.poison_key + ((uint64_t)s->output << 8), (size_t)v->elements, s->now);
        device(s, i, seen.set, &random);
        assay_witness_see(w, &seen);
        if (i % SETS == SETS - 1)
            assay_witness_batch_end(w);
    }
    if (counts)
        *counts = assay_witness_counts(w);
    cr_assert_eq(assay_witness_close(w, &err), ASSAY_OK, "%s", err.message);
}

#define BUDGET 1e9
static inline struct assay_check judged(struct simulated *s, double budget)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_check out;
    cr_assert_eq(assay_witness_check(s->path, CASE_ID, s->graph, fill, NULL, budget, &out, &err), ASSAY_OK, "%s", err.message);
    return out;
}

static inline struct assay_check run(struct simulated *s, device_fn *device, uint64_t iterations, uint64_t entropy)
{
    record(s, device, iterations, ASSAY_WITNESS_DEFAULT_CHOSEN, entropy, NULL);
    return judged(s, BUDGET);
}

#endif
