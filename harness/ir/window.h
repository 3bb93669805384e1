/* Windows that slide over the spatial axes of a tensor [n, c, d1, ..]: the geometry that Conv, the pools and the
 * gradients of both share. With window w = (k - 1) dilation + 1 and room r = d + pad at begin + pad at end,
 *     o = floor((r - w) / stride) + 1,
 * rounded up with ceil_mode, where a last window that would begin behind the input and its first pad is left out. */
#ifndef ASSAY_IR_WINDOW_H
#define ASSAY_IR_WINDOW_H

#include "harness/ir/infer.h"

#define ASSAY_WINDOW_MAX_AXES 3

/* Rows of an op's attribute table. */
#define ASSAY_WINDOW_ATTRS(kernel_presence)                                                                     \
    {.name = "auto_pad", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "NOTSET"},            \
        {.name = "dilations", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},                        \
        {.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .presence = (kernel_presence)},                       \
        {.name = "pads", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},                             \
        {.name = "strides", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL}

struct assay_window {
    int32_t axes; /* spatial */
    int64_t in[ASSAY_WINDOW_MAX_AXES], kernel[ASSAY_WINDOW_MAX_AXES], out[ASSAY_WINDOW_MAX_AXES];
    int64_t strides[ASSAY_WINDOW_MAX_AXES], dilations[ASSAY_WINDOW_MAX_AXES], pads[2 * ASSAY_WINDOW_MAX_AXES];
    int     input, filters; /* which inputs a refusal names, or ASSAY_INFER_NONE */
};

/* Given axes, in, input, filters and, where a tensor says it, kernel (else zeros, and attribute kernel_shape says it):
 * reads the other members from the node's attributes, finds `out`, and leaves the attributes resolved in the node. */
enum assay_code assay_window_resolve(const struct assay_infer *in, struct assay_window *w, struct assay_error *err);
/* Taps of one window. */
uint64_t assay_window_taps(const struct assay_node *node);
/* The numbers of attribute input_shape of a gradient op: an input [n, c, d1, ..] of as many axes as input 0. */
enum assay_code assay_window_input_shape(const struct assay_infer *in, const int64_t **dims, struct assay_error *err);
/* Does input 0, a gradient, have the shape [n, channels, w's out]? */
enum assay_code assay_window_expect(const struct assay_infer *in, const struct assay_window *w, int64_t n, int64_t channels,
                                    struct assay_error *err);

#endif
