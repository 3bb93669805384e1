/* github.com/huggingface/safetensors, README, section Format. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/strings.h"
#include "suites/weights/tensor_list.h"

#include "assay/banned.h"

#define HEADER_MOST 100000000u
#define DEPTH_MOST 4 /* the object, a tensor, its list; one more for what a future version may add */

static const struct {
    const char      *name;
    enum assay_dtype dtype;
} types[] = {{"F64", ASSAY_F64},        {"F32", ASSAY_F32},        {"BF16", ASSAY_BF16},      {"F16", ASSAY_F16},
             {"F8_E4M3", ASSAY_F8E4M3}, {"F8_E5M2", ASSAY_F8E5M2}, {"F8_E8M0", ASSAY_F8E8M0}, {"I64", ASSAY_I64},
             {"I32", ASSAY_I32},        {"I8", ASSAY_I8},          {"U8", ASSAY_U8},          {"BOOL", ASSAY_BOOL}};

static enum assay_dtype dtype_of(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].dtype;
    return ASSAY_DTYPE_NONE;
}

const char *assay_safetensors_type_name(enum assay_dtype dtype)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].dtype == dtype)
            return types[i].name;
    return NULL;
}

/* Brackets that are open at once, outside of texts: a parser that recurses must not meet a header made to exhaust it. */
static bool is_too_deep(const char *text, size_t length)
{
    int  depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '{' || text[i] == '[') && ++depth > DEPTH_MOST)
            return true;
        else if (!quoted && (text[i] == '}' || text[i] == ']'))
            depth--;
    }
    return false;
}

struct place {
    uint64_t begin, end;
    size_t   tensor;
};

struct reading {
    const char          *what;
    const unsigned char *data;
    uint64_t             data_bytes;
    struct assay_tensor *tensors;
    struct place        *places;
    size_t               n;
};

static enum assay_code complain(const struct reading *r, const char *tensor, struct assay_error *err, const char *why)
{
    char shown[2 * ASSAY_TENSOR_NAME_BYTES];
    struct assay_text text = ASSAY_TEXT(shown);
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, tensor);
    return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: tensor '%.100s' %s", r->what, shown, why);
}

/* Later messages show names as they are, each in its line: one that would steer a terminal is refused here. */
static bool is_plain(const char *name)
{
    char *shown = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, name);
    bool  plain = shown && strcmp(shown, name) == 0;
    free(shown);
    return plain;
}

static enum assay_code read_shape(const struct reading *r, const json_t *shape, struct assay_tensor *t, struct assay_error *err)
{
    if (!json_is_array(shape) || json_array_size(shape) > ASSAY_MAX_RANK)
        return complain(r, t->name, err, "has no shape of at most 8 axes");
    t->rank = (int32_t)json_array_size(shape);
    for (int32_t i = 0; i < t->rank; i++) {
        const json_t *length = json_array_get(shape, (size_t)i);
        if (!json_is_integer(length) || json_integer_value(length) < 0)
            return complain(r, t->name, err, "has a length that is no whole number");
        t->dims[i] = json_integer_value(length);
    }
    return assay_tensor_measure(t, r->what, err);
}

static enum assay_code read_tensor(const struct reading *r, const char *name, const json_t *entry, struct assay_tensor *t,
                                   struct place *at, struct assay_error *err)
{
    const char   *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets"), *begin = json_array_get(offsets, 0),
                 *end = json_array_get(offsets, 1);
    if (!assay_string_copy(t->name, sizeof t->name, name))
        return complain(r, name, err, "has a name that is too long");
    if (!is_plain(name))
        return complain(r, name, err, "has a name with control characters");
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !type)
        return complain(r, name, err, "is not described by dtype, shape and data_offsets");
    if (!(t->dtype = dtype_of(type)))
        return complain(r, name, err, "has a type that is not known here");
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) || json_integer_value(begin) < 0)
        return complain(r, name, err, "has no two data_offsets");
    if (read_shape(r, json_object_get(entry, "shape"), t, err))
        return err->code;
    at->begin = (uint64_t)json_integer_value(begin);
    at->end = (uint64_t)json_integer_value(end);
    if (json_integer_value(end) < json_integer_value(begin) || at->end > r->data_bytes)
        return complain(r, name, err, "lies beyond the end of the file");
    if (at->end - at->begin != t->bytes)
        return complain(r, name, err, "has not the size of its type and shape");
    t->data = r->data + at->begin;
    return ASSAY_OK;
}

