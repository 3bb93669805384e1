#include <criterion/criterion.h>

#include <errno.h>
#include <unistd.h>

#include "harness/base/signal_hold.h"

#include "assay/banned.h"

static bool is_pending(int number)
{
    sigset_t set;
    return sigpending(&set) == 0 && sigismember(&set, number) == 1;
}

static bool is_blocked(int number)
{
    sigset_t set;
    return pthread_sigmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, number) == 1;
}

Test(signal_hold, turns_the_signal_of_a_call_into_its_error)
{
    struct assay_signal_hold hold;
    int                      ends[2];
    cr_assert(pipe(ends) == 0 && close(ends[0]) == 0);
    assay_signal_hold_begin(&hold, SIGPIPE);
    cr_expect(write(ends[1], "x", 1) < 0 && errno == EPIPE);
    cr_expect(is_pending(SIGPIPE));
    assay_signal_hold_end(&hold);
    cr_expect_eq(errno, EPIPE, "errno stays");
    cr_expect(!is_pending(SIGPIPE) && !is_blocked(SIGPIPE));
    assay_signal_hold_begin(&hold, SIGPIPE);
    assay_signal_hold_end(&hold);
    cr_expect(!is_blocked(SIGPIPE), "nothing to take away is fine");
    (void)close(ends[1]);
}

Test(signal_hold, leaves_a_signal_that_waited_before)
{
    struct assay_signal_hold outer, inner;
    assay_signal_hold_begin(&outer, SIGPIPE);
    (void)raise(SIGPIPE);
    assay_signal_hold_begin(&inner, SIGPIPE);
    assay_signal_hold_end(&inner);
    cr_expect(is_pending(SIGPIPE) && is_blocked(SIGPIPE));
    assay_signal_hold_end(&outer);
    cr_expect(!is_pending(SIGPIPE) && !is_blocked(SIGPIPE));
}
