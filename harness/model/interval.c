#include "harness/model/interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/student.h"
#include "harness/model/rates.h"

#include "assay/banned.h"

/* Written priors, in standard deviations of the logarithm: how a vendor's software compares with that which was measured. */
#define VENDOR_UNMEASURED 0.18
#define VENDOR_ONE_CHIP 0.12
#define GENERATION 0.08       /* what few chips of the past cannot show: another generation, another year's software */
#define STRANGE_PREFILL 0.18  /* of a chip like none: these kernels are written anew for each generation's matrix units */
#define CLASS_UNMEASURED 0.30 /* of a class that nobody's measurements cover */
#define WIDE_FOR_FEW 1.2      /* where a class's spread is borrowed */
#define ONE_SIDED 0.9         /* each side of an 80 % band */

/* A convolution is a product to these models. */
static enum assay_kernel_class measured_as(enum assay_kernel_class class)
{
    return class == ASSAY_KERNEL_CONV ? ASSAY_KERNEL_GEMM : class;
}

static const struct assay_spread *spread_of(const struct assay_fitted *f, enum assay_kernel_class class)
{
    const struct assay_spread *s = &f->spreads[measured_as(class)];
    return s->chips >= 2 ? s : NULL;
}

/* The error of its cell; of a format or memory that was not measured so, the class's, a little wider. */
static double error_of(const struct assay_spread *s, enum assay_memory_class memory, enum assay_format_class format,
                       enum assay_regime regime)
{
    const double *of_memory = s->error[memory == ASSAY_MEMORY_HBM ? 0 : 1][format];
    if (of_memory[regime] > 0)
        return of_memory[regime];
    double widest = fmax(of_memory[0], fmax(of_memory[1], of_memory[2]));
    return widest > 0 ? fmax(widest, s->pooled) : WIDE_FOR_FEW * s->pooled;
}

double assay_band_measured(const struct assay_fitted *f, const char *vendor, enum assay_kernel_class class,
                           enum assay_memory_class memory, enum assay_format_class format, enum assay_regime regime)
{
    const struct assay_spread *s = spread_of(f, class);
    unsigned                   chips = assay_fitted_chips(f, vendor, measured_as(class));
    if (!s)
        return assay_normal_quantile(ONE_SIDED) * CLASS_UNMEASURED;
    double n = chips >= 3 ? chips : s->chips, t = assay_student_quantile(ONE_SIDED, n - 1);
    return hypot(t * s->chip_sd * sqrt(1 + 1 / n), error_of(s, memory, format, regime)) * s->scale;
}

struct assay_band assay_band_of(const struct assay_fitted *f, const char *vendor, enum assay_kernel_class class,
                                enum assay_memory_class memory, enum assay_format_class format, enum assay_regime regime)
{
    static const struct {
        double      prior;
        const char *mark;
    } by_chips[] = {{VENDOR_UNMEASURED, "vendor not measured: prior, no coverage claim"},
                    {VENDOR_ONE_CHIP, "one chip of this vendor measured: pooled spread"},
                    {0, "two chips of this vendor measured: pooled spread"},
                    {0, ""}};
    unsigned chips = assay_fitted_chips(f, vendor, measured_as(class));
    unsigned row = chips < 3 ? chips : 3;
    double   prior = assay_normal_quantile(ONE_SIDED) * hypot(GENERATION, by_chips[row].prior);
    return (struct assay_band){.half = hypot(assay_band_measured(f, vendor, class, memory, format, regime), prior),
                               .mark = spread_of(f, class) ? by_chips[row].mark : "class not measured: no coverage claim"};
}

double assay_band_half(const struct assay_fitted *f, const struct assay_described *device, const struct assay_chip *chip,
                       enum assay_kernel_class class, enum assay_format_class format, enum assay_regime regime)
{
    double half = assay_band_of(f, device->vendor, class, device->memory_class, format, regime).half;
    if (class != ASSAY_KERNEL_PREFILL)
        return half;
    double strange = 1 - assay_fitted_familiarity(f, device->vendor, chip, class);
    return hypot(half, assay_normal_quantile(ONE_SIDED) * STRANGE_PREFILL * strange);
}

void assay_estimator_init(struct assay_estimator *e, const struct assay_described *device, const struct assay_fitted *fitted)
{
    *e = (struct assay_estimator){.device = device, .fitted = fitted, .k = assay_fitted_of(fitted, device->vendor, device->name)};
    e->middle = assay_chip_middle(device);
    e->derived = assay_rates_derived(&e->middle);
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        e->open |= device->fields[i].state == ASSAY_KNOWN && device->fields[i].low < device->fields[i].high;
    for (unsigned i = 0; e->open && i < ASSAY_DRAWS; i++)
        e->draws[i] = assay_chip_draw(device, i + 1);
}

