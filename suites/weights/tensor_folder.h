/* A folder of safetensors as checkpoints come in: model.safetensors.index.json with the shards it names, or model.safetensors, or
 * all *.safetensors there are; a single file can be given too. */
#ifndef ASSAY_WEIGHTS_TENSOR_FOLDER_H
#define ASSAY_WEIGHTS_TENSOR_FOLDER_H

#include "suites/weights/tensor_file.h"

struct assay_folder_tensor {
    const struct assay_tensor *tensor;
    const char                *file; /* its name in the folder */
};

struct assay_tensor_folder;

/* Refused with one line: a shard that is missing or leads out of the folder, a tensor of the index that its shard lacks, a tensor
 * of a shard that the index lacks or puts elsewhere, a tensor in two files, no file at all. */
enum assay_code assay_tensor_folder_open(const char *path, struct assay_tensor_folder **out, struct assay_error *err);
void            assay_tensor_folder_close(struct assay_tensor_folder *folder);
/* By name. Borrowed until close. */
const struct assay_folder_tensor *assay_tensor_folder_tensors(const struct assay_tensor_folder *folder, size_t *n);
const struct assay_folder_tensor *assay_tensor_folder_find(const struct assay_tensor_folder *folder, const char *name);

/* Names of the files that were read, the index too, in the order of their names. "" is `path` itself. */
size_t      assay_tensor_folder_n_files(const struct assay_tensor_folder *folder);
const char *assay_tensor_folder_file(const struct assay_tensor_folder *folder, size_t i);

#endif
