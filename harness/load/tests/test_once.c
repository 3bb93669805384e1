#include "harness/load/tests/fake.h"

#include "harness/load/once.h"

#include "assay/banned.h"

static void values(float *x, float first)
{
    for (int i = 0; i < FAKE_N; i++)
        x[i] = first + (float)i;
}

static enum assay_code make(const struct assay_graph *g, const float *a, const float *b, struct assay_once **out, struct assay_error *err)
{
    const void *given[3] = {a, b, NULL};
    memset(err, 0, sizeof *err);
    return assay_once_new(&fake_backend, NULL, g, given, out, err);
}

Test(once, gives_what_the_device_makes_of_what_it_was_given)
{
    struct assay_graph *g = fake_graph();
    struct assay_once  *once = NULL;
    struct assay_error  err;
    float               a[FAKE_N], w[FAKE_N], c[FAKE_N];
    fake.device.clock = ASSAY_CLOCK_HOST;
    values(a, 1);
    values(w, 100);
    cr_assert_eq(make(g, a, w, &once, &err), ASSAY_OK, "%s", err.message);
    for (int round = 0; round < 2; round++) {
        values(a, 1 + (float)round);
        cr_assert_eq(assay_once_give(once, 0, a, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_once_run(once, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_once_get(once, 2, c, &err), ASSAY_OK, "%s", err.message);
        for (int i = 0; i < FAKE_N; i++)
            cr_expect_eq(c[i], a[i] + w[i]);
    }
    cr_expect_eq(fake.n_bindings, 2, "a param that stays is fixed when the program is compiled");
    assay_once_free(once);
    fake_expect_nothing_left();
    assay_graph_free(g);
}

Test(once, a_state_goes_on_from_where_the_last_execution_left_it)
{
    struct assay_graph *g = fake_state_graph();
    struct assay_once  *once = NULL;
    struct assay_error  err;
    float               a[FAKE_N], s[FAKE_N], got[FAKE_N];
    fake.device.clock = ASSAY_CLOCK_HOST;
    values(a, 1);
    values(s, 0);
    cr_assert_eq(make(g, a, s, &once, &err), ASSAY_OK, "%s", err.message);
    for (int round = 1; round <= 3; round++) {
        cr_assert_eq(assay_once_run(once, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_once_get(once, 2, got, &err), ASSAY_OK, "%s", err.message);
        for (int i = 0; i < FAKE_N; i++)
            cr_expect_eq(got[i], s[i] + (float)round * a[i]);
    }
    assay_once_free(once);
    fake_expect_nothing_left();
    assay_graph_free(g);
}

Test(once, an_output_that_nobody_wrote_is_told_by_its_name)
{
    struct assay_graph *g = fake_graph();
    struct assay_once  *once = NULL;
    struct assay_error  err;
    float               a[FAKE_N], w[FAKE_N];
    fake.device.clock = ASSAY_CLOCK_HOST;
    values(a, 1);
    values(w, 2);
    fake.fault = FAKE_WRITES_NOTHING;
    cr_assert_eq(make(g, a, w, &once, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_once_run(once, &err), ASSAY_DEVICE);
    cr_expect(strstr(err.message, "'C' was not written"), "%s", err.message);
    assay_once_free(once);
    assay_graph_free(g);
}

Test(once, whatever_call_fails_nothing_is_left_behind)
{
    struct assay_graph *g = fake_graph();
    float               a[FAKE_N], w[FAKE_N], c[FAKE_N];
    bool                done = false;
    fake.device.clock = ASSAY_CLOCK_HOST;
    values(a, 1);
    values(w, 2);
    for (uint64_t n = 1; !done; n++) {
        struct assay_once *once = NULL;
        struct assay_error err;
        fake.calls = 0;
        fake.fail_call = n;
        done = !make(g, a, w, &once, &err) && !assay_once_run(once, &err) && !assay_once_get(once, 2, c, &err);
        cr_expect(done || err.code == ASSAY_DEVICE, "%llu: %s", (unsigned long long)n, err.message);
        cr_assert_lt(n, 100);
        assay_once_free(once);
        fake_expect_nothing_left();
    }
    assay_graph_free(g);
}
