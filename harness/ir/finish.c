/* Outputs, aliases and places, and the check at the end. */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/ir/build.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

/* The value, or NULL after a complaint that begins with `what`. */
static struct assay_value *own(struct assay_graph *g, int32_t index, const char *what)
{
    if (!assay_graph_open(g))
        return NULL;
    if (index < 0 || (uint32_t)index >= g->n_values) {
        assay_graph_refuse(g, ASSAY_CONFIG, "%s: graph '%s' has no value %" PRId32, what, g->name, index);
        return NULL;
    }
    return &g->values[index];
}

/* With its article, for sentences. */
static const char *role_name(enum assay_role role)
{
    static const char *const names[] = {"nothing", "an input", "a control", "a param",
                                        "a state", "a const",  "a temp",    "an output"};
    return names[role];
}

void assay_graph_output(struct assay_graph *g, int32_t value)
{
    struct assay_value *v = own(g, value, "output");
    if (!v)
        return;
    if (v->role == ASSAY_ROLE_TEMP)
        v->role = ASSAY_ROLE_OUTPUT;
    else if (v->role == ASSAY_ROLE_OUTPUT)
        assay_graph_refuse(g, ASSAY_CONFIG, "output '%s' is an output already", v->name);
    else
        assay_graph_refuse(g, ASSAY_CONFIG, "'%s' is %s that no node writes, so it cannot be an output", v->name,
                           role_name(v->role));
}

void assay_graph_alias(struct assay_graph *g, int32_t value, int32_t of)
{
    struct assay_value *v = own(g, value, "alias");
    struct assay_value *old = v ? own(g, of, "alias") : NULL;
    char a[96], b[96];
    struct assay_text shape = ASSAY_TEXT(a), old_shape = ASSAY_TEXT(b);
    if (!old)
        return;
    assay_value_describe(v, &shape);
    assay_value_describe(old, &old_shape);
    if (v->producer < 0)
        assay_graph_refuse(g, ASSAY_CONFIG, "alias: no node writes '%s' (%s)", v->name, role_name(v->role));
    else if (old->role != ASSAY_ROLE_PARAM && old->role != ASSAY_ROLE_STATE)
        assay_graph_refuse(g, ASSAY_CONFIG, "alias: '%s' cannot take over '%s', %s: only a param or state", v->name,
                           old->name, role_name(old->role));
    else if (v->alias_of != ASSAY_NO_VALUE)
        assay_graph_refuse(g, ASSAY_CONFIG, "alias: '%s' takes over '%s' already", v->name,
                           g->values[v->alias_of].name);
    else if (v->dtype != old->dtype || !assay_value_same_shape(v, old))
        assay_graph_refuse(g, ASSAY_CONFIG, "alias: '%s' %s cannot take over '%s' %s: they differ", v->name, a,
                           old->name, b);
    else
        v->alias_of = of;
}

void assay_graph_place(struct assay_graph *g, int32_t value, enum assay_place place)
{
    struct assay_value *v = own(g, value, "place");
    if (!v)
        return;
    if (place < ASSAY_PLACE_DEVICE || place > ASSAY_PLACE_PEER)
        assay_graph_refuse(g, ASSAY_CONFIG, "'%s': there is no place number %d", v->name, (int)place);
    else
        v->place = place;
}

void assay_graph_freeze(struct assay_graph *g, int32_t param)
{
    struct assay_value *v = own(g, param, "freeze");
    if (v && v->role == ASSAY_ROLE_PARAM)
        v->frozen = true;
    else if (v)
        assay_graph_refuse(g, ASSAY_CONFIG, "freeze: '%s' is %s, not a param", v->name, role_name(v->role));
}

static const char *why_no_part(const struct assay_value *v, const struct assay_part *part)
{
    if (v->producer >= 0 || v->role == ASSAY_ROLE_CONST)
        return "only what is bound by a fill rule can be one";
    if (assay_dtype_bits(v->dtype) % 8)
        return "its elements share bytes";
    if (part->n_holders > ASSAY_RANKS || part->n_sharers > ASSAY_RANKS)
        return "more ranks than a list holds";
    for (int32_t d = 0; d < v->rank; d++)
        if (part->first[d] < 0 || part->first[d] > part->whole[d] || v->dims[d] > part->whole[d] - part->first[d])
            return "it leaves the whole";
    return NULL;
}

void assay_graph_part(struct assay_graph *g, int32_t value, const struct assay_part *part)
{
    struct assay_value *v = own(g, value, "part");
    const char         *why = v ? why_no_part(v, part) : NULL;
    if (!v)
        return;
    struct assay_part *kept = why ? NULL : assay_arena_take(&g->memory->arena, 1, sizeof *kept);
    if (why)
        assay_graph_refuse(g, ASSAY_CONFIG, "part: '%s' of '%s': %s", v->name, part->name, why);
    else if (!kept)
        assay_graph_refuse(g, ASSAY_MEMORY, "no memory for what '%s' is a part of", v->name);
    if (!kept)
        return;
    *kept = *part;
    v->part = kept;
}

