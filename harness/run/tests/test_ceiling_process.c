#include "harness/run/ceiling_process.h"

#include <errno.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/run/tests/as_worker.h"

#define MS 1000000ull

static struct assay_ceiling_process p;

static void begin(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    p = (struct assay_ceiling_process){.patience_ns = 0};
}

static void end(void)
{
    assay_ceiling_process_end(&p);
}

TestSuite(ceiling_process, .init = begin, .fini = end, .timeout = 60);

/* The rate, or NULL and in `why` what the refusal says. */
static json_t *ask(const char *what, const volatile sig_atomic_t *stop, char why[200])
{
    json_t            *asked = json_pack("{s:s, s:s, s:i}", "say", "ask", "what", what, "amount", 0);
    json_t            *answer = assay_ceiling_process_ask(&p, asked, stop), *rate = json_incref(json_object_get(answer, "rate"));
    struct assay_error err = {0};
    *why = 0;
    if (!rate) {
        assay_error_from_json(json_object_get(answer, "error"), &err);
        (void)snprintf(why, 200, "%.199s", err.message);
    }
    json_decref(answer);
    json_decref(asked);
    return rate;
}

static bool has_child(void)
{
    return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static uint64_t cpu_ns_of(pid_t pid)
{
    clockid_t       clock;
    struct timespec t = {0};
    cr_assert(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0);
    return (uint64_t)t.tv_sec * ASSAY_NS_PER_S + (uint64_t)t.tv_nsec;
}

Test(ceiling_process, answers_bursts_sleeps_in_between_and_is_gone_at_the_end)
{
    char why[200];
    for (int i = 0; i < 2; i++) {
        json_t *opened = ask("open", NULL, why), *peak = ask("peak", NULL, why);
        if (strstr(why, "others need memory"))
            cr_skip_test("too little memory is left here");
        cr_expect(opened && json_number_value(peak) > 1e6, "%s", why);
        json_decref(opened);
        json_decref(peak);
        cr_expect_null(ask("weather", NULL, why));
        cr_expect(strstr(why, "nobody answers 'weather'"), "%s", why);
        peak = ask("triad", NULL, why);
        cr_expect(json_number_value(peak) > 1e6, "a wrong question does not end it: %s", why);
        json_decref(peak);
        uint64_t        used = cpu_ns_of(p.process.pid);
        struct timespec wait = {.tv_nsec = 200000000};
        (void)nanosleep(&wait, NULL);
        cr_expect_lt(cpu_ns_of(p.process.pid) - used, 10 * MS);
        assay_ceiling_process_end(&p);
        cr_expect(!has_child(), "and the next one is a new one");
    }
}

Test(ceiling_process, that_ends_says_nonsense_or_nothing_refuses_soon_and_for_good)
{
    static const struct { char worker[24], says[40]; bool answers; } rows[] = {
        {"leaves", "has ended", false}, {"dies", "has ended", false}, {"babbles", "", false}, {"hangs", "said nothing for 0.3 s", false},
        {"prints_and_hangs", "said nothing for 0.3 s", false}, {"answers_once", "", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[200], again[200];
        cr_assert_eq(setenv("ASSAY_TEST_WORKER", rows[i].worker, 1), 0);
        p.patience_ns = 300 * MS;
        uint64_t begin_ns = assay_clock_now_ns();
        json_t  *rate = ask("open", NULL, why);
        cr_expect_eq(rate != NULL, rows[i].answers, "%s", rows[i].worker);
        json_decref(rate);
        cr_expect_null(rows[i].answers ? ask("peak", NULL, why) : NULL);
        cr_expect(*why && strstr(why, rows[i].says), "%s: %s", rows[i].worker, why);
        cr_expect(!has_child(), "%s", rows[i].worker);
        cr_expect_null(ask("peak", NULL, again));
        cr_expect_str_eq(again, why);
        cr_expect(!has_child(), "%s is started again", rows[i].worker);
        cr_expect_lt(assay_clock_now_ns() - begin_ns, 10000 * MS);
        assay_ceiling_process_end(&p);
    }
}

Test(ceiling_process, an_interrupt_is_not_kept_waiting)
{
    volatile sig_atomic_t stop = 1;
    char                  why[200];
    cr_assert_eq(setenv("ASSAY_TEST_WORKER", "hangs", 1), 0);
    uint64_t begin_ns = assay_clock_now_ns();
    cr_expect_null(ask("open", &stop, why));
    cr_expect(strstr(why, "stopped"), "%s", why);
    cr_expect_lt(assay_clock_now_ns() - begin_ns, 10000 * MS, "and not the 60 s of its patience");
}
