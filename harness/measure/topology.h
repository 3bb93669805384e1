/* Caches and memory nodes that the cores of this process see: through hwloc where it is built in, else from sysfs. */
#ifndef ASSAY_MEASURE_TOPOLOGY_H
#define ASSAY_MEASURE_TOPOLOGY_H

#include <stdint.h>

#define ASSAY_MAX_NUMA_NODES 64

struct assay_topology {
    unsigned    cores, threads;    /* of the machine, as far as this process may see it; 0 = unknown */
    uint64_t    cache_bytes[3];    /* data or unified cache of level 1 to 3 that one thread sees; 0 = none or unknown */
    uint64_t    last_shared_bytes; /* all last-level caches that the allowed cores reach, together; 0 = unknown */
    unsigned    last_level;        /* 1 to 3; 0 = unknown */
    unsigned    n_nodes;
    struct assay_numa_node {
        unsigned id;
        uint64_t bytes;
        char     cpus[120]; /* "0-63,128-191" */
    } node[ASSAY_MAX_NUMA_NODES];
    const char *source; /* "hwloc" or "sysfs"; static text */
};

/* What cannot be found stays zero. The tree stands below `sys` in sysfs' place ("/sys" but in tests), which only the
 * sysfs reader looks at. */
void assay_topology_read(struct assay_topology *out);
void assay_topology_read_sysfs(const char *sys, struct assay_topology *out);

/* Processors this thread may run on, ascending, at most `capacity` of them; returns how many there are in all. */
unsigned assay_allowed_cpus(unsigned *cpus, unsigned capacity);

#endif
