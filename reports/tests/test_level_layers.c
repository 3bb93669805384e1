#include "reports/level_layers.h"

#include <criterion/criterion.h>
#include <math.h>

static struct assay_model_layer  layers[8];
static struct assay_model_search search = {.value = layers, .n = 8};

static void make(void)
{
    const double strain[8] = {0.5, 0.1, NAN, 12, 0.9, 0, 3, 0.5};
    for (size_t i = 0; i < 8; i++)
        layers[i] = (struct assay_model_layer){.ratio = strain[i], .strain = strain[i], .diverges = strain[i] > 1};
}

Test(level_layers, what_diverges_is_told_first_and_all_stand_in_the_order_of_execution)
{
    size_t index[8];
    make();
    cr_assert_eq(assay_level_layers(&search, 4, index), 4u);
    cr_expect(index[0] == 0 && index[1] == 3 && index[2] == 4 && index[3] == 6, "%zu %zu %zu %zu", index[0], index[1], index[2], index[3]);
}

/* Of 2 that diverge the later is the larger: where a fault begins says more than how far it grows. */
Test(level_layers, of_what_diverges_the_earlier_stands)
{
    size_t index[1];
    make();
    layers[6].ratio = layers[6].strain = 1e9;
    cr_assert_eq(assay_level_layers(&search, 1, index), 1u);
    cr_expect_eq(index[0], 3u);
}

Test(level_layers, what_nothing_can_be_said_of_comes_last)
{
    size_t index[8];
    make();
    cr_assert_eq(assay_level_layers(&search, 7, index), 7u);
    for (size_t i = 0; i < 7; i++)
        cr_expect_neq(index[i], 2u);
    cr_expect_eq(assay_level_layers(&search, 8, index), 8u);
    cr_expect_eq(assay_level_layers(&search, 0, index), 0u);
    cr_expect_eq(assay_level_layer_outcome(&layers[2]), ASSAY_NOT_CHECKED);
    cr_expect_eq(assay_level_layer_outcome(&layers[3]), ASSAY_FAIL);
    cr_expect_eq(assay_level_layer_outcome(&layers[4]), ASSAY_PASS);
}
