/* A machine whose /proc and /sys say anything: it is described all the same, each absence with its reason. Parts: one a
 * file, in the order of the table. */
#include "harness/measure/host.h"

#include "harness/base/json.h"
#include "harness/base/tests/fuzz.h"
#include "harness/measure/power_rapl.h"
#include "harness/measure/topology.h"

#include "assay/banned.h"

#define CPU "sys/devices/system/cpu/"
static const char *const files[] = {
    "proc/cpuinfo", CPU "cpu0/cache/index0/level", CPU "cpu0/cache/index0/type", CPU "cpu0/cache/index0/size",
    CPU "cpu0/cache/index0/shared_cpu_list", CPU "cpu0/topology/thread_siblings_list", CPU "cpu1/topology/thread_siblings_list",
    "sys/devices/system/node/node0/cpulist", "sys/devices/system/node/node0/meminfo", CPU "cpu0/cpufreq/scaling_governor",
    CPU "cpu1/cpufreq/scaling_governor", CPU "intel_pstate/no_turbo", "sys/hypervisor/type", CPU "vulnerabilities/meltdown",
    "sys/class/dmi/id/board_name", "powercap/intel-rapl:0/name", "powercap/intel-rapl:0/energy_uj",
    "powercap/intel-rapl:0/max_energy_range_uj",
};
#define N_FILES (sizeof files / sizeof *files)

static void check_rapl(void)
{
    static struct assay_rapl r;
    char                     path[300], why[128] = "";
    (void)snprintf(path, sizeof path, "%s/powercap", fuzz_folder());
    if (!assay_rapl_open(&r, path, why, sizeof why)) {
        FUZZ_HOLDS(*why);
        return;
    }
    if (assay_rapl_start(&r) && assay_rapl_stop(&r, 1000))
        FUZZ_HOLDS(r.joules >= 0);
    assay_rapl_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool built;
    for (size_t i = 0; !built && i < N_FILES; i++)
        fuzz_folder_link(files[i], (unsigned)i);
    built = true;
    for (size_t i = 0; i < N_FILES; i++) {
        size_t         n;
        const uint8_t *part = fuzz_part(&data, &bytes, &n);
        (void)fuzz_file((unsigned)i, part, n);
    }
    json_t *host = assay_host_describe_under(fuzz_folder());
    char   *line = assay_json_line(host);
    FUZZ_HOLDS(line);
    static const char *const keys[] = {"cpu", "numa", "governor", "turbo", "board", "firmware", "mitigations", "kernel"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        FUZZ_HOLDS(json_object_get(host, keys[i]));
    free(line);
    json_decref(host);
    check_rapl();
    return 0;
}
