#include "harness/run/ranks/communicator.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/run/ranks/reduce.h"

#include "assay/banned.h"

#define LOOKS_BEFORE_REST 32            /* a peer on a core of its own answers within them */
#define SLICED_BYTES 65536u             /* of all ranks' operands: from here on each rank adds up a slice */
#define PIECE_BYTES (4u << 20)          /* of an all-reduce at a time: what is kept beside the operand */

/* In front of every message. */
enum call { BARRIER = 1, BROADCAST, ALL_GATHER, ALL_REDUCE, ALL_TO_ALL, PAIR, CALLS };
static const char *const call_name[CALLS] = {"", "barrier", "broadcast", "all_gather", "all_reduce", "all_to_all", "send"};
struct head {
    uint32_t call, group; /* group: a sum over its members, so that other groups are told apart */
    uint64_t number;      /* how many collectives this group has had; of a pair, how many sends */
    uint64_t bytes;
};

struct transfer {
    uint32_t               peer; /* by its number in all */
    enum assay_link_stream stream;
    bool                   out;
    struct head            head, came; /* as it must be; as it was when coming in */
    size_t                 head_done;
    unsigned char         *data; /* read only when going out */
    size_t                 bytes, done;
};

/* A send that did not fit. */
struct kept {
    struct kept    *next;
    struct transfer transfer;
    size_t          room;
    unsigned char   data[];
};

struct assay_communicator {
    struct assay_link  link;
    uint64_t           patience_ns;
    struct assay_comm  all;
    struct group      *world;
    struct kept       *kept, *spare; /* oldest first; blocks to use again */
    size_t             kept_bytes;
    uint64_t           sent[ASSAY_RANKS_MOST], received[ASSAY_RANKS_MOST];
    unsigned char     *scratch;
    size_t             scratch_bytes;
    uint32_t           missed;
    char               why[ASSAY_LINK_WHY];
    struct assay_error failure; /* code OK: none yet */
};

/* What `self` of a comm is. */
struct group {
    struct assay_communicator *c;
    uint32_t                   rank, n, sum;
    uint32_t                   member[ASSAY_RANKS_MOST];
    uint64_t                   number;
};

/* ---- going on -------------------------------------------------------------------------------------------------- */

static bool is_done(const struct transfer *t)
{
    return t->head_done == sizeof t->head && t->done == t->bytes;
}

static enum assay_code differs(struct assay_communicator *c, const struct transfer *t, struct assay_error *err)
{
    const struct head *got = &t->came, *wanted = &t->head;
    const char        *theirs = got->call < CALLS ? call_name[got->call] : "something unknown";
    c->missed = ASSAY_RANK_NONE;
    if (got->call == wanted->call && got->group == wanted->group && got->number == wanted->number)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "rank %u gives %s %llu bytes where rank %u has room for %llu", t->peer, theirs,
                          (unsigned long long)got->bytes, c->link.rank, (unsigned long long)wanted->bytes);
    return ASSAY_FAIL(err, ASSAY_PROTOCOL, "rank %u is in %s %llu%s, rank %u in %s %llu", t->peer, theirs, (unsigned long long)got->number,
                      got->group == wanted->group ? "" : " of another group", c->link.rank, call_name[wanted->call],
                      (unsigned long long)wanted->number);
}

static size_t move(struct assay_communicator *c, const struct transfer *t, void *at, size_t bytes)
{
    struct assay_link *l = &c->link;
    return t->out ? l->push(l->self, t->peer, t->stream, at, bytes) : l->pull(l->self, t->peer, t->stream, at, bytes);
}

/* As far as it goes now; how many bytes that was. */
static size_t go_on(struct assay_communicator *c, struct transfer *t, struct assay_error *err)
{
    size_t moved = 0;
    if (t->head_done < sizeof t->head) {
        moved = move(c, t, (unsigned char *)(t->out ? &t->head : &t->came) + t->head_done, sizeof t->head - t->head_done);
        t->head_done += moved;
        if (t->head_done < sizeof t->head || (!t->out && memcmp(&t->came, &t->head, sizeof t->head) != 0 && differs(c, t, err)))
            return moved;
    }
    if (t->done < t->bytes) {
        size_t n = move(c, t, t->data + t->done, t->bytes - t->done);
        t->done += n;
        moved += n;
    }
    return moved;
}

