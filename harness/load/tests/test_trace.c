#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/load/trace.h"

static struct assay_error err;
static struct assay_trace t;

/* The text as a file, opened for a data set of 100 samples. */
static enum assay_code opened(const char *text)
{
    char  path[] = "/tmp/assay-trace-XXXXXX";
    int   fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    (void)fclose(file);
    memset(&err, 0, sizeof err);
    enum assay_code code = assay_trace_open(path, 100, &t, &err);
    unlink(path);
    return code;
}

static void refuses(const char *text, const char *message)
{
    cr_expect_eq(opened(text), ASSAY_DATA, "'%s'", text);
    cr_expect(strstr(err.message, message), "'%s' gave: %s", text, err.message);
}

Test(trace, all_columns_are_read_with_either_line_end_and_without_the_last_one)
{
    struct assay_trace_row row;
    cr_assert_eq(opened("scheduled_ns,sample_index,prompt_tokens,output_tokens\r\n0,7,1000,20\r\n5,99,3,4\n5,0,0,0"), ASSAY_OK, "%s",
                 err.message);
    cr_expect_eq(t.n, 3);
    cr_expect(assay_trace_next(&t, &row) && row.scheduled_ns == 0 && row.sample == 7 && row.prompt_tokens == 1000 && row.output_tokens == 20);
    cr_expect(assay_trace_next(&t, &row) && row.scheduled_ns == 5 && row.sample == 99);
    cr_expect(assay_trace_next(&t, &row) && row.scheduled_ns == 5 && row.sample == 0);
    cr_expect_not(assay_trace_next(&t, &row));
    cr_expect_not(assay_trace_next(&t, &row), "the end stays the end");
    cr_expect(t.longest_line == 2 && t.longest.prompt_tokens == 1000);
    assay_trace_close(&t);
}

Test(trace, times_alone_are_a_trace)
{
    cr_assert_eq(opened("scheduled_ns\n1\n2\n"), ASSAY_OK, "%s", err.message);
    cr_expect(!t.has_sample && !(t.rows.header == 2) && t.n == 2);
    assay_trace_close(&t);
}

Test(trace, what_is_wrong_is_told_with_its_line)
{
    refuses("", ":1: this is no header");
    refuses("time\n1\n", ":1: this is no header");
    refuses("scheduled_ns\n", "there is no arrival");
    refuses("scheduled_ns\n-1\n", ":2: scheduled_ns must be a whole number that is not negative or absurd, got '-1'");
    refuses("scheduled_ns\n1\n1.5\n", ":3: scheduled_ns must be a whole number that is not negative or absurd, got '1.5'");
    refuses("scheduled_ns\n9223372036854775807\n", ":2: scheduled_ns must be a whole number that is not negative or absurd, got '9223372036854775807'");
    refuses("scheduled_ns\n1\n\n", ":3: scheduled_ns must be");
    refuses("scheduled_ns\n5\n4\n", ":3: times must not fall, 4 ns comes after 5 ns");
    refuses("scheduled_ns\n99999999999999999999\n", ":2: scheduled_ns must be");
    refuses("scheduled_ns,sample_index\n5\n", ":2: sample_index must be a whole number that is not negative or absurd, got ''");
    refuses("scheduled_ns,sample_index\n5,1,2\n", ":2: 2 values are wanted, got '5,1,2'");
    refuses("scheduled_ns,sample_index\n5,-1\n", ":2: sample_index must be a whole number that is not negative or absurd, got '-1'");
    refuses("scheduled_ns,sample_index\n5,1e3\n", ":2: sample_index must be a whole number that is not negative or absurd, got '1e3'");
    refuses("scheduled_ns,sample_index\n5,100\n", ":2: sample_index 100 is not below the 100 samples");
    refuses("scheduled_ns,sample_index,prompt_tokens,output_tokens\n5,1,2,-3\n", ":2: output_tokens must be");
    refuses("scheduled_ns,sample_index,prompt_tokens,output_tokens\n5,1,100000001,3\n", ":2: prompt_tokens must be");
    refuses("scheduled_ns\n1 \n", "got '1 '");
    refuses("scheduled_ns\n\x1b[31m\n", "got '\\x1b[31m'");
}

Test(trace, a_zero_byte_and_a_file_that_is_not_there_are_refused)
{
    char  path[] = "/tmp/assay-trace-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    cr_assert_not_null(file);
    (void)fwrite("scheduled_ns\n1\n\0002\n", 1, 18, file);
    (void)fclose(file);
    memset(&err, 0, sizeof err);
    cr_expect_eq(assay_trace_open(path, 100, &t, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "zero byte"), "%s", err.message);
    unlink(path);
    memset(&err, 0, sizeof err);
    cr_expect_eq(assay_trace_open(path, 100, &t, &err), ASSAY_IO);
}
