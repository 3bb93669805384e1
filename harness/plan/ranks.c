/* Cases whose work is spread over ranks: the graph of each, and that of all joined. */
#include <stdlib.h>
#include <string.h>

#include "harness/ir/transform/join.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

enum assay_code assay_case_ranks(const struct assay_case *c, uint32_t *n, struct assay_error *err)
{
    *n = 1;
    if (!c->workload->ranks)
        return ASSAY_OK;
    if (c->workload->ranks(c->params, c->phase, n, err))
        return assay_error_in(err, "spreading case '%.100s' over ranks", c->name);
    if (*n > 1 && c->scenario.type)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a scenario on %u ranks; queries come to one session, ranks have one each", *n);
    return ASSAY_OK;
}

enum assay_code assay_case_rank_graph(const struct assay_case *c, uint32_t rank, struct assay_graph **out, struct assay_error *err)
{
    struct assay_graph *g = assay_graph_new(c->workload->name);
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    if (c->workload->build_rank ? c->workload->build_rank(c->params, c->phase, rank, g, err) : c->workload->build(c->params, c->phase, g, err)) {
        assay_graph_free(g);
        return assay_error_in(err, "building rank %u of case '%.100s'", rank, c->name);
    }
    *out = g;
    return ASSAY_OK;
}

/* Whose each value of the joined graph is. Those that came with the joining are nobody's. */
static enum assay_code tell_owners(const struct assay_graph *joined, struct assay_graph *const *graphs, uint32_t n, int32_t *const *there,
                                   struct assay_rank_value **of, struct assay_error *err)
{
    *of = calloc((size_t)joined->n_values + 1, sizeof **of);
    if (!*of)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the values of %u ranks", n);
    for (uint32_t v = 0; v < joined->n_values; v++)
        (*of)[v] = (struct assay_rank_value){UINT32_MAX, ASSAY_NO_VALUE};
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t v = 0; v < graphs[r]->n_values; v++)
            if (there[r][v] >= 0)
                (*of)[there[r][v]] = (struct assay_rank_value){r, (int32_t)v};
    return ASSAY_OK;
}

enum assay_code assay_case_join(const struct assay_case *c, uint32_t n, struct assay_graph **out, struct assay_rank_value **of,
                                struct assay_error *err)
{
    struct assay_graph *graph[ASSAY_RANKS] = {NULL}, *joined = NULL;
    int32_t            *there[ASSAY_RANKS] = {NULL};
    if (n > ASSAY_RANKS)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%u ranks; graphs of up to %d are joined", n, ASSAY_RANKS);
    for (uint32_t r = 0; !err->code && r < n; r++)
        if (!assay_case_rank_graph(c, r, &graph[r], err) && graph[r] && !(there[r] = calloc((size_t)graph[r]->n_values + 1, sizeof *there[r])))
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the values of a rank");
    if (!err->code && assay_graph_join((const struct assay_graph *const *)graph, n, there, &joined, err))
        (void)assay_error_in(err, "joining the %u ranks of case '%.100s'", n, c->name);
    if (!err->code && of)
        (void)tell_owners(joined, graph, n, there, of, err);
    for (uint32_t r = 0; r < n; r++) {
        assay_graph_free(graph[r]);
        free(there[r]);
    }
    if (err->code)
        assay_graph_free(joined);
    else
        *out = joined;
    return err->code;
}
