#include "harness/run/course.h"

#include <criterion/criterion.h>
#include <string.h>

static struct assay_record         record;
static const struct assay_case_job job;
static struct assay_course         course = {.job = &job, .record = &record};

Test(course, remarks_stand_behind_each_other)
{
    assay_course_remark(&course, "%d input sets", 4);
    cr_expect_str_eq(record.noise_complaint, "4 input sets");
    assay_course_remark(&course, "ended at the limit");
    cr_expect_str_eq(record.noise_complaint, "4 input sets; ended at the limit");
}

Test(course, remarks_end_where_the_record_has_no_more_room)
{
    char long_remark[sizeof record.noise_complaint];
    memset(long_remark, 'x', sizeof long_remark);
    long_remark[sizeof long_remark - 3] = 0; /* "; " takes what is left */
    assay_course_remark(&course, "%s", long_remark);
    assay_course_remark(&course, "y");
    assay_course_remark(&course, "z");
    cr_expect_eq(strlen(record.noise_complaint), sizeof record.noise_complaint - 1);
    cr_expect_null(strpbrk(record.noise_complaint, "yz"));
}

Test(course, memory_settles_once)
{
    assay_course_settle(&course, 7);
    assay_course_settle(&course, 9);
    cr_expect_eq(course.settled_n, 7);
    cr_expect_gt(course.memory_before[1], 0);
}

Test(course, only_a_folder_that_takes_no_files_is_to_blame)
{
    struct assay_error err = {.code = ASSAY_MEMORY};
    cr_expect_eq(assay_course_unmade(&course, &err), ASSAY_MEMORY);
    cr_expect_not(course.unstored);
    err.code = ASSAY_IO;
    cr_expect_eq(assay_course_unmade(&course, &err), ASSAY_IO);
    cr_expect(course.unstored);
}