/* Sends that were kept, each behind what went to its receiver before. */
static size_t go_on_with_kept(struct assay_communicator *c, struct assay_error *err)
{
    size_t   moved = 0;
    uint32_t stuck = 0; /* a bit a receiver */
    for (struct kept **at = &c->kept, *k; (k = *at);) {
        uint32_t bit = 1u << k->transfer.peer;
        if (!(stuck & bit))
            moved += go_on(c, &k->transfer, err);
        if (!is_done(&k->transfer)) {
            stuck |= bit;
            at = &k->next;
            continue;
        }
        *at = k->next;
        c->kept_bytes -= k->room;
        k->next = c->spare;
        c->spare = k;
    }
    return moved;
}

/* ---- who is missed --------------------------------------------------------------------------------------------- */

/* Whoever `rank` waits for in turn, as far as is known. */
static uint32_t to_blame(struct assay_communicator *c, uint32_t rank)
{
    uint32_t seen = 1u << c->link.rank;
    while (c->link.told && !(seen >> rank & 1)) {
        seen |= 1u << rank;
        uint32_t next = c->link.told(c->link.self, rank);
        if (next >= c->link.n_ranks || seen >> next & 1)
            break;
        rank = next;
    }
    return rank;
}

/* Patience is at its end: the others need not wait for theirs. */
static enum assay_code miss(struct assay_communicator *c, const struct transfer *t, uint64_t waited_ns, struct assay_error *err)
{
    bool        receives = t->stream == ASSAY_LINK_PAIR && !t->out;
    const char *what = receives ? "receive" : call_name[t->head.call];
    c->missed = to_blame(c, t->peer);
    (void)ASSAY_FAIL(err, ASSAY_TIMEOUT, "nothing came of rank %u for %.3g s: rank %u waits in %s", c->missed, (double)waited_ns / 1e9,
                     c->link.rank, what);
    (void)snprintf(c->why, sizeof c->why, "%.190s", err->message);
    c->link.lose(c->link.self, c->missed, c->why);
    return err->code;
}

/* Nothing moved: rests, and fails when a rank is lost or patience is at its end. */
static enum assay_code wait_for(struct assay_communicator *c, struct transfer *t, uint64_t since_ns, struct assay_error *err)
{
    struct assay_link *l = &c->link;
    if (l->tell)
        l->tell(l->self, t->peer);
    if (l->lost(l->self, &c->missed, c->why)) {
        if (go_on(c, t, err) || err->code) /* what it pushed before is still there */
            return err->code;
        return ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u is lost: %.190s", c->missed, c->why);
    }
    l->rest(l->self, ASSAY_RANK_LOOK_NS);
    uint64_t waited = assay_clock_now_ns() - since_ns;
    return waited > c->patience_ns ? miss(c, t, waited, err) : ASSAY_OK;
}

static enum assay_code keep_failure(struct assay_communicator *c, struct assay_error *err)
{
    c->failure = *err;
    return err->code;
}

/* Until all are done. */
static enum assay_code exchange(struct assay_communicator *c, struct transfer *t, size_t n, struct assay_error *err)
{
    uint64_t since = assay_clock_now_ns();
    unsigned idle = 0;
    err->code = ASSAY_OK;
    if (c->failure.code) {
        *err = c->failure;
        return err->code;
    }
    for (;;) {
        size_t moved = go_on_with_kept(c, err);
        struct transfer *waits = NULL;
        for (size_t i = 0; i < n && !err->code; i++) {
            if (is_done(&t[i]))
                continue;
            moved += go_on(c, &t[i], err);
            if (!is_done(&t[i]) && (!waits || waits->out))
                waits = &t[i];
        }
        if (err->code)
            return keep_failure(c, err);
        if (!waits)
            break;
        if (moved) {
            since = assay_clock_now_ns();
            idle = 0;
        } else if (++idle > LOOKS_BEFORE_REST && wait_for(c, waits, since, err)) {
            return keep_failure(c, err);
        }
    }
    if (c->link.tell)
        c->link.tell(c->link.self, ASSAY_RANK_NONE);
    return ASSAY_OK;
}

