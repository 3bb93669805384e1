/* Folders of weights that tests build in memory and write. */
#ifndef ASSAY_WEIGHTS_TESTS_FOLDER_H
#define ASSAY_WEIGHTS_TESTS_FOLDER_H

#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "reference/formats/formats.h"
#include "suites/weights/tensor_file.h"

static char folder[64];

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void folder_make(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/assay-weights-XXXXXX");
    cr_assert(mkdtemp(folder));
}

static inline void folder_remove(void)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A tensor of numbers first, first + step, … */
struct made {
    const char      *name;
    enum assay_dtype dtype;
    int32_t          rank;
    int64_t          dims[3];
    double           first, step;
};

static inline enum assay_code made_fill(void *self, size_t i, void *to, struct assay_error *err)
{
    const struct made *m = (const struct made *)self + i;
    int64_t            n = 1;
    (void)err;
    for (int32_t k = 0; k < m->rank; k++)
        n *= m->dims[k];
    for (int64_t k = 0; k < n; k++) {
        double x = m->first + m->step * (double)k;
        assay_from_double(m->dtype, &x, 1, (unsigned char *)to + assay_dtype_bytes(m->dtype, (uint64_t)k));
    }
    return ASSAY_OK;
}

/* Writes up to 64 of them (a NULL name ends the list) as one file of the folder. */
static inline void folder_write(const char *name, const struct made *made)
{
    static struct assay_tensor t[64];
    struct assay_error         err;
    char                       path[200];
    size_t                     n = 0;
    memset(t, 0, sizeof t);
    for (; made[n].name; n++) {
        (void)snprintf(t[n].name, sizeof t[n].name, "%s", made[n].name);
        t[n].dtype = made[n].dtype;
        t[n].rank = made[n].rank;
        memcpy(t[n].dims, made[n].dims, sizeof made[n].dims);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(assay_safetensors_write(path, t, n, made_fill, (void *)(uintptr_t)made, &err), ASSAY_OK, "%s", err.message);
}

static inline void folder_text(const char *name, const char *text)
{
    struct assay_error err;
    char               path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK, "%s", err.message);
}

#endif
