#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/gemm.h"
#include "harness/model/rates.h"

#include "assay/banned.h"

#define QUERY_BLOCK 128.0 /* queries that one core takes at a time */
/* FLOP a clock and core in 16 bits up to which it takes no more: twice the largest core whose attention was measured. */
#define QUERY_BLOCK_CORE 8192.0
#define QUERY_BLOCK_MOST 1024.0 /* times QUERY_BLOCK: no prompt has more queries */
/* Rows of queries that share what one load carries into registers: README.md, "Attention over many queries". */
#define FED_ROWS 16.0

static bool has_hbm(const struct assay_chip *chip)
{
    return chip->memory_class == ASSAY_MEMORY_HBM;
}

/* Pairs of query and key that are multiplied: all earlier tokens and, where causal, half of its own. */
static double pairs_of(const struct assay_attention_shape *s)
{
    return s->batch * s->heads * s->query * (s->past + (s->causal ? (s->query + 1) / 2 : s->query));
}

/* Attention keeps tensor units busy half of the time and parts with HBM below their power limit: it does not cost them their
 * clock. It does cost it the others; the arithmetic's density tells of their products only. */
static double kept_clock(const struct assay_chip *chip, const struct assay_coefficients *k)
{
    return has_hbm(chip) ? 1 : k->value[ASSAY_K_TENSOR_GDDR];
}

static double product_rate(const struct assay_chip *chip, const struct assay_rates *r, const struct assay_coefficients *k)
{
    double stated = r->peak / r->sustained;
    return k->value[ASSAY_K_PREFILL_TENSOR] * (has_hbm(chip) ? stated : fmin(stated, r->peak * kept_clock(chip, k)));
}

/* What products wait for where a unit multiplies registers: so many elements of keys and values are carried there, read again for
 * every FED_ROWS queries. Where it is not known how fast, they wait for nothing. */
static double feeding_s(const struct assay_chip *chip, const struct assay_rates *r, const struct assay_coefficients *k,
                        enum assay_dtype dtype, double elements)
{
    double per_clock = chip->field[ASSAY_DEVICE_REGISTER_FEED];
    if (isnan(per_clock) || per_clock <= 0)
        return 0;
    return k->value[ASSAY_K_PREFILL_FEED] * elements * assay_dtype_bits(dtype) / 8 /
           (FED_ROWS * per_clock * r->cores * r->clock_hz);
}

/* Blocks of queries in waves over the cores. Causal blocks differ in length, so that the last wave is half lost. */
static double waves_of(double blocks, const struct assay_rates *r)
{
    double waves = blocks / r->cores;
    return waves <= 1 ? 1 : waves + 0.5;
}

/* With so many queries a block. */
static struct assay_price price_blocks(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_attention_shape *s,
                                       const struct assay_rates *r, double block)
{
    double blocks = s->batch * s->heads * ceil(s->query / block), waves = waves_of(blocks, r);
    double pairs = pairs_of(s), waste = ceil(s->query / block) * block / s->query * waves * r->cores / blocks;
    double tokens =
        s->batch * s->query *
        (s->heads * (s->head_dim + s->value_dim) * s->q_bytes + s->kv_heads * (s->head_dim + s->value_dim) * s->kv_bytes);
    double             kept = s->kv_tokens > 0 ? s->kv_tokens : s->batch * (s->past + s->query);
    struct assay_price price = {.class = ASSAY_KERNEL_PREFILL, .flops = 2 * pairs * (s->head_dim + s->value_dim)};
    price.memory_bytes = tokens + kept * s->kv_heads * (s->head_dim + s->value_dim) * s->kv_bytes;
    double waiting_s = feeding_s(chip, r, k, s->compute, pairs * waste * (s->head_dim + s->value_dim)) / kept_clock(chip, k);
    price.compute_ns = (price.flops * waste / product_rate(chip, r, k) + waiting_s) * 1e9;
    price.vector_ns = pairs * waste / (r->exp * k->value[ASSAY_K_PREFILL_EXP] * kept_clock(chip, k)) * 1e9;
    price.memory_ns = price.memory_bytes / (r->memory * 0.85) * 1e9;
    price.floor_ns =
        assay_floor_ns(chip, k->value[ASSAY_K_PREFILL_FLOOR]) + k->value[ASSAY_K_PREFILL_TOKEN_BYTES] * tokens / r->memory * 1e9;
    price.floor_ns += assay_at_clock(chip, k->value[ASSAY_K_PREFILL_BLOCK]) * waves;
    price.ns = price.floor_ns + assay_norm3(k->value[ASSAY_K_PREFILL_SMOOTH], price.compute_ns + price.vector_ns, price.memory_ns, 0);
    return price;
}

