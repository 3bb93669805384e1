#include "harness/plan/plan.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct assay_error err;

/* Reads a suite of one workload, "gemm", with these members. */
static enum assay_code read_suite(const char *members, struct assay_plan *out)
{
    char  path[] = "/tmp/assay-suite-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    cr_assert_not_null(file);
    fprintf(file, "{\"format\":\"assay-suite/1\",\"name\":\"t\",\"cases\":[{\"workload\":\"gemm\",%s}]}", members);
    fclose(file);
    memset(&err, 0, sizeof err);
    enum assay_code code = assay_plan_read(path, out, &err);
    unlink(path);
    return code;
}

Test(suite, a_matrix_is_crossed_in_its_order)
{
    struct assay_plan plan;
    cr_assert_eq(read_suite("\"matrix\":{\"m,n\":[[4,5],[6,7]],\"//\":\"why\",\"k\":[1,2]}", &plan), ASSAY_OK, "%s", err.message);
    static const char *const wanted[] = {"k=1,m=4,n=5", "k=2,m=4,n=5", "k=1,m=6,n=7", "k=2,m=6,n=7"};
    cr_assert_eq(plan.n_cases, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect(strstr(plan.cases[i].name, wanted[i]), "%s", plan.cases[i].name);
    assay_plan_release(&plan);
}

/* So many that one call deeper for each would need more than any stack. */
Test(suite, any_number_of_comments_may_stand_in_a_matrix, .timeout = 60)
{
    enum { COMMENTS = 500000 };
    struct assay_plan plan;
    char             *members = malloc(20 * COMMENTS + 100), *at = members;
    at += sprintf(at, "\"matrix\":{");
    for (int i = 0; i < COMMENTS; i++)
        at += sprintf(at, "\"//%d\":0,", i);
    (void)sprintf(at, "\"m\":[3]}");
    cr_assert_eq(read_suite(members, &plan), ASSAY_OK, "%s", err.message);
    cr_expect_eq(plan.n_cases, 1);
    assay_plan_release(&plan);
    free(members);
}

Test(suite, a_case_that_stands_twice_is_named)
{
    struct assay_plan plan;
    cr_expect_eq(read_suite("\"matrix\":{\"m\":[3,4,3]}", &plan), ASSAY_DATA);
    cr_expect(strstr(err.message, "stands there twice"), "%s", err.message);
}

/* Comparing every case with every other took 24 s for 100 000; the limit here is generous for slow machines. */
Test(suite, many_cases_do_not_take_their_square, .timeout = 120)
{
    struct assay_plan plan;
    char              members[4000] = "\"matrix\":{", list[800] = "", *at = list;
    double            seconds[2];
    for (int i = 1; i <= 30; i++)
        at += sprintf(at, "%s%d", i > 1 ? "," : "", i);
    for (int round = 0; round < 2; round++) {
        struct timespec begin, end;
        (void)snprintf(members, sizeof members, "\"matrix\":{\"m\":[%s],\"n\":[%s],\"k\":[%s]}", list, list,
                       round ? list : "1,2,3");
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        cr_assert_eq(read_suite(members, &plan), ASSAY_OK, "%s", err.message);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        seconds[round] = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
        cr_expect_eq(plan.n_cases, round ? 27000 : 2700);
        assay_plan_release(&plan);
    }
    cr_expect_lt(seconds[1], 30 * seconds[0], "10 times the cases took %.2f s instead of %.2f s", seconds[1], seconds[0]);
}

Test(suite, a_repeat_that_is_too_long_is_refused_and_not_cut)
{
    struct assay_plan plan;
    char              zeros[100], members[300];
    memset(zeros, '0', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = 0;
    (void)snprintf(members, sizeof members, "\"repeat\":{\"min_s\":\"0.5%ss\"}", zeros);
    cr_expect_eq(read_suite(members, &plan), ASSAY_DATA, "it would be read as without its end");
    cr_expect(strstr(err.message, "min_s"), "%s", err.message);
}
