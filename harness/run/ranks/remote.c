#include "harness/run/ranks/remote.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MAGIC 0x72616e6b6f726472ull
#define PASS_NS (60 * ASSAY_NS_PER_S)  /* for the other side to take or give a stage */
#define GONE "its process is gone" /* its end of the connection was closed */
#define GREET_NS (5 * ASSAY_NS_PER_S)

struct order_head {
    uint64_t magic, arg[4], front, back;
    uint32_t what, unused;
};
struct answer_head {
    uint64_t           magic, arg[4], front;
    uint32_t           missed, unused;
    char               why[ASSAY_LINK_WHY];
    struct assay_error error;
};

/* ---- the leader's ---------------------------------------------------------------------------------------------- */

struct seat {
    int                    fd;
    bool                   owes; /* an answer */
    struct answer_head     head;
    size_t                 came; /* of head and stage */
    struct assay_arrival   arrival;
    struct assay_order_box *box;
};
struct assay_remote {
    uint32_t    n;
    int         listener;
    uint16_t    port;
    char        token[ASSAY_TOKEN_BYTES], address[ASSAY_ADDRESSES_BYTES + 8];
    bool        is_lost;
    uint32_t    lost_rank;
    char        why[ASSAY_LINK_WHY];
    struct seat seat[ASSAY_RANKS_MOST];
};

enum assay_code assay_remote_open(uint32_t n, struct assay_remote **out, struct assay_error *err)
{
    struct assay_remote *r = calloc(1, sizeof *r);
    char                 addresses[ASSAY_ADDRESSES_BYTES];
    if (!r || n < 1 || n > ASSAY_RANKS_MOST) {
        free(r);
        return r ? ASSAY_FAIL(err, ASSAY_CONFIG, "%u ranks; from 1 to %u", n, ASSAY_RANKS_MOST) : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for ranks");
    }
    r->n = n;
    r->listener = -1;
    for (uint32_t i = 0; i < n; i++)
        r->seat[i].fd = -1;
    for (uint32_t i = 0; i < n && !err->code; i++)
        if (!(r->seat[i].box = calloc(1, sizeof *r->seat[i].box)))
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the orders of %u ranks", n);
    if (err->code || assay_socket_listen(&r->listener, &r->port, err)) {
        assay_remote_close(r);
        return err->code;
    }
    assay_token_make(r->token);
    assay_socket_addresses(addresses);
    (void)snprintf(r->address, sizeof r->address, "%s:%u", addresses, r->port);
    *out = r;
    return ASSAY_OK;
}

void assay_remote_close(struct assay_remote *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->seat[i].fd >= 0)
            (void)close(r->seat[i].fd);
        free(r->seat[i].box);
    }
    if (r->listener >= 0)
        (void)close(r->listener);
    free(r);
}

const char *assay_remote_address(const struct assay_remote *r)
{
    return r->address;
}

const char *assay_remote_token(const struct assay_remote *r)
{
    return r->token;
}

bool assay_remote_has(const struct assay_remote *r, uint32_t rank)
{
    return r->seat[rank].fd >= 0;
}

const struct assay_arrival *assay_remote_arrival(const struct assay_remote *r, uint32_t rank)
{
    return &r->seat[rank].arrival;
}

int assay_remote_fd(const struct assay_remote *r, uint32_t rank)
{
    return r->seat[rank].fd;
}

static bool let_in(struct assay_remote *r, int fd)
{
    struct assay_arrival a;
    struct assay_error   ignored;
    if (assay_socket_receive(fd, &a, sizeof a, GREET_NS, &ignored) || a.magic != MAGIC || memcmp(a.token, r->token, sizeof r->token) != 0 ||
        a.rank >= r->n || r->seat[a.rank].fd >= 0)
        return false;
    a.host[sizeof a.host - 1] = a.peer.addresses[sizeof a.peer.addresses - 1] = 0;
    r->seat[a.rank].arrival = a;
    r->seat[a.rank].fd = fd;
    return true;
}

bool assay_remote_gather(struct assay_remote *r, uint64_t timeout_ns)
{
    struct assay_error ignored;
    int                fd = -1;
    if (!assay_socket_accept(r->listener, timeout_ns, &fd, &ignored) && !let_in(r, fd))
        (void)close(fd);
    for (uint32_t i = 0; i < r->n; i++)
        if (r->seat[i].fd < 0)
            return false;
    return true;
}

static struct assay_order_box *box_of(void *self, uint32_t rank)
{
    return ((const struct assay_remote *)self)->seat[rank].box;
}

static void lose(void *self, uint32_t rank, const char *why)
{
    struct assay_remote *r = self;
    if (r->is_lost)
        return;
    r->is_lost = true;
    r->lost_rank = rank;
    (void)assay_string_copy(r->why, sizeof r->why, why);
}

