#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/ir/onnx/external.h"

#include "assay/banned.h"

TestSuite(external, .timeout = 60);

static struct assay_error         err;
static struct assay_arena         arena;
static struct assay_onnx_external seen;
static char                       folder[] = "/tmp/assay-external-XXXXXX";

static void put(const char *name, const void *bytes, size_t n)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(assay_file_replace(path, bytes, n, &err), ASSAY_OK, "%s", err.message);
}

/* model/w.data, model/deep/w.data, outside.data, links to them */
static void setup(void)
{
    static const float numbers[] = {1, 2, 3, 4};
    static const char *const deep[] = {"model", "model/deep", NULL};
    char               path[200];
    cr_assert(mkdtemp(folder));
    for (size_t i = 0; deep[i]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, deep[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
    }
    put("model/w.data", numbers, sizeof numbers);
    put("model/deep/w.data", numbers, sizeof numbers);
    put("outside.data", numbers, sizeof numbers);
    (void)snprintf(path, sizeof path, "%s/model/link", folder);
    cr_assert_eq(symlink("../outside.data", path), 0);
    (void)snprintf(path, sizeof path, "%s/model/way", folder);
    cr_assert_eq(symlink("deep", path), 0);
    (void)snprintf(path, sizeof path, "%s/model/pipe", folder);
    cr_assert_eq(mkfifo(path, 0600), 0);
}

static void teardown(void)
{
    char command[200];
    assay_arena_clear(&arena);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", folder);
    cr_expect_eq(system(command), 0);
}

static struct assay_onnx_array got;

/* A tensor f32[2] of this file; NULL texts are absent. */
static enum assay_code read_tensor(const char *location, const char *offset, const char *length)
{
    static const int64_t    two[] = {2};
    struct assay_onnx_entry entry[3];
    char                    model[200];
    size_t                  n = 0;
    const struct {
        const char *key, *value;
    } given[] = {{"location", location}, {"offset", offset}, {"length", length}};
    for (size_t i = 0; i < 3; i++)
        if (given[i].value)
            entry[n++] = (struct assay_onnx_entry){0, given[i].key, given[i].value};
    const struct assay_onnx_tensor t = {.position = 5, .name = "w", .type = ASSAY_ONNX_FLOAT, .dims = two, .n_dims = 1,
                                        .external = entry, .n_external = n, .location = 1};
    (void)snprintf(model, sizeof model, "%s/model", folder);
    memset(&err, 0, sizeof err);
    return assay_onnx_external_array(&seen, &t, model, "m.onnx", &arena, &got, &err);
}

Test(external, reads_the_bytes_that_are_named, .init = setup, .fini = teardown)
{
    cr_assert_eq(read_tensor("w.data", "8", "8"), ASSAY_OK, "%s", err.message);
    cr_expect(got.bytes == 8 && ((const float *)got.data)[0] == 3 && ((const float *)got.data)[1] == 4);
    cr_assert_eq(read_tensor("w.data", NULL, NULL), ASSAY_OK, "%s", err.message);
    cr_expect_eq(((const float *)got.data)[0], 1);
    cr_assert_eq(read_tensor("deep/w.data", "4", NULL), ASSAY_OK, "%s", err.message);
    cr_expect_eq(((const float *)got.data)[0], 2);
}

Test(external, two_tensors_share_no_byte, .init = setup, .fini = teardown)
{
    cr_assert_eq(read_tensor("w.data", "4", "8"), ASSAY_OK);
    cr_expect_eq(read_tensor("w.data", "8", "8"), ASSAY_DATA);
    cr_expect_str_eq(err.message, "m.onnx: byte 5: tensor 'w' has its data in another file, where another tensor has its own");
    cr_expect_eq(read_tensor("w.data", "0", "8"), ASSAY_DATA);
    cr_expect_eq(read_tensor("deep/w.data", "8", "8"), ASSAY_OK, "another file");
}

static const struct {
    char location[24], offset[24], length[24], why[60];
} refusals[] = {
    {"/etc/passwd", "0", "8", "by a path that begins at the root"},
    {"../outside.data", "0", "8", "by a path with '', '.' or '..' in it"},
    {"deep/../../outside.data", "0", "8", "by a path with '', '.' or '..' in it"},
    {"./w.data", "0", "8", "by a path with '', '.' or '..' in it"},
    {"deep//w.data", "0", "8", "by a path with '', '.' or '..' in it"},
    {"link", "0", "8", "which is a link"},
    {"deep", "0", "8", "which is no plain file"},
    {"pipe", "0", "8", "which is no plain file"},
    {"w.data", "12", "8", "which ends before them"},
    {"w.data", "18446744073709551615", "8", "which ends before them"},
    {"w.data", "18446744073709551616", "8", "at a place that is no path and no number"},
    {"w.data", "-1", "8", "at a place that is no path and no number"},
    {"w.data", "0x0", "8", "at a place that is no path and no number"},
    {"w.data", "0", "9", "of another length than its type and shape have"},
    {"", "0", "8", "and does not say in which"},
    {"none", "0", "8", "No such file or directory"},
};

Test(external, refuses_what_leads_away_or_is_not_there, .init = setup, .fini = teardown)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char want[200];
        (void)snprintf(want, sizeof want, "m.onnx: byte 5: tensor 'w' has its data in another file, %s", refusals[i].why);
        cr_expect_neq(read_tensor(refusals[i].location, refusals[i].offset, refusals[i].length), ASSAY_OK, "row %zu", i);
        cr_expect_str_eq(err.message, want, "row %zu: %s", i, err.message);
    }
    cr_expect_neq(read_tensor("way/w.data", "0", "8"), ASSAY_OK, "a folder that is a link");
}
