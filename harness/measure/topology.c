#include "harness/measure/topology.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(ASSAY_WITH_HWLOC) && ASSAY_WITH_HWLOC
#include <hwloc.h>
#endif

#include "harness/base/strings.h"
#include "assay/banned.h"

#define MAX_CPUS 65536
#define MAX_INDICES 10

unsigned assay_allowed_cpus(unsigned *cpus, unsigned capacity)
{
    unsigned count = 0;
    for (size_t size = 1024; size <= MAX_CPUS; size *= 4) {
        cpu_set_t *set = CPU_ALLOC(size);
        size_t     bytes = CPU_ALLOC_SIZE(size);
        if (!set)
            break;
        bool known = sched_getaffinity(0, bytes, set) == 0, again = !known && errno == EINVAL;
        for (unsigned cpu = 0; known && cpu < size; cpu++) {
            if (CPU_ISSET_S(cpu, bytes, set) && count++ < capacity)
                cpus[count - 1] = cpu;
        }
        CPU_FREE(set);
        if (!again)
            break;
    }
    if (!count && capacity)
        cpus[0] = 0;
    return count ? count : 1;
}

/* ---- sysfs ---- */

/* First line of a small file, without its end; false when it cannot be read. */
static bool line_of(char *out, int capacity, const char *path)
{
    FILE *f = fopen(path, "re");
    bool  got = f && fgets(out, capacity, f);
    if (f)
        (void)fclose(f);
    if (got)
        out[strcspn(out, "\n")] = 0;
    return got;
}

/* "32K", "32768K", "1M", "1024" */
static uint64_t bytes_of(const char *text)
{
    char    *end;
    uint64_t value = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    return value > UINT64_MAX >> 34 ? 0 : value << shift;
}

static bool is_allowed(const unsigned *cpus, unsigned n, unsigned long cpu)
{
    for (unsigned i = 0; i < n; i++)
        if (cpus[i] == cpu)
            return true;
    return false;
}

/* The lowest allowed processor of "0-3,8-11": the one in whose name a shared cache is counted. */
static unsigned long first_allowed(const char *list, const unsigned *cpus, unsigned n)
{
    while (*list >= '0' && *list <= '9') {
        char         *end;
        unsigned long low = strtoul(list, &end, 10), high = low;
        if (*end == '-')
            high = strtoul(end + 1, &end, 10);
        for (unsigned long cpu = low; cpu <= high && cpu < MAX_CPUS; cpu++)
            if (is_allowed(cpus, n, cpu))
                return cpu;
        list = *end == ',' ? end + 1 : end;
    }
    return MAX_CPUS;
}

struct cache {
    unsigned level;
    uint64_t bytes;
    char     shared[512];
};

static bool cache_read(const char *sys, unsigned cpu, unsigned index, struct cache *out)
{
    char path[256], text[64];
    int  stem = snprintf(path, sizeof path, "%s/devices/system/cpu/cpu%u/cache/index%u/", sys, cpu, index);
    if (stem < 0 || (size_t)stem + 16 > sizeof path)
        return false;
    char  *name = path + stem;
    size_t room = sizeof path - (size_t)stem;
    (void)assay_string_copy(name, room, "level");
    if (!line_of(text, sizeof text, path))
        return false;
    out->level = (unsigned)strtoul(text, NULL, 10);
    (void)assay_string_copy(name, room, "type");
    if (!line_of(text, sizeof text, path) || !strcmp(text, "Instruction"))
        out->level = 0;
    (void)assay_string_copy(name, room, "size");
    out->bytes = line_of(text, sizeof text, path) ? bytes_of(text) : 0;
    (void)assay_string_copy(name, room, "shared_cpu_list");
    if (!line_of(out->shared, sizeof out->shared, path))
        (void)snprintf(out->shared, sizeof out->shared, "%u", cpu);
    return true;
}

static void caches_read(const char *sys, struct assay_topology *out)
{
    static const unsigned some = 4096;
    unsigned             *cpus = calloc(some, sizeof *cpus), n = cpus ? assay_allowed_cpus(cpus, some) : 0;
    uint64_t              sum[4] = {0};
    n = n < some ? n : some;
    for (unsigned i = 0; i < n; i++) {
        struct cache c;
        for (unsigned index = 0; index < MAX_INDICES && cache_read(sys, cpus[i], index, &c); index++) {
            if (c.level < 1 || c.level > 3)
                continue;
            if (!out->cache_bytes[c.level - 1])
                out->cache_bytes[c.level - 1] = c.bytes;
            if (first_allowed(c.shared, cpus, n) == cpus[i])
                sum[c.level] += c.bytes;
        }
    }
    free(cpus);
    for (unsigned level = 1; level <= 3; level++) {
        if (sum[level]) {
            out->last_level = level;
            out->last_shared_bytes = sum[level];
        }
    }
}

