/* Conv over one to three spatial axes. */
#include <stdlib.h>

#include "backends/cpu/convolution/direct.h"
#include "backends/cpu/convolution/fold.h"
#include "backends/cpu/convolution/onednn.h"
#include "backends/cpu/convolution/volume.h"
#include "backends/cpu/elementwise/elementwise.h"

#include "assay/banned.h"

#define LARGEST_STRIDE 64
struct conv {
    struct cpu_direct      *direct; /* one of the three */
    struct cpu_onednn_conv *onednn;
    struct cpu_volume_conv *volume;
    float *weights, *bias; /* with a BatchNormalization folded in, or NULL */
    bool   relu;
    size_t channels, planes, each; /* of the output: images times channels are planes; elements of one */
};

struct finishing {
    const struct cpu_call *call;
    const float           *bias; /* of each channel; NULL: none, or added before */
    size_t                 channels, each;
    bool                   relu;
};

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    struct cpu_conv_shape s;
    if (node->in[0].rank < 3 || node->in[0].rank > 5) {
        assay_text_add(why_not, "Conv over %d spatial axes; 1 to 3 are handled", node->in[0].rank - 2);
        return false;
    }
    if (!node->in[0].elements || !node->in[1].elements) {
        assay_text_add(why_not, "Conv of an empty tensor");
        return false;
    }
    if (node->in[0].rank == 5)
        return true;
    cpu_conv_shape_read(node, &node->in[0], &node->in[1], &node->out[0], &s);
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
    cpu_volume_conv_free(conv->volume);
    free(conv->weights);
    free(conv->bias);
    free(conv);
}

static void finish_plane(void *self, size_t plane, unsigned thread)
{
    const struct finishing *f = self;
    const float            *added = f->call->in[CPU_IN_ADDED];
    float                  *y = (float *)f->call->out[0] + plane * f->each;
    (void)thread;
    f->call->engine->kernels->elementwise->finish(f->each, y, f->bias ? f->bias[plane % f->channels] : 0.0f, added ? added + plane * f->each : NULL, f->relu, y);
}

/* The library stores its sums; what follows them is one pass. */
static enum assay_code run_onednn(const struct conv *conv, const struct cpu_call *call, const float *weights, const float *bias,
                                  struct assay_error *err)
{
    struct finishing f = {call, NULL, conv->channels, conv->each, conv->relu};
    if (cpu_onednn_conv_run(conv->onednn, &(struct cpu_onednn_operands){call->in[0], weights, bias, call->out[0]}, err))
        return err->code;
    if (conv->relu || call->in[CPU_IN_ADDED])
        cpu_pool_run(call->engine->pool, conv->planes, finish_plane, &f);
    return ASSAY_OK;
}

static void run_volume(const struct conv *conv, const struct cpu_call *call, const float *weights, const float *bias)
{
    struct finishing f = {call, bias, conv->channels, conv->each, conv->relu};
    cpu_volume_conv_run(conv->volume, call->engine, call->in[0], weights, NULL, call->out[0]);
    if (bias || conv->relu || call->in[CPU_IN_ADDED])
        cpu_pool_run(call->engine->pool, conv->planes, finish_plane, &f);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct conv *conv = state;
    const float       *weights = conv->weights ? conv->weights : call->in[1], *bias = conv->bias ? conv->bias : call->in[2];
    if (conv->onednn)
        return run_onednn(conv, call, weights, bias, err);
    if (conv->volume)
        run_volume(conv, call, weights, bias);
    if (conv->direct)
        cpu_direct_run(conv->direct, call->engine, call->in[0], weights,
                       &(struct cpu_direct_end){bias, call->in[CPU_IN_ADDED], conv->relu}, call->out[0]);
    return ASSAY_OK;
}

/* Of three axes only what a fold of a BatchNormalization asks for: channels, and taps as the product of kernel lengths. */
static void read_shape(const struct cpu_node *node, struct cpu_conv_shape *shape)
{
    const struct assay_value_view *w = &node->in[1];
    if (node->in[0].rank < 5)
        cpu_conv_shape_read(node, &node->in[0], w, &node->out[0], shape);
    else
        *shape = (struct cpu_conv_shape){.groups = 1, .in_channels = (size_t)w->dims[1], .out_channels = (size_t)w->dims[0],
                                         .kernel = {(size_t)(w->dims[2] * w->dims[3]), (size_t)w->dims[4]}};
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
    shape.has_bias = cpu_has_in(node, 2) || node->fused.normalization != UINT32_MAX;
    conv->relu = node->fused.activation == CPU_RELU;
    conv->channels = (size_t)node->out[0].dims[1];
    conv->planes = (size_t)node->out[0].dims[0] * conv->channels;
    conv->each = node->out[0].elements / conv->planes;
    if (node->fused.normalization != UINT32_MAX &&
        cpu_fold_normalization(node, &shape, node->known[1], node->known[2], &conv->weights, &conv->bias, err))
        return err->code;
    if (node->in[0].rank == 5)
        return cpu_volume_conv_new(engine, node, CPU_ONEDNN_OUTPUT, &node->in[0], &node->in[1], &node->out[0], &conv->volume, &kernel, err);
    const float       *weights = conv->weights ? conv->weights : node->known[1];
    struct assay_error refused = {0};
    if (engine->onednn && (engine->prefer_onednn || !cpu_direct_is_good(engine, &shape)) &&
        !cpu_onednn_conv_new(engine->onednn, CPU_ONEDNN_OUTPUT, &shape, weights, &conv->onednn, &kernel, &refused))
        return ASSAY_OK;
    (void)cpu_direct_new(engine, &shape, weights, &conv->direct, &kernel, err);
    cpu_block_free(conv->weights); /* packed now */
    conv->weights = NULL;
    return err->code;
}

const struct cpu_op cpu_op_conv = {.name = "Conv", .domain = "", .accepts = accepts, .prepare = prepare};
