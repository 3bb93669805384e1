#include <math.h>

#include "harness/base/random.h"
#include "harness/model/cluster/tests/train.h"

TestSuite(train_rows, .init = find_source, .timeout = 60);

static struct assay_error        err;
static struct assay_train_answer a;

Test(train_rows, a_full_row_says_its_plan)
{
    struct assay_train_ask q = train_asked("h100-sxm,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,FP8,,tokens_per_s_per_gpu,1664,tok/s/gpu");
    cr_expect(q.devices == 64 && q.plan.tp == 4 && q.plan.pp == 8 && q.plan.chunks == 5 && q.plan.compute == ASSAY_F8E4M3 && q.plan.zero == 1);
    cr_expect_eq(q.chosen, 0);
    cr_assert(!train_answer("h100-sxm", NULL, &q, &a, &err), "%s", err.message);
    cr_expect(a.plan.dp == 2 && a.plan.micro_batches == 128 && a.narrow && !a.mixed);
    cr_expect_eq(a.tokens, 256 * 8192);
}

Test(train_rows, fsdp_is_zero_of_its_stage_and_recompute_what_it_says)
{
    static const struct {
        char cells[32];
        int  zero, recompute;
    } rows[] = {{"FULL_SHARD,amp_bf16,True", 3, ASSAY_RECOMPUTE_FULL}, {"SHARD_GRAD_OP,bf16,False", 2, ASSAY_RECOMPUTE_NONE}, {",bf16,attn_only", 3, ASSAY_RECOMPUTE_SELECTIVE}};
    for (size_t i = 0; i < 3; i++) {
        char row[200];
        (void)snprintf(row, sizeof row, "a100,8,MPT-7b FSDP,2048,96,6,,,,,,,%s,tokens_per_s_per_gpu,1,", rows[i].cells);
        struct assay_train_ask q = train_asked(row);
        cr_expect(q.plan.zero == rows[i].zero && (int)q.plan.recompute == rows[i].recompute, "%s: %d, %d", rows[i].cells, q.plan.zero, (int)q.plan.recompute);
    }
}

Test(train_rows, what_is_left_open_is_chosen_so_that_it_fits_and_told)
{
    struct assay_train_ask q = train_asked("h100-sxm,64,llama3_70B-megatron,,,,,,,,,,,bf16,,tokens_per_s_per_gpu,,");
    cr_assert(!train_answer("h100-sxm", NULL, &q, &a, &err), "%s", err.message);
    cr_expect(a.chosen & ASSAY_TRAIN_CHOSE_PLAN && a.chosen & ASSAY_TRAIN_CHOSE_BATCH && !(a.chosen & ASSAY_TRAIN_DOES_NOT_FIT));
    cr_expect(a.plan.tp * a.plan.pp > 1, "70 billion parameters have no room on one device: tp %lld pp %lld", (long long)a.plan.tp, (long long)a.plan.pp);
    struct assay_train_ask few = train_asked("h100-sxm,8,Llama-3.1-405B-megatron,8192,8,1,8,1,,,,,,bf16,False,step_time,,s");
    cr_assert(!train_answer("h100-sxm", NULL, &few, &a, &err), "%s", err.message);
    cr_expect(a.chosen & ASSAY_TRAIN_DOES_NOT_FIT, "405 billion on eight devices");
}

/* Machines of torus links beyond one domain each have all weights. */
Test(train_rows, devices_beyond_a_torus_are_groups_that_share_weights)
{
    struct assay_train_ask one = train_asked("tpu-v5e,256,MaxText 32B model,,,,,,,,,,,,,model_tflops_per_chip,,"),
                           four = train_asked("tpu-v5e,1024,MaxText 32B model,,,,,,,,,,,,,model_tflops_per_chip,,");
    cr_assert(!train_answer("tpu-v5e", NULL, &one, &a, &err), "%s", err.message);
    cr_expect_eq(a.doublings, 0);
    double tokens = a.tokens;
    cr_assert(!train_answer("tpu-v5e", NULL, &four, &a, &err), "%s", err.message);
    cr_expect_eq(a.doublings, 2);
    cr_expect_float_eq(a.tokens, 4 * tokens, 1);
}

Test(train_rows, figures_go_both_ways_in_every_metric)
{
    static const char *const metrics[] = {"iteration_time", "step_time", "tokens_per_s_per_gpu", "tokens_per_s", "model_tflops_per_gpu", "MFU", "gpu_hours"};
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        char row[200];
        (void)snprintf(row, sizeof row, "a100,8,LLaMA-7B,2048,96,6,1,1,,,,,,bf16,,%s,,%s", metrics[i], i ? "" : "ms");
        struct assay_train_ask q = train_asked(row);
        cr_assert(!train_answer("a100", NULL, &q, &a, &err), "%s", err.message);
        double figure = assay_train_figure(&q, &a, 8e9);
        cr_expect_float_eq(assay_train_step_ns(&q, &a, figure), 8e9, 1, "%s", metrics[i]);
        cr_expect(i || figure == 8000, "%g ms", figure);
        cr_expect(i != 3 || figure == a.tokens / 8, "tokens a second of all devices");
        cr_expect(i != 5 || figure < 1, "a share");
    }
}

