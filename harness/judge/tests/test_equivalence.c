#include <criterion/criterion.h>

#include "harness/judge/tests/equivalent.h"

#include <jansson.h>

#define NEAR(a, b, tolerance) cr_expect(fabs((a) - (b)) <= (tolerance), "%.12g is not %.12g", (double)(a), (double)(b))
#define MARGIN 0.5

static struct assay_equivalence_result judged(const double *apart, size_t n, double margin)
{
    struct assay_training_pair      pairs[MOST];
    struct assay_equivalence_result r;
    for (size_t i = 0; i < n; i++)
        pairs[i] = pair_of(2, 2 + apart[i]);
    assay_equivalence_judge(pairs, n, margin, &r);
    return r;
}

/* Mean 0.03, deviation sqrt(0.001 / 4); t(0.95, 4) = 2.131846786 of every table. */
Test(equivalence, interval_and_tests_are_student_s)
{
    struct assay_equivalence_result r = judged((double[]){0.01, 0.02, 0.03, 0.04, 0.05}, 5, 0.06);
    double deviation = sqrt(0.001 / 4), half = 2.131846786326649 * deviation / sqrt(5);
    NEAR(r.mean, 0.03, 1e-12);
    NEAR(r.deviation, deviation, 1e-12);
    NEAR(r.low, 0.03 - half, 1e-10);
    NEAR(r.high, 0.03 + half, 1e-10);
    NEAR(r.shown, 0.03 + half, 1e-10);
    NEAR(r.p, 0.006617, 2e-5); /* P(T4 > 0.03 / (deviation / sqrt 5)) = P(T4 > 4.2426) */
    cr_expect_eq(r.outcome, ASSAY_EQUIVALENT, "%s", r.why);
    cr_expect(strstr(r.why, "mean difference +0.03 in [+0.015, +0.045] over 5 pairs, margin 0.06"), "%s", r.why);
}

Test(equivalence, margin_decides_and_only_what_lies_outside_is_not_equivalent)
{
    static const double apart[] = {0.01, 0.02, 0.03, 0.04, 0.05};
    cr_expect_eq(judged(apart, 5, 0.0451).outcome, ASSAY_EQUIVALENT);
    cr_expect_eq(judged(apart, 5, 0.0449).outcome, ASSAY_EQUIVALENCE_UNDECIDED);
    cr_expect_eq(judged(apart, 5, 0.0151).outcome, ASSAY_EQUIVALENCE_UNDECIDED);
    cr_expect_eq(judged(apart, 5, 0.0149).outcome, ASSAY_NOT_EQUIVALENT);
    static const double better[] = {-0.01, -0.02, -0.03, -0.04, -0.05}; /* as far off, on the other side */
    cr_expect_eq(judged(better, 5, 0.0149).outcome, ASSAY_NOT_EQUIVALENT);
    cr_expect_eq(judged(better, 5, 0.0449).outcome, ASSAY_EQUIVALENCE_UNDECIDED);
}

Test(equivalence, the_same_bits_are_equivalent_and_the_same_distance_is_what_it_is)
{
    cr_expect_eq(judged((double[]){0, 0, 0}, 3, 0.001).outcome, ASSAY_EQUIVALENT);
    cr_expect_eq(judged((double[]){0.5, 0.5, 0.5}, 3, 0.25).outcome, ASSAY_NOT_EQUIVALENT);
    NEAR(judged((double[]){0, 0, 0}, 3, 0.001).p, 0, 0);
    NEAR(judged((double[]){0.5, 0.5, 0.5}, 3, 0.25).p, 1, 0);
}

Test(equivalence, too_few_pairs_are_undecided_whatever_they_say)
{
    struct assay_equivalence_result r = judged((double[]){0, 0}, 2, 1);
    cr_expect_eq(r.outcome, ASSAY_EQUIVALENCE_UNDECIDED);
    cr_expect(strstr(r.why, "2 complete pairs, at least 3 are needed"), "%s", r.why);
    r = judged(NULL, 0, 1);
    cr_expect(r.outcome == ASSAY_EQUIVALENCE_UNDECIDED && isnan(r.mean) && isnan(r.share_high));
}

static struct assay_equivalence_result with_ends(enum assay_training_end a, enum assay_training_end b)
{
    struct assay_training_pair      pairs[8];
    struct assay_equivalence_result r;
    for (size_t i = 0; i < 8; i++)
        pairs[i] = pair_of(2, 2.001 + 0.001 * (double)(i % 2));
    pairs[3].a.end = a;
    pairs[3].b.end = b;
    assay_equivalence_judge(pairs, 8, 0.1, &r);
    return r;
}

