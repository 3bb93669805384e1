#include <math.h>

#include "harness/judge/verdict.h"
#include "harness/store/tests/scratch.h"

/* Every member differs from 0 and from every other. */
static struct assay_verdict verdict_of(unsigned i)
{
    struct assay_verdict v;
    memset(&v, 0, sizeof v);
    (void)snprintf(v.case_name, sizeof v.case_name, "gemm/k=%u", i);
    (void)snprintf(v.id, sizeof v.id, "%016x", i);
    (void)snprintf(v.backend, sizeof v.backend, "cpu:\"host\"\n\x1b");
    v.launch = 7 + i;
    v.check.outcome = (enum assay_outcome)(1 + i % 5);
    v.check.assurance = (enum assay_assurance)(i % 5);
    (void)snprintf(v.check.why, sizeof v.check.why, "because %u", i);
    (void)snprintf(v.check.worst_value, sizeof v.check.worst_value, "y%u", i);
    v.check.elements = 11, v.check.sums = 12, v.check.of_elements = UINT64_MAX;
    v.check.worst_ratio = i % 2 ? NAN : INFINITY, v.check.median_ratio = 1.0 / 3;
    v.check.worst_index = i % 2 ? -1 : INT64_MAX, v.check.worst_iteration = 13;
    v.check.worst_observed = -INFINITY, v.check.worst_expected = 0.1, v.check.worst_bound = 1e-300;
    v.check.smallest_fault = 0.7, v.check.iterations = 14, v.check.chosen = 15, v.check.judged = 16, v.check.equal = 17;
    v.check.cheat_share_found = 0.05, v.check.not_finite = 18, v.check.poison_left = 19, v.check.zeros = 20;
    return v;
}

Test(verdict, comes_back_with_every_member_as_it_was)
{
    enum { N = 10 };
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_verdict was[N], *now = NULL;
    size_t n = 7;
    cr_expect_eq(assay_verdicts_read(s.path, &now, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect(n == 0 && !now, "a folder that was not validated");
    for (unsigned i = 0; i < N; i++)
        was[i] = verdict_of(i);
    for (unsigned round = 0; round < 2; round++) { /* made anew as a whole every time */
        cr_assert_eq(assay_verdicts_write(s.path, was, N, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_verdicts_read(s.path, &now, &n, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(n, (size_t)N);
        cr_expect_eq(memcmp(was, now, sizeof was), 0);
        free(now);
    }
    cr_assert_eq(assay_verdicts_write(s.path, was, 0, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_verdicts_read(s.path, &now, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(n, 0u);
    free(now);
    scratch_remove(&s);
}

Test(verdict, names_the_line_that_is_none)
{
    static const struct {
        char find[32], put[32], says[64];
    } rows[] = {
        {"\"pass\"", "\"good\"", "'outcome' must be one of pass"},
        {"\"pass\"", "null", "'outcome' must be the name of an outcome"},
        {"\"zeros\"", "\"zero\"", "'zeros' must be a whole number"},
        {"\"zeros\":20", "\"zeros\":20,\"x\":1", "'x' is not known"},
        {"}\n", "}", "verdicts.jsonl:2: the line is cut off"},
        {"}\n", "\n", "verdicts.jsonl:2:"},
    };
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_verdict v[2] = {verdict_of(1), verdict_of(5)}, *now = NULL;
    size_t bytes, n = 0;
    cr_assert_eq(assay_verdicts_write(s.path, v, 2, &err), ASSAY_OK, "%s", err.message);
    char *good = get_bytes(in(&s, "verdicts.jsonl"), &bytes), bad[8192];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *second = strchr(good, '\n') + 1, *at = strstr(second, rows[i].find);
        cr_assert(at, "row %zu", i);
        int length =
            snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - good), good, rows[i].put, at + strlen(rows[i].find));
        put_bytes(in(&s, "verdicts.jsonl"), bad, (size_t)length);
        cr_expect_eq(assay_verdicts_read(s.path, &now, &n, &err), ASSAY_DATA, "row %zu", i);
        cr_expect(strstr(err.message, rows[i].says), "row %zu: %s", i, err.message);
        cr_expect(strstr(err.message, ":2:") || strstr(err.frame[0], ":2"), "row %zu does not name its line", i);
    }
    cr_expect_eq(assay_verdicts_write("/proc/nowhere", v, 2, &err), ASSAY_IO);
    free(good);
    scratch_remove(&s);
}
