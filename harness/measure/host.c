#include "harness/measure/host.h"

#include <dirent.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/parallel.h"
#include "harness/base/strings.h"
#include "harness/measure/ceiling.h"

#include "assay/banned.h"

ASSAY_PRINTF(1, 2)
static json_t *absent(const char *fmt, ...)
{
    char    why[160];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return json_pack("{s:n, s:o}", "value", "why", assay_json_string(why));
}

static json_t *text_or(const char *text, const char *why)
{
    return *text ? assay_json_string(text) : absent("%s", why);
}

/* The first line of a small file of the kernel's, blanks at its end cut off; false: errno says why. */
static bool first_line(const char *path, char *out, size_t capacity)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool got = fgets(out, (int)capacity, f) != NULL;
    if (!got)
        out[0] = 0;
    (void)fclose(f);
    for (size_t n = strlen(out); n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '); n--)
        out[n - 1] = 0;
    return true;
}

static json_t *from_file(const char *path)
{
    char line[256];
    errno = 0;
    if (!first_line(path, line, sizeof line))
        return absent("%s: %s", path, errno ? strerror(errno) : "cannot be read");
    return *line ? assay_json_string(line) : absent("%s is empty", path);
}

static json_t *dmi(const char *name)
{
    char              path[96];
    struct assay_text text = ASSAY_TEXT(path);
    assay_text_add(&text, "/sys/class/dmi/id/%s", name);
    return from_file(path);
}

/* The value of a key in /proc/cpuinfo, of the first processor that has it. */
static void cpuinfo(const char *key, char *out, size_t capacity)
{
    char  *line = NULL;
    size_t room = 0, length = strlen(key);
    FILE  *f = fopen("/proc/cpuinfo", "re");
    out[0] = 0;
    while (f && getline(&line, &room, f) > 0) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, length) || (line[length] != '\t' && line[length] != ' ' && line[length] != ':'))
            continue;
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        (void)assay_string_copy(out, capacity, value);
        out[strcspn(out, "\n")] = 0;
        break;
    }
    free(line);
    if (f)
        (void)fclose(f);
}

static json_t *caches(void)
{
    uint64_t level[3], shared;
    json_t  *list = json_array();
    assay_ceiling_cache_bytes(level, &shared);
    for (int i = 0; i < 3; i++)
        json_array_append_new(list, level[i] ? assay_json_u64(level[i]) : absent("level %d: the system does not tell", i + 1));
    return list;
}

static json_t *cpu(void)
{
    char product[128], microcode[64], model[64], family[64], flags[4096];
    cpuinfo("model name", product, sizeof product);
    cpuinfo("microcode", microcode, sizeof microcode);
    cpuinfo("model", model, sizeof model);
    cpuinfo("cpu family", family, sizeof family);
    cpuinfo("flags", flags, sizeof flags);
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o}", "product", text_or(product, "/proc/cpuinfo has no model name"),
                     "family", text_or(family, "/proc/cpuinfo has none"), "model", text_or(model, "/proc/cpuinfo has none"),
                     "microcode", text_or(microcode, "/proc/cpuinfo has none"), "allowed_cores", (int)assay_parallel_threads(),
                     "online_threads", (int)sysconf(_SC_NPROCESSORS_ONLN), "caches_bytes", caches(), "isa",
                     text_or(flags, "/proc/cpuinfo has no flags"));
}

static json_t *virtualization(void)
{
    char hypervisor[128], flags[4096];
    if (first_line("/sys/hypervisor/type", hypervisor, sizeof hypervisor) && *hypervisor)
        return assay_json_string(hypervisor);
    cpuinfo("flags", flags, sizeof flags);
    if (strstr(flags, "hypervisor"))
        return assay_json_string("a guest: the processor says that there is a hypervisor");
    return *flags ? assay_json_string("none that the processor tells of") : absent("neither hypervisor nor processor flags can be read");
}

static json_t *turbo(void)
{
    char line[32];
    if (first_line("/sys/devices/system/cpu/intel_pstate/no_turbo", line, sizeof line))
        return assay_json_string(strcmp(line, "0") ? "off" : "on");
    if (first_line("/sys/devices/system/cpu/cpufreq/boost", line, sizeof line))
        return assay_json_string(strcmp(line, "0") ? "on" : "off");
    return absent("neither intel_pstate nor cpufreq tells");
}

static int vulnerability(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static json_t *mitigations(void)
{
    static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
    struct dirent   **entry = NULL;
    int               n = scandir(folder, &entry, vulnerability, alphasort);
    if (n < 0)
        return absent("%s: %s", folder, strerror(errno));
    json_t *object = json_object();
    for (int i = 0; i < n; i++) {
        char              path[512];
        struct assay_text text = ASSAY_TEXT(path);
        assay_text_add(&text, "%s/%s", folder, entry[i]->d_name);
        json_object_set_new(object, entry[i]->d_name, from_file(path));
        free(entry[i]);
    }
    free(entry);
    return object;
}

static json_t *numa(void)
{
    json_t *list = json_array();
    for (int node = 0; node < 1024; node++) {
        char              path[96], line[256];
        struct assay_text text = ASSAY_TEXT(path);
        assay_text_add(&text, "/sys/devices/system/node/node%d/cpulist", node);
        if (!first_line(path, line, sizeof line))
            break;
        json_array_append_new(list, assay_json_string(line));
    }
    if (json_array_size(list))
        return list;
    json_decref(list);
    return absent("the kernel lists no node");
}

json_t *assay_host_describe(void)
{
    struct utsname system = {0};
    char           hostname[256] = "", kernel[600], libc[64];
    (void)uname(&system);
    (void)gethostname(hostname, sizeof hostname - 1);
    (void)snprintf(kernel, sizeof kernel, "%s %s %s %s", system.sysname, system.release, system.version, system.machine);
    (void)snprintf(libc, sizeof libc, "glibc %s", gnu_get_libc_version());
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    json_t *board = json_pack("{s:o, s:o, s:o, s:o}", "vendor", dmi("sys_vendor"), "product", dmi("product_name"), "serial",
                              dmi("product_serial"), "board_serial", dmi("board_serial"));
    json_t *firmware = json_pack("{s:o, s:o, s:o}", "vendor", dmi("bios_vendor"), "version", dmi("bios_version"), "date",
                                 dmi("bios_date"));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "hostname",
                     text_or(hostname, "gethostname gives none"), "board", board, "firmware", firmware, "cpu", cpu(), "numa", numa(),
                     "memory_bytes", pages > 0 && page > 0 ? assay_json_u64((uint64_t)pages * (uint64_t)page) : absent("sysconf does not tell"),
                     "kernel", assay_json_string(kernel), "governor",
                     from_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), "turbo", turbo(), "virtualization",
                     virtualization(), "libc", assay_json_string(libc), "mitigations", mitigations());
}
