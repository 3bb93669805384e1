/* What the ops of convolutional nets reach here: bytes that must move (every value once) against the triad, products against
 * the multiply-add peak; best run against best burst, taken in turn.   bench_convolutional [options of the back end]
 * [threads] [beginning of a name] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "assay/backend.h"
#include "harness/base/options.h"
#include "harness/ir/tests/sketch.h"
#include "harness/measure/ceiling.h"
#include "suites/data/fill.h"

extern const struct assay_backend *assay_backend_entry(const struct assay_host *host);

enum { ROUNDS = 40, MOST = 16 };

static const struct {
    const char *name, *op, *inputs, *attrs;
    size_t      n_outputs;
    bool        product;
} cases[] = {
    {"batch_norm", "BatchNormalization", "f32[4,64,56,56] f32[64] f32[64] f32[64] f32[64]", "training_mode=1", 3, false},
    {"batch_norm_grad", "assay.BatchNormalizationGrad", "f32[4,64,56,56] f32[4,64,56,56] f32[64]", "", 3, false},
    {"batch_norm_large", "BatchNormalization", "f32[16,64,112,112] f32[64] f32[64] f32[64] f32[64]", "training_mode=1", 3, false},
    {"batch_norm_grad_large", "assay.BatchNormalizationGrad", "f32[16,64,112,112] f32[16,64,112,112] f32[64]", "", 3, false},
    {"batch_norm_small", "BatchNormalization", "f32[32,2048,7,7] f32[2048] f32[2048] f32[2048] f32[2048]", "training_mode=1",
     3, false},
    {"batch_norm_grad_small", "assay.BatchNormalizationGrad", "f32[32,2048,7,7] f32[32,2048,7,7] f32[2048]", "", 3, false},
    {"group_norm", "GroupNormalization", "f32[2,320,64,64] f32[320] f32[320]", "num_groups=32", 1, false},
    {"group_norm_grad", "assay.GroupNormalizationGrad", "f32[2,320,64,64] f32[2,320,64,64] f32[320]", "num_groups=32", 3, false},
    {"max_pool", "MaxPool", "f32[8,64,112,112]", "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]", 1, false},
    {"max_pool_grad", "assay.MaxPoolGrad", "f32[8,64,56,56] f32[8,64,112,112]",
     "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]", 1, false},
    {"max_pool_2x2", "MaxPool", "f32[8,64,112,112]", "kernel_shape=[2,2] strides=[2,2]", 1, false},
    {"average_pool", "AveragePool", "f32[8,64,112,112]", "kernel_shape=[2,2] strides=[2,2]", 1, false},
    {"average_pool_grad", "assay.AveragePoolGrad", "f32[8,64,56,56]",
     "kernel_shape=[2,2] strides=[2,2] input_shape=[8,64,112,112]", 1, false},
    {"global_average_pool", "GlobalAveragePool", "f32[64,2048,7,7]", "", 1, false},
    {"resize", "Resize", "f32[2,320,32,32] - - i64{2,320,64,64}", "", 1, false},
    {"resize_grad", "assay.ResizeGrad", "f32[2,320,64,64]", "factors=[1,1,2,2]", 1, false},
    {"pad", "Pad", "f32[4,64,56,56] i64{0,0,1,1,0,0,1,1}", "", 1, false},
    {"conv", "Conv", "f32[4,64,56,56] f32[64,64,3,3]", "pads=[1,1,1,1]", 1, true},
    {"conv_input_grad", "assay.ConvInputGrad", "f32[4,64,56,56] f32[64,64,3,3]", "pads=[1,1,1,1] input_shape=[4,64,56,56]", 1,
     true},
    {"conv_weight_grad", "assay.ConvWeightGrad", "f32[4,64,56,56] f32[4,64,56,56]", "pads=[1,1,1,1] kernel_shape=[3,3]", 1, true},
    {"conv_input_grad_stride2", "assay.ConvInputGrad", "f32[4,128,28,28] f32[128,128,3,3]",
     "pads=[1,1,1,1] strides=[2,2] input_shape=[4,128,56,56]", 1, true},
    {"conv_weight_grad_stride2", "assay.ConvWeightGrad", "f32[4,128,28,28] f32[4,128,56,56]",
     "pads=[1,1,1,1] strides=[2,2] kernel_shape=[3,3]", 1, true},
    {"conv_input_grad_1x1", "assay.ConvInputGrad", "f32[4,256,56,56] f32[256,64,1,1]", "input_shape=[4,64,56,56]", 1, true},
    {"conv_weight_grad_1x1", "assay.ConvWeightGrad", "f32[4,256,56,56] f32[4,64,56,56]", "kernel_shape=[1,1]", 1, true},
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
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

static struct assay_binding *bind_all(const struct assay_graph *g, size_t *n, struct assay_error *err)
{
    struct assay_binding *bindings = calloc(MOST, sizeof *bindings);
    *n = 0;
    for (uint32_t v = 0; v < g->n_values && *n < MOST; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        if (value->role == ASSAY_ROLE_CONST || value->role == ASSAY_ROLE_TEMP)
            continue;
        void *at = aligned_alloc(64, (value->bytes + 127) / 64 * 64);
        memset(at, 0, value->bytes);
        if (value->role == ASSAY_ROLE_INPUT && assay_fill_value(g, (int32_t)v, 1, 0, at, err))
            fail("filling", err);
        bindings[(*n)++] = (struct assay_binding){.value = v, .host = at, .valid_rows = ASSAY_ALL_ROWS};
    }
    return bindings;
}

static double launch_s(const struct assay_backend *b, struct assay_session *s, const struct assay_launch *launch,
                       struct assay_error *err)
{
    struct assay_event *event;
    struct assay_span   span = {.size = sizeof span};
    size_t              done;
    if (b->execute(s, launch, &event, err) || b->poll(s, &event, 1, ASSAY_WAIT_FOREVER, &done, &span, err))
        fail("running", err);
    b->forget(s, event);
    return (double)(span.end_ns - span.begin_ns) * 1e-9;
}

static void bench(const struct assay_backend *b, struct assay_session *s, struct assay_ceiling *ceiling, size_t c)
{
    struct assay_error      err = {0};
    struct assay_graph     *g = sketch(cases[c].op, cases[c].inputs, cases[c].attrs, cases[c].n_outputs);
    struct assay_rank_class rank = {.size = sizeof rank, .graph = g, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank,
                                   .binding_stride = sizeof(struct assay_binding)};
    struct assay_launch     launch = {.size = sizeof launch, .binding_stride = sizeof(struct assay_binding)};
    char                    text[400];
    struct assay_text       kernel = ASSAY_TEXT(text);
    if (assay_graph_finish(g, &err) || b->compile(s, &how, &launch.program, &err))
        fail(cases[c].name, &err);
    launch.bindings = bind_all(g, &launch.n_bindings, &err);
    struct assay_cost cost = assay_graph_cost(g);
    double            work = cases[c].product ? (double)cost.flops : (double)(cost.read_bytes + cost.written_bytes);
    double            least_s = 1e9, most = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double taken_s = launch_s(b, s, &launch, &err);
        double rate = cases[c].product ? assay_ceiling_flops_per_s(ceiling, 0) : assay_ceiling_bytes_per_s(ceiling, 0);
        least_s = i && taken_s < least_s ? taken_s : least_s;
        most = rate > most ? rate : most;
    }
    b->describe(s, launch.program, &kernel);
    const char *line = strchr(text, '\n');
    printf("bench %s %.1f %% of %s, %.3f ms, %.1f G%s/s of %.1f;%s\n", cases[c].name, 100 * work / least_s / most,
           cases[c].product ? "peak" : "triad", 1e3 * least_s, 1e-9 * work / least_s, cases[c].product ? "FLOP" : "B",
               1e-9 * most, line ? strchr(line, ':') + 1 : "");
    for (size_t i = 0; i < launch.n_bindings; i++)
        free(launch.bindings[i].host);
    b->discard(s, launch.program);
    assay_graph_free(g);
}

int main(int argc, char **argv)
{
    struct assay_error  err = {0};
    char                parsed[256] = {0};
    unsigned            threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    struct assay_host   host = {.size = sizeof host, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR,
                                .now_ns = now_ns, .log = silent};
    struct assay_session *s;
    struct assay_ceiling *ceiling;
    assay_graph_lend(&host);
    const struct assay_backend *b = assay_backend_entry(&host);
    if (assay_options_parse(b->options, parsed, argc > 1 ? argv[1] : "threads=1", "cpu", &err))
        fail("options", &err);
    struct assay_open how = {.size = sizeof how, .device = "host", .options = parsed};
    if (b->open(&how, &s, &err) || assay_ceiling_open(threads, &ceiling, &err))
        fail("opening", &err);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        if (argc <= 3 || !strncmp(cases[c].name, argv[3], strlen(argv[3])))
            bench(b, s, ceiling, c);
    assay_ceiling_close(ceiling);
    b->close(s);
    return 0;
}
