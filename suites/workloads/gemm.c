/* C[m,n] = A[m,k] B[k,n], both operands fresh in every execution: the dense product by itself. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct gemm {
    int64_t          m, n, k;
    bool             transpose_a, transpose_b;
    enum assay_dtype dtype;
};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct gemm, m, "m", "1024", "rows of A and C"),
    ASSAY_PARAM_SIZE(struct gemm, n, "n", "1024", "columns of B and C"),
    ASSAY_PARAM_SIZE(struct gemm, k, "k", "1024", "columns of A, rows of B: the length of the sums"),
    {.name = "transpose_a", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct gemm, transpose_a), .dflt = "false",
     .help = "A is stored as [k,m]"},
    {.name = "transpose_b", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct gemm, transpose_b), .dflt = "false",
     .help = "B is stored as [n,k]"},
    ASSAY_PARAM_DTYPE(struct gemm, dtype),
    {0},
};

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct gemm *p = given;
    (void)phase;
    int64_t a_dims[2] = {p->m, p->k}, b_dims[2] = {p->k, p->n};
    if (p->transpose_a)
        a_dims[0] = p->k, a_dims[1] = p->m;
    if (p->transpose_b)
        b_dims[0] = p->n, b_dims[1] = p->k;
    int32_t a = assay_graph_input(g, "A", p->dtype, 2, a_dims, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "B", p->dtype, 2, b_dims, ASSAY_FILL_SIGNED);
    int32_t c;
    if (p->transpose_a || p->transpose_b) {
        struct assay_attr attrs[] = {ASSAY_ATTR_INT("transA", p->transpose_a), ASSAY_ATTR_INT("transB", p->transpose_b),
                                     ASSAY_ATTR_END};
        c = assay_graph_op(g, "Gemm", "C", (int32_t[]){a, b}, 2, attrs);
    } else {
        c = assay_graph_op(g, "MatMul", "C", (int32_t[]){a, b}, 2, NULL);
    }
    assay_graph_output(g, c);
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_gemm = {
    .name = "gemm",
    .summary = "dense matrix product with fresh operands",
    .params = params,
    .params_bytes = sizeof(struct gemm),
    .headline = "flops_per_s",
    .batch = "m",
    .build = build,
};
