#include "harness/load/wait.h"

#include <sys/prctl.h>

#include "harness/base/clock.h"

#include "assay/banned.h"

void assay_wait_prepare(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul); /* refused: sleeps end later, and lateness tells */
}

uint64_t assay_wait_until_ns(uint64_t until_ns)
{
    uint64_t now = assay_clock_now_ns();
    if (until_ns > now + ASSAY_WAIT_AWAKE_NS) {
        assay_clock_sleep_until_ns(until_ns - ASSAY_WAIT_AWAKE_NS);
        now = assay_clock_now_ns();
    }
    while (now < until_ns) {
        assay_wait_pause();
        now = assay_clock_now_ns();
    }
    return now;
}