static int by_begin(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

/* Every byte of the data belongs to one tensor. */
static enum assay_code check_places(const struct reading *r, struct assay_error *err)
{
    uint64_t at = 0;
    qsort(r->places, r->n, sizeof *r->places, by_begin);
    for (size_t i = 0; i < r->n; at = r->places[i++].end)
        if (r->places[i].begin != at)
            return complain(r, r->tensors[r->places[i].tensor].name, err,
                            r->places[i].begin < at ? "overlaps another" : "lies behind a gap");
    return at == r->data_bytes ? ASSAY_OK
                               : ASSAY_FAIL(err, ASSAY_DATA, "%.110s: %" PRIu64 " bytes at its end belong to no tensor", r->what,
                                            r->data_bytes - at);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct assay_tensor *)a)->name, ((const struct assay_tensor *)b)->name);
}

static enum assay_code read_header(struct reading *r, json_t *header, struct assay_error *err)
{
    const char *name;
    json_t     *entry;
    size_t      room = json_object_size(header) + 1;
    r->tensors = calloc(room, sizeof *r->tensors);
    r->places = calloc(room, sizeof *r->places);
    if (!r->tensors || !r->places)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory for %zu tensors", r->what, room - 1);
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        r->places[r->n].tensor = r->n;
        if (read_tensor(r, name, entry, &r->tensors[r->n], &r->places[r->n], err))
            return err->code;
        r->n++;
    }
    if (check_places(r, err))
        return err->code;
    qsort(r->tensors, r->n, sizeof *r->tensors, by_name);
    return ASSAY_OK;
}

enum assay_code assay_safetensors_read(const void *bytes, size_t length, const char *what, struct assay_tensor_file **out,
                                       struct assay_error *err)
{
    const unsigned char *at = bytes;
    struct reading       r = {.what = what};
    json_error_t         where;
    uint64_t             header_bytes = 0;
    if (length < 8)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: %zu bytes, too short for a safetensors file", what, length);
    for (int i = 7; i >= 0; i--)
        header_bytes = header_bytes << 8 | at[i];
    if (header_bytes > HEADER_MOST || header_bytes > length - 8)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: a header of %" PRIu64 " bytes in a file of %zu", what, header_bytes, length);
    const char *text = (const char *)at + 8;
    if (header_bytes == 0 || text[0] != '{' || is_too_deep(text, header_bytes))
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: its header is no plain JSON object", what);
    json_t *header = json_loadb(text, header_bytes, JSON_REJECT_DUPLICATES, &where);
    if (!header) {
        char              shown[4 * sizeof where.text];
        struct assay_text escaped = ASSAY_TEXT(shown);
        assay_string_escape(&escaped, ASSAY_ESCAPE_TERMINAL, where.text);
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: its header is no JSON: %.100s at byte %d", what, shown, where.position);
    }
    r.data = at + 8 + header_bytes;
    r.data_bytes = length - 8 - header_bytes;
    enum assay_code           code = read_header(&r, header, err);
    struct assay_tensor_file *file = code ? NULL : calloc(1, sizeof *file);
    json_decref(header);
    free(r.places);
    if (!code && !file)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory", what);
    if (code) {
        free(r.tensors);
        return code;
    }
    *file = (struct assay_tensor_file){.tensors = r.tensors, .n = r.n};
    *out = file;
    return ASSAY_OK;
}

enum assay_code assay_safetensors_open(const char *path, struct assay_tensor_file **out, struct assay_error *err)
{
    return assay_tensor_file_map(path, path, assay_safetensors_read, out, err);
}
