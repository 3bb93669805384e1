/* Checked sizes, aligned big blocks, and the count of allocations that proves the timed region clean. */
#ifndef ASSAY_BASE_MEMORY_H
#define ASSAY_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a * b into *out; false on overflow (then *out is unchanged). */
bool assay_size_multiply(size_t a, size_t b, size_t *out);

/* `bytes` zeroed bytes aligned to 4096, every page touched, or NULL. Zero bytes give a block of their own.
 * Free with assay_block_free, which takes NULL too. */
void *assay_block_new(size_t bytes);
void  assay_block_free(void *block);

/* Allocations asked for by this thread (malloc, calloc, realloc, memalign and its relatives; granted or not) since
 * it started: those asked for while its owner was HARNESS and those while it was PLUGIN. A forked child goes on from
 * its parent's counts. Memory taken by mmap or sbrk is not seen.
 *
 * Counting works in programs on glibc without a sanitizer, where allocations.c replaces the allocation functions of
 * the whole process, those of plug-ins included:
 *  - The program must export the replacements. GNU ld, gold and lld do so by themselves for names that libc.so
 *    also defines; -Wl,--export-dynamic-symbol=malloc (and =calloc, =realloc, =free, =memalign, =aligned_alloc,
 *    =posix_memalign, =valloc, =pvalloc) makes it explicit.
 *  - A plug-in must not link allocations.o: it would count into counters of its own that nobody reads.
 *  - A plug-in opened with RTLD_DEEPBIND or dlmopen, or linked to libc statically, is not counted.
 * assay_allocations_counted finds out by trying, and is false where the counts mean nothing. */
enum assay_allocation_owner { ASSAY_ALLOCATION_HARNESS = 0, ASSAY_ALLOCATION_PLUGIN = 1 };
struct assay_allocations { uint64_t by_harness, by_plugin; };
bool                     assay_allocations_counted(void);
struct assay_allocations assay_allocations_so_far(void);
/* Whose code runs now on this thread; returns whose ran before. Costs a thread-local store. */
enum assay_allocation_owner assay_allocation_owner_set(enum assay_allocation_owner owner);

/* Bytes that the machine could give now without swapping; UINT64_MAX: it does not say. */
uint64_t assay_memory_available_bytes(void);

#endif
