/* A batch of matrix products, cut into blocks for the pool; what MatMul and Gemm come down to. */
#ifndef CPU_PRODUCTS_PRODUCT_H
#define CPU_PRODUCTS_PRODUCT_H

#include <limits.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/elementwise/elementwise.h"
#include "backends/cpu/products/gemv.h"
#include "backends/cpu/products/sgemm.h"

struct cpu_product {
    size_t  m, n, k, batch;
    size_t *a_at, *b_at; /* batch offsets in floats; NULL: all 0 */
    bool    a_transposed, b_transposed;
    float   alpha, beta;     /* alpha A B + beta C */
    bool    has_c;
    size_t  c_row, c_column; /* strides of C in floats, 0 where it is broadcast */
    enum cpu_stored stored;  /* of B transposed, when it is not f32; then m is small and `batch` 1 */
    bool    has_scale;       /* of each row of a stored B */
    bool    has_added;       /* a matrix shaped as the result is added to it */
    cpu_unary_fn *activation; /* at last; NULL: none */
    float   activation_alpha;
};

struct cpu_product_operands {
    const float *a;
    const void  *b;
    const float *c, *added, *scale; /* NULL where the product has none */
    float       *y;
};

/* Is no dimension of a product too long for libraries that count in 32 bits? */
bool cpu_product_is_small_enough(const struct cpu_node *node, struct assay_text *why_not);
/* Offsets of one operand's matrices of `matrix` elements, broadcast over the leading dimensions of the result; NULL with *ok: all 0. */
size_t *cpu_product_offsets(const struct assay_value_view *v, const int64_t *batch_dims, int32_t batch_rank, size_t batch, size_t matrix,
                            bool *ok);

/* Chooses how; takes over a_at and b_at (also on failure). Writes the choice into `kernel`. */
struct cpu_product_plan;
enum assay_code cpu_product_plan_new(const struct cpu_engine *engine, const struct cpu_product *product,
                                     struct cpu_product_plan **out, struct assay_text *kernel, struct assay_error *err);
void            cpu_product_plan_free(void *plan);
/* y: batch x m x n, contiguous. */
void cpu_product_run(const struct cpu_product_plan *plan, const struct cpu_engine *engine, const struct cpu_product_operands *at);

#endif
