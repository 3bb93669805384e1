#include <math.h>
#include <unistd.h>

#include "assay/text.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/model/cluster/tests/train.h"
#include "harness/model/cluster/train_fit.h"

TestSuite(train_fit, .init = find_source, .timeout = 60);

static struct assay_error      err;
static struct assay_train_runs runs;

static void read_text(const char *text)
{
    static struct assay_fitted kernels;
    char                       path[] = "/tmp/assay-train-XXXXXX";
    cr_assert(close(mkstemp(path)) == 0);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK);
    cr_assert(!assay_fitted_read(NULL, &kernels, &err), "%s", err.message);
    (void)assay_train_runs_read(&runs, path, &kernels, &train_shapes, &err);
    unlink(path);
}

/* Runs of two stacks, with judges among them; times are set by whoever tests. */
static void read_some(void)
{
    char              text[8192];
    struct assay_text rows = ASSAY_TEXT(text);
    assay_text_add(&rows, "%s", TRAIN_HEADER);
    for (int batch = 64; batch <= 256; batch *= 2)
        for (int seq = 2048; seq <= 8192; seq *= 2)
            for (int device = 0; device < 2; device++) {
                const char *name = device ? "h100-sxm" : "a100-sxm-80gb";
                assay_text_add(&rows, "%s,64,LLAMA3_70B,%d,%d,1,4,8,,,,,0,bf16,False,step_time,1,s\n", name, seq, batch);
                assay_text_add(&rows, "%s,16,MPT-7b FSDP,%d,%d,1,,,,,,,FULL_SHARD,bf16,False,step_time,1,s\n", name, seq, batch);
            }
    assay_text_add(&rows, "a100-sxm-80gb,64,gpt3-175B full,,64,1,8,8,,,,1,,,full,iteration_time,18.13,s\n");
    read_text(text);
    cr_assert(!err.code && runs.n == 37, "%zu runs, %s", runs.n, err.message);
}

static void set_times(void)
{
    struct assay_train_numbers slow = assay_train_numbers_begin(), plain = slow;
    slow.value[ASSAY_TRAIN_PRODUCTS_FACTOR] = 1.4;
    slow.value[ASSAY_TRAIN_ATTENTION_FACTOR] = 2;
    for (size_t i = 0; i < runs.n; i++)
        if (!runs.at[i].ask.judges)
            runs.at[i].measured_ns = assay_train_ns(strcmp(runs.at[i].ask.stack->name, "megatron") ? &slow : &plain, &runs.at[i].answer);
}

Test(train_fit, finds_what_a_stack_was_made_of)
{
    struct assay_train_fitted f;
    bool                      measured;
    read_some();
    set_times();
    cr_assert(!assay_train_calibrate(&runs, &f, &err), "%s", err.message);
    struct assay_train_numbers slow = assay_train_numbers_of(&f, "llm-foundry", &measured), plain = assay_train_numbers_of(&f, "megatron", &measured);
    cr_expect(measured && slow.value[ASSAY_TRAIN_PRODUCTS_FACTOR] > plain.value[ASSAY_TRAIN_PRODUCTS_FACTOR] * 1.15, "%g, %g",
              slow.value[ASSAY_TRAIN_PRODUCTS_FACTOR], plain.value[ASSAY_TRAIN_PRODUCTS_FACTOR]);
    for (size_t i = 0; i < runs.n; i++)
        cr_expect(runs.at[i].ask.judges || fabs(log(runs.at[i].fitted_ns / runs.at[i].measured_ns)) < 0.12, "%s: %g", runs.at[i].ask.model,
                  runs.at[i].fitted_ns / runs.at[i].measured_ns);
    (void)assay_train_numbers_of(&f, "maxtext", &measured);
    cr_expect(!measured);
    assay_train_runs_release(&runs);
}

/* What a judge took makes no difference to any number, nor what a model left out took to what is predicted of it. */
Test(train_fit, learns_nothing_from_judges_nor_from_what_is_left_out)
{
    struct assay_train_fitted before, after;
    read_some();
    set_times();
    cr_assert(!assay_train_calibrate(&runs, &before, &err), "%s", err.message);
    double no_model = runs.at[1].no_model_ns, no_chip = runs.at[0].no_chip_ns;
    runs.at[36].measured_ns *= 3;
    cr_expect(runs.at[36].ask.judges);
    cr_assert(!assay_train_calibrate(&runs, &after, &err), "%s", err.message);
    cr_expect_eq(memcmp(&before.base, &after.base, sizeof before.base), 0);
    cr_expect_eq(memcmp(before.stacks, after.stacks, sizeof before.stacks), 0);
    for (size_t i = 0; i < runs.n; i++)
        if (!strcmp(runs.at[i].ask.model, runs.at[1].ask.model))
            runs.at[i].measured_ns *= 2;
    cr_assert(!assay_train_calibrate(&runs, &after, &err), "%s", err.message);
    cr_expect_float_eq(runs.at[1].no_model_ns, no_model, 1e-6 * no_model, "left out, its times do not count");
    cr_expect_neq(runs.at[0].no_chip_ns, no_chip, "of the others they do");
    cr_expect(memcmp(&before.base, &after.base, sizeof before.base) != 0);
    assay_train_runs_release(&runs);
}

