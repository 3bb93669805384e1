/* DLRM: Naumov and others, arXiv 1906.00091, with the sizes of MLPerf's DLRM-v2 on multi-hot Criteo data: 13 numbers through
 * a bottom net, 26 bags of categories through tables of width 128, all pairs of these 27 vectors by dot products, a top net.
 * (MLPerf's reference model crosses by DCN-v2 instead; this is the dot interaction of the paper.) Tables are cut to
 * `most_rows`: the published ones hold 204 million rows, 104 GB. */
#include <stdio.h>
#include <string.h>

#include "suites/blocks/blocks.h"
#include "suites/blocks/training.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define TABLES 26
#define NUMBERS 13
#define WIDTH 128

/* MLCommons training, recommendation_v2/torchrec_dlrm: num_embeddings_per_feature and multi_hot_sizes. */
static const int64_t table_rows[TABLES] = {40000000, 39060, 17295, 7424, 20265, 3, 7122, 1543, 63, 40000000, 3067956, 405282, 10,
                                           2209, 11938, 155, 4, 976, 14, 40000000, 40000000, 40000000, 590152, 12973, 108, 36};
static const int64_t bag_sizes[TABLES] = {3, 2, 1, 2, 6, 1, 1, 1, 1, 7, 3, 8, 1, 6, 9, 5, 1, 1, 1, 12, 100, 27, 10, 3, 1, 1};

struct dlrm {
    int64_t                     batch, most_rows;
    struct assay_block_training training;
};

static const char *const phases[] = {"infer", "train", NULL};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct dlrm, batch, "batch", "128", "samples"),
    ASSAY_PARAM_SIZE(struct dlrm, most_rows, "most_rows", "100000", "rows of a table at most; 40000000 is the published size"),
    ASSAY_PARAM_OPTIMIZER(struct dlrm, training, "sgd"),
    ASSAY_PARAM_RECOMPUTE(struct dlrm, training),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct dlrm *)given)->batch;
}

/* Dense layers of `widths`, each followed by a relu but the last of a net that ends in a logit. */
static int32_t net(struct assay_graph *g, const char *prefix, int32_t x, const int64_t *widths, int n, bool ends_in_logit)
{
    for (int i = 0; i < n; i++) {
        char                      name[ASSAY_BLOCK_NAME_BYTES];
        bool                      relu = i + 1 < n || !ends_in_logit;
        struct assay_block_linear how = {.in = assay_block_length(g, x, 1), .out = widths[i], .bias = true, .gain = relu ? 1.4142135623730951 : 1};
        (void)snprintf(name, sizeof name, "%s.%d", prefix, i);
        x = assay_block_linear(g, name, x, &how);
        if (relu)
            x = assay_block_unary(g, "Relu", name, "relu", x);
    }
    return x;
}

static int32_t bag(struct assay_graph *g, const struct dlrm *p, int t)
{
    char    name[4][ASSAY_BLOCK_NAME_BYTES];
    int64_t rows = table_rows[t] < p->most_rows ? table_rows[t] : p->most_rows, all = p->batch * bag_sizes[t];
    (void)snprintf(name[0], sizeof name[0], "embeddings.%d.weight", t);
    (void)snprintf(name[1], sizeof name[1], "categories.%d", t);
    (void)snprintf(name[2], sizeof name[2], "offsets.%d", t);
    (void)snprintf(name[3], sizeof name[3], "embeddings.%d", t);
    int32_t table = assay_graph_param(g, name[0], ASSAY_F32, 2, (int64_t[]){rows, WIDTH}, (struct assay_fill){ASSAY_FILL_UNIFORM, -0.5, 0.5});
    int32_t indices = assay_graph_input(g, name[1], ASSAY_I64, 1, &all, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(rows - 1)});
    int32_t offsets = assay_graph_control(g, name[2], ASSAY_I64, 1, &p->batch, (struct assay_fill){ASSAY_FILL_IOTA, 0, (double)bag_sizes[t]});
    int32_t sum = assay_graph_op(g, "assay.EmbeddingBag", name[3], (int32_t[]){table, indices, offsets}, 3,
                                 (struct assay_attr[]){ASSAY_ATTR_STRING("mode", "sum"), ASSAY_ATTR_END});
    return assay_block_reshape(g, name[3], "row", sum, 3, (int64_t[]){p->batch, 1, WIDTH});
}

