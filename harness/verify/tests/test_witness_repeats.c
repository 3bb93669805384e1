#include "harness/verify/witness_repeats.h"

#include "harness/verify/tests/simulated.h"

#include "assay/banned.h"

static struct assay_witness_repeats r;

static enum assay_code read_back(struct simulated *s)
{
    struct assay_error err = {.code = ASSAY_OK};
    return assay_witness_repeats_read(s->path, CASE_ID, s->graph, &r, &err);
}

Test(witness_repeats, an_honest_device_has_one_content_a_set_and_the_same_one_in_another_process)
{
    struct simulated     s;
    struct assay_hash128 hash[SETS];
    simulate_product(&s, 20, 30, 10);
    record(&s, honestly, 200, 59, 1, NULL);
    cr_assert_eq(read_back(&s), ASSAY_OK);
    cr_expect(r.n == SETS && r.seed == SEED);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < r.n; i++) {
        seen += r.set[i].seen;
        cr_expect(r.set[i].distinct == 1 && r.set[i].with == r.set[i].seen && r.set[i].has);
        cr_expect(i == 0 || r.set[i].hash.low != r.set[0].hash.low, "other inputs, other outputs");
        hash[i] = r.set[i].hash;
    }
    cr_expect_eq(seen, 200);
    record(&s, honestly, 100, 59, 2, NULL);
    cr_assert_eq(read_back(&s), ASSAY_OK);
    for (uint32_t i = 0; i < r.n; i++)
        cr_expect(r.set[i].hash.low == hash[i].low && r.set[i].hash.high == hash[i].high);
    put_away(&s);
}

/* One execution in twenty has a bit of its own. */
static void flipping(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)random;
    memcpy(s->now, s->honest[set], s->bytes);
    if (iteration % 20 == 7)
        s->now[iteration % s->bytes] ^= 1;
}

Test(witness_repeats, the_content_that_most_had_is_found_and_the_others_are_counted)
{
    struct simulated     s;
    struct assay_hash128 hash[SETS];
    uint64_t             others = 0;
    simulate_product(&s, 20, 30, 10);
    record(&s, honestly, 200, 59, 1, NULL);
    cr_assert_eq(read_back(&s), ASSAY_OK);
    for (uint32_t i = 0; i < r.n; i++)
        hash[i] = r.set[i].hash;
    record(&s, flipping, 400, 59, 3, NULL);
    cr_assert_eq(read_back(&s), ASSAY_OK);
    for (uint32_t i = 0; i < r.n; i++) {
        others += r.set[i].seen - r.set[i].with;
        cr_expect(r.set[i].has && r.set[i].hash.low == hash[i].low && r.set[i].hash.high == hash[i].high);
    }
    cr_expect_eq(others, 20);
    put_away(&s);
}

Test(witness_repeats, what_is_no_witness_of_this_case_is_refused)
{
    struct simulated   s;
    struct assay_error err = {.code = ASSAY_OK};
    simulate_product(&s, 20, 30, 10);
    record(&s, honestly, 50, 59, 1, NULL);
    cr_expect_eq(assay_witness_repeats_read(s.path, "fedcba9876543210", s.graph, &r, &err), ASSAY_DATA);
    cr_expect_eq(truncate(s.path, 1000), 0);
    cr_expect_eq(read_back(&s), ASSAY_DATA);
    put_away(&s);
}
