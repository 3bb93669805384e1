#include "harness/ir/live.h"

#include <stdlib.h>

#include "assay/banned.h"

/* The last node that reads each value; a value that none reads ends with the node that writes it. */
static void last_readers(const struct assay_graph *g, int64_t *last)
{
    for (uint32_t v = 0; v < g->n_values; v++)
        last[v] = g->values[v].producer;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        for (uint32_t k = 0; k < g->nodes[i].n_inputs; k++)
            if (g->nodes[i].inputs[k] != ASSAY_NO_VALUE)
                last[g->nodes[i].inputs[k]] = i;
}

static uint64_t own_bytes(const struct assay_value *v)
{
    return v->alias_of == ASSAY_NO_VALUE ? v->bytes : 0;
}

bool assay_graph_live(const struct assay_graph *g, struct assay_live *out)
{
    int64_t  *last = malloc((g->n_values + 1) * sizeof *last);
    uint64_t *ends = calloc(g->n_nodes + 1, sizeof *ends), alive = 0; /* ends: bytes that are free behind a node */
    *out = (struct assay_live){0};
    if (last && ends) {
        last_readers(g, last);
        for (uint32_t v = 0; v < g->n_values; v++) {
            const struct assay_value *x = &g->values[v];
            if (x->role == ASSAY_ROLE_TEMP && last[v] >= 0)
                ends[last[v]] += own_bytes(x);
            out->param_bytes += x->role == ASSAY_ROLE_PARAM ? x->bytes : 0;
            out->state_bytes += x->role == ASSAY_ROLE_STATE ? x->bytes : 0;
        }
        for (uint32_t i = 0; i < g->n_nodes; i++) {
            for (uint32_t k = 0; k < g->nodes[i].n_outputs; k++)
                if (g->nodes[i].outputs[k] != ASSAY_NO_VALUE)
                    alive += own_bytes(&g->values[g->nodes[i].outputs[k]]);
            if (alive > out->peak_bytes) {
                out->peak_bytes = alive;
                out->at_node = i;
            }
            alive -= ends[i];
        }
    }
    bool ok = last && ends;
    free(last);
    free(ends);
    return ok;
}
