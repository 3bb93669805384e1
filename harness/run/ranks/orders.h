/* What the leader of a case's ranks has each of them do: one order at a time, its arguments and its answer in a box that both have, be it
 * the same memory (local.c) or two that a connection keeps alike (remote.c). */
#ifndef ASSAY_RUN_RANKS_ORDERS_H
#define ASSAY_RUN_RANKS_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/run/ranks/link.h"

#define ASSAY_STAGE_BYTES ((size_t)4 << 20)

/* Buffers and programs are told by numbers that the rank gave out. Bytes lie in the stage. */
enum assay_order {
    ASSAY_ORDER_ALLOC = 1, /* arg: bytes, alignment, place; answer: arg[3] the buffer */
    ASSAY_ORDER_RELEASE,   /* buffer */
    ASSAY_ORDER_UPLOAD,    /* buffer, offset, bytes <= the stage */
    ASSAY_ORDER_DOWNLOAD,  /* the same; answer: the stage */
    ASSAY_ORDER_COMPILE,   /* how many bindings; answer: arg[3] the program, and in the stage what the back end says of it, a text */
    ASSAY_ORDER_DISCARD,   /* program */
    ASSAY_ORDER_EXECUTE,   /* program, how many bindings; answer: arg[2] begin, arg[3] end, by the rank's own clock */
    ASSAY_ORDER_LEAVE,
};

/* A struct assay_binding between two processes; as many as are told stand at the stage's beginning. */
struct assay_order_binding {
    uint32_t value;     /* of the rank's own graph */
    uint32_t is_inline; /* the content, at `offset` of the stage, in place of a buffer */
    uint64_t buffer, offset, valid_rows;
};

struct assay_order_box {
    uint32_t           what; /* enum assay_order */
    uint64_t           arg[4];
    struct assay_error error;  /* of the order that was done last; code OK: it went well */
    uint32_t           missed; /* the rank for want of which it failed, ASSAY_RANK_NONE: for another reason */
    char               why[ASSAY_LINK_WHY]; /* what became of that rank */
    _Alignas(16) unsigned char stage[ASSAY_STAGE_BYTES]; /* structs lie at its beginning */
};

/* The leader's end, to all ranks. */
struct assay_post {
    uint32_t n;
    bool     one_clock; /* the ranks' clocks are the leader's */
    void    *self;
    struct assay_order_box *(*box)(void *self, uint32_t rank);
    /* Gives what the box holds: of the stage its first `front` bytes and its last `back`. */
    enum assay_code (*give)(void *self, uint32_t rank, size_t front, size_t back, struct assay_error *err);
    /* Has the rank answered what it was given? Then the box holds the answer. */
    bool (*is_done)(void *self, uint32_t rank);
    /* Until some rank may have answered since the last rest, or timeout_ns has passed. */
    void (*rest)(void *self, uint64_t timeout_ns);
    /* As those of a link. */
    bool (*lost)(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY]);
    void (*lose)(void *self, uint32_t rank, const char *why);
    void (*close)(void *self);
};

/* A rank's end. */
struct assay_duty {
    void *self;
    struct assay_order_box *(*box)(void *self);
    /* The next order is in the box: false after most_ns, or when there will be none any more. */
    bool (*next)(void *self, uint64_t most_ns, bool *ended);
    /* The answer is in the box, with `front` bytes of the stage. */
    void (*done)(void *self, size_t front);
    void (*close)(void *self);
};

#endif
