#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/gemm.h"

#include "assay/banned.h"

/* The tiles that libraries of tensor core parts choose among, and the ways they split K. */
static const struct tile {
    double m, n;
} tiles[] = {{256, 128}, {128, 256}, {128, 128}, {128, 64}, {64, 128}, {64, 64}, {64, 32}, {32, 64}, {16, 64}, {16, 128}};
static const double splits[] = {1, 2, 4, 8};
#define K_STEP 64.0
#define USUAL_ARRAY 128.0
#define BUSY_FLOOR 0.15 /* share of the memory that one tile can draw, beside its share of the cores */

static double memory_share(const struct assay_chip *chip, const struct assay_coefficients *k)
{
    return k->value[chip->memory_class == ASSAY_MEMORY_HBM ? ASSAY_K_GEMM_MEMORY_HBM : ASSAY_K_GEMM_MEMORY_GDDR];
}

double assay_gemm_tensor_share(const struct assay_chip *chip, const struct assay_coefficients *k, enum assay_dtype dtype,
                               enum assay_scaling scaling)
{
    bool   hbm = chip->memory_class == ASSAY_MEMORY_HBM;
    double share = k->value[hbm ? ASSAY_K_TENSOR_HBM : ASSAY_K_TENSOR_GDDR];
    if (assay_dtype_bits(dtype) <= 8)
        share *= k->value[ASSAY_K_TENSOR_F8];
    if (scaling == ASSAY_SCALING_BLOCK && assay_dtype_bits(dtype) >= 8) /* units that multiply 4 bits scale blocks themselves */
        share *= k->value[hbm ? ASSAY_K_GEMM_BLOCK_HBM : ASSAY_K_GEMM_BLOCK_GDDR];
    return share;
}

double assay_gemm_cached(const struct assay_rates *r, double share, double working_set_bytes)
{
    double kept = share * r->llc_bytes / working_set_bytes;
    return working_set_bytes <= 0 ? 0 : kept >= 1 ? 1 : kept * kept * kept;
}

struct parts {
    double compute_s, memory_s, cache_s, extra_s;
};

/* One way to cut the product: tiles in waves over the cores, operands read again from the last-level cache by each row and
 * column. */
static struct parts cut(const struct assay_gemm_shape *s, const struct assay_rates *r, const struct assay_coefficients *k,
                        double share, double memory_s, const struct tile *t, double split)
{
    double       rows = ceil(s->m / t->m), columns = ceil(s->n / t->n), count = s->batch * rows * columns * split;
    double       depth = ceil(s->k / split / K_STEP) * K_STEP;
    double       efficiency = share / (1 + k->value[ASSAY_K_GEMM_TILE] / sqrt(t->m * t->n));
    double       again = s->batch * s->k * rows * columns * (t->m * s->a_bytes + t->n * s->b_bytes);
    struct parts p = {.extra_s = split > 1 ? k->value[ASSAY_K_GEMM_SPLIT] * 1e-9 : 0};
    p.compute_s =
        ceil(count / r->cores) * (2 * t->m * t->n * depth / (r->core_peak * efficiency) + k->value[ASSAY_K_GEMM_FILL] * 1e-9);
    p.memory_s = (memory_s + (split > 1 ? 8 * s->batch * s->m * s->n / r->llc_rate : 0)) / fmin(1, count / r->cores + BUSY_FLOOR);
    p.cache_s = again / r->feed;
    return p;
}

static double joined(const struct assay_coefficients *k, const struct parts *p)
{
    return p->extra_s + assay_norm3(k->value[ASSAY_K_GEMM_SMOOTH], p->compute_s, p->memory_s, p->cache_s);
}

static struct parts best_cut(const struct assay_gemm_shape *s, const struct assay_rates *r, const struct assay_coefficients *k,
                             double share, double memory_s)
{
    struct parts best = {0};
    double       least = INFINITY;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        for (size_t j = 0; j < sizeof splits / sizeof *splits && (j == 0 || s->k / splits[j] >= 4 * K_STEP); j++) {
            struct parts p = cut(s, r, k, share, memory_s, &tiles[i], splits[j]);
            if (fmax(p.compute_s, fmax(p.memory_s, p.cache_s)) + p.extra_s >= least) /* no norm is below the longest part */
                continue;
            double whole = joined(k, &p);
            if (whole < least) {
                least = whole;
                best = p;
            }
        }
    return best;
}

