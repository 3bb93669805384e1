/* Runs a plan: one worker process for every (case, back end, launch), records by the parent only. */
#ifndef ASSAY_RUN_LAUNCHER_H
#define ASSAY_RUN_LAUNCHER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/store/record.h"

struct assay_run_step {
    const struct assay_case *what;
    const char              *backend; /* canonical */
    uint32_t                 launch;
    size_t                   index, total; /* of the steps of this run, from 0 */
    uint64_t                 eta_ns;       /* what is left, by what went before; 0 = unknown */
};

struct assay_run_request {
    const struct assay_plan *plan;
    const char *const       *backends; /* as the user named them */
    size_t                   n_backends;
    const char              *folder, *power;
    const char              *launcher; /* of ranks: one of assay_launchers (ranked.h); NULL: fork */
    const char              *audit;  /* NULL, or the test that every launch is (audit.h) */
    const char              *repeat; /* NULL, or the command line that repeats all of it, in place of each case's own */
    bool                     resume;
    const char *const       *arguments; /* of the program, for the manifest */
    size_t                   n_arguments;
    const volatile sig_atomic_t *stop; /* set by the user's interrupt */
    void (*resolved)(void *self, const char *why); /* what a device's name was taken for; may be NULL */
    void (*begin)(void *self, const struct assay_run_step *step);
    void (*progress)(void *self, const struct assay_run_step *step, const char *phase, double share, uint64_t median_ns);
    void (*done)(void *self, const struct assay_run_step *step, const struct assay_record *record);
    void *self;
};

struct assay_run_counts {
    size_t steps, already, ran, ok;
};

/* Probes every back end first (one that cannot be opened is an error before anything is written), then runs launch by
 * launch, case by case, back end by back end, so that what is compared is interleaved. ASSAY_INTERRUPTED: stopped, and can
 * be resumed. */
enum assay_code assay_run(const struct assay_run_request *request, struct assay_run_counts *counts,
                          struct assay_error *err);

#endif
