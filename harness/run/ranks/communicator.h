/* A communicator (assay/comm.h) over any link. Collectives go directly between all pairs of the group: every rank sends each other
 * rank what is meant for it and takes what comes, all at once. An all-reduce has each rank add up one slice, in the order of the
 * ranks, and gather the slices: 2 (n - 1) / n of the bytes go out of each rank, which is the least there is (Patarasuk and Yuan,
 * 2009), and the bits are the same on every rank and every time. A send does not wait for its receiver: what does not fit is
 * kept, and goes out during later calls, in settling and at the end.
 *
 * Every message begins with what its sender is doing. Ranks that do not do the same are told so, with both. */
#ifndef ASSAY_RANKS_COMMUNICATOR_H
#define ASSAY_RANKS_COMMUNICATOR_H

#include <stdint.h>

#include "assay/comm.h"
#include "assay/error.h"
#include "harness/run/ranks/link.h"

/* Bytes of sends that are kept at most; a send beyond them waits. */
#define ASSAY_SENDS_KEPT_BYTES (256u << 20)
/* A call that waits looks this often whether a rank was lost. */
#define ASSAY_RANK_LOOK_NS 50000000ull

struct assay_communicator;

/* Takes the link, also on failure. A call that cannot go on fails within ASSAY_RANK_LOOK_NS of a rank's loss (ASSAY_DEVICE, which and
 * why), whoever that is; and when nothing moved for patience_ns (ASSAY_TIMEOUT), naming the rank that it waits for or, where the link can
 * tell, the one that this rank waits for in turn, which is then lost for all. After a failure every call fails the same way. */
enum assay_code assay_communicator_new(struct assay_link *link, uint64_t patience_ns, struct assay_communicator **out,
                                       struct assay_error *err);
/* Sends what was kept, as long as its receivers are there, and leaves. */
void assay_communicator_free(struct assay_communicator *c);
/* Until all sends are with their receivers: before a rank does what none of its calls goes on in. */
enum assay_code assay_communicator_settle(struct assay_communicator *c, struct assay_error *err);
/* Of all ranks. Borrowed, as are groups made of it. */
const struct assay_comm *assay_communicator_all(struct assay_communicator *c);
/* The rank that a failed call missed, and why, borrowed; ASSAY_RANK_NONE: no call failed for want of a rank. */
uint32_t    assay_communicator_missed(const struct assay_communicator *c);
const char *assay_communicator_why_missed(const struct assay_communicator *c);
/* Tells all others that this rank does not go on, and why. */
void assay_communicator_give_up(struct assay_communicator *c, const char *why);
/* The link's kind: "memory", "sockets", "mpi". */
const char *assay_communicator_kind(const struct assay_communicator *c);

#endif
