/* Where the files are that come with the program. */
#ifndef ASSAY_BASE_DATA_FOLDER_H
#define ASSAY_BASE_DATA_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"

/* A folder of the installation ("suites", "suites/models", "backends"): beside the program (relocatable), or in the
 * source tree the program was built in, or below the install prefix. */
enum assay_code assay_data_folder(const char *what, char *out, size_t capacity, struct assay_error *err);

/* The files NAME.json of such a folder, by their names without the ending, sorted. */
struct assay_data_names {
    char         folder[512];
    const char **name;
    size_t       n;
};
enum assay_code assay_data_names_read(const char *what, struct assay_data_names *out, struct assay_error *err);
void            assay_data_names_release(struct assay_data_names *names);
/* folder/NAME.json of the i-th. */
enum assay_code assay_data_names_path(const struct assay_data_names *names, size_t i, char *out, size_t capacity, struct assay_error *err);
/* ASSAY_CONFIG "there is no WHAT 'name'", and the nearest of the names or all of them. */
enum assay_code assay_data_names_unknown(const struct assay_data_names *names, const char *what, const char *name, struct assay_error *err);
/* Does the text name a file of one's own: with a slash in it, or .json at its end? */
bool            assay_data_is_path(const char *text);

#endif
