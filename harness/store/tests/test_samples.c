#include "harness/base/hash.h"
#include "harness/store/run_folder.h"
#include "harness/store/tests/scratch.h"

#include <sys/stat.h>

Test(samples, are_read_as_they_were_written_and_checked_against_the_record)
{
    static const unsigned char bytes[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0x80};
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    struct assay_record *r = record_of(0, 3);
    uint64_t *samples = NULL;
    size_t n = 0;
    cr_expect_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_UNAVAILABLE);
    cr_expect(strstr(err.message, "launch 3 of case 'gemm/k=0' left no samples"), "%s", err.message);

    assay_run_folder_file("samples", r->id, "cpu", r->launch, r->samples_file);
    cr_expect_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_IO, "a file that is not there");
    cr_assert_eq(mkdir(in(&s, "samples"), 0777), 0);
    put_bytes(in(&s, r->samples_file), bytes, sizeof bytes);
    assay_sha256_hex(bytes, sizeof bytes, r->samples_sha256);
    cr_assert_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect(n == 2 && samples[0] == 1 && samples[1] == 0x8006050403020100u, "little-endian on any machine");
    free(samples);

    r->samples_sha256[5] = r->samples_sha256[5] == '0' ? '1' : '0';
    cr_expect_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "another SHA-256"), "%s", err.message);
    put_bytes(in(&s, r->samples_file), bytes, 9);
    r->samples_sha256[0] = 0; /* the worker was killed before it could say */
    cr_expect_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "9 bytes are no whole number of samples"), "%s", err.message);
    put_bytes(in(&s, r->samples_file), bytes, 0);
    cr_expect_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(n, 0u);
    free(samples);
    scratch_remove(&s);
}

Test(samples, are_never_looked_for_outside_the_run_folder)
{
    static const char files[][40] = {"/etc/passwd", "../x",        "samples/../../x", "samples/",
                                     "samples/.x",  "samples/a/b", "witness/a.bin"};
    struct assay_error err = {0};
    struct scratch s = scratch_new();
    uint64_t *samples = NULL;
    size_t n = 0;
    struct assay_record *r = record_of(0, 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(r->samples_file, sizeof r->samples_file, "%.39s", files[i]);
        cr_expect_eq(assay_samples_read(s.path, r, &samples, &n, &err), ASSAY_DATA, "row %zu", i);
        cr_expect(strstr(err.message, "must be a file in 'samples/'"), "row %zu: %s", i, err.message);
    }
    scratch_remove(&s);
}

