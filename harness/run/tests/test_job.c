#include "harness/run/job.h"

#include "harness/run/tests/as_worker.h"

#define MS 1000000ull

static struct assay_job_result out;
static struct {
    size_t   n;
    char     phase[8][32];
    double   share[8];
    uint64_t median_ns[8];
} told;

static void on_progress(void *self, const char *phase, double share, uint64_t median_ns)
{
    (void)self;
    if (told.n == 8)
        return;
    (void)snprintf(told.phase[told.n], sizeof told.phase[0], "%s", phase);
    told.share[told.n] = share;
    told.median_ns[told.n++] = median_ns;
}

static enum assay_job_end run_worker(const char *what, uint64_t timeout_ns)
{
    struct assay_job_watch watch = {.timeout_ns = timeout_ns, .progress = on_progress};
    struct assay_error     err = {0};
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does: a worker may be gone before it has its job */
    cr_assert_eq(setenv("ASSAY_TEST_WORKER", what, 1), 0);
    cr_assert_eq(assay_job_run(json_pack("{s:s, s:i}", "do", "something", "n", 7), &watch, &out, &err), ASSAY_OK, "%s", err.message);
    return out.end;
}

TestSuite(job, .timeout = 60);

Test(job, answer_is_what_the_worker_said_of_the_job_it_got)
{
    cr_assert_eq(run_worker("echo", 20000 * MS), ASSAY_JOB_ANSWERED, "%s", out.error.message);
    const json_t *job = json_object_get(out.answer, "record");
    cr_expect_str_eq(json_string_value(json_object_get(job, "do")), "something");
    cr_expect_eq(json_integer_value(json_object_get(job, "n")), 7);
    cr_assert_eq(told.n, 2u);
    cr_expect(strcmp(told.phase[0], "fill") == 0 && strcmp(told.phase[1], "timed") == 0 && told.share[1] == 0.5 && told.median_ns[1] == 34);
    cr_expect_str_eq(out.phase, "timed");
    cr_expect(out.wall_ns > 0 && out.signal == 0);
    assay_job_release(&out);
    cr_expect_null(out.answer);
}

Test(job, failure_that_the_worker_explains_is_its_own_error)
{
    cr_assert_eq(run_worker("says_why", 20000 * MS), ASSAY_JOB_FAILED);
    cr_expect_eq(out.error.code, ASSAY_UNSUPPORTED);
    cr_expect_str_eq(out.error.message, "no such op");
    cr_expect_str_eq(out.error.frame[0], "running it");
    cr_expect_null(out.answer);
}

Test(job, death_is_told_with_how_and_where)
{
    cr_expect_eq(run_worker("leaves", 20000 * MS), ASSAY_JOB_DIED);
    cr_expect(strstr(out.error.message, "exit 3") && strstr(out.error.message, "phase start"), "%s", out.error.message);
    cr_expect_eq(out.signal, 0);
    cr_expect_eq(run_worker("dies", 20000 * MS), ASSAY_JOB_DIED);
    cr_expect(strstr(out.error.message, "SIGTERM"), "%s", out.error.message);
    cr_expect_eq(out.signal, SIGTERM);
    cr_expect_eq(run_worker("dies_in_phase", 20000 * MS), ASSAY_JOB_DIED);
    cr_expect(strstr(out.error.message, "SIGABRT") && strstr(out.error.message, "phase compile"), "%s", out.error.message);
}

Test(job, what_nobody_understands_ends_it)
{
    static const char *const what[] = {"babbles", "sings", "never_ends_its_line"};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(run_worker(what[i], 20000 * MS), ASSAY_JOB_FAILED, "%s", what[i]);
        cr_expect_eq(out.error.code, ASSAY_PROTOCOL, "%s: %s", what[i], out.error.message);
    }
}

Test(job, that_takes_too_long_is_ended_in_time_also_when_it_never_stops_printing)
{
    static const char *const what[] = {"hangs", "prints_and_hangs"};
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(run_worker(what[i], 150 * MS), ASSAY_JOB_TIMEOUT, "%s", what[i]);
        cr_expect(out.wall_ns >= 150 * MS && out.wall_ns < 5000 * MS, "%s: %llu ms", what[i], (unsigned long long)(out.wall_ns / MS));
        cr_expect(out.error.code == ASSAY_TIMEOUT && strstr(out.error.message, "0.1 s") && out.signal == 0, "our own signal is not the worker's: %s", out.error.message);
        cr_expect(i == 0 || strstr(out.errors, "noise noise\n"));
    }
}

