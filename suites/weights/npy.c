/* numpy's NEP 1: a magic, the length of a header, the header as a Python dictionary, the data. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/strings.h"
#include "suites/weights/tensor_list.h"

#include "assay/banned.h"

#define HEADER_MOST 65536u

/* What stands behind "'key':" in the header, or NULL. Such headers are made by programs, in one form. */
static const char *member(const char *header, const char *key)
{
    char              wanted[32];
    struct assay_text text = ASSAY_TEXT(wanted);
    assay_text_add(&text, "'%s'", key);
    const char *at = strstr(header, wanted);
    if (!at)
        return NULL;
    at += strlen(wanted);
    at += strspn(at, " ");
    if (*at != ':')
        return NULL;
    return at + 1 + strspn(at + 1, " ");
}

static const struct {
    const char      *name;
    enum assay_dtype dtype;
} types[] = {{"'<f8'", ASSAY_F64}, {"'<f4'", ASSAY_F32}, {"'<f2'", ASSAY_F16}, {"'<i8'", ASSAY_I64},
             {"'<i4'", ASSAY_I32}, {"'|i1'", ASSAY_I8},  {"'|u1'", ASSAY_U8},  {"'|b1'", ASSAY_BOOL}};

static enum assay_dtype dtype_of(const char *descr)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(descr, types[i].name, strlen(types[i].name)) == 0)
            return types[i].dtype;
    return ASSAY_DTYPE_NONE;
}

/* "(2, 3)", "(5,)", "()". */
static bool read_shape(const char *at, struct assay_tensor *t)
{
    if (*at++ != '(')
        return false;
    for (t->rank = 0; (at += strspn(at, " "), *at != ')'); t->rank++) {
        char *end;
        if (t->rank == ASSAY_MAX_RANK || *at < '0' || *at > '9')
            return false;
        t->dims[t->rank] = strtoll(at, &end, 10);
        if (t->dims[t->rank] < 0 || t->dims[t->rank] == INT64_MAX)
            return false;
        at = end + strspn(end, " ");
        if (*at == ',')
            at++;
        else if (*at != ')')
            return false;
    }
    return true;
}

static enum assay_code unknown_type(const char *descr, const char *what, struct assay_error *err)
{
    char              type[13], shown[64];
    struct assay_text text = ASSAY_TEXT(shown);
    (void)assay_string_copy(type, sizeof type, descr);
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, type);
    return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: its type is %s; known are little-endian f2 f4 f8 i1 i4 i8 u1 b1", what, shown);
}

static enum assay_code read_header(const char *header, const char *what, struct assay_tensor *t, struct assay_error *err)
{
    const char *descr = member(header, "descr"), *order = member(header, "fortran_order"), *shape = member(header, "shape");
    if (!descr || !order || !shape)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: its header lacks descr, fortran_order or shape", what);
    if (!(t->dtype = dtype_of(descr)))
        return unknown_type(descr, what, err);
    if (strncmp(order, "False", 5) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: it is in Fortran's order; save it in C's", what);
    if (!read_shape(shape, t))
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: its shape is none of at most 8 axes", what);
    return assay_tensor_measure(t, what, err);
}

/* "x/inputs.npy" -> "inputs". */
static void name_after(const char *path, struct assay_tensor *t)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    (void)assay_string_copy(t->name, sizeof t->name, name);
    size_t n = strlen(t->name);
    if (n > 4 && strcmp(t->name + n - 4, ".npy") == 0)
        t->name[n - 4] = 0;
}

enum assay_code assay_npy_read(const void *bytes, size_t length, const char *what, struct assay_tensor_file **out,
                               struct assay_error *err)
{
    const unsigned char *at = bytes;
    struct assay_tensor  t = {.rank = 0};
    if (length < 12 || memcmp(at, "\x93NUMPY", 6) != 0 || at[6] < 1 || at[6] > 3)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: it is no .npy file of version 1 to 3", what);
    size_t begin = at[6] == 1 ? 10 : 12;
    size_t header_bytes = at[8] | (size_t)at[9] << 8 | (begin == 12 ? (size_t)at[10] << 16 | (size_t)at[11] << 24 : 0);
    if (header_bytes > HEADER_MOST || header_bytes > length - begin)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: a header of %zu bytes in a file of %zu", what, header_bytes, length);
    char *header = malloc(header_bytes + 1);
    if (!header)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory", what);
    memcpy(header, at + begin, header_bytes);
    header[header_bytes] = 0;
    enum assay_code code = read_header(header, what, &t, err);
    free(header);
    if (!code && t.bytes != length - begin - header_bytes)
        code = ASSAY_FAIL(err, ASSAY_DATA, "%.110s: %zu bytes of data; type and shape have %llu", what,
                          length - begin - header_bytes, (unsigned long long)t.bytes);
    if (code)
        return code;
    name_after(what, &t);
    t.data = at + begin + header_bytes;
    struct assay_tensor_file *file = calloc(1, sizeof *file);
    if (!file || !(file->tensors = malloc(sizeof t))) {
        free(file);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory", what);
    }
    file->tensors[0] = t;
    file->n = 1;
    *out = file;
    return ASSAY_OK;
}

enum assay_code assay_npy_open(const char *path, struct assay_tensor_file **out, struct assay_error *err)
{
    return assay_tensor_file_map(path, path, assay_npy_read, out, err);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* The dictionary with blanks and a line end behind it, so that the data begin at a multiple of 64; returns its length, 0: the
 * type has no name. */
static size_t make_header(const struct assay_tensor *t, char out[512])
{
    struct assay_text text = assay_text_over(out, 512);
    const char       *descr = NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        descr = types[i].dtype == t->dtype ? types[i].name : descr;
    if (!descr)
        return 0;
    assay_text_add(&text, "{'descr': %s, 'fortran_order': False, 'shape': (", descr);
    for (int32_t i = 0; i < t->rank; i++)
        assay_text_add(&text, "%lld%s", (long long)t->dims[i], t->rank == 1 ? "," : i + 1 < t->rank ? ", " : "");
    assay_text_add(&text, "), }");
    size_t n = strlen(out), whole = (10 + n + 1 + 63) / 64 * 64 - 10;
    memset(out + n, ' ', whole - n - 1);
    out[whole - 1] = '\n';
    return whole;
}

enum assay_code assay_npy_write(const char *path, const struct assay_tensor *t,
                                enum assay_code (*fill)(void *self, void *to, struct assay_error *err), void *self,
                                struct assay_error *err)
{
    static const unsigned char magic[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    struct assay_tensor        measured = *t;
    struct assay_mapped_file file;
    struct assay_error       ignored;
    char                     header[512];
    size_t                   n = make_header(t, header);
    if (!n)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%.120s' is %s; an .npy file cannot hold that", t->name,
                          assay_dtype_name(t->dtype));
    if (assay_tensor_measure(&measured, path, err) || assay_mapped_file_new(path, 10 + n + measured.bytes, &file, err))
        return err->code;
    unsigned char *at = file.at;
    memcpy(at, magic, sizeof magic);
    at[8] = (unsigned char)n;
    at[9] = (unsigned char)(n >> 8);
    memcpy(at + 10, header, n);
    enum assay_code code = fill(self, at + 10 + n, err),
                    closed = assay_mapped_file_close(&file, path, file.bytes, code ? &ignored : err);
    if (code || closed)
        (void)unlink(path); /* half a file is none */
    return code ? code : closed;
}
