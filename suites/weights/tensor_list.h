/* What the readers of tensor files share. Nobody else includes this. */
#ifndef ASSAY_WEIGHTS_TENSOR_LIST_H
#define ASSAY_WEIGHTS_TENSOR_LIST_H

#include "harness/base/file.h"
#include "suites/weights/tensor_file.h"

struct assay_tensor_file {
    struct assay_mapped_file mapping; /* {NULL, 0}: the bytes are somebody else's */
    struct assay_tensor     *tensors; /* sorted by name */
    size_t                   n;
};

/* Fills elements and bytes from dtype, rank and dims, which are not below zero. */
enum assay_code assay_tensor_measure(struct assay_tensor *t, const char *what, struct assay_error *err);
/* The name that safetensors has for a type, NULL: none. */
const char      *assay_safetensors_type_name(enum assay_dtype dtype);
/* Maps the file and reads it; the mapping then belongs to the result. `what` names it in messages. */
enum assay_code assay_tensor_file_map(const char *path, const char *what,
                                      enum assay_code (*read)(const void *, size_t, const char *, struct assay_tensor_file **,
                                                              struct assay_error *),
                                      struct assay_tensor_file **out, struct assay_error *err);

#endif
