#include "harness/judge/soak.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/store/tests/scratch.h"

#include "assay/banned.h"

static struct scratch     s;
static struct assay_error err;

static void begin(void)
{
    s = scratch_new();
    memset(&err, 0, sizeof err);
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(soak_read, .init = begin, .fini = end, .timeout = 60);

/* A stretch of a case in which `mismatches` of a hundred executions differ. */
static void append(const char *name, uint32_t number, uint64_t mismatches, enum assay_soak_end how)
{
    struct assay_soak_file   *f = NULL;
    struct assay_soak_stretch x = {.id = "0123456789abcdef", .backend = "cpu:host", .number = number, .end = how, .begun_utc_ns = 1795714649241837943u,
                                   .wall_ns = 60, .busy_ns = 30, .iterations = 100, .mismatches = mismatches};
    (void)snprintf(x.case_name, sizeof x.case_name, "%s", name);
    if (how != ASSAY_SOAK_COMPLETE)
        (void)snprintf(x.reason, sizeof x.reason, "worker killed by SIGSEGV");
    cr_assert_eq(assay_soak_file_open(s.path, true, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_soak_file_append(f, &x, &err), ASSAY_OK, "%s", err.message);
    assay_soak_file_close(f);
}

Test(soak_read, a_folder_that_was_never_soaked_has_no_rows)
{
    struct assay_soak soak;
    cr_assert_eq(assay_soak_read(s.path, &soak, &err), ASSAY_OK, "%s", err.message);
    cr_expect(soak.n == 0 && soak.all.iterations == 0 && soak.n_trouble == 0);
    assay_soak_release(&soak);
}

Test(soak_read, stretches_add_up_case_by_case)
{
    struct assay_soak soak;
    append("gemm/m=8", 0, 0, ASSAY_SOAK_COMPLETE);
    append("softmax/rows=4", 0, 3, ASSAY_SOAK_COMPLETE);
    append("gemm/m=8", 1, 0, ASSAY_SOAK_CRASHED);
    cr_assert_eq(assay_soak_read(s.path, &soak, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(soak.n, 2);
    cr_expect(!strcmp(soak.row[0].name, "gemm/m=8") && soak.row[0].iterations == 200 && soak.row[0].busy_ns == 60 && soak.row[0].crashed == 1);
    cr_expect_str_eq(soak.row[0].reason, "worker killed by SIGSEGV");
    cr_expect(soak.row[1].mismatches == 3 && !*soak.row[1].why_not);
    cr_expect(soak.all.iterations == 300 && soak.all.mismatches == 3 && soak.all.stretches == 3);
    cr_expect_eq(soak.n_trouble, 2, "one that differs and one that crashed");
    assay_soak_release(&soak);
}

/* More than half is no rare error: half is. */
Test(soak_read, a_stretch_most_of_whose_outputs_differ_is_in_no_rate)
{
    struct assay_soak soak;
    append("gemm/m=8", 0, 50, ASSAY_SOAK_COMPLETE);
    append("softmax/rows=4", 0, 51, ASSAY_SOAK_COMPLETE);
    cr_assert_eq(assay_soak_read(s.path, &soak, &err), ASSAY_OK, "%s", err.message);
    cr_expect(!soak.row[0].is_wrong && soak.row[1].is_wrong && strstr(soak.row[1].why_not, "51 of 100 outputs of a stretch differ"));
    cr_expect(soak.all.iterations == 100 && soak.all.mismatches == 50);
    assay_soak_release(&soak);
}

Test(soak_read, what_is_no_soak_is_refused)
{
    struct assay_soak soak;
    put_bytes(in(&s, "soak.jsonl"), "{}\n{}\n", 6);
    cr_expect_neq(assay_soak_read(s.path, &soak, &err), ASSAY_OK);
    cr_expect(strstr(err.message, "soak.jsonl"), "%s", err.message);
    assay_soak_release(&soak);
}
