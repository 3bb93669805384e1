#include "simulate.h"

static struct seen seen;

struct setting {
    int64_t b, hq, hk, l, s, p, d, dv; /* batch, heads, queries, new keys, past keys, widths */
    int mask;                          /* 0 none, 1 bool, 2 added, 3 bool and shorter than the keys */
    bool causal, flat;
    double softcap, size;
    enum assay_dtype dtype;
};

enum { DEVICE_PLAIN, DEVICE_RUNNING, DEVICE_ROUNDED_WEIGHTS, DEVICE_BACKWARD, N_DEVICES, EXACT };

/* Element d of what is stored for (batch, head, position). */
static double fetch(const struct setting *t, const double *past, const double *x, int64_t heads, int64_t length,
                    int64_t width, int64_t b, int64_t h, int64_t j, int64_t d, int64_t before)
{
    if (j < before)
        return past[((b * heads + h) * before + j) * width + d];
    j -= before;
    return t->flat ? x[((b * length + j) * heads + h) * width + d] : x[((b * heads + h) * length + j) * width + d];
}

struct inputs {
    const double *q, *k, *v, *mask, *past_k, *past_v;
};

static double masked_score(const struct setting *t, const struct inputs *in, int64_t i, int64_t j, double score)
{
    int64_t total = t->p + t->s, length = t->mask == 3 ? total - 2 : total;
    if (t->causal && j > i + t->p)
        return -INFINITY;
    if (t->mask == 0)
        return score;
    if (j >= length)
        return -INFINITY;
    double m = in->mask[i * length + j];
    return t->mask == 2 ? score + m : m != 0 ? score : -INFINITY;
}

/* One output element in float; EXACT in long double. */
static long double simulated(const struct setting *t, const struct inputs *in, int way, int64_t b, int64_t h, int64_t i,
                             int64_t d)
{
    int64_t total = t->p + t->s, kv = h / (t->hq / t->hk);
    long double exact[64], top = 0, sum = 0, m = -INFINITY;
    float f_top = 0, f_sum = 0, f_m = -INFINITY, scores[64];
    double q[64], k[64];
    for (int64_t j = 0; j < total; j++) {
        for (int64_t c = 0; c < t->d; c++) {
            q[c] = fetch(t, NULL, in->q, t->hq, t->l, t->d, b, h, i, c, 0);
            k[c] = fetch(t, in->past_k, in->k, t->hk, t->s, t->d, b, kv, j, c, t->p);
        }
        long double s = exact_dot((size_t)t->d, q, 1, k, 1) / sqrtl((long double)t->d);
        float f =
            dot_f32(way == DEVICE_BACKWARD ? BACKWARD : FUSED, (size_t)t->d, q, 1, k, 1) * (1 / sqrtf((float)t->d));
        if (t->softcap > 0) {
            s = t->softcap * tanhl(s / t->softcap);
            f = (float)t->softcap * tanhf(f / (float)t->softcap);
        }
        exact[j] = masked_score(t, in, i, j, 0) == -INFINITY ? -INFINITY : s + masked_score(t, in, i, j, 0);
        scores[j] = masked_score(t, in, i, j, 0) == -INFINITY ? -INFINITY : f + (float)masked_score(t, in, i, j, 0);
        m = fmaxl(m, exact[j]);
        f_m = way == DEVICE_RUNNING ? f_m : fmaxf(f_m, scores[j]);
    }
    for (int64_t n = 0; n < total; n++) {
        int64_t j = way == DEVICE_BACKWARD ? total - 1 - n : n;
        double v = fetch(t, in->past_v, in->v, t->hk, t->s, t->dv, b, kv, j, d, t->p);
        top += expl(exact[j] - m) * v;
        sum += expl(exact[j] - m);
        if (way == DEVICE_RUNNING && scores[j] > f_m) {
            float shrink = expf(f_m - scores[j]);
            f_top *= shrink;
            f_sum *= shrink;
            f_m = scores[j];
        }
        float p = scores[j] == -INFINITY ? 0 : expf(scores[j] - f_m);
        f_sum += p;
        f_top = fmaf(way == DEVICE_ROUNDED_WEIGHTS ? (float)assay_round_to(t->dtype, p) : p, (float)v, f_top);
    }
    return way == EXACT ? top / sum : (long double)(f_top / f_sum);
}

