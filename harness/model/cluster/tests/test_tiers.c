#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/model/cluster/collective_tiers.h"

#include "assay/banned.h"

TestSuite(tiers, .timeout = 60);

static struct assay_error err;

/* 64 servers of eight on rails with leaves of 16 servers. */
static struct assay_fabric fabric(void)
{
    struct assay_fabric f = {.devices = 512, .n_tiers = 2};
    f.tier[0] = (struct assay_fabric_tier){.topology = ASSAY_TOPOLOGY_SWITCH, .units = 8, .devices = 8, .leaf = 8, .link = 400e9, .latency_ns = 900,
                                           .efficiency = 0.8, .oversubscription = 1};
    f.tier[1] = (struct assay_fabric_tier){.topology = ASSAY_TOPOLOGY_RAILS, .units = 64, .devices = 512, .leaf = 16, .link = 50e9,
                                           .latency_ns = 5000, .efficiency = 0.9, .oversubscription = 4};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        f.chip.field[i] = NAN;
    f.chip.field[ASSAY_DEVICE_SCALE_UP] = 400e9;
    f.chip.field[ASSAY_DEVICE_IN_NETWORK_REDUCE] = 0;
    return f;
}

static struct assay_exchange_price price(const struct assay_fabric *f, enum assay_collective_op op, double ranks, double stride, double bytes)
{
    struct assay_coefficients   k = assay_coefficients_begin();
    struct assay_exchange_price p = {.ns = NAN};
    const struct assay_exchange x = {.op = op, .group = {ranks, stride}, .bytes = bytes};
    cr_assert_eq(assay_price_exchange(f, &k, &x, &p, &err), ASSAY_OK, "%s", err.message);
    return p;
}

Test(tiers, a_group_lies_where_its_ranks_are)
{
    struct assay_fabric f = fabric();
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){8, 1}, 0), 8);
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){16, 1}, 0), 8);
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){16, 4}, 0), 2);
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){16, 8}, 0), 1);
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){64, 8}, 1), 64);
    cr_expect_eq(assay_group_tier(&f, &(struct assay_group){8, 1}), 0);
    cr_expect_eq(assay_group_tier(&f, &(struct assay_group){2, 8}), 1);
}

Test(tiers, a_group_that_does_not_divide_the_tier_counts_with_what_always_lies_together)
{
    struct assay_fabric f = fabric();
    f.tier[0].units = f.tier[0].devices = 72;
    f.tier[1].devices = 72 * 8;
    f.devices = 72 * 8;
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){16, 1}, 0), 8);
    cr_expect_eq(assay_group_inside(&f, &(struct assay_group){5, 1}, 0), 1);
}

/* Large buffers over one rail each: 2 (n - 1) / n of the share of one device over its link. */
Test(tiers, a_large_reduction_over_servers_takes_what_its_slowest_tier_takes)
{
    struct assay_fabric f = fabric();
    f.tier[1].oversubscription = 1;
    double share = 8e9 / 8, expected = 2 * 63.0 / 64 * share / (50e9 * 0.9);
    struct assay_exchange_price p = price(&f, ASSAY_ALL_REDUCE, 512, 1, 8e9);
    cr_expect_float_eq(p.tier_ns[1] * 1e-9, expected, 0.02 * expected, "%g s, %g s", p.tier_ns[1] * 1e-9, expected);
    cr_expect_eq(p.outermost, 1);
    cr_expect(p.ns >= fmax(p.tier_ns[0], p.tier_ns[1]) && p.ns <= p.tier_ns[0] + p.tier_ns[1]);
}

Test(tiers, small_reductions_go_by_a_tree_and_large_ones_by_a_ring)
{
    struct assay_fabric f = fabric();
    cr_expect_eq(price(&f, ASSAY_ALL_REDUCE, 64, 8, 1e3).algorithm[1], ASSAY_ALGORITHM_TREE);
    cr_expect_eq(price(&f, ASSAY_ALL_REDUCE, 64, 8, 4e9).algorithm[1], ASSAY_ALGORITHM_RING);
    f.tier[1].reduces = true;
    cr_expect_eq(price(&f, ASSAY_ALL_REDUCE, 64, 8, 4e9).algorithm[1], ASSAY_ALGORITHM_IN_NETWORK);
}

