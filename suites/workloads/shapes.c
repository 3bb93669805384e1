/* A small convolutional net that learns to tell rendered shapes apart (suites/data/shapes.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/ir/transform/optimizer.h"
#include "suites/blocks/blocks.h"
#include "suites/blocks/training.h"
#include "suites/data/shapes.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define PIXELS (ASSAY_SHAPES_SIDE * ASSAY_SHAPES_SIDE)
#define UNSEEN ((uint64_t)1 << 40) /* indices of pictures from here on are evaluation's */

struct shapes {
    int64_t batch, filters;
    double  learning_rate, target;
    int64_t max_steps, evaluate_every, evaluation_batches;
};

static const char *const phases[] = {"train", "learn", "gradients", NULL};

#define COUNT(field, dflt_text, help_text) ASSAY_PARAM_SIZE(struct shapes, field, #field, dflt_text, help_text)
static const struct assay_option params[] = {
    COUNT(batch, "64", "pictures of a step"),
    COUNT(filters, "16", "channels of the first convolution; the others have twice as many"),
    {.name = "learning_rate", .type = ASSAY_OPT_F64, .offset = offsetof(struct shapes, learning_rate), .dflt = "0.004", .min = 1e-9,
     .max = 10, .help = "after the warm-up; it falls to a twentieth by half a cosine"},
    {.name = "target", .type = ASSAY_OPT_F64, .offset = offsetof(struct shapes, target), .dflt = "0.01", .max = 1,
     .help = "share of unseen pictures that may be classed wrongly"},
    COUNT(max_steps, "1000", "of training"),
    COUNT(evaluate_every, "50", "steps of training between evaluations"),
    COUNT(evaluation_batches, "32", "batches of unseen pictures that an evaluation sees"),
    {0},
};
#undef COUNT

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct shapes *)given)->batch;
}

static int32_t stage(struct assay_graph *g, const char *name, int32_t x, int64_t filters, bool train)
{
    char                    full[ASSAY_BLOCK_NAME_BYTES];
    struct assay_block_conv conv = {.filters = filters, .kernel = 3, .stride = 1, .pad = 1};
    struct assay_attr       pool[] = {{.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .list = {2, 2}, .n = 2},
                                      {.name = "strides", .type = ASSAY_ATTR_I64S, .list = {2, 2}, .n = 2},
                                      ASSAY_ATTR_END};
    assay_block_name(full, name, "conv");
    x = assay_block_conv(g, full, x, &conv);
    assay_block_name(full, name, "norm");
    x = assay_block_unary(g, "Relu", name, "relu", assay_block_batch_norm(g, full, x, train, 1));
    assay_block_name(full, name, "pool");
    return assay_graph_op(g, "MaxPool", full, &x, 1, pool);
}

/* Scores of every class: three times convolution, norm, relu and pool, 24 to 3 pixels a side, and a linear layer. */
static int32_t scores(const struct shapes *p, struct assay_graph *g, bool train)
{
    int64_t side = ASSAY_SHAPES_SIDE / 8, last = 2 * p->filters * side * side;
    struct assay_block_linear head = {.in = last, .out = ASSAY_SHAPES_CLASSES, .bias = true};
    int32_t x = assay_graph_input(g, "images", ASSAY_F32, 4, (int64_t[]){p->batch, 1, ASSAY_SHAPES_SIDE, ASSAY_SHAPES_SIDE},
                                  (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1});
    x = stage(g, "stage1", x, p->filters, train);
    x = stage(g, "stage2", x, 2 * p->filters, train);
    x = stage(g, "stage3", x, 2 * p->filters, train);
    return assay_block_linear(g, "fc", assay_block_reshape(g, "", "flat", x, 2, (int64_t[]){p->batch, last}), &head);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct shapes   *p = given;
    struct assay_optimizer how;
    if (assay_options_defaults(assay_optimizer_options, &how, err))
        return err->code;
    how.gradients = !strcmp(phase, "gradients"); /* train and learn are the same step; learn does it until it has learned */
    int32_t x = scores(p, g, true);
    int32_t labels = assay_graph_input(g, "labels", ASSAY_I64, 1, &p->batch,
                                       (struct assay_fill){ASSAY_FILL_INTEGERS, 0, ASSAY_SHAPES_CLASSES - 1});
    assay_graph_train(g, assay_block_cross_entropy(g, x, labels), &how, ASSAY_RECOMPUTE_NONE);
    return assay_graph_finish(g, err);
}

/* ---- the lesson ---------------------------------------------------------------------------------------------- */

static enum assay_code build_evaluation(const void *given, struct assay_graph *g, struct assay_error *err)
{
    assay_graph_output(g, scores(given, g, false));
    return assay_graph_finish(g, err);
}

static void terms(const void *given, struct assay_lesson_terms *out)
{
    const struct shapes *p = given;
    *out = (struct assay_lesson_terms){.target = p->target, .max_steps = (uint64_t)p->max_steps,
                                       .evaluate_every = (uint64_t)p->evaluate_every,
                                       .evaluation_batches = (uint64_t)p->evaluation_batches};
}

static double learning_rate(const void *given, uint64_t step)
{
    const struct shapes *p = given;
    return p->learning_rate * assay_schedule_cosine(step, (uint64_t)p->max_steps, 20, 0.05);
}

static bool data(const void *given, uint64_t seed, bool evaluation, uint64_t n, const char *name, void *to)
{
    const struct shapes *p = given;
    bool                 labels = !strcmp(name, "labels");
    float                image[PIXELS] = {0}; /* that nobody looks at: only its class is wanted */
    if (!labels && strcmp(name, "images") != 0)
        return false;
    for (int64_t i = 0; i < p->batch; i++) {
        uint64_t index = (evaluation ? UNSEEN : 0) + n * (uint64_t)p->batch + (uint64_t)i;
        int      shape = assay_shapes_draw(seed, index, labels ? image : (float *)to + i * PIXELS);
        if (labels)
            ((int64_t *)to)[i] = shape;
    }
    return true;
}

static const struct assay_lesson lesson = {
    .phase = "learn",
    .quality = ASSAY_QUALITY_ERROR_RATE,
    .terms = terms,
    .learning_rate = learning_rate,
    .build_evaluation = build_evaluation,
    .data = data,
};

const struct assay_workload assay_workload_shapes = {
    .name = "shapes",
    .summary = "a small convolutional net that learns to tell shapes apart: one step, or until it sees well enough",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct shapes),
    .headline = "items_per_s",
    .items = items,
    .item = "image",
    .build = build,
    .lesson = &lesson,
};
