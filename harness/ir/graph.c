/* A graph and its values. Nodes are in node.c; outputs, aliases and the check at the end in finish.c. */
#include "harness/ir/graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/ir/build.h"
#include "harness/ir/steps.h"

#include "assay/banned.h"

/* Elements and bytes stay where sums and int64 arithmetic on them cannot overflow. */
#define LIMIT ((uint64_t)1 << 62)

struct assay_graph *assay_graph_new(const char *name)
{
    struct assay_graph *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->memory = calloc(1, sizeof *g->memory);
    if (!g->memory) {
        free(g);
        return NULL;
    }
    if (!assay_string_copy(g->name, sizeof g->name, name))
        assay_graph_refuse(g, ASSAY_CONFIG, "graph name '%.20s…' is longer than %zu bytes", name, sizeof g->name - 1);
    return g;
}

void assay_graph_free(struct assay_graph *g)
{
    if (!g)
        return;
    assay_arena_clear(&g->memory->arena);
    free(g->memory->names.slots);
    free(g->memory->step_of);
    free(g->memory);
    free(g->values);
    free(g->nodes);
    free(g);
}

/* ---- errors -------------------------------------------------------------------------------------------- */

void assay_graph_keep(struct assay_graph *g, const struct assay_error *err)
{
    if (g->first_error.code == ASSAY_OK)
        g->first_error = *err;
}

void assay_graph_refuse(struct assay_graph *g, enum assay_code code, const char *fmt, ...)
{
    struct assay_error err;
    char message[sizeof err.message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    (void)ASSAY_FAIL(&err, code, "%s", message);
    assay_graph_keep(g, &err);
}

bool assay_graph_open(struct assay_graph *g)
{
    if (g->finished)
        assay_graph_refuse(g, ASSAY_INTERNAL, "graph '%s' is finished and does not change any more", g->name);
    return g->first_error.code == ASSAY_OK;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static enum assay_code out_of_memory(const struct assay_graph *g, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "out of memory for graph '%s' of %" PRIu32 " values and %" PRIu32 " nodes",
                      g->name, g->n_values, g->n_nodes);
}

enum assay_code assay_graph_check_name(const struct assay_graph *g, const char *what, const char *name,
                                       struct assay_error *err)
{
    size_t room = sizeof g->values->name;
    if (!name || !name[0])
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s without a name", what);
    size_t length = strnlen(name, room);
    if (length == room)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s name '%.20s…' is longer than %zu bytes", what, name, room - 1);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s name '%.*s…' holds a control character", what, (int)i, name);
    }
    if (assay_names_find(g, name) != ASSAY_NO_VALUE)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': the graph already has a value of that name", what, name);
    return ASSAY_OK;
}

enum assay_code assay_value_measure(struct assay_value *v, const char *what, struct assay_error *err)
{
    char shape[128];
    struct assay_text text = ASSAY_TEXT(shape);
    uint64_t bits = assay_dtype_bits(v->dtype);
    if (!bits)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': there is no dtype number %d", what, v->name, (int)v->dtype);
    if (v->rank < 0 || v->rank > ASSAY_MAX_RANK)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': rank %" PRId32 " is not in 0..%d", what, v->name, v->rank,
                          ASSAY_MAX_RANK);
    assay_value_describe(v, &text);
    /* The product over the dims that are not zero: an empty value must not hide strides that overflow. */
    uint64_t product = 1;
    bool empty = false;
    for (int32_t i = 0; i < v->rank; i++) {
        if (v->dims[i] < 0)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' %s: dimension %" PRId32 " is negative", what, v->name, shape,
                              i);
        if (v->dims[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, (uint64_t)v->dims[i], &product) || product > LIMIT)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' %s has more than 2^62 elements", what, v->name, shape);
    }
    /* Bytes by whole groups of eight elements, so that no product exceeds 64 bits before it is compared. */
    uint64_t bytes;
    if (__builtin_mul_overflow(product / 8, bits, &bytes) || bytes > LIMIT ||
        (bytes += (product % 8 * bits + 7) / 8) > LIMIT)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' %s has more than 2^62 bytes", what, v->name, shape);
    v->elements = empty ? 0 : product;
    v->bytes = empty ? 0 : bytes;
    return ASSAY_OK;
}

static enum assay_code reserve(const struct assay_graph *g, void **array, size_t each, uint32_t used, uint32_t more,
                               uint32_t *room, struct assay_error *err)
{
    if (more > (uint32_t)INT32_MAX / 2 - used)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "graph '%s' grows beyond %d entries", g->name, INT32_MAX / 2);
    if (used + more <= *room)
        return ASSAY_OK;
    uint32_t wanted = *room ? *room : 16;
    while (wanted < used + more)
        wanted *= 2;
    void *grown = reallocarray(*array, wanted, each);
    if (!grown)
        return out_of_memory(g, err);
    *array = grown;
    *room = wanted;
    return ASSAY_OK;
}

