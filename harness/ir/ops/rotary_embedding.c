/* RotaryEmbedding (ONNX 23): X [B, H, S, D] or, with num_heads given, [B, S, H D]. Of each head the first R numbers (R =
 * rotary_embedding_dim, 0: all D) turn in pairs by an angle of their position: a' = a cos - b sin, b' = a sin + b cos. Pair i
 * is (i, i + R/2) or, interleaved, (2 i, 2 i + 1); what is behind R stays. cos_cache and sin_cache are [P, R/2], of which
 * position_ids (i64 [B, S], in 0..P-1) picks rows, or [B, S, R/2] without them.
 * In a built graph num_heads and rotary_embedding_dim always are the numbers meant.
 * Cost: six flops a pair. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "interleaved", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "rotary_embedding_dim", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

enum { X, COS, SIN, IDS };

static enum assay_code read_heads(const struct assay_infer *in, int64_t *heads, int64_t *width, struct assay_error *err)
{
    const struct assay_value *x = in->in[X];
    int64_t given = assay_node_i64(in->node, "num_heads", 0);
    if (x->rank == 4) {
        *heads = x->dims[1];
        *width = x->dims[3];
        if (given && given != *heads)
            return ASSAY_INFER_REFUSE(in, err, X, ASSAY_INFER_NONE, "num_heads says %" PRId64, given);
        return ASSAY_OK;
    }
    if (given < 1 || x->dims[2] % given)
        return ASSAY_INFER_REFUSE(in, err, X, ASSAY_INFER_NONE,
                                  "of rank 3 its last axis must divide into num_heads, got %" PRId64, given);
    *heads = given;
    *width = x->dims[2] / given;
    return ASSAY_OK;
}

static enum assay_code check_caches(const struct assay_infer *in, int64_t turned, struct assay_error *err)
{
    const struct assay_value *x = in->in[X], *ids = in->in[IDS];
    int64_t batch = x->dims[0], length = x->dims[x->rank - 2], half = turned / 2;
    if (ids && (ids->dtype != ASSAY_I64 || ids->rank != 2 || ids->dims[0] != batch || ids->dims[1] != length))
        return ASSAY_INFER_REFUSE(in, err, IDS, ASSAY_INFER_NONE, "position_ids must be i64[%" PRId64 ",%" PRId64 "]", batch,
                                  length);
    for (int i = COS; i <= SIN; i++) {
        const struct assay_value *c = in->in[i];
        if (ids && (c->rank != 2 || c->dims[1] != half))
            return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "with position_ids it must be [P,%" PRId64 "]", half);
        if (!ids && (c->rank != 3 || c->dims[0] != batch || c->dims[1] != length || c->dims[2] != half))
            return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE,
                                      "without position_ids it must be [%" PRId64 ",%" PRId64 ",%" PRId64 "]", batch, length,
                                      half);
    }
    return assay_infer_same_shape(in, COS, SIN, err);
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int64_t heads = 0, width = 0, turned = assay_node_i64(in->node, "rotary_embedding_dim", 0);
    enum assay_code code = assay_infer_type(in, X, ASSAY_TYPES_FLOAT, err);
    for (int i = COS; !code && i <= SIN; i++)
        code = assay_infer_same_type(in, X, i, err);
    if (!code)
        code = assay_infer_rank(in, X, 3, 4, err);
    if (!code)
        code = assay_infer_range(in, "interleaved", 0, 1, err);
    if (!code)
        code = read_heads(in, &heads, &width, err);
    if (code)
        return code;
    turned = turned ? turned : width;
    if (turned < 0 || turned > width || turned % 2)
        return ASSAY_INFER_REFUSE(in, err, X, ASSAY_INFER_NONE,
                                  "%" PRId64 " of a head's %" PRId64 " numbers do not turn in pairs",
                                  turned, width);
    code = check_caches(in, turned, err);
    if (code)
        return code;
    assay_infer_output(in, 0, in->in[X]->dtype, in->in[X]->rank, in->in[X]->dims);
    assay_infer_set_i64(in, "num_heads", heads);
    assay_infer_set_i64(in, "rotary_embedding_dim", turned);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[X]);
    uint64_t heads = (uint64_t)assay_node_i64(node, "num_heads", 1);
    uint64_t turned = (uint64_t)assay_node_i64(node, "rotary_embedding_dim", 0);
    uint64_t width = x->rank == 4 ? (uint64_t)x->dims[3] : heads ? (uint64_t)x->dims[2] / heads : 0;
    if (width)
        assay_cost_flops(cost, 3 * turned, x->elements / width);
}

/* A turn is undone by turning back. */
static void gradient(const struct assay_gradient *q)
{
    const struct assay_node *node = q->node;
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
    if (q->wanted[COS] || q->wanted[SIN]) {
        assay_graph_refuse(q->graph, ASSAY_UNSUPPORTED, "RotaryEmbedding '%s' has no gradient of its caches", node->name);
        return;
    }
    (void)assay_gradient_attrs(q, list);
    int32_t back = assay_gradient_unary(q, "Neg", node->inputs[SIN]);
    q->dx[0] = assay_gradient_op(q, "RotaryEmbedding",
                                 (int32_t[]){q->dy[0], node->inputs[COS], back,
                                             node->n_inputs > IDS ? node->inputs[IDS] : ASSAY_NO_VALUE},
                                 4, list);
}

ASSAY_OP_IR(RotaryEmbedding) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
