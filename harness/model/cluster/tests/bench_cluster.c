/* What clusters cost to price: one line a figure. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/model/cluster/search.h"

static const struct assay_decoder_numbers gpt = {.layers = 128, .hidden = 25600, .ffn = 102400, .heads = 160, .kv_heads = 160, .head_dim = 160,
                                                 .vocab = 51200, .positions = 2048, .tied = true, .biased = true};
static const struct assay_decoder_numbers mixture = {.layers = 64, .hidden = 8192, .ffn = 28672, .heads = 64, .kv_heads = 8, .head_dim = 128,
                                                     .vocab = 103424, .gated = true, .experts = 512, .top_k = 8, .shared = 1, .expert_ffn = 3072,
                                                     .first_moe = 3};
static struct assay_coefficients k;
static struct assay_error        err;

static void fabric_of(const char *name, int64_t devices, struct assay_fabric *f)
{
    struct assay_system    *s = NULL;
    struct assay_described *d = NULL;
    if (assay_system_find(name, &s, &err) || assay_described_find(s->device, &d, &err) || assay_system_resize(s, devices, &err) ||
        assay_fabric_of(s, d, &k, 0, f, &err)) {
        fprintf(stderr, "bench_cluster: %s\n", err.message);
        exit(1);
    }
    assay_described_free(d);
    assay_system_free(s);
}

/* A step of the trillion on ever more devices: tp 8, the rest data parallel but for the pipeline where there is room for one. */
static void bench_devices(int64_t devices)
{
    struct assay_fabric      f;
    struct assay_step_model *m = NULL;
    struct assay_step_price  price;
    struct assay_train_plan  p = {.tp = 8, .cp = 1, .pp = devices >= 512 ? 64 : 1, .ep = 1, .chunks = 1, .micro_batch = 1, .micro_batches = 512,
                                  .seq = 2048, .zero = 1, .sequence_parallel = true, .overlap = true, .schedule = ASSAY_PIPELINE_1F1B,
                                  .recompute = ASSAY_RECOMPUTE_FULL, .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32,
                                  .compute = ASSAY_BF16, .gradient_bytes = 4};
    p.dp = devices / p.tp / p.pp;
    fabric_of("dgx-h100", devices, &f);
    uint64_t begin_ns = assay_clock_now_ns();
    if (!assay_step_model_new(&gpt, &f, &k, &m, &err))
        (void)assay_price_step(m, &p, true, &price, &err);
    assay_step_model_free(m);
    printf("bench cluster_step_%lld %.3f ms (goal < 5000 at 131072)\n", (long long)devices, (double)(assay_clock_now_ns() - begin_ns) / 1e6);
}

static void bench_pipeline(void)
{
    enum { PIECES = 256 };
    static double                forward[PIECES], backward[PIECES], weight[PIECES];
    struct assay_pipeline        p = {ASSAY_PIPELINE_1F1B, 128, 2, 4096, forward, backward, weight, 0};
    struct assay_pipeline_result r;
    for (int i = 0; i < PIECES; i++)
        forward[i] = backward[i] = weight[i] = 100;
    uint64_t begin_ns = assay_clock_now_ns();
    (void)assay_pipeline_run(&p, &r, &err);
    printf("bench cluster_pipeline_128x2x4096 %.1f ms (goal < 1000)\n", (double)(assay_clock_now_ns() - begin_ns) / 1e6);
}

static void bench_search(void)
{
    struct assay_fabric       f;
    struct assay_search      *s = calloc(1, sizeof *s);
    struct assay_search_space space = {.devices = 512, .batch = 2048, .seq = 4096, .compute = ASSAY_BF16, .attention = ASSAY_ATTENTION_FUSED,
                                       .moments = ASSAY_MOMENTS_F32, .gradient_bytes = 4, .imbalance = 1.1};
    fabric_of("tianchi512", 512, &f);
    uint64_t begin_ns = assay_clock_now_ns();
    if (s && !assay_search_plans(&mixture, &f, &k, &space, s, &err))
        printf("bench cluster_search_%lldk_plans %.2f s (goal < 10 for 100k)\n", (long long)(s->priced + s->short_of_memory) / 1000,
               (double)(assay_clock_now_ns() - begin_ns) / 1e9);
    free(s);
}

int main(void)
{
    k = assay_coefficients_begin();
    for (int64_t devices = 8; devices <= 131072; devices *= 8)
        bench_devices(devices);
    bench_devices(131072);
    bench_pipeline();
    bench_search();
    return err.code ? 1 : 0;
}
