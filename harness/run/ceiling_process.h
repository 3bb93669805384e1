/* The process that keeps the ceiling of a run (kept_ceiling.h), and is asked in place of the launcher. It is not the launcher itself: that
 * starts workers, whose fork would write-protect the arrays, must answer an interrupt while they are touched, and is the one process
 * whose end is the end of the run, which the largest is chosen for where memory is short. */
#ifndef ASSAY_RUN_CEILING_PROCESS_H
#define ASSAY_RUN_CEILING_PROCESS_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/process.h"
#include "harness/run/wire.h"

/* All zeros at first. */
struct assay_ceiling_process {
    struct assay_process process; /* pid 0: none */
    struct assay_wire    answers;
    uint64_t             patience_ns; /* with an answer; 0: 60 s */
    bool                 tried;
    struct assay_error   why_not; /* tried, and there is none */
};
/* What it answers, or a refusal (new reference). Started when it is first asked; one that ends, says nonsense or nothing is ended, and not
 * started again. `stop` ends the waiting; may be NULL. */
json_t *assay_ceiling_process_ask(struct assay_ceiling_process *p, const json_t *asked, const volatile sig_atomic_t *stop);
/* Ends it; one that is asked after that is a new one. */
void    assay_ceiling_process_end(struct assay_ceiling_process *p);

#endif