static enum assay_code give(void *self, uint32_t rank, size_t front, size_t back, struct assay_error *err)
{
    struct assay_remote          *r = self;
    struct seat                  *s = &r->seat[rank];
    const struct assay_order_box *box = s->box;
    struct order_head             head = {.magic = MAGIC, .front = front, .back = back, .what = box->what};
    memcpy(head.arg, box->arg, sizeof head.arg);
    if (assay_socket_send(s->fd, &head, sizeof head, PASS_NS, err) || assay_socket_send(s->fd, box->stage, front, PASS_NS, err) ||
        assay_socket_send(s->fd, box->stage + sizeof box->stage - back, back, PASS_NS, err)) {
        lose(r, rank, err->message);
        return err->code;
    }
    s->owes = true;
    s->came = 0;
    return ASSAY_OK;
}

/* What came of an answer is in place; true: it is whole. */
static bool take_answer(struct assay_remote *r, uint32_t rank)
{
    struct seat *s = &r->seat[rank];
    if (s->came == sizeof s->head && (s->head.magic != MAGIC || s->head.front > ASSAY_STAGE_BYTES)) {
        lose(r, rank, "its answer is none");
        return false;
    }
    if (s->came < sizeof s->head || s->came < sizeof s->head + s->head.front)
        return false;
    struct assay_error *e = &s->box->error;
    memcpy(s->box->arg, s->head.arg, sizeof s->box->arg);
    *e = s->head.error;
    e->where[sizeof e->where - 1] = e->message[sizeof e->message - 1] = e->hint[sizeof e->hint - 1] = 0;
    e->nframes = e->nframes < ASSAY_ERROR_FRAMES ? e->nframes : ASSAY_ERROR_FRAMES;
    for (uint32_t i = 0; i < e->nframes; i++)
        e->frame[i][sizeof e->frame[i] - 1] = 0;
    s->head.why[sizeof s->head.why - 1] = 0;
    if (e->code && s->head.missed < r->n)
        lose(r, s->head.missed, s->head.why);
    s->owes = false;
    return true;
}

static bool is_done(void *self, uint32_t rank)
{
    struct assay_remote *r = self;
    struct seat         *s = &r->seat[rank];
    while (s->owes) {
        bool           in_head = s->came < sizeof s->head;
        size_t         left = in_head ? sizeof s->head - s->came : sizeof s->head + s->head.front - s->came;
        unsigned char *to = in_head ? (unsigned char *)&s->head + s->came : s->box->stage + (s->came - sizeof s->head);
        ssize_t        n = recv(s->fd, to, left, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            lose(r, rank, GONE);
        if (n <= 0)
            return false;
        s->came += (size_t)n;
        if (s->came >= sizeof s->head && take_answer(r, rank))
            return true;
        if (r->is_lost)
            return false;
    }
    return true;
}

/* On answers that are owed, and on the end of any connection. */
static void rest(void *self, uint64_t timeout_ns)
{
    const struct assay_remote *r = self;
    struct pollfd              on[ASSAY_RANKS_MOST];
    struct timespec            most = {(time_t)(timeout_ns / ASSAY_NS_PER_S), (long)(timeout_ns % ASSAY_NS_PER_S)};
    for (uint32_t i = 0; i < r->n; i++)
        on[i] = (struct pollfd){.fd = r->seat[i].fd, .events = (short)(POLLRDHUP | (r->seat[i].owes ? POLLIN : 0))};
    (void)ppoll(on, r->n, &most, NULL);
}

/* Looks at all of them, so that the first that is gone is the one that is lost, whomever one waits for. */
static bool lost(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY])
{
    struct assay_remote *r = self;
    for (uint32_t i = 0; i < r->n && !r->is_lost; i++) {
        unsigned char byte;
        if (r->seat[i].owes)
            (void)is_done(r, i);
        else if (!r->seat[i].box->error.code && recv(r->seat[i].fd, &byte, 1, MSG_PEEK) == 0) /* else it said why */
            lose(r, i, GONE);
    }
    if (!r->is_lost)
        return false;
    *rank = r->lost_rank;
    memcpy(why, r->why, ASSAY_LINK_WHY);
    return true;
}

static void close_post(void *self)
{
    assay_remote_close(self);
}

void assay_remote_post(struct assay_remote *r, struct assay_post *out)
{
    for (uint32_t i = 0; i < r->n; i++) {
        r->seat[i].owes = true;
        r->seat[i].came = 0;
    }
    *out = (struct assay_post){.n = r->n, .self = r, .box = box_of, .give = give, .is_done = is_done, .rest = rest, .lost = lost, .lose = lose,
                               .close = close_post};
}

