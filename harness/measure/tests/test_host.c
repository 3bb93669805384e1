#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "harness/measure/host.h"

/* Every leaf is a value, or null with a reason. */
static void every_absence_has_a_reason(const json_t *value, const char *path)
{
    const char *key;
    json_t     *member;
    size_t      i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, member)
        {
            if (json_is_null(member))
                cr_expect(json_string_length(json_object_get(value, "why")) > 0, "%s.%s is null without a reason", path, key);
            else
                every_absence_has_a_reason(member, key);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member) every_absence_has_a_reason(member, path);
    } else {
        cr_expect(!json_is_null(value), "%s is null", path);
    }
}

Test(host, describes_this_machine_and_gives_a_reason_for_what_it_cannot_read)
{
    static const char *const wanted[] = {"hostname", "board", "firmware", "cpu", "numa", "memory_bytes", "kernel",
                                         "governor", "turbo", "virtualization", "libc", "mitigations"};
    json_t *host = assay_host_describe();
    cr_assert(json_is_object(host));
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        cr_expect(json_object_get(host, wanted[i]) != NULL, "no %s", wanted[i]);
    every_absence_has_a_reason(host, "host");
    cr_expect_eq(json_integer_value(json_object_get(host, "memory_bytes")), (json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    char name[256] = "";
    (void)gethostname(name, sizeof name - 1);
    cr_expect_str_eq(json_string_value(json_object_get(host, "hostname")), name);
    json_decref(host);
}

Test(host, lists_each_mapped_library_once_with_its_hash)
{
    json_t *list = assay_host_libraries();
    bool    libc = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *library = json_array_get(list, i);
        const char   *path = json_string_value(json_object_get(library, "path"));
        libc = libc || strstr(path, "libc.so") != NULL;
        cr_expect_eq(json_string_length(json_object_get(library, "sha256")), 64, "%s", path);
        if (i)
            cr_expect(strcmp(json_string_value(json_object_get(json_array_get(list, i - 1), "path")), path) < 0, "%s", path);
    }
    cr_expect(libc);
    json_decref(list);
}