static uint64_t node_bytes(const char *sys, unsigned id)
{
    char     path[256], line[128];
    uint64_t kib = 0;
    (void)snprintf(path, sizeof path, "%s/devices/system/node/node%u/meminfo", sys, id);
    FILE *f = fopen(path, "re");
    while (f && !kib && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "MemTotal:");
        kib = at ? strtoull(at + strlen("MemTotal:"), NULL, 10) : 0;
    }
    if (f)
        (void)fclose(f);
    return kib * 1024;
}

static void nodes_read(const char *sys, struct assay_topology *out)
{
    for (unsigned id = 0; id < 1024 && out->n_nodes < ASSAY_MAX_NUMA_NODES; id++) {
        char                    path[256];
        struct assay_numa_node *node = &out->node[out->n_nodes];
        (void)snprintf(path, sizeof path, "%s/devices/system/node/node%u/cpulist", sys, id);
        if (!line_of(node->cpus, sizeof node->cpus, path))
            continue;
        node->id = id;
        node->bytes = node_bytes(sys, id);
        out->n_nodes++;
    }
}

/* A core is counted in the name of the lowest of its threads. */
static void cores_read(const char *sys, struct assay_topology *out)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        char path[256], list[256];
        (void)snprintf(path, sizeof path, "%s/devices/system/cpu/cpu%u/topology/thread_siblings_list", sys, cpu);
        if (!line_of(list, sizeof list, path)) {
            (void)snprintf(path, sizeof path, "%s/devices/system/cpu/cpu%u", sys, cpu);
            if (access(path, F_OK) != 0)
                break;
            continue;
        }
        out->threads++;
        out->cores += strtoul(list, NULL, 10) == cpu;
    }
}

void assay_topology_read_sysfs(const char *sys, struct assay_topology *out)
{
    memset(out, 0, sizeof *out);
    out->source = "sysfs";
    caches_read(sys, out);
    nodes_read(sys, out);
    cores_read(sys, out);
}

/* ---- hwloc ---- */

#if defined(ASSAY_WITH_HWLOC) && ASSAY_WITH_HWLOC
static void hwloc_caches(hwloc_topology_t t, struct assay_topology *out)
{
    static const hwloc_obj_type_t type[3] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE};
    for (unsigned level = 1; level <= 3; level++) {
        uint64_t sum = 0;
        for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(t, type[level - 1], o)) != NULL;) {
            sum += o->attr->cache.size;
            if (!out->cache_bytes[level - 1])
                out->cache_bytes[level - 1] = o->attr->cache.size;
        }
        if (sum) {
            out->last_level = level;
            out->last_shared_bytes = sum;
        }
    }
}

static void hwloc_nodes(hwloc_topology_t t, struct assay_topology *out)
{
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(t, HWLOC_OBJ_NUMANODE, o)) != NULL;) {
        if (out->n_nodes == ASSAY_MAX_NUMA_NODES)
            return;
        struct assay_numa_node *node = &out->node[out->n_nodes++];
        node->id = o->os_index;
        node->bytes = o->attr->numanode.local_memory;
        (void)hwloc_bitmap_list_snprintf(node->cpus, sizeof node->cpus, o->cpuset);
    }
}

/* Nodes and cores of the machine; caches of the processors this process is bound to. */
static bool read_hwloc(struct assay_topology *out)
{
    hwloc_topology_t t;
    memset(out, 0, sizeof *out);
    out->source = "hwloc";
    if (hwloc_topology_init(&t) != 0)
        return false;
    (void)hwloc_topology_set_all_types_filter(t, HWLOC_TYPE_FILTER_KEEP_ALL);
    (void)hwloc_topology_set_io_types_filter(t, HWLOC_TYPE_FILTER_KEEP_NONE);
    if (hwloc_topology_load(t) != 0) {
        hwloc_topology_destroy(t);
        return false;
    }
    int cores = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_CORE), threads = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU);
    out->cores = cores > 0 ? (unsigned)cores : 0;
    out->threads = threads > 0 ? (unsigned)threads : 0;
    hwloc_nodes(t, out);
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    if (bound && hwloc_get_cpubind(t, bound, HWLOC_CPUBIND_THREAD) == 0)
        (void)hwloc_topology_restrict(t, bound, 0);
    hwloc_bitmap_free(bound);
    hwloc_caches(t, out);
    hwloc_topology_destroy(t);
    return out->last_level != 0;
}
#else
static bool read_hwloc(struct assay_topology *out)
{
    (void)out;
    return false;
}
#endif

void assay_topology_read(struct assay_topology *out)
{
    if (!read_hwloc(out))
        assay_topology_read_sysfs("/sys", out);
}
