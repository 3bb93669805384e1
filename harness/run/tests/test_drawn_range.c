#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/run/drawn_range.h"

Test(drawn_range, has_the_tenth_the_middle_and_the_ninetieth_of_a_hundred)
{
    double drawn[20];
    for (int i = 0; i < 20; i++)
        drawn[i] = (i * 7) % 20; /* in no order */
    struct assay_drawn_range r = assay_drawn_range_of(drawn, 20);
    cr_expect(r.n == 20 && r.low == 2 && r.middle == 9.5 && r.high == 18);
    r = assay_drawn_range_of(drawn, 19);
    cr_expect_eq(r.middle, 9, "of an odd number the one in the middle");
    cr_expect_eq(assay_drawn_range_of(drawn, 0).n, 0u);
    drawn[3] = NAN;
    cr_expect_eq(assay_drawn_range_of(drawn, 20).n, 0u, "one that is no number leaves no range");
}

Test(drawn_range, is_a_value_only_where_a_point_exists)
{
    static struct assay_record     rec;
    const struct assay_drawn_range r = {1, 2, 4, 20};
    struct assay_certainty         certain = {.size = sizeof certain, .has_point = 1};
    assay_drawn_range_set(&rec, ASSAY_METRIC_latency_ns, &r, ASSAY_CLOCK_MODEL, &certain);
    const struct assay_metric_value *m = &rec.metric[ASSAY_METRIC_latency_ns];
    cr_expect(m->has_value && m->value == 2 && m->has_interval && m->low == 1 && m->high == 4 && m->level == 0.8);
    certain.has_point = 0;
    assay_drawn_range_set(&rec, ASSAY_METRIC_latency_ns, &r, ASSAY_CLOCK_MODEL, &certain);
    cr_expect(!m->has_value && m->has_interval && !strcmp(m->why, "no point exists"));
}

/* ---- of two devices ------------------------------------------------------------------------------------------------ */

static void sure(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    (void)s, (void)p;
    (void)snprintf(out->grade, sizeof out->grade, "B");
}

static void unsure(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    (void)s, (void)p;
    (void)snprintf(out->grade, sizeof out->grade, "D");
    (void)snprintf(out->why_no_point, sizeof out->why_no_point, "a rate has no value");
    out->has_point = 0;
}

Test(drawn_range, of_two_devices_is_as_unsure_as_the_less_sure_one)
{
    static struct assay_record record;
    static const struct assay_backend backend[] = {{.size = sizeof backend[0], .certainty = sure}, {.size = sizeof backend[1], .certainty = unsure}};
    int                         program = 0;
    const struct assay_program *some = (const struct assay_program *)(const void *)&program;
    for (int first = 0; first < 2; first++)
        for (int second = -1; second < 2; second++) {
            struct assay_opened opened = {.backend = second < 0 ? NULL : &backend[second]};
            struct assay_course c = {.record = &record, .opened = {.backend = &backend[first]},
                                     .second = {.opened = second < 0 ? NULL : &opened, .program = some}};
            struct assay_certainty certain = assay_drawn_certainty(&c, some);
            bool                   worse = first == 1 || second == 1;
            cr_expect_str_eq(certain.grade, worse ? "D" : "B", "%d, %d", first, second);
            cr_expect_str_eq(record.grade, certain.grade);
            cr_expect_str_eq(certain.why_no_point, worse ? "a rate has no value" : "");
            cr_expect_eq(certain.has_point, !worse);
        }
}

static void by_memory(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    (void)s, (void)p;
    out->influences[0] = (struct assay_influence){.name = "memory_bytes_per_s", .from = "assumed", .share = 0.6, .low = 1.2, .high = 0.9};
    out->influences[1] = (struct assay_influence){.name = "decode", .from = "band", .share = 0.4, .low = 0.8, .high = 1.25};
}

static void by_peak(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    (void)s, (void)p;
    for (int i = 0; i < ASSAY_INFLUENCES; i++) {
        struct assay_influence *x = &out->influences[i];
        *x = (struct assay_influence){.share = i ? 0.05 : 0.5, .low = 1, .high = 1.1};
        memset(x->name, 'p', sizeof x->name); /* no end */
        memset(x->from, 'f', sizeof x->from);
    }
}

Test(drawn_range, tells_the_record_what_moves_the_time_and_of_two_devices_whose_it_is)
{
    static struct assay_record record;
    static const struct assay_backend backend[] = {{.size = sizeof backend[0], .certainty = by_memory}, {.size = sizeof backend[1], .certainty = by_peak}};
    int                         program = 0;
    const struct assay_program *some = (const struct assay_program *)(const void *)&program;
    struct assay_opened         further = {.backend = &backend[1]};
    struct assay_course         c = {.record = &record, .opened = {.backend = &backend[0]}};
    (void)assay_drawn_certainty(&c, some);
    cr_expect_str_eq(record.influences[0].name, "memory_bytes_per_s", "one device's need no owner");
    cr_expect_str_eq(record.influences[1].from, "band");
    cr_expect_eq(record.influences[2].share, 0);
    c.second.opened = &further;
    c.second.program = some;
    (void)assay_drawn_certainty(&c, some);
    static const double share[] = {0.6, 0.5, 0.4, 0.05, 0.05};
    for (size_t i = 0; i < ASSAY_INFLUENCES; i++) {
        const struct assay_influence *x = &record.influences[i];
        cr_expect_eq(x->share, share[i], "the %zu-th is %g", i, x->share);
        cr_expect(!strncmp(x->name, i == 0 || i == 2 ? "prompts: " : "further tokens: p", 9) && memchr(x->name, 0, sizeof x->name), "the %zu-th", i);
    }
    cr_expect_eq(record.influences[0].low, 1.2);
}
