/* Matrix units as JSON files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "reference/unit/unit.h"

#include "assay/banned.h"

#define MOST_BYTES ((size_t)1 << 16)
#define MOST_WORDS 24
#define MOST_FRACTION_BITS 40 /* sums of a block stay exact in double */

static const char *const subnormal_words[] = {"kept", "flushed", NULL};
static const char *const rounding_words[] = {"nearest_even", "toward_zero", "down", NULL};
static const char *const overflow_words[] = {"wrap", "saturate", NULL};
static const char *const order_words[] = {"sequential", "tree", "chains", NULL};
static const char *const block_order_words[] = {"sequential", "tree", NULL};
static const char *const join_words[] = {"sequential", "pairs", "halves", NULL};

/* An object of the file, and the key it stands under; NULL members: the defaults. */
struct place {
    const struct assay_json_file *file;
    const json_t                 *object;
};

/* One of the words; absent leaves *out as it is. */
static enum assay_code read_word(const struct place *p, const char *key, bool required, const char *const *words, size_t *out,
                                 struct assay_error *err)
{
    const char *text = NULL;
    size_t      n = 0;
    if (assay_json_text(p->file, p->object, key, required, &text, err) || !text)
        return err->code;
    for (; words[n]; n++)
        if (!strcmp(words[n], text)) {
            *out = n;
            return ASSAY_OK;
        }
    const char *near = assay_string_nearest(text, words, n);
    (void)assay_json_fail_at(p->file, p->object, key, err, "%s is '%.32s'", key, text);
    return assay_error_hint(err, "%s%s%s", near ? "did you mean '" : "the README of reference/unit lists what it can be",
                            near ? near : "", near ? "'?" : "");
}

/* The word `none`, where one is given, leaves *out as it is. */
static enum assay_code read_format(const struct place *p, const char *key, const char *none, const struct assay_unit_format **out,
                                   struct assay_error *err)
{
    const char *words[MOST_WORDS] = {0};
    size_t      n = 0, at = SIZE_MAX;
    for (; n < assay_unit_n_formats; n++)
        words[n] = assay_unit_formats[n].name;
    words[n] = none;
    if (read_word(p, key, true, words, &at, err))
        return err->code;
    if (at < assay_unit_n_formats)
        *out = &assay_unit_formats[at];
    return ASSAY_OK;
}

static enum assay_code read_count(const struct place *p, const char *key, bool required, int64_t min, int64_t max, uint32_t *out,
                                  struct assay_error *err)
{
    int64_t count = *out;
    if (assay_json_i64(p->file, p->object, key, required, min, max, &count, err))
        return err->code;
    *out = (uint32_t)count;
    return ASSAY_OK;
}

static enum assay_code read_text(const struct place *p, const char *key, char *to, size_t capacity, struct assay_error *err)
{
    const char *text = NULL;
    if (assay_json_text(p->file, p->object, key, true, &text, err))
        return err->code;
    if (!*text || !assay_string_copy(to, capacity, text))
        return assay_json_fail_at(p->file, p->object, key, err, "%s must have 1 to %zu bytes", key, capacity - 1);
    return ASSAY_OK;
}

static enum assay_code read_put(const struct place *p, const char *format_key, struct assay_unit_put *put, struct assay_error *err)
{
    size_t rounding = put->rounding, overflow = put->overflow, flush = 0;
    if (read_format(p, format_key, NULL, &put->format, err) || read_word(p, "rounding", false, rounding_words, &rounding, err) ||
        read_word(p, "overflow", false, overflow_words, &overflow, err) ||
        read_word(p, "subnormals", false, subnormal_words, &flush, err))
        return err->code;
    if (put->format->is_float && json_object_get(p->object, "overflow"))
        return assay_json_fail_at(p->file, p->object, "overflow", err, "%s is a float: it overflows as it rounds", put->format->name);
    if (!put->format->is_float && json_object_get(p->object, "subnormals"))
        return assay_json_fail_at(p->file, p->object, "subnormals", err, "%s has no subnormal numbers", put->format->name);
    put->rounding = (enum assay_unit_rounding)rounding;
    put->overflow = (enum assay_unit_overflow)overflow;
    put->flush = flush != 0;
    return ASSAY_OK;
}

