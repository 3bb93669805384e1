/* Holds back the signal that a system call would send to its own thread (SIGPIPE, SIGXFSZ), so that the call's error
 * is what the caller sees. Changes no disposition of the process. */
#ifndef ASSAY_BASE_SIGNAL_HOLD_H
#define ASSAY_BASE_SIGNAL_HOLD_H

#include <signal.h>
#include <stdbool.h>

struct assay_signal_hold {
    sigset_t before;
    int      number;
    bool     was_pending; /* then it is not ours to take away */
};

void assay_signal_hold_begin(struct assay_signal_hold *hold, int number);
/* Takes away what the calls in between have sent, and sets the mask back. errno stays. */
void assay_signal_hold_end(struct assay_signal_hold *hold);

#endif
