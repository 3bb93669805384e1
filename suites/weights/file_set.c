#include "suites/weights/file_set.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MIB ((size_t)1 << 20)
#define END_BYTES (16 * MIB)
#define SAMPLE_BYTES ((size_t)4096)

void assay_file_set_release(struct assay_file_set *set)
{
    free(set->files);
    *set = (struct assay_file_set){.n = 0};
}

enum assay_code assay_file_set_init(struct assay_file_set *set, const char *path, struct assay_error *err)
{
    char *whole = realpath(path, NULL);
    *set = (struct assay_file_set){.n = 0};
    if (!whole)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%.150s'", path);
    bool fits = assay_string_copy(set->path, sizeof set->path, whole);
    free(whole);
    return fits ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_CONFIG, "a path longer than %zu bytes: '%.100s'", sizeof set->path - 1, path);
}

/* SHA-256 of the samples, one behind the other. */
static enum assay_code hash_samples(const struct assay_mapped_file *file, char out[65], struct assay_error *err)
{
    size_t         most = 2 * END_BYTES + (file->bytes / MIB + 1) * SAMPLE_BYTES, n = 0;
    unsigned char *kept = malloc(most);
    if (!kept)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for samples of a file");
    const unsigned char *at = file->at;
    memcpy(kept, at, END_BYTES);
    n = END_BYTES;
    for (size_t i = END_BYTES; i + SAMPLE_BYTES <= file->bytes - END_BYTES; i += MIB, n += SAMPLE_BYTES)
        memcpy(kept + n, at + i, SAMPLE_BYTES);
    memcpy(kept + n, at + file->bytes - END_BYTES, END_BYTES);
    assay_sha256_hex(kept, n + END_BYTES, out);
    free(kept);
    return ASSAY_OK;
}

static enum assay_code digest(const struct assay_file_set *set, const char *name, struct assay_file_digest *out,
                              struct assay_error *err)
{
    char                     path[800];
    struct assay_text        text = ASSAY_TEXT(path);
    struct assay_mapped_file file;
    enum assay_code          code = ASSAY_OK;
    assay_text_add(&text, "%s%s%s", set->path, *name ? "/" : "", name);
    if (assay_mapped_file_read(path, &file, err))
        return err->code;
    if (!assay_string_copy(out->name, sizeof out->name, name))
        code = ASSAY_FAIL(err, ASSAY_CONFIG, "a file's name is too long: '%.100s'", name);
    out->bytes = file.bytes;
    out->whole = file.bytes <= ASSAY_FILE_SET_WHOLE_BYTES;
    if (!code && out->whole)
        assay_sha256_hex(file.at, file.bytes, out->sha256);
    else if (!code)
        code = hash_samples(&file, out->sha256, err);
    assay_mapped_file_release(&file);
    return code;
}

enum assay_code assay_file_set_add(struct assay_file_set *set, const char *name, struct assay_error *err)
{
    struct assay_file_digest one;
    for (size_t i = 0; i < set->n; i++)
        if (!strcmp(set->files[i].name, name))
            return ASSAY_OK;
    if (digest(set, name, &one, err))
        return err->code;
    struct assay_file_digest *more = reallocarray(set->files, set->n + 1, sizeof *more);
    if (!more)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a list of files");
    set->files = more;
    more[set->n++] = one;
    return ASSAY_OK;
}

enum assay_code assay_file_set_check(const struct assay_file_set *set, struct assay_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct assay_file_digest *was = &set->files[i];
        struct assay_file_digest        is = {.bytes = 0};
        const char                     *slash = *was->name ? "/" : "";
        if (digest(set, was->name, &is, err))
            return err->code;
        if (is.bytes != was->bytes)
            return ASSAY_FAIL(err, ASSAY_DATA, "'%.110s%s%.60s' is not the file that was run with: %llu bytes were %llu",
                              set->path, slash, was->name, (unsigned long long)is.bytes, (unsigned long long)was->bytes);
        if (strcmp(is.sha256, was->sha256) != 0)
            return ASSAY_FAIL(err, ASSAY_DATA, "'%.110s%s%.60s' is not the file that was run with: it has another SHA-256",
                              set->path, slash, was->name);
    }
    return ASSAY_OK;
}

/* ---- as JSON ---------------------------------------------------------------------------------------------------- */

json_t *assay_file_set_to_json(const struct assay_file_set *set)
{
    json_t *files = json_array();
    for (size_t i = 0; i < set->n; i++) {
        const struct assay_file_digest *f = &set->files[i];
        json_array_append_new(files, json_pack("{s:o, s:o, s:s, s:s}", "file", assay_json_string(f->name), "bytes",
                                               assay_json_u64(f->bytes), "sha256_of", f->whole ? "all" : "samples", "sha256",
                                               f->sha256));
    }
    return json_pack("{s:o, s:o}", "path", assay_json_string(set->path), "files", files);
}

static bool file_from_json(const json_t *json, struct assay_file_digest *out)
{
    const char *name, *of, *sha256;
    json_int_t  bytes;
    if (json_unpack((json_t *)json, "{s:s, s:I, s:s, s:s !}", "file", &name, "bytes", &bytes, "sha256_of", &of, "sha256",
                    &sha256))
        return false;
    out->bytes = (uint64_t)bytes;
    out->whole = !strcmp(of, "all");
    return bytes >= 0 && (out->whole || !strcmp(of, "samples")) && !strchr(name, '/') && *name != '.' && strlen(sha256) == 64 &&
           assay_string_copy(out->sha256, sizeof out->sha256, sha256) && assay_string_copy(out->name, sizeof out->name, name);
}

enum assay_code assay_file_set_from_json(const json_t *json, struct assay_file_set *out, struct assay_error *err)
{
    struct assay_file_set set = {.n = 0};
    const char           *path;
    json_t               *files;
    if (json_unpack((json_t *)json, "{s:s, s:o !}", "path", &path, "files", &files) || !json_is_array(files) || *path != '/' ||
        !assay_string_copy(set.path, sizeof set.path, path))
        return ASSAY_FAIL(err, ASSAY_DATA, "a set of files lacks 'path' or 'files', or has more");
    set.files = calloc(json_array_size(files) + 1, sizeof *set.files);
    if (!set.files)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a list of files");
    for (; set.n < json_array_size(files); set.n++)
        if (!file_from_json(json_array_get(files, set.n), &set.files[set.n])) {
            assay_file_set_release(&set);
            return ASSAY_FAIL(err, ASSAY_DATA, "a file of a set lacks 'file', 'bytes', 'sha256' or 'sha256_of', or has more");
        }
    *out = set;
    return ASSAY_OK;
}
