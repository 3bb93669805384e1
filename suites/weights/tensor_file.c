#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "suites/weights/tensor_list.h"

#include "assay/banned.h"

void assay_tensor_file_close(struct assay_tensor_file *file)
{
    if (!file)
        return;
    assay_mapped_file_release(&file->mapping);
    free(file->tensors);
    free(file);
}

const struct assay_tensor *assay_tensor_file_tensors(const struct assay_tensor_file *file, size_t *n)
{
    *n = file->n;
    return file->tensors;
}

static int by_name(const void *name, const void *tensor)
{
    return strcmp(name, ((const struct assay_tensor *)tensor)->name);
}

const struct assay_tensor *assay_tensor_file_find(const struct assay_tensor_file *file, const char *name)
{
    return bsearch(name, file->tensors, file->n, sizeof *file->tensors, by_name);
}

enum assay_code assay_tensor_measure(struct assay_tensor *t, const char *what, struct assay_error *err)
{
    uint64_t n = 1, most = INT64_MAX / 64;
    for (int32_t i = 0; i < t->rank; i++) {
        uint64_t length = (uint64_t)t->dims[i];
        if (length && n > most / length)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: tensor '%.80s' has more elements than any memory", what, t->name);
        n *= length;
    }
    t->elements = n;
    t->bytes = assay_dtype_bytes(t->dtype, n);
    return ASSAY_OK;
}

enum assay_code assay_tensor_file_map(const char *path, const char *what,
                                      enum assay_code (*read)(const void *, size_t, const char *, struct assay_tensor_file **,
                                                              struct assay_error *),
                                      struct assay_tensor_file **out, struct assay_error *err)
{
    struct assay_mapped_file mapping;
    if (assay_mapped_file_read(path, &mapping, err))
        return err->code;
    if (read(mapping.at, mapping.bytes, what, out, err)) {
        assay_mapped_file_release(&mapping);
        return err->code;
    }
    (*out)->mapping = mapping;
    return ASSAY_OK;
}
