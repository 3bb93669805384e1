#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/student.h"
#include "harness/model/certainty.h"

#include "assay/banned.h"

#define NORMAL_P90 1.2815515655446004 /* the standard normal's 90th percentile: a band's half is so many deviations */
#define FIT_DRAWS 100u

/* ---- prices --------------------------------------------------------------------------------------------------------- */

static enum assay_code price_on(const struct training *t, const struct assay_fabric *f, struct assay_step_price *out, struct assay_error *err)
{
    struct assay_step_model *m = NULL;
    if (assay_step_model_new(&t->of.numbers, f, &t->on->k, &m, err))
        return err->code;
    (void)assay_price_step(m, &t->best.plan, false, out, err);
    assay_step_model_free(m);
    return err->code;
}

/* A step that takes so many times as long, all of its parts alike. What failures leave of it stays. */
static void stretch(struct assay_step_price *p, double factor)
{
    p->ns *= factor;
    for (int i = 0; i < ASSAY_STEP_PARTS; i++)
        p->part_ns[i] *= factor;
    p->micro_batch_ns *= factor;
    p->joules *= factor;
    p->utilisation /= factor;
}

/* The pipeline was followed event by event at the middle; of a draw, what the closed form says, by the same ratio. The kernels' forms are
 * off on a draw as on one of the chips left out of their fit: by a normal deviate of their band. */
enum assay_code training_price(struct training *t, uint64_t draw, struct assay_error *err)
{
    struct assay_fabric f;
    if (!draw) {
        t->now = t->best.price;
        return ASSAY_OK;
    }
    if (assay_fabric_of(t->on->system, t->on->device, &t->on->k, draw, &f, err) || price_on(t, &f, &t->now, err))
        return assay_error_in(err, "pricing draw %llu of %s", (unsigned long long)draw, t->on->system->name);
    double z = assay_normal_quantile(assay_draw_quantile(draw, ASSAY_DEVICE_FIELDS + ASSAY_KERNEL_GEMM));
    stretch(&t->now, t->best.price.ns / t->about_ns * exp(t->half * z / NORMAL_P90));
    return ASSAY_OK;
}

/* ---- the pipeline ----------------------------------------------------------------------------------------------------- */

static void keep_longest(void *self, const struct assay_pipeline_event *e)
{
    struct training *t = self;
    t->operation[e->op] = fmax(t->operation[e->op], e->end_ns - e->begin_ns);
}

static enum assay_code find_operations(struct training *t, struct assay_error *err)
{
    struct assay_step_model *m = NULL;
    if (t->best.plan.pp == 1)
        return ASSAY_OK; /* there is no pipeline */
    if (assay_step_model_new(&t->of.numbers, &t->on->fabric, &t->on->k, &m, err))
        return err->code;
    (void)assay_step_trace(m, &t->best.plan, keep_longest, t, err);
    assay_step_model_free(m);
    for (int i = 0; i < 3; i++)
        t->operation[i] /= t->best.price.ns;
    return err->code;
}

/* ---- how sure --------------------------------------------------------------------------------------------------------- */

static double time_of(const struct training *t, const struct assay_fabric *f)
{
    struct assay_step_price price = {.ns = NAN};
    struct assay_error      none = {.code = ASSAY_OK};
    return price_on(t, f, &price, &none) ? NAN : price.ns;
}

static double time_on_chip(void *self, const struct assay_chip *chip)
{
    const struct training *t = self;
    struct assay_fabric    f = t->on->fabric;
    double                 up = f.chip.field[ASSAY_DEVICE_SCALE_UP];
    f.chip = *chip;
    f.chip.field[ASSAY_DEVICE_SCALE_UP] = up; /* the system's own */
    return time_of(t, &f);
}

/* With one number of the system at an end of its range. */
static double time_with(const struct training *t, const struct assay_system *changed)
{
    struct assay_fabric f;
    struct assay_error  none = {.code = ASSAY_OK};
    struct assay_chip   middle = assay_chip_middle(t->on->device);
    return assay_fabric_on(changed, &middle, &t->on->k, &f, &none) ? NAN : time_of(t, &f);
}

