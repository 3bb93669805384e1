#include "suites/weights/value_source.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "reference/formats/formats.h"
#include "suites/data/fill.h"
#include "suites/weights/checkpoint.h"
#include "suites/weights/tensor_list.h"
#include "suites/weights/tensor_parts.h"

#include "assay/banned.h"

struct assay_value_source {
    const struct assay_graph  *g;
    struct assay_checkpoint   *weights; /* NULL: seeded */
    struct assay_tensor_file **input;   /* for each value of the graph; NULL: seeded */
};

static bool is_input(const struct assay_value *v)
{
    return v->role == ASSAY_ROLE_INPUT || v->role == ASSAY_ROLE_CONTROL;
}

static const struct assay_tensor *tensor_of(const struct assay_value_source *s, int32_t value)
{
    size_t n;
    return s->input[value] ? assay_tensor_file_tensors(s->input[value], &n) : NULL;
}

/* ---- inputs ---------------------------------------------------------------------------------------------------- */

/* How many sets the file has; 0: it has another shape. */
static int64_t sets_of(const struct assay_tensor *t, const struct assay_value *v)
{
    int32_t more = t->rank - v->rank;
    if (more < 0 || more > 1 || memcmp(t->dims + more, v->dims, (size_t)v->rank * sizeof *v->dims) != 0)
        return 0;
    return more ? t->dims[0] : 1;
}

static bool has_type(enum assay_dtype from, enum assay_dtype to)
{
    return from == to || (from == ASSAY_F32 && (to == ASSAY_BF16 || to == ASSAY_F8E4M3 || to == ASSAY_F8E5M2));
}

static enum assay_code open_input(struct assay_value_source *s, const char *folder, int32_t value, struct assay_error *err)
{
    char                      name[ASSAY_VALUE_NAME_BYTES + 8], path[4096], has[96], wants[96];
    struct assay_text         text = ASSAY_TEXT(name), has_text = ASSAY_TEXT(has), wants_text = ASSAY_TEXT(wants);
    const struct assay_value *v = &s->g->values[value];
    assay_text_add(&text, "%s.npy", v->name);
    assay_value_describe(v, &wants_text);
    if (assay_path_join(path, sizeof path, folder, name, err))
        return err->code;
    if (!assay_file_exists(path))
        return ASSAY_FAIL(err, ASSAY_DATA, "no file '%.100s' for input '%.60s', which is %.40s", name, v->name, wants);
    if (assay_tensor_file_map(path, name, assay_npy_read, &s->input[value], err))
        return err->code;
    const struct assay_tensor *t = tensor_of(s, value);
    struct assay_value         described = {.dtype = t->dtype, .rank = t->rank};
    memcpy(described.dims, t->dims, sizeof t->dims);
    assay_value_describe(&described, &has_text);
    if (sets_of(t, v) < 1 || !has_type(t->dtype, v->dtype))
        return ASSAY_FAIL(err, ASSAY_DATA, "%.100s: it is %.40s; the input is %.40s, with or without an axis of sets before it",
                          name, has, wants);
    return ASSAY_OK;
}

static int is_npy(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 4 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 4, ".npy");
}

static enum assay_code refuse_extra(const struct assay_value_source *s, const char *folder, struct assay_error *err)
{
    struct dirent **entries = NULL;
    int             n = scandir(folder, &entries, is_npy, alphasort);
    enum assay_code code = n < 0 ? ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read the folder '%.150s'", folder) : ASSAY_OK;
    for (int i = 0; i < n; i++) {
        char   name[256];
        size_t length = strlen(entries[i]->d_name) - 4;
        (void)assay_string_copy(name, sizeof name < length + 1 ? sizeof name : length + 1, entries[i]->d_name);
        const struct assay_value *v = assay_graph_value(s->g, assay_graph_find(s->g, name));
        if (!code && (!v || !is_input(v)))
            code = ASSAY_FAIL(err, ASSAY_DATA, "%.150s: the graph has no input of that name", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return code;
}

static enum assay_code open_inputs(struct assay_value_source *s, const char *folder, struct assay_error *err)
{
    enum assay_code code = refuse_extra(s, folder, err);
    for (uint32_t i = 0; !code && i < s->g->n_values; i++)
        if (is_input(&s->g->values[i]))
            code = open_input(s, folder, (int32_t)i, err);
    return code ? assay_error_in(err, "reading inputs '%.90s'", folder) : ASSAY_OK;
}

enum assay_code assay_value_source_open(const struct assay_graph *g, const char *weights, const char *inputs,
                                        struct assay_value_source **out, struct assay_error *err)
{
    struct assay_value_source *s = calloc(1, sizeof *s);
    enum assay_code            code = ASSAY_OK;
    if (!s || !(s->input = calloc(g->n_values + 1, sizeof(struct assay_tensor_file *)))) {
        free(s);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a source of values");
    }
    s->g = g;
    if (*weights)
        code = assay_checkpoint_open(weights, g, &s->weights, err);
    if (!code && *inputs)
        code = open_inputs(s, inputs, err);
    if (code) {
        assay_value_source_close(s);
        return code;
    }
    *out = s;
    return ASSAY_OK;
}

void assay_value_source_close(struct assay_value_source *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->g->n_values; i++)
        assay_tensor_file_close(s->input[i]);
    free(s->input);
    assay_checkpoint_close(s->weights);
    free(s);
}

/* ---- contents -------------------------------------------------------------------------------------------------- */

/* Indices and counts: the graph says between which numbers they lie, and kernels rely on it. */
static enum assay_code check_integers(const struct assay_value *v, const struct assay_tensor *t, struct assay_error *err)
{
    double                     x;
    union { int64_t i; double aligned; } one;
    uint64_t                   width = assay_dtype_bytes(t->dtype, 1);
    for (uint64_t i = 0; v->fill.kind == ASSAY_FILL_INTEGERS && i < t->elements; i++) {
        memcpy(&one, (const unsigned char *)t->data + i * width, width);
        assay_to_double(t->dtype, &one, 1, &x);
        if (x < v->fill.a || x > v->fill.b)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.100s.npy: element %llu is %.17g; the graph allows %.17g to %.17g", v->name,
                              (unsigned long long)i, x, v->fill.a, v->fill.b);
    }
    return ASSAY_OK;
}

