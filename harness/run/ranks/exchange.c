#include "harness/run/ranks/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"

#include "assay/banned.h"

#define LOOKS 2000               /* before it sleeps */
#define NAP_NS 20000000ull       /* a bell that was missed costs so much */

struct member {
    struct assay_region *region;
    uint64_t             patience_ns;
    uint32_t             rank, n;                  /* in this group */
    uint32_t             number[ASSAY_REGION_RANKS]; /* of each member, among all ranks */
};

/* ---- one rank to another ----------------------------------------------------------------------------------------- */

/* Bytes that go to one member, and bytes that come from one; either may be none. */
struct traffic {
    uint32_t             to, from;
    const unsigned char *out;
    unsigned char       *in;
    size_t               out_left, in_left;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The ring is a circle: at most two pieces. */
static size_t push(struct member *m, struct traffic *t)
{
    struct assay_ring *ring = assay_region_ring(m->region, m->number[m->rank], m->number[t->to]);
    uint64_t           written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    size_t             room = ASSAY_REGION_RING_BYTES - (size_t)(written - atomic_load_explicit(&ring->taken, memory_order_acquire));
    size_t             at = (size_t)(written % ASSAY_REGION_RING_BYTES), n = least(least(room, t->out_left), ASSAY_REGION_RING_BYTES - at);
    if (!n)
        return 0;
    memcpy(ring->bytes + at, t->out, n);
    atomic_store_explicit(&ring->written, written + n, memory_order_release);
    t->out += n;
    t->out_left -= n;
    assay_bell_ring(assay_region_bell(m->region, m->number[t->to]));
    return n;
}

static size_t pull(struct member *m, struct traffic *t)
{
    struct assay_ring *ring = assay_region_ring(m->region, m->number[t->from], m->number[m->rank]);
    uint64_t           taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    size_t             there = (size_t)(atomic_load_explicit(&ring->written, memory_order_acquire) - taken);
    size_t             at = (size_t)(taken % ASSAY_REGION_RING_BYTES), n = least(least(there, t->in_left), ASSAY_REGION_RING_BYTES - at);
    if (!n)
        return 0;
    memcpy(t->in, ring->bytes + at, n);
    atomic_store_explicit(&ring->taken, taken + n, memory_order_release);
    t->in += n;
    t->in_left -= n;
    assay_bell_ring(assay_region_bell(m->region, m->number[t->from]));
    return n;
}

static enum assay_code lost(struct member *m, struct assay_error *err)
{
    uint32_t rank;
    char     why[192];
    return assay_region_lost(m->region, &rank, why) ? ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u is lost: %.180s", rank, why) : ASSAY_OK;
}

/* Both ways at once, so that two ranks that give each other more than a ring holds do not wait for each other. */
static enum assay_code move(struct member *m, struct traffic t, struct assay_error *err)
{
    struct assay_bell *bell = assay_region_bell(m->region, m->number[m->rank]);
    uint64_t           since = assay_clock_now_ns();
    for (unsigned looks = 0; t.out_left || t.in_left; looks++) {
        uint32_t heard = assay_bell_now(bell);
        size_t   moved = (t.out_left ? push(m, &t) : 0) + (t.in_left ? pull(m, &t) : 0);
        if (moved) {
            looks = 0;
            since = assay_clock_now_ns();
            continue;
        }
        if (lost(m, err))
            return err->code;
        if (looks < LOOKS)
            continue;
        if (assay_clock_now_ns() - since > m->patience_ns)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "rank %u waits for rank %u, of which nothing came for %.3g s", m->number[m->rank],
                              m->number[t.in_left ? t.from : t.to], (double)m->patience_ns / 1e9);
        assay_bell_wait(bell, heard, NAP_NS);
    }
    return ASSAY_OK;
}

static enum assay_code comm_send(void *self, uint32_t to, const void *data, size_t bytes, struct assay_error *err)
{
    struct member *m = self;
    if (to >= m->n || to == m->rank)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u of %u sends to rank %u", m->rank, m->n, to);
    return move(m, (struct traffic){.to = to, .out = data, .out_left = bytes}, err);
}

static enum assay_code comm_receive(void *self, uint32_t from, void *data, size_t bytes, struct assay_error *err)
{
    struct member *m = self;
    if (from >= m->n || from == m->rank)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u of %u receives from rank %u", m->rank, m->n, from);
    return move(m, (struct traffic){.from = from, .in = data, .in_left = bytes}, err);
}

/* ---- all together ------------------------------------------------------------------------------------------------ */

/* In n - 1 turns each gives its block to one and takes one's: at a distance that grows, so that nobody is asked by two at once.
 * step 0: everybody gets the same block. */
