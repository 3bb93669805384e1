#include "harness/store/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file_temporary.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/store/bundle_seal.h"

#include "assay/banned.h"

#define FORMAT "assay-bundle/1"
#define FOLDERS_DEEP 8

/* ---- what goes in ------------------------------------------------------------------------------------------------ */

enum assay_code assay_bundle_add(struct assay_bundle_sources *to, const char *name, const char *path, struct assay_error *err)
{
    struct assay_bundle_source one;
    if (!assay_archive_name_is_good(name)) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.160s' is no name for a file of a bundle", name);
        return assay_error_hint(err, "letters, digits and . _ = + , @ -, at most %d of them", ASSAY_ARCHIVE_NAME_BYTES - 1);
    }
    if (!assay_string_copy(one.name, sizeof one.name, name) || !assay_string_copy(one.path, sizeof one.path, path))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the path '%.100s…' is too long", path);
    if (to->n == to->room) {
        size_t                      more = to->room ? 2 * to->room : 64;
        struct assay_bundle_source *source = reallocarray(to->source, more, sizeof *source);
        if (!source)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the files of a bundle");
        to->source = source;
        to->room = more;
    }
    to->source[to->n++] = one;
    return ASSAY_OK;
}

void assay_bundle_sources_release(struct assay_bundle_sources *sources)
{
    free(sources->source);
    *sources = (struct assay_bundle_sources){0};
}

static bool is_among(const char *name, const char *const *names)
{
    for (; names && *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

static enum assay_code add_below(struct assay_bundle_sources *to, const char *prefix, const char *folder, const char *const *but_for,
                                 int depth, struct assay_error *err);

static enum assay_code add_entry(struct assay_bundle_sources *to, const char *prefix, const char *folder, const char *entry, int depth,
                                 struct assay_error *err)
{
    char        name[1024], path[1024];
    struct stat st;
    if (assay_path_join(name, sizeof name, prefix, entry, err) || assay_path_join(path, sizeof path, folder, entry, err))
        return err->code;
    if (lstat(path, &st))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%.200s'", path);
    if (S_ISDIR(st.st_mode))
        return add_below(to, name, path, NULL, depth + 1, err);
    if (!S_ISREG(st.st_mode))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.200s' is neither a file nor a folder, and goes into no bundle", path);
    return assay_bundle_add(to, name, path, err);
}

static enum assay_code add_below(struct assay_bundle_sources *to, const char *prefix, const char *folder, const char *const *but_for,
                                 int depth, struct assay_error *err)
{
    DIR           *dir = depth < FOLDERS_DEEP ? opendir(folder) : NULL;
    struct dirent *entry;
    if (!dir)
        return depth < FOLDERS_DEEP ? ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read folder '%.200s'", folder)
                                    : ASSAY_FAIL(err, ASSAY_CONFIG, "folders are nested too deep at '%.200s'", folder);
    while (!err->code && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !is_among(entry->d_name, but_for))
            (void)add_entry(to, prefix, folder, entry->d_name, depth, err);
    (void)closedir(dir);
    return err->code;
}

enum assay_code assay_bundle_add_folder(struct assay_bundle_sources *to, const char *prefix, const char *folder,
                                        const char *const *but_for, struct assay_error *err)
{
    return add_below(to, prefix, folder, but_for, 0, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct assay_bundle_source *)a)->name, ((const struct assay_bundle_source *)b)->name);
}

/* One row of the manifest: the file as it is now. */
static enum assay_code describe(const struct assay_bundle_source *s, json_t *files, struct assay_error *err)
{
    struct stat st;
    char        hex[65];
    if (assay_sha256_file(s->path, hex, err))
        return err->code;
    if (stat(s->path, &st))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%.200s'", s->path);
    return json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "path", s->name, "bytes", (json_int_t)st.st_size, "sha256", hex))
               ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a manifest")
               : ASSAY_OK;
}

