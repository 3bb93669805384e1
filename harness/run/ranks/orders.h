/* What the leader of a case's ranks has each of them do: one order at a time, its arguments and its answer in the rank's box. */
#ifndef ASSAY_RUN_RANKS_ORDERS_H
#define ASSAY_RUN_RANKS_ORDERS_H

#include "harness/run/ranks/region.h"

/* Buffers and programs are told by numbers that the rank gave out. Bytes lie in the stage. */
enum assay_order {
    ASSAY_ORDER_ALLOC = 1, /* arg: bytes, alignment, place; answer: arg[3] the buffer */
    ASSAY_ORDER_RELEASE,   /* buffer */
    ASSAY_ORDER_UPLOAD,    /* buffer, offset, bytes <= the stage */
    ASSAY_ORDER_DOWNLOAD,  /* the same; answer: the stage */
    ASSAY_ORDER_COMPILE,   /* how many bindings; answer: arg[3] the program */
    ASSAY_ORDER_DISCARD,   /* program */
    ASSAY_ORDER_EXECUTE,   /* program, how many bindings; answer: arg[2] begin, arg[3] end */
    ASSAY_ORDER_LEAVE,
};

/* A struct assay_binding between two processes; as many as are told stand at the stage's beginning. */
struct assay_order_binding {
    uint32_t value;     /* of the rank's own graph */
    uint32_t is_inline; /* the content, at `offset` of the stage, in place of a buffer */
    uint64_t buffer, offset, valid_rows;
};

/* The rank's next order: false after most_ns. */
bool assay_order_next(struct assay_region *r, uint32_t rank, uint64_t most_ns);
/* It is done; box->error says how. */
void assay_order_done(struct assay_region *r, uint32_t rank);

#endif
