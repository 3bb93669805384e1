/* One launch of one case on one back end, in the process it is called in: build, open, fill, upload, compile, warm,
 * time, keep the witness. Only workers call it. */
#ifndef ASSAY_RUN_CASE_RUN_H
#define ASSAY_RUN_CASE_RUN_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/measure/ceiling.h"
#include "harness/plan/plan.h"
#include "harness/store/record.h"

struct assay_case_job {
    const struct assay_case *what;
    const char              *backend; /* its name, canonical or not */
    const char              *plugin;  /* the file it was found in, "": where its name leads to */
    const char              *folder;  /* the run folder; samples/ and witness/ are there */
    const char              *power;   /* "" or the meter (harness/measure/power.h) */
    const char              *repeat;  /* the command line that runs this again */
    const char              *audit;   /* NULL, "", or the test that this launch is (audit.h) */
    const char              *weights, *inputs; /* what values come from, "": the generator (suites/weights/value_source.h) */
    const char              *launcher; /* of ranks: one of assay_launchers (ranked.h) */
    uint64_t                 seed;
    uint32_t                 launch;
    const struct assay_ceiling_keeper *ceiling; /* NULL: the case opens one of its own */
    void (*progress)(void *self, enum assay_phase phase, double share, uint64_t median_ns);
    void *self;
};

/* Always completes `record` (NULL is not allowed): what failed is in its status, reason and error. An error is none of the
 * case or the back end: the run folder does not take the files (a full disk), and the record must not count. */
enum assay_code assay_case_run(const struct assay_case_job *job, struct assay_record *record, struct assay_error *err);

#endif
