#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/gemm.h"
#include "harness/model/rates.h"

#include "assay/banned.h"

/* Rows of a grouped product's tiles; all experts of a call share one. */
static const double row_tiles[] = {16, 32, 64, 128};
#define COLUMN_TILE 128.0

/* Of n local experts, how many an even routing of `routed` token copies over all would touch. */
static double touched_of(double local, double experts, double routed)
{
    return local * (1 - pow(1 - 1 / experts, routed));
}

/* Two products, up and gate together and then down, over the busiest rank's experts: tiles in waves, each expert's last tile half
 * empty, every tile worth a little more than its depth. */
static double products_ns(const struct assay_moe_shape *s, const struct assay_rates *r, const struct assay_coefficients *k,
                          double share, double touched, double rows, double tile)
{
    double tiles = touched * (s->imbalance > 1 ? rows / tile + 0.5 : ceil(rows / tile)), inter = s->inter / s->tp;
    double up = ceil(2 * inter / COLUMN_TILE), down = ceil(s->hidden / COLUMN_TILE), waves = tiles * (up + down) / r->cores;
    double depths = up * (s->hidden + k->value[ASSAY_K_MOE_DEPTH]) + down * (inter + k->value[ASSAY_K_MOE_DEPTH]);
    double efficiency = share / (1 + k->value[ASSAY_K_GEMM_TILE] / sqrt(tile * COLUMN_TILE));
    return 2 * tiles * tile * COLUMN_TILE * depths / (r->peak * efficiency) * (waves + 0.5) / waves * 1e9;
}

/* Formats that units do not scale by blocks themselves: kernels quantise tokens by blocks, and go through all experts of a rank. */
static bool quantises_blocks(const struct assay_moe_shape *s)
{
    return s->scaling == ASSAY_SCALING_BLOCK && assay_dtype_bits(s->compute) >= 8;
}

/* Passes over routed tokens: permute, quantise, combine; the activation between the products is a part of them. What is written by
 * one pass is read by the next from the last-level cache, where it and the pass's own results are kept. */
static double passes_ns(const struct assay_moe_shape *s, const struct assay_rates *r, const struct assay_coefficients *k,
                        double routed)
{
    double elements = routed * s->hidden, kept = assay_gemm_cached(r, 1, 4 * elements * s->token_bytes);
    double bytes = k->value[ASSAY_K_MOE_ROUTE_BYTES] * s->token_bytes + (quantises_blocks(s) ? k->value[ASSAY_K_MOE_BLOCK_BYTES] : 0);
    return elements * bytes * ((1 - kept) / r->memory + kept / r->llc_rate) * 1e9;
}

enum assay_code assay_price_moe(const struct assay_chip *chip, const struct assay_coefficients *k,
                                const struct assay_moe_shape *s, struct assay_price *out, struct assay_error *err)
{
    struct assay_rates r;
    if (assay_rates_of(chip, k, s->compute, &r, err))
        return assay_error_in(err, "pricing a mixture of experts");
    double inter = s->inter / s->tp, all = s->tokens * s->top_k, routed = fmax(1, all / s->ep * s->imbalance);
    double touched = s->touched > 0 ? s->touched : fmax(1, touched_of(s->experts / s->ep, s->experts, all)),
           rows = routed / touched;
    double share = assay_gemm_tensor_share(chip, k, s->compute, s->scaling) * k->value[ASSAY_K_MOE_TENSOR];
    struct assay_price price = {.class = ASSAY_KERNEL_MOE, .flops = 6 * routed * s->hidden * inter, .compute_ns = INFINITY};
    for (size_t i = 0; i < sizeof row_tiles / sizeof *row_tiles; i++)
        price.compute_ns = fmin(price.compute_ns, products_ns(s, &r, k, share, touched, rows, row_tiles[i]));
    price.memory_bytes = touched * 3 * s->hidden * inter * s->weight_bytes;
    bool   hbm = chip->memory_class == ASSAY_MEMORY_HBM;
    double memory = k->value[hbm ? ASSAY_K_MOE_MEMORY_HBM : ASSAY_K_MOE_MEMORY_GDDR];
    double cached =
        s->loops ? assay_gemm_cached(&r, k->value[hbm ? ASSAY_K_MOE_CACHE_HBM : ASSAY_K_MOE_CACHE_GDDR], price.memory_bytes) : 0;
    price.cache_bytes = price.memory_bytes;
    price.memory_ns = price.memory_bytes * ((1 - cached) / (r.memory * memory) + cached / r.llc_rate) * 1e9;
    price.memory_bytes *= 1 - cached;
    price.vector_ns = passes_ns(s, &r, k, routed);
    price.floor_ns = assay_floor_ns(chip, k->value[ASSAY_K_MOE_FLOOR] +
                                              (quantises_blocks(s) ? k->value[ASSAY_K_MOE_BLOCK_EXPERT] * s->experts / s->ep
                                                                   : k->value[ASSAY_K_MOE_EXPERT] * touched));
    price.ns = price.floor_ns + price.vector_ns + assay_norm3(k->value[ASSAY_K_MOE_SMOOTH], price.compute_ns, price.memory_ns, 0);
    *out = price;
    return ASSAY_OK;
}
