/* A decode step of several sequences over a cache in blocks, in turn with the triad: its floor is the bytes of weights and of live
 * keys and values over the triad's rate; printed is the floor's share of the best step.   bench_paged [OPTIONS THREADS MODEL LAYERS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/options.h"
#include "harness/ir/graph.h"
#include "harness/load/serving/decoder_step.h"
#include "harness/measure/ceiling.h"

extern const struct assay_backend *assay_backend_entry(const struct assay_host *host);

enum { ROUNDS = 10, MOST = 16, BLOCK = 16, CONTEXT = 1024 };

static clockid_t measured = CLOCK_MONOTONIC;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(measured, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void silent(enum assay_log_level level, const char *text)
{
    (void)level;
    (void)text;
}

static void fail(const char *what, const struct assay_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

static int32_t tokens[MOST], blocks[MOST * CONTEXT / BLOCK];

/* n sequences with a token each behind CONTEXT - 1, their blocks all over the cache. */
static double step_s(const struct assay_step_target *t, uint32_t n)
{
    struct assay_error         err = {0};
    struct assay_step_sequence list[MOST];
    struct assay_step          step = {.sequences = list, .n_sequences = n, .n_tokens = n};
    struct assay_span          span;
    int32_t                    next[MOST];
    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct assay_step_sequence){.past = CONTEXT - 1, .n = 1, .tokens = &tokens[i], .blocks = blocks + i * (CONTEXT / BLOCK), .samples = true};
    if (t->execute(t->self, &step, next, NULL, &span, &err))
        fail("a step", &err);
    return (double)(span.end_ns - span.begin_ns) * 1e-9;
}

static void bench(const struct assay_step_target *t, const struct assay_model_shape *shape, struct assay_ceiling *ceiling, uint32_t n,
                  double weight_bytes, double cached_bytes, double layers, const char *name)
{
    static double rate; /* the best of all: neighbours take their share at times */
    double        least_s = 1e9;
    double live = cached_bytes * 2 * layers * (double)(shape->kv_heads * shape->head_dim) * (double)n * CONTEXT;
    for (int i = 0; i < ROUNDS; i++) {
        double taken_s = step_s(t, n), triad = assay_ceiling_bytes_per_s(ceiling, 0);
        rate = triad > rate ? triad : rate;
        least_s = i && taken_s < least_s ? taken_s : least_s;
    }
    printf("bench %s_%u_of_triad %.1f %% (goal none)\n", name, n, 100 * (weight_bytes + live) / rate / least_s);
    fprintf(stderr, "  %.2f ms, %.1f MB of weights and %.1f MB of live cache, triad %.1f GB/s\n", 1e3 * least_s, 1e-6 * weight_bytes, 1e-6 * live, 1e-9 * rate);
    fflush(stdout);
}

static void bench_formats(const struct assay_decoder_step_setup *setup, struct assay_ceiling *ceiling)
{
    static const struct {
        const char      *name;
        enum assay_dtype store, cache;
    } formats[] = {{"paged_f32", ASSAY_F32, ASSAY_F32}, {"paged_bf16", ASSAY_BF16, ASSAY_BF16}};
    static const struct assay_decoder_bucket buckets[] = {{1, 1}, {4, 4}, {8, 8}, {16, 16}};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        struct assay_error              err = {0};
        struct assay_decoder_step      *d = NULL;
        struct assay_decoder_step_setup how = *setup;
        how.store = formats[f].store;
        how.cache = formats[f].cache;
        how.buckets = buckets;
        how.n_buckets = sizeof buckets / sizeof *buckets;
        if (assay_decoder_step_new(&how, &d, &err))
            fail("a decoder", &err);
        struct assay_step_target t = assay_decoder_step_as_target(d);
        /* of an embedding that is not the head's matrix too, a step reads a few rows */
        double table = how.shape->tied ? 0 : (double)(how.shape->vocab * how.shape->hidden) * (f ? 2 : 4);
        double layers = how.layers ? (double)how.layers : (double)how.shape->layers;
        for (size_t b = 0; b < how.n_buckets; b++)
            bench(&t, how.shape, ceiling, buckets[b].sequences, (double)assay_decoder_step_memory(d).params - table, f ? 2 : 4, layers, formats[f].name);
        assay_decoder_step_free(d);
    }
}

int main(int argc, char **argv)
{
    struct assay_error       err = {0};
    char                     parsed[256] = {0};
    struct assay_host        host = {.size = sizeof host, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .now_ns = now_ns, .log = silent};
    struct assay_session    *s;
    struct assay_ceiling    *ceiling;
    struct assay_model_shape shape;
    struct assay_device_info device = {.size = sizeof device, .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY, .clock = ASSAY_CLOCK_HOST};
    assay_graph_lend(&host);
    const struct assay_backend *b = assay_backend_entry(&host);
    if (argc != 1 && argc != 5) {
        fprintf(stderr, "bench_paged [OPTIONS THREADS MODEL LAYERS]\n");
        return 2;
    }
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    measured = threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    for (int i = 0; i < MOST; i++)
        tokens[i] = 11 * i + 1;
    for (int i = 0; i < MOST * CONTEXT / BLOCK; i++)
        blocks[i] = (i * 37 + 5) % (MOST * CONTEXT / BLOCK);
    if (assay_options_parse(b->options, parsed, argc > 1 ? argv[1] : "threads=1", "cpu", &err))
        fail("options", &err);
    struct assay_open how = {.size = sizeof how, .device = "host", .options = parsed};
    if (b->open(&how, &s, &err) || assay_ceiling_open(threads, &ceiling, &err) ||
        assay_model_shape_read(argc > 1 ? argv[3] : "ernie-4.5-0.3b", &shape, &err))
        fail("opening", &err);
    const struct assay_decoder_step_setup setup = {
        .backend = b, .session = s, .device = &device, .shape = &shape, .layers = argc > 1 ? strtol(argv[4], NULL, 10) : 2, .block_tokens = BLOCK,
        .n_blocks = MOST * CONTEXT / BLOCK, .max_context = CONTEXT, .weights = "", .seed = 1, .limit_bytes = UINT64_C(8) << 30,
        .timeout_ns = UINT64_C(60000000000)};
    bench_formats(&setup, ceiling);
    assay_ceiling_close(ceiling);
    b->close(s);
    return 0;
}
