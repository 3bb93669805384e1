#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"

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