/* ---- calls of a group ------------------------------------------------------------------------------------------ */

static struct transfer transfer_of(const struct group *g, enum call call, uint32_t member, bool out, const void *data, size_t bytes)
{
    return (struct transfer){.peer = g->member[member], .stream = ASSAY_LINK_TOGETHER, .out = out,
                             .head = {call, g->sum, g->number, bytes}, .data = (unsigned char *)data, .bytes = bytes};
}

/* Block i of `out` goes to member i, block i of `in` comes from it; blocks lie `stride` bytes apart, 0: they are one and the same.
 * This rank's own is not touched. */
struct blocks {
    unsigned char *at;
    size_t         bytes, stride;
};
static enum assay_code swap(struct group *g, enum call call, struct blocks out, struct blocks in, struct assay_error *err)
{
    struct transfer t[2 * ASSAY_RANKS_MOST];
    size_t          n = 0;
    g->number++;
    for (uint32_t i = 1; i < g->n; i++) { /* everybody begins with its next neighbour, so that nobody is everybody's first */
        uint32_t to = (g->rank + i) % g->n, from = (g->rank + g->n - i) % g->n;
        t[n++] = transfer_of(g, call, from, false, in.at ? in.at + from * in.stride : NULL, in.bytes);
        t[n++] = transfer_of(g, call, to, true, out.at ? out.at + to * out.stride : NULL, out.bytes);
    }
    return exchange(g->c, t, n, err);
}

static enum assay_code barrier(void *self, struct assay_error *err)
{
    return swap(self, BARRIER, (struct blocks){0}, (struct blocks){0}, err);
}

static enum assay_code broadcast(void *self, uint32_t root, void *data, size_t bytes, struct assay_error *err)
{
    struct group   *g = self;
    struct transfer t[ASSAY_RANKS_MOST];
    size_t          n = 0;
    if (root >= g->n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "broadcast from rank %u of %u", root, g->n);
    g->number++;
    for (uint32_t i = 0; i < g->n && g->rank == root; i++)
        if (i != root)
            t[n++] = transfer_of(g, BROADCAST, i, true, data, bytes);
    if (g->rank != root)
        t[n++] = transfer_of(g, BROADCAST, root, false, data, bytes);
    return exchange(g->c, t, n, err);
}

static enum assay_code all_gather(void *self, const void *in, size_t bytes, void *out, struct assay_error *err)
{
    struct group *g = self;
    if (bytes)
        memmove((unsigned char *)out + g->rank * bytes, in, bytes);
    return swap(g, ALL_GATHER, (struct blocks){(unsigned char *)in, bytes, 0}, (struct blocks){out, bytes, bytes}, err);
}

static enum assay_code all_to_all(void *self, const void *in, size_t bytes, void *out, struct assay_error *err)
{
    struct group *g = self;
    if (bytes)
        memcpy((unsigned char *)out + g->rank * bytes, (const unsigned char *)in + g->rank * bytes, bytes);
    return swap(g, ALL_TO_ALL, (struct blocks){(unsigned char *)in, bytes, bytes}, (struct blocks){out, bytes, bytes}, err);
}

static unsigned char *scratch_of(struct assay_communicator *c, size_t bytes)
{
    if (bytes > c->scratch_bytes) {
        unsigned char *more = realloc(c->scratch, bytes);
        if (!more)
            return NULL;
        c->scratch = more;
        c->scratch_bytes = bytes;
    }
    return c->scratch;
}

