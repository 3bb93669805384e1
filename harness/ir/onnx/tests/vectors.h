/* The third-party vectors of Debian's libonnx-testdata, as tests walk them. */
#ifndef ASSAY_IR_ONNX_TESTS_VECTORS_H
#define ASSAY_IR_ONNX_TESTS_VECTORS_H

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"

#define VECTORS "/usr/share/libonnx-testdata/data"
#define VECTORS_FILE_BYTES_MOST ((size_t)64 << 20)

static const char *vectors_suffix;
static void (*vectors_see)(const char *path, const void *bytes, size_t length);

static int vectors_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    struct assay_error err;
    size_t             length, n = strlen(path), m = strlen(vectors_suffix);
    char              *bytes;
    (void)st, (void)ftw;
    if (type != FTW_F || n < m || strcmp(path + n - m, vectors_suffix) != 0)
        return 0;
    cr_assert_eq(assay_file_read(path, VECTORS_FILE_BYTES_MOST, &bytes, &length, &err), ASSAY_OK, "%s", err.message);
    vectors_see(path, bytes, length);
    free(bytes);
    return 0;
}

/* Calls `see` for every file whose name ends so. Skips the test where the package is not installed. */
static void vectors_each(const char *suffix, void (*see)(const char *path, const void *bytes, size_t length))
{
    if (access(VECTORS, R_OK) != 0)
        cr_skip_test("no third-party vectors: %s is not there (Debian's libonnx-testdata)", VECTORS);
    vectors_suffix = suffix;
    vectors_see = see;
    cr_assert_eq(nftw(VECTORS, vectors_one, 16, FTW_PHYS), 0);
}

#endif
