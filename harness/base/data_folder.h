/* Where the files are that come with the program. */
#ifndef ASSAY_BASE_DATA_FOLDER_H
#define ASSAY_BASE_DATA_FOLDER_H

#include <stddef.h>

#include "assay/error.h"

/* A folder of the installation ("suites", "suites/models", "backends"): beside the program (relocatable), or in the
 * source tree the program was built in, or below the install prefix. */
enum assay_code assay_data_folder(const char *what, char *out, size_t capacity, struct assay_error *err);

#endif
