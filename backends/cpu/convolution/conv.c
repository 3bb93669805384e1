/* Conv over one or two spatial axes. */
#include <stdlib.h>

#include "backends/cpu/convolution/direct.h"
#include "backends/cpu/convolution/onednn.h"

#include "assay/banned.h"

#define LARGEST_STRIDE 64
/* Below this much useful arithmetic in ours, oneDNN's layouts are worth their reorders; of a single tap there is less
 * arithmetic to win by them. Measured on ResNet-50's layers. */
#define LEAST_EFFICIENCY 0.93
#define LEAST_EFFICIENCY_ONE_TAP 0.6

struct conv {
    struct cpu_direct      *direct; /* one of the two */
    struct cpu_onednn_conv *onednn;
};

static void read_shape(const struct cpu_node *node, struct cpu_conv_shape *s)
{
    const struct assay_value_view *x = &node->in[0], *w = &node->in[1], *y = &node->out[0];
    int                            spatial = x->rank - 2;
    int64_t strides[2] = {1, 1}, dilations[2] = {1, 1}, pads[4] = {0};
    (void)cpu_attr_i64s(node, "strides", strides, 2);
    (void)cpu_attr_i64s(node, "dilations", dilations, 2);
    (void)cpu_attr_i64s(node, "pads", pads, 4);
    *s = (struct cpu_conv_shape){
        .images = (size_t)x->dims[0],
        .groups = (size_t)cpu_attr_i64(node, "group", 1),
        .in_channels = (size_t)x->dims[1],
        .out_channels = (size_t)w->dims[0],
        .in = {1, 1}, .out = {1, 1}, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1},
        .has_bias = cpu_has_in(node, 2),
    };
    for (int i = 0; i < spatial; i++) {
        int axis = i + 2 - spatial;
        s->in[axis] = (size_t)x->dims[i + 2];
        s->out[axis] = (size_t)y->dims[i + 2];
        s->kernel[axis] = (size_t)w->dims[i + 2];
        s->stride[axis] = (size_t)strides[i];
        s->dilation[axis] = (size_t)dilations[i];
        s->pad_begin[axis] = (size_t)pads[i]; /* the host has resolved auto_pad */
    }
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    struct cpu_conv_shape s;
    if (node->in[0].rank != 3 && node->in[0].rank != 4) {
        assay_text_add(why_not, "Conv over %d spatial axes; 1 and 2 are handled", node->in[0].rank - 2);
        return false;
    }
    read_shape(node, &s);
    if (!node->in[0].elements || !node->in[1].elements) {
        assay_text_add(why_not, "Conv of an empty tensor");
        return false;
    }
    if (s.stride[0] > LARGEST_STRIDE || s.stride[1] > LARGEST_STRIDE) {
        assay_text_add(why_not, "Conv with stride %zux%zu; up to %d is handled", s.stride[0], s.stride[1], LARGEST_STRIDE);
        return false;
    }
    return true;
}

static void release(void *state)
{
    struct conv *conv = state;
    cpu_direct_free(conv->direct);
    cpu_onednn_conv_free(conv->onednn);
    free(conv);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct conv *conv = state;
    if (conv->onednn)
        return cpu_onednn_conv_run(conv->onednn, call->in[0], call->in[1], call->in[2], call->out[0], err);
    if (conv->direct)
        cpu_direct_run(conv->direct, call->engine, call->in[0], call->in[1], call->in[2], call->out[0]);
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    struct cpu_conv_shape shape;
    struct assay_text     kernel = ASSAY_TEXT(step->kernel);
    struct conv          *conv = calloc(1, sizeof *conv);
    if (!conv)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution");
    step->state = conv;
    step->release = release;
    step->run = run;
    if (!node->out[0].elements)
        return ASSAY_OK;
    read_shape(node, &shape);
    struct assay_error refused = {0};
    bool slow = cpu_direct_efficiency(engine, &shape) <
                (shape.kernel[0] * shape.kernel[1] > 1 ? LEAST_EFFICIENCY : LEAST_EFFICIENCY_ONE_TAP);
    if (engine->onednn && (engine->prefer_onednn || slow) &&
        !cpu_onednn_conv_new(engine->onednn, &shape, node->known[1], &conv->onednn, &kernel, &refused))
        return ASSAY_OK;
    return cpu_direct_new(engine, &shape, node->known[1], &conv->direct, &kernel, err);
}

const struct cpu_op cpu_op_conv = {.name = "Conv", .domain = "", .accepts = accepts, .prepare = prepare};
