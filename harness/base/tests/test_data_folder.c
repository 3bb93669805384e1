#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"

Test(data_folder, is_what_the_environment_says_or_near_the_program)
{
    char               path[400];
    struct assay_error err = {0};
    cr_assert_eq(setenv("ASSAY_DATA", "/some/where", 1), 0);
    cr_expect_eq(assay_data_folder("suites", path, sizeof path, &err), ASSAY_OK);
    cr_expect_str_eq(path, "/some/where/suites");
    cr_assert_eq(unsetenv("ASSAY_DATA"), 0);
    enum assay_code code = assay_data_folder("suites", path, sizeof path, &err);
    cr_expect(code == ASSAY_OK || strstr(err.hint, "ASSAY_DATA"), "%s", err.message);
}

/* A data folder with these files, as ASSAY_DATA. */
static void make_folder(const char *const *files)
{
    char               root[] = "/tmp/assay-data-XXXXXX", path[200];
    struct assay_error err = {0};
    cr_assert(mkdtemp(root));
    (void)snprintf(path, sizeof path, "%s/things", root);
    cr_assert_eq(mkdir(path, 0700), 0);
    for (; *files; files++) {
        (void)snprintf(path, sizeof path, "%s/things/%s", root, *files);
        cr_assert_eq(assay_file_replace(path, "{}", 2, &err), ASSAY_OK, "%s", err.message);
    }
    cr_assert_eq(setenv("ASSAY_DATA", root, 1), 0);
}

Test(data_folder, lists_what_it_has_by_name)
{
    struct assay_data_names names;
    char                    path[700];
    struct assay_error      err = {0};
    make_folder((const char *const[]){"b-2.json", "a.json", "README.md", ".hidden.json", ".json", "c.json.bak", NULL});
    cr_assert_eq(assay_data_names_read("things", &names, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(names.n, 2);
    cr_expect_str_eq(names.name[0], "a");
    cr_expect_str_eq(names.name[1], "b-2");
    cr_assert_eq(assay_data_names_path(&names, 1, path, sizeof path, &err), ASSAY_OK);
    cr_expect_str_eq(path + strlen(path) - strlen("/things/b-2.json"), "/things/b-2.json");
    cr_expect_eq(assay_data_names_path(&names, 1, path, 20, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_data_names_unknown(&names, "thing", "b-3", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "there is no thing 'b-3'");
    cr_expect_str_eq(err.hint, "did you mean 'b-2'?");
    cr_expect_eq(assay_data_names_unknown(&names, "thing", "something else", &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "there are: a, b-2");
    assay_data_names_release(&names);
    cr_expect_eq(assay_data_names_read("others", &names, &err), ASSAY_IO);
}

Test(data_folder, a_path_is_no_name)
{
    cr_expect(assay_data_is_path("./x"));
    cr_expect(assay_data_is_path("mine.json"));
    cr_expect_not(assay_data_is_path("h100-sxm"));
    cr_expect_not(assay_data_is_path(".json"));
}
