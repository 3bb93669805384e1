#include "suites/blocks/decoder_numbers.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

/* Ends of published names that change nothing of the shape. */
static const char *const marks[] = {"-instruct", "-thinking", "-chat", "-base", "-hf",    "-it",   "-2507", "-0528", "-0324",
                                    "-fp8",      "-fp4",      "-nvfp4", "-mxfp4", "-bf16", "-int8", "-awq",  "-w8a8", "-pt"};
/* Checkpoints of a shape that stands under another name. */
static const struct {
    const char *published, *shape;
} sisters[] = {
    {"deepseek-r1", "deepseek-v3"},     {"deepseek-v3.1", "deepseek-v3"},      {"llama-3.3-70b", "llama-3.1-70b"},
    {"meta-llama-3.1-8b", "llama-3.1-8b"}, {"meta-llama-3.1-70b", "llama-3.1-70b"}, {"meta-llama-3.1-405b", "llama-3.1-405b"},
    {"llama-2-70b-chat", "llama-2-70b"}, {"minimax-m2.1", "minimax-m2"},       {"minimax-m2.5", "minimax-m2"},
    {"kimi-k2.5", "kimi-k2"},           {"mixtral-8x7b-v0.1", "mixtral-8x7b"}, {"llama3.1-8b", "llama-3.1-8b"},
    {"llama3.1-70b", "llama-3.1-70b"},  {"llama3.3-70b", "llama-3.1-70b"},     {"llama2-70b", "llama-2-70b"},
    {"gpt-oss", "gpt-oss-120b"},
};

struct assay_decoder_numbers assay_decoder_numbers_of(const struct assay_model_shape *m)
{
    return (struct assay_decoder_numbers){
        .layers = (double)m->layers, .hidden = (double)m->hidden, .ffn = (double)m->ffn, .heads = (double)m->heads,
        .kv_heads = (double)m->kv_heads, .head_dim = (double)m->head_dim, .vocab = (double)m->vocab,
        .positions = m->positions == ASSAY_POSITIONS_LEARNED ? (double)m->context : 0, .gated = m->activation == ASSAY_FFN_SWIGLU,
        .tied = m->tied, .biased = m->ffn_bias, .q_rank = (double)m->mla.q_rank, .kv_rank = (double)m->mla.kv_rank,
        .nope_dim = (double)m->mla.nope_dim, .rope_dim = (double)m->mla.rope_dim, .v_dim = (double)m->mla.v_dim,
        .experts = (double)m->moe.experts, .top_k = (double)m->moe.top_k, .shared = (double)m->moe.shared,
        .expert_ffn = (double)m->moe.expert_ffn, .first_moe = (double)m->moe.first_layer};
}

static bool cut_mark(char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t n = strlen(marks[i]);
        if (length > n && !strcmp(name + length - n, marks[i])) {
            name[length - n] = 0;
            return true;
        }
    }
    return false;
}

enum assay_code assay_decoder_numbers_find(const char *published, struct assay_decoder_numbers *out, struct assay_error *err)
{
    char                     name[64];
    struct assay_model_shape shape;
    const char              *slash = strrchr(published, '/');
    if (!assay_string_copy(name, sizeof name, slash ? slash + 1 : published) || !*name || *name == '.')
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no model '%.60s'", published);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    while (cut_mark(name))
        continue;
    for (size_t i = 0; i < sizeof sisters / sizeof *sisters; i++)
        if (!strcmp(name, sisters[i].published))
            (void)assay_string_copy(name, sizeof name, sisters[i].shape);
    if (strlen(name) > 5 && !strcmp(name + strlen(name) - 5, ".json"))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no model '%.60s'", published);
    if (assay_model_shape_read(name, &shape, err))
        return err->code;
    *out = assay_decoder_numbers_of(&shape);
    return ASSAY_OK;
}
