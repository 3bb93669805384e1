/* Ranks of one machine: rings of bytes in memory that all of them map. Who makes the memory is none of them; it hands out its path, and
 * takes no part. Every rank holds a lock on a byte of the file, which the kernel takes back when its process ends, however that
 * happens: that is how the others know. */
#ifndef ASSAY_RANKS_SHARED_H
#define ASSAY_RANKS_SHARED_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/run/ranks/link.h"

/* Memory for 2 .. ASSAY_RANKS_MOST ranks that no file system knows; *fd is the caller's to close, `path` leads to it as long as the
 * caller lives and has it open. Pages are taken as they are used: at most 32 KiB for each ordered pair of ranks and stream where
 * there are more than 8 ranks, else 256 KiB. */
enum assay_code assay_shared_new(uint32_t n_ranks, int *fd, char path[64], struct assay_error *err);
/* Joins as one of the ranks. Waits for nobody: a rank that has not come yet is there until `patience` of a call says otherwise. */
enum assay_code assay_shared_join(const char *path, uint32_t rank, uint32_t n_ranks, struct assay_link *out, struct assay_error *err);

#endif
