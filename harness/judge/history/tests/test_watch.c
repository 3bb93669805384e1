#include "harness/base/random.h"
#include "harness/judge/history/tests/history_builder.h"

enum { NIGHTS = 60, CASES = 6 };

/* Two sentinels, then four cases; `moves` says how far a series is slower from night 50 on. */
static struct book six(double sentinels, double one, double others, double shared)
{
    static const char *const names[CASES] = {"gemm/sentinel", "memory/sentinel", "softmax/a=1",
                                             "norm/b=2",      "conv/c=3",        "gemv/d=4"};
    struct book b = book_new();
    struct assay_random r, host;
    for (int s = 0; s < CASES; s++)
        (void)book_series(&b, names[s]);
    for (int s = 0; s < CASES; s++) {
        assay_random_init(&r, (uint64_t)s + 100);
        assay_random_init(&host, 99);
        for (int night = 1; night <= NIGHTS; night++) {
            double step = s < 2 ? sentinels : s == 2 ? one : others, day = shared * assay_random_normal(&host);
            struct book_point p = book_night(night, 10 + s + 0.01 * assay_random_normal(&r) + day + (night >= 50 ? step : 0));
            p.environment = night >= 50 ? 2 : 1;
            book_add(&b, s + 1, p);
        }
    }
    return b;
}

Test(watch, tells_one_slower_case_with_what_changed_that_night)
{
    struct book b = six(0, 0.06, 0, 0.02);
    struct reading r = book_read(&b);
    cr_assert_eq(r.n_alarms, 1, "%zu alarms", r.n_alarms);
    const struct assay_history_alarm *a = &r.alarms[0];
    cr_expect_str_eq(a->kind, "time");
    cr_expect_str_eq(a->scope, "softmax/a=1 on cpu, chip at host");
    cr_expect(a->first_bad >= 49 && a->first_bad <= 51, "first bad %d", a->first_bad);
    cr_expect(strstr(a->message, "% slower (") && !strstr(a->message, "when it was raised"), "%s", a->message);
    cr_expect_str_eq(a->changed, "library: libx 1 → libx 2; kernel: Linux 6.1 → Linux 6.2");
    reading_release(&r);
    book_free(&b);
}

/* One short list, two nights in a row that chance made slow, and what is said of them then and a month later. */
Test(watch, says_that_a_step_is_gone_where_the_nights_since_do_not_have_it)
{
    enum { BAD = 50, LATER = 80 };
    struct book b = book_new();
    struct assay_random random;
    int s = book_series(&b, "softmax/a=1");
    assay_random_init(&random, 8);
    for (int night = 1; night <= LATER; night++) {
        double slow = night == BAD || night == BAD + 1 ? 0.04 : 0;
        if (night == BAD + 2) {
            struct reading then = book_read(&b);
            cr_assert_eq(then.n_alarms, 1, "%zu alarms", then.n_alarms);
            cr_expect(abs(then.alarms[0].first_bad - BAD) <= 1, "first bad %d", then.alarms[0].first_bad);
            cr_expect(strstr(then.alarms[0].message, "% slower (") && !strstr(then.alarms[0].message, "raised"), "%s",
                      then.alarms[0].message);
            reading_release(&then);
        }
        book_add(&b, s, book_night(night, 10 + slow + 0.01 * assay_random_normal(&random)));
    }
    struct reading r = book_read(&b);
    cr_assert_eq(r.n_alarms, 1, "%zu alarms", r.n_alarms);
    cr_expect(abs(r.alarms[0].first_bad - BAD) <= 1, "first bad %d", r.alarms[0].first_bad);
    cr_expect(strstr(r.alarms[0].message, "when it was raised; with the nights since ") &&
                  strstr(r.alarms[0].message, ", no step beyond the noise"),
              "%s", r.alarms[0].message);
    cr_expect_str_empty(r.alarms[0].named, "and it is still for a person to say what it was");
    reading_release(&r);
    book_free(&b);
}

Test(watch, tells_a_slower_host_once)
{
    struct book b = six(0.1, 0.1, 0.1, 0);
    struct reading r = book_read(&b);
    cr_assert_eq(r.n_alarms, 1, "%zu alarms", r.n_alarms);
    cr_expect_str_eq(r.alarms[0].scope, "cpu, chip at host");
    cr_expect(strstr(r.alarms[0].message, "everything is slower"), "%s", r.alarms[0].message);
    cr_expect_eq(r.watch.n_watched, (size_t)CASES);
    reading_release(&r);
    book_free(&b);
}