/* Keeps the largest shares; `share` is a variance until all are known. */
static void add_input(struct training *t, const struct training_input *x)
{
    size_t at = t->n_inputs < ASSAY_INFLUENCES ? t->n_inputs++ : ASSAY_INFLUENCES - 1;
    if (at == ASSAY_INFLUENCES - 1 && t->n_inputs == ASSAY_INFLUENCES && t->inputs[at].share > x->share)
        return;
    for (; at > 0 && t->inputs[at - 1].share < x->share; at--)
        t->inputs[at] = t->inputs[at - 1];
    t->inputs[at] = *x;
}

struct sensitivity {
    double                variance;                       /* of the step's logarithm, of all inputs */
    double                by[ASSAY_ASSUMED + 1];          /* of it, by provenance */
    bool                  moves[ASSAY_ASSUMED + 1];       /* does any number of that provenance move the step at all */
};

/* A range counts as uniform in the logarithm: its swing's square over 12. */
static void count(struct training *t, struct sensitivity *s, const char *name, const struct assay_quantity *q, double at_low, double at_high)
{
    double middle = t->about_ns, swing = log(at_high / at_low), variance = swing * swing / 12;
    if (isnan(variance) || fabs(swing) < 1e-6)
        return;
    struct training_input x = {.low = at_low / middle, .high = at_high / middle, .share = variance};
    (void)snprintf(x.name, sizeof x.name, "%s", name);
    (void)snprintf(x.from, sizeof x.from, "%s", assay_provenance_names[q->provenance]);
    s->variance += variance;
    s->by[q->provenance] += variance;
    s->moves[q->provenance] = true;
    add_input(t, &x);
}

static void count_quantity(struct training *t, struct sensitivity *s, const char *name, struct assay_system *changed, struct assay_quantity *q)
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
    count(t, s, name, q, at_low, at_high);
}

static void count_system(struct training *t, struct sensitivity *s)
{
    struct assay_system changed = *t->on->system; /* texts are the same */
    char                name[40];
    for (size_t i = 0; i < changed.n_tiers; i++)
        for (int f = 0; f < ASSAY_TIER_FIELDS; f++) {
            (void)snprintf(name, sizeof name, "%.14s %.24s", changed.tiers[i].name, assay_tier_fields[f].key);
            count_quantity(t, s, name, &changed, &changed.tiers[i].fields[f]);
        }
    for (int f = 0; f < ASSAY_SYSTEM_FIELDS; f++)
        count_quantity(t, s, assay_system_fields[f].key, &changed, &changed.fields[f]);
}

static void count_device(struct training *t, struct sensitivity *s)
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
        count(t, s, assay_device_fields[f].key, q, at_low, time_on_chip(t, &chip));
    }
}

/* D: an assumed number moves the step at all; C: one that was reported or inferred makes a twentieth of its variance; else B. The forms'
 * own band is part of that variance. */
static char grade_of(const struct sensitivity *s)
{
    if (s->moves[ASSAY_ASSUMED])
        return 'D';
    return s->by[ASSAY_REPORTED] + s->by[ASSAY_INFERRED] >= 0.05 * s->variance ? 'C' : 'B';
}

static void find_certainty(struct training *t)
{
    struct sensitivity    s = {.variance = (t->half / NORMAL_P90) * (t->half / NORMAL_P90)};
    struct training_input forms = {.name = "gemm", .from = "band", .low = exp(-t->half), .high = exp(t->half), .share = s.variance};
    struct assay_certain  chip = assay_certainty_within(t->on->device, t->half / NORMAL_P90, time_on_chip, t);
    add_input(t, &forms);
    count_device(t, &s);
    count_system(t, &s);
    for (size_t i = 0; i < t->n_inputs; i++)
        t->inputs[i].share /= s.variance;
    t->grade = grade_of(&s);
    t->grade = chip.grade > t->grade ? chip.grade : t->grade;
    if (!chip.has_point)
        (void)snprintf(t->why_no_point, sizeof t->why_no_point, "no point exists: of %s of %s only a range is known",
                       assay_device_fields[chip.without].key, t->on->device->name);
    else
        (void)assay_system_tiers_have_values(t->on->system, t->why_no_point, sizeof t->why_no_point);
}

