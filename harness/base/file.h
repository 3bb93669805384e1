/* Files that are never half written. Errors name the path and say what the system said. */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "assay/error.h"

/* Whole file into newly allocated memory with a NUL behind it; refuses more than limit_bytes. Free *out. */
enum assay_code assay_file_read(const char *path, size_t limit_bytes, char **out, size_t *length,
                                struct assay_error *err);
/* Writes to a temporary name beside it, syncs, renames, syncs the folder: the old or the new, never a mixture. */
enum assay_code assay_file_replace(const char *path, const void *data, size_t length, struct assay_error *err);
/* Appends and syncs before it returns. On failure the file is cut back to where it was. */
enum assay_code assay_file_append(int fd, const void *data, size_t length, const char *path, struct assay_error *err);
/* Closes a stream of open_memstream(text). Its text, to be freed; NULL, and nothing is left, where it could not hold all. */
char *assay_memory_stream_end(FILE *stream, char **text);
/* mkdir -p. */
enum assay_code assay_folder_make(const char *path, struct assay_error *err);
bool            assay_file_exists(const char *path);
/* "a/b" into out; ASSAY_CONFIG when it does not fit. */
enum assay_code assay_path_join(char *out, size_t capacity, const char *folder, const char *name,
                                struct assay_error *err);
/* An exclusive lock on `path` (created), held until the descriptor in *fd is closed. ASSAY_CONFIG with the
 * holder's process id when another has it. */
enum assay_code assay_file_lock(const char *path, int *fd, struct assay_error *err);

/* A file mapped for writing, of fixed size, every page touched; what was stored survives the process. */
struct assay_mapped_file {
    void  *at;
    size_t bytes;
};
enum assay_code assay_mapped_file_new(const char *path, size_t bytes, struct assay_mapped_file *out,
                                      struct assay_error *err);
/* Unmaps and cuts the file to `used` bytes. */
enum assay_code assay_mapped_file_close(struct assay_mapped_file *file, const char *path, size_t used,
                                        struct assay_error *err);
/* Read-only mapping of a whole file (an empty file gives at = NULL, bytes = 0). */
enum assay_code assay_mapped_file_read(const char *path, struct assay_mapped_file *out, struct assay_error *err);
void            assay_mapped_file_release(struct assay_mapped_file *file);

#endif