/* Free *text. */
static enum assay_code make_manifest(const struct assay_bundle_sources *sources, json_t *about, char **text, struct assay_error *err)
{
    json_t *files = json_array(), *manifest = json_copy(about);
    for (size_t i = 0; !err->code && i < sources->n; i++) {
        const char *name = sources->source[i].name;
        if ((i && !strcmp(sources->source[i - 1].name, name)) || !strcmp(name, ASSAY_BUNDLE_MANIFEST) || !strcmp(name, ASSAY_BUNDLE_SEAL))
            (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.160s' would stand twice in the bundle", name);
        else
            (void)describe(&sources->source[i], files, err);
    }
    *text = NULL;
    if (!err->code && !json_object_set_new(manifest, "format", json_string(FORMAT)) && !json_object_set(manifest, "files", files))
        *text = assay_json_pretty(manifest);
    json_decref(files);
    json_decref(manifest);
    if (!err->code && !*text)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a manifest");
    return err->code;
}

static enum assay_code write_text(struct assay_archive_writer *w, const char *name, const char *text, struct assay_error *err)
{
    return assay_archive_begin(w, name, strlen(text), err) || assay_archive_write(w, text, strlen(text), err) ||
                   assay_archive_end(w, false, err)
               ? err->code
               : ASSAY_OK;
}

/* As the manifest has it; what has changed since is an error, as it would be one to whoever verifies. */
static enum assay_code write_file(struct assay_archive_writer *w, const struct assay_bundle_source *s, const json_t *row, struct assay_error *err)
{
    struct assay_mapped_file map = {.at = NULL};
    char                     hex[65];
    if (assay_mapped_file_read(s->path, &map, err))
        return err->code;
    assay_sha256_hex(map.at ? map.at : "", map.bytes, hex);
    if (strcmp(hex, json_string_value(json_object_get(row, "sha256"))) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "'%.200s' changed while it was packed", s->path);
    else if (!assay_archive_begin(w, s->name, map.bytes, err) && !assay_archive_write(w, map.at, map.bytes, err))
        (void)assay_archive_end(w, false, err);
    assay_mapped_file_release(&map);
    return err->code;
}

static enum assay_code write_all(int fd, const char *path, const struct assay_bundle_sources *sources, const char *manifest,
                                 const struct assay_key *key, struct assay_error *err)
{
    struct assay_archive_writer w = {.fd = fd, .path = path};
    char                        seal[ASSAY_SEAL_BYTES], hex[65];
    json_t                     *told = NULL;
    bool                        has_manifest = false, has_seal = false;
    assay_sha256_hex(manifest, strlen(manifest), hex);
    assay_seal_make(hex, key, seal);
    if (assay_json_parse(manifest, strlen(manifest), "the manifest", &told, err))
        return err->code;
    const json_t *files = json_object_get(told, "files");
    for (size_t i = 0; !err->code && i <= sources->n; i++) {
        const char *next = i < sources->n ? sources->source[i].name : "~";
        if (!has_manifest && strcmp(ASSAY_BUNDLE_MANIFEST, next) < 0)
            has_manifest = !write_text(&w, ASSAY_BUNDLE_MANIFEST, manifest, err);
        if (!err->code && !has_seal && strcmp(ASSAY_BUNDLE_SEAL, next) < 0)
            has_seal = !write_text(&w, ASSAY_BUNDLE_SEAL, seal, err);
        if (!err->code && i < sources->n)
            (void)write_file(&w, &sources->source[i], json_array_get(files, i), err);
    }
    json_decref(told);
    return err->code ? err->code : assay_archive_end(&w, true, err);
}

enum assay_code assay_bundle_write(const char *path, struct assay_bundle_sources *sources, json_t *about, const struct assay_key *key,
                                   struct assay_error *err)
{
    struct assay_file_temporary file;
    char                       *manifest = NULL;
    qsort(sources->source, sources->n, sizeof *sources->source, by_name);
    if (make_manifest(sources, about, &manifest, err))
        return err->code;
    if (!assay_file_temporary_open(path, &file, err)) {
        if (write_all(file.fd, path, sources, manifest, key, err))
            assay_file_temporary_drop(&file);
        else
            (void)assay_file_temporary_commit(&file, err);
    }
    free(manifest);
    return err->code;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

bool assay_bundle_find(struct assay_bundle *b, const char *fmt, ...)
{
    va_list args;
    char   *text = NULL;
    char  **more = reallocarray(b->findings, b->n_findings + 1, sizeof *more);
    if (!more)
        return false;
    b->findings = more;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0)
        return false;
    b->findings[b->n_findings++] = text;
    return true;
}

/* A row of the manifest against the member it tells of. */
static bool compare_file(struct assay_bundle *b, const json_t *row, bool *seen)
{
    const char *name = json_string_value(json_object_get(row, "path")), *sha256 = json_string_value(json_object_get(row, "sha256"));
    json_int_t  bytes = json_integer_value(json_object_get(row, "bytes"));
    char        hex[65];
    if (!name || !sha256)
        return assay_bundle_find(b, "%s: a row of \"files\" lacks \"path\" or \"sha256\"", ASSAY_BUNDLE_MANIFEST);
    const struct assay_archive_member *m = assay_archive_find(b->members, b->n, name);
    if (!m)
        return assay_bundle_find(b, "%.200s: is missing", name);
    if (seen[m - b->members])
        return assay_bundle_find(b, "%.200s: stands twice in the manifest", name);
    seen[m - b->members] = true;
    if (bytes < 0 || m->bytes != (uint64_t)bytes)
        return assay_bundle_find(b, "%.200s: has %llu bytes and had %lld", name, (unsigned long long)m->bytes, (long long)bytes);
    assay_sha256_hex(m->at, (size_t)m->bytes, hex);
    return strcmp(hex, sha256) == 0 || assay_bundle_find(b, "%.200s: its contents were changed", name);
}

static bool compare_files(struct assay_bundle *b)
{
    const json_t *files = json_object_get(b->manifest, "files");
    bool         *seen = calloc(b->n + 1, sizeof *seen), ok = seen != NULL;
    for (size_t i = 0; ok && i < json_array_size(files); i++)
        ok = compare_file(b, json_array_get(files, i), seen);
    for (size_t i = 0; ok && i < b->n; i++) {
        const char *name = b->members[i].name;
        if (!seen[i] && strcmp(name, ASSAY_BUNDLE_MANIFEST) != 0 && strcmp(name, ASSAY_BUNDLE_SEAL) != 0)
            ok = assay_bundle_find(b, "%.200s: was added, the manifest does not know it", name);
    }
    free(seen);
    return ok;
}

/* Seal first: a manifest that is not the sealed one is a finding, whatever it is. */
static enum assay_code read_manifest(struct assay_bundle *b, const struct assay_archive_member *m, const struct assay_archive_member *seal,
                                     struct assay_error *err)
{
    assay_sha256_hex(m->at, (size_t)m->bytes, b->manifest_sha256);
    const char *fault = assay_seal_check((const char *)seal->at, (size_t)seal->bytes, b->manifest_sha256, b->public_hex, &b->is_signed,
                                         &b->signature_holds);
    if (fault && !assay_bundle_find(b, "%s", fault))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found");
    if (!assay_json_parse((const char *)m->at, (size_t)m->bytes, ASSAY_BUNDLE_MANIFEST, &b->manifest, err)) {
        const char *format = json_string_value(json_object_get(b->manifest, "format"));
        if (format && !strcmp(format, FORMAT) && json_is_array(json_object_get(b->manifest, "files")))
            return ASSAY_OK;
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%s is of format '%.40s', and this program reads " FORMAT, ASSAY_BUNDLE_MANIFEST, format ? format : "?");
        json_decref(b->manifest);
        b->manifest = NULL;
    }
    if (!fault)
        return err->code; /* sealed as it is, and no manifest: made so */
    *err = (struct assay_error){.code = ASSAY_OK};
    return ASSAY_OK;
}

enum assay_code assay_bundle_open(const char *path, struct assay_bundle *out, struct assay_error *err)
{
    *out = (struct assay_bundle){.n = 0};
    if (assay_mapped_file_read(path, &out->map, err))
        return err->code;
    if (!out->map.bytes)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.200s' is empty", path);
    if (assay_archive_read(out->map.at, out->map.bytes, &out->members, &out->n, err))
        return assay_error_in(err, "reading bundle '%.80s'", path);
    const struct assay_archive_member *manifest = assay_archive_find(out->members, out->n, ASSAY_BUNDLE_MANIFEST),
                                      *seal = assay_archive_find(out->members, out->n, ASSAY_BUNDLE_SEAL);
    if (!manifest || !seal)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.160s' is no bundle: it has no %s", path, manifest ? ASSAY_BUNDLE_SEAL : ASSAY_BUNDLE_MANIFEST);
    if (read_manifest(out, manifest, seal, err))
        return assay_error_in(err, "reading bundle '%.80s'", path);
    if (out->manifest && !compare_files(out))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found");
    return ASSAY_OK;
}

void assay_bundle_close(struct assay_bundle *bundle)
{
    assay_mapped_file_release(&bundle->map);
    json_decref(bundle->manifest);
    free(bundle->members);
    for (size_t i = 0; i < bundle->n_findings; i++)
        free(bundle->findings[i]);
    free(bundle->findings);
    *bundle = (struct assay_bundle){.n = 0};
}

/* ---- unpacking --------------------------------------------------------------------------------------------------- */

static enum assay_code check_empty(const char *folder, struct assay_error *err)
{
    struct dirent *entry = NULL;
    DIR           *dir = opendir(folder);
    if (!dir)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read folder '%.200s'", folder);
    while ((entry = readdir(dir)) && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")))
        ;
    (void)closedir(dir);
    return entry ? ASSAY_FAIL(err, ASSAY_CONFIG, "'%.200s' is not empty: a bundle is unpacked into a folder of its own", folder) : ASSAY_OK;
}

static enum assay_code unpack_one(const struct assay_archive_member *m, const char *name, const char *folder, struct assay_error *err)
{
    char path[4096];
    if (assay_path_join(path, sizeof path, folder, name, err))
        return err->code;
    char *slash = strrchr(path, '/');
    *slash = 0;
    if (assay_folder_make(path, err))
        return err->code;
    *slash = '/';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot make '%.200s'", path);
    for (uint64_t at = 0; !err->code && at < m->bytes;) {
        ssize_t n = write(fd, m->at + at, (size_t)(m->bytes - at));
        if (n < 0 && errno != EINTR)
            (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot write '%.200s'", path);
        at += n > 0 ? (uint64_t)n : 0;
    }
    (void)close(fd);
    return err->code;
}

enum assay_code assay_bundle_unpack(const struct assay_bundle *b, const char *prefix, const char *folder, struct assay_error *err)
{
    size_t length = strlen(prefix);
    if (assay_folder_make(folder, err) || check_empty(folder, err))
        return err->code;
    for (size_t i = 0; i < b->n; i++)
        if (!strncmp(b->members[i].name, prefix, length) && unpack_one(&b->members[i], b->members[i].name + length, folder, err))
            return err->code;
    return ASSAY_OK;
}
