/* Memory that the ranks of one case share with their leader: where they exchange messages (exchange.h) and where each gets its orders
 * (orders.h). One machine; every rank is a process. */
#ifndef ASSAY_RUN_RANKS_REGION_H
#define ASSAY_RUN_RANKS_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_REGION_RANKS 32u
#define ASSAY_REGION_RING_BYTES ((size_t)4 << 20)  /* from one rank to another: so much is sent before anybody takes it */
#define ASSAY_REGION_STAGE_BYTES ((size_t)4 << 20) /* between the leader and one rank */

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
struct assay_order_box {
    _Alignas(64) _Atomic uint32_t given; /* orders so far */
    _Alignas(64) _Atomic uint32_t done;
    uint32_t           what; /* enum assay_order */
    uint64_t           arg[4];
    struct assay_error error; /* of the order that was done last; code OK: it went well */
    unsigned char      stage[ASSAY_REGION_STAGE_BYTES];
};

struct assay_region;
/* A new one for n ranks, 1 to ASSAY_REGION_RANKS. `path` names it for other processes of the same user, as long as this one has it. */
enum assay_code assay_region_make(uint32_t n, struct assay_region **out, char path[64], struct assay_error *err);
/* That of another process. */
enum assay_code assay_region_open(const char *path, struct assay_region **out, struct assay_error *err);
void            assay_region_close(struct assay_region *r);

uint32_t                assay_region_ranks(const struct assay_region *r);
struct assay_ring      *assay_region_ring(struct assay_region *r, uint32_t from, uint32_t to);
struct assay_order_box *assay_region_orders(struct assay_region *r, uint32_t rank);
/* Bells: of each rank, and the leader's, number assay_region_ranks(). */
struct assay_bell      *assay_region_bell(struct assay_region *r, uint32_t whose);

void     assay_bell_ring(struct assay_bell *bell);
uint32_t assay_bell_now(struct assay_bell *bell);
/* Sleeps until it has rung since `seen` was read, at most for `most_ns`. */
void     assay_bell_wait(struct assay_bell *bell, uint32_t seen, uint64_t most_ns);

/* Says that a rank is lost, and why; the first word counts. Everybody's waiting ends with it. */
void assay_region_lose(struct assay_region *r, uint32_t rank, const char *why);
/* Is one lost? Then *rank and why. */
bool assay_region_lost(struct assay_region *r, uint32_t *rank, char why[192]);

#endif