Test(train_fit, tells_the_row_that_it_cannot_read)
{
    read_text(TRAIN_HEADER "none-such,8,LLAMA3_8B,8192,8,1,1,1,,,,,,bf16,,step_time,1,s\n");
    cr_expect_eq(err.code, ASSAY_CONFIG);
    cr_expect(strstr(err.message, "none-such") && strstr(err.frame[0], "row 1"), "%s (%s)", err.message, err.frame[0]);
    err = (struct assay_error){.code = ASSAY_OK};
    read_text(TRAIN_HEADER "a100,8,LLAMA3_8B,8192,8,1,1,1,,,,,,FP8,,step_time,1,s\na100,8,LLAMA3_8B,8192,8,1,1,1,,,,,,bf16,,step_time,1,s\n");
    cr_expect(!err.code && runs.n == 1 && runs.refused == 1, "A100 has no 8-bit floats: %zu, %zu", runs.n, runs.refused);
    assay_train_runs_release(&runs);
}

Test(train_fit, the_file_says_what_was_written)
{
    struct assay_train_fitted f, g;
    char                      path[] = "/tmp/assay-train-XXXXXX";
    cr_assert(!assay_train_fitted_read(NULL, &f, &err), "%s", err.message);
    json_t *json = assay_train_fitted_to_json(&f);
    char   *text = assay_json_pretty(json);
    cr_assert(close(mkstemp(path)) == 0);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK);
    cr_assert(!assay_train_fitted_read(path, &g, &err), "%s", err.message);
    cr_expect_eq(memcmp(&f.base, &g.base, sizeof f.base), 0);
    cr_expect(f.n_stacks == g.n_stacks && f.n_devices == g.n_devices && !memcmp(f.half, g.half, sizeof f.half));
    free(text);
    json_decref(json);
    cr_assert_eq(assay_file_replace(path, "{\"format\": \"assay-training-coefficients/1\"}", 43, &err), ASSAY_OK);
    cr_expect_eq(assay_train_fitted_read(path, &g, &err), ASSAY_DATA);
    unlink(path);
}

static const char *const kept_back[] = {"h200-sxm", "b200-sxm", "gb200-nvl72", "b300-sxm", "gb300-nvl72", "rtx-pro-6000", "mi325x", "mi355x", "ironwood", "tpu-v6e"};

Test(train_fit, was_not_made_on_a_device_that_is_kept_back_nor_over_other_kernels)
{
    struct assay_train_fitted  f;
    static struct assay_fitted kernels;
    cr_assert(!assay_train_fitted_read(NULL, &f, &err) && !assay_fitted_read(NULL, &kernels, &err), "%s", err.message);
    cr_expect(assay_train_fitted_on(&f, "h100-sxm"));
    for (size_t i = 0; i < sizeof kept_back / sizeof *kept_back; i++)
        cr_expect(!assay_train_fitted_on(&f, kept_back[i]), "%s", kept_back[i]);
    cr_expect_str_eq(f.kernels, kernels.fingerprint, "kernels were fitted again, training was not: make model-table");
}

/* arXiv 2205.05198, table 5: nothing was ever fitted on these (the test above), and their stack has no run of its own. */
Test(train_fit, megatrons_eight_iteration_times_are_met_within_eight_percent_by_what_others_taught)
{
    static const struct {
        char   row[100];
        double measured_s;
    } eight[] = {{"8,megatron-22B full,,4,4,8,1,,,,1,,,full", 1.42},      {"8,megatron-22B seqsel,,4,4,8,1,,,,1,,,attn_only", 1.10},
                 {"64,gpt3-175B full,,64,1,8,8,,,,1,,,full", 18.13},      {"64,gpt3-175B seqsel,,64,1,8,8,,,,1,,,attn_only", 13.75},
                 {"280,turing-530B full,,280,1,8,35,,,,1,,,full", 49.05}, {"280,turing-530B seqsel,,280,1,8,35,,,,1,,,attn_only", 37.83},
                 {"512,megatron-1T full,,512,1,8,64,,,,1,,,full", 94.42}, {"512,megatron-1T seqsel,,512,1,8,64,,,,1,,,attn_only", 71.49}};
    struct assay_train_fitted f;
    bool                      measured;
    cr_assert(!assay_train_fitted_read(NULL, &f, &err), "%s", err.message);
    for (size_t i = 0; i < 8; i++) {
        char                      row[200];
        struct assay_text         text = ASSAY_TEXT(row);
        struct assay_train_answer a;
        assay_text_add(&text, "a100-sxm-80gb,%s,iteration_time,,s", eight[i].row);
        struct assay_train_ask           q = train_asked(row);
        const struct assay_train_numbers n = assay_train_numbers_of(&f, q.stack->name, &measured);
        cr_expect(q.judges && !measured);
        cr_assert(!train_answer("a100-sxm-80gb", NULL, &q, &a, &err), "%s", err.message);
        double off = assay_train_ns(&n, &a) * 1e-9 / eight[i].measured_s - 1;
        cr_expect(fabs(off) <= 0.08, "%s: %+.1f %%", q.model, 100 * off);
    }
}
