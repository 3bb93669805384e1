#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/student.h"

static bool near(double got, double want, double relative)
{
    return fabs(got - want) <= relative * fabs(want);
}

/* Quantiles for 0.9, 0.975, 0.995 and 0.9995, computed in 40 digits; the usual tables print their first four. */
static const struct {
    double freedom, quantile[4];
} student_table[] = {
    {1, {3.0776835371752534, 12.706204736174705, 63.656741162871581, 636.61924876871962}},
    {2, {1.8856180831641267, 4.3026527297494639, 9.9248432009182931, 31.599054576443621}},
    {3, {1.6377443536962101, 3.1824463052837096, 5.8409093097333573, 12.923978636687483}},
    {4, {1.5332062740589439, 2.7764451051977944, 4.6040948713499932, 8.6103015813792751}},
    {9, {1.3830287383966323, 2.2621571627982055, 3.2498355415921263, 4.7809125859311391}},
    {14, {1.3450303744546506, 2.1447866879178038, 2.9768427343708347, 4.1404541127382027}},
    {30, {1.3104150253913956, 2.0422724563012383, 2.7499956535672253, 3.6459586350420218}},
    {100, {1.290074761346516, 1.9839715185235523, 2.6258905214380179, 3.3904913111642299}},
    {1000, {1.2823987214609244, 1.9623390808264085, 2.5807546980659511, 3.3002826484239129}},
};

Test(student, quantiles_of_t_agree_with_the_tables)
{
    const double p[4] = {0.9, 0.975, 0.995, 0.9995};
    for (size_t i = 0; i < sizeof student_table / sizeof *student_table; i++) {
        for (int k = 0; k < 4; k++) {
            double got = assay_student_quantile(p[k], student_table[i].freedom);
            cr_expect(near(got, student_table[i].quantile[k], 1e-11), "t(%g, %g) = %.15g", p[k],
                      student_table[i].freedom, got);
            double below = assay_student_quantile(1 - p[k], student_table[i].freedom);
            cr_expect(near(below, -got, 1e-9), "t is symmetric");
        }
    }
    cr_expect(near(assay_student_quantile(0.975, 3.7), 2.8675207071911895, 1e-11));
    cr_expect(near(assay_student_quantile(0.975, 0.5), 164.55767348048853, 1e-11));
    cr_expect(near(assay_student_quantile(0.975, 1e6), 1.959966356814107, 1e-11));
    cr_expect(near(assay_student_quantile(0.975, INFINITY), 1.9599639845400542, 1e-14));
}

Test(student, closed_forms_of_t_with_one_and_two_degrees_hold_far_out)
{
    for (double tail = 0.4; tail > 1e-12; tail /= 7) {
        double p = 1 - tail, exact = 1 - p; /* what the double p really leaves */
        cr_expect(near(assay_student_quantile(p, 1), 1 / tan(M_PI * exact), 1e-10), "tail %g", tail);
        cr_expect(near(assay_student_quantile(p, 2), (1 - 2 * exact) / sqrt(2 * exact * p), 1e-10), "tail %g", tail);
    }
}

Test(student, incomplete_beta_agrees_with_known_values)
{
    static const struct {
        double a, b, x, share;
    } row[] = {
        {2, 3, 0.4, 0.5248},
        {10, 1, 0.9, 0.3486784401},
        {0.5, 0.5, 0.3, 0.36901011956554538},
        {5, 200, 0.03, 0.73483175033491773},
        {300, 700, 0.31, 0.75641868273154363},
        {1.5, 20.5, 0.001, 0.0022219524523245786},
        {1000, 1000, 0.5, 0.5},
        {9.9, 10.1, 0.5, 0.51821242699763271},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double got = assay_incomplete_beta(row[i].a, row[i].b, row[i].x);
        cr_expect(near(got, row[i].share, 1e-12), "I_%g(%g, %g) = %.16g", row[i].x, row[i].a, row[i].b, got);
        double other = assay_incomplete_beta(row[i].b, row[i].a, 1 - row[i].x);
        cr_expect(near(got + other, 1, 1e-12), "the two sides make 1");
    }
    cr_expect(near(assay_incomplete_beta(1e5, 0.5, 0.99999), 0.15729868816148119, 1e-10));
    cr_expect_eq(assay_incomplete_beta(3, 4, 0), 0);
    cr_expect_eq(assay_incomplete_beta(3, 4, 1), 1);
}

