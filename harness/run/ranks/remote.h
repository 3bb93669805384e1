/* Orders to ranks that are processes anywhere, over a connection to each: a launcher starts them with the leader's address and a word
 * to show, and they come. */
#ifndef ASSAY_RUN_RANKS_REMOTE_H
#define ASSAY_RUN_RANKS_REMOTE_H

#include "assay/error.h"
#include "harness/run/ranks/orders.h"
#include "harness/run/ranks/sockets_link.h"

/* What a rank says of itself when it comes. */
struct assay_arrival {
    uint64_t          magic;
    char              token[ASSAY_TOKEN_BYTES + 7];
    uint32_t          rank;
    char              host[ASSAY_HOST_BYTES + 3];
    struct assay_peer peer; /* where others reach it */
};

struct assay_remote;
/* The leader's side for n ranks; listens. */
enum assay_code assay_remote_open(uint32_t n, struct assay_remote **out, struct assay_error *err);
/* "addresses:port" and the word, for those who are to come; borrowed. */
const char *assay_remote_address(const struct assay_remote *r);
const char *assay_remote_token(const struct assay_remote *r);
/* Waits up to timeout_ns for one more: true when all n have come. Who shows another word, a number twice or one that there is not, is sent away. */
bool assay_remote_gather(struct assay_remote *r, uint64_t timeout_ns);
bool assay_remote_has(const struct assay_remote *r, uint32_t rank);
const struct assay_arrival *assay_remote_arrival(const struct assay_remote *r, uint32_t rank);
int                         assay_remote_fd(const struct assay_remote *r, uint32_t rank);
/* From now on each owes an answer, its first: what it found when it got ready. The post ends what `r` holds by its close. */
void assay_remote_post(struct assay_remote *r, struct assay_post *out);
void assay_remote_close(struct assay_remote *r);

/* A rank's side: comes to the leader at "addresses:port", telling what is in `mine` (magic and token are filled in). */
enum assay_code assay_remote_join(const char *address, const char *token, struct assay_arrival *mine, int *fd, struct assay_error *err);
/* Its duty over that connection, which it takes. When the leader is gone the process ends, whatever it is in. */
enum assay_code assay_remote_duty(int fd, struct assay_duty *out, struct assay_error *err);

#endif
