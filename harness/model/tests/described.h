/* For tests of descriptions: files made for the moment. */
#ifndef MODEL_TESTS_DESCRIBED_H
#define MODEL_TESTS_DESCRIBED_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/tests/source.h"
#include "harness/model/device.h"

/* Writes text to a new file below /tmp; unlink it. */
static inline void write_temporary(char path[64], const char *text)
{
    struct assay_error err = {.code = ASSAY_OK};
    (void)snprintf(path, 64, "/tmp/assay-device-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    (void)close(fd);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK, "%s", err.message);
}

#endif
