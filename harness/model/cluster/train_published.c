#include "harness/model/cluster/train_published.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

void assay_published_fold(const char *name, char out[ASSAY_TRAIN_NAME])
{
    size_t n = 0;
    for (; *name && n + 1 < ASSAY_TRAIN_NAME; name++)
        if (isalnum((unsigned char)*name) || *name == '.')
            out[n++] = (char)tolower((unsigned char)*name);
    out[n] = 0;
}

/* ---- decoders ------------------------------------------------------------------------------------------------------ */

static const struct row {
    const char                  *name, *shape; /* shape: a file of suites/models, NULL: these numbers */
    struct assay_decoder_numbers d;
} rows[] = {
#define ASSAY_PUBLISHED_AS(name, shape) {name, shape, {.layers = 0}},
#define ASSAY_PUBLISHED_DENSE(name, layers_, hidden_, ffn_, heads_, kv, dim, vocab_, positions_, gated_, tied_, biased_, source) \
    {name, NULL, {.layers = layers_, .hidden = hidden_, .ffn = ffn_, .heads = heads_, .kv_heads = kv, .head_dim = dim, .vocab = vocab_, \
                  .positions = positions_, .gated = gated_, .tied = tied_, .biased = biased_}},
#define ASSAY_PUBLISHED_MIXED(name, layers_, hidden_, ffn_, heads_, kv, dim, vocab_, experts_, top, shared_, expert, first, source) \
    {name, NULL, {.layers = layers_, .hidden = hidden_, .ffn = ffn_, .heads = heads_, .kv_heads = kv, .head_dim = dim, .vocab = vocab_, \
                  .gated = true, .experts = experts_, .top_k = top, .shared = shared_, .expert_ffn = expert, .first_moe = first}},
#include "harness/model/cluster/train_published.def"
#undef ASSAY_PUBLISHED_AS
#undef ASSAY_PUBLISHED_DENSE
#undef ASSAY_PUBLISHED_MIXED
};

/* "…70b…": its number of parameters; of "30ba3b" what is active, as that is what a step's work follows. 0: none. */
static double size_of(const char *folded)
{
    double size = 0;
    for (const char *c = folded; *c; c++) {
        char *end = NULL;
        if (!isdigit((unsigned char)*c) || (c > folded && (isdigit((unsigned char)c[-1]) || c[-1] == '.')))
            continue;
        double value = strtod(c, &end);
        double unit = *end == 't' ? 1e12 : *end == 'b' ? 1e9 : *end == 'm' ? 1e6 : 0;
        if (unit > 0 && value > 0 && value * unit >= 1e7 && value * unit <= 1e14)
            size = value * unit;
    }
    return size;
}

/* A decoder of so many parameters, a hundred times as wide as deep, as most of those above are; plans split its heads by eight. */
static struct assay_decoder_numbers usual(double parameters)
{
    double hidden = 1024 * fmax(1, round(cbrt(parameters * 100 / 12) / 1024));
    return (struct assay_decoder_numbers){.layers = fmax(2, round(parameters / (12 * hidden * hidden))), .hidden = hidden, .ffn = 8 * hidden / 3,
                                          .heads = hidden / 128, .kv_heads = hidden / 128, .head_dim = 128, .vocab = 32000, .gated = true};
}

enum assay_code assay_published_decoder_find(const char *name, const struct assay_decoder_finder *shapes, struct assay_published_decoder *out,
                                             struct assay_error *err)
{
    char              folded[ASSAY_TRAIN_NAME];
    const struct row *best = NULL;
    struct assay_published_decoder found = {.by_size = false};
    assay_published_fold(name, folded);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(folded, rows[i].name) && (!best || strlen(rows[i].name) > strlen(best->name)))
            best = &rows[i];
    if (best && best->shape && shapes->find(best->shape, &found.numbers, err))
        return err->code;
    if (best && !best->shape)
        found.numbers = best->d;
    if (!best) {
        struct assay_error none = {.code = ASSAY_OK};
        double             size = size_of(folded);
        if (shapes->find(name, &found.numbers, &none)) {
            if (size <= 0)
                return ASSAY_FAIL(err, ASSAY_CONFIG, "model '%.60s': no shape is known and its name has no size", name);
            found.numbers = usual(size);
            found.by_size = true;
        }
    }
    *out = found;
    return ASSAY_OK;
}

/* ---- stacks -------------------------------------------------------------------------------------------------------- */

