#include "harness/ir/transform/join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

#define NAME ASSAY_VALUE_NAME_BYTES

/* A value on its way from one rank to another. */
struct sent {
    struct sent *next;
    int64_t      from, to;
    int32_t      value; /* of the joined graph */
    char         name[NAME];
};

struct join {
    const struct assay_graph *const *ranks;
    uint32_t                         n;
    int32_t *const                  *there;
    struct assay_graph              *to;
    uint32_t                         at[ASSAY_RANKS]; /* the node that each rank does next */
    struct sent                     *sent;            /* oldest first */
};

static const struct assay_node *next_of(const struct join *j, uint32_t r)
{
    return j->at[r] < j->ranks[r]->n_nodes ? &j->ranks[r]->nodes[j->at[r]] : NULL;
}

static bool is(const struct assay_node *node, const char *op)
{
    return !strcmp(node->op->qualified, op);
}

/* "x@3"; refused if that is no name any more. */
static void name_on(const struct join *j, const char *name, uint32_t rank, char out[NAME])
{
    int length = snprintf(out, NAME, "%s@%u", name, rank);
    if (length >= NAME)
        assay_graph_refuse(j->to, ASSAY_UNSUPPORTED, "join: '%s' is too long a name to add a rank to", name);
}

static int32_t moved(const struct join *j, uint32_t r, int32_t value)
{
    return value == ASSAY_NO_VALUE ? value : j->there[r][value];
}

/* ---- what ranks are given, and do alone ----------------------------------------------------------------------------- */

static void add_given(const struct join *j, uint32_t r, int32_t value)
{
    const struct assay_value *v = &j->ranks[r]->values[value];
    struct assay_part         part = {.n_holders = 0};
    char                      name[NAME];
    int32_t                   made = ASSAY_NO_VALUE;
    name_on(j, v->name, r, name);
    switch (v->role) {
    case ASSAY_ROLE_INPUT: made = assay_graph_input(j->to, name, v->dtype, v->rank, v->dims, v->fill); break;
    case ASSAY_ROLE_CONTROL: made = assay_graph_control(j->to, name, v->dtype, v->rank, v->dims, v->fill); break;
    case ASSAY_ROLE_PARAM: made = assay_graph_param(j->to, name, v->dtype, v->rank, v->dims, v->fill); break;
    case ASSAY_ROLE_STATE: made = assay_graph_state(j->to, name, v->dtype, v->rank, v->dims, v->fill); break;
    case ASSAY_ROLE_CONST: made = assay_graph_const(j->to, name, v->dtype, v->rank, v->dims, v->data); break;
    case ASSAY_ROLE_TEMP:
    case ASSAY_ROLE_OUTPUT: break;
    }
    j->there[r][value] = made;
    if (made == ASSAY_NO_VALUE || v->role == ASSAY_ROLE_CONST)
        return;
    (void)snprintf(part.name, sizeof part.name, "%s", v->name); /* its content hangs on its own name */
    memcpy(part.whole, v->dims, sizeof part.whole);
    assay_graph_part(j->to, made, v->part ? v->part : &part);
    if (v->frozen)
        assay_graph_freeze(j->to, made);
}

/* A node like one of rank r's, of op `op`, from inputs of the joined graph. */
static void add_like(const struct join *j, uint32_t r, const char *op, const struct assay_node *node, const int32_t *inputs, size_t n,
                     const struct assay_attr *attrs)
{
    char        text[ASSAY_OP_MAX_OPERANDS][NAME];
    const char *names[ASSAY_OP_MAX_OPERANDS] = {NULL};
    int32_t     out[ASSAY_OP_MAX_OPERANDS];
    for (uint32_t o = 0; o < node->n_outputs; o++) {
        if (node->outputs[o] == ASSAY_NO_VALUE)
            continue;
        name_on(j, j->ranks[r]->values[node->outputs[o]].name, r, text[o]);
        names[o] = text[o];
    }
    assay_graph_op_outputs(j->to, op, names, node->n_outputs, inputs, n, attrs, out);
    for (uint32_t o = 0; o < node->n_outputs; o++)
        if (node->outputs[o] != ASSAY_NO_VALUE)
            j->there[r][node->outputs[o]] = out[o];
}

