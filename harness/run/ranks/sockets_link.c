#include "harness/run/ranks/sockets_link.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MAGIC 0x72616e6b6c696e6bull
#define ANSWER_NS (20 * ASSAY_NS_PER_S)

enum { LAST_WORDS = ASSAY_LINK_STREAMS, CONNECTIONS };

/* The first that goes over a connection, and its answer. */
struct greeting {
    uint64_t magic;
    uint32_t from, which;
    char     token[ASSAY_TOKEN_BYTES + 7];
};
/* Who is lost and why; of nobody, ASSAY_RANK_NONE: whoever says it leaves, and is not to be missed. */
struct last_word {
    uint32_t rank, unused;
    char     why[ASSAY_LINK_WHY];
};

struct sockets {
    uint32_t         rank, n;
    int              fd[ASSAY_RANKS_MOST][CONNECTIONS];
    short            wants[ASSAY_RANKS_MOST][ASSAY_LINK_STREAMS]; /* of poll, since the last rest */
    bool             is_lost;
    struct last_word word;
    struct { struct last_word word; size_t came; bool left; } heard[ASSAY_RANKS_MOST];
};

/* ---- streams --------------------------------------------------------------------------------------------------- */

static void note_lost(struct sockets *s, uint32_t rank, const char *why)
{
    if (s->is_lost)
        return;
    s->is_lost = true;
    s->word = (struct last_word){.rank = rank};
    (void)assay_string_copy(s->word.why, sizeof s->word.why, why);
}

static size_t push(void *self, uint32_t to, enum assay_link_stream stream, const void *data, size_t bytes)
{
    struct sockets *s = self;
    ssize_t         n = send(s->fd[to][stream], data, bytes, MSG_NOSIGNAL);
    if (n < (ssize_t)bytes)
        s->wants[to][stream] |= POLLOUT;
    return n > 0 ? (size_t)n : 0; /* who is gone is heard of elsewhere */
}

static size_t pull(void *self, uint32_t from, enum assay_link_stream stream, void *data, size_t bytes)
{
    struct sockets *s = self;
    ssize_t         n = recv(s->fd[from][stream], data, bytes, 0);
    if (n < (ssize_t)bytes)
        s->wants[from][stream] |= POLLIN;
    return n > 0 ? (size_t)n : 0;
}

/* On what a push or a pull has missed since the last time, and on last words. */
static void rest(void *self, uint64_t timeout_ns)
{
    struct sockets *s = self;
    struct pollfd   on[ASSAY_RANKS_MOST * CONNECTIONS];
    nfds_t          n = 0;
    struct timespec most = {(time_t)(timeout_ns / ASSAY_NS_PER_S), (long)(timeout_ns % ASSAY_NS_PER_S)};
    for (uint32_t r = 0; r < s->n; r++) {
        if (r == s->rank)
            continue;
        for (int i = 0; i < ASSAY_LINK_STREAMS; i++)
            if (s->wants[r][i])
                on[n++] = (struct pollfd){.fd = s->fd[r][i], .events = s->wants[r][i]};
        if (!s->heard[r].left)
            on[n++] = (struct pollfd){.fd = s->fd[r][LAST_WORDS], .events = POLLIN};
    }
    (void)ppoll(on, n, &most, NULL);
    memset(s->wants, 0, sizeof s->wants);
}

/* ---- who is lost ----------------------------------------------------------------------------------------------- */

/* A last word of rank r, whole, or the end of its connection. */
static void hear(struct sockets *s, uint32_t r)
{
    unsigned char *at = (unsigned char *)&s->heard[r].word;
    size_t        *came = &s->heard[r].came;
    ssize_t        n = recv(s->fd[r][LAST_WORDS], at + *came, sizeof s->heard[r].word - *came, 0);
    if (n > 0 && (*came += (size_t)n) == sizeof s->heard[r].word) {
        s->heard[r].word.why[ASSAY_LINK_WHY - 1] = 0;
        s->heard[r].left = s->heard[r].word.rank >= s->n;
        if (!s->heard[r].left)
            note_lost(s, s->heard[r].word.rank, s->heard[r].word.why);
    } else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        note_lost(s, r, "its process is gone");
    }
}

static bool lost(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY])
{
    struct sockets *s = self;
    for (uint32_t r = 0; r < s->n && !s->is_lost; r++)
        if (r != s->rank && !s->heard[r].left)
            hear(s, r);
    if (!s->is_lost)
        return false;
    *rank = s->word.rank;
    memcpy(why, s->word.why, ASSAY_LINK_WHY);
    return true;
}

static void say(const struct sockets *s, const struct last_word *word)
{
    for (uint32_t r = 0; r < s->n; r++)
        if (r != s->rank && s->fd[r][LAST_WORDS] >= 0) /* hardly anything was ever sent there: it fits */
            (void)send(s->fd[r][LAST_WORDS], word, sizeof *word, MSG_NOSIGNAL);
}

static void lose(void *self, uint32_t rank, const char *why)
{
    struct sockets *s = self;
    note_lost(s, rank, why);
    say(s, &s->word);
}

