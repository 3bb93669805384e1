#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/gemm.h"
#include "harness/model/rates.h"

#include "assay/banned.h"

#define ROW_TILE 128.0
#define K_STEP 64.0

/* Of n local experts, how many an even routing of `routed` token copies over all would touch. */
static double touched_of(double local, double experts, double routed)
{
    return local * (1 - pow(1 - 1 / experts, routed));
}

enum assay_code assay_price_moe(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_moe_shape *s,
                                struct assay_price *out, struct assay_error *err)
{
    struct assay_rates r;
    if (assay_rates_of(chip, k, s->compute, &r, err))
        return assay_error_in(err, "pricing a mixture of experts");
    double local = s->experts / s->ep, inter = s->inter / s->tp, all = s->tokens * s->top_k;
    double routed = all / s->ep * s->imbalance; /* to the busiest rank */
    double touched = fmax(fmin(1, routed), touched_of(local, s->experts, all) * k->value[ASSAY_K_MOE_TOUCHED]);
    double rows = routed / touched, tile = rows < 24 ? 16 : rows < 48 ? 32 : rows < 96 ? 64 : ROW_TILE;
    double padded = touched * (rows + tile / 2); /* each expert's last tile is half empty */
    struct assay_price price = {.class = ASSAY_KERNEL_MOE, .flops = 6 * routed * s->hidden * inter};
    double blocks = touched * ceil(rows / tile) * ceil(2 * inter / ROW_TILE), waves = blocks / r.cores;
    double share = assay_gemm_tensor_share(chip, k, s->compute, s->scaling) * k->value[ASSAY_K_MOE_TENSOR];
    double efficiency = share / (1 + k->value[ASSAY_K_GEMM_TILE] / sqrt(tile * ROW_TILE));
    price.compute_ns = 6 * padded * s->hidden * inter / (r.peak * efficiency) * ceil(waves) / waves * 1e9;
    price.memory_bytes = touched * 3 * s->hidden * inter * s->weight_bytes;
    price.memory_ns = price.memory_bytes / (r.memory * k->value[ASSAY_K_MOE_MEMORY]) * 1e9;
    price.vector_ns = k->value[ASSAY_K_MOE_ROUTE_BYTES] * routed * (s->hidden + inter) * s->token_bytes / r.memory * 1e9;
    price.floor_ns = assay_floor_ns(chip, k->value[ASSAY_K_MOE_FLOOR]);
    price.ns = price.floor_ns + price.vector_ns + assay_norm3(k->value[ASSAY_K_MOE_SMOOTH], price.compute_ns, price.memory_ns, 0);
    *out = price;
    return ASSAY_OK;
}
