#include "harness/run/ranks/orders.h"

#include "harness/base/clock.h"

#include "assay/banned.h"

#define LOOKS 2000 /* before it sleeps: an execution is given out in less than a microsecond then */

bool assay_order_next(struct assay_region *r, uint32_t rank, uint64_t most_ns)
{
    struct assay_order_box *box = assay_region_orders(r, rank);
    struct assay_bell      *bell = assay_region_bell(r, rank);
    uint64_t                begin = assay_clock_now_ns();
    for (unsigned looks = 0;; looks++) {
        uint32_t heard = assay_bell_now(bell);
        if (atomic_load(&box->given) != atomic_load(&box->done))
            return true;
        if (looks < LOOKS)
            continue;
        uint64_t passed = assay_clock_now_ns() - begin;
        if (passed >= most_ns)
            return false;
        assay_bell_wait(bell, heard, most_ns - passed);
    }
}

void assay_order_done(struct assay_region *r, uint32_t rank)
{
    struct assay_order_box *box = assay_region_orders(r, rank);
    atomic_store(&box->done, atomic_load(&box->given));
    assay_bell_ring(assay_region_bell(r, assay_region_ranks(r)));
}
