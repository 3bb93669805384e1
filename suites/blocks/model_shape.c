#include "suites/blocks/model_shape.h"

#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MODEL_FORMAT "assay-model/1"
#define MODEL_LIMIT_BYTES (1u << 20)
#define MOST 10000000 /* of any length in a shape */

/* ---- members by table ---------------------------------------------------------------------------------------- */

enum kind { TEXT, I64, F64, BOOL, WORD };
struct member {
    const char        *key;
    enum kind          kind;
    bool               required;
    size_t             offset, bytes; /* bytes: of a text's room */
    double             min, max;
    const char *const *words; /* of an enum, NULL-terminated */
};
#define AT(field) offsetof(struct assay_model_shape, field)
#define SIZE(name, field, needed, least) {.key = name, .kind = I64, .required = needed, .offset = AT(field), .min = least, .max = MOST}
#define FLAG(name, field) {.key = name, .kind = BOOL, .offset = AT(field)}

static const char *const norms[] = {"rms", "layer", NULL};
static const char *const activations[] = {"swiglu", "gelu", NULL};
static const char *const positions[] = {"rope", "learned", NULL};
static const char *const scorings[] = {"softmax", "sigmoid", NULL};
static const char *const statuses[] = {"published", "inferred", NULL};

static const struct member top[] = {
    {.key = "about", .kind = TEXT, .required = true, .offset = AT(about), .bytes = sizeof(((struct assay_model_shape *)0)->about)},
    {.key = "source", .kind = TEXT, .required = true, .offset = AT(source), .bytes = sizeof(((struct assay_model_shape *)0)->source)},
    {.key = "status", .kind = WORD, .required = true, .offset = AT(inferred), .bytes = sizeof(bool), .words = statuses},
    SIZE("layers", layers, true, 1),
    SIZE("hidden", hidden, true, 1),
    SIZE("ffn", ffn, true, 1),
    SIZE("heads", heads, true, 1),
    SIZE("kv_heads", kv_heads, false, 1),
    SIZE("head_dim", head_dim, false, 1),
    SIZE("vocab", vocab, true, 2),
    SIZE("context", context, true, 1),
    {.key = "norm_epsilon", .kind = F64, .offset = AT(norm_epsilon), .min = 0, .max = 1},
    {.key = "rope_theta", .kind = F64, .offset = AT(rope_theta), .min = 1, .max = 1e12},
    FLAG("tied", tied),
    FLAG("attention_bias", attention_bias),
    FLAG("ffn_bias", ffn_bias),
    FLAG("rope_interleaved", rope_interleaved),
    {.key = "norm", .kind = WORD, .offset = AT(norm), .bytes = sizeof(enum assay_model_norm), .words = norms},
    {.key = "activation", .kind = WORD, .offset = AT(activation), .bytes = sizeof(enum assay_model_activation), .words = activations},
    {.key = "positions", .kind = WORD, .offset = AT(positions), .bytes = sizeof(enum assay_model_positions), .words = positions},
};
static const struct member mla[] = {
    SIZE("q_rank", mla.q_rank, true, 1),     SIZE("kv_rank", mla.kv_rank, true, 1),   SIZE("nope_dim", mla.nope_dim, true, 1),
    SIZE("rope_dim", mla.rope_dim, true, 2), SIZE("v_dim", mla.v_dim, true, 1),
};
static const struct member moe[] = {
    SIZE("experts", moe.experts, true, 1),
    SIZE("top_k", moe.top_k, true, 1),
    SIZE("shared", moe.shared, false, 0),
    SIZE("expert_ffn", moe.expert_ffn, true, 1),
    SIZE("first_layer", moe.first_layer, false, 0),
    {.key = "scoring", .kind = WORD, .offset = AT(moe.sigmoid), .bytes = sizeof(bool), .words = scorings},
    FLAG("normalize", moe.normalize),
    FLAG("bias", moe.bias),
    {.key = "scale", .kind = F64, .offset = AT(moe.scale), .min = 1e-6, .max = 1e6},
};
#undef AT

/* The number of a word, stored in an enum's or a bool's bytes. */
static enum assay_code read_word(const struct assay_json_file *file, const json_t *object, const struct member *m, char *at,
                                 struct assay_error *err)
{
    int             i = -1;
    enum assay_code code = assay_json_word(file, object, m->key, m->required, m->words, &i, err);
    if (code || i < 0)
        return code;
    if (m->bytes == sizeof(bool))
        *(bool *)(void *)at = i != 0;
    else
        memcpy(at, &i, sizeof i);
    return ASSAY_OK;
}

static enum assay_code read_member(const struct assay_json_file *file, const json_t *object, const struct member *m,
                                   struct assay_model_shape *out, struct assay_error *err)
{
    char       *at = (char *)out + m->offset;
    const char *text = NULL;
    switch (m->kind) {
    case I64:
        return assay_json_i64(file, object, m->key, m->required, (int64_t)m->min, (int64_t)m->max, (int64_t *)(void *)at, err);
    case F64:
        return assay_json_f64(file, object, m->key, m->required, m->min, m->max, (double *)(void *)at, err);
    case BOOL:
        return assay_json_bool(file, object, m->key, m->required, (bool *)(void *)at, err);
    case WORD:
        return read_word(file, object, m, at, err);
    case TEXT:
        if (assay_json_text(file, object, m->key, m->required, &text, err))
            return err->code;
        return !text || assay_string_copy(at, m->bytes, text)
                   ? ASSAY_OK
                   : assay_json_fail(file, m->key, err, "'%s' is longer than %zu bytes", m->key, m->bytes - 1);
    }
    return ASSAY_OK;
}

