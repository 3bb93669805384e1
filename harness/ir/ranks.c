#include "harness/ir/ranks.h"

#include <inttypes.h>

#include "harness/ir/gradient.h"

#include "assay/banned.h"

enum assay_code assay_infer_ranks(const struct assay_infer *in, size_t least, size_t most, int64_t *n, struct assay_error *err)
{
    const struct assay_attr *ranks = assay_node_attr(in->node, "ranks");
    if (ranks->n < least || ranks->n > most)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "ranks lists %zu of them; there are %zu to %zu", ranks->n,
                                  least, most);
    for (size_t i = 0; i < ranks->n; i++) {
        if (ranks->list[i] < 0 || ranks->list[i] > INT32_MAX)
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "ranks has %" PRId64 ", which is no rank", ranks->list[i]);
        for (size_t k = 0; k < i; k++)
            if (ranks->list[k] == ranks->list[i])
                return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "ranks has %" PRId64 " twice", ranks->list[i]);
    }
    *n = (int64_t)ranks->n;
    return ASSAY_OK;
}

const int64_t *assay_node_ranks(const struct assay_node *node, size_t *n)
{
    const struct assay_attr *ranks = assay_node_attr(node, "ranks");
    *n = ranks ? ranks->n : 0;
    return ranks ? ranks->list : NULL;
}

void assay_cost_payload(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = node->n_inputs ? assay_graph_value(g, node->inputs[0]) : NULL;
    const struct assay_value *y = assay_graph_value(g, node->outputs[0]);
    uint64_t                  in = x ? x->bytes : 0, out = y ? y->bytes : 0;
    size_t                    n;
    if (assay_node_ranks(node, &n) && n > 1)
        cost->payload_bytes = in > out ? in : out;
}

int32_t assay_gradient_on_ranks(const struct assay_gradient *q, const char *op, int32_t x, const struct assay_attr *more)
{
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS] = {*assay_node_attr(q->node, "ranks")};
    size_t            n = 1;
    for (; more && more->name && n + 1 < ASSAY_GRADIENT_MAX_ATTRS; more++)
        list[n++] = *more;
    list[n] = ASSAY_ATTR_END;
    return assay_gradient_op(q, op, &x, 1, list);
}
