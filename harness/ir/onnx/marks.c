#include "harness/ir/onnx/marks.h"

#include <stdlib.h>

#include "assay/banned.h"

/* Fields of ValueInfoProto, NodeProto and StringStringEntryProto. */
enum { VALUE_MARKS = 4, NODE_MARKS = 9, KEY = 1, TEXT = 2 };

static const char *const roles[] = {[ASSAY_ROLE_CONTROL] = "control", [ASSAY_ROLE_PARAM] = "param", [ASSAY_ROLE_STATE] = "state"};
static const char *const fills[] = {"none", "uniform", "normal", "constant", "integers", "iota"};
static const char *const places[] = {[ASSAY_PLACE_HOST_PINNED] = "host_pinned", [ASSAY_PLACE_HOST_PAGEABLE] = "host_pageable",
                                     [ASSAY_PLACE_PEER] = "peer"};
#define COUNT(list) (sizeof (list) / sizeof (list)[0])

/* The number of a name; COUNT: it has none. */
static size_t find(const char *const *names, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && (!names[i] || strcmp(names[i], name) != 0))
        i++;
    return i;
}

static bool has_role(const struct assay_value *v)
{
    return (size_t)v->role < COUNT(roles) && roles[v->role];
}

static bool has_place(const struct assay_value *v)
{
    return (size_t)v->place < COUNT(places) && places[v->place];
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

static void write_mark(struct assay_encoder *to, uint32_t field, const char *key, const char *text)
{
    char full[ASSAY_VALUE_NAME_BYTES];
    (void)snprintf(full, sizeof full, "assay.%.100s", key);
    size_t entry = assay_encode_begin(to, field);
    assay_encode_text(to, KEY, full);
    assay_encode_text(to, TEXT, text);
    assay_encode_end(to, entry);
}

bool assay_onnx_is_marked(const struct assay_value *v)
{
    return has_role(v) || has_place(v) || v->fill.kind || v->frozen || v->checkpoint || v->alias_of != ASSAY_NO_VALUE;
}

void assay_onnx_write_marks(struct assay_encoder *to, const struct assay_graph *g, const struct assay_value *v)
{
    char text[96];
    if (has_role(v))
        write_mark(to, VALUE_MARKS, "role", roles[v->role]);
    if (has_place(v))
        write_mark(to, VALUE_MARKS, "place", places[v->place]);
    if (v->fill.kind) {
        (void)snprintf(text, sizeof text, "%s %.17g %.17g", fills[v->fill.kind], v->fill.a, v->fill.b);
        write_mark(to, VALUE_MARKS, "fill", text);
    }
    if (v->frozen)
        write_mark(to, VALUE_MARKS, "frozen", "true");
    if (v->checkpoint)
        write_mark(to, VALUE_MARKS, "checkpoint", "true");
    if (v->alias_of != ASSAY_NO_VALUE)
        write_mark(to, VALUE_MARKS, "alias_of", g->values[v->alias_of].name);
}

void assay_onnx_write_number(struct assay_encoder *to, const char *name, double number)
{
    char text[40];
    if ((double)(float)number == number)
        return;
    (void)snprintf(text, sizeof text, "%.17g", number);
    write_mark(to, NODE_MARKS, name, text);
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

/* The text of mark `key`; NULL: there is none. */
static const char *mark_of(const struct assay_onnx_entry *marks, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (marks[i].key && marks[i].value && strncmp(marks[i].key, "assay.", 6) == 0 && strcmp(marks[i].key + 6, key) == 0)
            return marks[i].value;
    return NULL;
}

static struct assay_fill fill_of(const char *text)
{
    struct assay_fill fill = ASSAY_FILL_SIGNED;
    char              kind[16], *end;
    size_t            n = text ? strcspn(text, " ") : sizeof kind;
    if (n >= sizeof kind)
        return fill;
    memcpy(kind, text, n);
    kind[n] = 0;
    size_t number = find(fills, COUNT(fills), kind);
    double a = strtod(text + n, &end), b = strtod(end, &end);
    return number < COUNT(fills) && !*end ? (struct assay_fill){(enum assay_fill_kind)number, a, b} : fill;
}

enum assay_code assay_onnx_marked_input(struct assay_graph *g, const struct assay_onnx_value *v, const struct assay_onnx_array *a)
{
    const char       *role = mark_of(v->marks, v->n_marks, "role");
    struct assay_fill fill = fill_of(mark_of(v->marks, v->n_marks, "fill"));
    switch (role ? find(roles, COUNT(roles), role) : COUNT(roles)) {
    case ASSAY_ROLE_CONTROL: (void)assay_graph_control(g, v->name, a->dtype, a->rank, a->dims, fill); break;
    case ASSAY_ROLE_PARAM: (void)assay_graph_param(g, v->name, a->dtype, a->rank, a->dims, fill); break;
    case ASSAY_ROLE_STATE: (void)assay_graph_state(g, v->name, a->dtype, a->rank, a->dims, fill); break;
    default: (void)assay_graph_input(g, v->name, a->dtype, a->rank, a->dims, fill); break;
    }
    return g->first_error.code;
}

static void take_one(struct assay_graph *g, const struct assay_onnx_value *v)
{
    const char *place = mark_of(v->marks, v->n_marks, "place"), *of = mark_of(v->marks, v->n_marks, "alias_of");
    int32_t     value = v->name ? assay_graph_find(g, v->name) : ASSAY_NO_VALUE;
    size_t      where = place ? find(places, COUNT(places), place) : COUNT(places);
    if (value == ASSAY_NO_VALUE)
        return;
    if (where < COUNT(places))
        assay_graph_place(g, value, (enum assay_place)where);
    if (mark_of(v->marks, v->n_marks, "frozen"))
        assay_graph_freeze(g, value);
    if (mark_of(v->marks, v->n_marks, "checkpoint"))
        assay_graph_checkpoint(g, value);
    if (of)
        assay_graph_alias(g, value, assay_graph_find(g, of));
}

void assay_onnx_take_marks(struct assay_graph *g, const struct assay_onnx_graph *from)
{
    for (size_t i = 0; i < from->n_inputs; i++)
        take_one(g, &from->inputs[i]);
    for (size_t i = 0; i < from->n_values; i++)
        take_one(g, &from->values[i]);
    for (size_t i = 0; i < from->n_outputs; i++)
        take_one(g, &from->outputs[i]);
}

double assay_onnx_whole_number(const struct assay_onnx_node *node, const struct assay_onnx_attribute *a)
{
    const char *text = mark_of(node->marks, node->n_marks, a->name);
    char       *end;
    double      number = text ? strtod(text, &end) : 0;
    return text && *text && !*end && (float)number == a->f ? number : (double)a->f;
}
