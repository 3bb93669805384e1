#include "harness/base/clock.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

Test(clock, monotonic_never_goes_back)
{
    uint64_t last = assay_clock_now_ns();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = assay_clock_now_ns();
        cr_assert_geq(now, last);
        last = now;
    }
}

Test(clock, both_clocks_are_nanoseconds_of_the_right_clock)
{
    struct timespec at;
    uint64_t before = assay_clock_now_ns();
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t middle = (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
    cr_expect(before <= middle && middle <= assay_clock_now_ns());
    uint64_t utc_s = assay_clock_utc_ns() / ASSAY_NS_PER_S, now_s = (uint64_t)time(NULL);
    cr_expect(utc_s <= now_s + 1 && now_s <= utc_s + 60, "%llu against %llu", (unsigned long long)utc_s,
              (unsigned long long)now_s);
}

static volatile sig_atomic_t interruptions;
static void interrupt(int signal_number)
{
    (void)signal_number;
    interruptions++;
}

static void *interrupt_often(void *target)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 8; i++) {
        nanosleep(&pause, NULL);
        pthread_kill(*(pthread_t *)target, SIGUSR1);
    }
    return NULL;
}

Test(clock, sleeps_until_the_moment_even_when_interrupted, .timeout = 20)
{
    struct sigaction action = {.sa_handler = interrupt};
    pthread_t self = pthread_self(), other;
    uint64_t until = assay_clock_now_ns() + 100000000u;
    sigaction(SIGUSR1, &action, NULL);
    cr_assert_eq(pthread_create(&other, NULL, interrupt_often, &self), 0);
    assay_clock_sleep_until_ns(until);
    cr_expect_geq(assay_clock_now_ns(), until);
    pthread_join(other, NULL);
    cr_expect_gt(interruptions, 0);
    assay_clock_sleep_until_ns(0);
    assay_clock_sleep_until_ns(until); /* the past: returns at once, or the timeout fails this test */
}

Test(clock, writes_utc_as_iso_8601)
{
    char text[22] = {[21] = 'x'};
    assay_clock_utc_text(0, text);
    cr_expect_str_eq(text, "1970-01-01T00:00:00Z");
    assay_clock_utc_text(1769860800ull * ASSAY_NS_PER_S, text);
    cr_expect_str_eq(text, "2026-01-31T12:00:00Z");
    assay_clock_utc_text(1709251199ull * ASSAY_NS_PER_S + 999999999u, text);
    cr_expect_str_eq(text, "2024-02-29T23:59:59Z", "leap day, and fractions are cut, not rounded");
    assay_clock_utc_text(UINT64_MAX, text);
    cr_expect_str_eq(text, "2554-07-21T23:34:33Z");
    cr_expect_eq(text[21], 'x');
}
