/* Softmax of each row. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct softmax {
    int64_t          rows, columns;
    enum assay_dtype dtype;
};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct softmax, rows, "rows", "2048", "rows, each with a softmax of its own"),
    ASSAY_PARAM_SIZE(struct softmax, columns, "columns", "1024", "length of a row"),
    ASSAY_PARAM_DTYPE(struct softmax, dtype),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct softmax *)given)->rows;
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct softmax *p = given;
    (void)phase;
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("axis", -1), ASSAY_ATTR_END};
    /* Wide enough that leaving out the subtraction of the maximum overflows in half precision. */
    struct assay_fill wide = {ASSAY_FILL_UNIFORM, -12.0, 12.0};
    int32_t           x = assay_graph_input(g, "X", p->dtype, 2, (int64_t[]){p->rows, p->columns}, wide);
    assay_graph_output(g, assay_graph_op(g, "Softmax", "Y", &x, 1, attrs));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_softmax = {
    .name = "softmax",
    .summary = "softmax over rows",
    .params = params,
    .params_bytes = sizeof(struct softmax),
    .headline = "bytes_per_s",
    .items = items,
    .item = "row",
    .batch = "rows",
    .build = build,
};
