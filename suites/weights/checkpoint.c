#include "suites/weights/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "suites/weights/tensor_parts.h"

#include "assay/banned.h"

#define NAME (2 * ASSAY_VALUE_NAME_BYTES)
#define EMBEDDING "model.embed_tokens.weight"
#define OUTPUT_MATRIX "lm_head.weight"

/* How a param gets its bytes. */
enum way { BY_NOTHING, BY_CONVERSION, BY_QUANTIZING, BY_SCALES };

struct mapped {
    enum way                  way;
    struct assay_tensor_parts parts;
    int32_t                   weight; /* BY_SCALES: the param that these are the scales of */
};

struct assay_checkpoint {
    const struct assay_graph   *g;
    struct assay_tensor_folder *folder;
    struct mapped              *of;   /* for each value of the graph */
    int32_t                    *user; /* for each tensor of the folder: one more than the first param that uses it; 0: none does */
    const struct assay_folder_tensor *untied; /* an output matrix of its own, which must equal the embedding; or NULL */
};

/* ---- names --------------------------------------------------------------------------------------------------- */

/* A param whose name ends in `ours` may come from a tensor that ends in `theirs` instead. '*': one tensor an expert. */
static const struct rule {
    const char *ours, *theirs;
    bool        loose; /* axes of length one do not count */
    bool        last;  /* only where no other rule led to a tensor; and the tensor may fill another param too */
} rules[] = {
    {"", "", false, false},
    {".experts.gate_proj.weight", ".experts.*.gate_proj.weight", false, false},
    {".experts.up_proj.weight", ".experts.*.up_proj.weight", false, false},
    {".experts.down_proj.weight", ".experts.*.down_proj.weight", false, false},
    {".mlp.experts.gate_proj.weight", ".block_sparse_moe.experts.*.w1.weight", false, false},
    {".mlp.experts.up_proj.weight", ".block_sparse_moe.experts.*.w3.weight", false, false},
    {".mlp.experts.down_proj.weight", ".block_sparse_moe.experts.*.w2.weight", false, false},
    {".mlp.gate.weight", ".block_sparse_moe.gate.weight", false, false},
    {".mlp.gate.e_score_correction_bias", ".mlp.moe_statics.e_score_correction_bias", true, false},
    {OUTPUT_MATRIX, EMBEDDING, false, true},
};
#define N_RULES (sizeof rules / sizeof *rules)

/* Tensors that hold no weights: tables and counters that implementations keep beside them. */
static const char *const buffers[] = {"rotary_emb.inv_freq", "num_batches_tracked", "position_ids"};

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

static bool is_buffer(const char *name)
{
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (ends_in(name, buffers[i]))
            return true;
    return false;
}

/* The name with its end replaced, and "model." as it is, before it, or taken off: variant 0, 1, 2. False: no such name. */
static bool candidate(const struct rule *r, int variant, const char *name, char out[NAME])
{
    struct assay_text text = assay_text_over(out, NAME);
    size_t            kept = strlen(name) - strlen(r->ours);
    bool              has = !strncmp(name, "model.", 6);
    if (!ends_in(name, r->ours) || (variant == 1 && has) || (variant == 2 && !has) || (variant == 2 && kept < 6))
        return false;
    assay_text_add(&text, "%s%.*s%s", variant == 1 ? "model." : "", (int)(kept - (variant == 2 ? 6 : 0)),
                   name + (variant == 2 ? 6 : 0), r->theirs);
    return true;
}

/* ---- one param ------------------------------------------------------------------------------------------------ */

static enum assay_code no_memory(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a map of weights");
}

/* What a file is called in messages: one given by itself has no name in its folder. */
static const char *file_of(const struct assay_folder_tensor *t)
{
    return t && *t->file ? t->file : "the file";
}

/* "x.*.y" with the number of an expert. */
static void name_of_expert(const char *pattern, int64_t expert, char out[NAME])
{
    struct assay_text text = assay_text_over(out, NAME);
    const char       *star = strchr(pattern, '*');
    assay_text_add(&text, "%.*s%lld%s", (int)(star - pattern), pattern, (long long)expert, star + 1);
}

/* The tensor of a candidate; of experts, the first. NULL: none. */
static const struct assay_folder_tensor *look_up(const struct assay_checkpoint *c, const char *name)
{
    char first[NAME];
    if (!strchr(name, '*'))
        return assay_tensor_folder_find(c->folder, name);
    name_of_expert(name, 0, first);
    return assay_tensor_folder_find(c->folder, first);
}

