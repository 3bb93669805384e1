/* The search for the first node at which a device diverges, in the worker: the graph as it is, then the graph with inner values as
 * outputs, which is another program. */
#ifndef ASSAY_RUN_LAYERS_RUN_H
#define ASSAY_RUN_LAYERS_RUN_H

#include <jansson.h>
#include <stdbool.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/ir/graph.h"
#include "harness/run/loader.h"

/* given[v]: the bytes of every value that no node writes. *out is new (README.md says what is in it). An error is the back end's,
 * or memory; a graph that the back end does not take is an outcome. */
enum assay_code assay_layers_run(const struct assay_opened *opened, const struct assay_graph *g, const void *const *given,
                                 json_t **out, struct assay_error *err);

/* Is a graph small enough to be searched here: its cost in double, and the memory that is available now? Adds why not. Ask before
 * anything is allocated for it: nothing, least of all other people's work, must fall over for want of memory. */
bool assay_layers_fit(const struct assay_graph *g, struct assay_text *why_not);

/* {"outcome": "not_checked", …} with the reason; new. */
json_t *assay_not_checked_json(const char *why);

/* Does the back end take every node, and compute values? Adds the first reason why not. */
bool assay_run_accepts(const struct assay_opened *opened, const struct assay_graph *g, struct assay_text *why_not);

#endif
