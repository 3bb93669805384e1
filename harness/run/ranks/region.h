/* Memory that the ranks of one case share with their leader: the streams of their link, and where each gets its orders (orders.h). One
 * machine; every rank is a process. */
#ifndef ASSAY_RUN_RANKS_REGION_H
#define ASSAY_RUN_RANKS_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/run/ranks/link.h"
#include "harness/run/ranks/orders.h"

#define ASSAY_REGION_RANKS ASSAY_RANKS_MOST
#define ASSAY_REGION_RING_BYTES ((size_t)256 << 10) /* of one stream */

/* Bytes on their way from one rank to another: written so far, taken so far. */
struct assay_ring {
    _Alignas(64) _Atomic uint64_t written;
    _Alignas(64) _Atomic uint64_t taken;
    unsigned char bytes[ASSAY_REGION_RING_BYTES];
};
/* What one rank sleeps on: rung by whoever did something that it may wait for. */
struct assay_bell {
    _Alignas(64) _Atomic uint32_t rung;
};
struct assay_region_box {
    _Alignas(64) _Atomic uint32_t given; /* orders so far */
    _Alignas(64) _Atomic uint32_t done;
    struct assay_order_box        box;
};

struct assay_region;
/* A new one for n ranks, 1 to ASSAY_REGION_RANKS. `path` names it for other processes of the same user, as long as this one has it. */
enum assay_code assay_region_make(uint32_t n, struct assay_region **out, char path[64], struct assay_error *err);
/* That of another process. */
enum assay_code assay_region_open(const char *path, struct assay_region **out, struct assay_error *err);
void            assay_region_close(struct assay_region *r);

uint32_t                 assay_region_ranks(const struct assay_region *r);
struct assay_ring       *assay_region_ring(struct assay_region *r, uint32_t from, uint32_t to, enum assay_link_stream stream);
struct assay_region_box *assay_region_orders(struct assay_region *r, uint32_t rank);
/* Bells: of each rank, and the leader's, number assay_region_ranks(). */
struct assay_bell       *assay_region_bell(struct assay_region *r, uint32_t whose);

void     assay_bell_ring(struct assay_bell *bell);
uint32_t assay_bell_now(struct assay_bell *bell);
/* Sleeps until it has rung since `seen` was read, at most for `most_ns`. */
void     assay_bell_wait(struct assay_bell *bell, uint32_t seen, uint64_t most_ns);

/* Whom a rank waits for, for the others to see; ASSAY_RANK_NONE: nobody. */
void     assay_region_tell(struct assay_region *r, uint32_t rank, uint32_t waits_for);
uint32_t assay_region_told(struct assay_region *r, uint32_t rank);

/* Says that a rank is lost, and why; the first word counts. Everybody's waiting ends with it. */
void assay_region_lose(struct assay_region *r, uint32_t rank, const char *why);
/* Is one lost? Then *rank and why. */
bool assay_region_lost(struct assay_region *r, uint32_t *rank, char why[ASSAY_LINK_WHY]);

/* The region, which is borrowed, as the link of one of its ranks. */
enum assay_code assay_region_link(struct assay_region *r, uint32_t rank, struct assay_link *out, struct assay_error *err);
/* Its boxes as the leader's end and as that of one rank: the region is borrowed. */
enum assay_code assay_region_post(struct assay_region *r, struct assay_post *out, struct assay_error *err);
enum assay_code assay_region_duty(struct assay_region *r, uint32_t rank, struct assay_duty *out, struct assay_error *err);

#endif
