#include "harness/model/certainty.h"

#include <math.h>

#include "harness/model/tests/described.h"

#include "assay/banned.h"

static struct assay_error      err;
static struct assay_described *d;

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
}
static void tear_down(void)
{
    assay_described_free(d);
}
TestSuite(certainty, .init = set_up, .fini = tear_down, .timeout = 60);

/* A figure of one field alone. */
static double inverse_of(void *self, const struct assay_chip *chip)
{
    return 1 / chip->field[*(enum assay_device_field *)self];
}

static struct assay_certain of(const char *name, enum assay_device_field field)
{
    assay_described_free(d);
    cr_assert_eq(assay_described_find(name, &d, &err), ASSAY_OK, "%s", err.message);
    return assay_certainty_of(d, inverse_of, &field);
}

Test(certainty, a_figure_has_the_grade_of_what_moves_it)
{
    cr_expect_eq(of("h100-sxm", ASSAY_DEVICE_BANDWIDTH).grade, 'B', "a datasheet's number");
    cr_expect_eq(of("h100-sxm", ASSAY_DEVICE_LAUNCH).grade, 'C', "an inferred one");
    cr_expect_eq(of("p800", ASSAY_DEVICE_PEAK_F16).grade, 'C', "a reported one, without a range");
    cr_expect_eq(of("m100", ASSAY_DEVICE_BANDWIDTH).grade, 'D', "an assumed one");
}

/* An inferred number that is a small part of what a form is off by anyway decides nothing; of a form that is never off it does. */
Test(certainty, the_width_of_the_form_decides_what_a_field_matters)
{
    enum assay_device_field field = ASSAY_DEVICE_LAUNCH;
    (void)of("h100-sxm", field);
    cr_expect_eq(assay_certainty_within(d, 0.01, inverse_of, &field).grade, 'C');
    cr_expect_eq(assay_certainty_within(d, 2, inverse_of, &field).grade, 'B');
    field = ASSAY_DEVICE_BANDWIDTH;
    (void)of("m100", field);
    cr_expect_eq(assay_certainty_within(d, 2, inverse_of, &field).grade, 'D', "an assumed number always does");
}

Test(certainty, no_point_exists_of_what_rests_on_a_range_without_a_value)
{
    struct assay_certain m100 = of("m100", ASSAY_DEVICE_POWER), p800 = of("p800", ASSAY_DEVICE_POWER);
    cr_expect(!m100.has_point && m100.without == ASSAY_DEVICE_POWER);
    cr_expect(p800.has_point && p800.without == ASSAY_DEVICE_FIELDS);
    cr_expect(!of("m300", ASSAY_DEVICE_SCALE_UP).has_point);
}

Test(certainty, a_description_is_graded_by_what_its_figures_need)
{
    static const struct { char name[16], grade; } of_device[] = {{"h200-sxm", 'B'}, {"p800", 'C'}, {"m100", 'D'}, {"m300", 'D'}};
    size_t by[ASSAY_ASSUMED + 1];
    for (size_t i = 0; i < sizeof of_device / sizeof *of_device; i++) {
        assay_described_free(d);
        cr_assert_eq(assay_described_find(of_device[i].name, &d, &err), ASSAY_OK);
        cr_expect_eq(assay_described_grade(d, by), of_device[i].grade, "%s", of_device[i].name);
        cr_expect_eq(by[ASSAY_ASSUMED] > 0, of_device[i].grade == 'D');
    }
}
