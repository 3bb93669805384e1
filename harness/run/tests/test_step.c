#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/load/closed_loop.h"
#include "harness/run/tests/device.h"
#include "harness/verify/check.h"
#include "harness/verify/witness.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

/* One step of descent on |x w|^2: w' = w - rate x^T (x w), in the place of w, on back ends that are loaded. */
enum { ROWS = 48, IN = 32, OUT = 20, STEP_SEED = 11 };
#define STEP_ID "0123456789abcdef"

static struct assay_graph *step_graph(struct assay_error *err)
{
    const float         rate = 0.003f;
    struct assay_graph *g = assay_graph_new("step");
    int32_t             w = assay_graph_param(g, "w", ASSAY_F32, 2, (int64_t[]){IN, OUT}, ASSAY_FILL_SIGNED);
    int32_t             x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){ROWS, IN}, ASSAY_FILL_SIGNED);
    int32_t             y = assay_graph_op(g, "MatMul", "y", (int32_t[]){x, w}, 2, NULL);
    int32_t             turned = assay_graph_op(g, "Transpose", "turned", &x, 1, NULL);
    int32_t             slope = assay_graph_op(g, "MatMul", "slope", (int32_t[]){turned, y}, 2, NULL);
    int32_t             part = assay_graph_op(g, "Mul", "part", (int32_t[]){slope, assay_graph_const(g, "rate", ASSAY_F32, 0, NULL, &rate)}, 2, NULL);
    int32_t             next = assay_graph_op(g, "Sub", "next", (int32_t[]){w, part}, 2, NULL);
    assay_graph_output(g, y);
    assay_graph_output(g, next);
    assay_graph_alias(g, next, w);
    cr_assert_eq(assay_graph_finish(g, err), ASSAY_OK, "%s", err->message);
    return g;
}

static void see(void *self, uint64_t iteration, const struct assay_collected *left)
{
    struct assay_seen seen = {iteration, left->set, left->poison_key, left->outputs, left->before};
    assay_witness_see(self, &seen);
}

static void batch_end(void *self)
{
    assay_witness_batch_end(self);
}

static enum assay_code fill_step(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to,
                                 struct assay_error *err)
{
    (void)self;
    return assay_fill_value(g, value, STEP_SEED, set, to, err);
}

static void run_step(const char *plugin, struct assay_check *out)
{
    static uint64_t                 samples[256];
    struct assay_error              err = {.code = ASSAY_OK};
    struct assay_closed_loop_result result;
    struct assay_graph_target      *target;
    struct assay_witness           *witness;
    struct device                   d;
    char                            path[64];
    struct assay_graph             *g = step_graph(&err);
    device_open(&d, plugin, "");
    (void)snprintf(path, sizeof path, "/tmp/assay-step-%d.bin", (int)getpid());
    struct assay_witness_setup recording = {.path = path, .case_id = STEP_ID, .graph = g, .seed = STEP_SEED, .entropy = 3,
                                            .sets = ASSAY_MIN_SETS, .chosen = 59};
    struct assay_graph_target_setup setup = {.backend = d.opened.backend, .session = d.opened.session, .device = &d.opened.device,
                                             .graph = g, .seed = STEP_SEED, .slots = ASSAY_MIN_SETS, .limit_bytes = 1 << 30};
    cr_assert_eq(assay_witness_new(&recording, &witness, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_graph_target_new(&setup, &target, &err), ASSAY_OK, "%s: %s", plugin, err.message);
    struct assay_closed_loop loop = {.target = target, .slots = ASSAY_MIN_SETS, .min_runs = 12, .max_ns = 20000000000ull,
                                     .samples = samples, .max_samples = 256, .see = see, .batch_end = batch_end, .self = witness,
                                     .collects = true, .timeout_ns = 5000000000ull};
    cr_assert_eq(assay_closed_loop_run(&loop, &result, &err), ASSAY_OK, "%s: %s", plugin, err.message);
    cr_expect_eq(result.guard_changed, 0, "%s", plugin);
    cr_expect_eq(result.collected, result.n, "%s", plugin);
    assay_graph_target_free(target);
    assay_backend_close(&d.opened);
    cr_assert_eq(assay_witness_close(witness, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_witness_check(path, STEP_ID, g, fill_step, NULL, 1e9, out, &err), ASSAY_OK, "%s", err.message);
    (void)unlink(path);
    assay_graph_free(g);
}

Test(step, back_ends_that_write_a_param_in_place_are_judged_by_every_step_they_take, .timeout = 60)
{
    const char *const plugins[] = {"reference", "cpu"};
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        struct assay_check c;
        run_step(plugins[i], &c);
        cr_expect_eq(c.outcome, ASSAY_PASS, "%s: %s", plugins[i], c.why);
        cr_expect_eq(c.judged, 12, "%s", plugins[i]);
        cr_expect_eq(c.assurance, ASSAY_ASSURANCE_FULL);
    }
}
