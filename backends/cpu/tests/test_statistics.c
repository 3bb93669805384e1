/* Batch and group normalization and their gradients within the reference's bounds. */
#include "backends/cpu/tests/judge.h"

#include "assay/banned.h"

static const struct judged table[] = {
    {"BatchNormalization", "f32[2,3,5,7] f32[3] f32[3] f32[3] f32[3]", "", 1, 0.5f, 2.0f, 0},
    {"BatchNormalization", "f32[0,3,5] f32[3] f32[3] f32[3] f32[3]", "", 1, 0.5f, 2.0f, 0},
    {"BatchNormalization", "f32[1,1,40000] f32[1] f32[1] f32[1] f32[1]", "epsilon=0.1", 1, 0.5f, 2.0f, 0},
    {"BatchNormalization", "f32[4,3,5,7] f32[3] f32[3] f32[3] f32[3]", "training_mode=1", 3, -1, 1, 0},
    {"BatchNormalization", "f32[4,3,5,7] f32[3] f32[3] f32[3] f32[3]", "training_mode=1 momentum=0.3", 3, 60, 61, 0},
    {"BatchNormalization", "f32[1,2] f32[2] f32[2] f32[2] f32[2]", "training_mode=1", 3, -1, 1, 0},
    {"BatchNormalization", "f32[33,19] f32[19] f32[19] f32[19] f32[19]", "training_mode=1", 3, -1, 1, 0},
    {"BatchNormalization", "f32[50] f32[1] f32[1] f32[1] f32[1]", "training_mode=1", 3, -1, 1, 0},
    {"BatchNormalization", "f32[3,2,91,101] f32[2] f32[2] f32[2] f32[2]", "training_mode=1", 3, -1, 2, 0},
    {"BatchNormalization", "f32[64,1,31,33] f32[1] f32[1] f32[1] f32[1]", "training_mode=1", 3, 5, 6, 0},
    {"BatchNormalization", "f32[1,1,70003] f32[1] f32[1] f32[1] f32[1]", "training_mode=1", 3, -3, -2, 0},
    {"BatchNormalization", "f32[9,40,7,7] f32[40] f32[40] f32[40] f32[40]", "training_mode=1", 1, -1, 1, 0},
    {"assay.BatchNormalizationGrad", "f32[4,3,5,7] f32[4,3,5,7] f32[3]", "", 3, -1, 1, 0},
    {"assay.BatchNormalizationGrad", "f32[4,3,5,7] f32[4,3,5,7] f32[3]", "epsilon=0.01", 1, 60, 61, 0},
    {"assay.BatchNormalizationGrad", "f32[1,2] f32[1,2] f32[2]", "", 3, -1, 1, 0},
    {"assay.BatchNormalizationGrad", "f32[50] f32[50] f32[1]", "", 3, -1, 1, 0},
    {"assay.BatchNormalizationGrad", "f32[3,2,91,101] f32[3,2,91,101] f32[2]", "", 3, -1, 2, 0},
    {"assay.BatchNormalizationGrad", "f32[64,1,31,33] f32[64,1,31,33] f32[1]", "", 3, 5, 6, 0},
    {"assay.BatchNormalizationGrad", "f32[1,1,70003] f32[1,1,70003] f32[1]", "", 3, -3, -2, 0},
    {"assay.BatchNormalizationGrad", "f32[9,40,7,7] f32[9,40,7,7] f32[40]", "", 3, -1, 1, 0},
    {"GroupNormalization", "f32[2,6,5,7] f32[6] f32[6]", "num_groups=3", 1, -1, 1, 0},
    {"GroupNormalization", "f32[2,6,5,7] f32[6] f32[6]", "num_groups=1", 1, 60, 61, 0},
    {"GroupNormalization", "f32[1,4] f32[4] f32[4]", "num_groups=4", 1, -1, 1, 0},
    {"GroupNormalization", "f32[3,64,33] f32[64] f32[64]", "num_groups=32 epsilon=0.01", 1, -1, 1, 0},
    {"GroupNormalization", "f32[1,8,61,67] f32[8] f32[8]", "num_groups=2", 1, 3, 4, 0},
    {"assay.GroupNormalizationGrad", "f32[2,6,5,7] f32[2,6,5,7] f32[6]", "num_groups=3", 3, -1, 1, 0},
    {"assay.GroupNormalizationGrad", "f32[2,6,5,7] f32[2,6,5,7] f32[6]", "num_groups=1 epsilon=0.01", 3, 60, 61, 0},
    {"assay.GroupNormalizationGrad", "f32[1,4] f32[1,4] f32[4]", "num_groups=4", 3, -1, 1, 0},
    {"assay.GroupNormalizationGrad", "f32[3,64,33] f32[3,64,33] f32[64]", "num_groups=32", 1, -1, 1, 0},
    {"assay.GroupNormalizationGrad", "f32[1,8,61,67] f32[1,8,61,67] f32[8]", "num_groups=2", 3, 3, 4, 0},
};

Test(statistics, norms_over_channels_stay_within_the_references_bounds, .timeout = 120)
{
    judge_all(table, sizeof table / sizeof *table);
}

/* What a training step does: the running statistics are written over what they move. */
Test(statistics, running_statistics_may_take_over_what_they_move, .timeout = 30)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct data         data;
    struct device       d;
    const int64_t       c = 3, dims[] = {2, 3, 4, 4};
    int32_t in[5], out[3];
    in[0] = assay_graph_input(g, "x", ASSAY_F32, 4, dims, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_param(g, "scale", ASSAY_F32, 1, &c, ASSAY_FILL_SIGNED);
    in[2] = assay_graph_param(g, "bias", ASSAY_F32, 1, &c, ASSAY_FILL_SIGNED);
    in[3] = assay_graph_state(g, "mean", ASSAY_F32, 1, &c, ASSAY_FILL_SIGNED);
    in[4] = assay_graph_state(g, "variance", ASSAY_F32, 1, &c, ASSAY_FILL_POSITIVE);
    assay_graph_op_outputs(g, "BatchNormalization", (const char *const[]){"y", "mean'", "variance'"}, 3, in, 5,
                           (struct assay_attr[]){ASSAY_ATTR_INT("training_mode", 1), ASSAY_ATTR_FLOAT("momentum", 0.5),
                                                 ASSAY_ATTR_END}, out);
    for (int o = 0; o < 3; o++)
        assay_graph_output(g, out[o]);
    assay_graph_alias(g, out[1], in[3]);
    assay_graph_alias(g, out[2], in[4]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=2"));
    data_new(g, &data);
    for (int o = 1; o < 3; o++) { /* where the alias is, is where the state is */
        free(data.at[out[o]]);
        data.at[out[o]] = NULL;
    }
    float was[3];
    memcpy(was, data.at[in[3]], sizeof was);
    device_run(&d, g, &data, false, "threads=2"); /* two launches: m / 4 + 3 / 4 mean */
    for (size_t k = 0; k < 3; k++) {
        double mean = 0;
        for (size_t i = 0; i < 32; i++)
            mean += (double)floats(&data, in[0])[(i / 16 * 3 + k) * 16 + i % 16] / 32;
        cr_expect_float_eq((double)floats(&data, in[3])[k], (double)was[k] / 4 + 0.75 * mean, 1e-6);
    }
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}
