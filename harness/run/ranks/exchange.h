/* A communicator (assay/comm.h) over the memory that ranks of one machine share. Sums are made in the order of the ranks. A send waits
 * only where more than ASSAY_REGION_RING_BYTES are on their way to that rank. */
#ifndef ASSAY_RUN_RANKS_EXCHANGE_H
#define ASSAY_RUN_RANKS_EXCHANGE_H

#include "assay/comm.h"
#include "harness/run/ranks/region.h"

/* That of all ranks, for `rank`; the region is borrowed. A call that waits for more than patience_ns without anything arriving is
 * ASSAY_TIMEOUT and names the rank that it waits for; one of a rank that is lost is ASSAY_DEVICE and says how. Give it back by
 * out->release. */
enum assay_code assay_exchange_open(struct assay_region *region, uint32_t rank, uint64_t patience_ns, struct assay_comm *out,
                                    struct assay_error *err);

#endif
