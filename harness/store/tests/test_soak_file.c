#include "harness/store/soak_file.h"

#include <criterion/criterion.h>
#include <math.h>

#include "harness/store/tests/scratch.h"

#include "assay/banned.h"

static struct scratch     s;
static struct assay_error err;

static void begin(void)
{
    s = scratch_new();
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(soak_file, .init = begin, .fini = end, .timeout = 60);

static struct assay_soak_stretch stretch_of(uint32_t number)
{
    struct assay_soak_stretch x = {.case_name = "gemm/m=8", .id = "0123456789abcdef", .backend = "cpu:host", .number = number,
                                   .end = ASSAY_SOAK_COMPLETE, .begun_utc_ns = 1795714649241837943u, .wall_ns = 60000000000, .busy_ns = 30000000000,
                                   .iterations = 1000 + number, .mismatches = number};
    return x;
}

static struct assay_soak_file *opened(bool appends)
{
    struct assay_soak_file *f = NULL;
    memset(&err, 0, sizeof err);
    (void)assay_soak_file_open(s.path, appends, &f, &err);
    return f;
}

static void write_some(uint32_t n)
{
    struct assay_soak_file *f = opened(true);
    cr_assert(f, "%s", err.message);
    for (uint32_t i = 0; i < n; i++) {
        struct assay_soak_stretch x = stretch_of(i);
        cr_assert_eq(assay_soak_file_append(f, &x, &err), ASSAY_OK, "%s", err.message);
    }
    assay_soak_file_close(f);
}

Test(soak_file, gives_back_what_was_appended_with_all_that_is_known_of_mismatches)
{
    struct assay_soak_stretch x = stretch_of(2);
    size_t                    n = 0;
    x.end = ASSAY_SOAK_CRASHED;
    (void)snprintf(x.reason, sizeof x.reason, "worker killed by SIGSEGV");
    x.n_events = 2;
    x.event[0] = (struct assay_soak_event){.utc_ns = 1795714649241837944u, .iteration = 17, .busy_ns = 4, .set = 3, .output = 1, .element = 99,
                                           .elements = 1, .bits = 1, .expected = 0.1, .observed = NAN};
    x.event[1] = (struct assay_soak_event){.iteration = 18, .element = -1};
    struct assay_soak_file *f = opened(true);
    cr_assert(f, "%s", err.message);
    cr_assert_eq(assay_soak_file_append(f, &x, &err), ASSAY_OK, "%s", err.message);
    assay_soak_file_close(f);
    cr_assert((f = opened(false)), "%s", err.message);
    const struct assay_soak_stretch *back = assay_soak_file_stretches(f, &n);
    cr_assert_eq(n, 1);
    cr_expect(back->end == ASSAY_SOAK_CRASHED && back->mismatches == 2 && back->iterations == 1002 && back->n_events == 2);
    cr_expect(back->event[0].element == 99 && back->event[0].expected == 0.1 && isnan(back->event[0].observed) && back->event[1].element == -1);
    cr_expect_str_eq(back->reason, x.reason);
    assay_soak_file_close(f);
}

Test(soak_file, goes_on_behind_what_is_there)
{
    size_t n = 0;
    write_some(2);
    write_some(1);
    struct assay_soak_file *f = opened(false);
    cr_assert(f, "%s", err.message);
    (void)assay_soak_file_stretches(f, &n);
    cr_expect_eq(n, 3);
    assay_soak_file_close(f);
}

Test(soak_file, none_there_is_no_stretch)
{
    size_t                  n = 9;
    struct assay_soak_file *f = opened(false);
    cr_assert(f, "%s", err.message);
    (void)assay_soak_file_stretches(f, &n);
    cr_expect_eq(n, 0);
    assay_soak_file_close(f);
}

Test(soak_file, a_torn_end_is_kept_aside_wherever_it_was_torn)
{
    size_t bytes = 0, n = 0, torn = 0;
    write_some(3);
    char  *whole = get_bytes(in(&s, "soak.jsonl"), &bytes);
    size_t last = bytes - 1;
    while (whole[last - 1] != '\n')
        last--;
    for (size_t cut = last + 1; cut < bytes; cut += 37) {
        put_bytes(in(&s, "soak.jsonl"), whole, cut);
        (void)unlink(in(&s, "soak.torn"));
        struct assay_soak_file *f = opened(true);
        cr_assert(f, "cut at %zu: %s", cut, err.message);
        (void)assay_soak_file_stretches(f, &n);
        cr_expect_eq(n, 2);
        struct assay_soak_stretch x = stretch_of(7);
        cr_expect_eq(assay_soak_file_append(f, &x, &err), ASSAY_OK, "%s", err.message);
        assay_soak_file_close(f);
        char *aside = get_bytes(in(&s, "soak.torn"), &torn);
        cr_expect(torn == cut - last + 1 && !memcmp(aside, whole + last, cut - last));
        free(aside);
        cr_assert((f = opened(false)), "%s", err.message);
        (void)assay_soak_file_stretches(f, &n);
        cr_expect_eq(n, 3);
        assay_soak_file_close(f);
    }
    free(whole);
}

Test(soak_file, an_edited_or_removed_line_is_named)
{
    size_t bytes = 0;
    write_some(3);
    char *whole = get_bytes(in(&s, "soak.jsonl"), &bytes), *digit = strstr(whole, "\"mismatches\":0");
    cr_assert(digit);
    digit[13] = '5';
    put_bytes(in(&s, "soak.jsonl"), whole, bytes);
    cr_expect_null(opened(false));
    cr_expect(err.code == ASSAY_DATA && strstr(err.message, "soak.jsonl:1"), "%s", err.message);
    digit[13] = '0';
    char *second = strchr(whole, '\n') + 1;
    put_bytes(in(&s, "soak.jsonl"), second, bytes - (size_t)(second - whole));
    cr_expect_null(opened(true));
    cr_expect(err.code == ASSAY_DATA && strstr(err.message, "does not follow"), "%s", err.message);
    free(whole);
}

Test(soak_file, a_tally_is_read_in_bounds_whatever_it_says)
{
    struct assay_soak_tally   t = {.iterations = 5, .mismatches = 900, .n_events = UINT64_MAX, .busy_ns = 7, .begun_utc_ns = 100, .seen_utc_ns = 130};
    struct assay_soak_stretch x = stretch_of(0);
    put_bytes(in(&s, "tally"), &t, sizeof t);
    cr_expect(!assay_soak_tally_read(in(&s, "tally"), &x), "without its magic it was never begun");
    memcpy(t.magic, assay_soak_magic, sizeof t.magic);
    put_bytes(in(&s, "tally"), &t, sizeof t - 1);
    cr_expect(!assay_soak_tally_read(in(&s, "tally"), &x));
    cr_expect(!assay_soak_tally_read(in(&s, "there is none"), &x));
    put_bytes(in(&s, "tally"), &t, sizeof t);
    cr_assert(assay_soak_tally_read(in(&s, "tally"), &x));
    cr_expect(x.iterations == 5 && x.mismatches == 5 && x.n_events == ASSAY_SOAK_EVENTS && x.wall_ns == 30);
}
