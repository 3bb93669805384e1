/* Cuts an index range over the allowed cores; for the harness's own untimed work (filling, hashing, judging). */
#ifndef ASSAY_BASE_PARALLEL_H
#define ASSAY_BASE_PARALLEL_H

#include <stddef.h>

/* Calls work(self, begin, end) for pieces that cover [0, n) once, each a multiple of `grain` (but the last), on
 * up to assay_parallel_threads() threads, and returns when all are done. The cut never changes a result. */
void assay_parallel_for(size_t n, size_t grain, void (*work)(void *self, size_t begin, size_t end), void *self);
/* Cores this process may run on, or ASSAY_THREADS from the environment; at least 1. */
unsigned assay_parallel_threads(void);

#endif
