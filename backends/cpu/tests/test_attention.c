/* Attention against its definition in double: grouped heads, masks, horizon, caches, both layouts, few and many queries. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

enum mask { NONE, ADDED, ALLOWED };

struct attention {
    int64_t   b, hq, hkv, s, t, past, d, e;
    bool      packed, causal, present;
    enum mask mask;
    int64_t   mask_dims[4];
    double    softcap;
};
static const struct attention cases[] = {
    {1, 1, 1, 1, 1, 0, 1, 1, false, false, false, NONE, {0}, 0},
    {2, 4, 2, 5, 7, 0, 8, 8, false, false, false, NONE, {0}, 0},
    {1, 2, 1, 33, 33, 0, 16, 24, false, true, false, NONE, {0}, 0},
    {2, 3, 3, 1, 1, 130, 64, 64, false, true, true, NONE, {0}, 0},
    {1, 8, 1, 3, 3, 61, 40, 33, false, true, true, NONE, {0}, 0},
    {2, 6, 2, 50, 70, 0, 19, 21, true, false, false, ADDED, {2, 6, 50, 70}, 0},
    {2, 6, 2, 50, 70, 13, 19, 21, true, true, true, ADDED, {1, 1, 50, 83}, 2.5},
    {1, 4, 4, 2, 90, 0, 32, 32, false, false, false, ALLOWED, {1, 4, 1, 90}, 0},
    {1, 4, 2, 100, 200, 0, 64, 64, false, false, false, ALLOWED, {1, 1, 100, 200}, 5},
    {1, 1, 1, 1, 5000, 0, 16, 16, false, false, false, NONE, {0}, 0},
    {1, 2, 1, 2, 9, 4000, 8, 8, false, true, false, ADDED, {1, 2, 2, 4009}, 0},
    {1, 1, 1, 20, 3000, 0, 16, 16, false, false, false, NONE, {0}, 0},
    {1, 5, 1, 100, 0, 100, 16, 16, false, true, false, NONE, {0}, 0},
};

struct values {
    int32_t q, k, v, mask, past_k, past_v, out[3];
};

/* Where an operand's row is, in floats. */
static size_t row(const struct attention *s, int64_t heads, int64_t length, int64_t width, int64_t b, int64_t h, int64_t i)
{
    return (size_t)(s->packed ? ((b * length + i) * heads + h) * width : ((b * heads + h) * length + i) * width);
}

static const float *cached(const struct attention *s, const float *past, const float *fresh, int64_t width, int64_t b, int64_t h,
                           int64_t j)
{
    return j < s->past ? past + ((b * s->hkv + h) * s->past + j) * width
                       : fresh + row(s, s->hkv, s->t, width, b, h, j - s->past);
}

static double score(const struct attention *s, const struct values *v, const struct data *data, int64_t b, int64_t h, int64_t i,
                    int64_t j)
{
    const float *q = floats(data, v->q) + row(s, s->hq, s->s, s->d, b, h, i);
    const float *k = cached(s, s->past ? floats(data, v->past_k) : NULL, floats(data, v->k), s->d, b, h / (s->hq / s->hkv), j);
    double       sum = 0;
    for (int64_t e = 0; e < s->d; e++)
        sum += (double)q[e] * (double)k[e];
    sum *= 4 / sqrt((double)s->d); /* a scale other than the default, and weights that differ */
    if (s->softcap > 0)
        sum = s->softcap * tanh(sum / s->softcap);
    int64_t at[4] = {b, h, i, j}, index = 0;
    for (int a = 0; a < 4 && s->mask; a++)
        index = index * s->mask_dims[a] + (s->mask_dims[a] == 1 ? 0 : at[a]);
    if (s->mask == ADDED)
        sum += (double)floats(data, v->mask)[index];
    bool hidden = (s->mask == ALLOWED && !((const uint8_t *)data->at[v->mask])[index]) || (s->causal && j > i + s->past);
    return hidden ? -INFINITY : sum;
}

static size_t count_wrong(const struct attention *s, const struct values *v, const struct data *data)
{
    size_t  wrong = 0;
    int64_t keys = s->past + s->t;
    double *weight = malloc((size_t)keys * sizeof *weight);
    for (int64_t r = 0; r < s->b * s->hq * s->s; r++) {
        int64_t b = r / (s->hq * s->s), h = r / s->s % s->hq, i = r % s->s;
        double  top = -INFINITY, sum = 0;
        for (int64_t j = 0; j < keys; j++)
            top = fmax(top, weight[j] = score(s, v, data, b, h, i, j));
        for (int64_t j = 0; j < keys; j++)
            sum += weight[j] = exp(weight[j] - top);
        for (int64_t e = 0; e < s->e && top > -INFINITY; e++) {
            double want = 0, magnitude = 0;
            for (int64_t j = 0; j < keys; j++) {
                const float *x = cached(s, s->past ? floats(data, v->past_v) : NULL, floats(data, v->v), s->e, b,
                                        h / (s->hq / s->hkv), j);
                want += weight[j] / sum * (double)x[e];
                magnitude += weight[j] / sum * fabs((double)x[e]);
            }
            float got = floats(data, v->out[0])[row(s, s->hq, s->s, s->e, b, h, i) + (size_t)e];
            wrong += !(fabs((double)got - want) <= 3e-6 * magnitude);
        }
    }
    free(weight);
    return wrong;
}