struct choice {
    char               name[NAME];
    const struct rule *rule;
};

/* Which tensor a param comes from, "" for none: its own name first, else the only one that a rule leads to. */
static enum assay_code choose(const struct assay_checkpoint *c, const char *param, struct choice *out, struct assay_error *err)
{
    char name[NAME];
    out->rule = &rules[0];
    (void)assay_string_copy(out->name, NAME, param);
    if (assay_tensor_folder_find(c->folder, param))
        return ASSAY_OK;
    *out->name = 0;
    for (size_t r = 0; r < N_RULES; r++)
        for (int variant = 0; variant < 3; variant++) {
            if ((rules[r].last && *out->name) || !candidate(&rules[r], variant, param, name) || !look_up(c, name))
                continue;
            if (*out->name)
                return ASSAY_FAIL(err, ASSAY_DATA, "%.40s: '%.60s' may be tensor '%.60s' or '%.60s'", file_of(look_up(c, name)),
                                  param, out->name, name);
            out->rule = &rules[r];
            (void)assay_string_copy(out->name, NAME, name);
        }
    return ASSAY_OK;
}

static void describe_tensor(const struct assay_tensor *t, char out[96])
{
    struct assay_text  text = assay_text_over(out, 96);
    struct assay_value v = {.dtype = t->dtype, .rank = t->rank};
    memcpy(v.dims, t->dims, sizeof v.dims);
    assay_value_describe(&v, &text);
}

static enum assay_code mismatch(const struct assay_folder_tensor *t, const struct assay_value *v, const char *what,
                                struct assay_error *err)
{
    char              has[96], wants[96];
    struct assay_text text = ASSAY_TEXT(wants);
    describe_tensor(t->tensor, has);
    assay_value_describe(v, &text);
    return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: tensor '%.80s' is %.40s, %s %.40s", file_of(t), t->tensor->name, has, what, wants);
}

/* Lengths of the axes, without those of length one. */
static int32_t without_ones(int32_t rank, const int64_t *dims, int64_t out[ASSAY_MAX_RANK])
{
    int32_t n = 0;
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] != 1)
            out[n++] = dims[i];
    return n;
}

static bool has_shape(const struct assay_tensor *t, int32_t rank, const int64_t *dims, bool loose)
{
    int64_t a[ASSAY_MAX_RANK], b[ASSAY_MAX_RANK];
    if (!loose)
        return t->rank == rank && !memcmp(t->dims, dims, (size_t)rank * sizeof *dims);
    int32_t n = without_ones(t->rank, t->dims, a);
    return n == without_ones(rank, dims, b) && !memcmp(a, b, (size_t)n * sizeof *a);
}

/* Notes who uses a tensor. */
static enum assay_code use(struct assay_checkpoint *c, const struct assay_folder_tensor *t, int32_t value, bool shares,
                           struct assay_error *err)
{
    size_t   n;
    int32_t *user = &c->user[t - assay_tensor_folder_tensors(c->folder, &n)];
    if (*user && !shares)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: tensor '%.60s' would fill '%.50s' and '%.50s'", file_of(t), t->tensor->name,
                          c->g->values[*user - 1].name, c->g->values[value].name);
    if (!*user)
        *user = value + 1;
    return ASSAY_OK;
}

/* Finds, checks and notes the parts of a param. */
static enum assay_code take_parts(struct assay_checkpoint *c, int32_t value, const struct choice *from, struct assay_error *err)
{
    const struct assay_value *v = &c->g->values[value];
    struct mapped            *m = &c->of[value];
    bool                      stacked = strchr(from->name, '*') != NULL;
    if (stacked && v->rank != 3)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: '%.80s' is not stacked of experts", file_of(look_up(c, from->name)), v->name);
    m->parts = (struct assay_tensor_parts){.n = stacked ? (size_t)v->dims[0] : 1, .stacked = stacked};
    if (!(m->parts.part = calloc(m->parts.n, sizeof(void *))))
        return no_memory(err);
    for (size_t i = 0; i < m->parts.n; i++) {
        char    name[NAME];
        int64_t turned[2] = {v->dims[2], v->dims[1]};
        (void)assay_string_copy(name, sizeof name, from->name);
        if (stacked)
            name_of_expert(from->name, (int64_t)i, name);
        const struct assay_folder_tensor *t = m->parts.part[i] = assay_tensor_folder_find(c->folder, name);
        if (!t)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: no tensor '%.100s'; expert 0 has one", file_of(m->parts.part[0]), name);
        if (stacked ? !has_shape(t->tensor, 2, turned, false) : !has_shape(t->tensor, v->rank, v->dims, from->rule->loose))
            return mismatch(t, v, stacked ? "one expert of" : "the model has", err);
        if (use(c, t, value, from->rule->last, err))
            return err->code;
    }
    return ASSAY_OK;
}

