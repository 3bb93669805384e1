#include "harness/ir/slice.h"

#include <stdbool.h>

#include "assay/banned.h"

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static void resolve_axis(int64_t length, int64_t start, int64_t end, int64_t step, int32_t d, struct assay_slice *out)
{
    bool forward = step > 0;
    start += start < 0 ? length : 0;
    end += end < 0 ? length : 0;
    start = clamp(start, 0, forward ? length : length - 1);
    end = clamp(end, forward ? 0 : -1, length);
    uint64_t span = forward ? (end > start ? (uint64_t)(end - start) : 0) : start > end ? (uint64_t)(start - end) : 0;
    uint64_t stride = forward ? (uint64_t)step : -(uint64_t)step;
    out->step[d] = step;
    out->count[d] = length ? (int64_t)(span / stride + (span % stride != 0)) : 0;
    out->start[d] = out->count[d] ? start : 0;
    if (out->count[d] < 2) /* a step that is never made may be longer than the axis */
        out->step[d] = 1;
}

const char *assay_slice_resolve(int32_t rank, const int64_t *dims, size_t n, const int64_t *starts, const int64_t *ends,
                                const int64_t *axes, const int64_t *steps, struct assay_slice *out)
{
    bool seen[ASSAY_MAX_RANK] = {false};
    for (int32_t d = 0; d < rank; d++) {
        out->start[d] = 0;
        out->step[d] = 1;
        out->count[d] = dims[d];
    }
    if (n > (size_t)rank)
        return "it has fewer axes than are sliced";
    for (size_t i = 0; i < n; i++) {
        int64_t axis = axes ? axes[i] : (int64_t)i;
        axis += axis < 0 ? rank : 0;
        if (axis < 0 || axis >= rank)
            return "an axis that is sliced is not one of it";
        if (seen[axis])
            return "an axis is sliced twice";
        if (steps && steps[i] == 0)
            return "a step of zero";
        seen[axis] = true;
        resolve_axis(dims[axis], starts[i], ends[i], steps ? steps[i] : 1, (int32_t)axis, out);
    }
    return NULL;
}
