#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/run/loader.h"

#include "assay/banned.h"

Test(find, a_name_is_taken_apart)
{
    static const struct {
        const char *text, *name, *device, *options;
    } cases[] = {
        {"cpu", "cpu", "", ""},
        {"cpu:host", "cpu", "host", ""},
        {"cpu,threads=2", "cpu", "", "threads=2"},
        {"cpu:host,threads=2,pin=true", "cpu", "host", "threads=2,pin=true"},
        {"x:\"a,b:c\\\"d\",k=\"1,2\"", "x", "a,b:c\"d", "k=\"1,2\""},
        {"./build/assay-x.so:d,k=v", "./build/assay-x.so", "d", "k=v"},
        {"cpu,", "cpu", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_backend_name name;
        struct assay_error err = {0};
        cr_expect_eq(assay_backend_name_parse(cases[i].text, &name, &err), ASSAY_OK, "%s: %s", cases[i].text,
                     err.message);
        cr_expect_str_eq(name.name, cases[i].name);
        cr_expect_str_eq(name.device, cases[i].device);
        cr_expect_str_eq(name.options, cases[i].options);
    }
}

Test(find, a_hostile_name_is_refused_in_one_line)
{
    static const char *const cases[] = {"",
                                        ":host",
                                        ",a=b",
                                        "CPU",
                                        "c pu",
                                        "cpu\033[2J",
                                        "cpu\n",
                                        "cpu:",
                                        "cpu:a:b",
                                        "cpu:\"open",
                                        "cpu:\"a\"b",
                                        "cpu:\"\\u0000\"",
                                        "cpu:\"\\q\"",
                                        "cpu:\"\\",
                                        "cpu:\"\"",
                                        "cpu:\"a\\nb\"",
                                        "%s%n"};
    struct assay_backend_name name;
    struct assay_error err;
    char text[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(&err, 0, sizeof err);
        cr_expect_eq(assay_backend_name_parse(cases[i], &name, &err), ASSAY_CONFIG, "'%s'", cases[i]);
        cr_expect(err.message[0] && !strchr(err.message, '\n'));
    }
    for (size_t length = 60; length < sizeof text; length *= 4) {
        memset(text, 'a', length);
        text[length] = 0;
        text[1] = ':';
        cr_expect_eq(assay_backend_name_parse(text, &name, &err), length < 256 ? ASSAY_OK : ASSAY_CONFIG, "%zu",
                     length);
        text[1] = ',';
        cr_expect_eq(assay_backend_name_parse(text, &name, &err), length < 512 ? ASSAY_OK : ASSAY_CONFIG, "%zu",
                     length);
        text[1] = 'a';
        cr_expect_eq(assay_backend_name_parse(text, &name, &err), length < 64 ? ASSAY_OK : ASSAY_CONFIG, "%zu", length);
    }
}

static void touch(const char *folder, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert(file);
    (void)fclose(file);
}

static void clear(const char *folder)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

static void collect(void *self, const char *name, const char *path)
{
    struct assay_text *text = self;
    const char *parent = strrchr(path, '/') - 1;
    if (!strncmp(path, "/tmp/assay-find-", 16))
        assay_text_add(text, "%s:%c ", name, *parent);
}

/* Two folders "…/1" and "…/2", the first before the second. */
Test(find, the_first_of_equal_names_counts_and_other_files_do_not)
{
    char root[] = "/tmp/assay-find-XXXXXX", a[64], b[64], path[300], listed[200];
    struct assay_text text = ASSAY_TEXT(listed);
    struct assay_error err = {0};
    cr_assert(mkdtemp(root));
    (void)snprintf(a, sizeof a, "%s/1", root);
    (void)snprintf(b, sizeof b, "%s/2", root);
    cr_assert(!mkdir(a, 0700) && !mkdir(b, 0700));
    touch(b, "assay-zebra.so");
    touch(b, "assay-lynx.so");
    touch(a, "assay-lynx.so");
    touch(a, "assay-.so");
    touch(a, "assay-Upper.so");
    touch(a, "assay-x y.so");
    touch(a, "lynx.so");
    touch(a, "assay-lynx.so.1");
    (void)snprintf(path, sizeof path, "%s::/nowhere/at/all:%s", a, b);
    (void)setenv("ASSAY_BACKEND_PATH", path, 1);
    cr_expect_eq(assay_backend_list(collect, &text, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(listed, "lynx:1 zebra:2 ");
    cr_expect_eq(assay_backend_find("lynx", path, sizeof path, &err), ASSAY_OK);
    cr_expect(!strncmp(path, a, strlen(a)), "%s", path);
    cr_expect_eq(assay_backend_find("zebar", path, sizeof path, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "there is no back end 'zebar'");
    cr_expect_str_eq(err.hint, "did you mean 'zebra'?");
    cr_expect_eq(assay_backend_find("zebra", path, 8, &err), ASSAY_CONFIG, "a path is not cut");
    clear(root);
}

Test(find, a_search_path_without_bounds_is_refused)
{
    struct assay_error err = {0};
    char path[8192];
    memset(path, 'x', 600);
    path[600] = 0;
    (void)setenv("ASSAY_BACKEND_PATH", path, 1);
    cr_expect_eq(assay_backend_find("cpu", path, sizeof path, &err), ASSAY_CONFIG);
    for (size_t i = 0; i < 4000; i++)
        path[i] = i % 2 ? ':' : 'd';
    path[4000] = 0;
    (void)setenv("ASSAY_BACKEND_PATH", path, 1);
    cr_expect_eq(assay_backend_find("cpu", path, sizeof path, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "ASSAY_BACKEND_PATH"), "%s", err.message);
}
