/* The clock of the core this thread runs on, found by what it does and not by what it says of itself. */
#ifndef ASSAY_MEASURE_CORE_CLOCK_H
#define ASSAY_MEASURE_CORE_CLOCK_H

#include <stdint.h>

/* Cycles per second: the fastest of many chains of dependent additions, one addition a cycle, within `budget_ns` (a
 * chain takes about 20 us; at least one runs). What interrupts a chain makes it slower, never faster, so the fastest
 * one is the clock. Allocates nothing. */
double assay_core_clock_hz(uint64_t budget_ns);

#endif
