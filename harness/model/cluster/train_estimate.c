#include "harness/model/cluster/train_estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/hash.h"
#include "harness/model/certainty.h"

#include "assay/banned.h"

#define BAND 1.2816         /* deviations in half of an 80 % band */
#define DRAWS 24            /* of a chip that a description leaves open */
#define UNKNOWN_STACK 0.12  /* in logarithms, of a stack of which no run was fitted: by judgement, as those below */
#define UNKNOWN_FORMAT 0.10 /* of products in formats narrower than 8 bits, which no run of the fit had */
#define NO_SHAPE 0.25       /* of a decoder that is only known by its size */
enum { REMEMBERED = 4096 };

/* An answer given before, by what was asked. */
struct memory {
    char                        key[65];
    bool                        known;
    struct assay_train_estimate is;
};
struct assay_train_estimator {
    const struct assay_described    *device;
    const struct assay_fitted       *kernels;
    const struct assay_train_fitted *training;
    struct assay_coefficients        k;
    struct assay_train_desk         *desk; /* of the middle of what is known */
    bool                             open, measured;
    struct memory                    memory[REMEMBERED];
};

static bool is_open(const struct assay_described *d)
{
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        if (d->fields[i].state == ASSAY_KNOWN && d->fields[i].low < d->fields[i].high)
            return true;
    return false;
}

enum assay_code assay_train_estimator_new(const struct assay_described *device, const struct assay_fitted *kernels,
                                          const struct assay_train_fitted *training, struct assay_train_estimator **out, struct assay_error *err)
{
    struct assay_train_estimator *e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a device");
    struct assay_chip middle = assay_chip_middle(device);
    e->device = device;
    e->kernels = kernels;
    e->training = training;
    e->k = assay_fitted_of(kernels, device->vendor, device->name);
    e->open = is_open(device);
    e->measured = assay_train_fitted_on(training, device->name);
    if (assay_train_desk_new(device, &middle, &e->k, &e->desk, err)) {
        free(e);
        return err->code;
    }
    *out = e;
    return ASSAY_OK;
}

void assay_train_estimator_free(struct assay_train_estimator *e)
{
    if (e)
        assay_train_desk_free(e->desk);
    free(e);
}

/* ---- what a description leaves open -------------------------------------------------------------------------------- */

struct question {
    struct assay_train_estimator    *e;
    const struct assay_train_ask    *ask;
    const struct assay_train_numbers *n;
};

