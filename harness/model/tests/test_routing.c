#include <criterion/criterion.h>
#include <math.h>

#include "harness/model/routing.h"

Test(routing, of_exponent_nought_is_even)
{
    struct assay_routing r = assay_routing_of(0, 128, 8, 128, 8);
    cr_expect_eq(r.imbalance, 1);
    cr_expect_eq(r.touched, 16);
    cr_expect_eq(assay_routing_of(0, 1, 8, 128, 1).touched, 8, "one token goes to so many experts as it chooses");
}

Test(routing, by_a_power_law_burdens_one_rank_and_the_same_every_time)
{
    struct assay_routing a = assay_routing_of(1.2, 1024, 8, 256, 32), b = assay_routing_of(1.2, 1024, 8, 256, 32);
    cr_expect(a.imbalance > 1.5 && a.imbalance < 4, "%g", a.imbalance);
    cr_expect_eq(a.imbalance, b.imbalance);
    cr_expect(a.touched > 1 && a.touched <= 8);
    cr_expect_float_eq(assay_routing_of(1.2, 1024, 8, 256, 1).imbalance, 1, 1e-9,
                       "one rank has all: what its most popular expert cannot take goes to the others");
}

Test(routing, gives_no_expert_more_than_every_token_once)
{
    struct assay_routing r = assay_routing_of(1.2, 8192, 2, 8, 8);
    cr_expect(r.imbalance <= 4, "of eight ranks with one expert each and two experts a token: %g", r.imbalance);
}

Test(routing, of_one_token_touches_as_many_experts_as_it_chooses)
{
    struct assay_routing r = assay_routing_of(1.2, 1, 2, 8, 1);
    cr_expect_float_eq(r.imbalance, 1, 1e-9, "%g", r.imbalance);
    cr_expect_float_eq(r.touched, 2, 1e-9, "%g", r.touched);
    cr_expect_float_eq(assay_routing_of(1.2, 8192, 8, 8, 1).touched, 8, 1e-9, "where all are chosen all are touched");
}