const struct assay_train_stack assay_train_stacks[] = {
    {"megatron", "Megatron-Core and what builds on it; stands in where a name does not say", false, false, 4},
    {"megatron-2022", "Megatron-LM before fused attention", true, false, 4},
    {"megatron-deepspeed", "the two together, 2021", true, false, 4},
    {"fairscale", "PyTorch with weights split over ranks, 2023, as LLaMA was trained", false, true, 2},
    {"llm-foundry", "PyTorch FSDP of 2023", false, true, 2},
    {"maxtext", "JAX and XLA", false, true, 2},
    {"deepspeed", "DeepSpeed and plain PyTorch, as FlagPerf runs them", false, true, 2},
    {"flagscale", "Megatron as FlagPerf runs it", false, false, 4},
    {"flash-attention", "its own training scripts", false, false, 2},
    {"eager-f32", "PyTorch, one kernel after the other, in 32 bits", true, false, 4},
    {NULL, NULL, false, false, 0},
};
/* What marks a stack in a folded name; the first that is there counts. */
static const struct {
    const char *mark, *stack;
} marks[] = {
    {"maxtext", "maxtext"},     {"fsdp", "llm-foundry"}, {"mpt", "llm-foundry"},           {"deepspeed", "deepspeed"},
    {"pytorch", "deepspeed"},   {"flagscale", "flagscale"}, {"bmegatron", "flagscale"},    {"moemegatron", "flagscale"},
    {"seqsel", "megatron-2022"}, {"bfull", "megatron-2022"}, {"1tfull", "megatron-2022"},  {"mtnlg", "megatron-deepspeed"},
    {"llama7b", "fairscale"},     {"llama13b", "fairscale"}, {"llama33b", "fairscale"},     {"llama65b", "fairscale"},
    {"fp32", "eager-f32"},      {"gpt3125m", "flash-attention"}, {"gpt3355m", "flash-attention"}, {"gpt3760m", "flash-attention"},
    {"gpt31.3b", "flash-attention"}, {"gpt32.7b", "flash-attention"},
};

