#include "harness/run/loader.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

enum { MAX_FOLDERS = 32, MAX_PATH = 512, MAX_FILES = 4096 };

#define WORD "abcdefghijklmnopqrstuvwxyz0123456789-_"

/* ---- "name:device,options" ----------------------------------------------------------------------------- */

static enum assay_code check_characters(const char *text, struct assay_error *err)
{
    size_t n = strnlen(text, 1025);
    if (!n || n > 1024)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the name of a back end has 1 to 1024 characters");
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "the name of a back end has a control character at position %zu",
                              i + 1);
    return ASSAY_OK;
}

/* The JSON string at the start of `text`; *length = the characters it takes, quotes included. */
static enum assay_code take_quoted(const char *text, struct assay_backend_name *out, size_t *length,
                                   struct assay_error *err)
{
    json_error_t why;
    size_t n = 1;
    enum assay_code code = ASSAY_OK;
    while (text[n] && text[n] != '"')
        n += text[n] == '\\' && text[n + 1] ? 2 : 1;
    if (!text[n])
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the quoted device in %.80s has no closing quote", text);
    json_t *string = json_loadb(text, n + 1, JSON_DECODE_ANY, &why);
    if (!string)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the quoted device %.80s is no JSON string: %s", text, why.text);
    if (check_characters(json_string_value(string), err))
        code = assay_error_in(err, "reading the device's name %.80s", text);
    else if (!assay_string_copy(out->device, sizeof out->device, json_string_value(string)))
        code = ASSAY_FAIL(err, ASSAY_CONFIG, "a device's name has at most %zu characters", sizeof out->device - 1);
    json_decref(string);
    *length = n + 1;
    return code;
}

static enum assay_code take_device(const char *text, struct assay_backend_name *out, size_t *length,
                                   struct assay_error *err)
{
    if (*text == '"')
        return take_quoted(text, out, length, err);
    *length = strcspn(text, ",:");
    if (!*length)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "no device after ':'");
    if (*length >= sizeof out->device)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a device's name has at most %zu characters", sizeof out->device - 1);
    memcpy(out->device, text, *length);
    return ASSAY_OK;
}

enum assay_code assay_backend_name_parse(const char *text, struct assay_backend_name *out, struct assay_error *err)
{
    struct assay_backend_name parsed = {0};
    size_t n = strcspn(text, ",:"), length = 0;
    if (check_characters(text, err))
        return err->code;
    if (!n || n >= sizeof parsed.name)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.80s' does not begin with the name or path of a back end", text);
    memcpy(parsed.name, text, n);
    if (!strchr(parsed.name, '/') && (strspn(parsed.name, WORD) != n || n > 63))
        return ASSAY_FAIL(err, ASSAY_CONFIG,
                          "'%.80s' is no name of a back end; names are 1 to 63 of a-z, 0-9, '-', '_'", parsed.name);
    if (text[n] == ':') {
        if (take_device(text + n + 1, &parsed, &length, err))
            return assay_error_in(err, "reading the back end's name '%.80s'", text);
        n += 1 + length;
    }
    if (text[n] && text[n] != ',')
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.80s' goes on with '%.20s' where ',' or the end was expected", text,
                          text + n);
    if (text[n] && !assay_string_copy(parsed.options, sizeof parsed.options, text + n + 1))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the options of '%s' have more than %zu characters", parsed.name,
                          sizeof parsed.options - 1);
    *out = parsed;
    return ASSAY_OK;
}

/* ---- the folders --------------------------------------------------------------------------------------- */

struct folders {
    char at[MAX_FOLDERS][MAX_PATH];
    size_t n;
};

static enum assay_code folders_add(struct folders *to, const char *begin, size_t length, const char *below,
                                   struct assay_error *err)
{
    if (!length)
        return ASSAY_OK;
    if (to->n == MAX_FOLDERS || length + strlen(below) >= MAX_PATH)
        return ASSAY_FAIL(err, ASSAY_CONFIG,
                          "ASSAY_BACKEND_PATH has more than %d folders or one of more than %d "
                          "characters",
                          MAX_FOLDERS - 2, MAX_PATH - 1);
    (void)snprintf(to->at[to->n++], MAX_PATH, "%.*s%s", (int)length, begin, below);
    return ASSAY_OK;
}