static void made_attention(struct made *m, const struct setting *t, struct inputs *in, uint64_t seed)
{
    int64_t total = t->p + t->s;
    made_begin(m, seed);
    if (t->flat) {
        in->q = made_input(m, 0, t->dtype, DIMS(t->b, t->l, t->hq * t->d), -t->size, t->size, 0);
        in->k = made_input(m, 1, t->dtype, DIMS(t->b, t->s, t->hk * t->d), -t->size, t->size, 0);
        in->v = made_input(m, 2, t->dtype, DIMS(t->b, t->s, t->hk * t->dv), -1, 1, 0);
        made_output(m, 0, t->dtype, DIMS(t->b, t->l, t->hq * t->dv));
        made_attr(m, ASSAY_ATTR_INT("q_num_heads", t->hq));
        made_attr(m, ASSAY_ATTR_INT("kv_num_heads", t->hk));
    } else {
        in->q = made_input(m, 0, t->dtype, DIMS(t->b, t->hq, t->l, t->d), -t->size, t->size, 0);
        in->k = made_input(m, 1, t->dtype, DIMS(t->b, t->hk, t->s, t->d), -t->size, t->size, 0);
        in->v = made_input(m, 2, t->dtype, DIMS(t->b, t->hk, t->s, t->dv), -1, 1, 0);
        made_output(m, 0, t->dtype, DIMS(t->b, t->hq, t->l, t->dv));
    }
    if (t->mask) {
        double *mask = made_input(m, 3, t->mask == 2 ? t->dtype : ASSAY_BOOL,
                                  DIMS(t->l, t->mask == 3 ? total - 2 : total), -1, 1, 0);
        for (uint64_t i = 0; t->mask != 2 && i < m->in[3].elements; i++)
            mask[i] = i % 3 != 1;
        in->mask = mask;
    }
    if (t->p) {
        in->past_k = made_input(m, 4, t->dtype, DIMS(t->b, t->hk, t->p, t->d), -t->size, t->size, 0);
        in->past_v = made_input(m, 5, t->dtype, DIMS(t->b, t->hk, t->p, t->dv), -1, 1, 0);
    }
    made_output(m, 1, t->dtype, DIMS(t->b, t->hk, total, t->d));
    made_output(m, 2, t->dtype, DIMS(t->b, t->hk, total, t->dv));
    made_output(m, 3, t->dtype, DIMS(t->b, t->hq, t->l, total));
    made_attr(m, ASSAY_ATTR_INT("is_causal", t->causal));
    made_attr(m, ASSAY_ATTR_FLOAT("softcap", t->softcap));
}

static void try_attention(const struct setting *t, uint64_t seed)
{
    struct made m;
    struct inputs in = {0};
    double *value, *bound;
    made_attention(&m, t, &in, seed);
    made_all(&m, &assay_op_reference_Attention, 0, &value, &bound);
    for (int64_t n = 0; n < t->b * t->hq * t->l * t->dv; n++) {
        int64_t d = n % t->dv, i = n / t->dv % t->l, h = n / t->dv / t->l % t->hq, b = n / t->dv / t->l / t->hq;
        if (t->flat) {
            h = n / t->dv % t->hq;
            i = n / t->dv / t->hq % t->l;
        }
        long double exact = simulated(t, &in, EXACT, b, h, i, d);
        cr_assert_leq(fabs(value[n] - (double)exact), 1e-12, "element %d: %.17g, not %.17Lg", (int)n, value[n], exact);
        for (int way = 0; way < N_DEVICES; way++)
            see(&seen, assay_round_to(t->dtype, (double)simulated(t, &in, way, b, h, i, d)), value[n], bound[n]);
    }
    made_end(&m);
}

