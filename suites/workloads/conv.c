/* y = conv(x, w): two-dimensional convolution, NCHW, filters a weight that stays. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct conv {
    int64_t          batch, channels, height, width, filters, kernel_height, kernel_width;
    int64_t          pad_height, pad_width, stride_height, stride_width, groups;
    enum assay_dtype dtype;
};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct conv, batch, "batch", "8", "images"),
    ASSAY_PARAM_SIZE(struct conv, channels, "channels", "64", "input channels"),
    ASSAY_PARAM_SIZE(struct conv, height, "height", "56", "input rows"),
    ASSAY_PARAM_SIZE(struct conv, width, "width", "56", "input columns"),
    ASSAY_PARAM_SIZE(struct conv, filters, "filters", "64", "output channels"),
    ASSAY_PARAM_SIZE(struct conv, kernel_height, "kernel_height", "3", "rows of a filter"),
    ASSAY_PARAM_SIZE(struct conv, kernel_width, "kernel_width", "3", "columns of a filter"),
    {.name = "pad_height", .type = ASSAY_OPT_I64, .offset = offsetof(struct conv, pad_height), .dflt = "1", .min = 0,
     .max = 4096, .help = "zero rows added above and below"},
    {.name = "pad_width", .type = ASSAY_OPT_I64, .offset = offsetof(struct conv, pad_width), .dflt = "1", .min = 0,
     .max = 4096, .help = "zero columns added left and right"},
    ASSAY_PARAM_SIZE(struct conv, stride_height, "stride_height", "1", "step between rows"),
    ASSAY_PARAM_SIZE(struct conv, stride_width, "stride_width", "1", "step between columns"),
    ASSAY_PARAM_SIZE(struct conv, groups, "groups", "1", "independent groups of channels"),
    ASSAY_PARAM_DTYPE(struct conv, dtype),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct conv *)given)->batch;
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct conv *p = given;
    (void)phase;
    if (p->channels % p->groups || p->filters % p->groups)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "groups %lld divides neither or only one of channels %lld and filters %lld",
                          (long long)p->groups, (long long)p->channels, (long long)p->filters);
    int32_t x = assay_graph_input(g, "x", p->dtype, 4, (int64_t[]){p->batch, p->channels, p->height, p->width},
                                  ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(
        g, "w", p->dtype, 4, (int64_t[]){p->filters, p->channels / p->groups, p->kernel_height, p->kernel_width},
        ASSAY_FILL_SIGNED);
    struct assay_attr attrs[] = {
        {.name = "pads", .type = ASSAY_ATTR_I64S, .n = 4, .list = {p->pad_height, p->pad_width, p->pad_height, p->pad_width}},
        {.name = "strides", .type = ASSAY_ATTR_I64S, .n = 2, .list = {p->stride_height, p->stride_width}},
        ASSAY_ATTR_INT("group", p->groups),
        ASSAY_ATTR_END,
    };
    assay_graph_output(g, assay_graph_op(g, "Conv", "y", (int32_t[]){x, w}, 2, attrs));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_conv = {
    .name = "conv",
    .summary = "two-dimensional convolution",
    .params = params,
    .params_bytes = sizeof(struct conv),
    .headline = "flops_per_s",
    .items = items,
    .item = "image",
    .batch = "batch",
    .build = build,
};
