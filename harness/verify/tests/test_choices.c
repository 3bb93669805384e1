#include <criterion/criterion.h>
#include <math.h>

#include "harness/verify/choices.h"

Test(choices, the_first_of_equal_scores_is_chosen_and_a_nan_before_all)
{
    const float equal[] = {1, 3, 3, 2}, nan_last[] = {1, 3, 2, NAN}, nan_first[] = {NAN, 3};
    cr_expect_eq(assay_choice_f32(equal, 4), 1);
    cr_expect_eq(assay_choice_f32(nan_last, 4), 3);
    cr_expect_eq(assay_choice_f32(nan_first, 2), 0);
}

struct row {
    double   score[3], bound[3];
    int64_t  chosen;
    uint64_t equal, open, wrong, close;
};

Test(choices, a_choice_is_wrong_only_where_the_bounds_of_both_do_not_reach)
{
    static const struct row rows[] = {
        {{5, 4, 1}, {0.1, 0.1, 0.1}, 0, 1, 0, 0, 0},
        {{5, 4, 1}, {0.1, 0.1, 0.1}, 1, 0, 0, 1, 0},
        {{5, 4, 1}, {0.6, 0.5, 0.1}, 1, 0, 1, 0, 1},      /* 1 apart, 1.1 allowed: either is right */
        {{5, 4, 1}, {0.5, 0.5, 0.1}, 0, 1, 0, 0, 1},      /* just as far as allowed */
        {{5, 4, 1}, {0.1, 0.1, 4}, 2, 0, 1, 0, 1},        /* the third is far, and its bound wide */
        {{5, 4, 1}, {0.1, 0.1, INFINITY}, 1, 0, 0, 1, 1}, /* what nothing is known of decides nothing, but 4 is not 5 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row    *r = &rows[i];
        struct assay_choices c = {0};
        assay_choices_add(&c, r->score, r->bound, 3, r->chosen, -1);
        cr_expect(c.items == 1 && c.equal == r->equal && c.open == r->open && c.wrong == r->wrong && c.close == r->close,
                  "row %zu: %d %d %d %d", i, (int)c.equal, (int)c.open, (int)c.wrong, (int)c.close);
    }
}

Test(choices, the_first_of_each_kind_is_kept_and_labels_are_counted_for_both)
{
    const double         score[] = {1, 2}, narrow[] = {0.1, 0.1}, wide[] = {1, 1};
    struct assay_choices c = {0};
    assay_choices_add(&c, score, narrow, 2, 1, 1);
    assay_choices_add(&c, score, wide, 2, 0, 0);
    assay_choices_add(&c, score, wide, 2, 1, 0);
    assay_choices_add(&c, score, narrow, 2, 0, 1);
    cr_expect(c.items == 4 && c.equal == 2 && c.open == 1 && c.wrong == 1 && c.close == 2);
    cr_expect(c.first_close == 1 && c.close_margin == 1 && c.close_bounds == 2);
    cr_expect(c.first_wrong == 3 && c.wrong_choice == 0 && c.wrong_reference == 1 && c.wrong_margin == 1);
    cr_expect(c.right == 2 && c.reference_right == 2);
}