/* Elements of slice i of a piece of n: none is more than one longer than another. */
static size_t slice_begin(size_t n, uint32_t n_ranks, uint32_t i)
{
    return n / n_ranks * i + (i < n % n_ranks ? i : n % n_ranks);
}

/* Slices differ in length, so the exchange is made of single transfers. `gathers`: my slice to everybody; else theirs to them. */
static enum assay_code exchange_slices(struct group *g, unsigned char *data, size_t n, size_t element, bool gathers, unsigned char *operands,
                                       struct assay_error *err)
{
    struct transfer t[2 * ASSAY_RANKS_MOST];
    size_t          k = 0, mine = slice_begin(n, g->n, g->rank), mine_n = slice_begin(n, g->n, g->rank + 1) - mine;
    g->number++;
    for (uint32_t i = 1; i < g->n; i++) {
        uint32_t to = (g->rank + i) % g->n, from = (g->rank + g->n - i) % g->n;
        size_t   of_to = slice_begin(n, g->n, to), of_from = slice_begin(n, g->n, from);
        size_t   to_n = slice_begin(n, g->n, to + 1) - of_to, from_n = slice_begin(n, g->n, from + 1) - of_from;
        if (gathers) {
            t[k++] = transfer_of(g, ALL_REDUCE, from, false, data + of_from * element, from_n * element);
            t[k++] = transfer_of(g, ALL_REDUCE, to, true, data + mine * element, mine_n * element);
        } else {
            t[k++] = transfer_of(g, ALL_REDUCE, from, false, operands + from * mine_n * element, mine_n * element);
            t[k++] = transfer_of(g, ALL_REDUCE, to, true, data + of_to * element, to_n * element);
        }
    }
    return exchange(g->c, t, k, err);
}

static enum assay_code reduce_piece(struct group *g, assay_reduce_fn *fold, size_t element, unsigned char *data, size_t n, struct assay_error *err)
{
    size_t         mine = slice_begin(n, g->n, g->rank), mine_n = slice_begin(n, g->n, g->rank + 1) - mine;
    unsigned char *operands = scratch_of(g->c, (mine_n + 1) * element * g->n), *own = data + mine * element;
    if (!operands)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to reduce %zu bytes", n * element);
    if (exchange_slices(g, data, n, element, false, operands, err))
        return err->code;
    memcpy(operands + g->rank * mine_n * element, own, mine_n * element);
    memcpy(own, operands, mine_n * element);
    for (uint32_t r = 1; r < g->n; r++)
        fold(own, operands + r * mine_n * element, mine_n);
    return exchange_slices(g, data, n, element, true, NULL, err);
}

/* Short ones: everybody gets all operands and adds them up. */
static enum assay_code reduce_short(struct group *g, assay_reduce_fn *fold, void *data, size_t n, size_t bytes, struct assay_error *err)
{
    unsigned char *operands = scratch_of(g->c, bytes * g->n + 1);
    if (!operands)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to reduce %zu bytes", bytes);
    if (bytes)
        memcpy(operands + g->rank * bytes, data, bytes);
    if (swap(g, ALL_REDUCE, (struct blocks){data, bytes, 0}, (struct blocks){operands, bytes, bytes}, err) || !bytes)
        return err->code;
    memcpy(data, operands, bytes);
    for (uint32_t r = 1; r < g->n; r++)
        fold(data, operands + r * bytes, n);
    return ASSAY_OK;
}

static enum assay_code all_reduce(void *self, enum assay_dtype dtype, enum assay_reduce how, void *data, size_t n, struct assay_error *err)
{
    struct group    *g = self;
    assay_reduce_fn *fold = assay_reduce_of(dtype, how);
    size_t           element = assay_dtype_bits(dtype) / 8;
    err->code = ASSAY_OK;
    if (!fold)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "all_reduce of %s: f64, f32, i64 and i32 are", assay_dtype_name(dtype));
    if (g->n == 1)
        return ASSAY_OK;
    if (n <= SLICED_BYTES / element / g->n)
        return reduce_short(g, fold, data, n, n * element, err);
    for (size_t at = 0, piece = PIECE_BYTES / element; at < n && !err->code; at += piece)
        (void)reduce_piece(g, fold, element, (unsigned char *)data + at * element, n - at < piece ? n - at : piece, err);
    return err->code;
}