/* The step on a chip that the description allows; the plan is chosen as it would be there. NaN: it cannot be priced. */
static double step_on(void *self, const struct assay_chip *chip)
{
    const struct question    *q = self;
    struct assay_train_desk  *desk = NULL;
    struct assay_train_answer a;
    struct assay_error        none = {.code = ASSAY_OK};
    double                    ns = NAN;
    if (!assay_train_desk_like(q->e->desk, chip, &desk, &none) && !assay_train_answer_of(desk, q->ask, &a, &none))
        ns = assay_train_ns(q->n, &a);
    assay_train_desk_free(desk);
    return ns;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 80 % of what draws of the chip are over its middle, in logarithms: below, above. */
static void spread_draws(const struct question *q, double middle_ns, double out[2])
{
    double at[DRAWS] = {0};
    size_t n = 0;
    for (uint64_t i = 1; i <= DRAWS; i++) {
        struct assay_chip chip = assay_chip_draw(q->e->device, i);
        double            ns = step_on((void *)q, &chip);
        if (!isnan(ns))
            at[n++] = log(ns / middle_ns);
    }
    qsort(at, n, sizeof *at, by_size);
    if (n) {
        out[0] = fmax(0, -at[n / 10]);
        out[1] = fmax(0, at[n - 1 - n / 10]);
    }
}

/* ---- the band ------------------------------------------------------------------------------------------------------ */

/* Bands are of chips left out; what else nobody saw is added. */
static double half_of(const struct question *q, const struct assay_train_answer *a, bool stack)
{
    double half = q->e->training->half[assay_train_kind_of(a)];
    if (!stack)
        half = hypot(half, UNKNOWN_STACK);
    if (assay_dtype_bits(a->plan.compute) < 8)
        half = hypot(half, UNKNOWN_FORMAT);
    return a->chosen & ASSAY_TRAIN_BY_SIZE ? hypot(half, NO_SHAPE) : half;
}

static void tell(struct assay_text *why, const char *what)
{
    if (*what)
        assay_text_add(why, "%s%s", why->length ? "; " : "", what);
}

static const struct {
    enum assay_train_chosen what;
    const char             *words;
} choices[] = {
    {ASSAY_TRAIN_BY_SIZE, "no shape is published here: a usual decoder of the size in its name"},
    {ASSAY_TRAIN_ADAPTERS, "weights are frozen (LoRA)"},
    {ASSAY_TRAIN_CHOSE_DEVICES, "how many devices is not said: 256"},
    {ASSAY_TRAIN_CHOSE_TOKENS, "how many tokens is not said: a million million"},
    {ASSAY_TRAIN_CHOSE_SEQ, "the length of a sequence is not said"},
    {ASSAY_TRAIN_CHOSE_BATCH, "the batch is not said"},
    {ASSAY_TRAIN_DOES_NOT_FIT, "by this account the plan does not fit into memory"},
};

static void tell_plan(const struct assay_train_ask *ask, const struct assay_train_answer *a, bool stack, struct assay_text *why)
{
    const struct assay_train_plan *p = &a->plan;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (a->chosen & choices[i].what)
            tell(why, choices[i].words);
    assay_text_add(why, "; %s %s%s; priced as tp %lld cp %lld pp %lld dp %lld ep %lld, %lld x %lld sequences of %.0f, zero %d, recompute %s; %s",
                   ask->stack->name, stack ? "as its runs were fitted" : "of which no run was fitted: the middle of all stacks",
                   a->doublings > 0 ? ", groups of devices that each have all weights" : "", (long long)p->tp, (long long)p->cp, (long long)p->pp,
                   (long long)p->dp, (long long)p->ep, (long long)p->micro_batches, (long long)p->micro_batch, p->seq, p->zero,
                   assay_recompute_names[p->recompute], a->fabric);
}

/* The grade and its reason; false where no point can be given. */
static bool find_grade(const struct question *q, double half, struct assay_train_estimate *est, struct assay_text *why)
{
    if (q->e->measured) {
        est->grade = 'A';
        tell(why, "runs on this chip were fitted");
        return true;
    }
    struct assay_certain certain = assay_certainty_within(q->e->device, half / BAND, step_on, (void *)q);
    est->grade = certain.grade;
    tell(why, certain.grade == 'B' ? "datasheet; transferred from other chips"
              : certain.grade == 'C' ? "a number of the chip is reported, inferred or derived; transferred from other chips"
                                     : "a number of the chip is assumed");
    if (!certain.has_point) {
        tell(why, assay_device_fields[certain.without].key);
        assay_text_add(why, " is only known as a range: no point");
    }
    return certain.has_point;
}

static enum assay_code estimate(const struct question *given, struct assay_train_estimate *out, struct assay_error *err)
{
    struct assay_train_estimate est = {.grade = 'D'};
    struct assay_text           why = ASSAY_TEXT(est.why);
    struct assay_train_answer   a;
    bool                        stack;
    double                      open[2] = {0, 0};
    struct assay_train_numbers  n = assay_train_numbers_of(given->e->training, given->ask->stack->name, &stack);
    const struct question       q = {given->e, given->ask, &n};
    if (assay_train_answer_of(q.e->desk, q.ask, &a, err))
        return err->code;
    double ns = assay_train_ns(&n, &a), half = half_of(&q, &a, stack);
    bool   has_point = find_grade(&q, half, &est, &why);
    tell_plan(q.ask, &a, stack, &why);
    if (a.chosen & ASSAY_TRAIN_BY_SIZE && est.grade < 'C')
        est.grade = 'C';
    if (q.e->open && !q.e->measured)
        spread_draws(&q, ns, open);
    double fast = assay_train_figure(q.ask, &a, ns * exp(-hypot(half, open[0]))), slow = assay_train_figure(q.ask, &a, ns * exp(hypot(half, open[1])));
    est.figure = has_point ? assay_train_figure(q.ask, &a, ns) : NAN;
    est.p10 = fmin(fast, slow);
    est.p90 = fmax(fast, slow);
    *out = est;
    return ASSAY_OK;
}

/* Everything that an answer follows from, but for the device. */
static void key_of(const struct assay_train_ask *a, char key[65])
{
    char              text[600];
    struct assay_text t = ASSAY_TEXT(text);
    const struct assay_train_plan *p = &a->plan;
    assay_text_add(&t, "%s|%s|%lld|%.17g|%.17g|%.17g|%.17g|%d%d%d|%u|%d|%.17g|%d|", a->model, a->stack->name, (long long)a->devices, a->global_batch, a->tokens,
                   a->slice, a->batch_tokens, a->adapters, a->narrow, a->judges, a->chosen, (int)a->metric, a->of_unit, a->whole);
    assay_text_add(&t, "%lld %lld %lld %lld %lld %lld %lld %.17g %d %d %d", (long long)p->tp, (long long)p->cp, (long long)p->dp, (long long)p->pp,
                   (long long)p->ep, (long long)p->chunks, (long long)p->micro_batch, p->seq, p->zero, (int)p->recompute, (int)p->compute);
    assay_sha256_hex(text, strlen(text), key);
}

enum assay_code assay_train_estimate(struct assay_train_estimator *e, const struct assay_train_ask *ask, struct assay_train_estimate *out,
                                     struct assay_error *err)
{
    const struct question q = {e, ask, NULL};
    char                  key[65];
    key_of(ask, key);
    struct memory *m = &e->memory[strtoul((char[]){key[0], key[1], key[2], 0}, NULL, 16) % REMEMBERED];
    if (!m->known || strcmp(m->key, key) != 0) {
        if (estimate(&q, &m->is, err))
            return err->code;
        memcpy(m->key, key, sizeof m->key);
        m->known = true;
    }
    *out = m->is;
    return ASSAY_OK;
}