/* A member object with its known keys; p->object NULL: absent. */
static enum assay_code enter(const struct assay_json_file *file, const char *key, bool required, const char *const *known, size_t n,
                             struct place *p, struct assay_error *err)
{
    json_t *object = NULL;
    if (assay_json_object(file, file->root, key, required, &object, err) ||
        (object && assay_json_known_keys(file, object, known, n, err)))
        return err->code;
    *p = (struct place){file, object};
    return ASSAY_OK;
}
#define ENTER(file, key, required, p, err, ...)                                                        \
    enter(file, key, required, (const char *const[]){__VA_ARGS__},                                       \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), p, err)

static enum assay_code read_input(const struct assay_json_file *file, struct assay_matrix_unit *u, struct assay_error *err)
{
    struct place p = {file, NULL};
    size_t       flush = 0;
    if (ENTER(file, "input", true, &p, err, "a", "b", "subnormals") || read_format(&p, "a", NULL, &u->a, err) ||
        read_format(&p, "b", NULL, &u->b, err) || read_word(&p, "subnormals", false, subnormal_words, &flush, err))
        return err->code;
    u->flush_inputs = flush != 0;
    if (u->a->is_float != u->b->is_float)
        return assay_json_fail_at(file, p.object, "b", err, "%s times %s: both are floats, or both are integers", u->a->name,
                                  u->b->name);
    p = (struct place){file, file->root};
    return read_format(&p, "product", "exact", &u->product, err);
}

static enum assay_code read_block(const struct assay_json_file *file, struct assay_matrix_unit *u, struct assay_error *err)
{
    struct place p = {file, NULL};
    const char  *sum = NULL;
    size_t       order = 0, rounding = ASSAY_UNIT_TOWARD_ZERO;
    if (ENTER(file, "block", false, &p, err, "length", "sum", "fraction_bits", "order", "rounding", "overflow", "subnormals"))
        return err->code;
    if (!p.object)
        return ASSAY_OK;
    if (read_count(&p, "length", true, 1, ASSAY_UNIT_MAX_BLOCK, &u->block.length, err) ||
        assay_json_text(file, p.object, "sum", true, &sum, err))
        return err->code;
    if (strcmp(sum, "aligned") != 0) {
        if (read_put(&p, "sum", &u->block.put, err) || read_word(&p, "order", false, block_order_words, &order, err))
            return err->code;
        u->block.order = (enum assay_unit_order)order;
        if (u->block.length == 1)
            return assay_json_fail_at(file, p.object, "length", err, "a block of 1 has nothing to add; leave it out");
        if (json_object_get(p.object, "fraction_bits"))
            return assay_json_fail_at(file, p.object, "fraction_bits", err, "only a sum that is 'aligned' has fraction_bits");
        return ASSAY_OK;
    }
    u->block.sum = ASSAY_UNIT_ALIGNED;
    if (read_count(&p, "fraction_bits", true, 1, MOST_FRACTION_BITS, &u->block.fraction_bits, err) ||
        read_word(&p, "rounding", false, rounding_words, &rounding, err))
        return err->code;
    u->block.put.rounding = (enum assay_unit_rounding)rounding;
    for (const char *const *key = (const char *const[]){"order", "overflow", "subnormals", NULL}; *key; key++)
        if (json_object_get(p.object, *key))
            return assay_json_fail_at(file, p.object, *key, err, "a sum that is 'aligned' has no %s", *key);
    return ASSAY_OK;
}

