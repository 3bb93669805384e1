#include "harness/model/graph_price.h"

#include <stdlib.h>

#include "harness/ir/ops.h"

#include "assay/banned.h"

static uint32_t class_like(const struct assay_graph_price *p, const struct assay_hash128 *key)
{
    for (uint32_t i = 0; i < p->n_classes; i++)
        if (p->classes[i].key.low == key->low && p->classes[i].key.high == key->high)
            return i;
    return p->n_classes;
}

enum assay_code assay_graph_price_new(const struct assay_graph *g, struct assay_graph_price **out, struct assay_error *err)
{
    struct assay_graph_price *p = calloc(1, sizeof *p);
    if (p) {
        p->graph = g;
        p->classes = calloc((size_t)g->n_nodes + 1, sizeof *p->classes);
        p->class_of = calloc((size_t)g->n_nodes + 1, sizeof *p->class_of);
    }
    if (!p || !p->classes || !p->class_of) {
        assay_graph_price_free(p);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to price a graph of %u nodes", g->n_nodes);
    }
    if (assay_graph_facts_new(g, &p->facts, err)) {
        assay_graph_price_free(p);
        return err->code;
    }
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        struct assay_hash128 key = assay_node_key(p->facts, n);
        uint32_t             at = class_like(p, &key);
        if (at == p->n_classes)
            p->classes[p->n_classes++] = (struct assay_node_class){.first = n, .key = key,
                                                                   .controlled = assay_node_is_controlled(p->facts, n)};
        p->classes[at].count++;
        p->class_of[n] = at;
    }
    *out = p;
    return ASSAY_OK;
}

void assay_graph_price_free(struct assay_graph_price *p)
{
    if (!p)
        return;
    assay_graph_facts_free(p->facts);
    free(p->classes);
    free(p->class_of);
    free(p);
}

static void add_times(struct assay_price *total, const struct assay_price *one, double times)
{
    total->ns += times * one->ns;
    total->compute_ns += times * one->compute_ns;
    total->memory_ns += times * one->memory_ns;
    total->cache_ns += times * one->cache_ns;
    total->vector_ns += times * one->vector_ns;
    total->link_ns += times * one->link_ns;
    total->floor_ns += times * one->floor_ns;
    total->flops += times * one->flops;
    total->memory_bytes += times * one->memory_bytes;
    total->cache_bytes += times * one->cache_bytes;
    total->link_bytes += times * one->link_bytes;
}

enum assay_code assay_graph_price_on(struct assay_graph_price *p, const struct assay_chip *chip,
                                     const struct assay_coefficients *k,
                                     const struct assay_node_how *how, bool again, const struct assay_adjust *adjust,
                                         struct assay_error *err)
{
    p->total = (struct assay_price){.ns = 0};
    for (uint32_t i = 0; i < p->n_classes; i++) {
        struct assay_node_class *c = &p->classes[i];
        bool                     now = !again || c->controlled;
        if (now && assay_node_price(chip, k, p->facts, c->first, how, &c->price, err))
            return assay_error_in(err, "pricing node '%.48s' (%s)", p->graph->nodes[c->first].name,
                                  p->graph->nodes[c->first].op->name);
        if (now && adjust)
            adjust->each(adjust->self, p->graph, c);
        add_times(&p->total, &c->price, c->count);
    }
    return ASSAY_OK;
}
