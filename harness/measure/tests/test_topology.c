#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/error.h"
#include "harness/base/file.h"
#include "harness/measure/topology.h"

static void put(const char *root, const char *name, const char *text)
{
    char               path[512], folder[512];
    struct assay_error err;
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    cr_assert_eq(assay_folder_make(folder, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK, "%s", err.message);
}

static void put_cache(const char *root, unsigned cpu, unsigned index, const char *level, const char *type,
                      const char *size, const char *shared)
{
    const char *name[] = {"level", "type", "size", "shared_cpu_list"}, *text[] = {level, type, size, shared};
    for (int i = 0; i < 4; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "devices/system/cpu/cpu%u/cache/index%u/%s", cpu, index, name[i]);
        put(root, path, text[i]);
    }
}

Test(topology, sysfs_gives_caches_nodes_and_cores)
{
    char root[] = "/tmp/assay-topology-XXXXXX", command[64];
    cr_assert(mkdtemp(root));
    /* The tree describes every core this process may use as a pair with its neighbour, plus caches of code. */
    unsigned cpus[1024], n = assay_allowed_cpus(cpus, 1024);
    cr_assert(n >= 1 && n <= 1024);
    for (unsigned i = 0; i < n; i++) {
        char own[32], group[32], path[128];
        (void)snprintf(own, sizeof own, "%u\n", cpus[i]);
        (void)snprintf(group, sizeof group, "%u-%u\n", cpus[0], cpus[n - 1]);
        put_cache(root, cpus[i], 0, "1\n", "Data\n", "48K\n", own);
        put_cache(root, cpus[i], 1, "1\n", "Instruction\n", "32K\n", own);
        put_cache(root, cpus[i], 2, "2\n", "Unified\n", "2048K\n", own);
        put_cache(root, cpus[i], 3, "3\n", "Unified\n", "96M\n", group);
        (void)snprintf(path, sizeof path, "devices/system/cpu/cpu%u/topology/thread_siblings_list", cpus[i]);
        put(root, path, own);
    }
    put(root, "devices/system/node/node0/cpulist", "0-3\n");
    put(root, "devices/system/node/node0/meminfo", "Node 0 MemTotal:       1048576 kB\nNode 0 MemFree: 7 kB\n");
    put(root, "devices/system/node/node2/cpulist", "4-7\n");

    struct assay_topology t;
    assay_topology_read_sysfs(root, &t);
    cr_expect_eq(t.cache_bytes[0], 48u << 10, "instruction caches are not data");
    cr_expect_eq(t.cache_bytes[1], 2u << 20);
    cr_expect_eq(t.cache_bytes[2], 96u << 20);
    cr_expect_eq(t.last_level, 3);
    cr_expect_eq(t.last_shared_bytes, 96u << 20, "a shared cache counts once");
    cr_expect_eq(t.n_nodes, 2);
    cr_expect(t.node[0].bytes == 1u << 30 && t.node[1].bytes == 0 && t.node[1].id == 2);
    cr_expect_str_eq(t.node[1].cpus, "4-7");
    cr_expect_str_eq(t.source, "sysfs");
    (void)snprintf(command, sizeof command, "rm -r %s", root);
    cr_expect_eq(system(command), 0);
}

Test(topology, an_empty_or_broken_tree_gives_zeroes)
{
    struct assay_topology t;
    assay_topology_read_sysfs("/nonexistent", &t);
    cr_expect(!t.cache_bytes[0] && !t.last_shared_bytes && !t.last_level && !t.n_nodes && !t.cores && !t.threads);

    char root[] = "/tmp/assay-topology-XXXXXX", command[64];
    cr_assert(mkdtemp(root));
    unsigned cpus[1], n = assay_allowed_cpus(cpus, 1);
    cr_assert(n >= 1);
    put_cache(root, cpus[0], 0, "99999999999999999999\n", "Data\n", "99999999999999999999G\n", "5-99999999999,x,,\n");
    put_cache(root, cpus[0], 1, "two\n", "\n", "-1K\n", "\n");
    assay_topology_read_sysfs(root, &t);
    cr_expect(!t.cache_bytes[0] && !t.last_shared_bytes && !t.last_level);
    (void)snprintf(command, sizeof command, "rm -r %s", root);
    cr_expect_eq(system(command), 0);
}

Test(topology, both_readers_agree_on_this_machine)
{
    struct assay_topology a, b;
    assay_topology_read(&a);
    assay_topology_read_sysfs("/sys", &b);
    if (!b.last_level || strcmp(a.source, "hwloc") != 0)
        cr_skip_test("this machine shows its caches to one reader only");
    for (int i = 0; i < 3; i++)
        cr_expect_eq(a.cache_bytes[i], b.cache_bytes[i], "level %d", i + 1);
    cr_expect_eq(a.last_shared_bytes, b.last_shared_bytes);
}
