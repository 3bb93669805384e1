#include <criterion/criterion.h>
#include <string.h>

#include "harness/run/case_metrics.h"
#include "harness/run/drawn_scenario.h"

#include "assay/banned.h"

static bool has_point;

static void certainty(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    (void)s, (void)p;
    out->has_point = has_point;
    memcpy(out->grade, "D", 2);
    (void)snprintf(out->why_no_point, sizeof out->why_no_point, "only a range is known");
}

static const struct assay_backend backend = {.size = sizeof backend, .certainty = certainty};
static const char                 anything;

/* Twenty devices: device i has a median of 100 + i, is valid but for the last three, and the first of them has no p99. */
static struct assay_record *told(bool point)
{
    static struct assay_record   rec;
    static uint64_t              samples[ASSAY_SCENARIO_DRAWS];
    struct assay_course          c = {.record = &rec, .opened = {.backend = &backend}, .samples = {.at = samples}};
    struct assay_drawn_scenario *d;
    struct assay_error           err = {.code = ASSAY_OK};
    has_point = point;
    cr_assert_eq(assay_drawn_scenario_new(&d, &err), ASSAY_OK);
    for (int i = 0; i < 20; i++) {
        memset(&rec, 0, sizeof rec);
        rec.load = (struct assay_load){.issued = 10, .completed = 9, .failed = 1, .samples = 9, .duration_ns = 77, .executions = 5, .over = 3,
                                       .allowed_within_ns = 50};
        assay_metric_set(&rec, ASSAY_METRIC_latency_ns, 100 + i, 9, ASSAY_CLOCK_MODEL);
        assay_metric_set(&rec, ASSAY_METRIC_loadgen_valid, 1, 9, 0);
        assay_metric_set(&rec, ASSAY_METRIC_settled_valid, i < 17, 9, 0);
        assay_metric_set(&rec, ASSAY_METRIC_harness_allocations, 0, 1, 0);
        if (i)
            assay_metric_set(&rec, ASSAY_METRIC_latency_p99_ns, 200, 9, ASSAY_CLOCK_MODEL);
        if (i >= 17)
            (void)snprintf(rec.load.invalid, sizeof rec.load.invalid, "the queue of device %d grew", i);
        assay_drawn_scenario_add(d, &rec);
    }
    assay_drawn_scenario_tell(d, &c, (const struct assay_program *)&anything);
    cr_expect(c.loop.n == 20 && samples[0] == 100 && samples[19] == 119, "the devices' medians are the case's samples");
    assay_drawn_scenario_free(d);
    return &rec;
}

Test(drawn_scenario, gives_a_range_over_devices_and_a_value_only_where_a_point_exists)
{
    for (int point = 0; point < 2; point++) {
        const struct assay_metric_value *m = &told(point)->metric[ASSAY_METRIC_latency_ns];
        cr_expect(m->has_interval && m->low == 102 && m->high == 118 && m->level == 0.8 && m->n == 20);
        cr_expect_eq(m->has_value, point == 1);
        cr_expect(point ? m->value == 109.5 : !strcmp(m->why, "only a range is known"));
    }
}

Test(drawn_scenario, leaves_nothing_of_a_single_run)
{
    const struct assay_record *r = told(false);
    cr_expect(r->load.draws == 20 && r->load.issued == 200 && r->load.completed == 180 && r->load.failed == 20);
    cr_expect(r->load.duration_ns == 0 && r->load.executions == 0 && r->load.over == 0 && r->load.allowed_within_ns == 50);
    cr_expect_str_eq(r->grade, "D");
    cr_expect_str_eq(r->metric[ASSAY_METRIC_latency_p99_ns].why, "1 of 20 devices that fit what is known have none");
    cr_expect(r->metric[ASSAY_METRIC_harness_allocations].has_value, "what is the host's own stays");
}

Test(drawn_scenario, begins_each_device_without_what_the_one_before_said)
{
    static struct assay_record rec;
    memset(&rec, 0, sizeof rec);
    rec.load = (struct assay_load){.sets = 8, .duration_ns = 77, .failed = 1, .over = 2};
    memcpy(rec.load.failure, "it hung", 8);
    memcpy(rec.noise_complaint, "x", 2);
    assay_metric_set(&rec, ASSAY_METRIC_batch_fill, 0.5, 9, 0);
    assay_metric_set(&rec, ASSAY_METRIC_harness_allocations, 0, 1, 0);
    assay_metric_absent(&rec, ASSAY_METRIC_quality, "nothing is trained");
    assay_drawn_scenario_begin(&rec);
    cr_expect(rec.load.sets == 8 && rec.load.duration_ns == 0 && rec.load.failed == 0 && rec.load.over == 0 && !*rec.load.failure && !*rec.noise_complaint);
    cr_expect(!rec.metric[ASSAY_METRIC_batch_fill].has_value && *rec.metric[ASSAY_METRIC_batch_fill].why);
    cr_expect(rec.metric[ASSAY_METRIC_harness_allocations].has_value, "what is the host's own stays");
    cr_expect_str_eq(rec.metric[ASSAY_METRIC_quality].why, "nothing is trained");
}

Test(drawn_scenario, says_on_how_many_devices_a_verdict_holds)
{
    const struct assay_record *r = told(false);
    cr_expect(r->metric[ASSAY_METRIC_loadgen_valid].has_value && r->metric[ASSAY_METRIC_loadgen_valid].value == 1);
    cr_expect_not(r->metric[ASSAY_METRIC_settled_valid].has_value, "they differ");
    cr_expect_str_eq(r->load.settled, "of 20 devices that fit what is known: valid on 17, invalid on 3, undecided on 0");
    cr_expect_str_eq(r->load.invalid, "rules are broken on 3 of 20 devices that fit what is known; on the first of those: the queue of device 17 grew");
}
