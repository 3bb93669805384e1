/* The gradient of attention, and attention over padded keys, judged by the reference. */
#include "backends/cpu/tests/judged.h"

#include "assay/banned.h"

static const struct judged gradients[] = {
    {"assay.AttentionGrad", "f32[1,1,1,1] f32[1,1,1,1] f32[1,1,1,1] f32[1,1,1,1]", "", 3, 0, 0},
    {"assay.AttentionGrad", "f32[2,4,5,8] f32[2,4,5,8] f32[2,2,7,8] f32[2,2,7,8]", "", 3, 0, 0},
    {"assay.AttentionGrad", "f32[1,2,33,24] f32[1,2,33,16] f32[1,1,33,16] f32[1,1,33,24]", "is_causal=1", 3, 3, 0},
    {"assay.AttentionGrad", "f32[1,1,100,17] f32[1,1,100,19] f32[1,1,70,19] f32[1,1,70,17]", "is_causal=1 scale=0.5", 3, 0, 0},
    {"assay.AttentionGrad", "f32[2,50,126] f32[2,50,114] f32[2,70,38] f32[2,70,42] f32[2,6,50,70]",
     "q_num_heads=6 kv_num_heads=2", 3, 0, 0},
    {"assay.AttentionGrad", "f32[2,50,126] f32[2,50,114] f32[2,70,38] f32[2,70,42] f32[1,1,50,70]",
     "q_num_heads=6 kv_num_heads=2 softcap=2.5 is_causal=1", 3, 2, 0},
    {"assay.AttentionGrad", "f32[1,4,2,32] f32[1,4,2,32] f32[1,4,90,32] f32[1,4,90,32] bool[1,4,1,90]", "", 3, 0, 0},
    {"assay.AttentionGrad", "f32[1,4,100,16] f32[1,4,100,16] f32[1,2,200,16] f32[1,2,200,16] bool[100,200]", "softcap=5.0", 2,
     0, 0},
    {"assay.AttentionGrad", "f32[1,1,200,8] f32[1,1,200,8] f32[1,1,300,8] f32[1,1,300,8]", "", 1, 0, 0},
    {"assay.AttentionGrad", "f32[0,2,3,4] f32[0,2,3,4] f32[0,2,3,4] f32[0,2,3,4]", "", 3, 0, 0},
    {"assay.AttentionGrad", "f32[1,2,0,4] f32[1,2,0,4] f32[1,2,3,4] f32[1,2,3,4]", "", 3, 0, 0},
};

Test(attention_gradient, stays_within_its_bounds_on_every_device, .timeout = 120)
{
    judge_all(gradients, sizeof gradients / sizeof *gradients);
}

static const struct judged padded[] = {
    {"Attention", "f32[3,2,1,16] f32[3,2,40,16] f32[3,2,40,8] - - - i64{1,40,17}", "", 1, 0, 0},
    {"Attention", "f32[3,2,1,16] f32[3,2,40,16] f32[3,2,40,8] - - - i64{1,40,17}", "is_causal=1", 1, 0, 0},
    {"Attention", "f32[2,4,9,16] f32[2,2,40,16] f32[2,2,40,8] - - - i64{12,40}", "is_causal=1 softcap=3.0", 1, 0, 0},
    {"Attention", "f32[2,9,64] f32[2,70,32] f32[2,70,16] f32[9,70] - - i64{5,70}", "is_causal=1 q_num_heads=4 kv_num_heads=2",
     1, 0, 0},
    {"Attention", "f32[2,1,2,8] f32[2,1,3000,8] f32[2,1,3000,8] - - - i64{1234,2999}", "is_causal=1", 1, 0, 0},
    {"Attention", "f32[2,2,3,4] f32[2,2,6,4] f32[2,2,6,4] - - - i64[2]", "", 1, 0, 6},
};

Test(attention_gradient, padded_keys_are_not_seen, .timeout = 60)
{
    judge_all(padded, sizeof padded / sizeof *padded);
}

Test(attention_gradient, a_mask_that_ends_early_is_refused, .timeout = 10)
{
    judge_refusal("assay.AttentionGrad", "f32[1,1,3,4] f32[1,1,3,4] f32[1,1,3,4] f32[1,1,3,4] f32[3,2]", "", 3, "reach all keys");
}
