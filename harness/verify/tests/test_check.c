#include "harness/verify/tests/simulated.h"

#include <math.h>

#include "assay/banned.h"

/* 400 x 300 has more elements than set 0's sample keeps, so its sums are in use; 64 x 64 is kept in full. */
#define M 400
#define N 300
#define K 48

static float *as_floats(struct simulated *s)
{
    return (float *)(void *)s->now;
}

Test(check, passes_what_the_reference_itself_rounds)
{
    struct simulated s;
    simulate_product(&s, 64, 64, 48);
    struct assay_check c = run(&s, honestly, 500, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_eq(c.assurance, ASSAY_ASSURANCE_FULL);
    cr_expect_eq(c.of_elements, 4096);
    cr_expect_eq(c.iterations, 500);
    cr_expect_eq(c.chosen, 59);
    cr_expect_eq(c.judged, 59);
    cr_expect_eq(c.equal, 500);
    cr_expect_lt(c.worst_ratio, 0.5);
    cr_expect_float_eq(c.cheat_share_found, 1 - pow(0.05, 1.0 / 59), 1e-12);
    cr_expect(c.smallest_fault > 0 && c.smallest_fault < 1e-4, "%g", c.smallest_fault);
    cr_expect_eq(c.poison_left + c.not_finite, 0);
    put_away(&s);

    simulate_product(&s, M, N, K);
    c = run(&s, honestly, 500, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_eq(c.assurance, ASSAY_ASSURANCE_ALGEBRAIC);
    cr_expect_gt(c.sums, 6 * 300);
    cr_expect(c.smallest_fault > 0 && c.smallest_fault < 2e-2, "%g", c.smallest_fault);
    put_away(&s);
}

/* Faults at one random place, of the same place in all iterations; `size` against the root mean square. */
static double size;
static size_t place;
static double root_mean_square(struct simulated *s)
{
    const float *y = (const float *)(const void *)s->honest[0];
    double       sum = 0;
    size_t       n = s->bytes / 4;
    for (size_t i = 0; i < n; i++)
        sum += (double)y[i] * y[i];
    return sqrt(sum / (double)n);
}

static void one_element(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    as_floats(s)[place] += (float)size;
}

static void one_bit(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    s->now[4 * place + 2] ^= 0x40; /* a half or a quarter of the element */
}

static void one_nan(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    as_floats(s)[place] = NAN;
}

static void nothing(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)s, (void)iteration, (void)set, (void)random;
}

/* The last element is forgotten. */
static void almost_everything(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)iteration, (void)random;
    memcpy(s->now, s->honest[set], s->bytes - 4);
}

static void cached(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, 0, random);
    (void)set;
}

static void transposed(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    const float *y = (const float *)(const void *)s->honest[set];
    (void)iteration, (void)random;
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++)
            as_floats(s)[j * M + i] = y[i * N + j];
}

/* The last term of every sum is left out. */
static void truncated(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    const float *a = s->input[set][0], *b = s->input[set][1];
    honestly(s, iteration, set, random);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++)
            as_floats(s)[i * N + j] -= a[i * K + K - 1] * b[(K - 1) * N + j];
}

Test(check, fails_planted_faults_in_a_sampled_product_and_names_them, .timeout = 120)
{
    struct simulated s;
    simulate_product(&s, M, N, K);
    place = 77777;
    static const struct {
        device_fn  *device;
        const char *words;
    } fault[] = {{one_bit, "is"}, {one_nan, "nan"}, {nothing, "outputs were not written: 120000 of 120000 elements of 'C'"},
                 {almost_everything, "outputs were not written: 1 of 120000"}, {cached, "expected"},
                 {transposed, "expected"}, {truncated, "expected"}};
    for (size_t i = 0; i < sizeof fault / sizeof *fault; i++) {
        struct assay_check c = run(&s, fault[i].device, 200, 3);
        cr_expect_eq(c.outcome, ASSAY_FAIL, "fault %zu: %s", i, c.why);
        cr_expect(strstr(c.why, fault[i].words), "fault %zu: %s", i, c.why);
    }
    put_away(&s);
}

