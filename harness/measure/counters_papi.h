/* Counters through PAPI: the second way, for what the kernel's own names do not give. PAPI has no inherit, so it covers
 * the threads that exist when the set is opened, by attaching to each; where it cannot attach, it covers nothing. */
#ifndef ASSAY_MEASURE_COUNTERS_PAPI_H
#define ASSAY_MEASURE_COUNTERS_PAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ASSAY_PAPI_MAX_EVENTS 16

struct assay_papi;
/* One event set a thread. NULL with the reason: not built in, or the library does not start. All calls on a set come
 * from the thread that opened it. */
struct assay_papi *assay_papi_open(const pid_t *threads, size_t n_threads, char *why, size_t capacity);
void               assay_papi_close(struct assay_papi *p);
/* Adds a preset or native event ("PAPI_SP_OPS") to the set of every thread, starts and stops them; returns its index, or
 * -1 with the reason and the sets as they were. */
int  assay_papi_add(struct assay_papi *p, const char *event, char *why, size_t capacity);
/* False when a set did not start, which makes every later value worthless. */
bool assay_papi_resume(struct assay_papi *p);
void assay_papi_pause(struct assay_papi *p);
/* Sum over threads of what was counted between resume and pause. */
double assay_papi_value(const struct assay_papi *p, int index);

#endif