static void add_alone(const struct join *j, uint32_t r, const struct assay_node *node)
{
    struct assay_attr *attrs = calloc((size_t)node->n_attrs + 1, sizeof *attrs);
    int32_t            inputs[ASSAY_OP_MAX_OPERANDS];
    if (!attrs) {
        assay_graph_refuse(j->to, ASSAY_MEMORY, "join: no memory for node '%s'", node->name);
        return;
    }
    for (uint32_t i = 0; i < node->n_attrs; i++)
        attrs[i] = node->attrs[i];
    attrs[node->n_attrs] = ASSAY_ATTR_END;
    for (uint32_t i = 0; i < node->n_inputs; i++)
        inputs[i] = moved(j, r, node->inputs[i]);
    add_like(j, r, node->op->qualified, node, inputs, node->n_inputs, attrs);
    free(attrs);
}

/* ---- what they do together ------------------------------------------------------------------------------------------ */

/* The place of rank r in the group of `node`; refused if it has none. */
static size_t place_in(const struct join *j, const struct assay_node *node, uint32_t r)
{
    size_t         n, place = 0;
    const int64_t *list = assay_node_ranks(node, &n);
    while (place < n && list[place] != r)
        place++;
    if (place == n)
        assay_graph_refuse(j->to, ASSAY_CONFIG, "rank %u has %s '%s' of a group in which it is not", r, node->op->name, node->name);
    return place;
}

static bool same_attrs(const struct assay_node *a, const struct assay_node *b)
{
    for (uint32_t i = 0; i < a->n_attrs && a->n_attrs == b->n_attrs; i++) {
        const struct assay_attr *x = &a->attrs[i], *y = &b->attrs[i];
        if (strcmp(x->name, y->name) != 0 || x->i != y->i || x->n != y->n || memcmp(x->list, y->list, x->n * sizeof *x->list) != 0 ||
            strcmp(x->text ? x->text : "", y->text ? y->text : "") != 0)
            return false;
    }
    return a->n_attrs == b->n_attrs;
}

/* Do all of the group stand at it? */
static bool is_met(const struct join *j, uint32_t r)
{
    const struct assay_node  *mine = next_of(j, r);
    const struct assay_value *x = &j->ranks[r]->values[mine->inputs[0]];
    size_t                    n;
    const int64_t            *list = assay_node_ranks(mine, &n);
    for (size_t i = 0; i < n; i++) {
        const struct assay_node *node = list[i] < j->n ? next_of(j, (uint32_t)list[i]) : NULL;
        if (!node || node->op != mine->op || !same_attrs(mine, node))
            return false;
        const struct assay_value *y = &j->ranks[list[i]]->values[node->inputs[0]];
        if (x->dtype != y->dtype || !assay_value_same_shape(x, y))
            return false;
    }
    return true;
}

/* A node on the way, named by its first operand. */
static int32_t between(const struct join *j, const char *op, const int32_t *in, size_t n, const struct assay_attr *attrs)
{
    char name[NAME];
    (void)snprintf(name, sizeof name, "%.96s~%u", j->to->values[in[0]].name, j->to->n_values);
    return assay_graph_op(j->to, op, name, in, n, attrs);
}

static int32_t folded(const struct join *j, const struct assay_node *node, const int32_t *x, size_t n)
{
    bool    is_max = !strcmp(assay_node_text(node, "reduce", "sum"), "max");
    int32_t sum = x[0];
    for (size_t i = 1; i < n && sum != ASSAY_NO_VALUE; i++)
        sum = between(j, is_max ? "Max" : "Add", (int32_t[]){sum, x[i]}, 2, NULL);
    return sum;
}

