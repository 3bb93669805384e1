#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/tests/source.h"
#include "harness/model/cluster/train_published.h"
#include "suites/blocks/decoder_numbers.h"

TestSuite(train_published, .init = find_source);

static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
static struct assay_error                err;

static struct assay_published_decoder found(const char *name)
{
    struct assay_published_decoder d = {.by_size = false};
    err = (struct assay_error){.code = ASSAY_OK};
    (void)assay_published_decoder_find(name, &shapes, &d, &err);
    return d;
}

Test(train_published, names_are_told_by_letters_digits_and_dots)
{
    char folded[ASSAY_TRAIN_NAME];
    assay_published_fold("Llama-3.1_405B  pretrain (SFT)", folded);
    cr_expect_str_eq(folded, "llama3.1405bpretrainsft");
    assay_published_fold("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", folded);
    cr_expect_eq(strlen(folded), ASSAY_TRAIN_NAME - 1);
}

/* Parameters as the names say, within a tenth: a wrong row of the table would be seen. */
Test(train_published, every_shape_has_about_as_many_parameters_as_its_name_says)
{
    static const struct {
        char   name[40];
        double parameters;
    } models[] = {{"LLAMA3_70B", 70.6e9}, {"LLAMA3.1_405B", 405.9e9}, {"llama2_7b-deepspeed", 6.7e9}, {"LLaMA-65B", 65.2e9}, {"MPT-30b FSDP", 29.9e9},
                  {"MPT-125m FSDP", 124e6}, {"megatron-22B full", 22e9}, {"turing-530B seqsel", 530e9}, {"megatron-1T full", 1008e9}, {"GPT3-1.3B", 1.31e9},
                  {"GPT2-Large DP4 fp32", 774e6}, {"MaxText  128B model", 124e9}, {"MaxText  1024B model", 1065e9}, {"chatglm3_6b-deepspeed", 6.24e9},
                  {"baichuan2_13b-deepspeed", 13.9e9}, {"qwen1.5_MoE-megatron", 14.3e9}, {"Llama4-Scout-17B-16E-Maxtext", 108e9},
                  {"Llama4-Maverick-17B-128E-Maxtext", 400e9}, {"DeepSeek3-671B-MaxText", 671e9}, {"Qwen3_235B_a22B", 235e9}, {"Nemotron_3_Nano", 31.6e9},
                  {"GPT OSS 120B", 117e9}, {"Gemma3-27B", 27.4e9}, {"Nemotron4-340B", 341e9}, {"Grok-1", 314e9}, {"Mixtral-8x22B", 141e9}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct assay_published_decoder d = found(models[i].name);
        double                         off = assay_decoder_parameters(&d.numbers) / models[i].parameters - 1;
        cr_expect(!err.code && !d.by_size && off > -0.1 && off < 0.1, "%s: %+.1f %%, %s", models[i].name, 100 * off, err.message);
    }
}

Test(train_published, of_several_names_the_longest_counts)
{
    struct assay_published_decoder small = found("gpt3-1.3B"), long_name = found("GPT3-175B-MaxText"), first = found("llama-13b"), second = found("llama2_13b");
    cr_expect_eq(small.numbers.hidden, 2048);
    cr_expect_eq(long_name.numbers.hidden, 12288);
    cr_expect(first.numbers.layers == 40 && second.numbers.layers == 40);
}

Test(train_published, a_name_with_a_size_alone_has_a_usual_shape_of_it_and_one_without_has_none)
{
    struct assay_published_decoder d = found("Nobody-33B-chat");
    cr_expect(!err.code && d.by_size && fabs(assay_decoder_parameters(&d.numbers) / 33e9 - 1) < 0.25, "%g", assay_decoder_parameters(&d.numbers));
    (void)found("Nobody");
    cr_expect_eq(err.code, ASSAY_CONFIG);
    cr_expect(strstr(err.message, "no shape is known"), "%s", err.message);
    (void)found("v2");
    cr_expect_eq(err.code, ASSAY_CONFIG, "a digit is no size");
}

Test(train_published, stacks_are_told_by_marks_in_names)
{
    static const char names[][2][40] = {{"MPT-7b FSDP", "llm-foundry"}, {"Llama3.1-405B-MaxText", "maxtext"}, {"llama2_7b-deepspeed", "deepspeed"},
                                        {"llama3_8B-megatron", "flagscale"}, {"gpt3-175B seqsel", "megatron-2022"}, {"MT-NLG 530B", "megatron-deepspeed"},
                                        {"GPT2-Large TP4 fp32", "eager-f32"}, {"LLAMA3_70B", "megatron"}, {"LLaMA-65B", "fairscale"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_str_eq(assay_train_stack_of(names[i][0])->name, names[i][1]);
    cr_expect_null(assay_train_stack_find("none-such"));
}

/* The eight that judge the models, and nothing else. */
Test(train_published, what_judges_is_marked)
{
    static const char judges[][24] = {"megatron-22B full", "gpt3-175B seqsel", "turing-530B full", "megatron-1T seqsel"}, others[][24] = {"GPT3-175B-MaxText", "MT-NLG 530B"};
    for (size_t i = 0; i < 4; i++)
        cr_expect(assay_published_habit_of(judges[i], "a100-sxm-80gb").judges, "%s", judges[i]);
    for (size_t i = 0; i < 2; i++)
        cr_expect(!assay_published_habit_of(others[i], "tpu-v5p").judges, "%s", others[i]);
}