/* ---- beginning and end ----------------------------------------------------------------------------------------- */

static void close_all(void *self)
{
    struct sockets        *s = self;
    const struct last_word nobody = {.rank = ASSAY_RANK_NONE};
    say(s, &nobody);
    for (uint32_t r = 0; r < s->n; r++)
        for (int i = 0; i < CONNECTIONS; i++)
            if (s->fd[r][i] >= 0)
                (void)close(s->fd[r][i]);
    free(s);
}

static enum assay_code greet(int fd, const struct greeting *mine, uint32_t expected, struct assay_error *err)
{
    struct greeting theirs;
    if (assay_socket_send(fd, mine, sizeof *mine, ANSWER_NS, err) || assay_socket_receive(fd, &theirs, sizeof theirs, ANSWER_NS, err))
        return err->code;
    return theirs.magic == MAGIC && theirs.from == expected && !memcmp(theirs.token, mine->token, ASSAY_TOKEN_BYTES)
               ? ASSAY_OK
               : ASSAY_FAIL(err, ASSAY_PROTOCOL, "who answers there is not rank %u", expected);
}

/* Each of its addresses, until it is rank r that answers. */
static enum assay_code connect_to(struct sockets *s, const struct greeting *mine, uint32_t r, const struct assay_peer *peer, struct assay_error *err)
{
    char list[ASSAY_ADDRESSES_BYTES], *save = NULL;
    (void)assay_string_copy(list, sizeof list, peer->addresses);
    (void)ASSAY_FAIL(err, ASSAY_IO, "rank %u has no address", r);
    for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        int fd = -1;
        err->code = ASSAY_OK;
        if (!assay_socket_connect(one, peer->port, ANSWER_NS, &fd, err) && !greet(fd, mine, r, err)) {
            s->fd[r][mine->which] = fd;
            return ASSAY_OK;
        }
        if (fd >= 0)
            (void)close(fd);
    }
    return assay_error_in(err, "connecting rank %u to rank %u", s->rank, r);
}

/* Somebody who came: one of those behind, for a connection that is not there yet; else sent away. */
static bool let_in(struct sockets *s, int fd, const struct greeting *mine)
{
    struct greeting    theirs, answer = *mine;
    struct assay_error ignored;
    if (assay_socket_receive(fd, &theirs, sizeof theirs, ANSWER_NS, &ignored) || theirs.magic != MAGIC ||
        memcmp(theirs.token, mine->token, ASSAY_TOKEN_BYTES) != 0 || theirs.from <= s->rank || theirs.from >= s->n ||
        theirs.which >= CONNECTIONS || s->fd[theirs.from][theirs.which] >= 0)
        return false;
    answer.which = theirs.which;
    if (assay_socket_send(fd, &answer, sizeof answer, ANSWER_NS, &ignored))
        return false;
    s->fd[theirs.from][theirs.which] = fd;
    return true;
}

static enum assay_code meet_all(struct sockets *s, int listener, const char *token, const struct assay_peer *peers, uint64_t timeout_ns,
                                struct assay_error *err)
{
    struct greeting mine = {.magic = MAGIC, .from = s->rank};
    uint64_t        end = assay_clock_now_ns() + timeout_ns;
    memcpy(mine.token, token, ASSAY_TOKEN_BYTES);
    for (uint32_t r = 0; r < s->rank; r++)
        for (mine.which = 0; mine.which < CONNECTIONS; mine.which++)
            if (connect_to(s, &mine, r, &peers[r], err))
                return err->code;
    for (uint32_t missing = (s->n - 1 - s->rank) * CONNECTIONS; missing;) {
        uint64_t now = assay_clock_now_ns();
        int      fd = -1;
        if (assay_socket_accept(listener, now < end ? end - now : 0, &fd, err))
            return assay_error_in(err, "waiting at rank %u for those behind it", s->rank);
        if (let_in(s, fd, &mine))
            missing--;
        else
            (void)close(fd);
    }
    return ASSAY_OK;
}

enum assay_code assay_sockets_link(int listener, const char token[ASSAY_TOKEN_BYTES], uint32_t rank, uint32_t n, const struct assay_peer *peers,
                                   uint64_t timeout_ns, struct assay_link *out, struct assay_error *err)
{
    struct sockets *s = calloc(1, sizeof *s);
    if (!s || n < 1 || n > ASSAY_RANKS_MOST || rank >= n) {
        free(s);
        return ASSAY_FAIL(err, s ? ASSAY_CONFIG : ASSAY_MEMORY, "cannot make a link for rank %u of %u", rank, n);
    }
    s->rank = rank;
    s->n = n;
    memset(s->fd, -1, sizeof s->fd);
    if (meet_all(s, listener, token, peers, timeout_ns, err)) {
        close_all(s);
        return err->code;
    }
    *out = (struct assay_link){.rank = rank, .n_ranks = n, .kind = "sockets", .self = s, .push = push, .pull = pull, .rest = rest,
                               .lost = lost, .lose = lose, .close = close_all};
    return ASSAY_OK;
}
