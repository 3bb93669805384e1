#include "harness/judge/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/model.h"

#include "assay/banned.h"

#define MOST_BYTES ((size_t)256 << 20)
#define PATH_BYTES 1200

/* Nothing that was found is lost: a document that will be replaced by another gets a second name, with the time it was written. Not that of
 * trainings, which is made anew of all the runs beside it. */
static enum assay_code keep_earlier(const char *path, const char *text, struct assay_error *err)
{
    struct stat status;
    struct tm   at;
    char        kept[4096], when[24], *before = NULL;
    size_t      bytes = 0;
    if (stat(path, &status) != 0)
        return ASSAY_OK;
    if (assay_file_read(path, MOST_BYTES, &before, &bytes, err))
        return err->code;
    bool same = bytes == strlen(text) && !memcmp(before, text, bytes);
    free(before);
    if (same || !gmtime_r(&status.st_mtime, &at))
        return ASSAY_OK;
    (void)strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &at);
    for (unsigned i = 1; i < 100; i++) {
        (void)snprintf(kept, sizeof kept, i == 1 ? "%.4000s.%s" : "%.4000s.%s.%u", path, when, i);
        if (link(path, kept) == 0)
            return ASSAY_OK;
        if (errno != EEXIST)
            break;
    }
    return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot keep what was found earlier, '%.150s'", path);
}

enum assay_code assay_findings_write(const char *folder, const char *name, const json_t *document, struct assay_error *err)
{
    char  path[4096];
    char *text = document ? assay_json_pretty(document) : NULL;
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.100s'", name);
    bool alone = !strcmp(name, ASSAY_FINDINGS_MODEL);
    if (!assay_folder_make(folder, err) && !assay_path_join(path, sizeof path, folder, name, err) && !(alone && keep_earlier(path, text, err)))
        (void)assay_file_replace(path, text, strlen(text), err);
    free(text);
    return err->code;
}

/* The document of that name and format; *there false: the folder has none. */
static enum assay_code load(const char *folder, const char *name, const char *format, char path[PATH_BYTES], bool *there, json_t **out,
                            struct assay_error *err)
{
    struct assay_json_file file;
    if (assay_path_join(path, PATH_BYTES, folder, name, err))
        return err->code;
    *there = assay_file_exists(path);
    if (!*there || assay_json_load(path, format, MOST_BYTES, &file, err))
        return err->code;
    *out = json_incref(file.root);
    assay_json_release(&file);
    return ASSAY_OK;
}

enum assay_code assay_findings_read(const char *folder, struct assay_findings *out, struct assay_error *err)
{
    char    path[PATH_BYTES];
    json_t *document = NULL;
    bool    has_model = false, has_training = false;
    memset(out, 0, sizeof *out);
    (void)assay_string_copy(out->folder, sizeof out->folder, folder);
    for (size_t n = strlen(out->folder); n > 1 && out->folder[n - 1] == '/'; n--)
        out->folder[n - 1] = 0;
    if (load(folder, ASSAY_FINDINGS_MODEL, ASSAY_MODEL_FORMAT, path, &has_model, &document, err) ||
        (has_model && assay_model_findings_of(document, path, &out->model, err)))
        return err->code;
    out->has_model = has_model;
    if (load(folder, ASSAY_FINDINGS_TRAINING, ASSAY_TRAINING_FORMAT, path, &has_training, &document, err))
        return err->code;
    if (has_training && !assay_training_findings_of(document, path, &out->training, err))
        out->has_training = true;
    if (has_training)
        json_decref(document);
    return err->code;
}

const char *assay_findings_name(const struct assay_findings *findings)
{
    const char *slash = strrchr(findings->folder, '/');
    return slash && slash[1] ? slash + 1 : findings->folder;
}

void assay_findings_release(struct assay_findings *findings)
{
    if (findings->has_model)
        assay_model_findings_release(&findings->model);
    if (findings->has_training)
        assay_training_findings_release(&findings->training);
    findings->has_model = findings->has_training = false;
}
