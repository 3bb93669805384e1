/* Where threads go: the cores this process may use. */
#ifndef CPU_POOL_TOPOLOGY_H
#define CPU_POOL_TOPOLOGY_H

#include <sched.h>

#define CPU_TOPOLOGY_MAX 1024

struct cpu_topology {
    unsigned    n;                    /* places found, one per core where cores are known, else one per processor */
    int         place[CPU_TOPOLOGY_MAX]; /* the operating system's number of the processor */
    const char *found_by;             /* "hwloc", "sched_getaffinity" */
};

void cpu_topology_read(struct cpu_topology *out);

#endif
