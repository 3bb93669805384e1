#include "harness/measure/host.h"

#include <dirent.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "assay/text.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/measure/topology.h"
#include "assay/banned.h"

#define PATH_CAPACITY 512
#define LINE_CAPACITY 8192 /* the flags of /proc/cpuinfo are one long line */

/* ---- values and their absence ---- */

ASSAY_PRINTF(1, 2)
static json_t *absent(const char *fmt, ...)
{
    char    why[PATH_CAPACITY + 128];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return json_pack("{s:n, s:o}", "value", "why", assay_json_string(why));
}

/* Never leaves a key out: what could not be made says so. */
static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value ? value : absent("no memory"));
}

static json_t *known_u64(uint64_t value, const char *why)
{
    return value ? assay_json_u64(value) : absent("%s", why);
}

static void path_under(char out[PATH_CAPACITY], const char *root, const char *path)
{
    (void)snprintf(out, PATH_CAPACITY, "%s%s", root, path);
}

/* First line, blanks cut off at both ends; false with errno (0: it is empty). */
static bool line_of(const char *path, char *out, int capacity)
{
    errno = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool got = fgets(out, capacity, f) != NULL;
    int  saved = got ? 0 : errno;
    (void)fclose(f);
    errno = saved;
    if (!got)
        return false;
    size_t begin = strspn(out, " \t"), end = strcspn(out, "\n");
    while (end > begin && (out[end - 1] == ' ' || out[end - 1] == '\t'))
        end--;
    memmove(out, out + begin, end - begin);
    out[end - begin] = 0;
    return end > begin;
}

/* The text of a one-line file, or why there is none. */
static json_t *text_of(const char *root, const char *path)
{
    char whole[PATH_CAPACITY], text[512];
    path_under(whole, root, path);
    if (line_of(whole, text, sizeof text))
        return assay_json_string(text);
    return absent("%s: %s", path, errno ? strerror(errno) : "empty");
}

struct named_file {
    const char *key, *path;
};

static json_t *texts_of(const char *root, const struct named_file *file, size_t n)
{
    json_t *out = json_object();
    for (size_t i = 0; i < n; i++)
        put(out, file[i].key, text_of(root, file[i].path));
    return out;
}

/* ---- processor ---- */

/* Value of the first "key : value" line of /proc/cpuinfo. */
static bool cpuinfo(const char *root, const char *key, char *out, int capacity)
{
    char   path[PATH_CAPACITY];
    size_t length = strlen(key);
    path_under(path, root, "/proc/cpuinfo");
    FILE *f = fopen(path, "re");
    bool  found = false;
    while (f && !found && fgets(out, capacity, f)) {
        const char *colon = strchr(out, ':');
        if (!colon || strncmp(out, key, length) != 0 || strspn(out + length, " \t") != (size_t)(colon - out) - length)
            continue;
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        memmove(out, value, strlen(value) + 1);
        out[strcspn(out, "\n")] = 0;
        found = true;
    }
    if (f)
        (void)fclose(f);
    return found;
}

static json_t *cpuinfo_text(const char *root, const char *const *keys, const char *what)
{
    char line[LINE_CAPACITY];
    for (; *keys; keys++)
        if (cpuinfo(root, *keys, line, sizeof line) && *line)
            return assay_json_string(line);
    return absent("/proc/cpuinfo does not name %s", what);
}

/* Of the many flags those that say what arithmetic the core can do. */
static json_t *isa_of(const char *root)
{
    static const char *const stem[] = {"sse", "ssse", "avx", "fma", "f16c", "amx", "asimd", "sve", "sme", "fphp", "bf16",
                                       "i8mm", "vsx", "lsx", "lasx"};
    char  line[LINE_CAPACITY], *rest = line, *word;
    if (!cpuinfo(root, "flags", line, sizeof line) && !cpuinfo(root, "Features", line, sizeof line))
        return absent("/proc/cpuinfo has neither flags nor Features");
    json_t *out = json_array();
    while ((word = strsep(&rest, " ")) != NULL) {
        for (size_t i = 0; i < sizeof stem / sizeof *stem; i++) {
            if (strncmp(word, stem[i], strlen(stem[i])) != 0 || !strcmp(word, "smep"))
                continue; /* smep guards the kernel; it is no arithmetic */
            (void)json_array_append_new(out, assay_json_string(word));
            break;
        }
    }
    return out;
}

static json_t *caches_of(const struct assay_topology *t)
{
    static const char *const key[] = {"l1d_bytes", "l2_bytes", "l3_bytes"};
    json_t                  *out = json_object();
    for (int i = 0; i < 3; i++)
        put(out, key[i], known_u64(t->cache_bytes[i], "none, or not shown"));
    put(out, "last_level_of_all_bytes", known_u64(t->last_shared_bytes, "not shown"));
    put(out, "source", assay_json_string(t->source));
    return out;
}

static json_t *cpu_of(const char *root, const struct assay_topology *t)
{
    static const char *const product[] = {"model name", "Model Name", "cpu model", "CPU part", NULL};
    static const char *const microcode[] = {"microcode", NULL};
    unsigned                 first[1];
    json_t                  *out = json_object();
    put(out, "product", cpuinfo_text(root, product, "the processor"));
    put(out, "microcode", cpuinfo_text(root, microcode, "the microcode"));
    put(out, "cores", known_u64(t->cores, "not shown"));
    put(out, "threads", known_u64(t->threads, "not shown"));
    put(out, "threads_allowed", json_integer(assay_allowed_cpus(first, 1)));
    put(out, "caches", caches_of(t));
    put(out, "isa", isa_of(root));
    return out;
}