enum assay_code assay_graph_reserve_values(struct assay_graph *g, uint32_t n, struct assay_error *err)
{
    void *values = g->values;
    enum assay_code code = reserve(g, &values, sizeof *g->values, g->n_values, n, &g->memory->value_room, err);
    g->values = values;
    return code;
}

enum assay_code assay_graph_reserve_nodes(struct assay_graph *g, uint32_t n, struct assay_error *err)
{
    void *nodes = g->nodes;
    enum assay_code code = reserve(g, &nodes, sizeof *g->nodes, g->n_nodes, n, &g->memory->node_room, err);
    g->nodes = nodes;
    if (code || g->memory->step_room == g->memory->node_room)
        return code;
    uint32_t *steps = reallocarray(g->memory->step_of, g->memory->node_room, sizeof *steps);
    if (!steps)
        return out_of_memory(g, err);
    g->memory->step_of = steps;
    g->memory->step_room = g->memory->node_room;
    return ASSAY_OK;
}

void assay_graph_step(struct assay_graph *g, uint32_t step)
{
    g->memory->step = step;
}

uint32_t assay_graph_step_of(const struct assay_graph *g, uint32_t node)
{
    return g->memory->step_of[node];
}

enum assay_code assay_graph_admit(struct assay_graph *g, int32_t *index, struct assay_error *err)
{
    if (!assay_names_add(g, (int32_t)g->n_values))
        return out_of_memory(g, err);
    *index = (int32_t)g->n_values++;
    return ASSAY_OK;
}

static enum assay_code check_fill(const struct assay_value *v, const char *what, struct assay_error *err)
{
    const struct assay_fill *fill = &v->fill;
    const char *wrong = NULL;
    if (!isfinite(fill->a) || !isfinite(fill->b))
        wrong = "its numbers must be finite";
    switch (fill->kind) {
    case ASSAY_FILL_NONE:
    case ASSAY_FILL_CONSTANT:
    case ASSAY_FILL_IOTA:
        break;
    case ASSAY_FILL_UNIFORM:
        if (!(fill->a < fill->b))
            wrong = "a uniform fill needs a < b";
        break;
    case ASSAY_FILL_NORMAL:
        if (!(fill->b >= 0))
            wrong = "a deviation is not negative";
        break;
    case ASSAY_FILL_INTEGERS:
        if (!(fill->a <= fill->b) || rint(fill->a) != fill->a || rint(fill->b) != fill->b)
            wrong = "an integer fill needs whole numbers a <= b";
        break;
    case ASSAY_FILL_UNLIKE:
        if (!(fill->a >= 3) || rint(fill->a) != fill->a)
            wrong = "numbers unlike their neighbours need a whole a >= 3";
        break;
    case ASSAY_FILL_CANCELLING:
        if (!(fill->a > 0) || !(fill->b >= 0))
            wrong = "a cancelling fill needs a > 0 and b >= 0";
        break;
    case ASSAY_FILL_WIDE:
        if (!(fill->a < fill->b))
            wrong = "a wide fill needs a < b";
        break;
    case ASSAY_FILL_SPECIAL:
        if (!(fill->a >= 2))
            wrong = "special numbers come one in a >= 2";
        break;
    case ASSAY_FILL_RAGGED:
    case ASSAY_FILL_DISTINCT:
        if (!(fill->a <= fill->b) || rint(fill->a) != fill->a || rint(fill->b) != fill->b || fill->b - fill->a > INT32_MAX)
            wrong = "it needs whole numbers a <= b, less than 2^31 apart";
        break;
    default:
        wrong = "there is no such kind of fill";
    }
    if (wrong)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': fill %d(%g, %g): %s", what, v->name, (int)fill->kind, fill->a,
                          fill->b, wrong);
    return ASSAY_OK;
}

static enum assay_code copy_data(struct assay_graph *g, struct assay_value *v, const void *data,
                                 struct assay_error *err)
{
    const uint64_t bytes = v->bytes;
    if (!data && bytes)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "const '%s' has no data for its %" PRIu64 " bytes", v->name, bytes);
    v->data = assay_arena_take(&g->memory->arena, bytes ? bytes : 1, 1);
    if (!v->data)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "out of memory for the %" PRIu64 " bytes of const '%s'", bytes, v->name);
    if (bytes)
        memcpy(v->data, data, bytes);
    return ASSAY_OK;
}

