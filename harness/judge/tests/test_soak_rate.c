#include "harness/judge/soak.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "assay/banned.h"

static char *said(uint64_t iterations, uint64_t mismatches, double hours)
{
    static char            words[512];
    struct assay_text      text = ASSAY_TEXT(words);
    struct assay_soak_case all = {.iterations = iterations, .mismatches = mismatches, .busy_ns = (uint64_t)(hours * 3.6e12)};
    assay_soak_say(&all, &text);
    return words;
}

Test(soak_rate, none_seen_shows_an_upper_limit_that_is_never_rounded_down)
{
    struct assay_soak_rate rate = assay_soak_rate_of(0, 600000000000);
    cr_expect(rate.per_year == 0 && fabs(rate.upper_per_year - 157455.7) < 0.1, "%.8g", rate.upper_per_year);
    cr_expect_str_eq(said(2345678, 0, 1.0 / 6), "No silent error in 2,345,678 executions, 0.167 card-hours. With 95 % confidence that shows only fewer "
                     "than 158,000 a year on one card at such work; to show fewer than one takes 26,300 card-hours without an error.");
    cr_expect(strstr(said(1, 0, 8760), "only fewer than 3 a year"), "%s", said(1, 0, 8760));
    cr_expect(strstr(said(1, 0, 4380e3), "only fewer than 0.006 a year"), "%s", said(1, 0, 4380e3));
}

Test(soak_rate, what_was_seen_gives_a_rate_and_its_limit)
{
    struct assay_soak_rate rate = assay_soak_rate_of(3, (uint64_t)(8760 * 3.6e12));
    cr_expect(fabs(rate.per_year - 3) < 1e-9 && fabs(rate.upper_per_year - 7.753657) < 1e-5, "%.8g", rate.upper_per_year);
    cr_expect_str_eq(said(1000, 1, 1), "1 silent error in 1,000 executions, 1 card-hours. That is 8,760 a year on one card at such work; with 95 % "
                     "confidence it is at most 41,600.");
    cr_expect(strstr(said(1000, 12, 1), "12 silent errors in "));
}

Test(soak_rate, the_most_a_year_is_said_in_three_digits_and_never_less)
{
    char              room[3][64];
    struct assay_text none = ASSAY_TEXT(room[0]), some = ASSAY_TEXT(room[1]), nothing = ASSAY_TEXT(room[2]);
    assay_soak_say_most(0, 600000000000, &none); /* ten minutes: 157,448 and something */
    assay_soak_say_most(3, (uint64_t)(8760 * 3.6e12), &some);
    assay_soak_say_most(0, 0, &nothing);
    cr_expect_str_eq(room[0], "fewer than 158,000");
    cr_expect_str_eq(room[1], "at most 7.76");
    cr_expect_str_eq(room[2], "nothing was compared");
}

Test(soak_rate, nothing_compared_shows_nothing)
{
    cr_expect(strstr(said(0, 0, 1), "shows nothing"));
    cr_expect(isinf(assay_soak_rate_of(0, 0).upper_per_year));
}
