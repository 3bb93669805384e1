/* What the inference of Conv's two gradients shares. */
#ifndef ASSAY_IR_CONV_H
#define ASSAY_IR_CONV_H

#include "harness/ir/window.h"

/* Attributes of Conv and of its gradients. */
#define ASSAY_CONV_ATTRS(kernel_presence)      \
    ASSAY_WINDOW_ATTRS(kernel_presence),       \
    {                                          \
        .name = "group", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1 \
    }

/* dY, input 0, of type and rank as Conv's output, and input 1 of the same type and rank. */
enum assay_code assay_conv_grad_operands(const struct assay_infer *in, struct assay_error *err);
/* Is dY the output of a Conv of an input x [n, c, d1, ..] with m filters of c/group channels and the kernel in `w`?
 * filter_channels: c/group as a tensor says it, or -1. Fills w. */
enum assay_code assay_conv_grad_check(const struct assay_infer *in, const int64_t *x, int64_t m, int64_t filter_channels,
                                      struct assay_window *w, struct assay_error *err);

#endif