static enum assay_code add_value(struct assay_graph *g, const char *what, const char *name,
                                 const struct assay_value *like, const int64_t *dims, const void *data, int32_t *index,
                                 struct assay_error *err)
{
    enum assay_code code = assay_graph_check_name(g, what, name, err);
    if (!code)
        code = assay_graph_reserve_values(g, 1, err);
    if (code)
        return code;
    struct assay_value *v = &g->values[g->n_values];
    *v = *like;
    (void)assay_string_copy(v->name, sizeof v->name, name);
    v->place = ASSAY_PLACE_DEVICE;
    v->alias_of = ASSAY_NO_VALUE;
    v->producer = -1;
    if (like->rank > 0 && !dims)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' of rank %" PRId32 " has no dimensions", what, name, v->rank);
    for (int32_t i = 0; i < like->rank && i < ASSAY_MAX_RANK; i++)
        v->dims[i] = dims[i];
    code = assay_value_measure(v, what, err);
    if (!code)
        code = check_fill(v, what, err);
    if (!code && v->role == ASSAY_ROLE_CONTROL && assay_dtype_is_float(v->dtype))
        code = ASSAY_FAIL(err, ASSAY_CONFIG, "control '%s' is %s: controls are integers", name,
                          assay_dtype_name(v->dtype));
    if (!code && v->role == ASSAY_ROLE_CONST)
        code = copy_data(g, v, data, err);
    return code ? code : assay_graph_admit(g, index, err);
}

void assay_graph_repeat(struct assay_graph *g, uint32_t repetition)
{
    g->repetition = repetition;
}

const char *assay_graph_repeated_name(const struct assay_graph *g, const char *name, char room[ASSAY_VALUE_NAME_BYTES + 16])
{
    if (!g->repetition || !name || !*name)
        return name;
    (void)snprintf(room, ASSAY_VALUE_NAME_BYTES + 16, "%.127s#%u", name, g->repetition);
    return room;
}

/* The param of this name, type and shape that is there already; ASSAY_NO_VALUE: none. */
static int32_t repeated_param(const struct assay_graph *g, const char *name, const struct assay_value *like, const int64_t *dims)
{
    int32_t                   index = g->repetition && like->role == ASSAY_ROLE_PARAM && name ? assay_names_find(g, name) : ASSAY_NO_VALUE;
    const struct assay_value *v = assay_graph_value(g, index);
    bool                      same = v && v->role == ASSAY_ROLE_PARAM && v->dtype == like->dtype && v->rank == like->rank &&
                                     (v->rank == 0 || !memcmp(v->dims, dims, (size_t)v->rank * sizeof *dims));
    return same ? index : ASSAY_NO_VALUE;
}

static int32_t add(struct assay_graph *g, const char *what, const char *name, const struct assay_value *like,
                   const int64_t *dims, const void *data)
{
    struct assay_error err = {0};
    int32_t index = ASSAY_NO_VALUE;
    if (!assay_graph_open(g))
        return ASSAY_NO_VALUE;
    char    room[ASSAY_VALUE_NAME_BYTES + 16];
    int32_t param = repeated_param(g, name, like, dims);
    if (param != ASSAY_NO_VALUE)
        return param;
    if (like->role != ASSAY_ROLE_PARAM)
        name = assay_graph_repeated_name(g, name, room);
    if (add_value(g, what, name, like, dims, data, &index, &err) != ASSAY_OK)
        assay_graph_keep(g, &err);
    return index;
}

int32_t assay_graph_input(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, struct assay_fill fill)
{
    const struct assay_value like = {.dtype = dtype, .role = ASSAY_ROLE_INPUT, .rank = rank, .fill = fill};
    return add(g, "input", name, &like, dims, NULL);
}

int32_t assay_graph_control(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                            const int64_t *dims, struct assay_fill fill)
{
    const struct assay_value like = {.dtype = dtype, .role = ASSAY_ROLE_CONTROL, .rank = rank, .fill = fill};
    return add(g, "control", name, &like, dims, NULL);
}

int32_t assay_graph_param(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, struct assay_fill fill)
{
    const struct assay_value like = {.dtype = dtype, .role = ASSAY_ROLE_PARAM, .rank = rank, .fill = fill};
    return add(g, "param", name, &like, dims, NULL);
}

int32_t assay_graph_state(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, struct assay_fill fill)
{
    const struct assay_value like = {.dtype = dtype, .role = ASSAY_ROLE_STATE, .rank = rank, .fill = fill};
    return add(g, "state", name, &like, dims, NULL);
}

int32_t assay_graph_const(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, const void *data)
{
    const struct assay_value like = {.dtype = dtype, .role = ASSAY_ROLE_CONST, .rank = rank};
    return add(g, "const", name, &like, dims, data);
}

int32_t assay_graph_i64s(struct assay_graph *g, const char *name, size_t n, const int64_t *numbers)
{
    return assay_graph_const(g, name, ASSAY_I64, 1, (int64_t[]){n > INT64_MAX ? -1 : (int64_t)n}, numbers);
}
