#include "harness/store/tests/scratch.h"
#include "reports/mlperf/log_file.h"

#define LINE(rest) ":::MLLOG {" rest ", \"metadata\": {\"is_error\": false}}\n"

static struct scratch          s;
static struct assay_mlperf_log log_of;
static struct assay_error      err;

static void begin(void)
{
    s = scratch_new();
}

static void end(void)
{
    assay_mlperf_log_release(&log_of);
    scratch_remove(&s);
}

TestSuite(log_file, .init = begin, .fini = end);

static enum assay_code reads(const char *text)
{
    put_bytes(in(&s, "log"), text, strlen(text));
    err = (struct assay_error){0};
    return assay_mlperf_log_read(in(&s, "log"), &log_of, &err);
}

Test(log_file, values_keep_their_kind_and_all_their_digits)
{
    uint64_t whole;
    double   real;
    bool     truth;
    cr_assert_eq(reads(LINE("\"key\": \"seed\", \"value\": 16159082839903944936") LINE("\"key\": \"small\", \"value\": 7")
                       LINE("\"key\": \"rate\", \"value\": 12.5") LINE("\"key\": \"yes\", \"value\": true")
                       LINE("\"key\": \"text\", \"value\": \"16159082839903944936, {\\\" 12345678901234567890 }\"")), ASSAY_OK, "%s", err.message);
    cr_expect(assay_mlperf_log_u64(&log_of, "seed", &whole) && whole == 16159082839903944936u, "beyond 2^63 - 1");
    cr_expect(assay_mlperf_log_u64(&log_of, "small", &whole) && whole == 7);
    cr_expect(assay_mlperf_log_f64(&log_of, "rate", &real) && real == 12.5);
    cr_expect(assay_mlperf_log_f64(&log_of, "seed", &real) && real == 16159082839903944936.0);
    cr_expect(assay_mlperf_log_truth(&log_of, "yes", &truth) && truth);
    cr_expect_str_eq(assay_mlperf_log_text(&log_of, "text"), "16159082839903944936, {\" 12345678901234567890 }");
    cr_expect(!assay_mlperf_log_u64(&log_of, "text", &whole) && !assay_mlperf_log_u64(&log_of, "rate", &whole) && !assay_mlperf_log_u64(&log_of, "none", &whole));
    cr_expect(!assay_mlperf_log_text(&log_of, "seed") && !assay_mlperf_log_truth(&log_of, "small", &truth));
    cr_expect_eq(log_of.lines, 5u);
}

Test(log_file, the_first_of_a_repeated_key_counts_and_unmarked_lines_do_not)
{
    uint64_t whole;
    cr_assert_eq(reads(LINE("\"key\": \"a\", \"value\": 1") "{\"key\": \"b\", \"value\": 2}\nanything\n" LINE("\"key\": \"a\", \"value\": 3")
                       ":::MLLOG {\"key\": \"e\", \"value\": 0, \"metadata\": {\"is_error\": true}}"), ASSAY_OK, "%s", err.message);
    cr_expect(assay_mlperf_log_u64(&log_of, "a", &whole) && whole == 1);
    cr_expect(!assay_mlperf_log_u64(&log_of, "b", &whole));
    cr_expect(log_of.lines == 3 && log_of.errors == 1);
}

Test(log_file, what_is_no_log_is_refused_with_its_line)
{
    static const struct { const char *text, *words; } rows[] = {
        {"", ":1: the first line does not begin with :::MLLOG"}, {"hello\n", ":1: the first line"},
        {LINE("\"key\": \"a\", \"value\": 1") ":::MLLOG {broken\n", ":2: "}, {":::MLLOG {\"key\": \"a\", \"value\": 1}\n", ":1: no key, value and metadata.is_error"},
        {LINE("\"value\": 1"), ":1: no key"}, {LINE("\"key\": \"a\""), ":1: no key"}, {LINE("\"key\": 1, \"value\": 1"), ":1: no key"},
        {":::MLLOG {\"key\": \"a\", \"value\": 1, \"metadata\": {\"is_error\": 0}}\n", ":1: no key"}, {":::MLLOG [1]\n", ":1: "},
        {LINE("\"key\": \"a\", \"value\": \"\\u000116159082839903944936\""), ":1: a control character"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(reads(rows[i].text), ASSAY_DATA, "row %zu", i);
        cr_expect(strstr(err.message, rows[i].words), "row %zu: %s", i, err.message);
        cr_expect_null(strchr(err.message, '\n'));
    }
}

Test(log_file, a_line_is_bounded)
{
    char *text = calloc(1, 70000);
    memset(text, ' ', 69000);
    memcpy(text, ":::MLLOG {", 10);
    cr_expect_eq(reads(text), ASSAY_DATA);
    cr_expect(strstr(err.message, "a line of 68992 bytes"), "%s", err.message);
    free(text);
}