const struct assay_train_stack *assay_train_stack_find(const char *name)
{
    for (const struct assay_train_stack *s = assay_train_stacks; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

const struct assay_train_stack *assay_train_stack_of(const char *name)
{
    char folded[ASSAY_TRAIN_NAME];
    assay_published_fold(name, folded);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(folded, marks[i].mark))
            return assay_train_stack_find(marks[i].stack);
    return &assay_train_stacks[0];
}

/* ---- habits -------------------------------------------------------------------------------------------------------- */

static const struct habit {
    const char                  *name, *device; /* folded; device "": all */
    struct assay_published_habit is;
} habits[] = {
    {"megatron22b", "", {.seq = 2048, .judges = true, .source = "arXiv 2205.05198"}},
    {"gpt3175bfull", "", {.seq = 2048, .judges = true, .chunks = 3, .source = "arXiv 2205.05198, section 6"}},
    {"gpt3175bseqsel", "", {.seq = 2048, .judges = true, .chunks = 3, .source = "arXiv 2205.05198, section 6"}},
    {"turing530b", "", {.seq = 2048, .judges = true, .chunks = 3, .source = "arXiv 2205.05198, section 6"}},
    {"megatron1t", "", {.seq = 2048, .judges = true, .source = "arXiv 2205.05198"}},
    {"mtnlg530b", "", {.seq = 2048, .recompute = ASSAY_RECOMPUTE_FULL, .source = "arXiv 2201.11990"}},
    {"maxtext22b", "tpuv4", {.seq = 2048, .micro_batch = 13, .tp = 1, .slice = 64, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext52b", "tpuv4", {.seq = 2048, .micro_batch = 7, .tp = 1, .slice = 192, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext16b", "tpuv5e", {.seq = 2048, .micro_batch = 6, .tp = 1, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext32b", "tpuv5e", {.seq = 2048, .micro_batch = 4, .tp = 1, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext64b", "tpuv5e", {.seq = 2048, .micro_batch = 1, .tp = 1, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext128b", "tpuv5e", {.seq = 2048, .micro_batch = 16, .tp = 16, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext32b", "tpuv5p", {.seq = 2048, .micro_batch = 24, .tp = 4, .slice = 64, .recompute = ASSAY_RECOMPUTE_NONE, .source = "maxtext configs"}},
    {"maxtext64b", "tpuv5p", {.seq = 2048, .micro_batch = 12, .tp = 4, .slice = 64, .recompute = ASSAY_RECOMPUTE_NONE, .source = "maxtext configs"}},
    {"maxtext128b", "tpuv5p", {.seq = 2048, .micro_batch = 8, .tp = 8, .slice = 256, .recompute = ASSAY_RECOMPUTE_NONE, .source = "maxtext configs"}},
    {"maxtext256b", "tpuv5p", {.seq = 2048, .micro_batch = 8, .tp = 8, .slice = 512, .recompute = ASSAY_RECOMPUTE_NONE, .source = "maxtext configs"}},
    {"maxtext512b", "tpuv5p", {.seq = 2048, .micro_batch = 16, .tp = 8, .slice = 512, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"maxtext1024b", "tpuv5p", {.seq = 2048, .micro_batch = 32, .tp = 16, .slice = 2048, .recompute = ASSAY_RECOMPUTE_FULL, .source = "maxtext configs"}},
    {"llama7b", "", {.seq = 2048, .batch_tokens = 4e6, .tokens = 1e12, .source = "arXiv 2302.13971"}},
    {"llama13b", "", {.seq = 2048, .batch_tokens = 4e6, .tokens = 1e12, .source = "arXiv 2302.13971"}},
    {"llama33b", "", {.seq = 2048, .batch_tokens = 4e6, .tokens = 1.4e12, .source = "arXiv 2302.13971"}},
    {"llama65b", "", {.seq = 2048, .batch_tokens = 4e6, .tokens = 1.4e12, .source = "arXiv 2302.13971"}},
    {"deepseekv3pretrain", "", {.seq = 4096, .tokens = 14.8e12, .batch_tokens = 63e6, .micro_batch = 1, .tp = 1, .pp = 16, .ep = 64, .recompute = ASSAY_RECOMPUTE_SELECTIVE,
                                 .narrow = true, .source = "arXiv 2412.19437, sections 3 and 4.2"}},
    {"llama3.1405bpretrain", "", {.seq = 8192, .batch_tokens = 16777216, .micro_batch = 1, .chunks = 7, .recompute = ASSAY_RECOMPUTE_SELECTIVE, .source = "arXiv 2407.21783, table 4; interleaved, about a layer a piece"}},
    {"llama3.1405bmaxtext", "", {.seq = 8192, .micro_batch = 2, .tp = 1, .recompute = ASSAY_RECOMPUTE_FULL, .source = "AI-Hypercomputer/tpu-recipes"}},
    {"deepseek3671bmaxtext", "", {.seq = 8192, .micro_batch = 6, .tp = 1, .recompute = ASSAY_RECOMPUTE_FULL, .source = "AI-Hypercomputer/tpu-recipes"}},
    {"gpt3175bmaxtext", "", {.seq = 2048, .micro_batch = 32, .tp = 8, .recompute = ASSAY_RECOMPUTE_FULL, .narrow = true, .source = "AI-Hypercomputer/tpu-recipes"}},
    {"llama4scout17b16emaxtext", "", {.seq = 8192, .micro_batch = 8, .tp = 1, .recompute = ASSAY_RECOMPUTE_FULL, .source = "AI-Hypercomputer/tpu-recipes"}},
    {"llama4maverick17b128emaxtext", "", {.seq = 8192, .micro_batch = 16, .tp = 4, .recompute = ASSAY_RECOMPUTE_FULL, .source = "AI-Hypercomputer/tpu-recipes"}},
    {"llama38b", "", {.seq = 8192, .source = "arXiv 2407.21783"}},
    {"llama370b", "", {.seq = 8192, .source = "arXiv 2407.21783"}},
    {"llama3405b", "", {.seq = 8192, .source = "arXiv 2407.21783"}},
    {"llama3.18b", "", {.seq = 8192, .source = "arXiv 2407.21783"}},
    {"llama3.170b", "", {.seq = 8192, .source = "arXiv 2407.21783"}},
    {"llama3.1405b", "", {.seq = 8192, .source = "arXiv 2407.21783"}},
    {"llama4", "", {.seq = 8192, .source = "as Llama 3"}},
    {"mpt", "", {.seq = 2048, .source = "mosaicml/llm-foundry"}},
    {"gpt2large", "", {.seq = 1024, .source = "its context"}},
};

struct assay_published_habit assay_published_habit_of(const char *name, const char *device)
{
    char                n[ASSAY_TRAIN_NAME], d[ASSAY_TRAIN_NAME];
    const struct habit *best = NULL;
    assay_published_fold(name, n);
    assay_published_fold(device, d);
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (strstr(n, habits[i].name) && strstr(d, habits[i].device) && (!best || strlen(habits[i].name) > strlen(best->name)))
            best = &habits[i];
    return best ? best->is : (struct assay_published_habit){.seq = 0, .source = ""};
}
