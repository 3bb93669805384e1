#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/measure/host.h"
#include "harness/measure/topology.h"

static char root[] = "/tmp/assay-host-XXXXXX";

static void make_root(void)
{
    cr_assert(mkdtemp(root));
}

static void remove_root(void)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", root);
    cr_expect_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    char               path[512], folder[512];
    struct assay_error err;
    (void)snprintf(path, sizeof path, "%s%s", root, name);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    cr_assert_eq(assay_folder_make(folder, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK, "%s", err.message);
}

/* The member at "a/b", which is there in any case. */
static json_t *at(json_t *object, const char *path)
{
    char  copy[128], *rest = copy, *key;
    (void)snprintf(copy, sizeof copy, "%s", path);
    while ((key = strsep(&rest, "/")) != NULL) {
        object = json_object_get(object, key);
        cr_assert_not_null(object, "%s is missing", path);
    }
    return object;
}

static const char *why_not(json_t *object, const char *path)
{
    json_t *x = at(object, path);
    cr_assert(json_is_object(x) && json_is_null(json_object_get(x, "value")), "%s has a value", path);
    return json_string_value(json_object_get(x, "why"));
}

static const char *const leaves[] = {"hostname", "board/vendor", "board/product", "board/serial", "firmware/vendor",
                                     "firmware/version", "firmware/date", "cpu/product", "cpu/microcode", "cpu/cores",
                                     "cpu/threads", "cpu/caches/l1d_bytes", "cpu/isa", "numa", "memory_bytes", "kernel",
                                     "governor", "turbo", "virtualization", "libc", "mitigations"};

Test(host, this_machine_is_described_by_values_and_reasons)
{
    json_t *h = assay_host_describe();
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        json_t *x = at(h, leaves[i]);
        if (json_is_object(x) && json_object_get(x, "why"))
            cr_expect(*why_not(h, leaves[i]), "%s", leaves[i]);
        else
            cr_expect_not(json_is_null(x), "%s", leaves[i]);
    }
    char name[256] = "";
    (void)gethostname(name, sizeof name - 1);
    cr_expect_str_eq((char *)json_string_value(at(h, "hostname")), name);
    cr_expect_gt(json_integer_value(at(h, "memory_bytes")), 1 << 24);
    cr_expect(!strncmp(json_string_value(at(h, "kernel")), "Linux ", 6));
    json_decref(h);
}

Test(host, a_built_machine_is_read_word_for_word, .init = make_root, .fini = remove_root)
{
    unsigned cpus[1024], n = assay_allowed_cpus(cpus, 1024);
    put("/sys/class/dmi/id/board_vendor", "Ma\xffker <b>\n");
    put("/sys/class/dmi/id/board_name", "  Board 7  \n");
    put("/sys/class/dmi/id/bios_version", "\n");
    put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast Thing 9000\nmodel\t\t: 17\nmicrocode\t: 0xa101148\n"
                         "flags\t\t: fpu sse4_2 avx2 fma pse smep avx512f\n");
    for (unsigned i = 0; i < n && i < 1024; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpus[i]);
        put(path, "performance\n");
    }
    put("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    put("/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n");
    put("/sys/hypervisor/type", "xen\n");
    put("/sys/devices/system/node/node3/cpulist", "0-7\n");
    json_t *h = assay_host_describe_under(root);
    cr_expect_str_eq((char *)json_string_value(at(h, "board/product")), "Board 7");
    cr_expect(strstr(json_string_value(at(h, "board/vendor")), "ker <b>"), "bytes that are no UTF-8 do not lose the rest");
    cr_expect(strstr(why_not(h, "board/serial"), "board_serial: No such file"));
    cr_expect(strstr(why_not(h, "firmware/version"), "empty"));
    cr_expect_str_eq((char *)json_string_value(at(h, "cpu/product")), "Fast Thing 9000");
    cr_expect_str_eq((char *)json_string_value(at(h, "cpu/microcode")), "0xa101148");
    char *isa = json_dumps(at(h, "cpu/isa"), JSON_COMPACT);
    cr_expect_str_eq(isa, "[\"sse4_2\",\"avx2\",\"fma\",\"avx512f\"]");
    free(isa);
    cr_expect_str_eq((char *)json_string_value(at(h, "governor")), "performance");
    cr_expect(json_is_false(at(h, "turbo")));
    cr_expect_str_eq((char *)json_string_value(at(h, "mitigations/meltdown")), "Mitigation: PTI");
    cr_expect_str_eq((char *)json_string_value(at(h, "virtualization")), "xen");
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(at(h, "numa"), 0), "id")), 3);
    json_decref(h);
}

Test(host, an_empty_machine_is_all_reasons, .init = make_root, .fini = remove_root)
{
    static const char *const unknown[] = {"board/vendor", "board/serial", "firmware/date", "cpu/product", "cpu/microcode",
                                          "cpu/cores", "cpu/caches/l1d_bytes", "cpu/isa", "numa", "governor", "turbo",
                                          "mitigations"};
    json_t *h = assay_host_describe_under(root);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cr_expect(*why_not(h, unknown[i]), "%s", unknown[i]);
    json_decref(h);
}

Test(host, a_file_that_may_not_be_read_says_so, .init = make_root, .fini = remove_root)
{
    char path[256];
    if (geteuid() == 0 && (setegid(65534) != 0 || chown(root, 65534, 65534) != 0 || seteuid(65534) != 0))
        cr_skip_test("root may read everything and cannot be put off here");
    put("/sys/class/dmi/id/board_serial", "secret\n");
    (void)snprintf(path, sizeof path, "%s/sys/class/dmi/id/board_serial", root);
    cr_assert_eq(chmod(path, 0), 0);
    json_t *h = assay_host_describe_under(root);
    cr_expect(strstr(why_not(h, "board/serial"), "Permission denied"), "%s", why_not(h, "board/serial"));
    json_decref(h);
    if (geteuid() != getuid())
        cr_expect_eq(seteuid(getuid()), 0);
}

Test(host, libraries_come_sorted_each_once_with_the_hash_of_their_bytes)
{
    json_t *list = assay_host_libraries(), *x;
    size_t  i, programs = 0, libc = 0;
    char    self[512] = "", before[512] = "";
    (void)readlink("/proc/self/exe", self, sizeof self - 1);
    json_array_foreach(list, i, x)
    {
        const char *path = json_string_value(json_object_get(x, "path"));
        const char *soname = json_string_value(json_object_get(x, "soname"));
        const char *hash = json_string_value(json_object_get(x, "sha256"));
        cr_assert_not_null(path);
        cr_expect(strcmp(before, path) < 0, "%s after %s", path, before);
        (void)snprintf(before, sizeof before, "%s", path);
        programs += !strcmp(path, self);
        if (!soname || strcmp(soname, "libc.so.6") != 0)
            continue;
        libc++;
        char command[700], hex[65] = "";
        (void)snprintf(command, sizeof command, "sha256sum '%s'", path);
        FILE *f = popen(command, "r");
        cr_assert(f && fgets(hex, sizeof hex, f));
        (void)pclose(f);
        cr_expect_str_eq((char *)hash, hex);
    }
    cr_expect_eq(programs, 1, "the program itself");
    cr_expect_eq(libc, 1);
    json_decref(list);
}
