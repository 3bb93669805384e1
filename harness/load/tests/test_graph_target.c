#include "harness/load/tests/fake.h"

#include "suites/data/fill.h"
#include "suites/data/poison.h"

#define SLOTS ASSAY_MIN_SETS

static struct assay_graph        *g;
static struct assay_graph_target *t;
static struct assay_error         err;

static void begin(void)
{
    g = fake_graph();
}

static void end(void)
{
    assay_graph_target_free(t);
    assay_graph_free(g);
}

TestSuite(graph_target, .init = begin, .fini = end);

#define OK(call) cr_assert_eq((call), ASSAY_OK, "%s: %s", #call, err.message)

/* One execution of a slot, to its end. */
static void run_slot(uint32_t slot)
{
    struct assay_target target = assay_graph_target_as_target(t);
    struct assay_query  q = {.slot = slot};
    struct assay_span   span = {.size = sizeof span};
    uint64_t            token, done;
    OK(target.issue(target.self, &q, &token, &err));
    OK(target.poll(target.self, 1000000000, &done, &span, &err));
    cr_expect_eq(token, done);
}

/* What a slot gave: the first output, its set and its key. */
static const float *collected(uint32_t slot, uint32_t *set, uint64_t *key, uint64_t *guards)
{
    struct assay_collected left;
    OK(assay_graph_target_collect(t, slot, &left, &err));
    *set = left.set;
    *key = left.poison_key;
    *guards += left.guard_changed;
    return left.outputs[0];
}

static void expect_sum_of_set(const float *c, uint32_t set)
{
    float a[FAKE_N], w[FAKE_N];
    OK(assay_fill_value(g, 0, 1, set, a, &err));
    OK(assay_fill_value(g, 1, 1, set, w, &err));
    for (int k = 0; k < FAKE_N; k++)
        a[k] += w[k];
    cr_expect_eq(memcmp(a, c, sizeof a), 0, "the result of set %u is another", set);
}

/* Two programs over one set of weights: the second allocates no param, and a poll of either tells of both. */
Test(graph_target, beside_another_shares_what_stays_and_what_is_in_flight)
{
    struct assay_graph_target *beside = NULL;
    struct assay_query         q = {.slot = 1};
    struct assay_span          span = {.size = sizeof span};
    uint64_t                   token[2], done, alone = fake.buffers;
    t = fake_target(g);
    alone = fake.buffers - alone;
    struct assay_graph_target_setup setup = fake_setup(g);
    setup.beside = t;
    OK(assay_graph_target_new(&setup, &beside, &err));
    cr_expect_eq(fake.buffers, 2 * alone - 1, "the param is there once");
    cr_expect_eq(assay_graph_target_shared_bytes(g, g), FAKE_N * sizeof(float));
    cr_expect_eq(assay_graph_target_working_set(beside), assay_graph_target_working_set(t) - FAKE_N * sizeof(float));
    OK(assay_graph_target_prepare(t, SLOTS, &err));
    OK(assay_graph_target_prepare(beside, SLOTS, &err));
    struct assay_target of[] = {assay_graph_target_as_target(t), assay_graph_target_as_target(beside)};
    for (int i = 0; i < 2; i++)
        OK(of[i].issue(of[i].self, &q, &token[i], &err));
    cr_expect_neq(token[0], token[1]);
    OK(of[0].poll(of[0].self, 1000000000, &done, &span, &err));
    uint64_t first = done;
    OK(of[0].poll(of[0].self, 1000000000, &done, &span, &err));
    cr_expect((first == token[0] && done == token[1]) || (first == token[1] && done == token[0]));
    uint64_t key, guards = 0;
    uint32_t set;
    struct assay_graph_target *mine = t;
    t = beside;
    const float *c = collected(1, &set, &key, &guards);
    expect_sum_of_set(c, set);
    t = mine;
    assay_graph_target_free(beside);
    cr_expect_eq(fake.buffers, alone, "the param stays with its owner");
    run_slot(1);
}