/* Leaves of 16: a ring of 64 servers in order leaves each leaf by one flow of 16, which four times fewer up links still carry. */
Test(tiers, rings_in_order_hardly_feel_oversubscription_and_rings_across_leaves_feel_all_of_it)
{
    struct assay_fabric f = fabric();
    cr_expect_float_eq(assay_tier_ring_share(&f.tier[1], 64, 1), 1, 1e-12);
    cr_expect_float_eq(assay_tier_ring_share(&f.tier[1], 4, 16), 0.25, 1e-12);
    cr_expect_float_eq(assay_tier_exchange_share(&f.tier[1], 64, 1), 63.0 / (48 * 4), 1e-12);
    cr_expect_float_eq(assay_tier_exchange_share(&f.tier[1], 16, 1), 1, 1e-12);
}

Test(tiers, meshes_and_tori_give_a_group_the_links_that_lead_to_its_members)
{
    struct assay_fabric_tier mesh = {.topology = ASSAY_TOPOLOGY_MESH, .units = 8, .leaf = 8, .link = 1e9};
    struct assay_fabric_tier torus = {.topology = ASSAY_TOPOLOGY_TORUS, .units = 4096, .leaf = 4096, .shape = {16, 16, 16}, .link = 1e9};
    cr_expect_float_eq(assay_tier_ring_share(&mesh, 8, 1), 1, 1e-12);
    cr_expect_float_eq(assay_tier_ring_share(&mesh, 2, 1), 1.0 / 7, 1e-12);
    cr_expect_float_eq(assay_tier_ring_share(&torus, 4096, 1), 1, 1e-12);
    cr_expect_float_eq(assay_tier_ring_share(&torus, 16, 1), 1.0 / 3, 1e-12);
    cr_expect_float_eq(assay_tier_ring_share(&torus, 16, 16), 1.0 / 3, 1e-12);
    cr_expect_float_eq(assay_tier_exchange_share(&torus, 4096, 1), 4.0 / (16 * 3) * 4095 / 4096, 1e-12);
}

Test(tiers, a_faster_link_or_fewer_bytes_never_cost_more)
{
    struct assay_random r;
    assay_random_init(&r, 3);
    for (int round = 0; round < 2000; round++) {
        struct assay_fabric      f = fabric(), faster;
        enum assay_collective_op op = (enum assay_collective_op)assay_random_below(&r, ASSAY_SEND + 1);
        double stride = exp2((double)assay_random_below(&r, 5)), ranks = op == ASSAY_SEND ? 2 : exp2(1 + (double)assay_random_below(&r, 5));
        double bytes = 1e3 * pow(1e7, assay_random_unit(&r));
        f.tier[1].oversubscription = 1 + 7 * assay_random_unit(&r);
        f.tier[1].reduces = assay_random_below(&r, 2);
        faster = f;
        size_t tier = assay_random_below(&r, 2);
        faster.tier[tier].link *= 1 + 3 * assay_random_unit(&r);
        faster.chip.field[ASSAY_DEVICE_SCALE_UP] = faster.tier[0].link;
        cr_expect_leq(price(&faster, op, ranks, stride, bytes).ns, price(&f, op, ranks, stride, bytes).ns * (1 + 1e-12), "round %d", round);
        cr_expect_leq(price(&f, op, ranks, stride, bytes / 2).ns, price(&f, op, ranks, stride, bytes).ns * (1 + 1e-12), "round %d", round);
    }
}

Test(tiers, more_ranks_than_there_are_devices_are_refused)
{
    struct assay_fabric         f = fabric();
    struct assay_coefficients   k = assay_coefficients_begin();
    struct assay_exchange_price p;
    cr_expect_eq(assay_price_exchange(&f, &k, &(struct assay_exchange){.op = ASSAY_ALL_REDUCE, .group = {1024, 1}, .bytes = 1}, &p, &err), ASSAY_CONFIG);
}
