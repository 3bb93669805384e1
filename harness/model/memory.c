#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/rates.h"

#include "assay/banned.h"

enum assay_code assay_price_memory(const struct assay_chip *chip, const struct assay_coefficients *k,
                                   const struct assay_memory_shape *s, struct assay_price *out, struct assay_error *err)
{
    struct assay_rates r;
    if (assay_rates_of(chip, k, ASSAY_DTYPE_NONE, &r, err))
        return assay_error_in(err, "pricing work that memory limits");
    double bytes = s->read_bytes + s->written_bytes, vector = chip->field[ASSAY_DEVICE_VECTOR];
    bool   cached =
        s->working_set_bytes > 0 &&
        s->working_set_bytes <
            k->value[chip->memory_class == ASSAY_MEMORY_HBM ? ASSAY_K_GEMM_CACHE_HBM : ASSAY_K_GEMM_CACHE_GDDR] * r.llc_bytes;
    struct assay_price price = {
        .class = ASSAY_KERNEL_MEMORY, .flops = s->flops, .cache_bytes = bytes, .memory_bytes = cached ? 0 : bytes};
    if (s->flops > 0 && (isnan(vector) || vector <= 0))
        vector = 2 * 64 * r.cores * r.clock_hz; /* 64 lanes a core that multiply and add */
    price.cache_ns = bytes / r.llc_rate * 1e9;
    price.memory_ns = price.memory_bytes / (r.memory * k->value[ASSAY_K_MEMORY_SHARE]) * 1e9;
    price.vector_ns =
        (s->flops > 0 ? s->flops / (vector * k->value[ASSAY_K_MEMORY_VECTOR]) * 1e9 : 0) + s->transcendentals / r.exp * 1e9;
    price.floor_ns = assay_floor_ns(chip, k->value[ASSAY_K_MEMORY_FLOOR]);
    price.ns = price.floor_ns + fmax(price.memory_ns, fmax(price.cache_ns, price.vector_ns));
    *out = price;
    return ASSAY_OK;
}
