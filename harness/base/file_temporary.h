/* A file under a temporary name beside the one that it will replace. */
#ifndef ASSAY_BASE_FILE_TEMPORARY_H
#define ASSAY_BASE_FILE_TEMPORARY_H

#include "assay/error.h"

struct assay_file_temporary {
    int   fd;   /* open for reading and writing, closed on exec */
    char *name; /* its own name; newly allocated */
    char *path; /* what it replaces, behind symbolic links; newly allocated */
};

/* Creates an empty file with the permissions of `path` or, if there is none, the usual ones. Refuses a path that is
 * something else than a regular file: a device is not to be replaced by a file. */
enum assay_code assay_file_temporary_open(const char *path, struct assay_file_temporary *out, struct assay_error *err);
/* Syncs, renames, syncs the folder; closes and frees in any case. On failure `path` is what it was. */
enum assay_code assay_file_temporary_commit(struct assay_file_temporary *file, struct assay_error *err);
/* Removes it and frees. */
void assay_file_temporary_drop(struct assay_file_temporary *file);

#endif