/* x cut into n equal parts. */
static void cut(const struct join *j, int32_t x, int64_t axis, size_t n, int32_t *parts)
{
    char              text[ASSAY_RANKS][NAME];
    const char       *names[ASSAY_RANKS];
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_INT("num_outputs", (int64_t)n), ASSAY_ATTR_END};
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(text[i], NAME, "%.96s~%zu", j->to->values[x].name, (size_t)j->to->n_values + i);
        names[i] = text[i];
    }
    assay_graph_op_outputs(j->to, "Split", names, n, &x, 1, attrs, parts);
}

/* Of every member its output, from what the members brought. */
static void exchange(const struct join *j, const struct assay_node *node, const int32_t *x, size_t n, int32_t *y)
{
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", assay_node_i64(node, is(node, "assay.AllToAll") ? "concat_axis" : "axis", 0)),
                                ASSAY_ATTR_END};
    int32_t           part[ASSAY_RANKS][ASSAY_RANKS], came[ASSAY_RANKS];
    if (is(node, "assay.ReduceScatter")) {
        cut(j, folded(j, node, x, n), axis[0].i, n, y);
        return;
    }
    if (is(node, "assay.AllToAll")) {
        for (size_t i = 0; i < n; i++)
            cut(j, x[i], assay_node_i64(node, "split_axis", 0), n, part[i]);
        for (size_t r = 0; r < n && !j->to->first_error.code; r++) {
            for (size_t i = 0; i < n; i++)
                came[i] = part[i][r];
            y[r] = between(j, "Concat", came, n, axis);
        }
        return;
    }
    y[0] = is(node, "assay.AllGather") ? between(j, "Concat", x, n, axis) : folded(j, node, x, n);
    for (size_t r = 1; r < n; r++)
        y[r] = y[0];
}

static void meet(struct join *j, uint32_t r)
{
    const struct assay_node *node = next_of(j, r);
    size_t                   n;
    const int64_t           *list = assay_node_ranks(node, &n);
    int32_t                  x[ASSAY_RANKS] = {0}, y[ASSAY_RANKS] = {0};
    for (size_t i = 0; i < n; i++)
        x[i] = moved(j, (uint32_t)list[i], next_of(j, (uint32_t)list[i])->inputs[0]);
    exchange(j, node, x, n, y);
    for (size_t i = 0; i < n && !j->to->first_error.code; i++) {
        add_like(j, (uint32_t)list[i], "Identity", next_of(j, (uint32_t)list[i]), &y[i], 1, NULL);
        j->at[list[i]]++;
    }
}

/* ---- from one to another -------------------------------------------------------------------------------------------- */

static void send(struct join *j, uint32_t r, const struct assay_node *node)
{
    const struct assay_value *t = &j->ranks[r]->values[node->outputs[0]];
    unsigned char             zero[8] = {0};
    char                      name[NAME];
    size_t                    n;
    const int64_t            *list = assay_node_ranks(node, &n);
    struct sent             **end = &j->sent, *s = calloc(1, sizeof *s);
    while (*end)
        end = &(*end)->next;
    if (!s) {
        assay_graph_refuse(j->to, ASSAY_MEMORY, "join: no memory for what '%s' sends", node->name);
        return;
    }
    *s = (struct sent){.from = list[0], .to = list[n - 1], .value = moved(j, r, node->inputs[0])};
    (void)snprintf(s->name, sizeof s->name, "%s", node->name);
    *end = s;
    (void)snprintf(name, sizeof name, "%.110s~sent%u", t->name, r);
    int32_t none = assay_graph_const(j->to, name, t->dtype, 0, NULL, zero);
    add_like(j, r, "Identity", node, &none, 1, NULL);
    if (n == 1) { /* to nobody */
        *end = NULL;
        free(s);
    }
}