/* The param with the scales of int8 param `weight`, or NULL. */
static int32_t scales_of(const struct assay_graph *g, int32_t weight)
{
    char                      name[NAME];
    struct assay_text         text = ASSAY_TEXT(name);
    const struct assay_value *w = &g->values[weight], *v;
    assay_text_add(&text, "%s_scale", w->name);
    int32_t found = w->dtype == ASSAY_I8 && w->rank > 0 ? assay_graph_find(g, name) : ASSAY_NO_VALUE;
    v = assay_graph_value(g, found);
    bool fits = v && v->role == ASSAY_ROLE_PARAM && v->dtype == ASSAY_F32 && v->rank == 1 && v->dims[0] == w->dims[0];
    return fits ? found : ASSAY_NO_VALUE;
}

static enum assay_code map_param(struct assay_checkpoint *c, int32_t value, struct assay_error *err)
{
    const struct assay_value *v = &c->g->values[value];
    struct mapped            *m = &c->of[value];
    struct choice             from;
    if (choose(c, v->name, &from, err))
        return err->code;
    if (!*from.name) {
        char              wants[96];
        struct assay_text text = ASSAY_TEXT(wants);
        assay_value_describe(v, &text);
        return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: no tensor for '%.100s', which is %.60s",
                          assay_tensor_folder_n_files(c->folder) == 1 && *assay_tensor_folder_file(c->folder, 0)
                              ? assay_tensor_folder_file(c->folder, 0) : "the weights", v->name, wants);
    }
    if (take_parts(c, value, &from, err))
        return err->code;
    int32_t scales = scales_of(c->g, value);
    m->way = BY_CONVERSION;
    for (size_t i = 0; i < m->parts.n; i++) {
        const struct assay_folder_tensor *t = m->parts.part[i];
        if (!assay_tensor_converts(t->tensor->dtype, v->dtype, scales != ASSAY_NO_VALUE))
            return mismatch(t, v, "which does not become", err);
        if (v->dtype == ASSAY_I8 && t->tensor->dtype != ASSAY_I8)
            m->way = BY_QUANTIZING;
    }
    if (m->way == BY_QUANTIZING)
        c->of[scales] = (struct mapped){.way = BY_SCALES, .weight = value};
    return ASSAY_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------ */

/* Weights first: int8 ones decide where their scales come from. */
static enum assay_code map_params(struct assay_checkpoint *c, struct assay_error *err)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->g->n_values; i++) {
            const struct assay_value *v = &c->g->values[i];
            if (v->role == ASSAY_ROLE_PARAM && (v->dtype == ASSAY_I8) == (pass == 0) && c->of[i].way == BY_NOTHING &&
                map_param(c, (int32_t)i, err))
                return err->code;
        }
    return ASSAY_OK;
}

/* A model that multiplies with its embedding may be stored with an output matrix all the same. */
static bool is_tied_output(const struct assay_checkpoint *c, const struct assay_folder_tensor *t)
{
    return !strcmp(t->tensor->name, OUTPUT_MATRIX) && assay_graph_find(c->g, OUTPUT_MATRIX) == ASSAY_NO_VALUE &&
           assay_graph_find(c->g, EMBEDDING) != ASSAY_NO_VALUE;
}

static enum assay_code find_extra(struct assay_checkpoint *c, struct assay_error *err)
{
    size_t                            n;
    const struct assay_folder_tensor *t = assay_tensor_folder_tensors(c->folder, &n);
    for (size_t i = 0; i < n; i++) {
        if (c->user[i] || is_buffer(t[i].tensor->name))
            continue;
        if (!is_tied_output(c, &t[i]))
            return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: the model has no use for tensor '%.120s'", file_of(&t[i]),
                              t[i].tensor->name);
        c->untied = &t[i];
    }
    return ASSAY_OK;
}