Test(job, keeps_the_last_of_what_was_printed)
{
    cr_expect_eq(run_worker("prints_and_leaves", 20000 * MS), ASSAY_JOB_DIED);
    size_t n = strlen(out.errors);
    cr_expect(n > 3000 && n < ASSAY_JOB_STDERR_BYTES, "%zu", n);
    cr_expect_str_eq(out.errors + n - 14, "the last words");
    cr_expect(strstr(out.errors, "line 999 of many\n") && !strstr(out.errors, "line 1 of many\n"));
}

Test(job, stops_when_it_is_told_to)
{
    static volatile sig_atomic_t stop = 1;
    struct assay_job_watch       watch = {.timeout_ns = 20000 * MS, .stop = &stop};
    struct assay_error           err = {0};
    cr_assert_eq(setenv("ASSAY_TEST_WORKER", "hangs", 1), 0);
    cr_assert_eq(assay_job_run(json_object(), &watch, &out, &err), ASSAY_OK);
    cr_expect(out.end == ASSAY_JOB_STOPPED && out.error.code == ASSAY_INTERRUPTED && out.wall_ns < 5000 * MS);
}

Test(job, without_a_message_is_a_mistake_in_a_name)
{
    struct assay_job_watch watch = {.timeout_ns = MS};
    struct assay_error     err = {0};
    cr_expect_eq(assay_job_run(json_pack("{s:s}", "do", "\xff"), &watch, &out, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "UTF-8"), "%s", err.message);
}

/* An operator, or the kernel short of memory, says nothing of the back end. */
Test(job, probe_that_is_killed_from_outside_is_asked_again_and_not_for_ever)
{
    static const char *const what[] = {"is_killed_twice", "is_killed_again_and_again"};
    for (size_t i = 0; i < 2; i++) {
        struct scratch     s = scratch_new();
        struct assay_error err = {0};
        json_t            *answer = NULL;
        size_t             n;
        cr_assert_eq(setenv("ASSAY_TEST_WORKER", what[i], 1), 0);
        cr_assert_eq(setenv("ASSAY_TEST_TALLY", in(&s, "tally"), 1), 0);
        (void)signal(SIGPIPE, SIG_IGN);
        enum assay_code code = assay_job_probe("x", 20000 * MS, &answer, &err);
        if (i == 0)
            cr_expect(code == ASSAY_OK && strcmp(json_string_value(json_object_get(answer, "backend")), "third") == 0, "%s", err.message);
        else
            cr_expect(code == ASSAY_DEVICE && strstr(err.message, "SIGKILL"), "%s", err.message);
        char *tally = get_bytes(in(&s, "tally"), &n);
        cr_expect_eq(n, (size_t)ASSAY_JOB_MAX_ATTEMPTS);
        free(tally);
        json_decref(answer);
        scratch_remove(&s);
    }
}

static json_t *on_asked(void *self, const json_t *asked)
{
    (void)asked;
    ++*(size_t *)self;
    return json_pack("{s:s+}", "how", "a long answer, so that the pipe is full soon ........................................................", "");
}

/* A worker whose questions nobody may answer is misunderstood; one that does not read its answers must not hold us up. */
Test(job, one_that_asks_and_does_not_listen_runs_into_its_time)
{
    size_t                 asked = 0;
    struct assay_job_watch watch = {.timeout_ns = 500 * MS, .answer = on_asked, .self = &asked};
    struct assay_error     err = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    cr_expect_eq(run_worker("asks_and_does_not_listen", 20000 * MS), ASSAY_JOB_FAILED, "without an answerer");
    cr_expect(strstr(out.error.message, "nobody understands"), "%s", out.error.message);
    cr_assert_eq(assay_job_run(json_pack("{s:s}", "do", "something"), &watch, &out, &err), ASSAY_OK);
    cr_expect_eq(out.end, ASSAY_JOB_TIMEOUT);
    cr_expect(asked > 1000, "%zu questions", asked);
    assay_job_release(&out);
}
