/* ResNet-50 v1.5: He and others, arXiv 1512.03385, with the stride of a stage in the 3x3 convolution instead of the first
 * 1x1 (as MLPerf's reference model and torchvision have it). Names of the weights are torchvision's. */
#include <stdio.h>
#include <string.h>

#include "suites/blocks/blocks.h"
#include "suites/blocks/training.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct resnet50 {
    int64_t                     batch, image, classes, width;
    struct assay_block_training training;
};

static const char *const phases[] = {"infer", "train", NULL};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct resnet50, batch, "batch", "1", "images"),
    ASSAY_PARAM_SIZE(struct resnet50, image, "image", "224", "height and width of an image"),
    ASSAY_PARAM_SIZE(struct resnet50, classes, "classes", "1000", "classes to tell apart"),
    {.name = "width", .type = ASSAY_OPT_I64, .offset = offsetof(struct resnet50, width), .dflt = "64", .min = 1, .max = 1024,
     .help = "channels of the first stage; others than 64 are no ResNet-50, but small ones for tests"},
    ASSAY_PARAM_OPTIMIZER(struct resnet50, training, "sgd"),
    ASSAY_PARAM_RECOMPUTE(struct resnet50, training),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct resnet50 *)given)->batch;
}

struct net {
    struct assay_graph *g;
    bool                train;
    int64_t             width;
};

static int32_t conv_norm(const struct net *n, const char *block, const char *conv, const char *norm, int32_t x, int64_t filters,
                         int64_t kernel, int64_t stride, double gain)
{
    char                    name[ASSAY_BLOCK_NAME_BYTES];
    struct assay_block_conv how = {.filters = filters, .kernel = kernel, .stride = stride, .pad = kernel / 2};
    assay_block_name(name, block, conv);
    x = assay_block_conv(n->g, name, x, &how);
    assay_block_name(name, block, norm);
    return assay_block_batch_norm(n->g, name, x, n->train, gain);
}

/* 1x1, 3x3 (with the stride), 1x1 to four times the width; the sum with the input, projected where shapes change. The last
 * norm's scales are small, so that sums of sixteen blocks stay near one. */
static int32_t bottleneck(const struct net *n, const char *block, int32_t x, int64_t width, int64_t stride)
{
    struct assay_graph *g = n->g;
    int32_t             y = conv_norm(n, block, "conv1", "bn1", x, width, 1, 1, 1);
    y = assay_block_unary(g, "Relu", block, "relu1", y);
    y = conv_norm(n, block, "conv2", "bn2", y, width, 3, stride, 1);
    y = assay_block_unary(g, "Relu", block, "relu2", y);
    y = conv_norm(n, block, "conv3", "bn3", y, 4 * width, 1, 1, 0.3);
    int32_t around = x;
    if (stride != 1 || assay_block_length(g, x, 1) != 4 * width)
        around = conv_norm(n, block, "downsample.0", "downsample.1", x, 4 * width, 1, stride, 0.7);
    y = assay_block_unary(g, "Relu", block, "relu3", assay_block_binary(g, "Add", block, "sum", y, around));
    assay_graph_checkpoint(g, y);
    return y;
}

static int32_t trunk(const struct net *n, int32_t x)
{
    static const int64_t blocks[] = {3, 4, 6, 3};
    struct assay_graph *g = n->g;
    x = conv_norm(n, "", "conv1", "bn1", x, n->width, 7, 2, 1);
    x = assay_block_unary(g, "Relu", "", "relu", x);
    struct assay_attr pool[] = {{.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .list = {3, 3}, .n = 2},
                                {.name = "strides", .type = ASSAY_ATTR_I64S, .list = {2, 2}, .n = 2},
                                {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {1, 1, 1, 1}, .n = 4},
                                ASSAY_ATTR_END};
    x = assay_graph_op(g, "MaxPool", "maxpool", &x, 1, pool);
    for (int s = 0; s < 4; s++)
        for (int64_t b = 0; b < blocks[s]; b++) {
            char name[32];
            (void)snprintf(name, sizeof name, "layer%d.%d", s + 1, (int)b);
            x = bottleneck(n, name, x, n->width << s, s > 0 && b == 0 ? 2 : 1);
        }
    x = assay_block_unary(g, "GlobalAveragePool", "", "avgpool", x);
    return assay_block_reshape(g, "", "flatten", x, 2, (int64_t[]){assay_block_length(g, x, 0), 32 * n->width});
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct resnet50    *p = given;
    struct net                n = {g, !strcmp(phase, "train"), p->width};
    struct assay_block_linear head = {.in = 32 * p->width, .out = p->classes, .bias = true};
    if (p->image < 32)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "image %lld: five halvings need at least 32", (long long)p->image);
    int32_t x = assay_graph_input(g, "images", ASSAY_F32, 4, (int64_t[]){p->batch, 3, p->image, p->image},
                                  (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1});
    int32_t logits = assay_block_linear(g, "fc", trunk(&n, x), &head);
    if (n.train) {
        int32_t labels = assay_graph_input(g, "labels", ASSAY_I64, 1, &p->batch,
                                           (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)p->classes - 1});
        assay_block_train(g, assay_block_cross_entropy(g, logits, labels), &p->training);
    } else {
        assay_graph_output(g, logits);
    }
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_resnet50 = {
    .name = "resnet50",
    .summary = "ResNet-50 v1.5, image classification: answers, or one step of training",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct resnet50),
    .headline = "items_per_s",
    .items = items,
    .item = "image",
    .batch = "batch",
    .build = build,
};
