/* Descriptions as files: "assay-device/1" describes a chip, "assay-spec/1" lays a buyer's numbers over one. */
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/model/device.h"

#include "assay/banned.h"

#define DEVICE_FORMAT "assay-device/1"
#define SPEC_FORMAT "assay-spec/1"
#define LIMIT_BYTES ((size_t)1 << 20)
#define MOST_MEASURED 64
#define MOST_OVERLAYS 16 /* one above the other */

/* The description and what its texts are in. */
struct kept {
    struct assay_described d;
    struct assay_arena     arena;
};

struct reader {
    struct assay_description_reader of;
    struct kept                    *to;
};

/* ---- texts and words ---------------------------------------------------------------------------------------------- */

static enum assay_code read_text(const struct reader *r, const json_t *object, const char *key, bool required, const char **out,
                                 struct assay_error *err)
{
    return assay_description_text(&r->of, object, key, required, out, err);
}

static bool is_name(const char *text)
{
    size_t n = strlen(text);
    return n && n < 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n && text[0] != '-' && text[0] != '.';
}

static enum assay_code read_name(const struct reader *r, struct assay_error *err)
{
    struct assay_described *d = &r->to->d;
    if (read_text(r, r->of.file->root, "name", true, &d->name, err))
        return err->code;
    if (!is_name(d->name))
        return assay_json_fail_at(r->of.file, r->of.file->root, "name", err, "'%.60s' is no name: 1 to 63 of a-z, 0-9, '-', '.'",
                                  d->name);
    return ASSAY_OK;
}

