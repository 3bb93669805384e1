/* Pools over three spatial axes: each volume of a channel by itself, row by row of windows. */
#ifndef CPU_POOLING_VOLUME_H
#define CPU_POOLING_VOLUME_H

#include "backends/cpu/cpu.h"

/* average: else the greatest; backward: dX from dY (and X). Shapes of x and y, neither of them empty of channels. */
enum assay_code cpu_volume_pool_prepare(const struct cpu_engine *engine, const struct cpu_node *node, bool average, bool backward,
                                        const struct assay_value_view *x, const struct assay_value_view *y, struct cpu_step *step,
                                        struct assay_error *err);

#endif