static void find_fits(struct training *t)
{
    uint32_t fits = 0, n = 0;
    for (uint64_t k = 1; k <= FIT_DRAWS; k++) {
        struct assay_chip chip = assay_chip_draw(t->on->device, k);
        n++;
        fits += t->best.footprint.total_bytes <= chip.field[ASSAY_DEVICE_MEMORY];
    }
    t->fits = (double)fits / n;
}

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

static enum assay_code set_space(struct training *t, const struct training_options *o, struct assay_error *err)
{
    if (o->moment_bits != 8 && o->moment_bits != 16 && o->moment_bits != 32)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "moments have 32, 16 or 8 bits, not %lld", (long long)o->moment_bits);
    if (o->gradient_bytes == 3)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "gradients have 4 or 2 bytes, not 3");
    t->space = (struct assay_search_space){
        .devices = t->on->system->devices, .batch = (int64_t)t->of.batch, .seq = t->of.tokens, .compute = o->dtype,
        .attention = ASSAY_ATTENTION_FUSED,
        .moments = o->moment_bits == 32 ? ASSAY_MOMENTS_F32 : o->moment_bits == 16 ? ASSAY_MOMENTS_BF16 : ASSAY_MOMENTS_8BIT,
        .gradient_bytes = (double)o->gradient_bytes, .imbalance = o->imbalance, .offload = o->offload};
    return assay_framework_find(o->framework, &t->space.framework, err);
}

static enum assay_code none_fits(const struct training *t, const struct assay_search *search, struct assay_error *err)
{
    char              plan[160], why[400];
    struct assay_text told = ASSAY_TEXT(plan), needs = ASSAY_TEXT(why);
    assay_train_plan_tell(&search->nearest.plan, &told);
    assay_footprint_explain(&t->of.numbers, &search->nearest.plan, t->on->fabric.chip.field[ASSAY_DEVICE_MEMORY], &needs);
    (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "of %lld plans none fits; the nearest %s", (long long)search->short_of_memory, why);
    return assay_error_hint(err, "the nearest is %s", plan);
}

static enum assay_code find_plan(struct training *t, struct assay_error *err)
{
    struct assay_search *search = calloc(1, sizeof *search);
    if (!search)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a search");
    if (!assay_search_plans(&t->of.numbers, &t->on->fabric, &t->on->k, &t->space, search, err)) {
        t->priced = search->priced;
        t->short_of_memory = search->short_of_memory;
        if (search->n_best)
            t->best = search->best[0];
        else
            (void)none_fits(t, search, err);
    }
    free(search);
    return err->code;
}

enum assay_code training_read(const struct assay_graph *g, struct assay_decoder_in_graph *out, struct assay_error *err)
{
    if (assay_decoder_in_graph(g, out, err))
        return err->code;
    return out->trains ? ASSAY_OK
                       : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the graph trains nothing: a cluster is given training steps (decoder.train)");
}

enum assay_code training_new(const struct assay_modelled_system *on, const struct assay_graph *g, const struct training_options *o,
                             struct training **out, struct assay_error *err)
{
    struct training *t = calloc(1, sizeof *t);
    if (!t)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    t->on = on;
    bool narrow = assay_dtype_bits(o->dtype) <= 8;
    if (training_read(g, &t->of, err) || set_space(t, o, err) || find_plan(t, err))
        goto close;
    if (find_operations(t, err))
        goto close;
    t->about_ns = time_of(t, &on->fabric);
    t->half = assay_band_of(&on->fitted, on->device->vendor, ASSAY_KERNEL_GEMM, on->device->memory_class,
                            narrow ? ASSAY_FORMAT_F8 : ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE).half;
    find_fits(t);
    find_certainty(t);
    t->now = t->best.price;
    *out = t;
    return ASSAY_OK;
close:
    training_free(t);
    return err->code;
}

void training_free(struct training *t)
{
    free(t);
}
