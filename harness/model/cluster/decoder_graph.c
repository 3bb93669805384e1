#include "harness/model/cluster/decoder_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"

#include "assay/banned.h"

static const char layers_prefix[] = "model.layers.";

/* A given value by its whole name; NULL: there is none. */
static const struct assay_value *find(const struct assay_graph *g, const char *name)
{
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].producer < 0 && !strcmp(g->values[v].name, name))
            return &g->values[v];
    return NULL;
}

static const struct assay_value *find_in_layer(const struct assay_graph *g, int64_t layer, const char *rest)
{
    char name[ASSAY_VALUE_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%s%lld.%s", layers_prefix, (long long)layer, rest);
    return find(g, name);
}

/* The length of a param along an axis; 0: there is no such param. */
static double length(const struct assay_value *v, int axis)
{
    return v && axis < v->rank ? (double)v->dims[axis] : 0;
}

static double length_in_layer(const struct assay_graph *g, int64_t layer, const char *rest, int axis)
{
    return length(find_in_layer(g, layer, rest), axis);
}

/* 0: there are none, or a number among them that cannot be one, as each layer has a value at least. */
static int64_t count_layers(const struct assay_graph *g)
{
    int64_t most = 0;
    for (uint32_t v = 0; v < g->n_values; v++) {
        const char *name = g->values[v].name;
        if (g->values[v].producer >= 0 || strncmp(name, layers_prefix, sizeof layers_prefix - 1) != 0)
            continue;
        int64_t layer = strtoll(name + sizeof layers_prefix - 1, NULL, 10);
        if (layer < 0 || layer >= g->n_values)
            return 0;
        most = layer + 1 > most ? layer + 1 : most;
    }
    return most;
}

/* An integer attribute of the first op of that name; 0: there is none. */
static double attribute_of(const struct assay_graph *g, const char *op, const char *attribute)
{
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        const struct assay_attr *a = !strcmp(g->nodes[n].op->name, op) ? assay_node_attr(&g->nodes[n], attribute) : NULL;
        if (a)
            return (double)a->i;
    }
    return 0;
}

/* ---- parts of a layer ---------------------------------------------------------------------------------------------- */

/* Of latent attention: with H heads, q_b has H (nope + rope) rows, kv_b H (nope + v), and o_proj takes H v. */
static bool read_latent(const struct assay_graph *g, struct assay_decoder_numbers *d)
{
    const char *query = find_in_layer(g, 0, "self_attn.q_b_proj.weight") ? "self_attn.q_b_proj.weight" : "self_attn.q_proj.weight";
    double      a = length_in_layer(g, 0, query, 0), b = length_in_layer(g, 0, "self_attn.kv_b_proj.weight", 0);
    double      c = length_in_layer(g, 0, "self_attn.o_proj.weight", 1);
    d->kv_rank = length_in_layer(g, 0, "self_attn.kv_b_proj.weight", 1);
    d->q_rank = length_in_layer(g, 0, "self_attn.q_b_proj.weight", 1);
    d->rope_dim = length_in_layer(g, 0, "self_attn.kv_a_proj_with_mqa.weight", 0) - d->kv_rank;
    if (!(d->rope_dim > 0 && a > b - c && b > c))
        return false;
    d->heads = d->kv_heads = (a - (b - c)) / d->rope_dim;
    d->nope_dim = (b - c) / d->heads;
    d->v_dim = d->head_dim = c / d->heads;
    return true;
}

static bool read_attention(const struct assay_graph *g, struct assay_decoder_numbers *d)
{
    if (find_in_layer(g, 0, "self_attn.kv_b_proj.weight"))
        return read_latent(g, d);
    d->heads = attribute_of(g, "Attention", "q_num_heads") + attribute_of(g, "PagedAttention", "q_num_heads");
    d->kv_heads = attribute_of(g, "Attention", "kv_num_heads") + attribute_of(g, "PagedAttention", "kv_num_heads");
    if (!(d->heads > 0 && d->kv_heads > 0))
        return false;
    d->head_dim = length_in_layer(g, 0, "self_attn.q_proj.weight", 0) / d->heads;
    return d->head_dim >= 1;
}

