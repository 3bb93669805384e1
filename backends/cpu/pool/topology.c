#include "backends/cpu/pool/topology.h"

#include <stdbool.h>
#include <stddef.h>

#if ASSAY_WITH_HWLOC
#include <hwloc.h>
#endif

#include "assay/banned.h"

#if ASSAY_WITH_HWLOC
/* One processor of every core that the process may run on: two threads of a core share its arithmetic. */
static bool read_cores(struct cpu_topology *out)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology))
        return false;
    hwloc_bitmap_t mine = hwloc_bitmap_alloc();
    bool           ok = mine && !hwloc_topology_load(topology) && !hwloc_get_cpubind(topology, mine, HWLOC_CPUBIND_THREAD);
    int            cores = ok ? hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) : 0;
    for (int i = 0; i < cores && out->n < CPU_TOPOLOGY_MAX; i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)i);
        for (int pu = hwloc_bitmap_first(core->cpuset); pu >= 0; pu = hwloc_bitmap_next(core->cpuset, pu))
            if (hwloc_bitmap_isset(mine, (unsigned)pu)) {
                out->place[out->n++] = pu;
                break;
            }
    }
    hwloc_bitmap_free(mine);
    hwloc_topology_destroy(topology);
    out->found_by = "hwloc";
    return out->n > 0;
}
#else
static bool read_cores(struct cpu_topology *out)
{
    (void)out;
    return false;
}
#endif

static void read_processors(struct cpu_topology *out)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    out->n = 0;
    out->found_by = "sched_getaffinity";
    if (!sched_getaffinity(0, sizeof set, &set))
        for (int i = 0; i < CPU_SETSIZE && out->n < CPU_TOPOLOGY_MAX; i++)
            if (CPU_ISSET(i, &set))
                out->place[out->n++] = i;
    if (!out->n) {
        out->place[0] = 0;
        out->n = 1;
    }
}

void cpu_topology_read(struct cpu_topology *out)
{
    out->n = 0;
    if (!read_cores(out))
        read_processors(out);
}