static enum assay_code folders_collect(struct folders *to, struct assay_error *err)
{
    char program[MAX_PATH];
    const char *path = getenv("ASSAY_BACKEND_PATH");
    if (assay_program_path(program, sizeof program, err))
        return err->code;
    size_t folder = (size_t)(strrchr(program, '/') - program);
    if (folders_add(to, program, folder, "/backends", err) ||
        folders_add(to, program, folder, "/../lib/assay/backends", err))
        return err->code;
    while (path && *path) {
        size_t length = strcspn(path, ":");
        if (folders_add(to, path, length, "", err))
            return err->code;
        path += length + (path[length] == ':');
    }
    return ASSAY_OK;
}

/* ---- the files ----------------------------------------------------------------------------------------- */

struct found {
    char name[64], path[MAX_PATH + 128];
    size_t folder; /* its place in the order of search */
};

struct files {
    struct found *at;
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    int names = strcmp(left->name, right->name);
    return names ? names : (left->folder > right->folder) - (left->folder < right->folder);
}

/* The name in "assay-<name>.so"; false for every other file. */
static bool name_of_file(const char *file, char name[64])
{
    size_t n = strlen(file);
    if (n <= 9 || n - 9 >= 64 || strncmp(file, "assay-", 6) != 0 || strcmp(file + n - 3, ".so") != 0)
        return false;
    memcpy(name, file + 6, n - 9);
    name[n - 9] = 0;
    return strspn(name, WORD) == n - 9;
}

static enum assay_code files_of_folder(struct files *to, const char *folder, size_t number, struct assay_error *err)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    char name[64];
    while (open && (entry = readdir(open)) && to->n < MAX_FILES) {
        if (!name_of_file(entry->d_name, name))
            continue;
        struct found *more = realloc(to->at, (to->n + 1) * sizeof *more);
        if (!more) {
            (void)closedir(open);
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to list the plug-ins of '%s'", folder);
        }
        to->at = more;
        struct found *next = &more[to->n++];
        next->folder = number;
        (void)assay_string_copy(next->name, sizeof next->name, name);
        (void)snprintf(next->path, sizeof next->path, "%s/assay-%s.so", folder, name);
    }
    if (open)
        (void)closedir(open);
    return ASSAY_OK;
}

static enum assay_code files_collect(struct files *to, struct assay_error *err)
{
    struct folders *folders = calloc(1, sizeof *folders);
    size_t kept = 0;
    if (!folders)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to look for plug-ins");
    enum assay_code code = folders_collect(folders, err);
    for (size_t i = 0; !code && i < folders->n; i++)
        code = files_of_folder(to, folders->at[i], i, err);
    free(folders);
    if (code)
        return code;
    if (to->n)
        qsort(to->at, to->n, sizeof *to->at, by_name);
    for (size_t i = 0; i < to->n; i++)
        if (!kept || strcmp(to->at[kept - 1].name, to->at[i].name) != 0)
            to->at[kept++] = to->at[i];
    to->n = kept;
    return ASSAY_OK;
}

/* What there is instead, in the hint. */
static enum assay_code not_found(const char *name, const struct files *files, struct assay_error *err)
{
    char text[160];
    struct assay_text known = ASSAY_TEXT(text);
    const char **names = calloc(files->n + 1, sizeof *names);
    const char *nearest = NULL;
    for (size_t i = 0; i < files->n; i++) {
        assay_text_add(&known, "%s%s", i ? ", " : "", files->at[i].name);
        if (names)
            names[i] = files->at[i].name;
    }
    if (names)
        nearest = assay_string_nearest(name, names, files->n);
    free(names);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no back end '%.64s'", name);
    if (nearest)
        return assay_error_hint(err, "did you mean '%s'?", nearest);
    if (files->n)
        return assay_error_hint(err, "there are: %s%s", text, known.cut ? "…" : "");
    return assay_error_hint(err, "no plug-in was found at all; is ASSAY_BACKEND_PATH right?");
}

enum assay_code assay_backend_find(const char *name, char *path, size_t capacity, struct assay_error *err)
{
    struct files files = {0};
    enum assay_code code = files_collect(&files, err);
    size_t i = 0;
    if (!code) {
        while (i < files.n && strcmp(files.at[i].name, name) != 0)
            i++;
        if (i == files.n)
            code = not_found(name, &files, err);
        else if (!assay_string_copy(path, capacity, files.at[i].path))
            code = ASSAY_FAIL(err, ASSAY_CONFIG, "the path of plug-in '%s' is too long", name);
    }
    free(files.at);
    return code;
}

enum assay_code assay_backend_list(void (*each)(void *self, const char *name, const char *path), void *self,
                                   struct assay_error *err)
{
    struct files files = {0};
    enum assay_code code = files_collect(&files, err);
    for (size_t i = 0; !code && i < files.n; i++)
        each(self, files.at[i].name, files.at[i].path);
    free(files.at);
    return code;
}