/* Parts of few, large cores can give each more queries, so that a block takes the time that one takes elsewhere, and take what is fastest:
 * README.md, "Attention over many queries". */
enum assay_code assay_price_prefill(const struct assay_chip *chip, const struct assay_coefficients *k,
                                    const struct assay_attention_shape *s, struct assay_price *out, struct assay_error *err)
{
    struct assay_rates r;
    if (assay_rates_of(chip, k, s->compute, &r, err))
        return assay_error_in(err, "pricing attention over many queries");
    double   core = r.peak / r.sustained * assay_dtype_bits(s->compute) / 16 / (r.cores * r.clock_hz);
    unsigned most = (unsigned)fmin(rint(core / QUERY_BLOCK_CORE), QUERY_BLOCK_MOST);
    *out = price_blocks(chip, k, s, &r, QUERY_BLOCK);
    for (unsigned larger = 2; larger <= most; larger *= 2) {
        struct assay_price price = price_blocks(chip, k, s, &r, larger * QUERY_BLOCK);
        *out = price.ns < out->ns ? price : *out;
    }
    return ASSAY_OK;
}

enum assay_code assay_price_decode(const struct assay_chip *chip, const struct assay_coefficients *k,
                                   const struct assay_attention_shape *s, struct assay_price *out, struct assay_error *err)
{
    struct assay_rates r;
    if (assay_rates_of(chip, k, s->compute, &r, err))
        return assay_error_in(err, "pricing attention over a cache");
    double kept = s->kv_tokens > 0 ? s->kv_tokens : s->batch * (s->past + s->query);
    double bytes = kept * s->kv_heads * (s->head_dim == s->value_dim ? 2 * s->head_dim : s->head_dim) * s->kv_bytes;
    double share = k->value[has_hbm(chip) ? ASSAY_K_DECODE_MEMORY_HBM : ASSAY_K_DECODE_MEMORY_GDDR];
    bool   shared =
        s->heads > s->kv_heads; /* kernels for one head a cache convert 8 bits to 16 and gain nothing from the last-level cache */
    double cached =
        shared || s->kv_bytes > 1
            ? assay_gemm_cached(&r, k->value[has_hbm(chip) ? ASSAY_K_DECODE_CACHE_HBM : ASSAY_K_DECODE_CACHE_GDDR], bytes)
            : 0;
    double             cold_ns = assay_at_clock(chip, k->value[ASSAY_K_DECODE_COLD]);
    struct assay_price price = {.class = ASSAY_KERNEL_DECODE,
                                .flops = 2 * kept * s->query * s->heads * (s->head_dim + s->value_dim)};
    price.memory_bytes = bytes * (1 - cached);
    price.cache_bytes = bytes;
    price.memory_ns = bytes * ((1 - cached) / (r.memory * share) + cached / r.llc_rate) * 1e9;
    price.memory_ns += cold_ns * price.memory_ns / (price.memory_ns + cold_ns);
    price.cache_ns = bytes / r.llc_rate * 1e9;
    price.compute_ns = price.flops / (r.peak * k->value[ASSAY_K_DECODE_TENSOR]) * 1e9;
    price.floor_ns =
        assay_floor_ns(chip, k->value[ASSAY_K_DECODE_FLOOR] * (shared && s->kv_bytes <= 1 ? k->value[ASSAY_K_DECODE_NARROW] : 1));
    price.ns = price.floor_ns + assay_norm3(k->value[ASSAY_K_DECODE_SMOOTH], price.memory_ns, price.compute_ns, price.cache_ns);
    *out = price;
    return ASSAY_OK;
}