/* ---- a rank's -------------------------------------------------------------------------------------------------- */

struct duty {
    int                    fd, stop;
    atomic_bool            leaves;
    pthread_t              watcher;
    struct assay_order_box box;
};

enum assay_code assay_remote_join(const char *address, const char *token, struct assay_arrival *mine, int *fd, struct assay_error *err)
{
    char        addresses[ASSAY_ADDRESSES_BYTES];
    const char *colon = strrchr(address, ':');
    long        port = colon ? strtol(colon + 1, NULL, 10) : 0;
    if (!colon || port < 1 || port > 65535 || (size_t)(colon - address) >= sizeof addresses || strlen(token) != ASSAY_TOKEN_BYTES - 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.120s' is no leader's address with its word", address);
    memcpy(addresses, address, (size_t)(colon - address));
    addresses[colon - address] = 0;
    mine->magic = MAGIC;
    memcpy(mine->token, token, ASSAY_TOKEN_BYTES);
    if (assay_socket_connect(addresses, (uint16_t)port, PASS_NS, fd, err))
        return assay_error_in(err, "coming to the leader");
    if (assay_socket_send(*fd, mine, sizeof *mine, GREET_NS, err)) {
        (void)close(*fd);
        return assay_error_in(err, "coming to the leader");
    }
    return ASSAY_OK;
}

/* The leader's end of the connection closes when it dies, in whatever way; then nobody wants this process any more. */
static void *watch(void *self)
{
    struct duty  *d = self;
    struct pollfd on[] = {{.fd = d->fd, .events = POLLRDHUP}, {.fd = d->stop, .events = POLLIN}};
    while (poll(on, 2, -1) < 0 && errno == EINTR)
        ;
    if (!on[1].revents && !atomic_load(&d->leaves))
        _exit(1);
    return NULL;
}

static struct assay_order_box *own_box(void *self)
{
    return &((struct duty *)self)->box;
}

static bool next(void *self, uint64_t most_ns, bool *ended)
{
    struct duty       *d = self;
    struct order_head  head;
    struct assay_error err = {.code = ASSAY_OK};
    struct pollfd      on = {.fd = d->fd, .events = POLLIN};
    *ended = false;
    if (poll(&on, 1, most_ns < 1000000000000u ? (int)(most_ns / 1000000) : 1000000) <= 0)
        return false;
    if (assay_socket_receive(d->fd, &head, sizeof head, PASS_NS, &err) || head.magic != MAGIC || head.front > ASSAY_STAGE_BYTES ||
        head.back > ASSAY_STAGE_BYTES - head.front || assay_socket_receive(d->fd, d->box.stage, head.front, PASS_NS, &err) ||
        assay_socket_receive(d->fd, d->box.stage + sizeof d->box.stage - head.back, head.back, PASS_NS, &err)) {
        *ended = true;
        return false;
    }
    d->box.what = head.what;
    memcpy(d->box.arg, head.arg, sizeof head.arg);
    if (head.what == ASSAY_ORDER_LEAVE)
        atomic_store(&d->leaves, true);
    return true;
}

static void done(void *self, size_t front)
{
    struct duty       *d = self;
    struct answer_head head = {.magic = MAGIC, .front = front, .missed = d->box.missed, .error = d->box.error};
    struct assay_error ignored;
    memcpy(head.arg, d->box.arg, sizeof head.arg);
    memcpy(head.why, d->box.why, sizeof head.why);
    if (!assay_socket_send(d->fd, &head, sizeof head, PASS_NS, &ignored))
        (void)assay_socket_send(d->fd, d->box.stage, front, PASS_NS, &ignored);
}

static void close_duty(void *self)
{
    struct duty *d = self;
    uint64_t     one = 1;
    (void)!write(d->stop, &one, sizeof one);
    (void)pthread_join(d->watcher, NULL);
    (void)close(d->stop);
    (void)close(d->fd);
    free(d);
}

enum assay_code assay_remote_duty(int fd, struct assay_duty *out, struct assay_error *err)
{
    struct duty *d = calloc(1, sizeof *d);
    int          stop = eventfd(0, EFD_CLOEXEC);
    if (d && stop >= 0) {
        d->fd = fd;
        d->stop = stop;
        d->box.missed = ASSAY_RANK_NONE;
    }
    if (!d || stop < 0 || pthread_create(&d->watcher, NULL, watch, d)) {
        free(d);
        (void)close(fd);
        if (stop >= 0)
            (void)close(stop);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no means to watch the leader");
    }
    *out = (struct assay_duty){.self = d, .box = own_box, .next = next, .done = done, .close = close_duty};
    return ASSAY_OK;
}
