/* A private folder for the while of one piece of work. */
#ifndef ASSAY_BASE_FOLDER_TEMPORARY_H
#define ASSAY_BASE_FOLDER_TEMPORARY_H

#include <stddef.h>

#include "assay/error.h"

/* Makes TMPDIR/assay-WHAT-XXXXXX (in /tmp without TMPDIR), of mode 0700. */
enum assay_code assay_folder_temporary(const char *what, char *out, size_t capacity, struct assay_error *err);
/* Removes it and all below it; follows no link. NULL or "" does nothing. */
void assay_folder_remove(const char *path);

#endif