static size_t count_wrong_present(const struct attention *s, const struct values *v, const struct data *data)
{
    size_t wrong = 0;
    for (int64_t r = 0; r < s->b * s->hkv * (s->past + s->t); r++) {
        int64_t keys = s->past + s->t, b = r / (s->hkv * keys), h = r / keys % s->hkv, j = r % keys;
        const float *k = cached(s, s->past ? floats(data, v->past_k) : NULL, floats(data, v->k), s->d, b, h, j);
        const float *x = cached(s, s->past ? floats(data, v->past_v) : NULL, floats(data, v->v), s->e, b, h, j);
        wrong += memcmp(k, floats(data, v->out[1]) + r * s->d, (size_t)s->d * sizeof *k) != 0;
        wrong += memcmp(x, floats(data, v->out[2]) + r * s->e, (size_t)s->e * sizeof *x) != 0;
    }
    return wrong;
}

static int32_t operand(struct assay_graph *g, const char *name, const struct attention *s, int64_t heads, int64_t n, int64_t width)
{
    return s->packed ? assay_graph_input(g, name, ASSAY_F32, 3, (int64_t[]){s->b, n, heads * width}, ASSAY_FILL_SIGNED)
                     : assay_graph_input(g, name, ASSAY_F32, 4, (int64_t[]){s->b, heads, n, width}, ASSAY_FILL_SIGNED);
}

static void build(struct assay_graph *g, const struct attention *s, struct values *v)
{
    static const char *const names[] = {"y", "present_k", "present_v"};
    struct assay_error       err = {0};
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("is_causal", s->causal), ASSAY_ATTR_FLOAT("softcap", s->softcap),
                                 ASSAY_ATTR_FLOAT("scale", 4 / sqrt((double)s->d)), ASSAY_ATTR_INT("q_num_heads", s->hq),
                                 ASSAY_ATTR_INT("kv_num_heads", s->hkv), ASSAY_ATTR_END};
    v->q = operand(g, "q", s, s->hq, s->s, s->d);
    v->k = operand(g, "k", s, s->hkv, s->t, s->d);
    v->v = operand(g, "v", s, s->hkv, s->t, s->e);
    v->mask = v->past_k = v->past_v = ASSAY_NO_VALUE;
    if (s->mask)
        v->mask = assay_graph_input(g, "mask", s->mask == ADDED ? ASSAY_F32 : ASSAY_BOOL, 4, s->mask_dims,
                                    (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    if (s->past) {
        v->past_k = assay_graph_input(g, "past_k", ASSAY_F32, 4, (int64_t[]){s->b, s->hkv, s->past, s->d}, ASSAY_FILL_SIGNED);
        v->past_v = assay_graph_input(g, "past_v", ASSAY_F32, 4, (int64_t[]){s->b, s->hkv, s->past, s->e}, ASSAY_FILL_SIGNED);
    }
    assay_graph_op_outputs(g, "Attention", names, s->present ? 3 : 1,
                           (int32_t[]){v->q, v->k, v->v, v->mask, v->past_k, v->past_v}, s->past ? 6 : s->mask ? 4 : 3, attrs,
                           v->out);
    for (int i = 0; i < (s->present ? 3 : 1); i++)
        assay_graph_output(g, v->out[i]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "case %td: %s", s - cases, err.message);
}

static void check(struct device *d, const struct attention *s, const char *what)
{
    struct assay_graph *g = assay_graph_new("g");
    struct values       v;
    struct data         data;
    build(g, s, &v);
    data_new(g, &data);
    device_run(d, g, &data, false, what);
    size_t wrong = count_wrong(s, &v, &data);
    cr_expect_eq(wrong, 0, "%s: attention %td: %zu elements wrong", what, s - cases, wrong);
    if (s->present)
        cr_expect_eq(count_wrong_present(s, &v, &data), 0, "%s: attention %td: cache wrong", what, s - cases);
    data_free(&data);
    assay_graph_free(g);
}

Test(attention, agrees_with_its_definition_on_every_device, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++)
            check(&d, &cases[j], every_device[i]);
        device_close(&d);
    }
}

Test(attention, scores_as_an_output_and_short_masks_are_refused, .timeout = 10)
{
    static const char *const names[] = {"y", NULL, NULL, "scores"};
    struct device       d;
    struct assay_error  err = {0};
    char                why[300];
    struct assay_text   why_not = ASSAY_TEXT(why);
    struct assay_graph *g = assay_graph_new("g");
    int32_t             out[4];
    int64_t             dims[] = {1, 1, 3, 4};
    int32_t q = assay_graph_input(g, "q", ASSAY_F32, 4, dims, ASSAY_FILL_SIGNED);
    int32_t mask = assay_graph_input(g, "mask", ASSAY_F32, 2, (int64_t[]){3, 2}, ASSAY_FILL_SIGNED);
    assay_graph_op_outputs(g, "Attention", names, 4, (int32_t[]){q, q, q}, 3, NULL, out);
    int32_t y = assay_graph_op(g, "Attention", "z", (int32_t[]){q, q, q, mask}, 4, NULL);
    assay_graph_output(g, out[0]);
    assay_graph_output(g, out[3]);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    cr_expect(!d.backend->accepts(d.session, g, 0, &why_not));
    cr_expect(strstr(why, "scores"), "%s", why);
    why_not = ASSAY_TEXT(why);
    cr_expect(!d.backend->accepts(d.session, g, 1, &why_not));
    cr_expect(strstr(why, "does not reach all 3 keys"), "%s", why);
    device_close(&d);
    assay_graph_free(g);
}
