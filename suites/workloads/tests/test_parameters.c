/* Parameters and multiply-adds of models, worked out here from their published shapes and by no code of the builders. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"

static struct assay_graph *graph_of(const char *name)
{
    struct assay_case   c;
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = NULL;
    cr_assert(!assay_case_parse(name, &c, &err) && !assay_case_graph(&c, &g, &err), "%s: %s", name, err.message);
    assay_case_release(&c);
    return g;
}

static uint64_t parameters(const struct assay_graph *g)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < g->n_values; i++)
        n += g->values[i].role == ASSAY_ROLE_PARAM && !g->values[i].frozen ? g->values[i].elements : 0;
    return n;
}

/* Grouped attention and a gated feed-forward, d wide, heads of h: q and o of d x nq h, k and v of d x nk h; two norms. */
#define ATTENTION(d, nq, nk, h) (2 * UINT64_C(d) * (nq) * (h) + 2 * UINT64_C(d) * (nk) * (h))
#define GATED(d, f) (3 * UINT64_C(d) * (f))
#define LAYER(d, nq, nk, h, f) (ATTENTION(d, nq, nk, h) + GATED(d, f) + 2 * UINT64_C(d))
/* Experts, their gate, what all tokens share, the attention and the norms. */
#define MOE_LAYER(d, nq, nk, h, e, s, f) (ATTENTION(d, nq, nk, h) + ((e) + (s)) * GATED(d, f) + UINT64_C(d) * (e) + 2 * UINT64_C(d))
/* Latent attention: q down and up with its norm, kv down with its norm and up, out. */
#define LATENT(d, n, q, c, nope, rope, v) \
    (UINT64_C(d) * (q) + (q) + UINT64_C(q) * (n) * ((nope) + (rope)) + UINT64_C(d) * ((c) + (rope)) + (c) + UINT64_C(c) * (n) * ((nope) + (v)) + UINT64_C(n) * (v) * (d))
#define DEEPSEEK_ATTENTION LATENT(7168, 128, 1536, 512, 128, 64, 128)
/* BERT: words, positions, types and their norm; in a layer four dense d x d with biases, two of d x 4d, two norms; the pooler. */
#define BERT(d, n) ((30522 + 512 + 2 + 2) * UINT64_C(d) + (n) * (4 * (UINT64_C(d) * (d) + (d)) + 8 * UINT64_C(d) * (d) + 5 * UINT64_C(d) + 4 * UINT64_C(d)) + UINT64_C(d) * (d) + (d))
/* GPT-3: the same layer, a norm at the end; words and positions. */
#define GPT(d, n) ((50257 + 2048 + 2) * UINT64_C(d) + (n) * (4 * (UINT64_C(d) * (d) + (d)) + 8 * UINT64_C(d) * (d) + 5 * UINT64_C(d) + 4 * UINT64_C(d)))

Test(parameters, are_those_of_the_published_shapes, .init = find_source, .timeout = 60)
{
    static const struct {
        const char *name;
        uint64_t    parameters;
    } rows[] = {
        {"resnet50.infer", 25557032}, /* torchvision's documentation of resnet50 */
        {"bert.infer/size=base", BERT(768, 12)},
        {"bert.infer/size=large", BERT(1024, 24)},
        {"decoder.prefill/model=ernie-4.5-0.3b", 103424 * UINT64_C(1024) + 18 * LAYER(1024, 16, 2, 128, 3072) + 1024},
        {"decoder.prefill/model=ernie-4.5-21b-a3b",
         103424 * UINT64_C(2560) + LAYER(2560, 20, 4, 128, 12288) + 27 * MOE_LAYER(2560, 20, 4, 128, 64, 2, 1536) + 2560},
        {"decoder.prefill/model=ernie-4.5-300b-a47b",
         2 * 103424 * UINT64_C(8192) + 3 * LAYER(8192, 64, 8, 128, 28672) + 51 * MOE_LAYER(8192, 64, 8, 128, 64, 0, 3584) + 8192},
        {"decoder.prefill/model=llama-2-70b", 2 * 32000 * UINT64_C(8192) + 80 * LAYER(8192, 64, 8, 128, 28672) + 8192},
        {"decoder.prefill/model=llama-3.1-8b", 2 * 128256 * UINT64_C(4096) + 32 * LAYER(4096, 32, 8, 128, 14336) + 4096},
        {"decoder.prefill/model=llama-3.1-405b", 2 * 128256 * UINT64_C(16384) + 126 * LAYER(16384, 128, 8, 128, 53248) + 16384},
        {"decoder.prefill/model=mixtral-8x7b", 2 * 32000 * UINT64_C(4096) + 32 * MOE_LAYER(4096, 32, 8, 128, 8, 0, 14336) + 4096},
        {"decoder.prefill/model=gpt-3-175b", GPT(12288, 96)},
        {"decoder.prefill/model=deepseek-v3", 2 * 129280 * UINT64_C(7168) + 61 * (DEEPSEEK_ATTENTION + 2 * 7168) + 3 * GATED(7168, 18432) +
                                                  58 * (257 * GATED(7168, 2048) + 256 * UINT64_C(7168)) + 7168},
        {"unet", 2567463684}, /* the published checkpoint's count */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_graph *g = graph_of(rows[i].name);
        cr_expect_eq(parameters(g), rows[i].parameters, "%s: %" PRIu64 ", its shape has %" PRIu64, rows[i].name, parameters(g), rows[i].parameters);
        assay_graph_free(g);
    }
}

/* A step has the forward pass's params and no others, whatever a phase adds. */
Test(parameters, do_not_depend_on_the_phase, .init = find_source)
{
    static const char *const rows[][2] = {{"resnet50.infer/width=8,image=32", "resnet50.train/width=8,image=32"},
                                          {"decoder.prefill/model=tiny-moe", "decoder.train/model=tiny-moe"},
                                          {"decoder.prefill/model=tiny-mla", "decoder.decode/model=tiny-mla"},
                                          {"decoder.prefill/model=tiny-dense", "decoder.train/model=tiny-dense,recompute=full"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_graph *a = graph_of(rows[i][0]), *b = graph_of(rows[i][1]);
        cr_expect_eq(parameters(a), parameters(b), "%s", rows[i][0]);
        assay_graph_free(a);
        assay_graph_free(b);
    }
}

/* 4,089,184,256 multiply-adds at 224 x 224: convolutions 4,087,136,256 and the last layer's 2,048,000 (half of its 1000 additions of
 * biases is counted with it). */
Test(parameters, resnet50_has_4_09_billion_multiply_adds, .init = find_source)
{
    struct assay_graph *g = graph_of("resnet50.infer");
    uint64_t            flops = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->nodes[i].op->name, "Conv") || !strcmp(g->nodes[i].op->name, "Gemm"))
            flops += assay_node_cost(g, &g->nodes[i]).flops;
    cr_expect_eq(flops, 2 * UINT64_C(4089184256) + 1000);
    assay_graph_free(g);
}
