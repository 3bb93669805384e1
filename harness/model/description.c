#include "harness/model/description.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "assay/text.h"
#include "harness/base/data_folder.h"
#include "harness/base/hash.h"

#include "assay/banned.h"

#define MOST_TEXTS 64

/* ---- texts -------------------------------------------------------------------------------------------------------- */

enum assay_code assay_description_keep(const struct assay_description_reader *r, const char *text, const char **out, struct assay_error *err)
{
    const char *kept = assay_arena_text(r->arena, text);
    if (!kept)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a description");
    *out = kept;
    return ASSAY_OK;
}

enum assay_code assay_description_text(const struct assay_description_reader *r, const json_t *object, const char *key, bool required,
                                       const char **out, struct assay_error *err)
{
    const char     *text = NULL;
    enum assay_code code = assay_json_text(r->file, object, key, required, &text, err);
    if (code || !text)
        return code;
    if (required && !*text)
        return assay_json_fail_at(r->file, object, key, err, "'%s' is empty", key);
    return assay_description_keep(r, text, out, err);
}

/* An array of the root, of a length that can be. */
static enum assay_code find_texts(const struct assay_description_reader *r, const char *key, json_t **out, size_t *n, struct assay_error *err)
{
    if (assay_json_array(r->file, r->file->root, key, false, out, err))
        return err->code;
    *n = json_array_size(*out);
    return *n > MOST_TEXTS ? assay_json_fail_at(r->file, r->file->root, key, err, "%zu %s, at most %d", *n, key, MOST_TEXTS) : ASSAY_OK;
}

enum assay_code assay_description_aliases(const struct assay_description_reader *r, const char *const **out, struct assay_error *err)
{
    json_t *array = NULL;
    size_t  n = 0;
    if (find_texts(r, "aliases", &array, &n, err))
        return err->code;
    const char **names = assay_arena_take(r->arena, n + 1, sizeof *names);
    if (!names)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the aliases of a description");
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || !*text)
            return assay_json_fail_at(r->file, r->file->root, "aliases", err, "alias %zu is no text", i + 1);
        if (assay_description_keep(r, text, &names[i], err))
            return err->code;
    }
    *out = names;
    return ASSAY_OK;
}

