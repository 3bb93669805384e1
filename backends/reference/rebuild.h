/* A graph of our own from one seen through the host's accessors, so that the op table it points into is ours and no
 * layout crosses the plug-in line. */
#ifndef REFERENCE_REBUILD_H
#define REFERENCE_REBUILD_H

#include "assay/backend.h"
#include "assay/error.h"

/* A node that is to be wrong on purpose: its attributes that are floats (an epsilon, a scale) are `factor` times what they should
 * be. */
struct rebuild_fault {
    const char *node;
    double factor;
};

/* Values and nodes keep their numbers. fault NULL: the graph as it is. ASSAY_UNSUPPORTED: the faulty node has no attribute to spoil,
 * or there is none of that name. Free *out with assay_graph_free. */
enum assay_code rebuild_graph(const struct assay_host *host, const struct assay_graph *from, const struct rebuild_fault *fault,
                              struct assay_graph **out, struct assay_error *err);

/* "MatMul", "assay.Copy": the name under which the op table has a node's op. */
void rebuild_op_name(const struct assay_node_view *node, char name[96]);

#endif