static enum assay_code check_input(const struct assay_value *v, const struct assay_tensor *t, struct assay_error *err)
{
    double  found = 0;
    int64_t at = assay_tensor_first_bad(t, v->dtype, &found);
    if (at >= 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.100s.npy: element %lld is %g", v->name, (long long)at, found);
    return assay_dtype_is_float(t->dtype) ? ASSAY_OK : check_integers(v, t, err);
}

enum assay_code assay_value_source_check(const struct assay_value_source *s, struct assay_error *err)
{
    if (s->weights && assay_checkpoint_check(s->weights, err))
        return err->code;
    for (uint32_t i = 0; i < s->g->n_values; i++) {
        const struct assay_tensor *t = tensor_of(s, (int32_t)i);
        if (t && check_input(&s->g->values[i], t, err))
            return err->code;
    }
    return ASSAY_OK;
}

void assay_value_source_say(const struct assay_value_source *s, struct assay_text *out)
{
    if (s->weights)
        assay_checkpoint_say(s->weights, out);
}

enum assay_code assay_value_source_files(const struct assay_value_source *s, struct assay_file_set *weights,
                                         struct assay_file_set *inputs, struct assay_error *err)
{
    const struct assay_tensor_folder *folder = s->weights ? assay_checkpoint_folder(s->weights) : NULL;
    for (size_t i = 0; folder && weights && i < assay_tensor_folder_n_files(folder); i++)
        if (assay_file_set_add(weights, assay_tensor_folder_file(folder, i), err))
            return err->code;
    for (uint32_t i = 0; inputs && i < s->g->n_values; i++) {
        char              name[ASSAY_VALUE_NAME_BYTES + 8];
        struct assay_text text = ASSAY_TEXT(name);
        if (!s->input[i])
            continue;
        assay_text_add(&text, "%s.npy", s->g->values[i].name);
        if (assay_file_set_add(inputs, name, err))
            return err->code;
    }
    return ASSAY_OK;
}

/* ---- filling --------------------------------------------------------------------------------------------------- */

/* Set number `set` is slice number `set` of as many as there are, over and over. */
static void fill_from_file(const struct assay_tensor *t, const struct assay_value *v, uint64_t set, void *to)
{
    int64_t                           sets = sets_of(t, v);
    uint64_t                          slice = sets > 1 ? set % (uint64_t)sets : 0;
    struct assay_tensor               part = *t;
    struct assay_folder_tensor        whole = {&part, ""};
    const struct assay_folder_tensor *list[1] = {&whole};
    struct assay_tensor_parts         parts = {.part = list, .n = 1};
    part.elements = v->elements;
    part.bytes = assay_dtype_bytes(t->dtype, v->elements);
    part.data = (const unsigned char *)t->data + slice * part.bytes;
    assay_tensor_parts_fill(&parts, v, to);
}

enum assay_code assay_value_fill(const struct assay_value_source *s, const struct assay_graph *g, int32_t value, uint64_t seed,
                                 uint64_t set, void *to, struct assay_error *err)
{
    const struct assay_value *v = assay_graph_value(g, value);
    if (s && v && s->weights && v->role == ASSAY_ROLE_PARAM)
        return assay_checkpoint_fill(s->weights, value, to, err);
    if (s && v && s->input[value]) {
        fill_from_file(tensor_of(s, value), v, set, to);
        return ASSAY_OK;
    }
    return assay_fill_value(g, value, seed, set, to, err);
}
