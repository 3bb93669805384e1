/* Pictures whose class is certain: one of eight shapes, drawn from its formula at a random place, size, turn and contrast, with
 * noise. Pictures are independent; number `index` is a function of (seed, index), so those that a net never saw are easy to
 * come by. */
#ifndef ASSAY_DATA_SHAPES_H
#define ASSAY_DATA_SHAPES_H

#include <stdint.h>

#define ASSAY_SHAPES_SIDE 24
#define ASSAY_SHAPES_CLASSES 8

/* Draws picture `index` into side * side floats, dark 0 and light 1 before contrast and noise; returns its class. */
int assay_shapes_draw(uint64_t seed, uint64_t index, float out[ASSAY_SHAPES_SIDE * ASSAY_SHAPES_SIDE]);
/* "disc", "ring", … */
const char *assay_shapes_name(int shape);

#endif
