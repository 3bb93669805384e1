#include "harness/model/cluster/serving_estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/model/certainty.h"
#include "harness/model/rates.h"

#include "assay/banned.h"

#define DRAWS 40           /* of a chip that a description leaves open */
#define MODE_CHANGES 0.15  /* in logarithms: of a format that the chip does not multiply, of ranks beyond one domain: by judgement */
#define UNKNOWN_SERVER 0.2 /* likewise, of a server that was not measured */

struct assay_serving_estimator {
    const struct assay_described      *device;
    const struct assay_fitted         *kernels;
    const struct assay_serving_fitted *serving;
    struct assay_coefficients          k;
    struct assay_serving_desk         *desk; /* of the middle of what is known */
    bool                               open, measured;
    unsigned                           derived;
};

enum assay_code assay_serving_estimator_new(const struct assay_described *device, const struct assay_fitted *kernels,
                                            const struct assay_serving_fitted *serving, struct assay_serving_estimator **out, struct assay_error *err)
{
    struct assay_serving_estimator *e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a device");
    struct assay_chip middle = assay_chip_middle(device);
    *e = (struct assay_serving_estimator){.device = device, .kernels = kernels, .serving = serving, .k = assay_fitted_of(kernels, device->vendor, device->name),
                                          .measured = assay_serving_fitted_on(serving, device->name), .derived = assay_rates_derived(&middle)};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        e->open |= device->fields[i].state == ASSAY_KNOWN && device->fields[i].low < device->fields[i].high;
    if (assay_serving_desk_new(&middle, &e->k, &e->desk, err)) {
        free(e);
        return err->code;
    }
    *out = e;
    return ASSAY_OK;
}

void assay_serving_estimator_free(struct assay_serving_estimator *e)
{
    if (!e)
        return;
    assay_serving_desk_free(e->desk);
    free(e);
}

/* ---- what moves it ------------------------------------------------------------------------------------------------- */

struct question {
    const struct assay_serving_estimator *e;
    const struct assay_serving_ask       *ask;
    const struct assay_serving_numbers   *n;
};

/* In the steady state, on a chip that the description allows. NaN: it cannot be priced there. */
static void steady(const struct question *q, const struct assay_chip *chip, double ns[ASSAY_SERVING_FIGURES])
{
    struct assay_serving_desk *desk = NULL;
    struct assay_error         none = {.code = ASSAY_OK};
    if (assay_serving_desk_new(chip, &q->e->k, &desk, &none) || assay_serving_steady_of(desk, q->ask, q->n, ns, &none))
        ns[ASSAY_SERVING_TTFT] = ns[ASSAY_SERVING_TPOT] = NAN;
    assay_serving_desk_free(desk);
}