static enum assay_code read_order(const struct place *p, struct assay_matrix_unit *u, struct assay_error *err)
{
    size_t order = 0, joined = 0;
    if (read_word(p, "order", false, order_words, &order, err) || read_word(p, "join", false, join_words, &joined, err))
        return err->code;
    u->accumulator.order = (enum assay_unit_order)order;
    u->accumulator.join = (enum assay_unit_join)joined;
    bool chains = u->accumulator.order == ASSAY_UNIT_CHAINS;
    if (!chains && (json_object_get(p->object, "chains") || json_object_get(p->object, "join")))
        return assay_json_fail_at(p->file, p->object, "order", err, "chains and join go with order 'chains' only");
    if (chains && read_count(p, "chains", true, 2, ASSAY_UNIT_MAX_CHAINS, &u->accumulator.chains, err))
        return err->code;
    if (u->accumulator.join == ASSAY_UNIT_JOIN_HALVES && (u->accumulator.chains & (u->accumulator.chains - 1)))
        return assay_json_fail_at(p->file, p->object, "chains", err, "%u chains cannot be halved down to one", u->accumulator.chains);
    return ASSAY_OK;
}

static enum assay_code read_accumulator(const struct assay_json_file *file, struct assay_matrix_unit *u, struct assay_error *err)
{
    struct place p = {file, NULL};
    if (ENTER(file, "accumulator", true, &p, err, "format", "rounding", "overflow", "subnormals", "order", "chains", "join") ||
        read_put(&p, "format", &u->accumulator.put, err) || read_order(&p, u, err))
        return err->code;
    if (u->block.sum == ASSAY_UNIT_ALIGNED && (!u->accumulator.put.format->is_float || u->accumulator.order == ASSAY_UNIT_TREE))
        return assay_json_fail_at(file, p.object, "format", err, "an aligned sum takes in its accumulator: floats, no tree");
    return ASSAY_OK;
}

static enum assay_code read_rest(const struct assay_json_file *file, struct assay_matrix_unit *u, struct assay_error *err)
{
    struct place p = {file, file->root};
    if (read_count(&p, "promotion", false, 0, ASSAY_UNIT_MAX_PROMOTION, &u->promotion, err))
        return err->code;
    if (u->promotion % u->block.length)
        return assay_json_fail(file, "promotion", err, "promotion after %u products is not a number of blocks of %u", u->promotion,
                               u->block.length);
    if (ENTER(file, "output", true, &p, err, "format", "rounding", "overflow", "subnormals"))
        return err->code;
    return read_put(&p, "format", &u->output, err);
}

/* What is integer all the way must not meet a float on it, and the other way round. */
static enum assay_code check_kinds(const struct assay_json_file *file, const struct assay_matrix_unit *u, struct assay_error *err)
{
    bool floats = u->a->is_float;
    if ((u->product && u->product->is_float != floats) ||
        (u->block.length > 1 && u->block.sum == ASSAY_UNIT_ROUNDED && u->block.put.format->is_float != floats) ||
        u->accumulator.put.format->is_float != floats || (u->promotion && !floats) || u->output.format->is_float != floats)
        return assay_json_fail(file, "accumulator", err, "integers and floats do not mix: products of %s and %s, sums in %s, output %s",
                               u->a->name, u->b->name, u->accumulator.put.format->name, u->output.format->name);
    return ASSAY_OK;
}

static enum assay_code read_root(const struct assay_json_file *file, struct assay_matrix_unit *u, struct assay_error *err)
{
    static const char *const known[] = {"format", "name", "about", "input", "product", "block", "accumulator", "promotion",
                                        "output", "why", "source"};
    const struct place       p = {file, file->root};
    if (assay_json_known_keys(file, file->root, known, sizeof known / sizeof *known, err) ||
        read_text(&p, "name", u->name, sizeof u->name, err) || read_text(&p, "about", u->about, sizeof u->about, err) ||
        read_text(&p, "why", u->why, sizeof u->why, err) || read_text(&p, "source", u->source, sizeof u->source, err) ||
        read_input(file, u, err) || read_block(file, u, err) || read_accumulator(file, u, err) || read_rest(file, u, err))
        return err->code;
    return check_kinds(file, u, err);
}