Test(samples, of_a_curve_are_rows_up_to_the_first_that_was_never_written)
{
    struct assay_lesson_row  rows[4] = {{.kind = ASSAY_LESSON_STEP, .step = 1, .value = 2.5, .span_ns = 7}, {.kind = ASSAY_LESSON_EVALUATION, .step = 1}};
    struct scratch           s = scratch_new();
    struct assay_error       err = {0};
    struct assay_record     *r = record_of(0, 3);
    struct assay_lesson_row *read = NULL;
    size_t                   n = 0;
    cr_assert_eq(sizeof *rows, 64u);
    cr_expect_eq(assay_curve_read(s.path, r, &read, &n, &err), ASSAY_UNAVAILABLE);
    cr_expect(strstr(err.message, "left no points of a curve"), "%s", err.message);
    assay_run_folder_curve_file(r->id, "cpu", r->launch, r->curve_file);
    cr_expect(strcmp(r->curve_file + strlen(r->curve_file) - 8, ".3.curve") == 0, "%s", r->curve_file);
    cr_assert_eq(mkdir(in(&s, "samples"), 0777), 0);
    put_bytes(in(&s, r->curve_file), (const unsigned char *)rows, sizeof rows);
    cr_assert_eq(assay_curve_read(s.path, r, &read, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect(n == 2 && read[0].value == 2.5 && read[0].span_ns == 7 && read[1].kind == ASSAY_LESSON_EVALUATION);
    free(read);
    put_bytes(in(&s, r->curve_file), (const unsigned char *)rows, 65);
    cr_expect_eq(assay_curve_read(s.path, r, &read, &n, &err), ASSAY_DATA);
    memset(r->curve_sha256, 'a', 64);
    put_bytes(in(&s, r->curve_file), (const unsigned char *)rows, 64);
    cr_expect_eq(assay_curve_read(s.path, r, &read, &n, &err), ASSAY_DATA, "another SHA-256");
    (void)snprintf(r->curve_file, sizeof r->curve_file, "../x");
    cr_expect_eq(assay_curve_read(s.path, r, &read, &n, &err), ASSAY_DATA);
    scratch_remove(&s);
}

Test(samples, of_queries_and_requests_are_rows_of_the_series_that_was_recorded)
{
    struct assay_query_row   rows[2] = {{.query = 1, .scheduled_ns = 2, .issued_ns = 3, .completed_ns = 4, .samples = 5, .status = 6}, {.query = 7}};
    struct assay_served_row  served = {.request = 1, .scheduled_ns = 2, .first_ns = 3, .last_ns = 4, .completed_ns = 5, .prompt_tokens = 6,
                                       .output_tokens = 7, .reused_tokens = 8, .preemptions = 9, .status = 10};
    struct scratch           s = scratch_new();
    struct assay_error       err = {0};
    struct assay_record     *r = record_of(0, 3);
    struct assay_query_row  *queries = NULL;
    struct assay_served_row *requests = NULL;
    size_t                   n = 0;
    cr_expect_eq(assay_queries_read(s.path, r, &queries, &n, &err), ASSAY_UNAVAILABLE);
    cr_expect_eq(assay_served_read(s.path, r, &requests, &n, &err), ASSAY_UNAVAILABLE);
    cr_assert_eq(mkdir(in(&s, "samples"), 0777), 0);
    assay_run_folder_queries_file(r->id, "cpu", r->launch, r->load.series_file);
    assay_run_folder_served_file(r->id, "cpu", r->launch, r->load.served_file);
    put_bytes(in(&s, r->load.series_file), rows, sizeof rows);
    put_bytes(in(&s, r->load.served_file), &served, sizeof served);
    cr_assert_eq(assay_queries_read(s.path, r, &queries, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect(n == 2 && !memcmp(queries, rows, sizeof rows));
    cr_assert_eq(assay_served_read(s.path, r, &requests, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect(n == 1 && !memcmp(requests, &served, sizeof served));
    free(queries);
    free(requests);
    put_bytes(in(&s, r->load.series_file), rows, sizeof rows - 1);
    cr_expect_eq(assay_queries_read(s.path, r, &queries, &n, &err), ASSAY_DATA, "no whole number of rows");
    (void)snprintf(r->load.served_sha256, sizeof r->load.served_sha256, "%064d", 0);
    cr_expect_eq(assay_served_read(s.path, r, &requests, &n, &err), ASSAY_DATA, "another SHA-256");
    scratch_remove(&s);
}

Test(samples, of_tokens_are_requests_of_which_none_ends_early)
{
    static const struct { uint32_t words[8]; size_t n; bool good; } rows[] = {
        {{7, 1, 2, 10, 20, 8, 0, 0}, 8, true}, {{0}, 0, true}, {{7, 1, 3, 10, 20}, 5, false}, {{7, 1}, 2, false}, {{7, 1, 0xffffffffu, 1}, 4, false},
    };
    struct scratch       s = scratch_new();
    struct assay_error   err = {0};
    struct assay_record *r = record_of(0, 3);
    uint32_t            *word = NULL;
    size_t               n = 0;
    cr_expect_eq(assay_tokens_read(s.path, r, &word, &n, &err), ASSAY_UNAVAILABLE);
    cr_assert_eq(mkdir(in(&s, "samples"), 0777), 0);
    assay_run_folder_tokens_file(r->id, "cpu", r->launch, r->load.tokens_file);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_bytes(in(&s, r->load.tokens_file), rows[i].words, rows[i].n * sizeof(uint32_t));
        cr_expect_eq(assay_tokens_read(s.path, r, &word, &n, &err), rows[i].good ? ASSAY_OK : ASSAY_DATA, "row %zu", i);
        if (!rows[i].good)
            continue;
        cr_expect(n == rows[i].n && (!n || !memcmp(word, rows[i].words, n * sizeof *word)));
        free(word);
    }
    scratch_remove(&s);
}
