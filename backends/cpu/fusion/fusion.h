/* Which nodes of a graph one step computes, so that what stands between them is never stored:
 *   Conv, BatchNormalization of known numbers (folded into weights and bias), Add of an equally shaped value, activation;
 *   Gemm, Add of an equally shaped value, activation;
 *   Cast or DequantizeLinear of a stored matrix, Gemm of few rows (`any_rows`: of any), which reads the stored numbers.
 * Renames between them are seen through. A value that anybody else reads, or that is an output, or that shares memory with
 * another, ends the chain. A step takes the place of its last node: by then all it reads is there. */
#ifndef CPU_FUSION_FUSION_H
#define CPU_FUSION_FUSION_H

#include "backends/cpu/cpu.h"

struct cpu_fusion {
    uint32_t *place;    /* of each node: the node whose place its step takes; itself if it is alone */
    uint32_t *base;     /* of a step's place: the node that is prepared */
    bool     *unstored; /* of each value */
    struct cpu_chain {
        uint32_t normalization, activation, widening; /* nodes, CPU_NO_NODE = none */
        int32_t  added, result;                       /* values */
    } *chain; /* of each base */
};

#define CPU_NO_NODE UINT32_MAX

/* known: of each value, whether its content is known at compile. Free with cpu_fusion_release, also after a failure. */
enum assay_code cpu_fusion_find(const struct assay_host *host, const struct assay_graph *g, const bool *known,
                                bool any_rows, struct cpu_fusion *out, struct assay_error *err);
void            cpu_fusion_release(struct cpu_fusion *f);
/* Puts into a base's node what its chain adds to it: operands, and `fused`. */
void cpu_fusion_apply(const struct cpu_fusion *f, struct cpu_node *node);
/* ", with BatchNormalization folded in, Add, Relu". */
void cpu_fusion_describe(const struct cpu_fusion *f, const struct cpu_node *node, struct assay_text *out);

#endif