/* ---- pairs ----------------------------------------------------------------------------------------------------- */

static enum assay_code pair_with(const struct group *g, uint32_t member, const char *what, struct assay_error *err)
{
    if (member >= g->n || member == g->rank)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s rank %u by rank %u of %u", what, member, g->rank, g->n);
    return ASSAY_OK;
}

static struct kept *block_for(struct assay_communicator *c, size_t bytes)
{
    for (struct kept **at = &c->spare, *k; (k = *at); at = &k->next)
        if (k->room >= bytes) {
            *at = k->next;
            return k;
        }
    struct kept *k = malloc(sizeof *k + bytes);
    if (k)
        k->room = bytes;
    return k;
}

static bool keeps_for(const struct assay_communicator *c, uint32_t peer)
{
    for (const struct kept *k = c->kept; k; k = k->next)
        if (k->transfer.peer == peer)
            return true;
    return false;
}

/* The rest of a transfer, to go out later. */
static enum assay_code keep(struct assay_communicator *c, const struct transfer *t, struct assay_error *err)
{
    size_t       left = t->bytes - t->done;
    struct kept *k = block_for(c, left), **end = &c->kept;
    if (!k)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to keep a send of %zu bytes", left);
    k->transfer = *t;
    k->transfer.data = k->data;
    k->transfer.bytes = left;
    k->transfer.done = 0;
    k->next = NULL;
    if (left)
        memcpy(k->data, t->data + t->done, left);
    while (*end)
        end = &(*end)->next;
    *end = k;
    c->kept_bytes += k->room;
    return ASSAY_OK;
}

static enum assay_code send(void *self, uint32_t to, const void *data, size_t bytes, struct assay_error *err)
{
    struct group              *g = self;
    struct assay_communicator *c = g->c;
    err->code = ASSAY_OK;
    if (pair_with(g, to, "send to", err) || (c->failure.code && (*err = c->failure, true)))
        return err->code;
    struct transfer t = transfer_of(g, PAIR, to, true, data, bytes);
    t.stream = ASSAY_LINK_PAIR;
    t.head.group = 0; /* pairs are the same whatever group they are called from */
    t.head.number = c->sent[t.peer]++;
    (void)go_on_with_kept(c, err); /* what goes out meets nothing that could be wrong */
    if (!keeps_for(c, t.peer))
        (void)go_on(c, &t, err);
    if (is_done(&t))
        return ASSAY_OK;
    if (bytes <= ASSAY_SENDS_KEPT_BYTES && c->kept_bytes <= ASSAY_SENDS_KEPT_BYTES - bytes)
        return keep(c, &t, err);
    while (keeps_for(c, t.peer)) /* too much: in its turn, now */
        if (exchange(c, &c->kept->transfer, 1, err))
            return err->code;
    return exchange(c, &t, 1, err);
}

static enum assay_code receive(void *self, uint32_t from, void *data, size_t bytes, struct assay_error *err)
{
    struct group *g = self;
    if (pair_with(g, from, "receive from", err))
        return err->code;
    struct transfer t = transfer_of(g, PAIR, from, false, data, bytes);
    t.stream = ASSAY_LINK_PAIR;
    t.head.group = 0;
    t.head.number = g->c->received[t.peer]++;
    return exchange(g->c, &t, 1, err);
}

/* ---- groups ---------------------------------------------------------------------------------------------------- */

static enum assay_code make_group(void *self, const uint32_t *ranks, uint32_t n_ranks, struct assay_comm *out, struct assay_error *err);

