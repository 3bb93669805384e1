/* Checked sizes, aligned big blocks, and the count of allocations that proves the timed region clean. */
#ifndef ASSAY_BASE_MEMORY_H
#define ASSAY_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a * b into *out; false on overflow (then *out is unchanged). */
bool assay_size_multiply(size_t a, size_t b, size_t *out);

/* `bytes` zeroed bytes aligned to 4096, or NULL. Free with assay_block_free. */
void *assay_block_new(size_t bytes);
void  assay_block_free(void *block);

/* Allocations made by this thread (malloc, calloc, realloc, aligned variants) since it started: those made
 * while assay_allocation_owner was HARNESS and those made while it was PLUGIN. Counting works in programs that
 * link this archive on glibc without a sanitizer; elsewhere assay_allocations_counted is false. */
enum assay_allocation_owner { ASSAY_ALLOCATION_HARNESS = 0, ASSAY_ALLOCATION_PLUGIN = 1 };
struct assay_allocations { uint64_t by_harness, by_plugin; };
bool                     assay_allocations_counted(void);
struct assay_allocations assay_allocations_so_far(void);
/* Whose code runs now on this thread; returns whose ran before. Costs a thread-local store. */
enum assay_allocation_owner assay_allocation_owner_set(enum assay_allocation_owner owner);

#endif