Test(watch, tells_a_slower_host_once_where_no_sentinel_shows_it)
{
    struct book b = six(0, 0.1, 0.1, 0);
    struct reading r = book_read(&b);
    cr_assert_eq(r.n_alarms, 1, "%zu alarms, %s", r.n_alarms, r.n_alarms ? r.alarms[0].message : "");
    cr_expect_str_eq(r.alarms[0].scope, "cpu, chip at host");
    cr_expect(strstr(r.alarms[0].message, "4 of 6 cases at once"), "%s", r.alarms[0].message);
    reading_release(&r);
    book_free(&b);
}

Test(watch, tells_a_sentinel_that_changed_alone_and_no_other_case_for_it)
{
    struct book b = six(-0.08, 0, 0, 0.03);
    struct reading r = book_read(&b);
    cr_assert_eq(r.n_alarms, 1, "%zu alarms, %s", r.n_alarms, r.n_alarms ? r.alarms[1].message : "");
    cr_expect(strstr(r.alarms[0].message, "the other cases did not move"), "%s", r.alarms[0].message);
    reading_release(&r);
    book_free(&b);
}

Test(watch, keeps_an_alarm_open_until_it_is_named)
{
    struct book b = six(0, 0.06, 0, 0);
    struct reading r = book_read(&b);
    struct assay_error err = {0};
    struct assay_history_alarm named;
    char id[9];
    cr_assert_eq(r.n_alarms, 1);
    memcpy(id, r.alarms[0].id, sizeof id);
    reading_release(&r);
    r = book_read(&b);
    cr_expect_eq(r.n_alarms, 1, "found again, it is the same");
    cr_expect_str_empty(r.alarms[0].named);
    reading_release(&r);
    cr_assert_eq(assay_history_alarm_name(b.h, id, "intended", "a new kernel", &named, &err), ASSAY_OK, "%s", err.message);
    r = book_read(&b);
    cr_expect_eq(r.n_alarms, 1);
    cr_expect_str_eq(r.alarms[0].named, "intended");
    cr_expect_str_eq(r.alarms[0].why, "a new kernel");
    cr_expect_str_empty(r.alarms[0].earlier);
    reading_release(&r);
    cr_assert_eq(assay_history_alarm_name(b.h, id, "regression", "the kernel was not new", &named, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_history_alarm_name(b.h, id, "environment", "the fan", &named, &err), ASSAY_OK, "%s", err.message);
    r = book_read(&b);
    cr_expect(!strcmp(r.alarms[0].named, "environment") && !strcmp(named.named, "environment"), "the last one counts");
    cr_expect(!strncmp(r.alarms[0].earlier, "intended on 20", 14) && strstr(r.alarms[0].earlier, ": a new kernel; regression on 20") &&
                  strstr(r.alarms[0].earlier, ": the kernel was not new"),
              "none is written over: %s", r.alarms[0].earlier);
    reading_release(&r);
    book_free(&b);
}

Test(watch, keeps_an_alarm_whose_points_are_gone)
{
    struct book b = six(0, 0.06, 0, 0);
    struct reading r = book_read(&b);
    cr_assert_eq(r.n_alarms, 1);
    reading_release(&r);
    book_do(&b, "DELETE FROM points WHERE night >= 50");
    r = book_read(&b);
    cr_expect_eq(r.watch.n_alarms, 0u);
    cr_expect_eq(r.n_alarms, 1u);
    reading_release(&r);
    book_free(&b);
}

/* One series, `n` nights, changed by `change` before they are written. */
static struct reading outputs(struct book *b, int n, void (*change)(struct book_point *p, int night))
{
    *b = book_new();
    int s = book_series(b, "softmax/a=1");
    for (int night = 1; night <= n; night++) {
        struct book_point p = book_night(night, 10);
        change(&p, night);
        book_add(b, s, p);
    }
    return book_read(b);
}

static void one_fails(struct book_point *p, int night)
{
    p->standing = night == 7 ? ASSAY_STANDING_FAIL : ASSAY_STANDING_PASS;
}
static void error_grows(struct book_point *p, int night)
{
    p->ratio = night < 20 ? 0.1 + 0.001 * (night % 4) : 0.2;
    p->repeats = 0;
}
static void error_varies(struct book_point *p, int night)
{
    p->ratio = 0.1 + 0.01 * (night % 7);
    p->repeats = 0;
}
static void bits_change(struct book_point *p, int night)
{
    p->checksum = night < 8 ? 7 : 8;
}
static void bits_vary(struct book_point *p, int night)
{
    p->checksum = night;
    p->repeats = 0;
}
static void is_often_marginal(struct book_point *p, int night)
{
    p->standing = night % 3 ? ASSAY_STANDING_PASS : ASSAY_STANDING_MARGINAL;
}

Test(watch, never_averages_a_wrong_night_away)
{
    struct book b;
    struct reading r = outputs(&b, 30, one_fails);
    cr_assert_eq(r.n_alarms, 1);
    cr_expect_str_eq(r.alarms[0].kind, "verdict");
    cr_expect_eq(r.alarms[0].first_bad, 7);
    cr_expect(strstr(r.alarms[0].message, "fail, was pass"), "%s", r.alarms[0].message);
    reading_release(&r);
    book_free(&b);
}

Test(watch, tells_an_error_that_grows_within_its_bound)
{
    struct book b;
    struct reading r = outputs(&b, 30, error_grows);
    cr_assert_eq(r.n_alarms, 1);
    cr_expect_str_eq(r.alarms[0].kind, "error");
    cr_expect_eq(r.alarms[0].first_bad, 20);
    reading_release(&r);
    book_free(&b);
    r = outputs(&b, 60, error_varies);
    cr_expect_eq(r.n_alarms, 0u, "an error that varies as ever is none");
    reading_release(&r);
    book_free(&b);
}

Test(watch, tells_other_bits_only_where_they_were_always_the_same)
{
    struct book b;
    struct reading r = outputs(&b, 30, bits_change);
    cr_assert_eq(r.n_alarms, 1);
    cr_expect_str_eq(r.alarms[0].kind, "bits");
    cr_expect_eq(r.alarms[0].first_bad, 8);
    reading_release(&r);
    book_free(&b);
    r = outputs(&b, 30, bits_vary);
    cr_expect_eq(r.n_alarms, 0u);
    reading_release(&r);
    book_free(&b);
}

Test(watch, tells_a_verdict_that_comes_and_goes_within_its_bound_once)
{
    struct book b;
    struct reading r = outputs(&b, 30, is_often_marginal);
    cr_expect_eq(r.n_alarms, 1u, "%zu", r.n_alarms);
    reading_release(&r);
    book_free(&b);
}

Test(watch, gives_no_time_to_what_was_never_proved)
{
    struct book b = book_new();
    int s = book_series(&b, "softmax/a=1");
    for (int night = 1; night <= 30; night++)
        book_add(&b, s, book_night(night, 10));
    book_do(&b, "UPDATE points SET log_median = NULL, standing = 2");
    struct reading r = book_read(&b);
    cr_expect_eq(r.watch.series[0].n, 0u);
    cr_expect_eq(r.watch.n_watched, 0u);
    reading_release(&r);
    book_free(&b);
}

/* One quiet series whose last night is `last` above its level. */
static struct book strange(double last)
{
    struct book b = book_new();
    struct assay_random r;
    int s = book_series(&b, "softmax/a=1");
    assay_random_init(&r, 8);
    for (int night = 1; night <= NIGHTS; night++)
        book_add(&b, s, book_night(night, 10 + (night == NIGHTS ? last : 0.01 * assay_random_normal(&r))));
    return b;
}

Test(watch, asks_for_a_second_look_once_and_takes_later_runs_of_a_night_for_it)
{
    struct book b = strange(0.06);
    struct reading r = book_read(&b);
    cr_expect(r.watch.series[0].state.again);
    cr_expect_eq(r.watch.n_again, 1u);
    double toward = r.watch.series[0].state.slower;
    reading_release(&r);
    /* two more runs of that night that are as ever; run ids of their own */
    book_do(&b, "INSERT INTO points SELECT series, night, 501, environment, standing, launches, 10, spread, ratio, checksum, sets, repeats,"
                " clock_hz FROM points WHERE night = 60 UNION ALL SELECT series, night, 502, environment, standing, launches, 10.001, spread,"
                " ratio, checksum, sets, repeats, clock_hz FROM points WHERE night = 60");
    r = book_read(&b);
    cr_expect_eq(r.watch.series[0].n, (size_t)NIGHTS, "they are no nights of their own");
    cr_expect_not(r.watch.series[0].state.again);
    cr_expect_lt(r.watch.series[0].state.slower, toward, "what they show counts");
    cr_expect_eq(r.n_alarms, 0u);
    reading_release(&r);
    book_free(&b);
}
