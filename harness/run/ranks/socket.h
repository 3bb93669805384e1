/* Connections between ranks and their leader, over TCP. Everybody who comes shows a word that only those know who were told it by the
 * launcher; everybody else is sent away. All waiting has an end. */
#ifndef ASSAY_RUN_RANKS_SOCKET_H
#define ASSAY_RUN_RANKS_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_TOKEN_BYTES 33 /* 32 hex digits of the operating system's entropy, with the NUL */
#define ASSAY_ADDRESSES_BYTES 256
#define ASSAY_HOST_BYTES 65

/* This host's name, as people know it. */
void assay_host_name(char out[ASSAY_HOST_BYTES]);
/* 32 new hex digits. */
void assay_token_make(char out[ASSAY_TOKEN_BYTES]);

/* Listens on a port that the system chooses, on all addresses. */
enum assay_code assay_socket_listen(int *fd, uint16_t *port, struct assay_error *err);
/* Where this host can be reached: IPv4 addresses with commas between, the loopback last. */
void assay_socket_addresses(char out[ASSAY_ADDRESSES_BYTES]);
/* Who comes within timeout_ns: ASSAY_TIMEOUT if nobody did. */
enum assay_code assay_socket_accept(int listener, uint64_t timeout_ns, int *fd, struct assay_error *err);
/* The first of `addresses` that answers. */
enum assay_code assay_socket_connect(const char *addresses, uint16_t port, uint64_t timeout_ns, int *fd, struct assay_error *err);

/* All of it, or an error. ASSAY_IO: the other side is gone; ASSAY_TIMEOUT: it did not take or give it. */
enum assay_code assay_socket_send(int fd, const void *data, size_t bytes, uint64_t timeout_ns, struct assay_error *err);
enum assay_code assay_socket_receive(int fd, void *data, size_t bytes, uint64_t timeout_ns, struct assay_error *err);

#endif