enum assay_code assay_unit_read(const char *path, struct assay_matrix_unit *out, struct assay_error *err)
{
    struct assay_json_file   file;
    struct assay_matrix_unit unit = {.a = assay_unit_formats, .b = assay_unit_formats, .block.length = 1, .accumulator.chains = 1};
    if (assay_json_load(path, ASSAY_UNIT_FORMAT, MOST_BYTES, &file, err))
        return assay_error_in(err, "reading matrix unit '%.100s'", path);
    if (!read_root(&file, &unit, err))
        *out = unit;
    assay_json_release(&file);
    return err->code ? assay_error_in(err, "reading matrix unit '%.100s'", path) : ASSAY_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void put_to_json(json_t *object, const char *key, const struct assay_unit_put *put)
{
    (void)json_object_set_new(object, key, json_string(put->format->name));
    (void)json_object_set_new(object, "rounding", json_string(rounding_words[put->rounding]));
    if (put->format->is_float)
        (void)json_object_set_new(object, "subnormals", json_string(subnormal_words[put->flush]));
    else
        (void)json_object_set_new(object, "overflow", json_string(overflow_words[put->overflow]));
}

static json_t *block_to_json(const struct assay_matrix_unit *u)
{
    json_t *block = json_pack("{s:i}", "length", (int)u->block.length);
    if (u->block.sum == ASSAY_UNIT_ALIGNED) {
        (void)json_object_set_new(block, "sum", json_string("aligned"));
        (void)json_object_set_new(block, "fraction_bits", json_integer(u->block.fraction_bits));
        (void)json_object_set_new(block, "rounding", json_string(rounding_words[u->block.put.rounding]));
    } else {
        put_to_json(block, "sum", &u->block.put);
        (void)json_object_set_new(block, "order", json_string(block_order_words[u->block.order]));
    }
    return block;
}

json_t *assay_unit_to_json(const struct assay_matrix_unit *u)
{
    json_t *accumulator = json_object(), *output = json_object();
    put_to_json(accumulator, "format", &u->accumulator.put);
    put_to_json(output, "format", &u->output);
    (void)json_object_set_new(accumulator, "order", json_string(order_words[u->accumulator.order]));
    if (u->accumulator.order == ASSAY_UNIT_CHAINS) {
        (void)json_object_set_new(accumulator, "chains", json_integer(u->accumulator.chains));
        (void)json_object_set_new(accumulator, "join", json_string(join_words[u->accumulator.join]));
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:o, s:o}", "format", ASSAY_UNIT_FORMAT, "name",
                             u->name, "about", u->about, "why", u->why, "source", u->source, "input", "a", u->a->name, "b",
                             u->b->name, "subnormals", subnormal_words[u->flush_inputs], "product",
                             u->product ? u->product->name : "exact", "accumulator", accumulator, "output", output);
    if (root && (u->block.length > 1 || u->block.sum == ASSAY_UNIT_ALIGNED))
        (void)json_object_set_new(root, "block", block_to_json(u));
    if (root && u->promotion)
        (void)json_object_set_new(root, "promotion", json_integer(u->promotion));
    return root;
}

/* ---- by name --------------------------------------------------------------------------------------------------- */

enum assay_code assay_unit_find(const char *name, struct assay_matrix_unit *out, struct assay_error *err)
{
    char                    path[600];
    struct assay_data_names names;
    size_t                  i = 0;
    if (assay_data_is_path(name))
        return assay_unit_read(name, out, err);
    if (assay_data_names_read("backends/units", &names, err))
        return err->code;
    while (i < names.n && strcmp(names.name[i], name) != 0)
        i++;
    if (i == names.n)
        (void)assay_data_names_unknown(&names, "matrix unit", name, err);
    else if (!assay_data_names_path(&names, i, path, sizeof path, err))
        (void)assay_unit_read(path, out, err);
    assay_data_names_release(&names);
    return err->code;
}