enum assay_code assay_description_said(const struct assay_description_reader *r, const struct assay_said **out, size_t *n,
                                       struct assay_error *err)
{
    static const char *const known[] = {"what", "source"};
    json_t                  *array = NULL;
    if (find_texts(r, "said", &array, n, err))
        return err->code;
    struct assay_said *said = assay_arena_take(r->arena, *n + 1, sizeof *said);
    if (!said)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was said");
    for (size_t i = 0; i < *n; i++) {
        const json_t *object = json_array_get(array, i);
        if (!json_is_object(object))
            return assay_json_fail_at(r->file, r->file->root, "said", err, "saying %zu is no object", i + 1);
        if (assay_json_known_keys(r->file, object, known, 2, err) || assay_description_text(r, object, "what", true, &said[i].what, err) ||
            assay_description_text(r, object, "source", true, &said[i].source, err))
            return err->code;
    }
    *out = said;
    return ASSAY_OK;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------ */

enum assay_code assay_description_fields(const struct assay_description_reader *r, const json_t *parent, bool required,
                                         const struct assay_quantity_row *rows, size_t n, struct assay_quantity *out, struct assay_error *err)
{
    json_t         *fields = NULL;
    enum assay_code code = assay_json_object(r->file, parent, "fields", required, &fields, err);
    if (code || !fields)
        return code;
    const char **keys = assay_arena_take(r->arena, n, sizeof *keys);
    if (!keys)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the keys of a description");
    for (size_t f = 0; f < n; f++)
        keys[f] = rows[f].key;
    if (assay_json_known_keys(r->file, fields, keys, n, err))
        return err->code;
    for (size_t f = 0; f < n; f++)
        if (json_object_get(fields, keys[f]) && assay_quantity_read(r->file, fields, &rows[f], r->overlay, r->arena, &out[f], err))
            return err->code;
    return ASSAY_OK;
}

enum assay_code assay_description_note_overlay(const struct assay_description_reader *r, const char *by, const char **overlays,
                                               char fingerprint[65], struct assay_error *err)
{
    char              text[1200], joined[130], file[65];
    struct assay_text all = ASSAY_TEXT(text);
    assay_text_add(&all, "%s%s%.300s (by %.200s)", *overlays, **overlays ? ", " : "", r->overlay, by);
    if (assay_description_keep(r, text, overlays, err))
        return err->code;
    assay_sha256_hex(r->file->bytes, r->file->length, file);
    (void)snprintf(joined, sizeof joined, "%s%s", fingerprint, file);
    assay_sha256_hex(joined, strlen(joined), fingerprint);
    return ASSAY_OK;
}

/* ---- by name ------------------------------------------------------------------------------------------------------ */

#define MOST_WORDS 12
#define WORD_BYTES 24

/* Of a name in lower case, sorted, without what tables put beside it: who makes it, what kind of thing it is, its memory's kind, its
 * cooling. */
struct words {
    char   word[MOST_WORDS][WORD_BYTES];
    size_t n;
};

static bool says_nothing(const char *word)
{
    static const char *const beside[] = {"nvidia", "amd", "instinct", "intel", "habana", "google", "huawei", "r", "tm", "gpu", "ai",
                                         "accelerator", "hbm2e", "hbm3", "hbm3e", "gddr6", "gddr7", "cts"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (!strcmp(word, beside[i]))
            return true;
    return false;
}

static int by_letters(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* false: too long to be one. */
static bool words_of(const char *name, struct words *out)
{
    out->n = 0;
    for (const char *at = name; *at;) {
        size_t length = 0;
        for (; isalnum((unsigned char)at[length]); length++)
            if (length + 1 < WORD_BYTES && out->n < MOST_WORDS)
                out->word[out->n][length] = (char)tolower((unsigned char)at[length]);
        if (length >= WORD_BYTES || (length && out->n == MOST_WORDS))
            return false;
        if (length) {
            out->word[out->n][length] = 0;
            out->n += !says_nothing(out->word[out->n]);
        }
        at += length ? length : 1;
    }
    qsort(out->word, out->n, WORD_BYTES, by_letters);
    return true;
}

/* "h200-sxm", "H200_SXM" and "NVIDIA H200 SXM" are one. */
static bool is_same_name(const char *a, const char *b)
{
    struct words x, y;
    bool         same = words_of(a, &x) && words_of(b, &y) && x.n == y.n && x.n > 0;
    for (size_t i = 0; same && i < x.n; i++)
        same = !strcmp(x.word[i], y.word[i]);
    return same || !strcasecmp(a, b);
}

bool assay_description_is_called(const char *name, const char *const *aliases, const char *called)
{
    bool same = is_same_name(name, called);
    for (; !same && *aliases; aliases++)
        same = is_same_name(*aliases, called);
    return same;
}

static enum assay_code read_one(const struct assay_description_kind *kind, const struct assay_data_names *names, size_t i, void **out,
                                struct assay_error *err)
{
    char path[800];
    if (assay_data_names_path(names, i, path, sizeof path, err) || kind->read(path, out, err))
        return err->code;
    if (!strcmp(kind->name(*out), names->name[i]))
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_DATA, "'%.100s' describes '%.60s', which is not what the file is called", path, kind->name(*out));
    kind->release(*out);
    *out = NULL;
    return err->code;
}

/* A description that is wrong hides nothing but itself: it is an error only where it is the one asked for by its file's name. */
static enum assay_code find_in(const struct assay_description_kind *kind, const struct assay_data_names *names, const char *name, void **out,
                               struct assay_error *err)
{
    for (size_t i = 0; i < names->n; i++)
        if (is_same_name(names->name[i], name))
            return read_one(kind, names, i, out, err);
    for (size_t i = 0; i < names->n; i++) {
        void              *one = NULL;
        struct assay_error ignored = {.code = ASSAY_OK};
        if (read_one(kind, names, i, &one, &ignored))
            continue;
        if (assay_description_is_called(kind->name(one), kind->aliases(one), name)) {
            *out = one;
            return ASSAY_OK;
        }
        kind->release(one);
    }
    return assay_data_names_unknown(names, kind->what, name, err);
}

enum assay_code assay_description_find(const struct assay_description_kind *kind, const char *name, void **out, struct assay_error *err)
{
    struct assay_data_names names;
    if (assay_data_is_path(name))
        return kind->read(name, out, err);
    if (assay_data_names_read(kind->folder, &names, err))
        return err->code;
    enum assay_code code = find_in(kind, &names, name, out, err);
    assay_data_names_release(&names);
    return code;
}

enum assay_code assay_descriptions_list(const struct assay_description_kind *kind,
                                        void (*each)(void *self, const char *name, const void *description, const struct assay_error *why_not),
                                        void *self, struct assay_error *err)
{
    struct assay_data_names names;
    if (assay_data_names_read(kind->folder, &names, err))
        return err->code;
    for (size_t i = 0; i < names.n; i++) {
        void              *one = NULL;
        struct assay_error why_not = {.code = ASSAY_OK};
        (void)read_one(kind, &names, i, &one, &why_not);
        each(self, names.name[i], one, &why_not);
        if (one)
            kind->release(one);
    }
    assay_data_names_release(&names);
    return ASSAY_OK;
}