Test(graph_target, every_slot_has_another_buffer_and_another_set_and_each_result_is_its_set_s)
{
    bool seen[SLOTS] = {false};
    t = fake_target(g);
    OK(assay_graph_target_prepare(t, SLOTS, &err));
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        run_slot(slot);
    cr_expect_eq(fake.n_bindings, 2u, "the param is bound at compile and for good");
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint32_t set;
        uint64_t key, guards = 0;
        const float *c = collected(slot, &set, &key, &guards);
        expect_sum_of_set(c, set);
        cr_expect(set < SLOTS && !seen[set], "set %u stands in one slot", set);
        seen[set] = true;
        cr_expect_eq(guards, 0u);
        for (uint32_t other = 0; other < slot; other++) {
            cr_expect_neq(fake.a[slot], fake.a[other]);
            cr_expect_neq(memcmp(fake.a[slot]->at, fake.a[other]->at, FAKE_N * 4), 0, "slots %u and %u hold the same", slot, other);
        }
    }
}

Test(graph_target, before_every_batch_the_same_buffers_get_sets_dealt_anew)
{
    unsigned moved = 0;
    uint32_t last = UINT32_MAX;
    t = fake_target(g);
    for (int batch = 0; batch < 40; batch++) {
        uint32_t set;
        uint64_t key, guards = 0;
        OK(assay_graph_target_prepare(t, SLOTS, &err));
        run_slot(0);
        const float *c = collected(0, &set, &key, &guards);
        expect_sum_of_set(c, set);
        moved += last != UINT32_MAX && set != last;
        last = set;
        cr_expect_eq(fake.a[batch], fake.a[0], "the handle stays while what it holds changes");
    }
    cr_expect_gt(moved, 15u, "of 39; 34 are expected");
}

Test(graph_target, an_output_that_nobody_writes_is_all_poison_of_a_key_that_is_new_each_time)
{
    uint64_t keys[2][SLOTS];
    int32_t  c = assay_graph_find(g, "C");
    t = fake_target(g);
    fake.fault = FAKE_WRITES_NOTHING;
    for (int batch = 0; batch < 2; batch++) {
        OK(assay_graph_target_prepare(t, SLOTS, &err));
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            uint32_t     set;
            uint64_t     guards = 0;
            run_slot(slot);
            const float *out = collected(slot, &set, &keys[batch][slot], &guards);
            cr_expect_eq(assay_poison_count(ASSAY_F32, keys[batch][slot] + ((uint64_t)c << 8), FAKE_N, out), (uint64_t)FAKE_N);
            cr_expect_eq(guards, 0u);
            for (uint32_t other = 0; other < slot; other++)
                cr_expect_neq(keys[batch][slot], keys[batch][other]);
        }
    }
    cr_expect_neq(keys[0][0], keys[1][0]);
}

Test(graph_target, bytes_written_beyond_an_output_are_counted)
{
    static const enum fake_fault faults[] = {FAKE_NONE, FAKE_WRITES_BEFORE, FAKE_WRITES_BEHIND};
    t = fake_target(g);
    for (size_t i = 0; i < 3; i++) {
        uint32_t set;
        uint64_t key, guards = 10;
        fake.fault = faults[i];
        OK(assay_graph_target_prepare(t, SLOTS, &err));
        run_slot(3);
        (void)collected(3, &set, &key, &guards);
        cr_expect_eq(guards, i ? 11u : 10u, "added to what was counted before");
        guards = 0;
        (void)collected(4, &set, &key, &guards);
        cr_expect_eq(guards, 0u, "no other slot is touched");
    }
}

Test(graph_target, state_begins_every_batch_as_it_was_filled)
{
    float first[FAKE_N];
    assay_graph_free(g);
    g = fake_state_graph();
    t = fake_target(g);
    OK(assay_fill_value(g, 1, 1, 0, first, &err));
    for (int batch = 0; batch < 3; batch++) {
        uint32_t set;
        uint64_t key, guards = 0;
        float    a[FAKE_N];
        OK(assay_graph_target_prepare(t, SLOTS, &err));
        run_slot(0);
        const float *s = collected(0, &set, &key, &guards);
        OK(assay_fill_value(g, 0, 1, set, a, &err));
        for (int k = 0; k < FAKE_N; k++)
            cr_expect_eq(s[k], first[k] + a[k], "batch %d, element %d", batch, k);
        run_slot(0);
        s = collected(0, &set, &key, &guards);
        for (int k = 0; k < FAKE_N; k++)
            cr_expect_eq(s[k], first[k] + a[k] + a[k], "a second execution goes on from the first's");
    }
}