static bool read_ffn(const struct assay_graph *g, struct assay_decoder_numbers *d)
{
    int64_t layers = (int64_t)d->layers, moe = 0;
    while (moe < layers && !find_in_layer(g, moe, "mlp.experts.gate_proj.weight"))
        moe++;
    d->gated = moe == 0 || find_in_layer(g, 0, "mlp.gate_proj.weight");
    d->ffn = moe > 0 ? length_in_layer(g, 0, d->gated ? "mlp.gate_proj.weight" : "mlp.fc_in.weight", 0) : 0;
    d->biased = find_in_layer(g, 0, "mlp.fc_in.bias") || find_in_layer(g, 0, "mlp.gate_proj.bias");
    if (moe == layers)
        return d->ffn > 0;
    d->first_moe = (double)moe;
    d->experts = length_in_layer(g, moe, "mlp.gate.weight", 0);
    d->top_k = attribute_of(g, "MoeRoute", "k");
    const struct assay_value *experts = find_in_layer(g, moe, "mlp.experts.gate_proj.weight");
    double                    other = length(experts, length(experts, 1) == d->hidden ? 2 : 1);
    d->expert_ffn = other;
    d->shared = length_in_layer(g, moe, "mlp.shared_experts.gate_proj.weight", 0) / other;
    d->ffn = d->ffn > 0 ? d->ffn : other; /* no layer has one */
    return d->experts > 0 && d->top_k > 0 && other > 0;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------- */

static bool changes_params(const struct assay_graph *g)
{
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].alias_of != ASSAY_NO_VALUE && g->values[g->values[v].alias_of].role == ASSAY_ROLE_PARAM)
            return true;
    return false;
}

/* Of a server's step: sequences as `past` has them, blocks as the caches of keys, or of latents, of layer 0 have them. */
static void read_serving(const struct assay_graph *g, const struct assay_value *ids, struct assay_decoder_in_graph *out)
{
    const struct assay_value *past = find(g, "past"), *keys = find_in_layer(g, 0, "self_attn.cache.keys");
    keys = keys ? keys : find_in_layer(g, 0, "self_attn.cache.latent");
    out->serves = ids->rank == 1 && past && keys;
    if (!out->serves)
        return;
    out->batch = length(past, 0);
    out->tokens = length(ids, 0);
    out->cache_tokens = length(keys, 0) * length(keys, 1);
    out->cache_bytes = assay_dtype_bits(keys->dtype) / 8.0;
}

static bool has_ranks(const struct assay_graph *g)
{
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        const struct assay_attr *ranks = assay_node_attr(&g->nodes[n], "ranks");
        if (ranks && ranks->n > 1)
            return true;
    }
    return false;
}

enum assay_code assay_decoder_in_graph(const struct assay_graph *g, struct assay_decoder_in_graph *out, struct assay_error *err)
{
    const struct assay_value     *table = find(g, "model.embed_tokens.weight"), *ids = find(g, "input_ids");
    struct assay_decoder_numbers  d = {.layers = (double)count_layers(g), .vocab = length(table, 0), .hidden = length(table, 1)};
    if (!table || !ids || !(d.layers > 0))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the graph is no decoder: it has no %s",
                          !table ? "model.embed_tokens.weight" : !ids ? "input_ids" : "model.layers.0");
    if (has_ranks(g))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the graph is spread over ranks already; give the whole, and the system spreads it");
    d.positions = length(find(g, "model.embed_positions.weight"), 0);
    d.tied = !find(g, "lm_head.weight");
    const struct assay_value *out_of_heads = find_in_layer(g, 0, "self_attn.o_proj.weight");
    if (!out_of_heads || !read_attention(g, &d))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the attention of layer 0 is of no kind that is known");
    if (!read_ffn(g, &d))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the feed-forward network of layer 0 is of no kind that is known");
    *out = (struct assay_decoder_in_graph){.numbers = d, .batch = length(ids, 0), .tokens = length(ids, 1), .trains = changes_params(g),
                                           .weights = out_of_heads->dtype};
    read_serving(g, ids, out);
    return ASSAY_OK;
}
