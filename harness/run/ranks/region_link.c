#include <stdlib.h>
#include <string.h>

#include "harness/run/ranks/region.h"

#include "assay/banned.h"

struct seat {
    struct assay_region *region;
    uint32_t             rank, heard; /* of its bell, when it last rested */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A ring is a circle: at most two pieces. */
static size_t push(void *self, uint32_t to, enum assay_link_stream stream, const void *data, size_t bytes)
{
    const struct seat *s = self;
    struct assay_ring *ring = assay_region_ring(s->region, s->rank, to, stream);
    uint64_t           written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    size_t             under_way = (size_t)(written - atomic_load_explicit(&ring->taken, memory_order_acquire));
    if (under_way >= ASSAY_REGION_RING_BYTES) /* more: somebody wrote what is not theirs */
        return 0;
    size_t n = least(bytes, ASSAY_REGION_RING_BYTES - under_way), at = (size_t)(written % ASSAY_REGION_RING_BYTES),
           first = least(n, ASSAY_REGION_RING_BYTES - at);
    memcpy(ring->bytes + at, data, first);
    memcpy(ring->bytes, (const unsigned char *)data + first, n - first);
    atomic_store_explicit(&ring->written, written + n, memory_order_release);
    assay_bell_ring(assay_region_bell(s->region, to));
    return n;
}

static size_t pull(void *self, uint32_t from, enum assay_link_stream stream, void *data, size_t bytes)
{
    const struct seat *s = self;
    struct assay_ring *ring = assay_region_ring(s->region, from, s->rank, stream);
    uint64_t           taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    size_t             there = (size_t)(atomic_load_explicit(&ring->written, memory_order_acquire) - taken);
    if (there == 0 || there > ASSAY_REGION_RING_BYTES)
        return 0;
    size_t n = least(bytes, there), at = (size_t)(taken % ASSAY_REGION_RING_BYTES), first = least(n, ASSAY_REGION_RING_BYTES - at);
    memcpy(data, ring->bytes + at, first);
    memcpy((unsigned char *)data + first, ring->bytes, n - first);
    atomic_store_explicit(&ring->taken, taken + n, memory_order_release);
    assay_bell_ring(assay_region_bell(s->region, from));
    return n;
}

static void rest(void *self, uint64_t timeout_ns)
{
    struct seat       *s = self;
    struct assay_bell *bell = assay_region_bell(s->region, s->rank);
    assay_bell_wait(bell, s->heard, timeout_ns); /* not if it has rung since */
    s->heard = assay_bell_now(bell);
}

static bool lost(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY])
{
    return assay_region_lost(((const struct seat *)self)->region, rank, why);
}

static void lose(void *self, uint32_t rank, const char *why)
{
    assay_region_lose(((const struct seat *)self)->region, rank, why);
}

static void tell(void *self, uint32_t waits_for)
{
    const struct seat *s = self;
    assay_region_tell(s->region, s->rank, waits_for);
}

static uint32_t told(void *self, uint32_t rank)
{
    return assay_region_told(((const struct seat *)self)->region, rank);
}

enum assay_code assay_region_link(struct assay_region *r, uint32_t rank, struct assay_link *out, struct assay_error *err)
{
    struct seat *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a rank's link");
    *s = (struct seat){.region = r, .rank = rank, .heard = assay_bell_now(assay_region_bell(r, rank))};
    *out = (struct assay_link){.rank = rank, .n_ranks = assay_region_ranks(r), .kind = "memory", .self = s, .push = push, .pull = pull,
                               .rest = rest, .lost = lost, .lose = lose, .tell = tell, .told = told, .close = free};
    return ASSAY_OK;
}