Test(graph_target, takes_what_it_says_and_refuses_what_is_too_much_with_the_numbers)
{
    uint64_t                        device, host, one = FAKE_N * 4;
    struct assay_graph_target_setup setup = fake_setup(g);
    assay_graph_target_bytes(g, SLOTS, &device, &host);
    cr_expect_eq(device, SLOTS * one + one + SLOTS * (one + 2 * ASSAY_GUARD_BYTES), "inputs, the param, outputs with guards");
    cr_expect_eq(host, SLOTS * one + one + one + 2 * ASSAY_GUARD_BYTES, "sets, the param on its way, a place to look at an output");
    setup.limit_bytes = device - 1;
    cr_expect_eq(assay_graph_target_new(&setup, &t, &err), ASSAY_MEMORY);
    cr_expect(strstr(err.message, "8 input sets") && *err.hint && !t && fake.calls == 0, "%s", err.message);
    setup.limit_bytes = device;
    OK(assay_graph_target_new(&setup, &t, &err));
    cr_expect_eq(assay_graph_target_working_set(t), SLOTS * one + one + SLOTS * one);
}

Test(graph_target, no_slots_are_a_mistake_of_ours)
{
    struct assay_graph_target_setup setup = fake_setup(g);
    setup.slots = 0;
    cr_expect_eq(assay_graph_target_new(&setup, &t, &err), ASSAY_INTERNAL);
    cr_expect_null(t);
}

/* Whichever call of the device fails, there is one error that names the back end, and nothing is left. */
Test(graph_target, a_device_that_fails_at_any_call_leaves_nothing_behind)
{
    uint64_t n;
    for (n = 1; n < 200; n++) {
        struct assay_graph_target_setup setup = fake_setup(g);
        struct assay_error              one = {0};
        fake.calls = 0;
        fake.fail_call = n;
        bool made = !assay_graph_target_new(&setup, &t, &one);
        if (made && !assay_graph_target_prepare(t, SLOTS, &one))
            break;
        cr_expect(one.code == ASSAY_DEVICE && strstr(one.message, "as told") && one.nframes > 0 && strstr(one.frame[0], "'fake'"), "call %llu: %s",
                  (unsigned long long)n, one.message);
        if (made)
            assay_graph_target_free(t);
        t = NULL;
        fake_expect_nothing_left();
    }
    cr_expect(n > 30 && n < 200, "the whole course was tried: %llu calls", (unsigned long long)n);
}

Test(graph_target, what_is_in_flight_is_forgotten_once_by_poll_cancel_or_free)
{
    uint64_t            token[3], done;
    struct assay_span   span = {.size = sizeof span};
    t = fake_target(g);
    struct assay_target target = assay_graph_target_as_target(t);
    OK(assay_graph_target_prepare(t, SLOTS, &err));
    for (uint32_t i = 0; i < 3; i++) {
        struct assay_query q = {.slot = i};
        OK(target.issue(target.self, &q, &token[i], &err));
    }
    cr_expect(token[0] != token[1] && token[1] != token[2] && fake.events == 3);
    target.cancel(target.self, token[1]);
    target.cancel(target.self, token[1]);
    cr_expect_eq(fake.events, 2u);
    OK(target.poll(target.self, 1, &done, &span, &err));
    cr_expect(done == token[0] && fake.events == 1);
    assay_graph_target_free(t);
    t = NULL;
    fake_expect_nothing_left();
}

Test(graph_target, answers_that_cannot_be_are_the_plug_in_s_mistake)
{
    static const enum fake_fault faults[] = {FAKE_NO_EVENT, FAKE_OTHER_EVENT};
    for (size_t i = 0; i < 2; i++) {
        struct assay_query q = {.slot = 0};
        struct assay_span  span = {.size = sizeof span};
        uint64_t           token, done;
        t = fake_target(g);
        struct assay_target target = assay_graph_target_as_target(t);
        OK(assay_graph_target_prepare(t, SLOTS, &err));
        fake.fault = faults[i];
        if (target.issue(target.self, &q, &token, &err) == ASSAY_OK)
            cr_expect_eq(target.poll(target.self, 1, &done, &span, &err), ASSAY_PROTOCOL);
        cr_expect_eq(err.code, ASSAY_PROTOCOL, "%zu", i);
        memset(&err, 0, sizeof err);
        fake.fault = FAKE_NONE;
        assay_graph_target_free(t);
        t = NULL;
    }
}
