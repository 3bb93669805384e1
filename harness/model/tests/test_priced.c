#include "harness/model/priced.h"

#include <math.h>

#include "harness/model/tests/described.h"

#include "assay/banned.h"

static struct assay_error err;
static struct assay_described *d;
static struct assay_fitted fitted;
static struct assay_priced step;
static struct assay_graph *g;
static struct assay_graph_price *p;
static struct assay_node_how how;

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert_eq(assay_fitted_read(NULL, &fitted, &err), ASSAY_OK, "%s", err.message);
}
static void tear_down(void)
{
    assay_graph_price_free(p);
    assay_graph_free(g);
    assay_described_free(d);
}
TestSuite(priced, .init = set_up, .fini = tear_down, .timeout = 60);

/* A product and a pass that is not done with it: softmax over what the product makes. */
static void on(const char *device)
{
    int32_t in[2], y, out;
    tear_down();
    g = assay_graph_new("product and pass");
    in[0] = assay_graph_input(g, "a", ASSAY_BF16, 2, (int64_t[]){512, 2048}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "b", ASSAY_BF16, 2, (int64_t[]){2048, 4096}, ASSAY_FILL_SIGNED);
    y = assay_graph_op(g, "MatMul", "y", in, 2, NULL);
    out = assay_graph_op(g, "Softmax", "z", &y, 1, NULL);
    assay_graph_output(g, out);
    p = NULL;
    cr_assert(!assay_graph_finish(g, &err) && !assay_graph_price_new(g, &p, &err) &&
                  !assay_described_find(device, &d, &err),
              "%s", err.message);
    assay_priced_init(&step, d, &fitted);
}

static double time_of(void *self, const struct assay_world *w)
{
    (void)self;
    return assay_priced_graph(&step, p, w, &how, false, &err) ? NAN : p->total.ns;
}

Test(priced, a_world_repeats_and_what_is_open_of_a_stack_moves_passes_alone)
{
    on("m100");
    struct assay_world a = assay_priced_world(&step, 7), b = assay_priced_world(&step, 7), c = assay_priced_world(&step, 8);
    cr_expect(memcmp(&a, &b, sizeof a) == 0 && memcmp(&a, &c, sizeof a) != 0);
    for (size_t i = 0; i < ASSAY_STRUCTURES; i++)
        cr_expect(a.structure[i] >= assay_structures[i].low && a.structure[i] <= assay_structures[i].high &&
                  fabs(assay_structures[i].low * assay_structures[i].high - 1) < 1e-12);
    struct assay_world w = assay_priced_world(&step, 0);
    (void)time_of(NULL, &w);
    double product = p->classes[0].price.ns, pass = p->classes[1].price.ns;
    w.structure[ASSAY_STRUCTURE_LAUNCHES] = w.structure[ASSAY_STRUCTURE_PASSES] = 1.25;
    (void)time_of(NULL, &w);
    cr_expect(p->classes[0].price.ns == product && fabs(p->classes[1].price.ns / pass - 1.25) < 1e-9);
}

Test(priced, a_chip_of_the_fit_is_drawn_in_its_errors_only)
{
    on("h100-sxm");
    struct assay_world middle = assay_priced_world(&step, 0), drawn = assay_priced_world(&step, 3);
    cr_expect(step.is_fitted_on && memcmp(&middle.chip, &drawn.chip, sizeof middle.chip) == 0 && drawn.error[0] != 0);
    on("h200-sxm");
    cr_expect(!step.is_fitted_on);
    cr_expect(step.likeness[ASSAY_KERNEL_GEMM][ASSAY_FORMAT_WIDE] != 1, "it is a sister of H100");
}

Test(priced, in_no_world_is_more_bandwidth_or_peak_slower)
{
    static const enum assay_device_field fields[] = {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_PEAK_BF16};
    on("m100");
    for (uint64_t k = 0; k < 200; k++)
        for (size_t f = 0; f < 2; f++) {
            struct assay_world w = assay_priced_world(&step, k);
            double before = time_of(NULL, &w);
            w.chip.field[fields[f]] *= 1.5;
            cr_expect(time_of(NULL, &w) <= before * (1 + 1e-12), "draw %llu", (unsigned long long)k);
        }
}

Test(priced, the_inputs_that_matter_most_come_first_and_their_shares_are_of_all)
{
    struct assay_priced_input in[ASSAY_PRICED_INPUTS];
    on("m100");
    size_t n = assay_priced_inputs(&step, time_of, NULL, in);
    double sum = 0;
    bool assumed = false;
    cr_assert_eq(n, (size_t)ASSAY_PRICED_INPUTS);
    for (size_t i = 0; i < n; i++) {
        sum += in[i].share;
        assumed |= !strcmp(in[i].from, "assumed");
        cr_expect((!i || in[i - 1].share >= in[i].share) && in[i].low != in[i].high);
    }
    cr_expect(sum > 0.5 && sum <= 1 + 1e-12 && assumed, "%g", sum);
    on("h100-sxm");
    n = assay_priced_inputs(&step, time_of, NULL, in);
    for (size_t i = 0; i < n; i++)
        cr_expect(!strcmp(in[i].from, "band") || !strcmp(in[i].from, "stack"), "%s", in[i].name);
}
