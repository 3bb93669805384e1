#include "harness/run/items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

/* ---- where they are -------------------------------------------------------------------------------------------- */

enum assay_code assay_items_case(const struct assay_items *items, uint32_t size, struct assay_case *out, struct assay_error *err)
{
    char text[16];
    if (assay_case_parse(items->what->name, out, err))
        return err->code;
    (void)snprintf(text, sizeof text, "%u", size);
    if (!assay_option_set(out->workload->params, out->params, out->workload->batch, text, err))
        return ASSAY_OK;
    assay_case_release(out);
    return assay_error_in(err, "asking for %u items", size);
}

/* x has `n` items, y one more. */
static enum assay_code axis_of(const struct assay_value *x, const struct assay_value *y, uint32_t n, struct assay_item_axis *out,
                               struct assay_error *err)
{
    int32_t  axis = -1;
    uint64_t outer = 1, inner = 1;
    *out = (struct assay_item_axis){.has = false};
    for (int32_t i = 0; i < x->rank && x->rank == y->rank; i++) {
        if (x->dims[i] == y->dims[i])
            continue;
        if (axis >= 0 || x->dims[i] % n || y->dims[i] != x->dims[i] / n * (n + 1))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the shape of '%.60s' does not follow the number of items", x->name);
        axis = i;
    }
    if (axis < 0)
        return x->elements == y->elements ? ASSAY_OK
                                          : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the rank of '%.60s' depends on the number of items", x->name);
    for (int32_t i = 0; i < x->rank; i++)
        if (i < axis)
            outer *= (uint64_t)x->dims[i];
        else
            inner *= (uint64_t)x->dims[i];
    out->has = true;
    out->outer = outer;
    out->chunk_elements = inner / n;
    out->chunk_bytes = assay_dtype_bytes(x->dtype, out->chunk_elements);
    if (out->chunk_elements * assay_dtype_bits(x->dtype) % 8)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "an item of '%.60s' does not begin at a byte", x->name);
    return ASSAY_OK;
}

static enum assay_code find_axes(struct assay_items *items, const struct assay_graph *more, struct assay_error *err)
{
    const struct assay_graph *g = items->graph;
    bool                      any = false;
    if (g->n_values != more->n_values)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "another number of items is another graph");
    if (!(items->axis = calloc(g->n_values + 1, sizeof *items->axis)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for where items are");
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct assay_value *v = &g->values[i];
        bool taken = v->role == ASSAY_ROLE_OUTPUT && v->alias_of != ASSAY_NO_VALUE && g->values[v->alias_of].role == ASSAY_ROLE_PARAM;
        if (taken)
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "a training step joins the items of its batch by design");
        if (v->role == ASSAY_ROLE_TEMP || v->role == ASSAY_ROLE_CONST)
            continue;
        if (axis_of(v, &more->values[i], items->size, &items->axis[i], err))
            return err->code;
        any = any || (v->role == ASSAY_ROLE_OUTPUT && items->axis[i].has);
        items->placed_state = items->placed_state || (v->role == ASSAY_ROLE_STATE && items->axis[i].has);
    }
    return any ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no output of the case belongs to an item");
}

static int64_t own_size(const struct assay_case *what)
{
    for (const struct assay_option *row = what->workload->params; row->name; row++)
        if (!strcmp(row->name, what->workload->batch) && row->type == ASSAY_OPT_I64)
            return *(const int64_t *)(const void *)((const char *)what->params + row->offset);
    return 0;
}

enum assay_code assay_items_init(const struct assay_case *what, uint64_t seed, uint32_t least, struct assay_items *out,
                                 struct assay_error *err)
{
    struct assay_case   more = {.params = NULL};
    struct assay_graph *g = NULL;
    memset(out, 0, sizeof *out);
    out->what = what;
    out->seed = seed;
    if (!what->workload->batch)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "workload '%s' has no batch: none of its parameters counts items", what->workload->name);
    int64_t own = own_size(what);
    if (own < 1 || own >= INT32_MAX)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the case has %lld items", (long long)own);
    out->size = own > least ? (uint32_t)own : least;
    if (!assay_items_case(out, out->size, &out->whole, err) && !assay_case_graph(&out->whole, &out->graph, err) &&
        !assay_items_case(out, out->size + 1, &more, err) && !assay_case_graph(&more, &g, err))
        (void)find_axes(out, g, err);
    assay_graph_free(g);
    assay_case_release(&more);
    if (err->code)
        assay_items_release(out);
    return err->code;
}

void assay_items_release(struct assay_items *items)
{
    free(items->axis);
    assay_graph_free(items->graph);
    assay_case_release(&items->whole);
    memset(items, 0, sizeof *items);
}

/* ---- what they hold -------------------------------------------------------------------------------------------- */

static void copy_item(const struct assay_item_axis *axis, const unsigned char *from, uint64_t n_from, uint64_t i, unsigned char *to,
                      uint64_t n_to, uint64_t j)
{
    for (uint64_t o = 0; o < axis->outer; o++)
        memcpy(to + (o * n_to + j) * axis->chunk_bytes, from + (o * n_from + i) * axis->chunk_bytes, (size_t)axis->chunk_bytes);
}

/* All items of the arrangement that come from one generated set. */
static enum assay_code copy_from_set(const struct assay_items *items, const struct assay_arrangement *a, int32_t value, uint32_t set,
                                     unsigned char *room, unsigned char *to, struct assay_error *err)
{
    if (assay_fill_value(items->graph, value, items->seed, set, room, err))
        return err->code;
    for (uint32_t j = 0; j < a->n; j++)
        if (a->item[j].set == set)
            copy_item(&items->axis[value], room, items->size, a->item[j].row, to, a->n, j);
    return ASSAY_OK;
}

static bool is_first_of_its_set(const struct assay_arrangement *a, uint32_t j)
{
    for (uint32_t i = j; i-- > 0;)
        if (a->item[i].set == a->item[j].set)
            return false;
    return true;
}

enum assay_code assay_items_fill(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to, struct assay_error *err)
{
    const struct assay_arrangements *all = self;
    const struct assay_items        *items = all->items;
    const struct assay_arrangement  *a = &all->arrangement[set];
    const struct assay_value        *v = &items->graph->values[value];
    bool moves = v->role == ASSAY_ROLE_INPUT || v->role == ASSAY_ROLE_CONTROL;
    if (!items->axis[value].has || (moves && v->fill.kind == ASSAY_FILL_IOTA))
        return assay_fill_value(g, value, items->seed, moves ? a->set : 0, to, err);
    unsigned char *room = assay_block_new(v->bytes ? (size_t)v->bytes : 1);
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an input set of %llu bytes", (unsigned long long)v->bytes);
    if (!moves) { /* states do not depend on the set */
        (void)assay_fill_value(items->graph, value, items->seed, 0, room, err);
        for (uint32_t j = 0; j < a->n && !err->code; j++)
            copy_item(&items->axis[value], room, items->size, j % items->size, to, a->n, j);
    }
    for (uint32_t j = 0, found = 0; moves && j < a->n && found < 3; j++) /* items come from two sets at most */
        if (is_first_of_its_set(a, j)) {
            found++;
            if (copy_from_set(items, a, value, a->item[j].set, room, to, err))
                break;
        }
    assay_block_free(room);
    return err->code;
}