static enum assay_code swap(struct member *m, const unsigned char *in, size_t step, size_t bytes, unsigned char *out, struct assay_error *err)
{
    if (bytes && out + m->rank * bytes != in + m->rank * step)
        memmove(out + m->rank * bytes, in + m->rank * step, bytes);
    for (uint32_t turn = 1; turn < m->n; turn++) {
        uint32_t       to = (m->rank + turn) % m->n, from = (m->rank + m->n - turn) % m->n;
        struct traffic t = {.to = to, .from = from, .out = in + to * step, .in = out + from * bytes, .out_left = bytes, .in_left = bytes};
        if (move(m, t, err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code comm_all_gather(void *self, const void *in, size_t bytes, void *out, struct assay_error *err)
{
    return swap(self, in, 0, bytes, out, err);
}

static enum assay_code comm_all_to_all(void *self, const void *in, size_t bytes, void *out, struct assay_error *err)
{
    return swap(self, in, bytes, bytes, out, err);
}

static enum assay_code comm_barrier(void *self, struct assay_error *err)
{
    unsigned char in = 0, out[ASSAY_REGION_RANKS];
    return swap(self, &in, 0, 1, out, err);
}

static enum assay_code comm_broadcast(void *self, uint32_t root, void *data, size_t bytes, struct assay_error *err)
{
    struct member *m = self;
    if (root >= m->n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u of %u broadcasts", root, m->n);
    if (m->rank != root)
        return comm_receive(m, root, data, bytes, err);
    for (uint32_t to = 0; to < m->n; to++)
        if (to != root && comm_send(m, to, data, bytes, err))
            return err->code;
    return ASSAY_OK;
}

#define FOLD(type, expression)                              \
    do {                                                    \
        const type *b = from;                               \
        type       *a = to;                                 \
        for (size_t i = 0; i < n; i++)                      \
            a[i] = (type)(expression);                      \
    } while (0)
#define FOLDS(type, sum_type)                                                \
    switch (how) {                                                           \
    case ASSAY_REDUCE_SUM: FOLD(type, (sum_type)a[i] + (sum_type)b[i]); return; \
    case ASSAY_REDUCE_MAX: FOLD(type, b[i] > a[i] || b[i] != b[i] ? b[i] : a[i]); return; \
    case ASSAY_REDUCE_MIN: FOLD(type, b[i] < a[i] || b[i] != b[i] ? b[i] : a[i]); return; \
    }

/* to = to and from; whole numbers wrap, NaN wins. */
static void fold(enum assay_dtype dtype, enum assay_reduce how, size_t n, const void *from, void *to)
{
    switch (dtype) {
    case ASSAY_F32: FOLDS(float, float) return;
    case ASSAY_F64: FOLDS(double, double) return;
    case ASSAY_I32: FOLDS(int32_t, uint32_t) return;
    default: FOLDS(int64_t, uint64_t) return;
    }
}

/* A share of the elements is each rank's, who gets everybody's and gives back the sums. The last share is padded. */
static enum assay_code comm_all_reduce(void *self, enum assay_dtype dtype, enum assay_reduce how, void *data, size_t n, struct assay_error *err)
{
    struct member *m = self;
    size_t         size = assay_dtype_bits(dtype) / 8, share = (n + m->n - 1) / m->n, bytes = share * size;
    if (dtype != ASSAY_F32 && dtype != ASSAY_F64 && dtype != ASSAY_I32 && dtype != ASSAY_I64)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no sums of %s between ranks", assay_dtype_name(dtype));
    if (m->n == 1 || n == 0)
        return ASSAY_OK;
    unsigned char *mine = calloc(2 * m->n, bytes), *all = mine ? mine + m->n * bytes : NULL;
    if (!mine)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to add up %zu elements of %u ranks", n, m->n);
    memcpy(mine, data, n * size);
    if (!swap(m, mine, bytes, bytes, all, err)) {
        for (uint32_t r = 1; r < m->n; r++)
            fold(dtype, how, share, all + r * bytes, all);
        if (!swap(m, all, 0, bytes, mine, err))
            memcpy(data, mine, n * size);
    }
    free(mine);
    return err->code;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static void comm_release(void *self)
{
    free(self);
}

static enum assay_code comm_group(void *self, const uint32_t *ranks, uint32_t n, struct assay_comm *out, struct assay_error *err);

static void offer(struct member *m, struct assay_comm *out)
{
    *out = (struct assay_comm){
        .size = sizeof *out, .rank = m->rank, .n_ranks = m->n, .self = m, .barrier = comm_barrier, .broadcast = comm_broadcast,
        .all_gather = comm_all_gather, .all_reduce = comm_all_reduce, .all_to_all = comm_all_to_all, .send = comm_send,
        .receive = comm_receive, .group = comm_group, .release = comm_release,
    };
}

static enum assay_code comm_group(void *self, const uint32_t *ranks, uint32_t n, struct assay_comm *out, struct assay_error *err)
{
    const struct member *m = self;
    struct member        g = {.region = m->region, .patience_ns = m->patience_ns, .rank = UINT32_MAX, .n = n};
    if (n < 1 || n > m->n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a group of %u of %u ranks", n, m->n);
    for (uint32_t i = 0; i < n; i++) {
        if (ranks[i] >= m->n)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "a group with rank %u of %u", ranks[i], m->n);
        g.number[i] = m->number[ranks[i]];
        g.rank = ranks[i] == m->rank ? i : g.rank;
    }
    if (g.rank == UINT32_MAX)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u asks for a group that it is not in", m->rank);
    struct member *made = malloc(sizeof *made);
    if (!made)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a group of ranks");
    *made = g;
    offer(made, out);
    return ASSAY_OK;
}

enum assay_code assay_exchange_open(struct assay_region *region, uint32_t rank, uint64_t patience_ns, struct assay_comm *out,
                                    struct assay_error *err)
{
    struct member *m = calloc(1, sizeof *m);
    if (!m)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a communicator");
    *m = (struct member){.region = region, .patience_ns = patience_ns, .rank = rank, .n = assay_region_ranks(region)};
    for (uint32_t i = 0; i < m->n; i++)
        m->number[i] = i;
    offer(m, out);
    return ASSAY_OK;
}