/* A whole stay, in which either figure has its part. */
static double stay(void *self, const struct assay_chip *chip)
{
    const struct question *q = self;
    double                 ns[ASSAY_SERVING_FIGURES];
    steady(q, chip, ns);
    return ns[ASSAY_SERVING_TTFT] + q->ask->output_tokens * ns[ASSAY_SERVING_TPOT];
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 80 % of what draws of the chip are over its middle, in logarithms: [figure][below, above]. */
static void spread_draws(const struct question *q, double out[ASSAY_SERVING_FIGURES][2])
{
    struct assay_chip middle = assay_chip_middle(q->e->device);
    double            at[ASSAY_SERVING_FIGURES][DRAWS], of_middle[ASSAY_SERVING_FIGURES];
    size_t            n = 0;
    steady(q, &middle, of_middle);
    for (uint64_t i = 1; i <= DRAWS; i++) {
        struct assay_chip chip = assay_chip_draw(q->e->device, i);
        double            ns[ASSAY_SERVING_FIGURES];
        steady(q, &chip, ns);
        if (isnan(ns[ASSAY_SERVING_TTFT]) || isnan(ns[ASSAY_SERVING_TPOT]))
            continue;
        for (int f = 0; f < ASSAY_SERVING_FIGURES; f++)
            at[f][n] = log(ns[f] / of_middle[f]);
        n++;
    }
    for (int f = 0; f < ASSAY_SERVING_FIGURES && n; f++) {
        qsort(at[f], n, sizeof at[f][0], by_size);
        out[f][0] = fmax(0, -at[f][n / 10]);
        out[f][1] = fmax(0, at[f][n - 1 - n / 10]);
    }
}

/* ---- the band ------------------------------------------------------------------------------------------------------ */

/* What stacks are off by on chips that were measured; what kernels are off by on one that was not. */
static double half_of(const struct question *q, int figure, const struct assay_serving_answer *a, bool known)
{
    const struct assay_serving_estimator *e = q->e;
    bool                                  experts = q->ask->decoder.experts > 0, seen = assay_serving_fitted_with(e->serving, q->ask->model);
    double                                half = e->serving->half[figure][experts][!seen];
    if (!e->measured) {
        enum assay_kernel_class class = experts ? ASSAY_KERNEL_MOE : ASSAY_KERNEL_GEMM;
        enum assay_format_class format = assay_dtype_bits(q->ask->plan.products.compute) <= 8 ? ASSAY_FORMAT_F8 : ASSAY_FORMAT_WIDE;
        enum assay_regime       regime = figure == ASSAY_SERVING_TTFT ? ASSAY_REGIME_COMPUTE : ASSAY_REGIME_MEMORY;
        half = hypot(half, assay_band_of(e->kernels, e->device->vendor, class, e->device->memory_class, format, regime).half);
        half = hypot(half, ASSAY_SERVING_OTHER_CHIP);
    }
    if (!known)
        half = hypot(half, UNKNOWN_SERVER);
    return a->weights_alone || a->beyond ? hypot(half, MODE_CHANGES) : half;
}

static void tell(struct assay_text *why, const char *what)
{
    if (*what)
        assay_text_add(why, "%s%s", why->length ? "; " : "", what);
}

/* The grade and its reason; false where no point can be given. */
static bool find_grade(const struct question *q, struct assay_serving_estimate *est, struct assay_text *why)
{
    if (q->e->measured) {
        est->grade = 'A';
        tell(why, "servers were fitted on this chip among others");
        return true;
    }
    struct assay_certain certain = assay_certainty_of(q->e->device, stay, (void *)q);
    est->grade = certain.grade;
    tell(why, certain.grade == 'B' ? "datasheet; kernels and servers transferred from other chips"
              : certain.grade == 'C' ? "a number of the chip is reported, inferred or derived; kernels and servers transferred from other chips"
                                     : "a number of the chip is assumed");
    if (!certain.has_point) {
        tell(why, assay_device_fields[certain.without].key);
        assay_text_add(why, " is only known as a range: no point");
    }
    return certain.has_point;
}

static void tell_rest(const struct question *q, const struct assay_serving_answer *a, const char *how, struct assay_text *why)
{
    tell(why, how);
    if (!assay_serving_fitted_with(q->e->serving, q->ask->model))
        tell(why, "no run of this model was fitted");
    if (a->weights_alone)
        tell(why, "the chip does not multiply the weights' format: they are widened, products are in 16 bits");
    if (a->crowded)
        tell(why, "by this account weights leave no room for one request: one at a time is assumed");
    if (a->beyond)
        tell(why, "ranks in several domains: 50 GB/s between them are assumed");
}

enum assay_code assay_serving_estimate(struct assay_serving_estimator *e, const struct assay_serving_ask *ask, struct assay_serving_estimate *out,
                                       struct assay_error *err)
{
    struct assay_serving_estimate     est = {.grade = 'D'};
    struct assay_text                 why = ASSAY_TEXT(est.why);
    struct assay_serving_answer       answer;
    const char                       *how;
    const struct assay_serving_numbers n = assay_serving_numbers_of(e->serving, ask->server, ask->version, &how);
    const struct question             q = {e, ask, &n};
    double                            open[ASSAY_SERVING_FIGURES][2] = {{0}};
    bool                              known;
    if (assay_serving_answer_of(e->desk, ask, &answer, err))
        return err->code;
    (void)assay_serving_server_find(ask->server, &known);
    bool has_point = find_grade(&q, &est, &why);
    tell_rest(&q, &answer, how, &why);
    if (answer.beyond && est.grade < 'C')
        est.grade = 'C';
    if (e->open && !e->measured)
        spread_draws(&q, open);
    for (int f = 0; f < ASSAY_SERVING_FIGURES; f++) {
        double ns = assay_serving_figure_ns(&n, &answer.means, ask->protocol, (enum assay_serving_figure)f), half = half_of(&q, f, &answer, known);
        if (f == ASSAY_SERVING_TPOT && ask->output_tokens <= 1)
            ns = NAN; /* there is no further token */
        est.ns[f] = has_point ? ns : NAN;
        est.p10_ns[f] = ns * exp(-hypot(half, open[f][0]));
        est.p90_ns[f] = ns * exp(hypot(half, open[f][1]));
    }
    *out = est;
    return ASSAY_OK;
}
