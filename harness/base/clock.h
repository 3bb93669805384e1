/* Clocks. Times are uint64_t nanoseconds. */
#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define ASSAY_NS_PER_S 1000000000ull

uint64_t assay_clock_now_ns(void);   /* CLOCK_MONOTONIC */
uint64_t assay_clock_utc_ns(void);   /* CLOCK_REALTIME since 1970 */
/* Returns when assay_clock_now_ns() has reached the argument, whatever signals arrive. */
void     assay_clock_sleep_until_ns(uint64_t monotonic_ns);
/* "2026-01-31T12:00:00Z" into out[21]. */
void assay_clock_utc_text(uint64_t utc_ns, char out[21]);

#endif
