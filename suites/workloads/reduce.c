/* A reduction over the columns or the rows of a matrix. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct reduce {
    int64_t          op, rows, columns, axis;
    enum assay_dtype dtype;
};

static const char *const ops[] = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"};
static const char *const names[] = {"sum", "mean", "max", "min", NULL};

static const struct assay_option params[] = {
    {.name = "op", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct reduce, op), .dflt = "sum", .choices = names,
     .help = "what is made of the elements"},
    ASSAY_PARAM_SIZE(struct reduce, rows, "rows", "2048", "rows"),
    ASSAY_PARAM_SIZE(struct reduce, columns, "columns", "2048", "columns"),
    {.name = "axis", .type = ASSAY_OPT_I64, .offset = offsetof(struct reduce, axis), .dflt = "1", .min = 0, .max = 1,
     .help = "which axis goes: 1 the columns, 0 the rows"},
    ASSAY_PARAM_DTYPE(struct reduce, dtype),
    {0},
};

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct reduce *p = given;
    (void)phase;
    int32_t x = assay_graph_input(g, "X", p->dtype, 2, (int64_t[]){p->rows, p->columns}, ASSAY_FILL_SIGNED);
    int32_t axes = assay_graph_i64s(g, "axes", 1, &p->axis);
    assay_graph_output(g, assay_graph_op(g, ops[p->op], "Y", (int32_t[]){x, axes}, 2, NULL));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_reduce = {
    .name = "reduce",
    .summary = "sum, mean, maximum or minimum along an axis",
    .params = params,
    .params_bytes = sizeof(struct reduce),
    .headline = "bytes_per_s",
    .batch = "rows",
    .build = build,
};