Test(student, normal_quantiles_agree_with_known_values)
{
    cr_expect(near(assay_normal_quantile(0.975), 1.9599639845400542, 1e-14));
    cr_expect(near(assay_normal_quantile(0.995), 2.5758293035489008, 1e-14));
    cr_expect(near(assay_normal_quantile(0.6), 0.2533471031357998, 1e-13));
    cr_expect(near(assay_normal_quantile(0.25), -0.67448975019608174, 1e-14));
    cr_expect(near(assay_normal_quantile(1e-10), -6.3613409024040562, 1e-13));
    cr_expect(near(assay_normal_quantile(1e-300), -37.047096299361199, 1e-13));
    cr_expect_eq(assay_normal_quantile(0.5), 0);
    for (double p = 0.001; p < 1; p += 0.001) {
        double x = assay_normal_quantile(p);
        cr_expect(near(0.5 * erfc(-x * M_SQRT1_2), p, 1e-13), "p %g", p);
    }
}

Test(student, the_share_of_bad_things_is_the_bound_of_clopper_and_pearson)
{
    /* With none seen it is 1 - alpha^(1/n); with all but none left it is 1. */
    cr_expect(near(assay_upper_share(0, 59, 0.95), 1 - pow(0.05, 1.0 / 59), 1e-12));
    cr_expect_lt(assay_upper_share(0, 59, 0.95), 0.05);
    cr_expect_gt(assay_upper_share(0, 58, 0.95), 0.05);
    cr_expect(near(assay_upper_share(9, 10, 0.95), pow(0.95, 0.1), 1e-12));
    cr_expect_eq(assay_upper_share(10, 10, 0.95), 1);
    cr_expect_eq(assay_upper_share(0, 0, 0.95), 1);
    /* The definition: so large a share gives k or fewer with probability 1 - confidence. */
    double share = assay_upper_share(3, 40, 0.9), sum = 0, term = pow(1 - share, 40);
    for (int k = 0; k <= 3; k++) {
        sum += term;
        term *= (40.0 - k) / (k + 1) * share / (1 - share);
    }
    cr_expect(near(sum, 0.1, 1e-10), "sum %.12g", sum);
}

Test(student, the_most_events_are_half_a_quantile_of_chi_square)
{
    /* 0.95 quantiles of chi-square with 2 k + 2 degrees of freedom, from tables of 15 digits. */
    static const struct { uint64_t k; double chi_square; } table[] = {
        {1, 9.487729036781154}, {3, 15.50731305586545}, {9, 31.41043284423092}, {49, 124.342113404004}};
    cr_expect(near(assay_upper_events(0, 0.95), 2.995732273553991, 1e-14));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_expect(near(assay_upper_events(table[i].k, 0.95), table[i].chi_square / 2, 1e-11), "%llu events: %.15g",
                  (unsigned long long)table[i].k, assay_upper_events(table[i].k, 0.95));
    /* The definition, summed: so many expected give k or fewer with probability 1 - confidence. */
    double expected = assay_upper_events(5, 0.9), sum = 0, term = exp(-expected);
    for (int k = 0; k <= 5; k++) {
        sum += term;
        term *= expected / (k + 1);
    }
    cr_expect(near(sum, 0.1, 1e-10), "sum %.12g", sum);
    cr_expect(near(assay_upper_events(1000000, 0.95), 1e6 + 1.6449 * 1e3, 1e-5), "many events are as good as normal");
}

Test(student, incomplete_gamma_is_the_chance_of_few_events)
{
    for (double x = 0.01; x < 50; x *= 1.7) {
        cr_expect(near(assay_incomplete_gamma(1, x), exp(-x), 1e-12), "Q(1, %g)", x);
        cr_expect(near(assay_incomplete_gamma(2, x), exp(-x) * (1 + x), 1e-11), "Q(2, %g)", x);
        cr_expect(near(assay_incomplete_gamma(0.5, x), erfc(sqrt(x)), 1e-11), "Q(1/2, %g)", x);
    }
    cr_expect(assay_incomplete_gamma(3, 0) == 1 && assay_incomplete_gamma(3, INFINITY) == 0);
}

Test(student, what_is_outside_the_domain_is_not_a_number)
{
    cr_expect(isnan(assay_incomplete_gamma(0, 1)) && isnan(assay_incomplete_gamma(1, -1)) && isnan(assay_incomplete_gamma(NAN, 1)));
    cr_expect(isnan(assay_upper_events(3, 0)) && isnan(assay_upper_events(3, 1)));
    cr_expect(isnan(assay_incomplete_beta(0, 1, 0.5)) && isnan(assay_incomplete_beta(1, 1, 1.5)));
    cr_expect(isnan(assay_incomplete_beta(NAN, 1, 0.5)) && isnan(assay_incomplete_beta(1, 1, NAN)));
    cr_expect(isnan(assay_student_quantile(0.9, 0)) && isnan(assay_student_quantile(-0.1, 5)));
    cr_expect(isnan(assay_student_quantile(NAN, 5)) && isnan(assay_normal_quantile(2)));
    cr_expect_eq(assay_student_quantile(0, 5), -INFINITY);
    cr_expect_eq(assay_student_quantile(1, 5), INFINITY);
    cr_expect(isnan(assay_upper_share(0, 5, 0)));
}