Test(check, finds_a_fault_of_the_size_it_states_wherever_it_is, .timeout = 120)
{
    struct simulated    s;
    struct assay_random random;
    assay_random_init(&random, 5);
    for (int sampled = 0; sampled < 2; sampled++) {
        simulate_product(&s, sampled ? M : 64, sampled ? N : 64, K);
        double stated = run(&s, honestly, 60, 1).smallest_fault;
        for (int i = 0; i < 25; i++) {
            place = (size_t)assay_random_below(&random, s.bytes / 4);
            size = (i % 2 ? -1.02 : 1.02) * stated * root_mean_square(&s);
            struct assay_check c = run(&s, one_element, 60, 100 + (uint64_t)i);
            cr_expect_eq(c.outcome, ASSAY_FAIL, "element %zu, %g: %s", place, size, c.why);
        }
        if (!sampled) { /* an element of the sample shows smaller ones too */
            size = 0.001 * stated * root_mean_square(&s);
            cr_expect_eq(run(&s, one_element, 60, 1).outcome, ASSAY_PASS, "a fault far below what is stated is none");
        }
        put_away(&s);
    }
}

Test(check, names_the_element_that_is_wrong)
{
    struct simulated s;
    simulate_product(&s, 64, 64, K);
    place = 1234;
    size = 0.01 * root_mean_square(&s);
    struct assay_check c = run(&s, one_element, 100, 9);
    cr_expect_eq(c.outcome, ASSAY_FAIL);
    cr_expect_eq(c.worst_index, 1234);
    cr_expect_str_eq(c.worst_value, "C");
    cr_expect_float_eq(fabs(c.worst_observed - c.worst_expected), fabs(size), 1e-5);
    cr_expect_gt(c.worst_ratio, 1);
    cr_expect(strstr(c.why, "element 1234"), "%s", c.why);
    put_away(&s);
}

/* ---- cheating in a share of the iterations ------------------------------------------------------------------- */

static double share;
static void sometimes(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    if (assay_random_unit(random) < share)
        memcpy(s->now, s->honest[(set + 1) % SETS], s->bytes);
}

/* Honest as long as every iteration is kept, and from the middle on. */
static void in_the_middle(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, iteration >= 100 && iteration < 200 ? (set + 1) % SETS : set, random);
}

static int found(struct simulated *s, device_fn *device, int seeds)
{
    int n = 0;
    for (int i = 0; i < seeds; i++)
        n += run(s, device, 400, 1000 + (uint64_t)i).outcome == ASSAY_FAIL;
    return n;
}

Test(check, finds_a_device_that_cheats_as_often_as_it_says, .timeout = 120)
{
    struct simulated s;
    simulate_product(&s, 16, 16, 8);
    share = 0.25;
    cr_expect_geq(found(&s, sometimes, 200), 198);
    cr_expect_geq(found(&s, in_the_middle, 200), 198);
    share = 1 - pow(0.05, 1.0 / 59); /* 95 % of 200 are 190; four deviations of a binomial variable below are 178 */
    int n = found(&s, sometimes, 200);
    cr_expect(n >= 178 && n < 200, "%d of 200", n);
    share = 0;
    cr_expect_eq(found(&s, sometimes, 50), 0);
    put_away(&s);
}

/* ---- honest devices ------------------------------------------------------------------------------------------ */

