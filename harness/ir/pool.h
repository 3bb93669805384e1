/* What the inference of MaxPool, AveragePool and their gradients shares. */
#ifndef ASSAY_IR_POOL_H
#define ASSAY_IR_POOL_H

#include "harness/ir/window.h"

#define ASSAY_POOL_ATTRS                           \
    ASSAY_WINDOW_ATTRS(ASSAY_ATTR_REQUIRED),       \
    {                                              \
        .name = "ceil_mode", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0 \
    }

/* Windows over an input of shape `dims`. Refuses windows that see nothing but padding. */
enum assay_code assay_pool_resolve(const struct assay_infer *in, const int64_t *dims, struct assay_window *w,
                                   struct assay_error *err);
/* Y = pool of X. */
enum assay_code assay_pool_infer(const struct assay_infer *in, uint32_t types, struct assay_error *err);
/* dX, of shape `dims`, from dY, input 0, whose type and rank are checked. */
enum assay_code assay_pool_grad_infer(const struct assay_infer *in, const int64_t *dims, struct assay_error *err);

#endif
