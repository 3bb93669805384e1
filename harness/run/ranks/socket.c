#include "harness/run/ranks/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/text.h"
#include "harness/base/clock.h"

#include "assay/banned.h"

#define CONNECT_NS (3 * ASSAY_NS_PER_S) /* to one of several addresses */

void assay_host_name(char out[ASSAY_HOST_BYTES])
{
    if (gethostname(out, ASSAY_HOST_BYTES - 1))
        (void)snprintf(out, ASSAY_HOST_BYTES, "this host");
    out[ASSAY_HOST_BYTES - 1] = 0;
}

void assay_token_make(char out[ASSAY_TOKEN_BYTES])
{
    unsigned char bytes[16] = {0};
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        memset(bytes, 0, sizeof bytes); /* not in Linux since 3.17: up to 256 bytes come whole */
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* Small messages go at once; nobody's child has the connection. */
static void prepare(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

static bool wait_for(int fd, short events, uint64_t until_ns)
{
    for (;;) {
        uint64_t      now = assay_clock_now_ns(), left = now < until_ns ? until_ns - now : 0;
        struct pollfd p = {.fd = fd, .events = events};
        int           n = poll(&p, 1, left > 1000000000000u ? 1000000 : (int)((left + 999999) / 1000000));
        if (n > 0)
            return true;
        if (n == 0 && !left)
            return false;
    }
}

static uint64_t until(uint64_t timeout_ns)
{
    uint64_t now = assay_clock_now_ns();
    return timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
}

enum assay_code assay_socket_listen(int *fd, uint16_t *port, struct assay_error *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t          bytes = sizeof at;
    int                made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0 || bind(made, (struct sockaddr *)&at, sizeof at) || listen(made, 128) ||
        getsockname(made, (struct sockaddr *)&at, &bytes)) {
        (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot listen for ranks");
        if (made >= 0)
            (void)close(made);
        return err->code;
    }
    prepare(made);
    *fd = made;
    *port = ntohs(at.sin_port);
    return ASSAY_OK;
}

void assay_socket_addresses(char out[ASSAY_ADDRESSES_BYTES])
{
    struct ifaddrs   *all = NULL;
    struct assay_text text = assay_text_over(out, ASSAY_ADDRESSES_BYTES - sizeof "127.0.0.1");
    out[0] = 0;
    if (!getifaddrs(&all))
        for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
            struct sockaddr_in at;
            char               name[INET_ADDRSTRLEN];
            if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || i->ifa_flags & IFF_LOOPBACK)
                continue;
            memcpy(&at, i->ifa_addr, sizeof at);
            if (!text.cut && inet_ntop(AF_INET, &at.sin_addr, name, sizeof name) && text.length + strlen(name) + 1 < text.capacity)
                assay_text_add(&text, "%s,", name);
        }
    freeifaddrs(all);
    (void)snprintf(out + strlen(out), ASSAY_ADDRESSES_BYTES - strlen(out), "127.0.0.1");
}

enum assay_code assay_socket_accept(int listener, uint64_t timeout_ns, int *fd, struct assay_error *err)
{
    uint64_t end = until(timeout_ns);
    for (;;) {
        int came = wait_for(listener, POLLIN, end) ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (came >= 0) {
            prepare(came);
            *fd = came;
            return ASSAY_OK;
        }
        if (assay_clock_now_ns() >= end)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "nobody came within %.3g s", (double)timeout_ns / 1e9);
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot accept a rank");
    }
}

static int connect_to(const char *address, uint16_t port, uint64_t end)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), failed = 0;
    socklen_t          bytes = sizeof failed;
    if (fd < 0)
        return -1;
    prepare(fd);
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1 || (connect(fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS) ||
        !wait_for(fd, POLLOUT, end) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &bytes) || failed) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

enum assay_code assay_socket_connect(const char *addresses, uint16_t port, uint64_t timeout_ns, int *fd, struct assay_error *err)
{
    char     list[ASSAY_ADDRESSES_BYTES], *save = NULL;
    uint64_t end = until(timeout_ns);
    (void)snprintf(list, sizeof list, "%s", addresses);
    for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        uint64_t soon = until(CONNECT_NS);
        int      made = connect_to(one, port, soon < end ? soon : end);
        if (made >= 0) {
            *fd = made;
            return ASSAY_OK;
        }
    }
    return ASSAY_FAIL(err, ASSAY_IO, "no way to port %u of %.150s", port, addresses);
}

enum assay_code assay_socket_send(int fd, const void *data, size_t bytes, uint64_t timeout_ns, struct assay_error *err)
{
    const unsigned char *at = data;
    uint64_t             end = until(timeout_ns);
    while (bytes) {
        ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
        if (n > 0) {
            at += n;
            bytes -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "the connection is gone");
        } else if (!wait_for(fd, POLLOUT, end)) {
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "%zu bytes were not taken within %.3g s", bytes, (double)timeout_ns / 1e9);
        }
    }
    return ASSAY_OK;
}

enum assay_code assay_socket_receive(int fd, void *data, size_t bytes, uint64_t timeout_ns, struct assay_error *err)
{
    unsigned char *at = data;
    uint64_t       end = until(timeout_ns);
    while (bytes) {
        ssize_t n = recv(fd, at, bytes, 0);
        if (n > 0) {
            at += n;
            bytes -= (size_t)n;
        } else if (n == 0) {
            return ASSAY_FAIL(err, ASSAY_IO, "the connection was closed");
        } else if (errno != EAGAIN && errno != EINTR) {
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "the connection is gone");
        } else if (!wait_for(fd, POLLIN, end)) {
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "%zu bytes did not come within %.3g s", bytes, (double)timeout_ns / 1e9);
        }
    }
    return ASSAY_OK;
}
