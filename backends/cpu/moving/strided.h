/* Copying one array into another, each walked with strides of its own: what slicing, joining, cutting and stretching come
 * down to. */
#ifndef CPU_MOVING_STRIDED_H
#define CPU_MOVING_STRIDED_H

#include <stddef.h>

#include "assay/graph.h"

struct cpu_strided {
    size_t    bytes;    /* of an element: 1, 2, 4 or 8 */
    size_t    elements; /* product of the lengths */
    int       rank;     /* at least 1; the last axis is the run */
    size_t    length[ASSAY_MAX_RANK];
    ptrdiff_t from[ASSAY_MAX_RANK], to[ASSAY_MAX_RANK]; /* strides in bytes; from is 0 where the source is repeated */
    ptrdiff_t from_begin, to_begin;
};

/* Begins a plan; axes are then added from the outermost, with strides in elements. Neighbours along which both go on alike
 * become one, axes of length 1 none. */
void cpu_strided_begin(struct cpu_strided *s, enum assay_dtype dtype, ptrdiff_t from_begin, ptrdiff_t to_begin);
void cpu_strided_axis(struct cpu_strided *s, size_t length, ptrdiff_t from, ptrdiff_t to);
void cpu_strided_end(struct cpu_strided *s);
/* Elements [begin, end) of the walk. */
void cpu_strided_copy(const struct cpu_strided *s, const char *from, char *to, size_t begin, size_t end);

#endif
