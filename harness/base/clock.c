#include "harness/base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "assay/banned.h"

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now); /* cannot fail for these two clocks and a valid pointer */
    return (uint64_t)now.tv_sec * ASSAY_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t assay_clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t assay_clock_utc_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

void assay_clock_sleep_until_ns(uint64_t monotonic_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(monotonic_ns / ASSAY_NS_PER_S),
                                   .tv_nsec = (long)(monotonic_ns % ASSAY_NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

void assay_clock_utc_text(uint64_t utc_ns, char out[21])
{
    const time_t seconds = (time_t)(utc_ns / ASSAY_NS_PER_S); /* the year is at most 2554 */
    struct tm parts;
    out[0] = 0;
    if (gmtime_r(&seconds, &parts))
        (void)strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
