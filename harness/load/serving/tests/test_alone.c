#include <criterion/criterion.h>

#include "harness/load/serving/alone.h"
#include "harness/load/serving/tests/virtual_step.h"

static struct assay_error err;

static struct virtual_step target(struct virtual_step *v)
{
    *v = virtual_new((struct assay_step_limits){.max_tokens = 8, .max_sequences = 2, .block_tokens = 4, .n_blocks = 8, .max_context = 30, .values = true},
                     100, 1, 0);
    v->target.self = v;
    return *v;
}

Test(alone, a_prompt_goes_in_as_few_steps_as_can_be_and_then_a_token_a_step)
{
    struct virtual_step v;
    int32_t             tokens[30], expected[30];
    uint64_t            clock = 1000;
    (void)target(&v);
    for (int i = 0; i < 30; i++)
        tokens[i] = expected[i] = i * 7;
    for (uint32_t n = 20; n < 30; n++)
        expected[n] = virtual_token(expected, n);
    cr_assert(!assay_alone_generate(&v.target, tokens, 20, 10, NULL, &clock, &err), "%s", err.message);
    cr_expect_arr_eq(tokens, expected, sizeof tokens);
    cr_expect_eq(v.steps, 3 + 9);
    cr_expect_eq(clock, 1000 + 12 * 100 + 29);
    cr_expect_eq(v.wrong, 0);
    free(v.cache);
}

Test(alone, what_fits_neither_cache_nor_context_is_refused)
{
    struct virtual_step v;
    int32_t             tokens[64] = {0};
    uint64_t            clock = 0;
    (void)target(&v);
    cr_expect_eq(assay_alone_generate(&v.target, tokens, 20, 11, NULL, &clock, &err), ASSAY_CONFIG);
    v.target.limits.max_context = 64;
    cr_expect(!assay_alone_generate(&v.target, tokens, 23, 10, NULL, &clock, &err));
    cr_expect_eq(assay_alone_generate(&v.target, tokens, 23, 11, NULL, &clock, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_alone_generate(&v.target, tokens, 0, 1, NULL, &clock, &err), ASSAY_CONFIG);
    v.fail_step = v.steps + 1;
    cr_expect_eq(assay_alone_generate(&v.target, tokens, 20, 1, NULL, &clock, &err), ASSAY_DEVICE);
    free(v.cache);
}

Test(alone, where_tokens_part_is_told_with_its_margin)
{
    static const int32_t alone[] = {1, 2, 3, 4}, other[] = {1, 2, 9, 9};
    static const float   margin[] = {0, 0, 0.25f, 0};
    uint32_t             at = 77;
    float                parting = 77;
    cr_expect(assay_alone_is_equal(alone, alone, margin, 4, &at, &parting));
    cr_expect(assay_alone_is_equal(other, alone, margin, 2, &at, &parting));
    cr_expect(at == 77 && parting == 77);
    cr_expect_not(assay_alone_is_equal(other, alone, margin, 4, &at, &parting));
    cr_expect(at == 2 && parting == 0.25f);
}
