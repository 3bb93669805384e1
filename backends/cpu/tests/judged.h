/* A node from text (harness/ir/tests/sketch.h), run on every device and judged by the reference with its own bounds. */
#ifndef CPU_TESTS_JUDGED_H
#define CPU_TESTS_JUDGED_H

#include "backends/cpu/tests/device.h"
#include "harness/ir/tests/sketch.h"
#include "reference/reference.h"

struct judged {
    const char *op, *inputs, *attrs;
    int         n_outputs;
    double      stretch; /* float inputs are uniform in [-stretch, stretch); 0: 1 */
    int64_t     below;   /* integer inputs are in 0..below-1 */
};

/* data_new knows no ranges: floats are stretched, integers made. */
static inline void judged_fill(const struct assay_graph *g, const struct judged *c, struct data *data)
{
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        if (value->producer >= 0 || !data->at[v])
            continue;
        for (uint64_t i = 0; i < value->elements; i++) {
            int64_t whole = (int64_t)(fabsf(random_float()) * (float)(c->below ? c->below : 1));
            if (value->dtype == ASSAY_F32 && c->stretch > 0)
                ((float *)data->at[v])[i] *= (float)c->stretch;
            else if (value->dtype == ASSAY_I64)
                ((int64_t *)data->at[v])[i] = whole;
            else if (value->dtype == ASSAY_I32)
                ((int32_t *)data->at[v])[i] = (int32_t)whole;
        }
    }
}

/* Elements of the value off by more than their bounds; *open counts those of which the reference says nothing. */
static inline size_t judged_wrong(struct assay_reference *r, const struct assay_graph *g, int32_t value, const float *got,
                                  size_t *open)
{
    struct assay_error err = {0};
    size_t   n = assay_graph_value(g, value)->elements, wrong = 0;
    int64_t *index = malloc((n + 1) * sizeof *index);
    double  *want = malloc((n + 1) * sizeof *want), *bound = malloc((n + 1) * sizeof *bound);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(r, value, n, index, want, bound, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < n; i++) {
        *open += isinf(bound[i]) != 0;
        bool same = isnan(want[i]) ? isnan(got[i]) : want[i] == (double)got[i];
        wrong += !same && !(fabs((double)got[i] - want[i]) <= bound[i]) && !isinf(bound[i]);
    }
    free(index);
    free(want);
    free(bound);
    return wrong;
}

/* Aliased inputs change as they are run; `data` holds what they were. */
static inline void judged_compare(const struct assay_graph *g, const struct data *before, const struct data *after,
                                  const char *what)
{
    struct assay_error      err = {0};
    struct assay_reference *r;
    const void             *bound[MAX_VALUES] = {NULL};
    size_t                  open = 0, all = 0;
    for (uint32_t v = 0; v < g->n_values; v++)
        bound[v] = before->at[v];
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        if (value->role != ASSAY_ROLE_OUTPUT)
            continue;
        const void *at = value->alias_of == ASSAY_NO_VALUE ? after->at[v] : after->at[value->alias_of];
        size_t wrong = judged_wrong(r, g, (int32_t)v, at, &open);
        all += value->elements;
        cr_expect_eq(wrong, 0, "%s: '%s': %zu of %zu elements wrong", what, value->name, wrong, (size_t)value->elements);
    }
    cr_expect(4 * open <= 3 * all, "%s: of %zu of %zu elements nothing can be said", what, open, all);
    assay_reference_free(r);
}

static inline void judge_one(struct device *d, const struct judged *c, const char *device)
{
    struct assay_error  err = {0};
    struct assay_graph *g = sketch(c->op, c->inputs, c->attrs, (size_t)c->n_outputs);
    struct data         data;
    char                what[500];
    (void)snprintf(what, sizeof what, "%s: %s(%s; %s)", device, c->op, c->inputs, c->attrs);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", what, err.message);
    data_new(g, &data);
    judged_fill(g, c, &data);
    device_run(d, g, &data, false, what);
    judged_compare(g, &data, &data, what);
    data_free(&data);
    assay_graph_free(g);
}

static inline void judge_all(const struct judged *cases, size_t n)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < n; j++)
            judge_one(&d, &cases[j], every_device[i]);
        device_close(&d);
    }
}

/* What the device says against the only node of the sketch; "" when it takes it. */
static inline void judge_refusal(const char *op, const char *inputs, const char *attrs, int n_outputs, const char *expected)
{
    struct device       d;
    struct assay_error  err = {0};
    char                why[300] = "";
    struct assay_text   why_not = ASSAY_TEXT(why);
    struct assay_graph *g = sketch(op, inputs, attrs, (size_t)n_outputs);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    cr_expect(!d.backend->accepts(d.session, g, 0, &why_not), "%s(%s) is taken", op, inputs);
    cr_expect(strstr(why, expected), "%s", why);
    device_close(&d);
    assay_graph_free(g);
}

#endif