static json_t *numa_of(const struct assay_topology *t)
{
    if (!t->n_nodes)
        return absent("no memory node is shown");
    json_t *out = json_array();
    for (unsigned i = 0; i < t->n_nodes; i++) {
        json_t *node = json_object();
        put(node, "id", json_integer(t->node[i].id));
        put(node, "memory_bytes", known_u64(t->node[i].bytes, "none, or not shown"));
        put(node, "cpus", assay_json_string(t->node[i].cpus));
        (void)json_array_append_new(out, node);
    }
    return out;
}

/* ---- clocks ---- */

/* The governor of the allowed cores; if they differ, of the first two kinds. */
static json_t *governor_of(const char *root)
{
    unsigned *cpus = calloc(4096, sizeof *cpus), n = cpus ? assay_allowed_cpus(cpus, 4096) : 0;
    json_t   *out = NULL;
    char      first[64] = "", text[64], path[PATH_CAPACITY], name[96];
    for (unsigned i = 0; i < n && i < 4096 && !out; i++) {
        (void)snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpus[i]);
        path_under(path, root, name);
        if (!line_of(path, text, sizeof text))
            out = absent("%s: %s", name, errno ? strerror(errno) : "empty");
        else if (!*first)
            (void)assay_string_copy(first, sizeof first, text);
        else if (strcmp(first, text) != 0)
            out = json_sprintf("mixed: %s, %s", first, text);
    }
    free(cpus);
    return out ? out : assay_json_string(first);
}

static json_t *turbo_of(const char *root)
{
    static const struct {
        const char *path;
        char        on;
    } place[] = {{"/sys/devices/system/cpu/intel_pstate/no_turbo", '0'}, {"/sys/devices/system/cpu/cpufreq/boost", '1'}};
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        char path[PATH_CAPACITY], text[16];
        path_under(path, root, place[i].path);
        if (line_of(path, text, sizeof text))
            return json_boolean(text[0] == place[i].on);
    }
    return absent("neither intel_pstate/no_turbo nor cpufreq/boost is shown");
}

/* ---- machine ---- */

static json_t *virtualization_of(const char *root)
{
    char path[PATH_CAPACITY], text[64];
    path_under(path, root, "/sys/hypervisor/type");
    if (line_of(path, text, sizeof text))
        return assay_json_string(text);
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    char     maker[13] = "";
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return absent("the processor does not answer cpuid");
    if (!(c >> 31))
        return assay_json_string("none");
    __cpuid(0x40000000, a, b, c, d);
    memcpy(maker, &b, 4);
    memcpy(maker + 4, &c, 4);
    memcpy(maker + 8, &d, 4);
    return *maker ? assay_json_string(maker) : assay_json_string("a hypervisor without a name");
#else
    return absent("this architecture does not tell programs");
#endif
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static json_t *mitigations_of(const char *root)
{
    static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
    char              path[PATH_CAPACITY];
    struct dirent   **entry = NULL;
    path_under(path, root, folder);
    int n = scandir(path, &entry, not_hidden, alphasort);
    if (n <= 0) {
        int saved = errno;
        free(entry);
        return absent("%s: %s", folder, n < 0 ? strerror(saved) : "empty");
    }
    json_t *out = json_object();
    for (int i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        put(out, entry[i]->d_name, text_of(root, path));
        free(entry[i]);
    }
    free(entry);
    return out;
}

static json_t *memory_of(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return known_u64(pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0, "the system does not say");
}

json_t *assay_host_describe_under(const char *root)
{
    static const struct named_file board[] = {{"vendor", "/sys/class/dmi/id/board_vendor"},
                                              {"product", "/sys/class/dmi/id/board_name"},
                                              {"serial", "/sys/class/dmi/id/board_serial"}};
    static const struct named_file firmware[] = {{"vendor", "/sys/class/dmi/id/bios_vendor"},
                                                 {"version", "/sys/class/dmi/id/bios_version"},
                                                 {"date", "/sys/class/dmi/id/bios_date"}};
    struct assay_topology t;
    struct utsname        u;
    json_t               *out = json_object();
    bool                  named = uname(&u) == 0;
    if (*root) {
        char sys[PATH_CAPACITY];
        path_under(sys, root, "/sys");
        assay_topology_read_sysfs(sys, &t);
    } else {
        assay_topology_read(&t);
    }
    put(out, "hostname", named ? assay_json_string(u.nodename) : absent("uname failed"));
    put(out, "board", texts_of(root, board, 3));
    put(out, "firmware", texts_of(root, firmware, 3));
    put(out, "cpu", cpu_of(root, &t));
    put(out, "numa", numa_of(&t));
    put(out, "memory_bytes", memory_of());
    put(out, "kernel", named ? json_sprintf("%s %s %s %s", u.sysname, u.release, u.version, u.machine)
                             : absent("uname failed"));
    put(out, "governor", governor_of(root));
    put(out, "turbo", turbo_of(root));
    put(out, "virtualization", virtualization_of(root));
    put(out, "libc", json_sprintf("glibc %s", gnu_get_libc_version()));
    put(out, "mitigations", mitigations_of(root));
    return out;
}

json_t *assay_host_describe(void)
{
    return assay_host_describe_under("");
}