static void fill(struct group *g, struct assay_comm *out)
{
    *out = (struct assay_comm){.size = sizeof *out, .rank = g->rank, .n_ranks = g->n, .self = g, .barrier = barrier, .broadcast = broadcast,
                               .all_gather = all_gather, .all_reduce = all_reduce, .all_to_all = all_to_all, .send = send,
                               .receive = receive, .group = make_group};
}

static struct group *new_group(struct assay_communicator *c, uint32_t n, const uint32_t *member, uint32_t rank)
{
    struct group *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    *g = (struct group){.c = c, .rank = rank, .n = n};
    for (uint32_t i = 0; i < n; i++) {
        g->member[i] = member[i];
        g->sum = g->sum * 37 + member[i] + 1;
    }
    return g;
}

/* Nothing needs to be said for it: all of them know who is in it, and that is what a group is. */
static enum assay_code make_group(void *self, const uint32_t *ranks, uint32_t n_ranks, struct assay_comm *out, struct assay_error *err)
{
    const struct group *g = self;
    uint32_t            member[ASSAY_RANKS_MOST], rank = ASSAY_RANK_NONE, seen = 0;
    if (n_ranks == 0 || n_ranks > g->n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a group of %u of %u ranks", n_ranks, g->n);
    for (uint32_t i = 0; i < n_ranks; i++) {
        if (ranks[i] >= g->n || seen >> ranks[i] & 1)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "a group with rank %u of %u%s", ranks[i], g->n, ranks[i] < g->n ? " twice" : "");
        seen |= 1u << ranks[i];
        member[i] = g->member[ranks[i]];
        rank = ranks[i] == g->rank ? i : rank;
    }
    if (rank == ASSAY_RANK_NONE)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u asks for a group that it is not in", g->rank);
    struct group *made = new_group(g->c, n_ranks, member, rank);
    if (!made)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a group of %u ranks", n_ranks);
    fill(made, out);
    out->release = free;
    return ASSAY_OK;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

enum assay_code assay_communicator_new(struct assay_link *link, uint64_t patience_ns, struct assay_communicator **out, struct assay_error *err)
{
    uint32_t                   member[ASSAY_RANKS_MOST];
    struct assay_communicator *c = calloc(1, sizeof *c);
    for (uint32_t i = 0; i < ASSAY_RANKS_MOST; i++)
        member[i] = i;
    if (c)
        c->world = new_group(c, link->n_ranks, member, link->rank);
    if (!c || !c->world) {
        free(c);
        link->close(link->self);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a communicator");
    }
    c->link = *link;
    c->patience_ns = patience_ns;
    c->missed = ASSAY_RANK_NONE;
    fill(c->world, &c->all);
    *out = c;
    return ASSAY_OK;
}

/* The oldest is done when all are that went before it; what is done leaves the list when it is looked at next. */
enum assay_code assay_communicator_settle(struct assay_communicator *c, struct assay_error *err)
{
    err->code = ASSAY_OK;
    while (c->kept && !exchange(c, &c->kept->transfer, 1, err))
        (void)go_on_with_kept(c, err);
    return err->code;
}

static void free_list(struct kept *k)
{
    for (struct kept *next; k; k = next) {
        next = k->next;
        free(k);
    }
}

void assay_communicator_free(struct assay_communicator *c)
{
    struct assay_error ignored;
    if (!c)
        return;
    (void)assay_communicator_settle(c, &ignored);
    c->link.close(c->link.self);
    free_list(c->kept);
    free_list(c->spare);
    free(c->scratch);
    free(c->world);
    free(c);
}

const struct assay_comm *assay_communicator_all(struct assay_communicator *c)
{
    return &c->all;
}

uint32_t assay_communicator_missed(const struct assay_communicator *c)
{
    return c->missed;
}

void assay_communicator_give_up(struct assay_communicator *c, const char *why)
{
    c->link.lose(c->link.self, c->link.rank, why);
}

const char *assay_communicator_kind(const struct assay_communicator *c)
{
    return c->link.kind;
}

const char *assay_communicator_why_missed(const struct assay_communicator *c)
{
    return c->why;
}
