#include "harness/verify/tests/simulated.h"
#include "harness/verify/expected.h"
#include "harness/verify/witness_file.h"

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

#define OUTPUTS 20
#define EACH 500

/* `n` outputs, each Relu of its own input; the last `weak` inputs are negative. `spoiled` gets one wrong element, another in each
 * iteration. */
static struct assay_graph *many(uint32_t n, int64_t each, uint32_t weak, int32_t *in)
{
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = assay_graph_new("many");
    char                name[24];
    for (uint32_t o = 0; o < n; o++) {
        (void)snprintf(name, sizeof name, "x%u", o);
        in[o] = assay_graph_input(g, name, ASSAY_F32, 1, &each, (struct assay_fill){ASSAY_FILL_UNIFORM, o < n - weak ? 0.5 : -2, o < n - weak ? 1 : -1});
        (void)snprintf(name, sizeof name, "y%u", o);
        assay_graph_output(g, assay_graph_op(g, "Relu", name, &in[o], 1, NULL));
    }
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

static void relu(const struct assay_graph *g, const int32_t *in, uint32_t n, size_t each, uint32_t set, float *now)
{
    struct assay_error err = {.code = ASSAY_OK};
    for (uint32_t o = 0; o < n; o++) {
        float *y = now + o * each;
        cr_assert_eq(fill(NULL, g, in[o], set, y, &err), ASSAY_OK, "%s", err.message);
        for (size_t e = 0; e < each; e++)
            y[e] = y[e] > 0 ? y[e] : 0;
    }
}

static struct assay_check run_outputs(uint32_t n, size_t each, uint32_t weak, int32_t spoiled)
{
    struct assay_error    err = {.code = ASSAY_OK};
    int32_t              *in = calloc(n, sizeof *in);
    float                *now = calloc(n * each, sizeof *now);
    const void          **outputs = calloc(n, sizeof *outputs), **before = calloc(n, sizeof *before);
    struct simulated      s = {.graph = many(n, (int64_t)each, weak, in)};
    struct assay_witness *w;
    (void)snprintf(s.path, sizeof s.path, "/tmp/assay-witness-%d.bin", (int)getpid());
    struct assay_witness_setup setup = {.path = s.path, .case_id = CASE_ID, .graph = s.graph, .seed = SEED, .entropy = 3, .sets = SETS,
                                        .chosen = assay_witness_chosen_of(s.graph, SETS)};
    cr_assert_eq(assay_witness_new(&setup, &w, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t o = 0; o < n; o++)
        outputs[o] = now + o * each;
    for (uint64_t i = 0; i < 60; i++) {
        struct assay_seen seen = {i, (uint32_t)(i % SETS), (i + 1) << 24, outputs, before};
        relu(s.graph, in, n, each, seen.set, now);
        if (spoiled >= 0)
            now[(size_t)spoiled * each + i % each] += 0.25f;
        assay_witness_see(w, &seen);
        if (i % SETS == SETS - 1)
            assay_witness_batch_end(w);
    }
    cr_assert_eq(assay_witness_close(w, &err), ASSAY_OK, "%s", err.message);
    struct assay_check c = judged(&s, BUDGET);
    assay_graph_free(s.graph);
    (void)unlink(s.path);
    free(in);
    free(now);
    free(outputs);
    free(before);
    return c;
}

static struct assay_check run_many(uint32_t weak, int32_t spoiled)
{
    return run_outputs(OUTPUTS, EACH, weak, spoiled);
}

Test(check, judges_a_thousand_outputs_all_and_of_thousands_a_choice_that_it_states, .timeout = 240)
{
    struct assay_check c = run_outputs(1183, 40, 0, -1); /* as many as a step of BERT large has */
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect(c.assurance != ASSAY_ASSURANCE_SAMPLED && isfinite(c.smallest_fault) && !strstr(c.why, "looked at"), "%s", c.why);
    c = run_outputs(1183, 40, 0, 1182);
    cr_expect_eq(c.outcome, ASSAY_FAIL, "%s", c.why);
    cr_expect_str_eq(c.worst_value, "y1182");
    c = run_outputs(3000, 40, 0, -1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect(c.assurance == ASSAY_ASSURANCE_SAMPLED && isinf(c.smallest_fault), "a fault in another output is not found");
    cr_expect(strstr(c.why, "2048 of 3000 outputs were looked at"), "%s", c.why);
}

Test(check, finds_outputs_that_are_kept_of_exemplars_only, .timeout = 240)
{
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_witness_layout l;
    int32_t                     in[700];
    char                        name[24];
    struct assay_graph         *g = many(700, 40, 0, in);
    cr_assert_eq(assay_witness_layout(g, SEED, SETS, 8, &l, &err), ASSAY_OK, "%s", err.message);
    const struct assay_witness_part *content = assay_witness_parts(&l, ASSAY_WITNESS_CONTENT);
    uint32_t                         left_out = 0;
    while (left_out < l.block[ASSAY_WITNESS_CONTENT].parts && content[left_out].output == left_out)
        left_out++;
    cr_assert_lt(left_out, 700u);
    assay_graph_free(g);
    (void)snprintf(name, sizeof name, "y%u", left_out);
    struct assay_check c = run_outputs(700, 40, 0, (int32_t)left_out);
    cr_expect_eq(c.outcome, ASSAY_FAIL, "%s", c.why);
    cr_expect_str_eq(c.worst_value, name);
}

Test(check, lets_a_tenth_of_many_outputs_have_nothing_to_tell_and_says_so, .timeout = 60)
{
    struct assay_check c = run_many(0, -1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_null(strstr(c.why, "nothing to tell"), "%s", c.why);
    c = run_many(2, -1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect(strstr(c.why, "2 of 20 outputs have nothing to tell, 'y18' first"), "%s", c.why);
    c = run_many(3, -1);
    cr_expect_eq(c.outcome, ASSAY_UNTRUSTED, "%s", c.why);
    cr_expect(strstr(c.why, "proved nothing") && strstr(c.why, "'y17'"), "%s", c.why);
}

Test(check, fails_a_wrong_element_beside_and_inside_outputs_that_have_nothing_to_tell, .timeout = 60)
{
    for (int32_t spoiled = 16; spoiled < OUTPUTS; spoiled++) {
        struct assay_check c = run_many(2, spoiled);
        char               name[24];
        (void)snprintf(name, sizeof name, "y%d", spoiled);
        cr_expect_eq(c.outcome, ASSAY_FAIL, "%s", c.why);
        cr_expect_str_eq(c.worst_value, name);
    }
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

/* ---- ops whose sums go along other axes ------------------------------------------------------------------------ */

Test(check, sums_the_channels_of_a_convolution, .timeout = 60)
{
    struct simulated    s;
    struct assay_graph *g = assay_graph_new("conv");
    int32_t in[2] = {assay_graph_input(g, "X", ASSAY_F32, 4, (int64_t[]){2, 3, 66, 66}, ASSAY_FILL_SIGNED),
                     assay_graph_param(g, "W", ASSAY_F32, 4, (int64_t[]){16, 3, 3, 3}, ASSAY_FILL_SIGNED)};
    int32_t y = assay_graph_op(g, "Conv", "Y", in, 2, NULL);
    assay_graph_output(g, y);
    simulate(&s, g, y);
    struct assay_check c = run(&s, honestly, 100, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_eq(c.assurance, ASSAY_ASSURANCE_ALGEBRAIC);
    for (place = 3; place < s.bytes / 4; place += 40009) {
        size = 1.02 * c.smallest_fault * root_mean_square(&s);
        struct assay_check f = run(&s, one_element, 60, place);
        cr_expect_eq(f.outcome, ASSAY_FAIL, "element %zu: %s", place, f.why);
    }
    put_away(&s);
}

Test(check, judges_sixteen_bit_and_double_outputs, .timeout = 60)
{
    static const enum assay_dtype types[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F64};
    for (size_t i = 0; i < 3; i++) {
        struct simulated    s;
        struct assay_graph *g = assay_graph_new("typed");
        int32_t in[2] = {assay_graph_input(g, "A", types[i], 2, (int64_t[]){300, 20}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "B", types[i], 2, (int64_t[]){20, 500}, ASSAY_FILL_SIGNED)};
        int32_t c = assay_graph_op(g, "MatMul", "C", in, 2, NULL);
        assay_graph_output(g, c);
        simulate(&s, g, c);
        struct assay_check good = run(&s, honestly, 100, 1), stale = run(&s, cached, 100, 1), none = run(&s, nothing, 100, 1);
        cr_expect_eq(good.outcome, ASSAY_PASS, "%s: %s", assay_dtype_name(types[i]), good.why);
        cr_expect_eq(stale.outcome, ASSAY_FAIL, "%s: %s", assay_dtype_name(types[i]), stale.why);
        cr_expect_eq(none.outcome, ASSAY_FAIL, "%s: %s", assay_dtype_name(types[i]), none.why);
        cr_expect(strstr(none.why, "not written"), "%s", none.why);
        put_away(&s);
    }
}

/* Every element is off by a share of its bound, as the bound of one element is stated when it is the worst. */
static void sloppy(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    for (size_t i = 0; i < s->bytes / 4; i++)
        as_floats(s)[i] += (float)size;
}

Test(check, calls_marginal_what_uses_over_half_of_its_bound)
{
    struct simulated s;
    /* operands that somebody chose have the worst case alone */
    simulate_product_of(&s, 16, 16, 64, (struct assay_fill){ASSAY_FILL_CANCELLING, 1, 1});
    size = 0;
    double bound = run(&s, sloppy, 100, 1).smallest_fault * root_mean_square(&s) / 2; /* the largest of all bounds */
    for (size = 0.1 * bound; size < 2 * bound; size *= 1.1) {
        struct assay_check c = run(&s, sloppy, 60, 1);
        enum assay_outcome wanted = c.worst_ratio > 1 ? ASSAY_FAIL : c.worst_ratio > 0.51 ? ASSAY_MARGINAL : ASSAY_PASS;
        if (c.worst_ratio < 0.49 || c.worst_ratio > 0.51)
            cr_expect_eq(c.outcome, wanted, "%g: %s", c.worst_ratio, c.why);
    }
    put_away(&s);
}

/* Runs of eight elements, of which later sets keep the sums alone: eight roundings use over half of what they may all be in one of some
 * hundred, and that is no more strange than one that does. */
Test(check, a_sum_of_few_roundings_may_use_its_bound)
{
    struct simulated    s;
    struct assay_graph *g = assay_graph_new("few");
    int64_t             dims[4] = {10, 16, 9, 7};
    int32_t             in[2] = {assay_graph_input(g, "A", ASSAY_BF16, 4, dims, ASSAY_FILL_SIGNED), assay_graph_input(g, "B", ASSAY_BF16, 4, dims, ASSAY_FILL_SIGNED)};
    int32_t             y = assay_graph_op(g, "Mul", "Y", in, 2, NULL);
    assay_graph_output(g, y);
    simulate(&s, g, y);
    struct assay_check c = run(&s, honestly, 60, 1);
    cr_expect(c.outcome == ASSAY_PASS && c.sums > 1000, "%llu sums: %s", (unsigned long long)c.sums, c.why);
    put_away(&s);
}

/* ---- outputs that take over a state ------------------------------------------------------------------------------ */

/* p - rate g, in the place of p. */
static void simulate_step(struct simulated *s, double rate)
{
    struct assay_graph *g = assay_graph_new("step");
    float               r = (float)rate;
    int32_t p = assay_graph_param(g, "P", ASSAY_F32, 2, (int64_t[]){200, 300}, (struct assay_fill){ASSAY_FILL_UNIFORM, 0.75, 1});
    int32_t x = assay_graph_input(g, "G", ASSAY_F32, 2, (int64_t[]){200, 300}, (struct assay_fill){ASSAY_FILL_UNIFORM, 0.9, 1});
    int32_t scaled = assay_graph_op(g, "Mul", "scaled", (int32_t[]){x, assay_graph_const(g, "rate", ASSAY_F32, 0, NULL, &r)}, 2, NULL);
    int32_t next = assay_graph_op(g, "Sub", "next", (int32_t[]){p, scaled}, 2, NULL);
    assay_graph_output(g, next);
    assay_graph_alias(g, next, p);
    simulate(s, g, next);
}

static void not_at_all(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)s, (void)iteration, (void)set, (void)random;
}

static void twice(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    float *y = as_floats(s);
    (void)iteration, (void)random;
    for (size_t i = 0; i < s->bytes / 4; i++)
        y[i] += 2 * (((const float *)(const void *)s->honest[set])[i] - y[i]);
}

static void half_of_it(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)iteration, (void)random;
    memcpy(s->now, s->honest[set], s->bytes / 2);
}

Test(check, judges_a_state_by_what_one_step_makes_of_it, .timeout = 60)
{
    struct simulated s;
    simulate_step(&s, 1e-2);
    struct assay_check c = run(&s, honestly, 30, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_eq(c.judged, 30);
    cr_expect_str_eq(c.bound, "worst-case bound");
    c = run(&s, twice, 30, 2);
    cr_expect_eq(c.outcome, ASSAY_FAIL, "%s", c.why);
    c = run(&s, half_of_it, 30, 3);
    cr_expect_eq(c.outcome, ASSAY_FAIL, "%s", c.why);
    cr_expect_eq(c.poison_left, 0, "what a state held is no poison");
    put_away(&s);
}

Test(check, fails_a_state_that_is_not_written_even_where_no_bound_is_left, .timeout = 60)
{
    struct simulated s;
    for (int i = 0; i < 2; i++) {
        simulate_step(&s, i ? 4.4e-8 : 1e-2); /* the smaller step is over half a unit in the last place, and below the bound */
        struct assay_check c = run(&s, not_at_all, 10, 1);
        cr_expect_eq(c.outcome, ASSAY_FAIL, "%s", c.why);
        cr_expect_eq(c.worst_ratio > 1, i == 0, "%g", c.worst_ratio);
        cr_expect(strstr(c.why, "not written"), "%s", c.why);
        cr_expect_eq(run(&s, honestly, 10, 1).outcome, ASSAY_PASS);
        put_away(&s);
    }
    simulate_step(&s, 0); /* a step that changes nothing asks for nothing to be written */
    cr_expect_eq(run(&s, not_at_all, 10, 1).outcome, ASSAY_PASS);
    put_away(&s);
}

/* ---- deep graphs ------------------------------------------------------------------------------------------------- */

static void simulate_deep(struct simulated *s)
{
    struct assay_graph *g = assay_graph_new("deep");
    int32_t             x = assay_graph_input(g, "X", ASSAY_F32, 2, (int64_t[]){300, 40}, ASSAY_FILL_SIGNED);
    for (int i = 0; i < 12; i++) {
        char name[3][24];
        (void)snprintf(name[0], sizeof name[0], "w%d", i);
        (void)snprintf(name[1], sizeof name[1], "y%d", i);
        (void)snprintf(name[2], sizeof name[2], "t%d", i);
        int32_t w = assay_graph_param(g, name[0], ASSAY_F32, 2, (int64_t[]){40, i == 11 ? 300 : 40}, (struct assay_fill){ASSAY_FILL_UNIFORM, -0.4, 0.4});
        x = assay_graph_op(g, "MatMul", name[1], (int32_t[]){x, w}, 2, NULL);
        if (i < 11)
            x = assay_graph_op(g, "Tanh", name[2], &x, 1, NULL);
    }
    assay_graph_output(g, x);
    simulate(s, g, x);
}

Test(check, judges_deep_graphs_by_a_statistical_bound_and_says_so, .timeout = 60)
{
    struct simulated s;
    simulate_deep(&s);
    struct assay_check c = run(&s, honestly, 200, 1);
    cr_expect_eq(c.outcome, ASSAY_PASS, "%s", c.why);
    cr_expect_str_eq(c.bound, "statistical bound, 3 replicas, false alarm <= 1e-06");
    cr_expect(strstr(c.why, c.bound), "%s", c.why);
    cr_expect_eq(c.assurance, ASSAY_ASSURANCE_ALGEBRAIC);
    cr_expect_gt(c.sums, 300);
    cr_expect(c.smallest_fault < 1e-2, "%g", c.smallest_fault);
    for (place = 5; place < 300 * 300; place += 30011) {
        size = 1.02 * c.smallest_fault * root_mean_square(&s);
        struct assay_check wrong = run(&s, one_element, 60, place);
        cr_expect_eq(wrong.outcome, ASSAY_FAIL, "element %zu", place);
        cr_expect(strstr(wrong.why, "times the statistical bound"), "%s", wrong.why);
    }
    put_away(&s);
}

/* One input set is prepared beyond the budget, up to the ceiling: the first of which anything was kept. */
Test(check, prepares_one_set_up_to_the_ceiling_and_says_that_the_others_were_left_out, .timeout = 60)
{
    struct assay_error     err = {.code = ASSAY_OK};
    struct assay_expected *x;
    struct assay_check     c;
    struct simulated       s;
    simulate_deep(&s);
    record(&s, honestly, 10, 59, 4, NULL);
    for (int ceiling = 0; ceiling < 2; ceiling++) {
        cr_assert_eq(assay_expected_new(CASE_ID, s.graph, fill, NULL, 1e6, ceiling ? 1e12 : 1e6, &x, &err), ASSAY_OK);
        cr_assert_eq(assay_witness_check_expected(s.path, CASE_ID, s.graph, x, &c, &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(c.outcome, ceiling ? ASSAY_PASS : ASSAY_NOT_CHECKED, "%s", c.why);
        cr_expect(!ceiling || strstr(c.why, "input sets were left out, beyond the judge's budget"), "%s", c.why);
        cr_expect(ceiling ? c.judged > 0 && c.judged < 10 : c.judged == 0);
        assay_expected_free(x);
    }
    put_away(&s);
}

/* ---- output by output ---------------------------------------------------------------------------------------- */

struct told {
    struct assay_check_output row;
    size_t                    n;
};

static void keep_row(void *self, const struct assay_check_output *rows, size_t n)
{
    struct told *t = self;
    *t = (struct told){rows[0], n};
}

static struct assay_check_output told_of(struct simulated *s, device_fn *device)
{
    struct assay_error     err = {.code = ASSAY_OK};
    struct assay_check     c;
    struct assay_expected *x;
    struct told            t = {.n = 0};
    record(s, device, 40, ASSAY_WITNESS_DEFAULT_CHOSEN, 5, NULL);
    cr_assert_eq(assay_expected_new(CASE_ID, s->graph, fill, NULL, BUDGET, BUDGET, &x, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_witness_check_outputs(s->path, CASE_ID, s->graph, x, keep_row, &t, &c, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(t.n, 1u);
    cr_expect_str_eq(t.row.name, "C");
    cr_expect(t.row.outcome == c.outcome && t.row.compared == c.elements && t.row.worst_index == c.worst_index);
    cr_expect(t.row.worst_ratio == c.worst_ratio && t.row.worst_expected == c.worst_expected);
    assay_expected_free(x);
    return t.row;
}

static void with_zeros(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)iteration, (void)random, (void)set;
    memset(s->now, 0, s->bytes);
}

static void a_tenth_larger(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    for (size_t i = 0; i < s->bytes / sizeof(float); i++)
        as_floats(s)[i] *= 1.1f;
}

static void with_noise_across(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    for (size_t i = 0; i < s->bytes / sizeof(float); i++)
        as_floats(s)[i] *= i % 2 ? 1.5f : 0.5f;
}

static void with_a_nan(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    honestly(s, iteration, set, random);
    as_floats(s)[17] = NAN;
}

/* A factor turns nothing: cosine 1. Errors of half of each element, of either sign: cosine 1 / sqrt(1.25), error 0.5. */
Test(check, tells_of_each_output_how_far_and_in_which_direction_it_is_off)
{
    struct simulated s;
    simulate_product(&s, 64, 64, 48);
    struct assay_check_output row = told_of(&s, honestly);
    cr_expect(row.outcome == ASSAY_PASS && row.error > 0 && row.error < 1e-7 && fabs(row.cosine - 1) < 1e-12 && row.elements == 4096);
    row = told_of(&s, a_tenth_larger);
    cr_expect(row.outcome == ASSAY_FAIL && fabs(row.error - 0.1) < 1e-6 && fabs(row.cosine - 1) < 1e-12, "%g %g", row.error, row.cosine);
    row = told_of(&s, with_noise_across);
    cr_expect(fabs(row.error - 0.5) < 1e-6 && fabs(row.cosine - 1 / sqrt(1.25)) < 0.01, "%g %g", row.error, row.cosine);
    row = told_of(&s, with_zeros);
    cr_expect(row.outcome == ASSAY_FAIL && row.error == 1 && isnan(row.cosine));
    row = told_of(&s, with_a_nan);
    cr_expect(row.outcome == ASSAY_FAIL && isinf(row.error) && row.worst_index == 17 && isinf(row.worst_ratio));
    put_away(&s);
}

Test(check, an_outcome_is_found_by_its_name_and_no_other)
{
    for (enum assay_outcome o = ASSAY_PASS; o <= ASSAY_NOT_CHECKED; o++)
        cr_expect_eq(assay_outcome_find(assay_outcome_name(o)), o);
    cr_expect(!assay_outcome_find("passed") && !assay_outcome_find("") && !assay_outcome_find("unknown") && !assay_outcome_find(NULL));
}
