#include "harness/plan/serving.h"

#include <stddef.h>

#include "harness/base/options.h"

#include "assay/banned.h"

#define FIELD(name) offsetof(struct assay_serving, name)
#define TEXT(key, field, fallback, text)                                                                                         \
    {.name = (key), .type = ASSAY_OPT_TEXT, .offset = FIELD(field), .bytes = sizeof((struct assay_serving *)0)->field,           \
     .dflt = (fallback), .help = (text)}
#define NUMBER(key, field, fallback, most, text) \
    {.name = (key), .type = ASSAY_OPT_I64, .offset = FIELD(field), .dflt = (fallback), .max = (most), .help = (text)}
#define FLAG(key, field, text) {.name = (key), .type = ASSAY_OPT_BOOL, .offset = FIELD(field), .dflt = "false", .help = (text)}
#define TIME(key, kind, field, fallback, most, text) \
    {.name = (key), .type = (kind), .offset = FIELD(field), .dflt = (fallback), .max = (most), .help = (text)}

const struct assay_option assay_serving_options[] = {
    TEXT("prompt", prompt, "64", "tokens of a prompt: 512, uniform-128-1024 or lognormal-400-0.8-2048 (median, deviation, longest)"),
    TEXT("output", output, "16", "tokens of an answer, written as those of a prompt"),
    TEXT("table", table, "", "a CSV of prompt_tokens,output_tokens instead of prompt and output: a sample has the row of its index"),
    NUMBER("shared_tokens", shared_tokens, "0", 1e8, "every prompt begins with so many tokens of a shared one; the rest is its own"),
    NUMBER("shared_prompts", shared_prompts, "1", 1e6, "how many shared ones there are"),
    NUMBER("chunk", chunk, "512", 1e8, "tokens of one prompt in one step, at most; 0: a prompt is never cut"),
    NUMBER("max_sequences", max_sequences, "0", 1e6, "sequences of a step, at most; 0: as many as the graph takes"),
    NUMBER("max_tokens", max_tokens, "0", 1e8, "tokens of a step, at most; 0: as many as the graph takes"),
    NUMBER("blocks", blocks, "0", 1e9, "blocks of the cache; 0: as many as all sequences need at their longest"),
    {.name = "prompt_share", .type = ASSAY_OPT_F64, .offset = FIELD(prompt_share), .dflt = "0", .max = 0.99,
     .help = "prompts on this part of a system's devices, further tokens on the rest, caches over its outermost links; 0: all do both"},
    FLAG("prefix_reuse", prefix_reuse, "full blocks of prompts that begin alike are computed once"),
    FLAG("static", is_static, "static batches, for comparison: nobody joins before all have left"),
    {.name = "link_bytes_per_s", .type = ASSAY_OPT_F64, .offset = FIELD(link_bytes_per_s), .dflt = "0", .max = 1e15, .unit = "B/s",
     .help = "prompts are computed by one engine, further tokens by another, and caches go over this link; 0: one engine does both"},
    TIME("link_latency_ms", ASSAY_OPT_MILLISECONDS, link_latency_ns, "0", 1e6, "of that link"),
    {.name = "demand_per_s", .type = ASSAY_OPT_F64, .offset = FIELD(demand_per_s), .dflt = "0", .max = 1e9, .unit = "1/s",
     .help = "requests a second that devices are wanted for: the record says how many; 0: none"},
    TIME("skip_s", ASSAY_OPT_SECONDS, skip_ns, "0", 1e6, "requests scheduled, and tokens that come, earlier do not count"),
    TIME("timeout_s", ASSAY_OPT_SECONDS, timeout_ns, "120s", 1e6, "a request that takes longer has failed; 0: none does"),
    TEXT("engine", engine, "vllm-class", "what the host takes for itself on a model clock: a description in suites/engines"),
    {0},
};

enum assay_code assay_serving_parse(const char *text, struct assay_serving *out, struct assay_error *err)
{
    struct assay_serving s = {.chunk = 0};
    struct assay_lengths ignored;
    if (*text && *text != '/')
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'+serving%.20s': '/' and options are wanted behind '+serving'", text);
    if (assay_options_parse(assay_serving_options, &s, *text ? text + 1 : "", "serving", err) ||
        assay_lengths_parse(s.prompt, "prompt", &ignored, err) || assay_lengths_parse(s.output, "output", &ignored, err))
        return err->code;
    *out = s;
    return ASSAY_OK;
}

void assay_serving_write(const struct assay_serving *s, struct assay_text *out)
{
    assay_text_add(out, "serving/");
    assay_options_write(assay_serving_options, s, out);
}
