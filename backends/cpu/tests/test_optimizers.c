/* Optimizers: out of place on every device, and in place as a graph that trains has them. */
#include "backends/cpu/tests/judged.h"
#include "harness/ir/transform/optimizer.h"

#include "assay/banned.h"

/* Adam's second moments are never below zero, which the sketch's inputs are: see check_in_place for those. */
static const struct judged cases[] = {
    {"assay.Sgd", "f32[] f32[1] f32[1]", "", 1, 0, 0},
    {"assay.Sgd", "f32[] f32[] f32[] f32[]", "momentum=0.9", 2, 0, 0},
    {"assay.Sgd", "f32[] f32[33,257] f32[33,257] f32[33,257] f32[]", "momentum=0.9 weight_decay=0.01", 2, 0, 0},
    {"assay.Sgd", "f32[] f32[100003] f32[100003] - f32[]", "weight_decay=0.01", 1, 0, 0},
    {"assay.Sgd", "f32[] f32[0] f32[0]", "", 1, 0, 0},
    {"assay.LambApply", "f32[] f32[100003] f32[100003] f32[] f32[]", "", 1, 0, 0},
    {"assay.LambApply", "f32[] f32[7] f32[7] f32[]{0} f32[]{2}", "", 1, 0, 0},
    {"assay.LambApply", "f32[] f32[7] f32[7] f32[]{3} f32[]{2}", "", 1, 0, 0},
};

Test(optimizers, steps_stay_within_their_bounds, .timeout = 60)
{
    judge_all(cases, sizeof cases / sizeof *cases);
}

struct adam {
    const char *op;
    int64_t     n, step;
    bool        scaled, rate;
    double      decay;
};
static const struct adam adams[] = {
    {"assay.AdamW", 1, 1, false, true, 0},       {"assay.AdamW", 33, 2, true, true, 0.01},
    {"assay.AdamW", 100003, 1000, true, true, 0}, {"assay.LambUpdate", 33, 1, false, false, 0.01},
    {"assay.LambUpdate", 100003, 7, true, false, 0}, {"assay.AdamW", 0, 1, false, true, 0},
};

/* One launch of a graph whose outputs take over memory, judged against what that held before. */
static void launch_once(struct device *d, const struct assay_graph *g, struct data *data, const char *what)
{
    struct assay_error err = {0};
    struct data        before = {0};
    for (uint32_t k = 0; k < g->n_values; k++) {
        before.at[k] = data->at[k] ? malloc(data->bytes[k] + 8) : NULL;
        if (data->at[k])
            memcpy(before.at[k], data->at[k], data->bytes[k]);
    }
    struct assay_program *program = device_compile(d, g, data, false, &err);
    cr_assert_not_null(program, "%s: %s", what, err.message);
    for (uint32_t k = 0; k < g->n_values; k++)
        if (g->values[k].alias_of != ASSAY_NO_VALUE) {
            free(data->at[k]);
            data->at[k] = NULL; /* found where the aliased value is */
        }
    cr_assert_eq(device_launch(d, program, g, data, &err), ASSAY_OK, "%s: %s", what, err.message);
    d->backend->discard(d->session, program);
    cr_expect(guards_stand(data), "%s: wrote behind a tensor", what);
    judged_compare(g, &before, data, what);
    data_free(&before);
}

