#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/random.h"
#include "harness/model/cluster/pipeline.h"

#include "assay/banned.h"

TestSuite(pipeline, .timeout = 60);

enum { MOST = 1024 };
static double             forward[MOST], backward[MOST], weight[MOST];
static struct assay_error err;

static struct assay_pipeline equal(enum assay_pipeline_schedule schedule, int64_t stages, int64_t chunks, int64_t micro_batches, double f, double b, double w)
{
    cr_assert_leq(stages * chunks, MOST);
    for (int64_t i = 0; i < stages * chunks; i++) {
        forward[i] = f / (double)chunks;
        backward[i] = b / (double)chunks;
        weight[i] = w / (double)chunks;
    }
    return (struct assay_pipeline){schedule, stages, chunks, micro_batches, forward, backward, weight, 0};
}

static double makespan(const struct assay_pipeline *p)
{
    struct assay_pipeline_result r;
    cr_assert_eq(assay_pipeline_run(p, &r, &err), ASSAY_OK, "%s", err.message);
    return r.makespan_ns;
}

static void expect_closed_form(enum assay_pipeline_schedule schedule, int64_t stages, int64_t chunks, int64_t micro_batches, double f, double b, double w)
{
    struct assay_pipeline p = equal(schedule, stages, chunks, micro_batches, f, b, w);
    double form = assay_pipeline_closed_form(schedule, (double)stages, (double)chunks, (double)micro_batches, f, b, w);
    cr_expect_float_eq(makespan(&p), form, 1e-9 * form, "%s p %lld v %lld m %lld: %.17g, closed form %.17g", assay_pipeline_schedule_names[schedule],
                       (long long)stages, (long long)chunks, (long long)micro_batches, makespan(&p), form);
}

Test(pipeline, one_forward_one_backward_takes_what_its_closed_form_says)
{
    for (int64_t stages = 1; stages <= 16; stages *= 2)
        for (int64_t m = stages; m <= 64; m += 7)
            expect_closed_form(ASSAY_PIPELINE_1F1B, stages, 1, m, 100, 110, 90);
}

Test(pipeline, interleaved_stages_take_what_their_closed_form_says)
{
    for (int64_t stages = 2; stages <= 16; stages *= 2)
        for (int64_t chunks = 2; chunks <= 6; chunks++)
            for (int64_t turns = 1; turns <= 5; turns += 2)
                expect_closed_form(ASSAY_PIPELINE_1F1B, stages, chunks, stages * turns, 120, 120, 120);
}

Test(pipeline, zero_bubble_takes_what_its_closed_form_says)
{
    for (int64_t stages = 1; stages <= 16; stages *= 2)
        for (int64_t m = 2 * stages; m <= 64; m += 9)
            expect_closed_form(ASSAY_PIPELINE_ZERO_BUBBLE, stages, 1, m, 100, 100, 100);
}

Test(pipeline, zero_bubble_is_shorter_than_one_forward_one_backward_and_never_shorter_than_its_work)
{
    struct assay_pipeline zero = equal(ASSAY_PIPELINE_ZERO_BUBBLE, 8, 1, 32, 100, 120, 80), plain = zero;
    plain.schedule = ASSAY_PIPELINE_1F1B;
    cr_expect_lt(makespan(&zero), makespan(&plain));
    cr_expect_geq(makespan(&zero), 32 * 300.0);
}