/* false: nothing was sent yet. */
static bool receive(struct join *j, uint32_t r, const struct assay_node *node)
{
    const struct assay_value *y = &j->ranks[r]->values[node->outputs[0]];
    size_t                    n;
    const int64_t            *list = assay_node_ranks(node, &n);
    struct sent             **from = &j->sent;
    while (*from && !((*from)->from == list[0] && (*from)->to == r))
        from = &(*from)->next;
    struct sent *s = *from;
    if (!s)
        return false;
    const struct assay_value *x = &j->to->values[s->value];
    if (x->dtype != y->dtype || !assay_value_same_shape(x, y))
        assay_graph_refuse(j->to, ASSAY_CONFIG, "rank %u takes '%s' for what rank %lld sent as '%s', which has another type or shape", r,
                           node->name, (long long)s->from, s->name);
    else
        add_like(j, r, "Identity", node, &s->value, 1, NULL);
    *from = s->next;
    free(s);
    return true;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------- */

static bool has_group(const struct assay_node *node)
{
    size_t n;
    (void)assay_node_ranks(node, &n);
    return n > 1 && !is(node, "assay.Replicate");
}

/* The next node of rank r, if it can be done; false: it waits, or there is none. */
static bool go_on(struct join *j, uint32_t r)
{
    const struct assay_node *node = next_of(j, r);
    if (!node || j->to->first_error.code)
        return false;
    if (!has_group(node)) {
        add_alone(j, r, node);
        j->at[r]++;
        return true;
    }
    (void)place_in(j, node, r);
    if (is(node, "assay.Send"))
        send(j, r, node);
    else if (is(node, "assay.Receive") ? !receive(j, r, node) : !is_met(j, r))
        return false;
    else if (!is(node, "assay.Receive")) {
        meet(j, r);
        return true;
    }
    j->at[r]++;
    return true;
}

static void refuse_waiting(const struct join *j)
{
    char              said[160] = "";
    struct assay_text text = ASSAY_TEXT(said);
    for (uint32_t r = 0; r < j->n; r++) {
        const struct assay_node *node = next_of(j, r);
        if (node)
            assay_text_add(&text, "%srank %u at %s '%s'", text.length ? ", " : "", r, node->op->name, node->name);
    }
    if (text.length)
        assay_graph_refuse(j->to, ASSAY_CONFIG, "ranks wait for each other: %s", said);
    else if (j->sent)
        assay_graph_refuse(j->to, ASSAY_CONFIG, "rank %lld sends '%s' to rank %lld, which does not take it", (long long)j->sent->from,
                           j->sent->name, (long long)j->sent->to);
}

static void walk(struct join *j)
{
    bool moving = true;
    for (uint32_t r = 0; r < j->n; r++)
        for (uint32_t v = 0; v < j->ranks[r]->n_values; v++) {
            j->there[r][v] = ASSAY_NO_VALUE;
            if (j->ranks[r]->values[v].producer < 0)
                add_given(j, r, (int32_t)v);
        }
    while (moving) {
        moving = false;
        for (uint32_t r = 0; r < j->n; r++)
            while (go_on(j, r))
                moving = true;
    }
    if (!j->to->first_error.code)
        refuse_waiting(j);
}

static void show(const struct join *j, uint32_t r)
{
    for (uint32_t v = 0; v < j->ranks[r]->n_values && !j->to->first_error.code; v++) {
        const struct assay_value *value = &j->ranks[r]->values[v];
        if (value->role == ASSAY_ROLE_OUTPUT)
            assay_graph_output(j->to, j->there[r][v]);
        if (value->alias_of != ASSAY_NO_VALUE)
            assay_graph_alias(j->to, j->there[r][v], j->there[r][value->alias_of]);
    }
}

enum assay_code assay_graph_join(const struct assay_graph *const *ranks, uint32_t n, int32_t *const *there, struct assay_graph **out,
                                 struct assay_error *err)
{
    if (n > ASSAY_RANKS)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "join: %u ranks; up to %d are joined", n, ASSAY_RANKS);
    struct join j = {.ranks = ranks, .n = n, .there = there, .to = assay_graph_new("joined")};
    if (!j.to)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    walk(&j);
    for (uint32_t r = 0; r < n; r++)
        show(&j, r);
    for (struct sent *s = j.sent, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    enum assay_code code = assay_graph_finish(j.to, err);
    if (code)
        assay_graph_free(j.to);
    else
        *out = j.to;
    return code;
}
