/* Orders in memory that leader and ranks share. */
#include <stdlib.h>

#include "harness/base/clock.h"
#include "harness/run/ranks/region.h"

#include "assay/banned.h"

#define LOOKS 2000 /* before it sleeps: an execution is given out in less than a microsecond then */

struct end {
    struct assay_region *region;
    uint32_t             rank; /* of the leader's end: as many as there are, whose bell is its own */
    uint32_t             heard;
};

static struct end *new_end(struct assay_region *r, uint32_t rank, struct assay_error *err)
{
    struct end *e = calloc(1, sizeof *e);
    if (e)
        *e = (struct end){.region = r, .rank = rank, .heard = assay_bell_now(assay_region_bell(r, rank))};
    else
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a rank");
    return e;
}

/* ---- the leader's ---------------------------------------------------------------------------------------------- */

static struct assay_order_box *box_of(void *self, uint32_t rank)
{
    return &assay_region_orders(((const struct end *)self)->region, rank)->box;
}

static enum assay_code give(void *self, uint32_t rank, size_t front, size_t back, struct assay_error *err)
{
    const struct end *e = self;
    (void)front, (void)back, (void)err; /* it is all there already */
    (void)atomic_fetch_add(&assay_region_orders(e->region, rank)->given, 1);
    assay_bell_ring(assay_region_bell(e->region, rank));
    return ASSAY_OK;
}

static bool is_done(void *self, uint32_t rank)
{
    struct assay_region_box *b = assay_region_orders(((const struct end *)self)->region, rank);
    for (unsigned looks = 0; looks < LOOKS; looks++)
        if (atomic_load(&b->done) == atomic_load(&b->given))
            return true;
    return false;
}

static void rest(void *self, uint64_t timeout_ns)
{
    struct end        *e = self;
    struct assay_bell *bell = assay_region_bell(e->region, e->rank);
    assay_bell_wait(bell, e->heard, timeout_ns);
    e->heard = assay_bell_now(bell);
}

static bool lost(void *self, uint32_t *rank, char why[ASSAY_LINK_WHY])
{
    return assay_region_lost(((const struct end *)self)->region, rank, why);
}

static void lose(void *self, uint32_t rank, const char *why)
{
    assay_region_lose(((const struct end *)self)->region, rank, why);
}

enum assay_code assay_region_post(struct assay_region *r, struct assay_post *out, struct assay_error *err)
{
    struct end *e = new_end(r, assay_region_ranks(r), err);
    if (!e)
        return err->code;
    *out = (struct assay_post){.n = e->rank, .one_clock = true, .self = e, .box = box_of, .give = give, .is_done = is_done, .rest = rest,
                               .lost = lost, .lose = lose, .close = free};
    return ASSAY_OK;
}

/* ---- a rank's -------------------------------------------------------------------------------------------------- */

static struct assay_order_box *own_box(void *self)
{
    const struct end *e = self;
    return box_of(self, e->rank);
}

static bool next(void *self, uint64_t most_ns, bool *ended)
{
    const struct end        *e = self;
    struct assay_region_box *b = assay_region_orders(e->region, e->rank);
    struct assay_bell       *bell = assay_region_bell(e->region, e->rank);
    uint64_t                 begin = assay_clock_now_ns();
    *ended = false; /* ranks end with their leader: the kernel sees to it */
    for (unsigned looks = 0;; looks++) {
        uint32_t heard = assay_bell_now(bell);
        if (atomic_load(&b->given) != atomic_load(&b->done))
            return true;
        if (looks < LOOKS)
            continue;
        uint64_t passed = assay_clock_now_ns() - begin;
        if (passed >= most_ns)
            return false;
        assay_bell_wait(bell, heard, most_ns - passed);
    }
}

static void done(void *self, size_t front)
{
    const struct end        *e = self;
    struct assay_region_box *b = assay_region_orders(e->region, e->rank);
    (void)front;
    atomic_store(&b->done, atomic_load(&b->given));
    assay_bell_ring(assay_region_bell(e->region, assay_region_ranks(e->region)));
}

enum assay_code assay_region_duty(struct assay_region *r, uint32_t rank, struct assay_duty *out, struct assay_error *err)
{
    struct end *e = new_end(r, rank, err);
    if (!e)
        return err->code;
    *out = (struct assay_duty){.self = e, .box = own_box, .next = next, .done = done, .close = free};
    return ASSAY_OK;
}
