/* A fork-join pool. The calling thread works too; the others spin for some tens of microseconds after a job, then
 * sleep, so an idle pool disturbs nobody. A worker that the machine does not schedule in time is not waited for:
 * whoever is awake takes its chunks. One caller at a time. */
#ifndef CPU_POOL_POOL_H
#define CPU_POOL_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"

struct cpu_pool;

/* Work on chunk `chunk`; `thread` is below cpu_pool_threads() and held by one running call at a time. */
typedef void cpu_pool_work(void *self, size_t chunk, unsigned thread);

/* `threads` counts the caller; 0 = one per core that this process may run on. Workers are bound to one core each,
 * apart from the one left to the caller, who stays where the host put it. */
enum assay_code cpu_pool_new(unsigned threads, struct cpu_pool **out, struct assay_error *err);
void            cpu_pool_free(struct cpu_pool *pool);
unsigned        cpu_pool_threads(const struct cpu_pool *pool);
/* "2 threads, bound by hwloc to cores 0 1". */
void cpu_pool_describe(const struct cpu_pool *pool, struct assay_text *out);

/* Runs work for every chunk in [0, chunks) once and returns when all are done. Each thread first takes its own
 * contiguous share, then helps others. Allocates nothing. */
void cpu_pool_run(struct cpu_pool *pool, size_t chunks, cpu_pool_work *work, void *self);

/* Cuts [0, n) into pieces of at least `grain`, at most `per_thread` a thread: the number of pieces. */
size_t cpu_pool_pieces(const struct cpu_pool *pool, size_t n, size_t grain, size_t per_thread);
/* Piece i of [0, n) cut in `pieces`, each a multiple of `grain` but the last. */
void cpu_pool_piece(size_t n, size_t pieces, size_t grain, size_t i, size_t *begin, size_t *end);

#endif
