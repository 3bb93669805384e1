/* Hardware and software counters of this process around the timed phase: value or reason, each. Probed by really
 * starting them, because what a library lists and what starts are two things. */
#ifndef ASSAY_MEASURE_COUNTERS_H
#define ASSAY_MEASURE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

enum assay_counter_status {
    ASSAY_COUNTER_OK = 1,
    ASSAY_COUNTER_MULTIPLEXED = 2, /* scaled: running < enabled */
    ASSAY_COUNTER_UNAVAILABLE = 3,
};
struct assay_counter {
    char     name[48];     /* "cycles", "instructions", "llc_misses", "flops_f32", "page_faults" … */
    char     provider[24]; /* "papi", "perf", "rapl", "proc", a back end's name */
    char     unit[16];     /* "1", "ns", "bytes", "joules" */
    enum assay_counter_status status;
    double   value;
    uint64_t enabled_ns, running_ns;
    char     why[128]; /* empty when OK */
    bool     ranged;   /* a level of a modelled device: */
    double   low, high; /* its 10th and 90th percentile over the draws; there also where no point may be given */
};
const char *assay_counter_status_name(enum assay_counter_status status);

/* A set over all present and future threads of the process. Rows, each always there: cycles, instructions,
 * branch_misses, l1d_misses, llc_references, llc_misses, flops_f32, flops (user mode only), task_clock, page_faults,
 * context_switches, cpu_migrations (kernel included), peak_rss (of the process since it began). */
struct assay_counters;
/* Never fails for lack of counters: what cannot start is in the set with its reason. No thread should be made or end
 * meanwhile. */
enum assay_code assay_counters_open(struct assay_counters **out, struct assay_error *err);
void            assay_counters_close(struct assay_counters *c);
/* Counts between resume and pause add up; no allocation. Both come from the thread that opened the set; they cost about
 * a microsecond for each counter that runs and thread that was there at open. */
void            assay_counters_resume(struct assay_counters *c);
void            assay_counters_pause(struct assay_counters *c);
/* All counters of the set; the array belongs to the set and lives until close. */
const struct assay_counter *assay_counters_read(struct assay_counters *c, size_t *n);

/* VmHWM of this process; false: /proc does not tell. */
bool assay_counters_peak_resident(double *out_bytes);

#endif
