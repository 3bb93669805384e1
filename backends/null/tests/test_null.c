#include "harness/base/memory.h"
#include "harness/run/tests/device.h"

#include "assay/banned.h"

Test(null, claims_neither_values_nor_memory_and_runs_everything, .timeout = 60)
{
    struct device d;
    char text[64];
    struct assay_text why_not = ASSAY_TEXT(text);
    device_open(&d, "null", ",queues=3");
    cr_expect_eq(d.opened.device.traits, 0);
    cr_expect_eq(d.opened.device.clock, ASSAY_CLOCK_HOST);
    cr_expect_eq(d.opened.device.origin, ASSAY_ORIGIN_REFERENCE);
    cr_expect_eq(d.opened.device.queues, 3);
    device_load(&d, graph_binary("Add", 1024, 1024));
    cr_expect(d.opened.backend->accepts(d.opened.session, d.g, 0, &why_not));
    cr_expect_eq(d.opened.backend->upload(d.opened.session, d.buffer[0], 0, text, 1, &d.err), ASSAY_UNSUPPORTED);
    cr_expect_eq(d.opened.backend->download(d.opened.session, d.buffer[0], 0, text, 1, &d.err), ASSAY_UNSUPPORTED);
    struct assay_span span = device_run(&d);
    cr_expect_eq(span.end_ns, span.begin_ns);
    cr_expect_str_eq(span.why_no_device_ns, "there is no device");
    device_close(&d);
}

Test(null, allocates_nothing_once_it_is_warm, .timeout = 60)
{
    struct device d;
    struct assay_event *events[8];
    struct assay_span span = {.size = sizeof span};
    uint64_t before = 0;
    size_t done;
    bool counted = assay_allocations_counted(); /* not under a sanitizer */
    device_open(&d, "null", "");
    device_load(&d, graph_binary("Add", 4, 4));
    (void)assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 8; i++)
            (void)device_launch(&d, ASSAY_NO_VALUE, &events[i]);
        for (size_t n = 8; n; n--) {
            (void)d.opened.backend->poll(d.opened.session, events, n, 0, &done, &span, &d.err);
            d.opened.backend->forget(d.opened.session, events[done]);
            events[done] = events[n - 1];
        }
        if (round == 0)
            before = assay_allocations_so_far().by_plugin;
    }
    uint64_t after = assay_allocations_so_far().by_plugin;
    (void)assay_allocation_owner_set(ASSAY_ALLOCATION_HARNESS);
    cr_expect(before > 0 || !counted, "the first round fills the list of events, and that is seen");
    cr_expect_eq(after, before);
    device_close(&d);
}