void assay_graph_checkpoint(struct assay_graph *g, int32_t value)
{
    struct assay_value *v = own(g, value, "checkpoint");
    if (v)
        v->checkpoint = true;
}

/* ---- the check at the end ------------------------------------------------------------------------------ */

static enum assay_code check_alias(const struct assay_graph *g, const struct assay_value *v, int32_t *heir,
                                   const int32_t *last_reader, struct assay_error *err)
{
    const struct assay_value *old = &g->values[v->alias_of];
    int32_t index = (int32_t)(v - g->values), rival = heir[v->alias_of], reader = last_reader[v->alias_of];
    if (rival != ASSAY_NO_VALUE)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' and '%s' both take over '%s'", g->values[rival].name, v->name,
                          old->name);
    heir[v->alias_of] = index;
    if (v->role != ASSAY_ROLE_OUTPUT)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' takes over '%s' but is not an output", v->name, old->name);
    if (v->place != old->place)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' takes over '%s', which lives in another place", v->name, old->name);
    if (reader > v->producer)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "node '%s' reads '%s' after node '%s' has written '%s' over it",
                          g->nodes[reader].name, old->name, g->nodes[v->producer].name, v->name);
    return ASSAY_OK;
}

static enum assay_code check_aliases(const struct assay_graph *g, struct assay_error *err)
{
    enum assay_code code = ASSAY_OK;
    int32_t *last_reader = malloc(g->n_values * sizeof *last_reader);
    int32_t *heir = malloc(g->n_values * sizeof *heir); /* the value that takes over this one */
    if (!last_reader || !heir)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "out of memory for the check of graph '%s'", g->name);
    for (uint32_t v = 0; !code && v < g->n_values; v++) {
        last_reader[v] = -1;
        heir[v] = ASSAY_NO_VALUE;
    }
    for (uint32_t n = 0; !code && n < g->n_nodes; n++) {
        for (uint32_t i = 0; i < g->nodes[n].n_inputs; i++) {
            if (g->nodes[n].inputs[i] != ASSAY_NO_VALUE)
                last_reader[g->nodes[n].inputs[i]] = (int32_t)n;
        }
    }
    for (uint32_t v = 0; !code && v < g->n_values; v++) {
        if (g->values[v].alias_of != ASSAY_NO_VALUE)
            code = check_alias(g, &g->values[v], heir, last_reader, err);
    }
    free(last_reader);
    free(heir);
    return code;
}

static const struct assay_value *first_off_device(const struct assay_graph *g, const int32_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (values[i] != ASSAY_NO_VALUE && g->values[values[i]].place != ASSAY_PLACE_DEVICE)
            return &g->values[values[i]];
    }
    return NULL;
}

/* Everything computes on the device; only Copy reaches elsewhere. */
static enum assay_code check_places(const struct assay_graph *g, struct assay_error *err)
{
    const struct assay_op_row *copy = assay_op_find("assay.Copy");
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        const struct assay_node *node = &g->nodes[n];
        const struct assay_value *away = first_off_device(g, node->inputs, node->n_inputs);
        if (!away)
            away = first_off_device(g, node->outputs, node->n_outputs);
        if (away && node->op != copy)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' uses '%s', which is not on the device: only Copy may",
                              node->op->name, node->name, away->name);
    }
    return ASSAY_OK;
}

static enum assay_code check_whole(const struct assay_graph *g, struct assay_error *err)
{
    if (!g->n_nodes)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "graph '%s' has no node", g->name);
    uint32_t n_outputs = 0;
    for (uint32_t v = 0; v < g->n_values; v++)
        n_outputs += g->values[v].role == ASSAY_ROLE_OUTPUT;
    if (!n_outputs)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "graph '%s' has no output", g->name);
    enum assay_code code = check_places(g, err);
    return code ? code : check_aliases(g, err);
}

enum assay_code assay_graph_finish(struct assay_graph *g, struct assay_error *err)
{
    if (!g->finished && g->first_error.code == ASSAY_OK) {
        struct assay_error wrong = {0};
        if (check_whole(g, &wrong) == ASSAY_OK)
            g->finished = true;
        else
            assay_graph_keep(g, &wrong);
    }
    if (g->first_error.code == ASSAY_OK)
        return ASSAY_OK;
    *err = g->first_error;
    return assay_error_in(err, "building graph '%s'", g->name);
}
