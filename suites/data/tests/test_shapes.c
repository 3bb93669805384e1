#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "suites/data/shapes.h"

enum { PIXELS = ASSAY_SHAPES_SIDE * ASSAY_SHAPES_SIDE };

Test(shapes, a_picture_is_a_function_of_seed_and_index)
{
    float a[PIXELS], b[PIXELS], c[PIXELS];
    int   x = assay_shapes_draw(3, 5, a), y = assay_shapes_draw(3, 5, b);
    (void)assay_shapes_draw(3, 6, c);
    cr_expect_eq(x, y);
    cr_expect_eq(memcmp(a, b, sizeof a), 0);
    cr_expect_neq(memcmp(a, c, sizeof a), 0);
}

Test(shapes, classes_are_drawn_equally_often)
{
    int   count[ASSAY_SHAPES_CLASSES] = {0};
    float a[PIXELS];
    for (uint64_t i = 0; i < 8000; i++)
        count[assay_shapes_draw(1, i, a)]++;
    for (int k = 0; k < ASSAY_SHAPES_CLASSES; k++)
        cr_expect(abs(count[k] - 1000) < 180, "%s: %d", assay_shapes_name(k), count[k]); /* 6 deviations of sqrt(875) */
}

/* Noise has deviation 0.1 and a shape at least 0.6 of contrast: light and dark pixels stand apart, some of each. */
Test(shapes, a_shape_covers_a_part_of_its_picture)
{
    float a[PIXELS];
    for (uint64_t i = 0; i < 500; i++) {
        (void)assay_shapes_draw(2, i, a);
        float low = a[0], high = a[0];
        for (int k = 0; k < PIXELS; k++) {
            cr_assert(isfinite(a[k]));
            low = fminf(low, a[k]);
            high = fmaxf(high, a[k]);
        }
        int above = 0;
        for (int k = 0; k < PIXELS; k++)
            above += a[k] > (low + high) / 2;
        cr_expect(above > 12 && above < PIXELS / 2, "picture %d: %d of %d pixels", (int)i, above, PIXELS);
    }
}