static enum assay_code read_members(const struct assay_json_file *file, const json_t *object, const struct member *m, size_t n,
                                    const char *const *others, size_t n_others, struct assay_model_shape *out,
                                    struct assay_error *err)
{
    const char *known[32];
    size_t      n_known = 0;
    for (size_t i = 0; i < n; i++)
        known[n_known++] = m[i].key;
    for (size_t i = 0; i < n_others; i++)
        known[n_known++] = others[i];
    if (assay_json_known_keys(file, object, known, n_known, err))
        return err->code;
    for (size_t i = 0; i < n; i++)
        if (read_member(file, object, &m[i], out, err))
            return err->code;
    return ASSAY_OK;
}

/* ---- what must fit together ---------------------------------------------------------------------------------- */

static enum assay_code check(const struct assay_json_file *file, struct assay_model_shape *s, struct assay_error *err)
{
    if (!s->kv_heads)
        s->kv_heads = s->heads;
    if (!s->head_dim && s->hidden % s->heads)
        return assay_json_fail(file, "heads", err, "%lld heads do not divide hidden %lld, and there is no head_dim",
                               (long long)s->heads, (long long)s->hidden);
    if (!s->head_dim)
        s->head_dim = s->hidden / s->heads;
    if (s->heads % s->kv_heads)
        return assay_json_fail(file, "kv_heads", err, "%lld kv_heads do not divide %lld heads", (long long)s->kv_heads,
                               (long long)s->heads);
    if (s->positions == ASSAY_POSITIONS_ROPE && (s->mla.kv_rank ? s->mla.rope_dim : s->head_dim) % 2)
        return assay_json_fail(file, s->mla.kv_rank ? "rope_dim" : "head_dim", err, "rotary positions need an even length");
    if (s->moe.top_k > s->moe.experts)
        return assay_json_fail(file, "top_k", err, "top_k %lld of %lld experts", (long long)s->moe.top_k, (long long)s->moe.experts);
    if (s->moe.experts && s->moe.first_layer > s->layers)
        return assay_json_fail(file, "first_layer", err, "first_layer %lld of %lld layers", (long long)s->moe.first_layer,
                               (long long)s->layers);
    if (s->mla.kv_rank && s->positions != ASSAY_POSITIONS_ROPE)
        return assay_json_fail(file, "positions", err, "latent attention goes with rotary positions");
    s->moe.shared_ffn = s->moe.shared * s->moe.expert_ffn;
    return ASSAY_OK;
}

static enum assay_code read_file(const struct assay_json_file *file, struct assay_model_shape *s, struct assay_error *err)
{
    static const char *const others[] = {"format", "mla", "moe"};
    json_t                  *part = NULL;
    s->norm_epsilon = 1e-5;
    s->rope_theta = 10000;
    s->moe.scale = 1;
    if (read_members(file, file->root, top, sizeof top / sizeof *top, others, 3, s, err) ||
        assay_json_object(file, file->root, "mla", false, &part, err))
        return err->code;
    if (part && read_members(file, part, mla, sizeof mla / sizeof *mla, NULL, 0, s, err))
        return err->code;
    part = NULL;
    if (assay_json_object(file, file->root, "moe", false, &part, err))
        return err->code;
    if (part && read_members(file, part, moe, sizeof moe / sizeof *moe, NULL, 0, s, err))
        return err->code;
    return check(file, s, err);
}

/* Where the shape of that name is, or the path that the name is. */
static enum assay_code find_file(const char *name, char *path, size_t capacity, struct assay_error *err)
{
    struct assay_data_names names;
    if (assay_data_is_path(name))
        return assay_string_copy(path, capacity, name) ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_CONFIG, "the path '%.100s' is too long", name);
    if (assay_data_names_read("suites/models", &names, err))
        return err->code;
    size_t i = 0;
    while (i < names.n && strcmp(names.name[i], name) != 0)
        i++;
    enum assay_code code = i < names.n ? assay_data_names_path(&names, i, path, capacity, err) : assay_data_names_unknown(&names, "model", name, err);
    assay_data_names_release(&names);
    return code;
}

enum assay_code assay_model_shape_read(const char *name, struct assay_model_shape *out, struct assay_error *err)
{
    char                     path[600];
    struct assay_json_file   file;
    struct assay_model_shape shape = {.layers = 0};
    if (find_file(name, path, sizeof path, err) || assay_json_load(path, MODEL_FORMAT, MODEL_LIMIT_BYTES, &file, err))
        return err->code;
    const char *slash = strrchr(name, '/');
    (void)assay_string_copy(shape.name, sizeof shape.name, slash ? slash + 1 : name);
    enum assay_code code = read_file(&file, &shape, err);
    assay_json_release(&file);
    if (!code)
        *out = shape;
    return code;
}

enum assay_code assay_model_shapes_list(void (*each)(void *self, const struct assay_model_shape *shape), void *self,
                                        struct assay_error *err)
{
    struct assay_data_names names;
    enum assay_code         code = assay_data_names_read("suites/models", &names, err);
    if (code)
        return code;
    for (size_t i = 0; i < names.n && !code; i++) {
        struct assay_model_shape shape;
        code = assay_model_shape_read(names.name[i], &shape, err);
        if (!code)
            each(self, &shape);
    }
    assay_data_names_release(&names);
    return code;
}
