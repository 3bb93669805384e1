/* Add, Sub and Mul of whole numbers: positions, lengths, axes. Few elements, so one thread and no vectors. */
#ifndef CPU_ELEMENTWISE_INTEGERS_H
#define CPU_ELEMENTWISE_INTEGERS_H

#include "backends/cpu/cpu.h"
#include "backends/cpu/elementwise/elementwise.h"

/* Of i32 or i64 operands, which == CPU_ADD, CPU_SUB or CPU_MUL. Overflow wraps. */
enum assay_code cpu_integers_prepare(const struct cpu_node *node, enum cpu_binary which, struct cpu_step *step,
                                     struct assay_error *err);

#endif