Test(attention, every_variant_is_its_definition_and_fused_devices_stay_within_the_bound)
{
    const struct setting settings[] = {
        {2, 2, 2, 5, 7, 0, 8, 6, 0, false, false, 0, 1, ASSAY_F32},
        {1, 4, 2, 6, 6, 0, 16, 4, 0, true, false, 0, 2, ASSAY_F32},
        {1, 4, 1, 3, 3, 5, 8, 8, 1, true, false, 0, 2, ASSAY_F32},
        {2, 6, 3, 4, 9, 0, 8, 5, 2, false, true, 0, 1, ASSAY_F32},
        {1, 2, 2, 5, 8, 4, 8, 5, 3, false, false, 3, 3, ASSAY_F32},
        {1, 4, 2, 1, 1, 30, 32, 8, 0, true, true, 0, 2, ASSAY_BF16},
        {1, 2, 1, 6, 20, 0, 16, 8, 2, true, false, 5, 4, ASSAY_F16},
        {1, 1, 1, 4, 40, 0, 64, 3, 0, false, false, 0, 6, ASSAY_F32},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        try_attention(&settings[i], i);
    cr_expect_eq(seen.above, 0, "%zu of %zu above, worst %g", seen.above, seen.n, seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.002, "median %g", middle);
}

Test(attention, faults_are_seen)
{
    struct made m;
    struct inputs in = {0};
    double *value, *bound;
    const struct setting t = {1, 2, 2, 4, 16, 0, 16, 4, 0, true, false, 0, 1, ASSAY_F32};
    struct setting wrong = t;
    made_attention(&m, &t, &in, 5);
    made_all(&m, &assay_op_reference_Attention, 0, &value, &bound);
    wrong.causal = false; /* the mask forgotten */
    for (int64_t n = 0; n < 8; n++)
        see(&seen, (double)simulated(&wrong, &in, DEVICE_PLAIN, 0, 0, n / 4, n % 4), value[n], bound[n]);
    cr_expect_eq(seen.above, 8);
    wrong = t;
    wrong.hk = 1; /* all heads read the first keys */
    size_t before = seen.above;
    for (int64_t n = 16; n < 32; n++)
        see(&seen, (double)simulated(&wrong, &in, DEVICE_PLAIN, 0, 1, n / 4 % 4, n % 4), value[n], bound[n]);
    cr_expect_eq(seen.above, before + 16);
    made_end(&m);
}

Test(attention, present_keys_and_scores_come_out_as_asked)
{
    struct made m;
    struct inputs in = {0};
    double *value, *bound;
    const struct setting t = {1, 2, 1, 2, 3, 2, 4, 3, 2, true, true, 2, 1, ASSAY_F32};
    made_attention(&m, &t, &in, 6);
    made_all(&m, &assay_op_reference_Attention, 1, &value, &bound);
    for (int i = 0; i < 20; i++) {
        cr_expect_eq(value[i], i < 8 ? in.past_k[i] : in.k[i - 8]);
        cr_expect_eq(bound[i], 0);
    }
    made_all(&m, &assay_op_reference_Attention, 2, &value, &bound);
    for (int i = 0; i < 15; i++)
        cr_expect_eq(value[i], i < 6 ? in.past_v[i] : in.v[i - 6]);
    made_attr(&m, ASSAY_ATTR_INT("qk_matmul_output_mode", 0));
    double raw = 0, capped, masked = 0;
    for (int c = 0; c < 4; c++)
        raw += in.q[4 + c] * in.past_k[4 + c] / 2; /* query 0, head 1, key 1 */
    capped = 2 * tanh(raw / 2);
    masked = capped + in.mask[1];
    const double expected[3] = {raw, capped, masked};
    for (int mode = 0; mode < 4; mode++) {
        m.attrs[m.node.n_attrs - 1].i = mode;
        made_all(&m, &assay_op_reference_Attention, 3, &value, &bound);
        if (mode < 3)
            cr_expect_float_eq(value[10 + 1], expected[mode], 1e-14, "mode %d", mode);
        double sum = 0;
        for (int j = 0; j < 5; j++)
            sum += value[10 + j];
        if (mode == 2)
            cr_expect_eq(value[10 + 4], -INFINITY, "query 0 sees two of the past and itself");
        if (mode == 3)
            cr_expect(fabs(sum - 1) < 1e-14 && value[10 + 4] == 0);
    }
    made_end(&m);
}

Test(attention, a_row_with_every_key_masked_asks_for_nothing)
{
    struct made m;
    struct inputs in = {0};
    double *value, *bound;
    const struct setting t = {1, 1, 1, 2, 3, 0, 4, 2, 1, false, false, 0, 1, ASSAY_F32};
    made_attention(&m, &t, &in, 6);
    double *mask = (double *)m.in[3].value;
    mask[0] = mask[1] = mask[2] = 0;
    made_all(&m, &assay_op_reference_Attention, 0, &value, &bound);
    cr_expect(isinf(bound[0]) && isinf(bound[1]));
    cr_expect(isfinite(value[2]) && bound[2] < 1e-4);
    made_end(&m);
}

Test(attention, folding_the_width_is_the_weighted_sum_of_its_elements)
{
    struct made m;
    struct inputs in = {0};
    struct assay_error err = {0};
    double *value, *bound, v[16], e[16], weight[6] = {1, -0.5, 0.25, 2, -1, 0.125};
    int64_t index[16];
    const struct setting t = {2, 2, 1, 4, 7, 3, 8, 6, 2, true, false, 0, 1, ASSAY_F32};
    made_attention(&m, &t, &in, 8);
    made_all(&m, &assay_op_reference_Attention, 0, &value, &bound);
    for (int i = 0; i < 16; i++)
        index[i] = 15 - i;
    cr_assert_eq(assay_op_reference_Attention.fold(&m.call, 3, weight, 16, index, v, e, &err), ASSAY_OK);
    for (int i = 0; i < 16; i++) {
        double sum = 0, bounds = 0;
        for (int d = 0; d < 6; d++) {
            sum += weight[d] * value[index[i] * 6 + d];
            bounds += fabs(weight[d]) * bound[index[i] * 6 + d];
        }
        cr_expect_float_eq(v[i], sum, 1e-13);
        cr_expect(e[i] >= bounds * (1 - 1e-6) && e[i] < 4 * bounds, "%g for %g", e[i], bounds);
    }
    made_end(&m);
}

Test(attention, raw_scores_in_any_order_and_scaled_anywhere_stay_within_a_bound_that_is_not_idle)
{
    struct made m;
    struct inputs in = {0};
    double *value, *bound;
    const struct setting t = {1, 2, 2, 6, 9, 0, 24, 2, 0, false, false, 0, 1, ASSAY_F32};
    made_attention(&m, &t, &in, 9);
    double *q = (double *)in.q, *k = (double *)in.k, scaled[24], root = sqrtf(1 / sqrtf(24));
    for (int i = 0; i < 2 * 6 * 24; i++) /* one sign, so that errors of the sum show */
        q[i] = fabs(q[i]);
    for (int i = 0; i < 2 * 9 * 24; i++)
        k[i] = fabs(k[i]);
    made_all(&m, &assay_op_reference_Attention, 3, &value, &bound);
    for (int i = 0; i < 2 * 6 * 9; i++) {
        const double *x = q + i / 9 * 24, *y = k + (i / 54 * 9 + i % 9) * 24;
        double other[24];
        for (int c = 0; c < 24; c++) {
            scaled[c] = (float)((float)x[c] * (float)root);
            other[c] = (float)((float)y[c] * (float)root);
        }
        for (int order = 0; order < N_ORDERS; order++) {
            see(&seen, dot_f32(order, 24, x, 1, y, 1) * (1 / sqrtf(24)), value[i], bound[i]);
            see(&seen, dot_f32(order, 24, scaled, 1, other, 1), value[i], bound[i]);
        }
    }
    cr_expect_eq(seen.above, 0, "worst %g", seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.02, "median %g", middle);
    made_end(&m);
}

/* ---- paged ------------------------------------------------------------------------------------------------------- */

/* One token that sees only itself, so that y is its value as a cache of bf16 has it. */
static enum assay_code paged(double v, const int64_t starts[2], int64_t past, double *y, double *bound, struct assay_error *err)
{
    float               q = 0, k = 0, narrow = (float)v;
    uint16_t            cache[2] = {0};
    int64_t             table[2] = {0, 1};
    int32_t             in[8], out[3];
    struct assay_graph *g = assay_graph_new("paged");
    const void         *data[32] = {NULL};
    struct assay_reference *r;
    in[0] = assay_graph_input(g, "q", ASSAY_F32, 2, (int64_t[]){1, 1}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "k", ASSAY_F32, 2, (int64_t[]){1, 1}, ASSAY_FILL_SIGNED);
    in[2] = assay_graph_input(g, "v", ASSAY_F32, 2, (int64_t[]){1, 1}, ASSAY_FILL_SIGNED);
    in[3] = assay_graph_input(g, "keys", ASSAY_BF16, 3, (int64_t[]){2, 1, 1}, ASSAY_FILL_SIGNED);
    in[4] = assay_graph_input(g, "values", ASSAY_BF16, 3, (int64_t[]){2, 1, 1}, ASSAY_FILL_SIGNED);
    in[5] = assay_graph_input(g, "table", ASSAY_I64, 2, (int64_t[]){1, 2}, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    in[6] = assay_graph_input(g, "starts", ASSAY_I64, 1, (int64_t[]){2}, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    in[7] = assay_graph_input(g, "past", ASSAY_I64, 1, (int64_t[]){1}, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    assay_graph_op_outputs(g, "assay.PagedAttention", (const char *const[]){"y", "keys_after", "values_after"}, 3, in, 8,
                           (struct assay_attr[]){ASSAY_ATTR_INT("q_num_heads", 1), ASSAY_ATTR_INT("kv_num_heads", 1), ASSAY_ATTR_END}, out);
    assay_graph_output(g, out[0]);
    assay_graph_output(g, out[1]);
    assay_graph_output(g, out[2]);
    cr_assert_eq(assay_graph_finish(g, err), ASSAY_OK, "%s", err->message);
    const void *const of[] = {&q, &k, &narrow, cache, cache, table, starts, &past};
    for (int i = 0; i < 8; i++)
        data[in[i]] = of[i];
    if (!assay_reference_new(g, data, &r, err)) {
        (void)assay_reference_at(r, out[0], 1, (int64_t[]){0}, y, bound, err);
        assay_reference_free(r);
    }
    assay_graph_free(g);
    return err->code;
}

Test(attention, what_enters_a_narrow_cache_is_rounded_once_and_nothing_is_left_to_the_device)
{
    struct assay_error err = {.code = ASSAY_OK};
    double             y, bound;
    cr_assert_eq(paged(1 + 0x1p-8, (int64_t[]){0, 1}, 0, &y, &bound, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(y, 1, "a tie goes to the even number, not %.17g", y);
    cr_expect_lt(bound, 0x1p-16, "half a unit of bf16 beside it would be seen: %g", bound);
    cr_assert_eq(paged(1 + 0x1p-8 + 0x1p-20, (int64_t[]){0, 1}, 0, &y, &bound, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(y, 1 + 0x1p-7, "%.17g", y);
}

Test(attention, starts_and_pasts_that_leave_64_bits_are_refused)
{
    static const struct { int64_t starts[2], past; const char message[40]; } rows[] = {
        {{0, 1}, 2, "room for 2"},           {{0, 1}, INT64_MAX, "room for 2"},         {{0, 1}, INT64_MIN, "room for 2"},
        {{0, INT64_MAX}, 0, "owns rows 0 to"}, {{INT64_MIN, INT64_MAX}, 0, "owns rows -9"}, {{INT64_MAX, INT64_MIN}, 0, "owns rows 9"}};
    double y, bound;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_error err = {.code = ASSAY_OK};
        cr_expect(paged(1, rows[i].starts, rows[i].past, &y, &bound, &err) == ASSAY_DATA && strstr(err.message, rows[i].message), "row %zu: %s", i,
                  err.message);
    }
    struct assay_error err = {.code = ASSAY_OK};
    cr_expect_eq(paged(1, (int64_t[]){0, 1}, 1, &y, &bound, &err), ASSAY_OK, "one token behind one fits: %s", err.message);
    cr_expect_eq(paged(1, (int64_t[]){0, 0}, INT64_MAX, &y, &bound, &err), ASSAY_OK, "no token, whatever stands before: %s", err.message);
}
