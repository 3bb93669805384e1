#include "harness/base/signal_hold.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "assay/banned.h"

void assay_signal_hold_begin(struct assay_signal_hold *hold, int number)
{
    sigset_t one, pending;
    hold->number = number;
    (void)sigpending(&pending);
    hold->was_pending = sigismember(&pending, number) == 1;
    (void)sigemptyset(&one);
    (void)sigaddset(&one, number);
    (void)pthread_sigmask(SIG_BLOCK, &one, &hold->before);
}

void assay_signal_hold_end(struct assay_signal_hold *hold)
{
    const struct timespec now = {0, 0};
    int                   saved = errno;
    sigset_t              one;
    (void)sigemptyset(&one);
    (void)sigaddset(&one, hold->number);
    if (!hold->was_pending)
        while (sigtimedwait(&one, NULL, &now) < 0 && errno == EINTR)
            ;
    (void)pthread_sigmask(SIG_SETMASK, &hold->before, NULL);
    errno = saved;
}
