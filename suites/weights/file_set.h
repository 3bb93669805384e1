/* Files that came from outside, so known that a later reading finds out whether they are still the same. */
#ifndef ASSAY_WEIGHTS_FILE_SET_H
#define ASSAY_WEIGHTS_FILE_SET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

/* Files up to this size are hashed whole. Of larger ones: the size, the first and last 16 MiB, in which a header lies, and the
 * first 4 KiB of each MiB between. */
#define ASSAY_FILE_SET_WHOLE_BYTES ((uint64_t)64 << 20)

struct assay_file_digest {
    char     name[256]; /* in the folder; "" when the path is that of a file */
    uint64_t bytes;
    bool     whole;
    char     sha256[65];
};
/* All zero is none. */
struct assay_file_set {
    char                      path[512]; /* canonical */
    struct assay_file_digest *files;     /* in the order they were added */
    size_t                    n;
};

void assay_file_set_release(struct assay_file_set *set);
/* Makes `path` canonical. */
enum assay_code assay_file_set_init(struct assay_file_set *set, const char *path, struct assay_error *err);
/* Hashes a file of it, once. */
enum assay_code assay_file_set_add(struct assay_file_set *set, const char *name, struct assay_error *err);
/* ASSAY_DATA, naming the file, when one is not what it was; ASSAY_IO when it is gone. */
enum assay_code assay_file_set_check(const struct assay_file_set *set, struct assay_error *err);

json_t         *assay_file_set_to_json(const struct assay_file_set *set);
enum assay_code assay_file_set_from_json(const json_t *json, struct assay_file_set *out, struct assay_error *err);

#endif
