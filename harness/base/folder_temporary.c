#include "harness/base/folder_temporary.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/file.h"

#include "assay/banned.h"

enum assay_code assay_folder_temporary(const char *what, char *out, size_t capacity, struct assay_error *err)
{
    const char *below = getenv("TMPDIR");
    char        name[64];
    (void)snprintf(name, sizeof name, "assay-%.40s-XXXXXX", what);
    if (assay_path_join(out, capacity, below && *below ? below : "/tmp", name, err))
        return err->code;
    if (mkdtemp(out))
        return ASSAY_OK;
    (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot make a temporary folder '%.160s'", out);
    out[0] = 0;
    return assay_error_hint(err, "TMPDIR names the folder that it is made in");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void assay_folder_remove(const char *path)
{
    if (path && *path)
        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
