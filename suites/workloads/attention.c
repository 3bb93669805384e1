/* Scaled dot-product attention. prefill: all tokens of a prompt attend to one another, causally. decode: one new token a
 * sequence attends to `tokens` cached ones. Grouped key/value heads when kv_heads < heads. */
#include <stdio.h>
#include <string.h>

#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct attention {
    int64_t          batch, heads, kv_heads, head_dim, tokens;
    bool             causal;
    enum assay_dtype dtype;
};

static const char *const phases[] = {"prefill", "decode", NULL};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct attention, batch, "batch", "1", "sequences"),
    ASSAY_PARAM_SIZE(struct attention, heads, "heads", "16", "query heads"),
    ASSAY_PARAM_SIZE(struct attention, kv_heads, "kv_heads", "16", "key and value heads"),
    ASSAY_PARAM_SIZE(struct attention, head_dim, "head_dim", "64", "length of a head's vectors"),
    ASSAY_PARAM_SIZE(struct attention, tokens, "tokens", "512", "prompt length (prefill), cached tokens (decode)"),
    {.name = "causal", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct attention, causal), .dflt = "true",
     .help = "a token sees only those before it (prefill; a decoded token sees all cached ones)"},
    ASSAY_PARAM_DTYPE(struct attention, dtype),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    const struct attention *p = given;
    return (uint64_t)p->batch * (strcmp(phase, "decode") ? (uint64_t)p->tokens : 1);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct attention *p = given;
    bool                    decode = !strcmp(phase, "decode");
    if (p->heads % p->kv_heads)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "kv_heads %lld does not divide heads %lld", (long long)p->kv_heads,
                          (long long)p->heads);
    int32_t q = assay_graph_input(g, "Q", p->dtype, 4,
                                  (int64_t[]){p->batch, p->heads, decode ? 1 : p->tokens, p->head_dim}, ASSAY_FILL_SIGNED);
    int64_t kv[4] = {p->batch, p->kv_heads, p->tokens, p->head_dim};
    int32_t k = assay_graph_input(g, "K", p->dtype, 4, kv, ASSAY_FILL_SIGNED);
    int32_t v = assay_graph_input(g, "V", p->dtype, 4, kv, ASSAY_FILL_SIGNED);
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("is_causal", p->causal && !decode), ASSAY_ATTR_END};
    assay_graph_output(g, assay_graph_op(g, "Attention", "Y", (int32_t[]){q, k, v}, 3, attrs));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_attention = {
    .name = "attention",
    .summary = "scaled dot-product attention, prefill and decode",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct attention),
    .headline = "flops_per_s",
    .items = items,
    .item = "token",
    .batch = "batch",
    .build = build,
};
