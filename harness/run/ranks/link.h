/* What carries bytes between ranks: shared memory on one machine, sockets or MPI between several. Between every two ranks and in
 * either direction lie two streams of bytes, which never wait for each other. Nothing here blocks but `rest`: a caller that can go on
 * with none of its streams rests, and looks who is there. Everything that is agreed on top, calls, sizes, sums, is communicator.h's. */
#ifndef ASSAY_RANKS_LINK_H
#define ASSAY_RANKS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSAY_RANKS_MOST 32u
#define ASSAY_RANK_NONE UINT32_MAX
#define ASSAY_LINK_WHY 192

enum assay_link_stream { ASSAY_LINK_TOGETHER = 0, ASSAY_LINK_PAIR = 1, ASSAY_LINK_STREAMS = 2 };

struct assay_link {
    uint32_t    rank, n_ranks;
    const char *kind; /* one word, for people */
    void       *self;
    /* As many bytes as there is room for now, of those given; how many that were. */
    size_t (*push)(void *self, uint32_t to, enum assay_link_stream stream, const void *data, size_t bytes);
    /* As many as have come, at most `bytes`; how many that were. */
    size_t (*pull)(void *self, uint32_t from, enum assay_link_stream stream, void *data, size_t bytes);
    /* Until a push or a pull may give more than before the last rest, or timeout_ns has passed. */
    void (*rest)(void *self, uint64_t timeout_ns);
    /* Is some rank lost, dead or failed? Then which, and why. What it pushed before can still be pulled. */
    bool (*lost)(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY]);
    /* Says so of one, and why; the first word counts. */
    void (*lose)(void *self, uint32_t rank, const char *why);
    /* Tells the others whom this rank waits for, ASSAY_RANK_NONE: nobody; and what a rank told last. NULL: this link cannot. */
    void (*tell)(void *self, uint32_t waits_for);
    uint32_t (*told)(void *self, uint32_t rank);
    /* Leaves. Bytes that were pushed can still be pulled by those who stay. */
    void (*close)(void *self);
};

#endif
