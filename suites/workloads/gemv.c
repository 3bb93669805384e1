/* y[1,n] = x[1,k] W[k,n], W a weight that stays: the product of decoding, bound by reading W. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct gemv {
    int64_t          n, k;
    enum assay_dtype dtype;
};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct gemv, n, "n", "4096", "length of the result"),
    ASSAY_PARAM_SIZE(struct gemv, k, "k", "4096", "length of the vector and of the sums"),
    ASSAY_PARAM_DTYPE(struct gemv, dtype),
    {0},
};

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct gemv *p = given;
    (void)phase;
    int32_t x = assay_graph_input(g, "x", p->dtype, 2, (int64_t[]){1, p->k}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "W", p->dtype, 2, (int64_t[]){p->k, p->n}, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, "MatMul", "y", (int32_t[]){x, w}, 2, NULL));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_gemv = {
    .name = "gemv",
    .summary = "vector times weight matrix, as in decoding one token",
    .params = params,
    .params_bytes = sizeof(struct gemv),
    .headline = "bytes_per_s",
    .build = build,
};