Test(check, passes_honest_devices_for_every_seed, .timeout = 200)
{
    struct simulated s;
    simulate_product(&s, 48, 40, 96);
    multiply_in_float(&s, 48, 40, 96);
    for (uint64_t i = 0; i < 200; i++) {
        struct assay_check c = run(&s, honestly, 100, i);
        cr_expect_eq(c.outcome, ASSAY_PASS, "seed %d: %s", (int)i, c.why);
    }
    put_away(&s);
    simulate_product(&s, M, N, K);
    multiply_in_float(&s, M, N, K);
    for (uint64_t i = 0; i < 10; i++) {
        struct assay_check c = run(&s, honestly, 100, i);
        cr_expect_eq(c.outcome, ASSAY_PASS, "seed %d: %s", (int)i, c.why);
    }
    put_away(&s);
}

/* The last bit differs from run to run, as it does where atomic additions race. */
static void racing(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    for (size_t i = 0; i < s->bytes; i += 4)
        s->now[i] ^= (unsigned char)(assay_random_u32(random) & 1);
}

Test(check, judges_every_kept_iteration_of_a_device_whose_bits_differ, .timeout = 60)
{
    struct simulated s;
    simulate_product(&s, M, N, K);
    struct assay_check c = run(&s, racing, 1000, 4);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_eq(c.judged, 59);
    cr_expect_eq(c.equal, 59);
    cr_expect(strstr(c.why, "941 iterations equal no judged one"), "%s", c.why);
    put_away(&s);
}

/* ---- agreement that proves nothing --------------------------------------------------------------------------- */

Test(check, trusts_no_agreement_of_zeros_or_constants)
{
    struct simulated s;
    simulate_unary(&s, "Relu", 1, (int64_t[]){4096}, (struct assay_fill){ASSAY_FILL_UNIFORM, -2, -1});
    struct assay_check c = run(&s, honestly, 100, 1);
    cr_expect_eq(c.outcome, ASSAY_UNTRUSTED, "%s", c.why);
    cr_expect_eq(c.zeros, 8 * 4096);
    put_away(&s);
    simulate_unary(&s, "Relu", 1, (int64_t[]){4096}, (struct assay_fill){ASSAY_FILL_CONSTANT, 2, 0});
    c = run(&s, honestly, 100, 1);
    cr_expect_eq(c.outcome, ASSAY_UNTRUSTED, "%s", c.why);
    put_away(&s);
    simulate_unary(&s, "Relu", 1, (int64_t[]){4096}, ASSAY_FILL_SIGNED); /* half of it is zeros, as it should */
    c = run(&s, honestly, 100, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    put_away(&s);
    simulate_unary(&s, "Neg", 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    c = run(&s, honestly, 100, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    put_away(&s);
}

Test(check, sums_segments_of_ops_that_do_not_fold, .timeout = 60)
{
    struct simulated s;
    simulate_unary(&s, "Exp", 2, (int64_t[]){700, 301}, ASSAY_FILL_SIGNED);
    struct assay_check c = run(&s, honestly, 100, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_eq(c.assurance, ASSAY_ASSURANCE_ALGEBRAIC);
    for (place = 5; place < 700 * 301; place += 30011) {
        size = 1.02 * c.smallest_fault * root_mean_square(&s);
        cr_expect_eq(run(&s, one_element, 60, place).outcome, ASSAY_FAIL, "element %zu", place);
    }
    put_away(&s);
}

Test(check, says_what_the_budget_left_out, .timeout = 60)
{
    struct simulated s;
    simulate_product(&s, M, N, K);
    record(&s, honestly, 200, 59, 1, NULL);
    struct assay_check all = judged(&s, 1e9), some = judged(&s, 6e5), none = judged(&s, 10);
    cr_expect_eq(all.judged, 59);
    cr_expect_lt(some.elements, all.elements);
    cr_expect_gt(some.elements, 0);
    cr_expect_neq(some.assurance, ASSAY_ASSURANCE_FULL);
    cr_expect_eq(some.outcome, ASSAY_PASS, "%s", some.why);
    cr_expect_eq(none.outcome, ASSAY_NOT_CHECKED, "%s", none.why);
    cr_expect_eq(none.judged, 0);
    cr_expect_float_eq(none.cheat_share_found, 1, 0);
    put_away(&s);
}
