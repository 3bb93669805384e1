/* Arithmetic of two operands that are not f32: positions, lengths and axes, and what a model has of rarer types. Few elements,
 * so one thread and no vectors. */
#ifndef CPU_ELEMENTWISE_NUMBERS_H
#define CPU_ELEMENTWISE_NUMBERS_H

#include "backends/cpu/cpu.h"
#include "backends/cpu/elementwise/elementwise.h"

#define CPU_TYPES_NUMBERS (CPU_TYPE(F64) | CPU_TYPE(BF16) | CPU_TYPE(F16) | CPU_TYPES_INDEX | CPU_TYPE(I8) | CPU_TYPE(U8))

/* Of operands of one of these types. Floats by way of double; of whole numbers overflow wraps, a quotient is cut towards zero,
 * and one by nought is nought. */
enum assay_code cpu_numbers_prepare(const struct cpu_node *node, enum cpu_binary which, struct cpu_step *step,
                                    struct assay_error *err);

#endif