/* Before what chips like it say: that is a factor of the device, not of a draw. */
static double price_of(const struct assay_estimator *e, const struct assay_chip *chip, const struct assay_kernel *kernel)
{
    struct assay_price price;
    struct assay_error err;
    return assay_kernel_price(chip, &e->k, kernel, &price, &err) ? NAN : price.ns;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Draws of the chip, each with an error at a quantile of its own, so that both spread over the band. The quantiles go round by
 * the golden ratio: evenly, and unlike the draws' own. */
#define GOLDEN 0.6180339887498949
static void spread_draws(const struct assay_estimator *e, const struct assay_kernel *kernel, double half,
                         struct assay_estimate *out)
{
    double at[ASSAY_DRAWS], sigma = half / assay_normal_quantile(ONE_SIDED), u = 0.5;
    size_t n = 0;
    for (size_t i = 0; i < ASSAY_DRAWS; i++) {
        double ns = price_of(e, &e->draws[i], kernel);
        u = fmod(u + GOLDEN, 1);
        if (!isnan(ns))
            at[n++] = ns * exp(sigma * assay_normal_quantile(0.005 + 0.99 * u));
    }
    if (!n)
        return;
    qsort(at, n, sizeof *at, by_size);
    out->p10_ns = fmin(at[n / 10], out->price.ns * exp(-half));
    out->p90_ns = fmax(at[n - 1 - n / 10], out->price.ns * exp(half));
}

/* What moves the price by less than this, within its range or by a tenth, does not lower the grade. */
#define MOVES 0.02
#define TENTH 1.1

static double moved_by(const struct assay_estimator *e, const struct assay_kernel *kernel, int field, double ns)
{
    const struct assay_quantity *q = &e->device->fields[field];
    struct assay_chip            low = e->middle, high = e->middle;
    bool                         range = q->low < q->high;
    low.field[field] = range ? q->low : e->middle.field[field] / TENTH;
    high.field[field] = range ? q->high : e->middle.field[field] * TENTH;
    double a = price_of(e, &low, kernel), b = price_of(e, &high, kernel);
    return fmax(isnan(a) ? 0 : fabs(log(a / ns)), isnan(b) ? 0 : fabs(log(b / ns)));
}

static char grade_of(enum assay_provenance p)
{
    return p <= ASSAY_ANNOUNCED ? 'B' : p == ASSAY_ASSUMED ? 'D' : 'C';
}

static const char *const derived_names[] = {"cores", "clock_hz", "llc_bytes", "exp_per_s", "power_watts"};

/* The worst of what moves the price, and what it is; true where one of these has no value. */
static bool grade(const struct assay_estimator *e, const struct assay_kernel *kernel, struct assay_estimate *out,
                  struct assay_text *why)
{
    int  worst = -1;
    bool no_point = false;
    out->grade = 'B';
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++) {
        const struct assay_quantity *q = &e->device->fields[i];
        if (q->state != ASSAY_KNOWN || (q->provenance <= ASSAY_ANNOUNCED && !isnan(q->value)) ||
            moved_by(e, kernel, i, out->price.ns) < MOVES)
            continue;
        no_point |= isnan(q->value);
        if (grade_of(q->provenance) > out->grade) {
            out->grade = grade_of(q->provenance);
            worst = i;
        }
    }
    if (worst >= 0)
        assay_text_add(why, "%s is %s", assay_device_fields[worst].key,
                       assay_provenance_names[e->device->fields[worst].provenance]);
    else if (e->derived)
        for (size_t i = 0; i < sizeof derived_names / sizeof *derived_names; i++)
            if (e->derived & 1u << i) {
                out->grade = 'C';
                assay_text_add(why, "%s%s unknown, derived", why->length ? "; " : "", derived_names[i]);
            }
    return no_point;
}

static bool fitted_in_part(const struct assay_estimator *e, enum assay_kernel_class class)
{
    bool any = false;
    for (int g = 0; g < ASSAY_FORMAT_CLASSES; g++)
        any |= assay_fitted_on(e->fitted, e->device->name, class, (enum assay_format_class)g);
    return any;
}

enum assay_code assay_estimate(const struct assay_estimator *e, const struct assay_kernel *kernel, struct assay_estimate *out,
                               struct assay_error *err)
{
    struct assay_estimate est = {.grade = 'A'};
    struct assay_text     why = ASSAY_TEXT(est.why);
    if (assay_kernel_price(&e->middle, &e->k, kernel, &est.price, err))
        return err->code;
    struct assay_band band = assay_band_of(e->fitted, e->device->vendor, kernel->class, e->device->memory_class, kernel->format,
                                           assay_price_regime(&est.price));
    band.half = assay_band_half(e->fitted, e->device, &e->middle, kernel->class, kernel->format, assay_price_regime(&est.price));
    est.ns = est.price.ns;
    bool calibrated = assay_fitted_on(e->fitted, e->device->name, kernel->class, kernel->format);
    bool no_point = !calibrated && grade(e, kernel, &est, &why);
    est.p10_ns = est.ns * exp(-band.half);
    est.p90_ns = est.ns * exp(band.half);
    if (e->open && !calibrated)
        spread_draws(e, kernel, band.half, &est);
    double like = assay_fitted_likeness(e->fitted, e->device->vendor, &e->middle, kernel->class, kernel->format, NULL);
    est.ns *= like;
    est.p10_ns *= like;
    est.p90_ns *= like;
    if (no_point)
        est.ns = NAN;
    if (calibrated)
        assay_text_add(&why, "the coefficients were fitted on this chip among others");
    else if (!why.length)
        assay_text_add(&why, "datasheet; coefficients transferred from %s", fitted_in_part(e, kernel->class) ? "other formats on this chip" : "other chips");
    if (*band.mark && !calibrated)
        assay_text_add(&why, "; %s", band.mark);
    if (no_point)
        assay_text_add(&why, "; only a range is known: no point");
    *out = est;
    return ASSAY_OK;
}