/* Weights stand in the arrays, rows stream through: loading a block of weights hides behind the rows of the one before, if they
 * are as many as the array has rows. Operands come in tiles as large as the largest above, and the first one is waited for. */
static struct parts systolic(const struct assay_chip *chip, const struct assay_gemm_shape *s, const struct assay_rates *r,
                             const struct assay_coefficients *k, double share, double memory_s)
{
    double rows = chip->field[ASSAY_DEVICE_ARRAY_ROWS], columns = chip->field[ASSAY_DEVICE_ARRAY_COLUMNS];
    rows = rows > 0 ? rows : USUAL_ARRAY;
    columns = columns > 0 ? columns : USUAL_ARRAY;
    double       blocks = s->batch * ceil(s->k / rows) * ceil(s->n / columns);
    double       streams = fmax(1, fmin(floor(s->m / rows), r->cores)); /* rows may be cut among arrays too */
    double       each = fmax(s->m / streams, rows);
    struct parts p = {.memory_s = memory_s};
    double       efficiency = share / (1 + k->value[ASSAY_K_GEMM_TILE] / sqrt(tiles[0].m * tiles[0].n));
    p.compute_s = ceil(blocks * streams / r->cores) * each * 2 * rows * columns / (r->core_peak * efficiency) + k->value[ASSAY_K_GEMM_FILL] * 1e-9;
    return p;
}

/* What quantising the left operand on the way in takes: a pass of its own before the product. */
static double quantising_s(const struct assay_gemm_shape *s, const struct assay_rates *r, const struct assay_coefficients *k,
                           double memory)
{
    if (!s->quantises)
        return 0;
    bool   block = s->scaling == ASSAY_SCALING_BLOCK;
    double floor_ns = k->value[block ? ASSAY_K_GEMM_BLOCK : ASSAY_K_GEMM_QUANTISE];
    return floor_ns * 1e-9 + k->value[block ? ASSAY_K_GEMM_BLOCK_BYTES : ASSAY_K_GEMM_QUANTISE_BYTES] * s->batch * s->m * s->k /
                                 (r->memory * memory);
}

enum assay_code assay_price_gemm(const struct assay_chip *chip, const struct assay_coefficients *k,
                                 const struct assay_gemm_shape *s, struct assay_price *out, struct assay_error *err)
{
    struct assay_rates r;
    if (assay_rates_of(chip, k, s->compute, &r, err))
        return assay_error_in(err, "pricing a product");
    double memory = memory_share(chip, k), share = assay_gemm_tensor_share(chip, k, s->compute, s->scaling);
    double weights = s->batch * s->k * s->n * s->b_bytes, rest = s->batch * s->m * (s->k * s->a_bytes + s->n * s->c_bytes);
    double kept = k->value[chip->memory_class == ASSAY_MEMORY_HBM ? ASSAY_K_GEMM_CACHE_HBM : ASSAY_K_GEMM_CACHE_GDDR];
    double cached = s->rotated_bytes > 0 ? assay_gemm_cached(&r, kept, s->rotated_bytes + rest) : 0;
    double       memory_s = (weights + rest) * ((1 - cached) / (r.memory * memory) + cached / r.llc_rate);
    struct parts p =
        chip->family == ASSAY_CHIP_SYSTOLIC ? systolic(chip, s, &r, k, share, memory_s) : best_cut(s, &r, k, share, memory_s);
    struct assay_price price = {.class = ASSAY_KERNEL_GEMM,
                                .compute_ns = p.compute_s * 1e9,
                                .memory_ns = p.memory_s * 1e9,
                                .cache_ns = p.cache_s * 1e9,
                                .vector_ns = quantising_s(s, &r, k, memory) * 1e9};
    price.floor_ns = assay_floor_ns(chip, k->value[ASSAY_K_GEMM_FLOOR]) + p.extra_s * 1e9 +
                     (s->host_launched ? k->value[ASSAY_K_GEMM_HOST] : 0);
    price.ns = price.floor_ns + price.vector_ns +
               assay_norm3(k->value[ASSAY_K_GEMM_SMOOTH], price.compute_ns, price.memory_ns, price.cache_ns);
    price.flops = 2 * s->batch * s->m * s->n * s->k;
    price.memory_bytes = (weights + rest) * (1 - cached);
    price.cache_bytes = weights + rest;
    *out = price;
    return ASSAY_OK;
}