/* The stages' times drawn, the recursion done again the slow way: every operation looks for its start among all that end before it. */
Test(pipeline, operations_never_overlap_on_a_stage_nor_start_before_what_they_need)
{
    struct assay_random random;
    assay_random_init(&random, 7);
    for (int round = 0; round < 20; round++) {
        struct assay_pipeline p = equal(ASSAY_PIPELINE_1F1B, 4, 1 + round % 3, 8, 1, 1, 1);
        for (int64_t i = 0; i < p.stages * p.chunks; i++) {
            forward[i] = 1 + assay_random_unit(&random);
            backward[i] = 1 + assay_random_unit(&random);
            weight[i] = assay_random_unit(&random);
        }
        p.transfer_ns = assay_random_unit(&random);
        double work = 0, first = 0;
        for (int64_t s = 0; s < p.stages; s++) {
            double stage = 0;
            for (int64_t v = 0; v < p.chunks; v++)
                stage += forward[v * p.stages + s] + backward[v * p.stages + s] + weight[v * p.stages + s];
            work = fmax(work, stage * (double)p.micro_batches);
            first += forward[s];
        }
        cr_expect_geq(makespan(&p), work);
        struct assay_pipeline slower = p;
        slower.transfer_ns *= 2;
        cr_expect_geq(makespan(&slower), makespan(&p));
        forward[1] *= 1.5;
        cr_expect_geq(makespan(&p), work);
    }
}

struct checked {
    double  end[16], forward_end[16][64], transfer;
    int64_t n, wrong, stages;
};
static void check_event(void *self, const struct assay_pipeline_event *e)
{
    struct checked *c = self;
    int64_t         piece = e->chunk * c->stages + e->stage;
    c->n++;
    if (e->begin_ns < c->end[e->stage] || e->end_ns < e->begin_ns)
        c->wrong++;
    if (e->op == ASSAY_PIPELINE_FORWARD) {
        if (piece > 0 && !(e->begin_ns >= c->forward_end[piece - 1][e->micro_batch] + c->transfer))
            c->wrong++;
        c->forward_end[piece][e->micro_batch] = e->end_ns;
    }
    c->end[e->stage] = e->end_ns;
}

Test(pipeline, the_trace_tells_every_operation_once_in_the_order_of_its_stage)
{
    struct assay_pipeline        p = equal(ASSAY_PIPELINE_1F1B, 4, 2, 8, 10, 12, 8);
    struct assay_pipeline_result r;
    struct checked               c = {.stages = 4, .transfer = 1.5};
    p.transfer_ns = 1.5;
    cr_assert_eq(assay_pipeline_trace(&p, check_event, &c, &r, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(c.wrong, 0);
    cr_expect_eq(c.n, 2 * 4 * 2 * 8);
    cr_expect_eq(r.operations, c.n);
}

Test(pipeline, the_first_stage_keeps_as_many_activations_as_the_memory_model_counts)
{
    struct assay_pipeline        plain = equal(ASSAY_PIPELINE_1F1B, 8, 1, 64, 1, 1, 1), mixed;
    struct assay_pipeline_result r;
    cr_assert_eq(assay_pipeline_run(&plain, &r, &err), ASSAY_OK);
    cr_expect_eq(r.most_in_flight, 8);
    mixed = equal(ASSAY_PIPELINE_1F1B, 8, 3, 64, 1, 1, 1);
    cr_assert_eq(assay_pipeline_run(&mixed, &r, &err), ASSAY_OK);
    cr_expect_eq(r.most_in_flight, 8 * 3 + 8 - 1);
}

Test(pipeline, two_million_operations_are_followed_one_by_one)
{
    struct assay_pipeline        p = equal(ASSAY_PIPELINE_1F1B, 128, 2, 4096, 100, 100, 100);
    struct assay_pipeline_result r;
    cr_assert_eq(assay_pipeline_run(&p, &r, &err), ASSAY_OK);
    cr_expect_eq(r.operations, 2 * 128 * 2 * 4096);
    cr_expect_float_eq(r.makespan_ns, assay_pipeline_closed_form(ASSAY_PIPELINE_1F1B, 128, 2, 4096, 100, 100, 100), 1e-3);
}

Test(pipeline, schedules_that_cannot_be_are_refused)
{
    struct assay_pipeline        p = equal(ASSAY_PIPELINE_1F1B, 4, 2, 6, 1, 1, 1);
    struct assay_pipeline_result r;
    cr_expect_eq(assay_pipeline_run(&p, &r, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "by the 4 stages"), "%s", err.message);
    p.micro_batches = 0;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_eq(assay_pipeline_run(&p, &r, &err), ASSAY_CONFIG);
}
