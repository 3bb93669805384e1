#include "backends/cpu/placement.h"

#include <stdlib.h>

#include "assay/banned.h"

/* The value whose memory v really uses. */
static int32_t owner_of(const struct cpu_placed *placed, int32_t v)
{
    while (placed[v].same_as != ASSAY_NO_VALUE)
        v = placed[v].same_as;
    return v;
}

static enum assay_code read_values(const struct assay_host *host, const struct assay_graph *g, struct cpu_placed *placed,
                                   bool *taken_over, struct assay_error *err)
{
    uint32_t n = host->graph_values(g);
    for (uint32_t v = 0; v < n; v++) {
        struct assay_value_view view = {.size = sizeof view};
        if (!host->graph_value(g, v, &view))
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "the graph says it has %u values and lacks number %u", n, v);
        placed[v] = (struct cpu_placed){
            .bytes = view.bytes,
            .born = UINT32_MAX,
            .same_as = view.alias_of,
            .temp = view.role == ASSAY_ROLE_TEMP,
            .bound = view.role != ASSAY_ROLE_TEMP && view.role != ASSAY_ROLE_CONST && view.alias_of == ASSAY_NO_VALUE,
        };
        if (view.alias_of != ASSAY_NO_VALUE)
            taken_over[view.alias_of] = true;
    }
    return ASSAY_OK;
}

static bool only_renames(const struct assay_node_view *node, const struct cpu_placed *placed, const bool *taken_over)
{
    static const char *const names[] = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"};
    bool                     is_name = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        is_name |= !strcmp(node->op, names[i]);
    return is_name && node->outputs[0] != ASSAY_NO_VALUE && placed[node->outputs[0]].temp &&
           !taken_over[owner_of(placed, node->inputs[0])];
}

/* How long each temp lives: from the first step that touches its memory to the last. */
static void find_lives(const struct assay_host *host, const struct assay_graph *g, const struct cpu_fusion *fusion,
                       struct cpu_placed *placed, const bool *taken_over, bool *renames)
{
    uint32_t n = host->graph_nodes(g);
    for (uint32_t i = 0; i < n; i++) {
        struct assay_node_view node = {.size = sizeof node};
        if (!host->graph_node(g, i, &node))
            continue;
        renames[i] = fusion->place[i] == i && only_renames(&node, placed, taken_over);
        if (renames[i])
            placed[node.outputs[0]].same_as = node.inputs[0];
        for (uint32_t k = 0; k < node.n_inputs + node.n_outputs; k++) {
            int32_t v = k < node.n_inputs ? node.inputs[k] : node.outputs[k - node.n_inputs];
            if (v == ASSAY_NO_VALUE || fusion->unstored[v])
                continue;
            struct cpu_placed *owner = &placed[owner_of(placed, v)];
            uint32_t           at = fusion->place[i]; /* when it is really touched */
            if (owner->born == UINT32_MAX || at < owner->born)
                owner->born = at;
            if (at > owner->dies)
                owner->dies = at;
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const struct cpu_placed *x = *(struct cpu_placed *const *)a, *y = *(struct cpu_placed *const *)b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes) : (x > y) - (x < y);
}

/* Lowest offset at which nobody placed before and alive at the same time stands in the way. */
static uint64_t place_one(struct cpu_placed *const *order, size_t n, const struct cpu_placed *v)
{
    uint64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < n; i++) {
            const struct cpu_placed *o = order[i];
            if (o->dies < v->born || v->dies < o->born || o->offset + o->bytes <= at || at + v->bytes <= o->offset)
                continue;
            at = (o->offset + o->bytes + CPU_CACHE_LINE - 1) / CPU_CACHE_LINE * CPU_CACHE_LINE;
            moved = true;
        }
    }
    return at;
}

enum assay_code cpu_placement_plan(const struct assay_host *host, const struct assay_graph *g, const struct cpu_fusion *fusion,
                                   struct cpu_placed *placed, bool *renames, uint64_t *block_bytes, struct assay_error *err)
{
    uint32_t            n_values = host->graph_values(g);
    bool               *taken_over = calloc(n_values ? n_values : 1, sizeof *taken_over);
    struct cpu_placed **order = calloc(n_values ? n_values : 1, sizeof(struct cpu_placed *));
    size_t              n = 0;
    if (!taken_over || !order) {
        ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to place %u values", n_values);
        goto free_lists;
    }
    if (read_values(host, g, placed, taken_over, err))
        goto free_lists;
    find_lives(host, g, fusion, placed, taken_over, renames);
    for (uint32_t v = 0; v < n_values; v++)
        if (placed[v].temp && placed[v].same_as == ASSAY_NO_VALUE && placed[v].born != UINT32_MAX)
            order[n++] = &placed[v];
    qsort(order, n, sizeof(struct cpu_placed *), by_size);
    *block_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        order[i]->offset = place_one(order, i, order[i]);
        if (order[i]->offset + order[i]->bytes > *block_bytes)
            *block_bytes = order[i]->offset + order[i]->bytes;
    }
free_lists:
    free(order);
    free(taken_over);
    return err->code;
}
