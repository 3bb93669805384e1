#include <string.h>

#include "suites/workloads/workloads.h"

#include "assay/banned.h"

/* workloads.inc is made by the makefile: one WORKLOAD(name) for every file of this folder, sorted. */
#define WORKLOAD(name) extern const struct assay_workload assay_workload_##name;
#include "workloads.inc"
#undef WORKLOAD

static const struct assay_workload *const all[] = {
#define WORKLOAD(name) &assay_workload_##name,
#include "workloads.inc"
#undef WORKLOAD
};

const struct assay_workload *const *assay_workloads(size_t *n)
{
    *n = sizeof all / sizeof all[0];
    return all;
}

const struct assay_workload *assay_workload_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!strcmp(all[i]->name, name))
            return all[i];
    return NULL;
}
