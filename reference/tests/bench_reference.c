/* How fast the reference evaluates whole models: figures for README.md, in seconds of this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/clock.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#define CHECKED(call)                                                                                                  \
    do {                                                                                                               \
        if (call) {                                                                                                    \
            fprintf(stderr, "%s\n", err.message);                                                                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static char name_room[4096][16];
static int  names;

static const char *name(void)
{
    (void)snprintf(name_room[names], sizeof name_room[names], "v%d", names);
    return name_room[names++];
}

static int32_t param(struct assay_graph *g, int32_t rank, const int64_t *dims, double terms)
{
    return assay_graph_param(g, name(), ASSAY_F32, rank, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1.4 / terms});
}

static double root(double x)
{
    double r = x;
    for (int i = 0; i < 60; i++)
        r = (r + x / r) / 2;
    return r;
}

static int32_t conv(struct assay_graph *g, int32_t x, int64_t channels, int64_t filters, int64_t kernel, int64_t stride)
{
    int64_t           pad = kernel / 2;
    struct assay_attr attrs[3] = {{.name = "strides", .type = ASSAY_ATTR_I64S, .list = {stride, stride}, .n = 2},
                                  {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {pad, pad, pad, pad}, .n = 4},
                                  ASSAY_ATTR_END};
    int32_t           w = param(g, 4, (int64_t[]){filters, channels, kernel, kernel}, root((double)(channels * kernel * kernel)));
    int32_t           b = param(g, 1, (int64_t[]){filters}, 100);
    return assay_graph_op(g, "Conv", name(), (int32_t[]){x, w, b}, 3, attrs);
}

static int32_t op(struct assay_graph *g, const char *what, int32_t x)
{
    return assay_graph_op(g, what, name(), &x, 1, NULL);
}

/* The 53 convolutions of ResNet-50 with their residuals; the pool behind the first is a stride of it. */
static struct assay_graph *residual_net(int64_t batch)
{
    static const struct {
        int64_t blocks, width;
    } stage[4] = {{3, 64}, {4, 128}, {6, 256}, {3, 512}};
    struct assay_graph *g = assay_graph_new("residual");
    int32_t             x = assay_graph_input(g, "X", ASSAY_F32, 4, (int64_t[]){batch, 3, 224, 224}, ASSAY_FILL_SIGNED);
    int64_t             channels = 64;
    x = op(g, "Relu", conv(g, op(g, "Relu", conv(g, x, 3, 64, 7, 2)), 64, 64, 1, 2));
    for (int s = 0; s < 4; s++) {
        for (int64_t b = 0; b < stage[s].blocks; b++) {
            int64_t stride = b == 0 && s > 0 ? 2 : 1, width = stage[s].width;
            int32_t y = op(g, "Relu", conv(g, x, channels, width, 1, 1));
            y = op(g, "Relu", conv(g, y, width, width, 3, stride));
            y = conv(g, y, width, 4 * width, 1, 1);
            int32_t over = b == 0 ? conv(g, x, channels, 4 * width, 1, stride) : x;
            x = op(g, "Relu", assay_graph_op(g, "Add", name(), (int32_t[]){y, over}, 2, NULL));
            channels = 4 * width;
        }
    }
    assay_graph_output(g, x);
    return g;
}

static int32_t linear(struct assay_graph *g, int32_t x, int64_t in, int64_t out)
{
    int32_t w = param(g, 2, (int64_t[]){in, out}, root((double)in)), b = param(g, 1, (int64_t[]){out}, 100);
    int32_t y = assay_graph_op(g, "MatMul", name(), (int32_t[]){x, w}, 2, NULL);
    return assay_graph_op(g, "Add", name(), (int32_t[]){y, b}, 2, NULL);
}

static int32_t norm(struct assay_graph *g, int32_t x, int64_t width)
{
    int32_t scale = assay_graph_param(g, name(), ASSAY_F32, 1, (int64_t[]){width}, ASSAY_FILL_POSITIVE);
    int32_t bias = assay_graph_param(g, name(), ASSAY_F32, 1, (int64_t[]){width}, ASSAY_FILL_SIGNED);
    return assay_graph_op(g, "LayerNormalization", name(), (int32_t[]){x, scale, bias}, 3, NULL);
}

/* An encoder like BERT's. */
static struct assay_graph *encoder(int64_t batch, int64_t length, int layers, int64_t width, int64_t heads)
{
    struct assay_graph *g = assay_graph_new("encoder");
    int32_t             x = assay_graph_input(g, "X", ASSAY_F32, 3, (int64_t[]){batch, length, width}, ASSAY_FILL_SIGNED);
    for (int l = 0; l < layers; l++) {
        struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", heads), ASSAY_ATTR_INT("kv_num_heads", heads), ASSAY_ATTR_END};
        int32_t qkv[3];
        for (int i = 0; i < 3; i++)
            qkv[i] = linear(g, x, width, width);
        int32_t y = linear(g, assay_graph_op(g, "Attention", name(), qkv, 3, attrs), width, width);
        x = norm(g, assay_graph_op(g, "Add", name(), (int32_t[]){x, y}, 2, NULL), width);
        y = linear(g, op(g, "Gelu", linear(g, x, width, 4 * width)), 4 * width, width);
        x = norm(g, assay_graph_op(g, "Add", name(), (int32_t[]){x, y}, 2, NULL), width);
    }
    assay_graph_output(g, x);
    return g;
}

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(const char *what, struct assay_graph *g)
{
    struct assay_error err = {.code = ASSAY_OK};
    CHECKED(assay_graph_finish(g, &err));
    void **bound = calloc(g->n_values, sizeof *bound);
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].producer >= 0 || g->values[v].data)
            continue;
        bound[v] = malloc((size_t)g->values[v].bytes);
        CHECKED(assay_fill_value(g, (int32_t)v, 1, 0, bound[v], &err));
    }
    for (int bounds = ASSAY_BOUNDS_NONE; bounds >= ASSAY_BOUNDS_STATISTICAL; bounds--) {
        struct assay_reference *r;
        int32_t                 out;
        double                  value, bound_of;
        (void)assay_graph_outputs(g, &out, 1);
        CHECKED(assay_reference_new_with(g, (const void *const *)bound, (enum assay_bounds)bounds, &r, &err));
        double   begin = cpu_s();
        uint64_t wall = assay_clock_now_ns();
        CHECKED(assay_reference_at(r, out, 1, (int64_t[]){7}, &value, &bound_of, &err));
        double took = 1e-9 * (double)(assay_clock_now_ns() - wall), cpu = cpu_s() - begin;
        printf("bench %s_%s %.3f s (%.3f core s, %.2f G flops, value %g, bound %g)\n", what,
               bounds == ASSAY_BOUNDS_NONE ? "values" : "statistical", took, cpu, (double)assay_graph_cost(g).flops / 1e9, value,
               bound_of);
        assay_reference_free(r);
    }
    for (uint32_t v = 0; v < g->n_values; v++)
        free(bound[v]);
    free(bound);
    assay_graph_free(g);
    names = 0;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    if (!*only || !strcmp(only, "resnet"))
        measure("reference_resnet50_batch2", residual_net(2));
    if (!*only || !strcmp(only, "bert"))
        measure("reference_bert_base_128", encoder(1, 128, 12, 768, 12));
    if (!strcmp(only, "large"))
        measure("reference_bert_large_384", encoder(1, 384, 24, 1024, 16));
    return 0;
}
