#include <criterion/criterion.h>

#include "harness/base/tests/source.h"
#include "suites/blocks/decoder_numbers.h"

TestSuite(decoder_numbers, .init = find_source);

Test(decoder_numbers, are_found_by_the_names_that_checkpoints_are_published_under)
{
    static const struct {
        char   name[48];
        double layers, experts;
    } names[] = {{"Qwen/Qwen3-235B-A22B-FP8", 94, 128},   {"meta-llama/Llama-3.3-70B-Instruct", 80, 0}, {"meta-llama/Llama-3.1-8B-Instruct", 32, 0},
                 {"deepseek-ai/DeepSeek-R1-0528", 61, 256}, {"openai/gpt-oss-120b", 36, 128},            {"MiniMaxAI/MiniMax-M2.5", 62, 256},
                 {"nvidia/Llama-3.1-405B-Instruct-FP4", 126, 0}, {"Qwen/Qwen3-30B-A3B-Instruct-2507-FP8", 48, 128}, {"llama-2-70b", 80, 0},
                 {"moonshotai/Kimi-K2-Instruct", 61, 384}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct assay_decoder_numbers d;
        struct assay_error           err = {0};
        cr_assert(!assay_decoder_numbers_find(names[i].name, &d, &err), "%s: %s", names[i].name, err.message);
        cr_expect_eq(d.layers, names[i].layers, "%s", names[i].name);
        cr_expect_eq(d.experts, names[i].experts, "%s", names[i].name);
    }
}

/* What publishers say of their models' sizes, in parameters. */
Test(decoder_numbers, add_up_to_the_published_sizes)
{
    static const struct {
        char   name[24];
        double all, active; /* 10^9; active 0: not said */
    } sizes[] = {{"qwen3-32b", 32.8, 0},      {"qwen3-235b-a22b", 235, 22}, {"qwen3-30b-a3b", 30.5, 3.3}, {"llama-3.1-70b", 70.6, 0},
                 {"gpt-oss-120b", 116.8, 5.1}, {"gpt-oss-20b", 20.9, 3.6},   {"minimax-m2", 229, 10},      {"kimi-k2", 1040, 32}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct assay_decoder_numbers d;
        struct assay_error           err = {0};
        cr_assert(!assay_decoder_numbers_find(sizes[i].name, &d, &err), "%s", err.message);
        cr_expect_float_eq(assay_decoder_parameters(&d) / 1e9 / sizes[i].all, 1, 0.02, "%s: %g", sizes[i].name, assay_decoder_parameters(&d) / 1e9);
        if (sizes[i].active > 0)
            cr_expect_float_eq(assay_decoder_active_parameters(&d) / 1e9 / sizes[i].active, 1, 0.2, "%s: %g active", sizes[i].name,
                               assay_decoder_active_parameters(&d) / 1e9);
    }
}

Test(decoder_numbers, of_a_name_that_is_none_are_refused_and_no_path_is_followed)
{
    static const char *const bad[] = {"Qwen/Qwen9", "", "x/", "../../etc/passwd", "a/../b.json", "..", "-fp8", "qwen3-32b.json",
                                      "a-name-that-is-very-much-longer-than-any-name-of-a-model-has-ever-been-or-will-be"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct assay_decoder_numbers d;
        struct assay_error           err = {0};
        cr_expect_eq(assay_decoder_numbers_find(bad[i], &d, &err), ASSAY_CONFIG, "%s: %s", bad[i], err.message);
    }
}
