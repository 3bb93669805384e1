/* ConvInputGrad and ConvWeightGrad over one to three spatial axes. */
#include <stdlib.h>

#include "backends/cpu/convolution/backward.h"
#include "backends/cpu/convolution/onednn.h"
#include "backends/cpu/convolution/volume.h"

#include "assay/banned.h"

struct gradient {
    bool                    of_weights;
    struct cpu_backward    *own; /* one of the three */
    struct cpu_onednn_conv *onednn;
    struct cpu_volume_conv *volume;
};

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    if (node->in[0].rank < 3 || node->in[0].rank > 5) {
        assay_text_add(why_not, "%s over %d spatial axes; 1 to 3 are handled", node->op, node->in[0].rank - 2);
        return false;
    }
    if (!node->in[0].elements || !node->in[1].elements || !node->out[0].elements) {
        assay_text_add(why_not, "%s of an empty tensor", node->op);
        return false;
    }
    return true;
}

static void release(void *state)
{
    struct gradient *g = state;
    cpu_backward_free(g->own);
    cpu_onednn_conv_free(g->onednn);
    cpu_volume_conv_free(g->volume);
    free(g);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct gradient     *g = state;
    struct cpu_onednn_operands at = {.x = g->of_weights ? call->in[1] : call->out[0],
                                     .weights = g->of_weights ? call->out[0] : call->in[1], .y = call->in[0]};
    if (g->onednn)
        return cpu_onednn_conv_run(g->onednn, &at, err);
    if (g->volume) {
        cpu_volume_conv_run(g->volume, call->engine, at.x, at.weights, at.y, call->out[0]);
        return ASSAY_OK;
    }
    cpu_backward_run(g->own, call->engine, call->in[0], call->in[1], call->out[0]);
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, bool of_weights,
                               struct cpu_step *step, struct assay_error *err)
{
    struct cpu_conv_shape shape;
    struct assay_error    refused = {0};
    struct assay_text     kernel = ASSAY_TEXT(step->kernel);
    const float          *weights = of_weights ? NULL : node->known[1];
    struct gradient      *g = calloc(1, sizeof *g);
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution's gradient");
    step->state = g;
    step->release = release;
    step->run = run;
    g->of_weights = of_weights;
    const struct assay_value_view *x = of_weights ? &node->in[1] : &node->out[0], *w = of_weights ? &node->out[0] : &node->in[1];
    if (x->rank == 5)
        return cpu_volume_conv_new(engine, node, of_weights ? CPU_ONEDNN_WEIGHT_GRAD : CPU_ONEDNN_INPUT_GRAD, x, w, &node->in[0], &g->volume,
                                   &kernel, err);
    cpu_conv_shape_read(node, x, w, &node->in[0], &shape);
    bool good = !of_weights && cpu_backward_is_good(engine, &shape);
    if (engine->onednn && (engine->prefer_onednn || !good) &&
        !cpu_onednn_conv_new(engine->onednn, of_weights ? CPU_ONEDNN_WEIGHT_GRAD : CPU_ONEDNN_INPUT_GRAD, &shape, weights,
                             &g->onednn, &kernel, &refused))
        return ASSAY_OK;
    return cpu_backward_new(engine, &shape, of_weights, weights, &g->own, &kernel, err);
}

static enum assay_code prepare_input(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                     struct assay_error *err)
{
    return prepare(engine, node, false, step, err);
}

static enum assay_code prepare_weight(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                      struct assay_error *err)
{
    return prepare(engine, node, true, step, err);
}

const struct cpu_op cpu_op_conv_input_grad = {
    .name = "ConvInputGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_input};
const struct cpu_op cpu_op_conv_weight_grad = {
    .name = "ConvWeightGrad", .domain = "assay", .accepts = accepts, .prepare = prepare_weight};
