#include "harness/run/serve_plan.h"

#include <string.h>

#include "assay/dtype.h"
#include "harness/load/serving/engine.h"
#include "harness/load/serving/engine_description.h"

#include "assay/banned.h"

/* ---- parameters of the workload, by their names --------------------------------------------------------------------- */

static const void *param(const struct assay_case *what, const char *name, enum assay_option_type type)
{
    for (const struct assay_option *row = what->workload->params; row->name; row++)
        if (!strcmp(row->name, name) && row->type == type)
            return (const char *)what->params + row->offset;
    return NULL;
}

static enum assay_code number(const struct assay_case *what, const char *name, int64_t *out, struct assay_error *err)
{
    const void *at = param(what, name, ASSAY_OPT_I64);
    if (!at)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "workload %s has no parameter '%s': its phase %s is not that of a decoder", what->workload->name,
                          name, what->phase);
    memcpy(out, at, sizeof *out);
    return ASSAY_OK;
}

static enum assay_code dtype(const struct assay_case *what, const char *name, enum assay_dtype *out, struct assay_error *err)
{
    const void *at = param(what, name, ASSAY_OPT_DTYPE);
    if (!at)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "workload %s has no format '%s'", what->workload->name, name);
    memcpy(out, at, sizeof *out);
    return ASSAY_OK;
}

/* ---- the decoder ----------------------------------------------------------------------------------------------------- */

static void add_bucket(struct assay_serve_plan *p, int64_t tokens, int64_t sequences)
{
    for (size_t i = 0; i < p->n_buckets; i++)
        if (p->buckets[i].tokens == tokens && p->buckets[i].sequences == sequences)
            return;
    p->buckets[p->n_buckets++] = (struct assay_decoder_bucket){(uint32_t)tokens, (uint32_t)sequences};
}

static double bytes_per_token(const struct assay_serve_plan *p)
{
    const struct assay_model_shape *s = &p->shape;
    int64_t                         layers = p->layers ? p->layers : s->layers;
    int64_t width = s->mla.kv_rank ? s->mla.kv_rank + s->mla.rope_dim : 2 * s->kv_heads * s->head_dim;
    return (double)assay_dtype_bytes(p->cache, (uint64_t)(layers * width));
}

enum assay_code assay_serve_plan_of(const struct assay_case *what, struct assay_serve_plan *out, struct assay_error *err)
{
    struct assay_serve_plan p = {.n_buckets = 0};
    const char             *model = param(what, "model", ASSAY_OPT_TEXT);
    int64_t                 batch, tokens, block, packed;
    if (number(what, "batch", &batch, err) || number(what, "tokens", &tokens, err) || number(what, "block", &block, err) ||
        number(what, "packed", &packed, err) || number(what, "layers", &p.layers, err) || dtype(what, "weights", &p.store, err) ||
        dtype(what, "cache", &p.cache, err) || assay_model_shape_read(model ? model : "", &p.shape, err))
        return err->code;
    packed = packed ? packed : batch;
    if (packed < batch)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "packed %lld; %lld sequences have a token each", (long long)packed, (long long)batch);
    add_bucket(&p, 1, 1);
    add_bucket(&p, batch, batch);
    add_bucket(&p, packed, batch);
    p.block_tokens = (uint32_t)block;
    p.max_context = (uint32_t)tokens;
    p.n_blocks = (uint32_t)(what->serving.blocks ? what->serving.blocks : batch * ((tokens + block - 1) / block));
    p.cache_bytes_per_token = bytes_per_token(&p);
    *out = p;
    return ASSAY_OK;
}

/* ---- the requests ---------------------------------------------------------------------------------------------------- */

enum assay_code assay_serve_requests(const struct assay_case *what, uint64_t seed, uint32_t launch, int64_t vocabulary,
                                     struct assay_seeds *seeds, struct assay_requests_setup *out, struct assay_error *err)
{
    const struct assay_serving *v = &what->serving;
    *out = (struct assay_requests_setup){
        .scenario = &what->scenario, .seeds = seeds, .table = v->table, .shared_tokens = (uint32_t)v->shared_tokens,
        .shared_prompts = (uint32_t)v->shared_prompts, .vocabulary = (uint32_t)vocabulary, .seed = seed,
    };
    if (assay_lengths_parse(v->prompt, "prompt", &out->prompt, err) || assay_lengths_parse(v->output, "output", &out->output, err))
        return err->code;
    return assay_seeds_of(what->scenario.seeds, seed, launch, seeds, err);
}

struct assay_engine_policy assay_serve_policy(const struct assay_case *what)
{
    const struct assay_serving *v = &what->serving;
    return (struct assay_engine_policy){
        .max_tokens = (uint32_t)v->max_tokens, .max_sequences = (uint32_t)v->max_sequences, .chunk_tokens = (uint32_t)v->chunk,
        .reuses_prefixes = v->prefix_reuse, .is_static = v->is_static,
    };
}

/* ---- what can be said beforehand --------------------------------------------------------------------------------------- */

static enum assay_code check_requests(const struct assay_requests_setup *setup, const struct assay_engine *e, uint32_t context,
                                      struct assay_error *err)
{
    struct assay_requests *r;
    if (assay_requests_new(setup, &r, err))
        return err->code;
    enum assay_code code = assay_requests_fit(r, e, context, err);
    assay_requests_free(r);
    return code;
}

enum assay_code assay_serve_check(const struct assay_case *what, struct assay_error *err)
{
    struct assay_serve_plan         p = {.n_buckets = 0};
    struct assay_seeds              seeds;
    struct assay_requests_setup     requests;
    struct assay_engine_description ignored;
    struct assay_engine            *e;
    struct assay_scenario           scenario = what->scenario;
    if (!assay_case_is_served(what))
        return ASSAY_OK;
    if (assay_serve_plan_of(what, &p, err) || assay_serve_requests(what, 0, 0, p.shape.vocab, &seeds, &requests, err) ||
        assay_engine_description_find(what->serving.engine, &ignored, err))
        return err->code;
    scenario.qps = assay_scenario_searches(&scenario) ? 1 : scenario.qps; /* lengths do not depend on the rate that is to be found */
    requests.scenario = &scenario;
    const struct assay_decoder_bucket *most = &p.buckets[p.n_buckets - 1];
    struct assay_step_target           target = {.limits = {.max_tokens = most->tokens, .max_sequences = most->sequences, .clock = ASSAY_CLOCK_MODEL,
                                                            .block_tokens = p.block_tokens, .n_blocks = p.n_blocks, .max_context = p.max_context}};
    struct assay_engine_setup          setup = {.target = &target, .policy = assay_serve_policy(what)};
    if (p.max_context > p.shape.context)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "tokens %u; model '%s' has a context of %lld", p.max_context, p.shape.name, (long long)p.shape.context);
    if (assay_engine_new(&setup, &e, err))
        return err->code;
    enum assay_code code = check_requests(&requests, e, p.max_context, err);
    assay_engine_free(e);
    return code;
}
