#include "harness/ir/transform/zero.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"
#include "harness/ir/steps.h"
#include "harness/ir/transform/copy.h"

#include "assay/banned.h"

struct pass {
    const struct assay_graph *from;
    struct assay_graph       *to;
    int64_t                   rank;
    int32_t                  *there; /* by value of `from`; ASSAY_NO_VALUE: not yet */
    int32_t                  *shard; /* by value: of a param that is not gathered yet, else ASSAY_NO_VALUE */
};

/* The axis along which sharers split a param; its rank: there is none. */
static int32_t axis_of(const struct assay_value *v)
{
    int32_t axis = 0;
    if (v->role != ASSAY_ROLE_PARAM || v->frozen || !v->part || v->part->n_sharers < 2)
        return v->rank;
    while (axis < v->rank && v->dims[axis] % (int64_t)v->part->n_sharers)
        axis++;
    return axis;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Who holds shards: every sharer of every holder. Ranks of a mesh are linear in their places, so one of each is both steps on. */
static void join_holders(struct assay_part *part, int64_t rank)
{
    struct assay_part was = *part;
    size_t            holders = was.n_holders ? was.n_holders : 1;
    part->n_sharers = part->n_holders = 0;
    for (size_t h = 0; h < holders; h++)
        for (size_t s = 0; s < was.n_sharers && part->n_holders < ASSAY_RANKS; s++)
            part->holders[part->n_holders++] = (was.n_holders ? was.holders[h] : rank) + was.sharers[s] - rank;
    qsort(part->holders, part->n_holders, sizeof *part->holders, by_number);
}

static void add_shard(const struct pass *p, int32_t value, int32_t axis)
{
    struct assay_value v = p->from->values[value];
    struct assay_part  part = *v.part;
    int64_t            place = 0;
    while (place + 1 < (int64_t)part.n_sharers && part.sharers[place] != p->rank)
        place++;
    v.dims[axis] /= (int64_t)part.n_sharers;
    part.first[axis] += place * v.dims[axis];
    join_holders(&part, p->rank);
    v.part = &part;
    p->shard[value] = assay_graph_copy_given(p->to, &v, ASSAY_ROLE_PARAM);
}

static void gather(const struct pass *p, int32_t value)
{
    const struct assay_value *v = &p->from->values[value];
    struct assay_attr         attrs[] = {{.name = "ranks", .type = ASSAY_ATTR_I64S, .n = v->part->n_sharers},
                                         ASSAY_ATTR_INT("axis", axis_of(v)), ASSAY_ATTR_END};
    char                      name[ASSAY_VALUE_NAME_BYTES];
    memcpy(attrs[0].list, v->part->sharers, v->part->n_sharers * sizeof *v->part->sharers);
    (void)snprintf(name, sizeof name, "%.118s.gathered", v->name);
    p->there[value] = assay_graph_op(p->to, "assay.AllGather", name, &p->shard[value], 1, attrs);
    p->shard[value] = ASSAY_NO_VALUE;
}

static void copy_node(const struct pass *p, uint32_t index)
{
    const struct assay_node *node = &p->from->nodes[index];
    int32_t                  inputs[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        inputs[i] = node->inputs[i];
        if (inputs[i] == ASSAY_NO_VALUE)
            continue;
        if (p->shard[inputs[i]] != ASSAY_NO_VALUE)
            gather(p, inputs[i]);
        inputs[i] = p->there[inputs[i]];
    }
    assay_graph_step(p->to, assay_graph_step_of(p->from, index));
    assay_graph_copy_node(p->to, p->from, index, inputs, out);
    assay_graph_step(p->to, 0);
    for (uint32_t o = 0; o < node->n_outputs; o++)
        if (node->outputs[o] != ASSAY_NO_VALUE)
            p->there[node->outputs[o]] = out[o];
}

static void copy_values(const struct pass *p)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < p->from->n_values && !p->to->first_error.code; i++) {
        const struct assay_value *v = &p->from->values[i];
        if (v->producer < 0 && axis_of(v) < v->rank)
            add_shard(p, (int32_t)i, axis_of(v));
        else if (v->producer < 0)
            p->there[i] = assay_graph_copy_given(p->to, v, v->role);
        else if (v->producer >= (int32_t)nodes)
            copy_node(p, nodes++);
    }
    for (uint32_t i = 0; i < p->from->n_values && !p->to->first_error.code; i++) {
        const struct assay_value *v = &p->from->values[i];
        if (v->frozen)
            assay_graph_freeze(p->to, p->there[i]);
        if (v->checkpoint)
            assay_graph_checkpoint(p->to, p->there[i]);
        if (v->role == ASSAY_ROLE_OUTPUT)
            assay_graph_output(p->to, p->there[i]);
        if (v->alias_of != ASSAY_NO_VALUE)
            assay_graph_alias(p->to, p->there[i], p->there[v->alias_of]);
    }
}

int32_t assay_graph_shard_params(const struct assay_graph *from, int64_t rank, int32_t value, struct assay_graph *to)
{
    struct pass p = {.from = from, .to = to, .rank = rank, .there = malloc(((size_t)from->n_values + 1) * sizeof *p.there),
                     .shard = malloc(((size_t)from->n_values + 1) * sizeof *p.shard)};
    int32_t     made = ASSAY_NO_VALUE;
    if (from->first_error.code) {
        assay_graph_refuse(to, from->first_error.code, "%s", from->first_error.message);
    } else if (p.there && p.shard) {
        for (uint32_t i = 0; i <= from->n_values; i++)
            p.there[i] = p.shard[i] = ASSAY_NO_VALUE;
        copy_values(&p);
        made = assay_graph_value(from, value) ? p.there[value] : ASSAY_NO_VALUE;
    } else {
        assay_graph_refuse(to, ASSAY_MEMORY, "no memory for a copy of graph '%s'", from->name);
    }
    free(p.there);
    free(p.shard);
    return made;
}