enum assay_code assay_checkpoint_open(const char *path, const struct assay_graph *g, struct assay_checkpoint **out,
                                      struct assay_error *err)
{
    struct assay_checkpoint *c = calloc(1, sizeof *c);
    size_t                   n = 0;
    if (!c)
        return no_memory(err);
    c->g = g;
    enum assay_code code = assay_tensor_folder_open(path, &c->folder, err);
    if (!code)
        (void)assay_tensor_folder_tensors(c->folder, &n);
    c->of = calloc(g->n_values + 1, sizeof *c->of);
    c->user = calloc(n + 1, sizeof *c->user);
    if (!code && (!c->of || !c->user))
        code = no_memory(err);
    if (!code && ((code = map_params(c, err)) || (code = find_extra(c, err))))
        (void)assay_error_in(err, "reading weights '%.90s'", path);
    if (code) {
        assay_checkpoint_close(c);
        return code;
    }
    *out = c;
    return ASSAY_OK;
}

void assay_checkpoint_close(struct assay_checkpoint *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; c->of && i < c->g->n_values; i++)
        free((void *)(uintptr_t)c->of[i].parts.part);
    free(c->of);
    free(c->user);
    assay_tensor_folder_close(c->folder);
    free(c);
}

const struct assay_tensor_folder *assay_checkpoint_folder(const struct assay_checkpoint *c)
{
    return c->folder;
}

/* ---- contents -------------------------------------------------------------------------------------------------- */

static enum assay_code check_tensor(const struct assay_folder_tensor *t, enum assay_dtype to, struct assay_error *err)
{
    double  found = 0;
    int64_t at = assay_tensor_first_bad(t->tensor, to, &found);
    if (at < 0)
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: tensor '%.80s' holds %g at element %" PRId64 "%s%s", file_of(t), t->tensor->name,
                      found, at, found - found == 0 ? ", too large for " : "", found - found == 0 ? assay_dtype_name(to) : "");
}

static enum assay_code check_tied(const struct assay_checkpoint *c, struct assay_error *err)
{
    int32_t embedding = assay_graph_find(c->g, EMBEDDING);
    if (!c->untied || embedding == ASSAY_NO_VALUE || !c->of[embedding].parts.n)
        return ASSAY_OK;
    const struct assay_tensor *a = c->untied->tensor, *b = c->of[embedding].parts.part[0]->tensor;
    if (a->dtype == b->dtype && a->bytes == b->bytes && !memcmp(a->data, b->data, a->bytes))
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_DATA, "%.60s: tensor '%.60s' is not '%.60s', to which the model's output is tied",
                      file_of(c->untied), a->name, b->name);
}

enum assay_code assay_checkpoint_check(const struct assay_checkpoint *c, struct assay_error *err)
{
    for (uint32_t i = 0; i < c->g->n_values; i++)
        for (size_t k = 0; k < c->of[i].parts.n; k++)
            if (check_tensor(c->of[i].parts.part[k], c->of[i].way == BY_QUANTIZING ? ASSAY_F32 : c->g->values[i].dtype, err))
                return err->code;
    return check_tied(c, err);
}

enum assay_code assay_checkpoint_fill(const struct assay_checkpoint *c, int32_t value, void *to, struct assay_error *err)
{
    const struct assay_value *v = assay_graph_value(c->g, value);
    const struct mapped      *m = v ? &c->of[value] : NULL;
    switch (m ? m->way : BY_NOTHING) {
    case BY_CONVERSION: assay_tensor_parts_fill(&m->parts, v, to); return ASSAY_OK;
    case BY_QUANTIZING: assay_tensor_parts_quantize(&m->parts, v, to, NULL); return ASSAY_OK;
    case BY_SCALES: assay_tensor_parts_quantize(&c->of[m->weight].parts, &c->g->values[m->weight], NULL, to); return ASSAY_OK;
    case BY_NOTHING: break;
    }
    return ASSAY_FAIL(err, ASSAY_INTERNAL, "value %d is no param that the weights fill", (int)value);
}

void assay_checkpoint_say(const struct assay_checkpoint *c, struct assay_text *out)
{
    size_t      rounded = 0, quantized = 0;
    const char *to = "";
    for (uint32_t i = 0; i < c->g->n_values; i++) {
        const struct mapped *m = &c->of[i];
        bool rounds = m->way == BY_CONVERSION && assay_tensor_rounds(m->parts.part[0]->tensor->dtype, c->g->values[i].dtype);
        rounded += rounds;
        quantized += m->way == BY_QUANTIZING;
        to = rounds ? assay_dtype_name(c->g->values[i].dtype) : to;
    }
    if (rounded)
        assay_text_add(out, "%zu param%s rounded to %s", rounded, rounded == 1 ? " is" : "s are", to);
    if (quantized)
        assay_text_add(out, "%s%zu param%s quantized to i8 with a scale a row", rounded ? ", " : "", quantized,
                       quantized == 1 ? " is" : "s are");
}