static enum assay_code read_origin(const struct reader *r, struct assay_error *err)
{
    const char **origin = &r->to->d.origin;
    if (read_text(r, r->of.file->root, "origin", true, origin, err))
        return err->code;
    if (strlen(*origin) != 2 || strspn(*origin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        return assay_json_fail_at(r->of.file, r->of.file->root, "origin", err, "'%.20s' is no country: two letters of ISO 3166, as CN",
                                  *origin);
    return ASSAY_OK;
}

static enum assay_code read_at_least(const struct reader *r, const json_t *object, struct assay_at_least *out,
                                     struct assay_error *err)
{
    static const char *const known[] = {"field", "at_least", "source"};
    const char              *field = NULL, *keys[ASSAY_DEVICE_FIELDS];
    int                      f = 0;
    if (assay_json_known_keys(r->of.file, object, known, 3, err) || assay_json_text(r->of.file, object, "field", true, &field, err) ||
        assay_json_f64(r->of.file, object, "at_least", true, 1e-3, ASSAY_QUANTITY_MOST, &out->at_least, err) ||
        read_text(r, object, "source", true, &out->source, err))
        return err->code;
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        keys[i] = assay_device_fields[i].key;
    while (f < ASSAY_DEVICE_FIELDS && strcmp(keys[f], field) != 0)
        f++;
    out->field = (enum assay_device_field)f;
    if (f < ASSAY_DEVICE_FIELDS)
        return ASSAY_OK;
    const char *near = assay_string_nearest(field, keys, ASSAY_DEVICE_FIELDS);
    (void)assay_json_fail_at(r->of.file, object, "field", err, "there is no field '%.60s'", field);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
}

static enum assay_code read_measured(const struct reader *r, struct assay_error *err)
{
    json_t *array = NULL;
    if (assay_json_array(r->of.file, r->of.file->root, "measured", false, &array, err))
        return err->code;
    size_t n = json_array_size(array);
    if (n > MOST_MEASURED)
        return assay_json_fail_at(r->of.file, r->of.file->root, "measured", err, "%zu measurements, at most %d", n, MOST_MEASURED);
    struct assay_at_least *all = assay_arena_take(r->of.arena, n + 1, sizeof *all);
    if (!all)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was measured of a device");
    for (size_t i = 0; i < n; i++) {
        if (!json_is_object(json_array_get(array, i)))
            return assay_json_fail_at(r->of.file, r->of.file->root, "measured", err, "measurement %zu is no object", i + 1);
        if (read_at_least(r, json_array_get(array, i), &all[i], err))
            return err->code;
    }
    r->to->d.measured = all;
    r->to->d.n_measured = n;
    return ASSAY_OK;
}

/* Two fields of which one is more than the other by their nature. */
static enum assay_code check_together(const struct reader *r, struct assay_error *err)
{
    const struct assay_quantity *f = r->to->d.fields, *idle = &f[ASSAY_DEVICE_IDLE_POWER], *power = &f[ASSAY_DEVICE_POWER];
    if (idle->state == ASSAY_KNOWN && power->state == ASSAY_KNOWN && idle->low > power->high)
        return assay_json_fail(r->of.file, assay_device_fields[ASSAY_DEVICE_IDLE_POWER].key, err,
                               "idle it takes %.9g W, at work %.9g W at most", idle->low, power->high);
    if (f[ASSAY_DEVICE_ARRAY_ROWS].state != f[ASSAY_DEVICE_ARRAY_COLUMNS].state)
        return assay_json_fail(r->of.file, assay_device_fields[ASSAY_DEVICE_ARRAY_ROWS].key, err,
                               "array_rows and array_columns are known together or not at all");
    if (r->to->d.family == ASSAY_CHIP_SYSTOLIC && f[ASSAY_DEVICE_ARRAY_ROWS].state == ASSAY_NOT_SUPPORTED)
        return assay_json_fail(r->of.file, "family", err, "a systolic chip has an array");
    return ASSAY_OK;
}

/* ---- a description ------------------------------------------------------------------------------------------------ */

static enum assay_code read_kind(const struct reader *r, bool required, struct assay_error *err)
{
    struct assay_described *d = &r->to->d;
    const json_t           *root = r->of.file->root;
    int                     family = (int)d->family, memory = (int)d->memory_class, status = (int)d->status;
    if (assay_json_word(r->of.file, root, "family", required, assay_chip_family_names, &family, err) ||
        assay_json_word(r->of.file, root, "memory_class", required, assay_memory_class_names, &memory, err) ||
        assay_json_word(r->of.file, root, "status", required, assay_device_status_names, &status, err) ||
        read_text(r, root, "unit", false, &d->unit, err))
        return err->code;
    d->family = (enum assay_chip_family)family;
    d->memory_class = (enum assay_memory_class)memory;
    d->status = (enum assay_device_status)status;
    return ASSAY_OK;
}

static enum assay_code read_description(const struct reader *r, struct assay_error *err)
{
    static const char *const known[] = {"format", "name", "product", "vendor", "origin", "about", "aliases", "family",
                                        "memory_class", "status", "unit", "said", "measured", "fields"};
    struct assay_described  *d = &r->to->d;
    const json_t            *root = r->of.file->root;
    *d = (struct assay_described){.unit = "", .overlays = ""};
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++)
        d->fields[f] = assay_quantity_none();
    if (assay_json_known_keys(r->of.file, root, known, sizeof known / sizeof *known, err) || read_name(r, err) ||
        read_text(r, root, "product", true, &d->product, err) || read_text(r, root, "vendor", true, &d->vendor, err) ||
        read_origin(r, err) || read_text(r, root, "about", true, &d->about, err) || assay_description_aliases(&r->of, &d->aliases, err) ||
        assay_description_said(&r->of, &d->said, &d->n_said, err) || read_measured(r, err) || read_kind(r, true, err) ||
        assay_description_fields(&r->of, root, true, assay_device_fields, ASSAY_DEVICE_FIELDS, d->fields, err))
        return err->code;
    assay_sha256_hex(r->of.file->bytes, r->of.file->length, d->fingerprint);
    return check_together(r, err);
}

enum assay_code assay_described_read(const char *path, struct assay_described **out, struct assay_error *err)
{
    struct assay_json_file file;
    struct kept           *to;
    if (assay_json_load(path, DEVICE_FORMAT, LIMIT_BYTES, &file, err))
        return assay_error_in(err, "reading the description '%.90s'", path);
    to = calloc(1, sizeof *to);
    if (to)
        (void)read_description(&(struct reader){{&file, &to->arena, ""}, to}, err);
    else
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the description of a device");
    assay_json_release(&file);
    if (to && !err->code) {
        *out = &to->d;
        return ASSAY_OK;
    }
    if (to)
        assay_described_free(&to->d);
    return assay_error_in(err, "reading the description '%.90s'", path);
}

static struct kept *kept_of(struct assay_described *d)
{
    return (struct kept *)(void *)((char *)d - offsetof(struct kept, d));
}

void assay_described_free(struct assay_described *d)
{
    if (!d)
        return;
    assay_arena_clear(&kept_of(d)->arena);
    free(kept_of(d));
}

/* ---- a buyer's numbers over it ------------------------------------------------------------------------------------ */

static enum assay_code read_overlay(const struct reader *r, struct assay_error *err)
{
    static const char *const known[] = {"format", "device", "by", "about", "over", "family", "memory_class", "status", "unit",
                                        "fields"};
    const char              *device = NULL, *by = "", *about = "";
    const json_t            *root = r->of.file->root;
    if (assay_json_known_keys(r->of.file, root, known, sizeof known / sizeof *known, err) ||
        assay_json_text(r->of.file, root, "device", true, &device, err) || read_text(r, root, "by", true, &by, err) ||
        assay_json_text(r->of.file, root, "about", false, &about, err))
        return err->code;
    if (!assay_description_is_called(r->to->d.name, r->to->d.aliases, device))
        return assay_json_fail_at(r->of.file, root, "device", err, "it is for device '%.60s', not for '%.60s'", device,
                                  r->to->d.name);
    if (read_kind(r, false, err) || assay_description_fields(&r->of, root, true, assay_device_fields, ASSAY_DEVICE_FIELDS, r->to->d.fields, err) || check_together(r, err))
        return err->code;
    return assay_description_note_overlay(&r->of, by, &r->to->d.overlays, r->to->d.fingerprint, err);
}

/* Files that lie one above the other, from the top; a file that is its own ground has none. */
struct stack {
    char   paths[MOST_OVERLAYS][512];
    size_t n;
};

/* `over` is relative to the file that names it. */
static enum assay_code push_ground(const struct assay_json_file *file, struct stack *s, bool *more, struct assay_error *err)
{
    const char *over = NULL, *slash = strrchr(file->path, '/');
    char        path[1100];
    *more = false;
    if (assay_json_text(file, file->root, "over", false, &over, err) || !over)
        return err->code;
    (void)snprintf(path, sizeof path, "%.*s%s", *over != '/' && slash ? (int)(slash - file->path + 1) : 0, file->path, over);
    char *real = realpath(path, NULL);
    bool  fits = real && strlen(real) < sizeof s->paths[0] && s->n < MOST_OVERLAYS, seen = false;
    for (size_t i = 0; fits && i < s->n; i++)
        seen = seen || !strcmp(s->paths[i], real);
    if (!real)
        (void)assay_json_fail_at(file, file->root, "over", err, "there is no file '%.150s' to lie over", over);
    else if (seen)
        (void)assay_json_fail_at(file, file->root, "over", err, "it lies over '%.150s', which lies over it", over);
    else if (!fits)
        (void)assay_json_fail_at(file, file->root, "over", err, "more than %d files lie one over the other", MOST_OVERLAYS);
    else
        (void)assay_string_copy(s->paths[s->n++], sizeof s->paths[0], real);
    free(real);
    *more = !err->code;
    return err->code;
}

static enum assay_code stack_files(const char *path, struct stack *s, struct assay_error *err)
{
    char *real = realpath(path, NULL);
    bool  more = real && assay_string_copy(s->paths[0], sizeof s->paths[0], real);
    free(real);
    if (!more)
        return ASSAY_FAIL(err, ASSAY_IO, "there is no file '%.150s'", path);
    for (s->n = 1; more && !err->code;) {
        struct assay_json_file file;
        if (assay_json_load(s->paths[s->n - 1], SPEC_FORMAT, LIMIT_BYTES, &file, err))
            return err->code;
        (void)push_ground(&file, s, &more, err);
        assay_json_release(&file);
    }
    return err->code;
}

static enum assay_code lay(struct kept *to, const char *path, struct assay_error *err)
{
    struct assay_json_file file;
    struct reader          r = {{&file, &to->arena, ""}, to};
    if (assay_json_load(path, SPEC_FORMAT, LIMIT_BYTES, &file, err))
        return err->code;
    if (!assay_description_keep(&r.of, path, &r.of.overlay, err))
        (void)read_overlay(&r, err);
    assay_json_release(&file);
    return err->code;
}

/* Laid over a copy, so that a file that is wrong leaves the description as it was. Texts stay in the same arena. */
enum assay_code assay_described_overlay(struct assay_described *d, const char *path, struct assay_error *err)
{
    struct stack          *s = calloc(1, sizeof *s);
    struct assay_described before = *d;
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to lay '%.100s' over a description", path);
    if (!stack_files(path, s, err))
        for (size_t i = s->n; i-- > 0 && !err->code;)
            (void)lay(kept_of(d), s->paths[i], err);
    free(s);
    if (err->code)
        *d = before;
    return err->code ? assay_error_in(err, "laying '%.90s' over %s", path, before.name) : ASSAY_OK;
}

/* ---- what a file is ------------------------------------------------------------------------------------------------ */

enum assay_code assay_spec_is_device(const char *path, bool *out, struct assay_error *err)
{
    struct assay_json_file file;
    struct assay_error     not_one = {.code = ASSAY_OK};
    if (!assay_json_load(path, DEVICE_FORMAT, LIMIT_BYTES, &file, &not_one)) {
        assay_json_release(&file);
        *out = true;
        return ASSAY_OK;
    }
    if (assay_json_load(path, SPEC_FORMAT, LIMIT_BYTES, &file, err)) {
        (void)assay_error_hint(err, "a file for --spec has \"format\": \"%s\" (numbers for a device) or \"%s\" (a device)",
                               SPEC_FORMAT,
                               DEVICE_FORMAT);
        return assay_error_in(err, "reading '%.90s'", path);
    }
    assay_json_release(&file);
    *out = false;
    return ASSAY_OK;
}

enum assay_code assay_spec_device(const char *path, char out[64], struct assay_error *err)
{
    struct assay_json_file file;
    const char            *device = NULL;
    bool                   is_device = false;
    if (assay_spec_is_device(path, &is_device, err) ||
        assay_json_load(path, is_device ? DEVICE_FORMAT : SPEC_FORMAT, LIMIT_BYTES, &file, err))
        return err->code;
    if (!assay_json_text(&file, file.root, is_device ? "name" : "device", true, &device, err) &&
        !assay_string_copy(out, 64, device))
        (void)assay_json_fail(&file, is_device ? "name" : "device", err, "a device's name has at most 63 characters");
    assay_json_release(&file);
    return err->code;
}
