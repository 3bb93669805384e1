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
TestSuite(chip, .init = set_up, .fini = tear_down, .timeout = 60);

static void find(const char *name)
{
    cr_assert_eq(assay_described_find(name, &d, &err), ASSAY_OK, "%s", err.message);
}

Test(chip, the_middle_of_a_range_without_a_value_is_its_geometric_mean)
{
    find("m100");
    struct assay_chip middle = assay_chip_middle(d);
    const struct assay_quantity *q = &d->fields[ASSAY_DEVICE_BANDWIDTH];
    cr_expect(fabs(middle.field[ASSAY_DEVICE_BANDWIDTH] / sqrt(q->low * q->high) - 1) < 1e-12);
    cr_expect(isnan(middle.field[ASSAY_DEVICE_PEAK_F8]), "unknown");
}

Test(chip, a_format_that_is_not_there_has_no_peak_and_never_another_ones)
{
    find("a100-sxm-80gb");
    struct assay_chip middle = assay_chip_middle(d);
    cr_expect_eq(assay_chip_peak(&middle, ASSAY_BF16), 312e12);
    cr_expect_eq(assay_chip_peak(&middle, ASSAY_F8E4M3), 0);
    cr_expect_eq(assay_chip_peak(&middle, ASSAY_I32), 0);
}

Test(chip, draws_stay_within_the_range_fill_it_and_repeat)
{
    find("m100");
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++) {
        const struct assay_quantity *q = &d->fields[f];
        double least = INFINITY, most = -INFINITY;
        for (uint64_t k = 1; q->state == ASSAY_KNOWN && k <= 500; k++) {
            struct assay_chip once = assay_chip_draw(d, k), again = assay_chip_draw(d, k);
            cr_assert(once.field[f] >= q->low && once.field[f] <= q->high && once.field[f] == again.field[f]);
            least = fmin(least, once.field[f]);
            most = fmax(most, once.field[f]);
        }
        if (q->state == ASSAY_KNOWN && q->low < q->high && q->low > 0)
            cr_expect(least < q->low + 0.1 * (q->high - q->low) && most > q->high - 0.1 * (q->high - q->low), "%s",
                      assay_device_fields[f].key);
    }
}

Test(chip, the_same_draw_is_at_the_same_place_of_two_devices_ranges)
{
    struct assay_described *other = NULL;
    find("m100");
    cr_assert_eq(assay_described_find("m300", &other, &err), ASSAY_OK);
    const enum assay_device_field f = ASSAY_DEVICE_BANDWIDTH;
    for (uint64_t k = 1; k <= 50; k++) {
        struct assay_chip a = assay_chip_draw(d, k), b = assay_chip_draw(other, k);
        double u = log(a.field[f] / d->fields[f].low) / log(d->fields[f].high / d->fields[f].low);
        double v = log(b.field[f] / other->fields[f].low) / log(other->fields[f].high / other->fields[f].low);
        cr_expect(fabs(u - v) < 1e-9);
    }
    assay_described_free(other);
}

Test(chip, draws_around_a_value_have_it_as_their_most_frequent_place)
{
    find("p800");
    const struct assay_quantity *q = &d->fields[ASSAY_DEVICE_BANDWIDTH];
    double left = log(q->value / q->low) / log(q->high / q->low);
    size_t below = 0;
    for (uint64_t k = 1; k <= 4000; k++)
        below += assay_chip_draw(d, k).field[ASSAY_DEVICE_BANDWIDTH] < q->value;
    cr_expect(fabs((double)below / 4000 - left) < 0.03, "a triangle has that share left of its top: %zu of 4000, %g", below, left);
}
