/* What a large graph is, without listing it: its ops and its layers. */
#ifndef ASSAY_CLI_SHOW_SUMMARY_H
#define ASSAY_CLI_SHOW_SUMMARY_H

#include <stdio.h>

#include "harness/ir/graph.h"

/* A line an op: nodes, work, bytes, each with its share. The most work first. */
void assay_show_ops(const struct assay_graph *g, FILE *out);
/* A line a part of the model, in the order of the graph: nodes whose names agree up to their first number ("encoder.layer.3"), or, without
 * one, in their first word. Neighbours that differ only in that number and cost the same are one line ("encoder.layer.0–11"). */
void assay_show_layers(const struct assay_graph *g, FILE *out);

#endif
