/* The search for the first node at which a device diverges, in the worker: the graph as it is, then the graph with inner values as
 * outputs, which is another program. */
#ifndef ASSAY_RUN_LAYERS_RUN_H
#define ASSAY_RUN_LAYERS_RUN_H

#include <jansson.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/run/loader.h"

/* given[v]: the bytes of every value that no node writes. *out is new (README.md says what is in it). An error is the back end's,
 * or memory; a graph that the back end or the budget does not take is an outcome. */
enum assay_code assay_layers_run(const struct assay_opened *opened, const struct assay_graph *g, const void *const *given,
                                 json_t **out, struct assay_error *err);

/* Does the back end take every node, and compute values? Adds the first reason why not. */
bool assay_run_accepts(const struct assay_opened *opened, const struct assay_graph *g, struct assay_text *why_not);

#endif
