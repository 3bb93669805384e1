#include "certainty.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/model/certainty.h"

#include "assay/banned.h"

/* What is being looked at. */
struct look {
    const struct assay_modelled_system *on;
    cluster_time_of                    *time_of;
    void                               *self;
    double                              middle; /* the time there */
    struct cluster_certainty           *out;
    double                              variance;             /* of the time's logarithm, of all inputs */
    double                              by[ASSAY_ASSUMED + 1]; /* of it, by provenance */
    bool                                moves[ASSAY_ASSUMED + 1]; /* does any number of that provenance move the time at all */
};

static double time_on_chip(void *self, const struct assay_chip *chip)
{
    const struct look  *t = self;
    struct assay_fabric f = t->on->fabric;
    double                 up = f.chip.field[ASSAY_DEVICE_SCALE_UP];
    f.chip = *chip;
    f.chip.field[ASSAY_DEVICE_SCALE_UP] = up; /* the system's own */
    return t->time_of(t->self, &f);
}

/* With one number of the system at an end of its range. */
static double time_with(const struct look *t, const struct assay_system *changed)
{
    struct assay_fabric f;
    struct assay_error  none = {.code = ASSAY_OK};
    struct assay_chip   middle = assay_chip_middle(t->on->device);
    return assay_fabric_on(changed, &middle, &t->on->k, &f, &none) ? NAN : t->time_of(t->self, &f);
}

/* Keeps the largest shares; `share` is a variance until all are known. */
static void add_input(struct cluster_certainty *t, const struct assay_influence *x)
{
    size_t at = t->n_inputs < ASSAY_INFLUENCES ? t->n_inputs++ : ASSAY_INFLUENCES - 1;
    if (at == ASSAY_INFLUENCES - 1 && t->n_inputs == ASSAY_INFLUENCES && t->inputs[at].share > x->share)
        return;
    for (; at > 0 && t->inputs[at - 1].share < x->share; at--)
        t->inputs[at] = t->inputs[at - 1];
    t->inputs[at] = *x;
}

/* A range counts as uniform in the logarithm: its swing's square over 12. */
static void count(struct look *t, const char *name, const struct assay_quantity *q, double at_low, double at_high)
{
    double swing = log(at_high / at_low), variance = swing * swing / 12;
    if (isnan(variance) || fabs(swing) < 1e-6)
        return;
    struct assay_influence x = {.low = at_low / t->middle, .high = at_high / t->middle, .share = variance};
    (void)snprintf(x.name, sizeof x.name, "%s", name);
    (void)snprintf(x.from, sizeof x.from, "%s", assay_provenance_names[q->provenance]);
    t->variance += variance;
    t->by[q->provenance] += variance;
    t->moves[q->provenance] = true;
    add_input(t->out, &x);
}

static void count_quantity(struct look *t, const char *name, struct assay_system *changed, struct assay_quantity *q)
{
    const struct assay_quantity was = *q;
    double                      low, high, at_low, at_high;
    if (!assay_field_range(&was, &low, &high))
        return;
    q->value = q->low = q->high = low;
    at_low = time_with(t, changed);
    q->value = q->low = q->high = high;
    at_high = time_with(t, changed);
    *q = was;
    count(t, name, q, at_low, at_high);
}

static void count_system(struct look *t)
{
    struct assay_system changed = *t->on->system; /* texts are the same */
    char                name[40];
    for (size_t i = 0; i < changed.n_tiers; i++)
        for (int f = 0; f < ASSAY_TIER_FIELDS; f++) {
            (void)snprintf(name, sizeof name, "%.14s %.24s", changed.tiers[i].name, assay_tier_fields[f].key);
            count_quantity(t, name, &changed, &changed.tiers[i].fields[f]);
        }
    for (int f = 0; f < ASSAY_SYSTEM_FIELDS; f++)
        count_quantity(t, assay_system_fields[f].key, &changed, &changed.fields[f]);
}

static void count_device(struct look *t)
{
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++) {
        const struct assay_quantity *q = &t->on->device->fields[f];
        double                       low, high;
        if (!assay_field_range(q, &low, &high))
            continue;
        struct assay_chip chip = assay_chip_middle(t->on->device);
        chip.field[f] = low;
        double at_low = time_on_chip(t, &chip);
        chip.field[f] = high;
        count(t, assay_device_fields[f].key, q, at_low, time_on_chip(t, &chip));
    }
}

/* D: an assumed number moves the step at all; C: one that was reported or inferred makes a twentieth of its variance; else B. The forms'
 * own band is part of that variance. */
static char grade_of(const struct look *s)
{
    if (s->moves[ASSAY_ASSUMED])
        return 'D';
    return s->by[ASSAY_REPORTED] + s->by[ASSAY_INFERRED] >= 0.05 * s->variance ? 'C' : 'B';
}

void certainty_find(const struct assay_modelled_system *on, double half, const char *form, cluster_time_of *time_of, void *self,
                    struct cluster_certainty *out)
{
    struct look            look = {.on = on, .time_of = time_of, .self = self, .middle = time_of(self, &on->fabric), .out = out};
    struct assay_influence forms = {.from = "band", .low = exp(-half), .high = exp(half)};
    struct assay_certain   chip = assay_certainty_within(on->device, half / CLUSTER_NORMAL_P90, time_on_chip, &look);
    *out = (struct cluster_certainty){.n_inputs = 0};
    (void)snprintf(forms.name, sizeof forms.name, "%s", form);
    look.variance = forms.share = (half / CLUSTER_NORMAL_P90) * (half / CLUSTER_NORMAL_P90);
    add_input(out, &forms);
    count_device(&look);
    count_system(&look);
    for (size_t i = 0; i < out->n_inputs; i++)
        out->inputs[i].share /= look.variance;
    out->grade = grade_of(&look);
    out->grade = chip.grade > out->grade ? chip.grade : out->grade;
    if (!chip.has_point)
        (void)snprintf(out->why_no_point, sizeof out->why_no_point, "no point exists: of %s of %s only a range is known",
                       assay_device_fields[chip.without].key, on->device->name);
    else
        (void)assay_system_tiers_have_values(on->system, out->why_no_point, sizeof out->why_no_point);
}