/* P, M, V take over their own memory. */
static void check_in_place(struct device *d, const struct adam *c, const char *what)
{
    static const char *const names[] = {"p_next", "m_next", "v_next"};
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[] = {ASSAY_ATTR_FLOAT("weight_decay", c->decay), ASSAY_ATTR_END};
    struct data         data;
    int32_t             in[7], out[3];
    size_t              n = 0;
    if (c->rate)
        in[n++] = assay_graph_input(g, "r", ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED);
    in[n++] = assay_graph_input(g, "t", ASSAY_I64, 0, NULL, ASSAY_FILL_SIGNED);
    int32_t p = in[n++] = assay_graph_param(g, "p", ASSAY_F32, 1, &c->n, ASSAY_FILL_SIGNED);
    in[n++] = assay_graph_input(g, "g", ASSAY_F32, 1, &c->n, ASSAY_FILL_SIGNED);
    int32_t m = in[n++] = assay_graph_state(g, "m", ASSAY_F32, 1, &c->n, ASSAY_FILL_SIGNED);
    int32_t v = in[n++] = assay_graph_state(g, "v", ASSAY_F32, 1, &c->n, ASSAY_FILL_SIGNED);
    if (c->scaled)
        in[n++] = assay_graph_input(g, "s", ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED);
    assay_graph_op_outputs(g, c->op, names, 3, in, n, attrs, out);
    for (int o = 0; o < 3; o++)
        assay_graph_output(g, out[o]);
    assay_graph_alias(g, out[0], p);
    assay_graph_alias(g, out[1], m);
    assay_graph_alias(g, out[2], v);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    *(int64_t *)data.at[c->rate ? in[1] : in[0]] = c->step;
    for (int64_t i = 0; i < c->n; i++)
        ((float *)data.at[v])[i] = fabsf(floats(&data, v)[i]);
    launch_once(d, g, &data, what);
    data_free(&data);
    assay_graph_free(g);
}

Test(optimizers, adams_step_in_place_within_their_bounds, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof adams / sizeof *adams; j++)
            check_in_place(&d, &adams[j], every_device[i]);
        device_close(&d);
    }
}

/* A classifier of one hidden layer that trains: every node of it is taken here, and its step is the reference's. */
static struct assay_graph *classifier(int64_t kind)
{
    struct assay_graph    *g = assay_graph_new("classifier");
    struct assay_optimizer o = {.kind = kind, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-3, .weight_decay = 0.01,
                                .clip_norm = 0.5};
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){37, 16}, ASSAY_FILL_SIGNED);
    int32_t labels = assay_graph_input(g, "labels", ASSAY_I64, 1, (int64_t[]){37}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", ASSAY_F32, 2, (int64_t[]){16, 33}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_param(g, "b", ASSAY_F32, 1, (int64_t[]){33}, ASSAY_FILL_SIGNED);
    int32_t s = assay_graph_param(g, "s", ASSAY_F32, 1, (int64_t[]){33}, ASSAY_FILL_SIGNED);
    int32_t u = assay_graph_param(g, "u", ASSAY_F32, 2, (int64_t[]){33, 5}, ASSAY_FILL_SIGNED);
    int32_t h = assay_graph_op(g, "Gemm", "h", (int32_t[]){x, w, b}, 3, NULL);
    int32_t n = assay_graph_op(g, "RMSNormalization", "n", (int32_t[]){h, s}, 2, NULL);
    int32_t a = assay_graph_op(g, "Gelu", "a", &n, 1, NULL);
    int32_t y = assay_graph_op(g, "MatMul", "y", (int32_t[]){a, u}, 2, NULL);
    assay_graph_train(g, assay_graph_op(g, "SoftmaxCrossEntropyLoss", "loss", (int32_t[]){y, labels}, 2, NULL), &o,
                      ASSAY_RECOMPUTE_SELECTIVE);
    return g;
}

Test(optimizers, a_classifier_trains, .timeout = 60)
{
    const struct judged fill = {.below = 5};
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (int64_t kind = ASSAY_OPTIMIZER_SGD; kind <= ASSAY_OPTIMIZER_LAMB; kind++) {
            struct assay_error  err = {0};
            struct assay_graph *g = classifier(kind);
            struct data         data;
            cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
            data_new(g, &data);
            judged_fill(g, &fill, &data);
            for (uint32_t v = 0; v < g->n_values; v++) {
                if (g->values[v].role == ASSAY_ROLE_STATE)
                    memset(data.at[v], 0, data.bytes[v]);
                if (!strcmp(g->values[v].name, "step"))
                    *(int64_t *)data.at[v] = 1;
            }
            launch_once(&d, g, &data, every_device[i]);
            data_free(&data);
            assay_graph_free(g);
        }
        device_close(&d);
    }
}
