/* The link of ranks that are processes anywhere: between every two of them a TCP connection for each stream, and one for what is said
 * when a rank is lost. */
#ifndef ASSAY_RUN_RANKS_SOCKETS_LINK_H
#define ASSAY_RUN_RANKS_SOCKETS_LINK_H

#include "assay/error.h"
#include "harness/run/ranks/link.h"
#include "harness/run/ranks/socket.h"

/* Where a rank listens. */
struct assay_peer {
    char     addresses[ASSAY_ADDRESSES_BYTES];
    uint16_t port;
};

/* Joins the n ranks at `peers` as number `rank`, which listens on `listener` (borrowed): connects to those before it, waits for those
 * behind it, for timeout_ns at most. Refused: who does not show `token`. */
enum assay_code assay_sockets_link(int listener, const char token[ASSAY_TOKEN_BYTES], uint32_t rank, uint32_t n, const struct assay_peer *peers,
                                   uint64_t timeout_ns, struct assay_link *out, struct assay_error *err);

#endif