/* Clopper and Pearson, one-sided at 95 %: 1 - 0.05^(1/8) for none of 8; of 1 in 8, the 0.95 quantile of Beta(2, 7). */
Test(equivalence, one_that_diverged_on_b_alone_is_a_failure_and_elsewhere_it_is_told)
{
    struct assay_equivalence_result r = with_ends(ASSAY_TRAINING_ENDED, ASSAY_TRAINING_ENDED);
    cr_expect(r.outcome == ASSAY_EQUIVALENT && r.complete == 8);
    NEAR(r.share_high, 1 - pow(0.05, 1.0 / 8), 1e-9);
    r = with_ends(ASSAY_TRAINING_ENDED, ASSAY_TRAINING_DIVERGED);
    cr_expect(r.outcome == ASSAY_NOT_EQUIVALENT && r.complete == 7 && r.only_b == 1);
    cr_expect(strstr(r.why, "B diverged in 1 pairs in which A did not"), "%s", r.why);
    NEAR(r.share_high, 0.470679, 1e-5);
    r = with_ends(ASSAY_TRAINING_DIVERGED, ASSAY_TRAINING_ENDED);
    cr_expect(r.outcome == ASSAY_EQUIVALENT && r.complete == 7 && r.diverged_a == 1 && strstr(r.why, "A diverged 1 times"), "%s", r.why);
    r = with_ends(ASSAY_TRAINING_DIVERGED, ASSAY_TRAINING_DIVERGED);
    cr_expect(r.outcome == ASSAY_EQUIVALENT && r.only_b == 0 && r.diverged_b == 1);
}

Test(equivalence, a_training_that_is_missing_leaves_it_undecided)
{
    struct assay_equivalence_result r = with_ends(ASSAY_TRAINING_ENDED, ASSAY_TRAINING_MISSING);
    cr_expect(r.outcome == ASSAY_EQUIVALENCE_UNDECIDED && r.missing == 1 && strstr(r.why, "1 pairs lack a training"), "%s", r.why);
}

/* Said wrongly at most in 5 % of rounds, just at the margin in about 5 %; the interval holds the mean in 90 %. */
Test(equivalence, errs_as_rarely_as_it_says, .timeout = 60)
{
    const size_t rounds = 4000;
    struct rates at = simulate(rounds, 8, MARGIN, 0.2, MARGIN), inside = simulate(rounds, 8, 0, 0.2, MARGIN);
    NEAR(at.said[ASSAY_EQUIVALENT], 0.05, chance(0.05, rounds));
    NEAR(at.said[ASSAY_NOT_EQUIVALENT], 0.05, chance(0.05, rounds));
    NEAR(at.covered, 0.9, chance(0.1, rounds));
    cr_expect(inside.said[ASSAY_NOT_EQUIVALENT] == 0 && inside.said[ASSAY_EQUIVALENT] > 0.99);
}

/* With the number that the formula gives, 80 % of the rounds are settled. */
Test(equivalence, so_many_pairs_settle_it_four_times_in_five, .timeout = 60)
{
    static const struct {
        double mean, deviation;
        enum assay_equivalence settled;
    } rows[] = {{0, 0.5, ASSAY_EQUIVALENT}, {0, 0.9, ASSAY_EQUIVALENT}, {0.25, 0.4, ASSAY_EQUIVALENT}, {-0.2, 0.6, ASSAY_EQUIVALENT},
                {0.9, 0.6, ASSAY_NOT_EQUIVALENT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t n = assay_equivalence_pairs(rows[i].deviation, rows[i].mean, MARGIN);
        cr_assert(n > 3 && n <= MOST, "row %zu: %d", i, (int)n);
        double power = simulate(1500, n, rows[i].mean, rows[i].deviation, MARGIN).said[rows[i].settled];
        cr_expect(power > 0.8 - chance(0.8, 1500) && power < 0.8 + chance(0.8, 1500) + 0.05, "row %zu: %d pairs settle %.3f", i, (int)n, power);
    }
}

Test(equivalence, what_cannot_be_settled_has_no_number)
{
    cr_expect_eq(assay_equivalence_pairs(1, 0.5, 0.5), 0u);
    cr_expect_eq(assay_equivalence_pairs(1e6, 0, 0.5), 0u);
    cr_expect_eq(assay_equivalence_pairs(0, 0, 0.5), 3u);
}

Test(equivalence, json_has_numbers_or_null)
{
    struct assay_training_pair      pairs[3] = {pair_of(2, 2.1), pair_of(2, NAN), pair_of(2, 2.3)};
    struct assay_equivalence_result r;
    pairs[1].b.end = ASSAY_TRAINING_DIVERGED;
    (void)strcpy(pairs[1].b.why, "the loss became no finite number");
    assay_equivalence_judge(pairs, 3, 0.5, &r);
    json_t *json = assay_equivalence_to_json(&r, pairs), *b = json_object_get(json_array_get(json_object_get(json, "pairs"), 1), "b");
    cr_assert(json && b);
    cr_expect_str_eq(json_string_value(json_object_get(json, "outcome")), "not equivalent");
    cr_expect(json_is_null(json_object_get(b, "quality")) && json_is_real(json_object_get(json, "mean")));
    cr_expect_str_eq(json_string_value(json_object_get(b, "end")), "diverged");
    json_decref(json);
}
