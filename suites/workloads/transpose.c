/* A matrix turned on its diagonal: memory traffic against the grain. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct transpose {
    int64_t          rows, columns;
    enum assay_dtype dtype;
};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct transpose, rows, "rows", "2048", "rows before"),
    ASSAY_PARAM_SIZE(struct transpose, columns, "columns", "2048", "columns before"),
    ASSAY_PARAM_DTYPE(struct transpose, dtype),
    {0},
};

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct transpose *p = given;
    (void)phase;
    struct assay_attr attrs[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = 2, .list = {1, 0}}, ASSAY_ATTR_END};
    int32_t x = assay_graph_input(g, "X", p->dtype, 2, (int64_t[]){p->rows, p->columns}, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, "Transpose", "Y", &x, 1, attrs));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_transpose = {
    .name = "transpose",
    .summary = "transposition of a matrix",
    .params = params,
    .params_bytes = sizeof(struct transpose),
    .headline = "bytes_per_s",
    .build = build,
};
