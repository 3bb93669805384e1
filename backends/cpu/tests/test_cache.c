/* Rotary embeddings and caches that grow, judged by the reference. */
#include "backends/cpu/tests/judged.h"

#include "assay/banned.h"

static const struct judged cases[] = {
    {"RotaryEmbedding", "f32[1,1,1,2] f32[1,1,1] f32[1,1,1]", "", 1, 0, 0},
    {"RotaryEmbedding", "f32[2,3,17,64] f32[2,17,32] f32[2,17,32]", "", 1, 0, 0},
    {"RotaryEmbedding", "f32[2,3,17,38] f32[50,19] f32[50,19] i64[2,17]", "", 1, 0, 50},
    {"RotaryEmbedding", "f32[2,17,400] f32[50,30] f32[50,30] i64[2,17]", "num_heads=4 rotary_embedding_dim=60", 1, 0, 50},
    {"RotaryEmbedding", "f32[2,17,400] f32[50,30] f32[50,30] i64[2,17]", "num_heads=4 rotary_embedding_dim=60 interleaved=1", 1,
     0, 50},
    {"RotaryEmbedding", "f32[2,8,70,128] f32[2,70,64] f32[2,70,64]", "interleaved=1", 1, 0, 0},
    {"RotaryEmbedding", "f32[2,0,70,128] f32[2,70,64] f32[2,70,64]", "", 1, 0, 0},
    {"TensorScatter", "f32[3,2,40,17] f32[3,2,5,17] i64[3]", "", 1, 0, 35},
    {"TensorScatter", "f32[3,2,40,17] f32[3,2,5,17] i64[3]", "mode=circular", 1, 0, 500},
    {"TensorScatter", "f32[3,40] f32[3,40] i64[3]", "mode=circular axis=1", 1, 0, 40},
    {"TensorScatter", "f32[3,2,40,17] f32[3,2,1,17]", "", 1, 0, 0},
    {"TensorScatter", "f32[3,0,4] f32[3,0,4]", "", 1, 0, 0},
    {"assay.TensorScatterGrad", "f32[3,2,40,17] i64[3]", "length=5", 2, 0, 35},
    {"assay.TensorScatterGrad", "f32[3,2,40,17] i64[3]", "length=39 mode=circular", 2, 0, 500},
    {"assay.TensorScatterGrad", "f32[3,2,40,17]", "length=0", 1, 0, 0},
};

Test(cache, turns_and_writes_as_its_definitions_say, .timeout = 60)
{
    judge_all(cases, sizeof cases / sizeof *cases);
}

/* The output is the cache itself; what is not written must be what it was. */
Test(cache, grows_in_place, .timeout = 10)
{
    struct device       d;
    struct assay_error  err = {0};
    struct data         data;
    struct assay_graph *g = assay_graph_new("g");
    int64_t             index = 3;
    int32_t past = assay_graph_state(g, "past", ASSAY_F32, 3, (int64_t[]){1, 9, 4}, ASSAY_FILL_SIGNED);
    int32_t update = assay_graph_input(g, "update", ASSAY_F32, 3, (int64_t[]){1, 2, 4}, ASSAY_FILL_SIGNED);
    int32_t at = assay_graph_i64s(g, "at", 1, &index);
    int32_t present = assay_graph_op(g, "TensorScatter", "present", (int32_t[]){past, update, at}, 3, NULL);
    float   before[36];
    assay_graph_output(g, present);
    assay_graph_alias(g, present, past);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=2"));
    data_new(g, &data);
    memcpy(before, data.at[past], sizeof before);
    free(data.at[present]);
    data.at[present] = NULL; /* the host need not name it: it is where the cache is */
    device_run(&d, g, &data, false, "cache");
    for (size_t i = 0; i < 36; i++)
        cr_expect_eq(floats(&data, past)[i], i >= 12 && i < 20 ? floats(&data, update)[i - 12] : before[i], "element %zu", i);
    device_close(&d);
    data_free(&data);
    assay_graph_free(g);
}
