/* Files that hold tensors: safetensors and numpy's .npy. Both are mapped, so that only what is asked for is read; every
 * length, place and type is checked against the file before anything is handed out. */
#ifndef ASSAY_WEIGHTS_TENSOR_FILE_H
#define ASSAY_WEIGHTS_TENSOR_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"
#include "assay/graph.h"

#define ASSAY_TENSOR_NAME_BYTES 200

struct assay_tensor {
    char             name[ASSAY_TENSOR_NAME_BYTES];
    enum assay_dtype dtype;
    int32_t          rank;
    int64_t          dims[ASSAY_MAX_RANK];
    uint64_t         elements, bytes;
    const void      *data; /* little-endian, row-major, into the mapping: any alignment */
};

struct assay_tensor_file;

/* A safetensors file: 8 bytes length of the header, a JSON header of at most 100 MB that names every tensor with type, shape
 * and place, then the data. Refused with one line that names the file and the tensor: places beyond the file, overlaps,
 * gaps, sizes that are not those of type and shape, repeated names, unknown types. */
enum assay_code assay_safetensors_open(const char *path, struct assay_tensor_file **out, struct assay_error *err);
/* An .npy file (versions 1 to 3, C order, little-endian): one tensor, named as the file without ".npy". */
enum assay_code assay_npy_open(const char *path, struct assay_tensor_file **out, struct assay_error *err);
void            assay_tensor_file_close(struct assay_tensor_file *file);
/* In the order of their names. Borrowed until the file is closed. */
const struct assay_tensor *assay_tensor_file_tensors(const struct assay_tensor_file *file, size_t *n);
const struct assay_tensor *assay_tensor_file_find(const struct assay_tensor_file *file, const char *name);

/* Writes a safetensors file of tensors (name, dtype, rank and dims are read) in the order given; `fill` makes the bytes of one. A
 * type that the format has no name for is ASSAY_UNSUPPORTED. */
enum assay_code assay_safetensors_write(const char *path, const struct assay_tensor *tensors, size_t n,
                                        enum assay_code (*fill)(void *self, size_t tensor, void *to, struct assay_error *err),
                                        void *self, struct assay_error *err);

/* Writes an .npy file of version 1: the tensor's dtype, rank and dims are read; `fill` makes its bytes. A type that numpy lacks is
 * ASSAY_UNSUPPORTED. */
enum assay_code assay_npy_write(const char *path, const struct assay_tensor *t,
                                enum assay_code (*fill)(void *self, void *to, struct assay_error *err), void *self,
                                struct assay_error *err);

/* Bytes, already in memory, as either format: what the two calls above do behind the mapping. For tests and fuzzing; `bytes`
 * must stay as long as the file. `what` names it in messages. */
enum assay_code assay_safetensors_read(const void *bytes, size_t length, const char *what, struct assay_tensor_file **out,
                                       struct assay_error *err);
enum assay_code assay_npy_read(const void *bytes, size_t length, const char *what, struct assay_tensor_file **out,
                               struct assay_error *err);

#endif
