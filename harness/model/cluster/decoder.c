#include "harness/model/cluster/decoder.h"

#include "assay/banned.h"

static double attention_parameters(const struct assay_decoder_numbers *d)
{
    double h = d->hidden;
    if (d->kv_rank > 0) {
        double query = d->q_rank > 0 ? h * d->q_rank + d->q_rank * d->heads * (d->nope_dim + d->rope_dim) : h * d->heads * (d->nope_dim + d->rope_dim);
        return query + h * (d->kv_rank + d->rope_dim) + d->kv_rank * d->heads * (d->nope_dim + d->v_dim) + d->heads * d->v_dim * h;
    }
    double wide = (d->heads + 2 * d->kv_heads) * d->head_dim;
    return h * wide + d->heads * d->head_dim * h + (d->biased ? wide + h : 0);
}

static double ffn_parameters(const struct assay_decoder_numbers *d, double ffn)
{
    return (d->gated ? 3 : 2) * d->hidden * ffn + (d->biased ? ffn + d->hidden : 0);
}

double assay_decoder_expert_parameters(const struct assay_decoder_numbers *d)
{
    return d->experts * 3 * d->hidden * d->expert_ffn;
}

double assay_decoder_layer_parameters(const struct assay_decoder_numbers *d, bool moe)
{
    double norms = (d->biased ? 4 : 2) * d->hidden;
    double ffn = moe ? assay_decoder_expert_parameters(d) + d->hidden * d->experts + 3 * d->hidden * d->expert_ffn * d->shared
                     : ffn_parameters(d, d->ffn);
    return attention_parameters(d) + norms + ffn;
}

double assay_decoder_embedding_parameters(const struct assay_decoder_numbers *d)
{
    return (d->vocab + d->positions) * d->hidden;
}

static double moe_layers(const struct assay_decoder_numbers *d)
{
    return d->experts > 0 ? d->layers - d->first_moe : 0;
}

double assay_decoder_parameters(const struct assay_decoder_numbers *d)
{
    double moe = moe_layers(d);
    return (d->layers - moe) * assay_decoder_layer_parameters(d, false) + moe * assay_decoder_layer_parameters(d, true) +
           assay_decoder_embedding_parameters(d) + (d->tied ? 0 : d->vocab * d->hidden);
}

double assay_decoder_active_parameters(const struct assay_decoder_numbers *d)
{
    double idle = d->experts > 0 ? moe_layers(d) * assay_decoder_expert_parameters(d) * (1 - d->top_k / d->experts) : 0;
    return assay_decoder_parameters(d) - idle;
}

double assay_decoder_token_flops(const struct assay_decoder_numbers *d, double seq)
{
    double embedding = d->tied ? d->positions * d->hidden : assay_decoder_embedding_parameters(d); /* looked up, not multiplied */
    double wide = d->kv_rank > 0 ? d->nope_dim + d->rope_dim + d->v_dim : 2 * d->head_dim;
    return 6 * (assay_decoder_active_parameters(d) - embedding) + 6 * d->layers * d->heads * wide * seq / 2;
}
