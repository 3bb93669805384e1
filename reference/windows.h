/* Windows that slide over the spatial axes of a tensor: what Conv, the pools and their gradients share. Positions and taps
 * are counted row-major over all spatial axes. */
#ifndef ASSAY_REFERENCE_WINDOWS_H
#define ASSAY_REFERENCE_WINDOWS_H

#include "reference/arithmetic.h"

struct assay_ref_windows {
    int32_t axes; /* spatial */
    int64_t in[ASSAY_MAX_RANK], out[ASSAY_MAX_RANK], kernel[ASSAY_MAX_RANK];
    int64_t stride[ASSAY_MAX_RANK], dilation[ASSAY_MAX_RANK], begin[ASSAY_MAX_RANK], end[ASSAY_MAX_RANK];
    int64_t in_size, out_size, taps; /* products over the spatial axes */
};
/* From a node's attributes, with the shapes [n, c, d1, ..] of what the windows slide over and of what they give, and the
 * lengths of the kernel (NULL: those of attribute kernel_shape). */
struct assay_ref_windows assay_ref_windows_of(const struct assay_node *node, int32_t rank, const int64_t *in, const int64_t *out,
                                              const int64_t *kernel);
/* Offset in the input's plane that a tap sees from an output position; -1 outside. */
int64_t assay_ref_tap(const struct assay_ref_windows *w, int64_t position, int64_t tap);
/* Output position from which a tap sees offset `offset` of the input's plane; -1: from none. */
int64_t assay_ref_tap_from(const struct assay_ref_windows *w, int64_t offset, int64_t tap);
/* Taps of a window that stand in the input or, if `padded`, in its pads. */
int64_t assay_ref_window_count(const struct assay_ref_windows *w, int64_t position, bool padded);

#endif
