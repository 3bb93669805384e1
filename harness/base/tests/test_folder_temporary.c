#include "harness/base/folder_temporary.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(folder_temporary, is_private_below_tmpdir_and_gone_with_all_in_it_but_not_what_links_lead_to)
{
    struct assay_error err = {0};
    struct stat        st;
    char               outer[64] = "/tmp/assay-test-XXXXXX", folder[1024], path[1200], kept[100];
    cr_assert(mkdtemp(outer));
    (void)snprintf(kept, sizeof kept, "%s/kept", outer);
    fclose(fopen(kept, "w"));
    (void)setenv("TMPDIR", outer, 1);
    cr_assert_eq(assay_folder_temporary("x", folder, sizeof folder, &err), ASSAY_OK, "%s", err.message);
    cr_expect(!strncmp(folder, outer, strlen(outer)) && !stat(folder, &st) && (st.st_mode & 0777) == 0700);
    (void)snprintf(path, sizeof path, "%s/d", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/d/link", folder);
    cr_assert_eq(symlink(kept, path), 0);
    (void)snprintf(path, sizeof path, "%s/up", folder);
    cr_assert_eq(symlink("..", path), 0);
    assay_folder_remove(folder);
    cr_expect(stat(folder, &st) != 0 && !stat(kept, &st));
    assay_folder_remove(NULL);
    assay_folder_remove("");
    assay_folder_remove(outer);
}

Test(folder_temporary, that_cannot_be_made_is_told_with_the_place)
{
    struct assay_error err = {0};
    char               folder[1024];
    (void)setenv("TMPDIR", "/no/such", 1);
    cr_expect_eq(assay_folder_temporary("x", folder, sizeof folder, &err), ASSAY_IO);
    cr_expect(strstr(err.message, "/no/such/assay-x-") && strstr(err.hint, "TMPDIR") && !*folder, "%s", err.message);
}
