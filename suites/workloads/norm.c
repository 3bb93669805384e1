/* Normalization of each row: layer (mean and variance, scale, shift) or rms (root mean square, scale). */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

enum { KIND_LAYER, KIND_RMS };

struct norm {
    int64_t          rows, columns, kind;
    enum assay_dtype dtype;
};

static const char *const kinds[] = {"layer", "rms", NULL};

static const struct assay_option params[] = {
    {.name = "kind", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct norm, kind), .dflt = "layer", .choices = kinds,
     .help = "layer: LayerNormalization; rms: RMSNormalization"},
    ASSAY_PARAM_SIZE(struct norm, rows, "rows", "2048", "rows, each normalized by itself"),
    ASSAY_PARAM_SIZE(struct norm, columns, "columns", "1024", "length of a row"),
    ASSAY_PARAM_DTYPE(struct norm, dtype),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct norm *)given)->rows;
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct norm *p = given;
    (void)phase;
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("axis", -1), ASSAY_ATTR_END};
    int32_t x = assay_graph_input(g, "X", p->dtype, 2, (int64_t[]){p->rows, p->columns}, ASSAY_FILL_SIGNED);
    int32_t scale = assay_graph_param(g, "scale", p->dtype, 1, &p->columns, ASSAY_FILL_POSITIVE);
    int32_t y;
    if (p->kind == KIND_LAYER) {
        int32_t shift = assay_graph_param(g, "shift", p->dtype, 1, &p->columns, ASSAY_FILL_SIGNED);
        y = assay_graph_op(g, "LayerNormalization", "Y", (int32_t[]){x, scale, shift}, 3, attrs);
    } else {
        y = assay_graph_op(g, "RMSNormalization", "Y", (int32_t[]){x, scale}, 2, attrs);
    }
    assay_graph_output(g, y);
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_norm = {
    .name = "norm",
    .summary = "layer and root-mean-square normalization",
    .params = params,
    .params_bytes = sizeof(struct norm),
    .headline = "bytes_per_s",
    .items = items,
    .item = "row",
    .batch = "rows",
    .build = build,
};
