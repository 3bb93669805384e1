/* The sizes of batch that a scenario's workload is compiled for: max_batch, and smaller ones, so that an execution
 * which is not full computes less than a full one. Text: "none", "powers" (of two below max_batch), or sizes that rise,
 * "1+2+4". */
#ifndef ASSAY_PLAN_BUCKETS_H
#define ASSAY_PLAN_BUCKETS_H

#include <stdint.h>

#include "assay/error.h"

#define ASSAY_BUCKETS_MOST 16u       /* programs of one case, that of max_batch with them */
#define ASSAY_BUCKETS_TEXT_BYTES 80u /* of the longest list */

/* Checks the text beside max_batch and brings it to its one spelling: powers are written out, max_batch itself is left
 * out. Where max_batch is 0, to be searched for, it is "none" or "powers" and stays so. */
enum assay_code assay_buckets_complete(char text[ASSAY_BUCKETS_TEXT_BYTES], int64_t max_batch, struct assay_error *err);
/* The sizes of a text that is complete, rising; the last is max_batch, at least 1. Returns how many. */
uint32_t assay_buckets_list(const char *text, int64_t max_batch, uint32_t out[ASSAY_BUCKETS_MOST]);

#endif
