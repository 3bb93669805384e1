/* The registry: every suites/workloads/<name>.c defines `const struct assay_workload assay_workload_<name>`; the
 * makefile lists the files, so adding one touches nothing else. */
#ifndef ASSAY_WORKLOADS_H
#define ASSAY_WORKLOADS_H

#include <stddef.h>

#include "assay/workload.h"
#include "harness/ir/graph.h"

/* NULL: unknown. */
const struct assay_workload *assay_workload_find(const char *name);
/* All, sorted by name. */
const struct assay_workload *const *assay_workloads(size_t *n);

/* Row for the element type that most workloads share. */
#define ASSAY_PARAM_DTYPE(params, field)                                                                            \
    {                                                                                                               \
        .name = "dtype", .type = ASSAY_OPT_DTYPE, .offset = offsetof(params, field), .dflt = "f32",                 \
        .help = "element type of the operands"                                                                      \
    }
/* Row for a positive size. */
#define ASSAY_PARAM_SIZE(params, field, label, dflt_text, help_text)                                                \
    {                                                                                                               \
        .name = label, .type = ASSAY_OPT_I64, .offset = offsetof(params, field), .dflt = dflt_text, .min = 1,       \
        .max = 1 << 30, .help = help_text                                                                           \
    }

#endif
