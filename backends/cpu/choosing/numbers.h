/* Pow and Clip of what is not f32 alone: one element after the other, as few models have many of them. */
#ifndef CPU_CHOOSING_NUMBERS_H
#define CPU_CHOOSING_NUMBERS_H

#include "backends/cpu/cpu.h"
#include "backends/cpu/elementwise/numbers.h"

#define CPU_TYPES_CHOSEN (CPU_TYPE(F32) | CPU_TYPES_NUMBERS)

/* A power is of its base's type, whatever the exponent's. Whole numbers wrap around; one to the power of a negative one is what is left
 * when its fraction is cut. All else goes by way of double. */
enum assay_code cpu_numbers_power(const struct cpu_node *node, struct cpu_step *step, struct assay_error *err);
/* Whole numbers as int64, floats as double: NaN comes through. */
enum assay_code cpu_numbers_clip(const struct cpu_node *node, struct cpu_step *step, struct assay_error *err);

#endif