/* The pairs below the diagonal of T T^T, T[batch, 27, width]: chosen by their flat places. */
static int32_t pairs(struct assay_graph *g, const struct dlrm *p, int32_t all)
{
    int64_t place[(TABLES + 1) * TABLES / 2], n = 0, side = TABLES + 1;
    int32_t turned = assay_block_transpose(g, "interaction", "turned", all, 3, (int64_t[]){0, 2, 1});
    int32_t dots = assay_block_binary(g, "MatMul", "interaction", "dots", all, turned);
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < i; j++)
            place[n++] = i * side + j;
    dots = assay_block_reshape(g, "interaction", "flat", dots, 2, (int64_t[]){p->batch, side * side});
    return assay_graph_op(g, "Gather", "interaction.pairs", (int32_t[]){dots, assay_graph_i64s(g, "interaction.places", (size_t)n, place)}, 2,
                          (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    static const int64_t bottom[] = {512, 256, WIDTH}, top[] = {1024, 1024, 512, 256, 1};
    const struct dlrm   *p = given;
    int32_t              vectors[TABLES + 1], all = ASSAY_NO_VALUE;
    int32_t x = assay_graph_input(g, "numbers", ASSAY_F32, 2, (int64_t[]){p->batch, NUMBERS}, (struct assay_fill){ASSAY_FILL_UNIFORM, 0, 1});
    int32_t dense = net(g, "bottom", x, bottom, 3, false);
    vectors[0] = assay_block_reshape(g, "bottom", "row", dense, 3, (int64_t[]){p->batch, 1, WIDTH});
    for (int t = 0; t < TABLES; t++)
        vectors[t + 1] = bag(g, p, t);
    /* In groups, since a node has few operands. */
    for (int i = 0; i <= TABLES; i += 7) {
        int32_t group[8], n = 0;
        char    name[24];
        if (all != ASSAY_NO_VALUE)
            group[n++] = all;
        for (int k = i; k < i + 7 && k <= TABLES; k++)
            group[n++] = vectors[k];
        (void)snprintf(name, sizeof name, "vectors%d", i / 7);
        all = assay_block_concat(g, "interaction", name, group, (size_t)n, 1);
    }
    x = assay_block_concat(g, "interaction", "joined", (int32_t[]){dense, pairs(g, p, all)}, 2, 1);
    x = net(g, "top", x, top, 5, true);
    if (strcmp(phase, "train") != 0) {
        assay_graph_output(g, assay_block_unary(g, "Sigmoid", "", "probability", x));
        return assay_graph_finish(g, err);
    }
    /* Two classes: the logit against a fixed zero. */
    int32_t zero = assay_graph_const(g, "no:logit", ASSAY_F32, 2, (int64_t[]){1, 1}, (float[]){0});
    int32_t other = assay_block_binary(g, "Expand", "", "no", zero, assay_graph_i64s(g, "no:shape", 2, (int64_t[]){p->batch, 1}));
    int32_t labels = assay_graph_input(g, "labels", ASSAY_I64, 1, &p->batch, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    int32_t logits = assay_block_concat(g, "", "logits", (int32_t[]){other, x}, 2, 1);
    assay_block_train(g, assay_block_cross_entropy(g, logits, labels), &p->training);
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_dlrm = {
    .name = "dlrm",
    .summary = "DLRM-v2 recommendation, dot interaction: answers, or one step of training",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct dlrm),
    .headline = "items_per_s",
    .items = items,
    .item = "sample",
    .batch = "batch",
    .build = build,
};
