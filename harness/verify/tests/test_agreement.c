#include "harness/verify/agreement.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

static struct assay_value value_of(enum assay_dtype dtype, uint64_t elements)
{
    struct assay_value v = {.name = "Y", .dtype = dtype, .elements = elements, .bytes = assay_dtype_bytes(dtype, elements)};
    return v;
}

static bool near(double x, double y)
{
    return fabs(x - y) <= 1e-9 * fabs(y);
}

Test(agreement, says_where_the_first_difference_is_and_how_large_the_largest)
{
    struct assay_value     v = value_of(ASSAY_F32, 200);
    float                  x[200], y[200];
    struct assay_agreement a = {.runs = 0};
    for (int i = 0; i < 200; i++)
        x[i] = y[i] = 2;
    assay_agreement_compare(&a, &v, 0, 200, x, y);
    assay_agreement_run_end(&a, "the same");
    cr_expect(a.runs == 1 && a.differing == 0 && a.elements == 0 && !*a.output && !*a.run);
    y[130] = nextafterf(nextafterf(2, 3), 3);
    y[140] = nextafterf(2, 1);
    assay_agreement_compare(&a, &v, 1000, 200, x, y);
    assay_agreement_run_end(&a, "another");
    assay_agreement_compare(&a, &v, 0, 200, y, x);
    assay_agreement_run_end(&a, "later");
    cr_expect(a.runs == 3 && a.differing == 2 && a.elements == 4);
    cr_expect_str_eq(a.output, "Y");
    cr_expect_str_eq(a.run, "another");
    cr_expect_eq(a.element, 1130);
    cr_expect(a.expected == 2 && a.observed == (double)y[130]);
    cr_expect_eq(a.most_ulps, 2);
    cr_expect(near(a.most_relative, ldexp(1, -22)), "of 2, against a root mean square of 2: %g", a.most_relative);
}

/* One element of a format, by its bits, against another. */
static double ulps_of(enum assay_dtype dtype, uint64_t x, uint64_t y)
{
    struct assay_value     v = value_of(dtype, 1);
    struct assay_agreement a = {.runs = 0};
    assay_agreement_compare(&a, &v, 0, 1, &x, &y);
    return a.most_ulps;
}

Test(agreement, counts_units_in_the_last_place_of_every_format)
{
    cr_expect_eq(ulps_of(ASSAY_BF16, 0x3f80, 0x3f83), 3);
    cr_expect_eq(ulps_of(ASSAY_F16, 0x0001, 0x8001), 2, "through zero");
    cr_expect_eq(ulps_of(ASSAY_F8E4M3, 0x38, 0x39), 1);
    cr_expect_eq(ulps_of(ASSAY_I32, (uint32_t)-5, 7), 12, "of integers it is the difference");
    cr_expect(isinf(ulps_of(ASSAY_F32, 0x7fc00000, 0x3f800000)), "a number against none");
    cr_expect(isinf(ulps_of(ASSAY_F32, 0x7f800000, 0x3f800000)));
    cr_expect_eq(ulps_of(ASSAY_F32, 0, 0x80000000), 0, "the two zeros are the same number …");
}

Test(agreement, tells_zeros_apart_and_packed_elements)
{
    struct assay_value     f = value_of(ASSAY_F32, 2), i = value_of(ASSAY_I4, 6);
    float                  plus[2] = {1, 0}, minus[2] = {1, -0.0f};
    unsigned char          x[3] = {0x21, 0x43, 0x65}, y[3] = {0x21, 0x53, 0x65};
    struct assay_agreement a = {.runs = 0}, b = {.runs = 0};
    assay_agreement_compare(&a, &f, 0, 2, plus, minus);
    cr_expect(a.elements == 1 && a.element == 1 && a.differs, "… and not the same bits");
    assay_agreement_compare(&b, &i, 0, 6, x, y);
    cr_expect(b.elements == 1 && b.element == 3 && b.expected == 4 && b.observed == 5);
}

Test(agreement, the_share_is_one_sided_of_none_and_two_sided_of_some)
{
    struct assay_agreement       a = {.runs = 100}, some = {.runs = 20, .differing = 3}, all = {.runs = 4, .differing = 4}, none = {.runs = 0};
    struct assay_agreement_share share = assay_agreement_share_of(&a);
    cr_expect(share.low == 0 && near(share.high, 1 - pow(0.05, 0.01)));
    cr_expect_lt(share.high, 3.0 / 100, "the rule of three is a little more");
    share = assay_agreement_share_of(&some); /* Clopper and Pearson's interval of 3 in 20, from tables */
    cr_expect(fabs(share.low - 0.03207) < 1e-5 && fabs(share.high - 0.37893) < 1e-5, "%g %g", share.low, share.high);
    share = assay_agreement_share_of(&all);
    cr_expect(share.high == 1 && near(share.low, pow(0.025, 0.25)));
    share = assay_agreement_share_of(&none);
    cr_expect(share.low == 0 && share.high == 1);
}

Test(agreement, adds_up_and_keeps_what_was_first)
{
    struct assay_agreement a = {.runs = 5}, b = {.runs = 3, .differing = 1, .elements = 7, .most_ulps = 4, .output = "C", .run = "3 threads",
                                                 .element = 9},
                           c = {.runs = 1, .differing = 1, .elements = 1, .most_ulps = 90, .output = "D", .run = "4 threads"};
    assay_agreement_add(&a, &b);
    assay_agreement_add(&a, &c);
    cr_expect(a.runs == 9 && a.differing == 2 && a.elements == 8 && a.most_ulps == 90 && a.element == 9);
    cr_expect_str_eq(a.output, "C");
    cr_expect_str_eq(a.run, "3 threads");
}

Test(agreement, comes_back_from_json_and_what_is_none_is_refused)
{
    static const char *const wrong[] = {"[]", "{}", "{\"runs\": 3, \"differing\": 4}", "{\"runs\": 3, \"differing\": 1}", "{\"runs\": \"3\"}"};
    struct assay_error       err = {.code = ASSAY_OK};
    struct assay_agreement   a = {.runs = 12, .differing = 2, .elements = 5, .most_ulps = INFINITY, .most_relative = 0.5, .output = "C",
                                  .run = "execution 3", .element = 77, .expected = 1.5, .observed = NAN}, back;
    json_t                  *json = assay_agreement_to_json(&a);
    cr_assert_eq(assay_agreement_from_json(json, &back, &err), ASSAY_OK, "%s", err.message);
    json_decref(json);
    cr_expect(back.runs == 12 && back.differing == 2 && back.elements == 5 && isinf(back.most_ulps) && back.most_relative == 0.5);
    cr_expect(back.element == 77 && back.expected == 1.5 && isnan(back.observed) && !strcmp(back.output, "C") && !strcmp(back.run, "execution 3"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(assay_json_parse(wrong[i], strlen(wrong[i]), "a test", &json, &err), ASSAY_OK);
        cr_expect_eq(assay_agreement_from_json(json, &back, &err), ASSAY_PROTOCOL, "%s", wrong[i]);
        json_decref(json);
        memset(&err, 0, sizeof err);
    }
}
