/* One counter of the kernel (perf_event_open) over all threads of this process. Knows nothing of names. */
#ifndef ASSAY_MEASURE_COUNTERS_PERF_H
#define ASSAY_MEASURE_COUNTERS_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the kernel is asked for, and how often each event counts in the sum. */
struct assay_perf_code {
    uint32_t type;
    uint64_t config, config1, config2;
    double   weight;
};

/* The codes of the counters that every kernel names itself. */
enum assay_perf_generic {
    ASSAY_PERF_CYCLES = 1,
    ASSAY_PERF_INSTRUCTIONS,
    ASSAY_PERF_BRANCH_MISSES,
    ASSAY_PERF_L1D_MISSES,
    ASSAY_PERF_LLC_REFERENCES,
    ASSAY_PERF_LLC_MISSES,
    ASSAY_PERF_TASK_CLOCK,
    ASSAY_PERF_PAGE_FAULTS,
    ASSAY_PERF_CONTEXT_SWITCHES,
    ASSAY_PERF_CPU_MIGRATIONS,
};
struct assay_perf_code assay_perf_generic_code(enum assay_perf_generic which);

/* Threads of this process. *out is allocated; NULL and 0 when there is no /proc. */
size_t assay_perf_threads(pid_t **out);

struct assay_perf;
/* Opens every code on every thread, so that threads they make later are counted in (inherit), starts and stops them
 * once. user_only: what the kernel does for us is not counted. `leader`, opened for the same threads or NULL: starts
 * and stops with it, which costs nothing (one group; only for counters that never take turns), and is closed before it.
 * NULL with the reason in `why` when one does not start. */
struct assay_perf *assay_perf_open(const struct assay_perf_code *codes, size_t n_codes, const pid_t *threads,
                                   size_t n_threads, bool user_only, const struct assay_perf *leader, char *why,
                                   size_t capacity);
void               assay_perf_close(struct assay_perf *p);
void               assay_perf_resume(struct assay_perf *p);
void               assay_perf_pause(struct assay_perf *p);

/* Sum over threads and codes since open, scaled by enabled over running where the kernel took turns. False: a code never
 * ran although it was enabled, or could not be read. */
struct assay_perf_value {
    double   value;
    uint64_t enabled_ns, running_ns;
    bool     scaled;
};
bool assay_perf_read(const struct assay_perf *p, struct assay_perf_value *out);

#endif
