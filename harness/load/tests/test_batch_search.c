#include "harness/load/batch_search.h"

#include <criterion/criterion.h>
#include <string.h>

#include "assay/banned.h"

/* A device whose executions take fixed + n * each ns, and hold a rate up to `share` of what they come to one after
 * another. */
static struct {
    uint64_t fixed_ns, each_ns;
    double share, lucky; /* lucky: that a batch of 2 holds */
    uint32_t batch, refused_from, offers, looks, last_look;
    enum assay_code refusal;
} device;

static enum assay_code offer(void *self, uint32_t max_batch, struct assay_batch_offer *out, struct assay_error *err)
{
    (void)self;
    device.offers++;
    if (device.refused_from && max_batch >= device.refused_from) {
        return ASSAY_FAIL(err, device.refusal, "no room for %u", max_batch);
    }
    device.batch = max_batch;
    out->execution_ns = device.fixed_ns + max_batch * device.each_ns;
    out->capacity_qps = max_batch * 1e9 / (double)out->execution_ns;
    return ASSAY_OK;
}

static enum assay_code look(void *self, const struct assay_peak_asked *asked, struct assay_peak_look *out,
                            struct assay_error *err)
{
    (void)self, (void)err;
    double execution_ns = (double)(device.fixed_ns + device.batch * device.each_ns);
    double share = device.batch == 2 && device.lucky > 0 ? device.lucky : device.share;
    cr_expect(device.looks == 0 || asked->look > device.last_look, "no two looks have the same seeds");
    cr_expect(asked->level * ASSAY_PEAK_LOOKS * ASSAY_BATCH_STEPS <= ASSAY_PEAK_LEVEL * 1.0001,
              "each has its share of the error");
    device.last_look = asked->look;
    device.looks++;
    *out = (struct assay_peak_look){.qps = asked->qps,
                                    .n = asked->queries,
                                    .verdict = asked->qps <= share * device.batch * 1e9 / execution_ns
                                                   ? ASSAY_SETTLED_VALID
                                                   : ASSAY_SETTLED_INVALID};
    return ASSAY_OK;
}

static struct assay_batches found;
static struct assay_error err;
static enum assay_code search(uint64_t latency_ns)
{
    struct assay_batch_search how = {.latency_ns = latency_ns, .percentile = 0.9, .offer = offer, .look = look};
    memset(&err, 0, sizeof err);
    return assay_batch_search(&how, &found, &err);
}

static void begin(void)
{
    memset(&device, 0, sizeof device);
    device.fixed_ns = 1000000;
    device.each_ns = 100000;
    device.share = 0.8;
}
TestSuite(batch_search, .init = begin);

Test(batch_search, goes_on_to_the_largest_as_long_as_more_help)
{
    cr_assert_eq(search(100000000), ASSAY_OK);
    cr_expect_eq(found.n, ASSAY_BATCH_STEPS);
    cr_expect_eq(found.step[found.best].max_batch, 64);
    for (uint32_t i = 1; i < found.n; i++)
        cr_expect(found.step[i].peak.low_qps > found.step[i - 1].peak.low_qps && !*found.step[i].why);
}

/* 16 take 2.6 ms, 32 take 4.2 ms. */
Test(batch_search, ends_where_an_execution_takes_longer_than_the_limit)
{
    cr_assert_eq(search(4200000), ASSAY_OK);
    cr_expect_eq(found.step[found.best].max_batch, 32, "just inside");
    begin();
    cr_assert_eq(search(4199999), ASSAY_OK);
    cr_expect_eq(found.step[found.best].max_batch, 16, "just outside");
    cr_expect_eq(found.n, 6);
    cr_expect(found.step[5].peak.n == 0 &&
                  strstr(found.step[5].why, "an execution of 32 takes 4.2 ms, more than the limit of 4.2 ms"),
              "%s", found.step[5].why);
}

Test(batch_search, needs_no_look_at_a_batch_whose_executions_are_too_slow_for_it)
{
    device.fixed_ns =
        0; /* the capacity is the same for all: a valid rate is below it, so two in a row are looked at in vain */
    cr_assert_eq(search(100000000), ASSAY_OK);
    cr_expect_eq(found.best, 0);
    cr_expect_eq(found.n, 3);
    cr_expect(strstr(found.step[1].why, "no higher rate than with fewer"), "%s", found.step[1].why);
    begin();
    device.fixed_ns = 0;
    device.share = 1.1; /* more than the capacity, as a fast moment gives */
    cr_assert_eq(search(100000000), ASSAY_OK);
    cr_expect_eq(found.n, 2);
    cr_expect(found.step[1].peak.n == 0 && strstr(found.step[1].why, "no more than"), "%s", found.step[1].why);
}

Test(batch_search, one_batch_that_met_a_neighbour_does_not_end_it)
{
    device.lucky = 0.3;
    cr_assert_eq(search(100000000), ASSAY_OK);
    cr_expect(*found.step[1].why && !*found.step[2].why, "%s", found.step[1].why);
    cr_expect_eq(found.step[found.best].max_batch, 64);
}

Test(batch_search, a_batch_that_does_not_fit_ends_it_and_the_first_is_an_error)
{
    device.refused_from = 8;
    device.refusal = ASSAY_MEMORY;
    cr_assert_eq(search(100000000), ASSAY_OK);
    cr_expect_eq(found.step[found.best].max_batch, 4);
    cr_expect(found.n == 4 && strstr(found.step[3].why, "no room for 8"), "%s", found.step[3].why);
    cr_expect_eq(err.code, ASSAY_OK);
    begin();
    device.refused_from = 1;
    device.refusal = ASSAY_MEMORY;
    cr_expect_eq(search(100000000), ASSAY_MEMORY);
    begin();
    device.refused_from = 4;
    device.refusal = ASSAY_DEVICE;
    cr_expect_eq(search(100000000), ASSAY_DEVICE, "a device that breaks is no answer");
}

Test(batch_search, without_a_valid_rate_the_first_batch_is_the_answer)
{
    device.share = 0.001;
    cr_assert_eq(search(100000000), ASSAY_OK);
    cr_expect(found.n == 2 && found.best == 0 && found.step[0].peak.low_qps == 0);
    cr_expect(strstr(found.step[0].why, "no rate was settled"), "%s", found.step[0].why);
}
