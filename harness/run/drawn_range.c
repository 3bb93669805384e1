#include "harness/run/drawn_range.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define LOW 0.10
#define HIGH 0.90

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct assay_drawn_range assay_drawn_range_of(double *drawn, uint32_t n)
{
    struct assay_drawn_range r = {.n = n};
    for (uint32_t i = 0; i < n; i++)
        if (isnan(drawn[i]))
            return (struct assay_drawn_range){.n = 0};
    if (!n)
        return r;
    qsort(drawn, n, sizeof *drawn, by_size);
    r.low = drawn[(uint32_t)(LOW * n)];
    r.middle = n % 2 ? drawn[n / 2] : (drawn[n / 2 - 1] + drawn[n / 2]) / 2;
    r.high = drawn[(uint32_t)(HIGH * n)];
    return r;
}

static struct assay_certainty certainty_of(const struct assay_opened *opened, const struct assay_program *program)
{
    struct assay_certainty certain = {.size = sizeof certain, .has_point = 1};
    if (ASSAY_HAS(opened->backend, certainty) && program)
        opened->backend->certainty(opened->session, program, &certain);
    certain.grade[sizeof certain.grade - 1] = certain.why_no_point[sizeof certain.why_no_point - 1] = 0;
    for (size_t i = 0; i < ASSAY_INFLUENCES; i++) {
        certain.influences[i].name[sizeof certain.influences[i].name - 1] = 0;
        certain.influences[i].from[sizeof certain.influences[i].from - 1] = 0;
    }
    return certain;
}

static void say_whose(struct assay_certainty *certain, const char *whose)
{
    for (size_t i = 0; i < ASSAY_INFLUENCES && certain->influences[i].share > 0; i++) {
        struct assay_influence *x = &certain->influences[i];
        char                    name[sizeof x->name];
        struct assay_text       text = ASSAY_TEXT(name);
        assay_text_add(&text, "%s: %s", whose, x->name);
        (void)assay_string_copy(x->name, sizeof x->name, name);
    }
}

/* The largest of both, the largest first, as each of them is already. */
static void join_influences(struct assay_influence *mine, const struct assay_influence *other)
{
    struct assay_influence all[ASSAY_INFLUENCES];
    size_t                 m = 0, o = 0;
    for (size_t i = 0; i < ASSAY_INFLUENCES; i++) /* i entries are taken: neither list has ended before */
        all[i] = other[o].share > mine[m].share ? other[o++] : mine[m++];
    memcpy(mine, all, sizeof all);
}

/* What rests on two devices is no surer than the less sure of them. */
static void join(struct assay_certainty *certain, const struct assay_certainty *other)
{
    if (strcmp(other->grade, certain->grade) > 0)
        memcpy(certain->grade, other->grade, sizeof certain->grade);
    if (certain->has_point && !other->has_point)
        memcpy(certain->why_no_point, other->why_no_point, sizeof certain->why_no_point);
    certain->has_point = certain->has_point && other->has_point;
}

struct assay_certainty assay_drawn_certainty(const struct assay_course *c, const struct assay_program *program)
{
    struct assay_certainty certain = certainty_of(&c->opened, program);
    if (c->second.opened) {
        struct assay_certainty further = certainty_of(c->second.opened, c->second.program);
        say_whose(&certain, "prompts");
        say_whose(&further, "further tokens");
        join_influences(certain.influences, further.influences);
        join(&certain, &further);
    }
    (void)assay_string_copy(c->record->grade, sizeof c->record->grade, certain.grade);
    memcpy(c->record->influences, certain.influences, sizeof certain.influences);
    return certain;
}

void assay_drawn_range_set(struct assay_record *record, enum assay_metric metric, const struct assay_drawn_range *r, enum assay_clock clock,
                           const struct assay_certainty *certain)
{
    struct assay_metric_value *m = &record->metric[metric];
    *m = (struct assay_metric_value){.has_value = certain->has_point != 0, .has_interval = true, .low = r->low, .high = r->high,
                                     .level = HIGH - LOW, .n = r->n, .clock = clock};
    if (certain->has_point)
        m->value = r->middle;
    else
        (void)assay_string_copy(m->why, sizeof m->why, *certain->why_no_point ? certain->why_no_point : "no point exists");
}
