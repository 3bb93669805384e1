#include "harness/cli/validate_level.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

void assay_cli_level_folder(const struct assay_validate_level *with, const char *level, char out[ASSAY_LEVEL_FOLDER_BYTES])
{
    if (*with->folder) {
        (void)assay_string_copy(out, ASSAY_LEVEL_FOLDER_BYTES, with->folder);
        return;
    }
    (void)snprintf(out, ASSAY_LEVEL_FOLDER_BYTES, "out/%s-%.200s", level, with->backend);
    for (char *c = out + strlen("out/"); *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=", *c))
            *c = '_';
}
