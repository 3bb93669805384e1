/* Cuts an index range over the allowed cores; for the harness's own untimed work (filling, hashing, judging). */
#ifndef ASSAY_BASE_PARALLEL_H
#define ASSAY_BASE_PARALLEL_H

#include <stddef.h>

/* Calls work(self, begin, end) for pieces that cover [0, n) once, each beginning at a multiple of `grain` (0 counts
 * as 1) and, but for the last, a multiple of it long, on up to assay_parallel_threads() threads, the caller's among
 * them, and returns when all are done. Up to one grain is done in place without a thread, and so is what is asked
 * for from inside `work`. Threads are started for each call, so a grain should be worth about 100 us. A thread that
 * cannot be started only makes it slower. `work` must give the same whichever way the range is cut. */
void assay_parallel_for(size_t n, size_t grain, void (*work)(void *self, size_t begin, size_t end), void *self);
/* ASSAY_THREADS from the environment where that is a whole number above 0, else the cores this process may run on;
 * 1 to 256. */
unsigned assay_parallel_threads(void);

#endif