Test(train_rows, wrong_cells_are_told)
{
    static const struct {
        char            row[120], what[40];
        enum assay_code code;
    } rows[] = {{"h100,8,LLAMA3_8B,8192,8,1,1,1,,,,,,FP7,,step_time,,", "unknown precision 'FP7'", ASSAY_DATA},
                {"h100,8,LLAMA3_8B,8192,8,1,1,1,,,,,,bf16,perhaps,step_time,,", "unknown recompute 'perhaps'", ASSAY_DATA},
                {"h100,8,LLAMA3_8B,8192,8,1,1.5,1,,,,,,bf16,,step_time,,", "1.5 is no count", ASSAY_DATA},
                {"h100,x,LLAMA3_8B,8192,8,1,1,1,,,,,,bf16,,step_time,,", "devices is 'x'", ASSAY_DATA},
                {"h100,8,LLAMA3_8B,8192,8,1,1,1,,,,,,bf16,,loss,,", "no model gives the metric 'loss'", ASSAY_UNSUPPORTED},
                {"h100,8,nameless,8192,8,1,1,1,,,,,,bf16,,step_time,,", "no shape is known", ASSAY_CONFIG}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_train_ask q;
        cr_expect_eq(train_ask(rows[i].row, &q, &err), rows[i].code, "%s", rows[i].what);
        cr_expect(strstr(err.message, rows[i].what), "'%s' in '%s'", rows[i].what, err.message);
    }
}

Test(train_rows, a_format_that_the_device_lacks_is_refused_not_replaced)
{
    struct assay_train_ask q = train_asked("a100,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,FP8,,step_time,,");
    cr_expect_eq(train_answer("a100", NULL, &q, &a, &err), ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "does not multiply f8e4m3"), "%s", err.message);
    cr_expect_eq(train_answer("h100-sxm", NULL, &q, &a, &err), ASSAY_OK);
    struct assay_train_ask odd = train_asked("h100,60,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,bf16,,step_time,,");
    cr_expect_eq(train_answer("h100", NULL, &odd, &a, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "60"), "%s", err.message);
}

/* With the shipped numbers of each stack, on random chips and runs: more peak, bandwidth, links or cache is never slower. */
Test(train_rows, more_of_a_chip_is_never_slower)
{
    static const char *const rows[] = {"x,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,bf16,,step_time,,", "x,8,MPT-7b FSDP,2048,96,6,,,,,,,FULL_SHARD,bf16,False,step_time,,",
                                       "x,256,Qwen3_235B_a22B,4096,8192,1,2,8,1,4,32,,0,bf16,,step_time,,", "x,256,MaxText 32B model,,,,,,,,,,,,,step_time,,",
                                       "x,32,llama2_70B-megatron,4096,64,1,8,2,,,,,,bf16,True,step_time,,"};
    static const enum assay_device_field fields[] = {ASSAY_DEVICE_PEAK_BF16, ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_SCALE_UP, ASSAY_DEVICE_LLC, ASSAY_DEVICE_EXP};
    static const char *const devices[] = {"h100-sxm", "a100", "h200-sxm", "b200-sxm"};
    struct assay_train_fitted fitted;
    struct assay_random       r;
    cr_assert(!assay_train_fitted_read(NULL, &fitted, &err), "%s", err.message);
    assay_random_init(&r, 61);
    for (int round = 0; round < 120; round++) {
        struct assay_train_ask  q = train_asked(rows[round % 5]);
        const char             *device = devices[round / 5 % 4];
        enum assay_device_field field = fields[round / 20 % 5];
        struct assay_described *d = NULL;
        bool                    measured;
        cr_assert(!assay_described_find(device, &d, &err));
        struct assay_chip chip = assay_chip_draw(d, 1 + (uint64_t)round);
        assay_described_free(d);
        chip.field[ASSAY_DEVICE_PEAK_BF16] *= exp(2 * assay_random_unit(&r) - 1);
        chip.field[ASSAY_DEVICE_BANDWIDTH] *= exp(2 * assay_random_unit(&r) - 1);
        chip.field[ASSAY_DEVICE_SCALE_UP] *= exp(2 * assay_random_unit(&r) - 1);
        struct assay_chip               more = chip;
        const struct assay_train_numbers n = assay_train_numbers_of(&fitted, q.stack->name, &measured);
        more.field[field] *= 1.05 + 3 * assay_random_unit(&r);
        cr_assert(!train_answer(device, &chip, &q, &a, &err), "%s", err.message);
        double before = assay_train_ns(&n, &a);
        cr_assert(!train_answer(device, &more, &q, &a, &err), "%s", err.message);
        cr_expect_leq(assay_train_ns(&n, &a), before * (1 + 1e-9), "round %d: %s of %s, run %s", round, assay_device_fields[field].key, device, q.model);
    }
}
