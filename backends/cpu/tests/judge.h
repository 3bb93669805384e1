/* For tests of one op on this back end: a node from text, run on every device, compared with the reference's bound. */
#ifndef CPU_TESTS_JUDGE_H
#define CPU_TESTS_JUDGE_H

#include "backends/cpu/tests/device.h"
#include "harness/ir/tests/sketch.h"
#include "reference/reference.h"

struct judged {
    const char *op, *inputs, *attrs;
    size_t      n_outputs;
    float       low, high; /* inputs are uniform in [low, high) */
    float       grid;      /* not 0: inputs are multiples of it, so that many are equal */
};

static inline void spread_inputs(const struct assay_graph *g, const struct judged *j, struct data *data)
{
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        for (uint64_t i = 0; value->role == ASSAY_ROLE_INPUT && value->dtype == ASSAY_F32 && i < value->elements; i++) {
            float x = j->low + (j->high - j->low) * 0.5f * (1.0f + floats(data, (int32_t)v)[i]);
            ((float *)data->at[v])[i] = j->grid > 0 ? j->grid * floorf(x / j->grid) : x;
        }
    }
}

static inline void compare_output(const struct assay_graph *g, struct assay_reference *r, const struct data *data, int32_t v,
                                  const struct judged *j, const char *device)
{
    uint64_t            n = assay_graph_value(g, v)->elements, wrong = 0, first = 0;
    double             *want = calloc(n + 1, sizeof *want), *bound = calloc(n + 1, sizeof *bound);
    int64_t            *index = calloc(n + 1, sizeof *index);
    struct assay_error  err = {0};
    for (uint64_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(r, v, n, index, want, bound, &err), ASSAY_OK, "%s", err.message);
    for (uint64_t i = n; i-- > 0;) {
        double got = (double)floats(data, v)[i];
        bool   same = isnan(want[i]) ? isnan(got) : got == want[i];
        if (isfinite(want[i]))
            same = isfinite(bound[i]) && fabs(got - want[i]) <= bound[i];
        wrong += !same;
        first = same ? first : i;
    }
    cr_expect_eq(wrong, 0, "%s: %s(%s; %s): %llu of %llu elements of '%s' wrong, [%llu] is %.9g, not %.9g +- %.2g", device, j->op,
                 j->inputs, j->attrs, (unsigned long long)wrong, (unsigned long long)n, assay_graph_value(g, v)->name,
                 (unsigned long long)first, (double)floats(data, v)[first], want[first], bound[first]);
    free(want);
    free(bound);
    free(index);
}

static inline void judge(struct device *d, const struct judged *j, const char *device)
{
    struct assay_error      err = {0};
    struct assay_graph     *g = sketch(j->op, j->inputs, j->attrs, j->n_outputs);
    struct assay_reference *r;
    struct data             data;
    const void             *bound[MAX_VALUES] = {NULL};
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s(%s; %s): %s", j->op, j->inputs, j->attrs, err.message);
    data_new(g, &data);
    spread_inputs(g, j, &data);
    for (uint32_t v = 0; v < g->n_values; v++)
        bound[v] = data.at[v];
    device_run(d, g, &data, false, device);
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t o = 0; o < g->nodes[0].n_outputs; o++)
        compare_output(g, r, &data, g->nodes[0].outputs[o], j, device);
    assay_reference_free(r);
    data_free(&data);
    assay_graph_free(g);
}

static inline void judge_all(const struct judged *table, size_t n)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < n; j++)
            judge(&d, &table[j], every_device[i]);
        device_close(&d);
    }
}

#endif
