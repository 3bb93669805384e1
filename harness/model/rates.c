#include "harness/model/rates.h"

#include <math.h>

#include "assay/banned.h"

/* Stand-ins, each the middle of what published chips have (README.md, "Numbers that are not known"). */
#define USUAL_CLOCK_HZ 1.8e9
#define USUAL_CORE_FLOPS_PER_CLOCK 4096.0 /* bf16, of a tensor core part */
#define USUAL_LLC_BYTES 50e6
#define USUAL_EXP_PER_CORE_AND_CLOCK 16.0
#define USUAL_LLC_PER_CORE_AND_CLOCK 40.0
#define USUAL_FLOPS_PER_WATT 1.0e12
/* Tensor units are fed in proportion to their rate, whatever the cache is said to give. */
#define FEED_FLOPS 2048.0

static double known(double value, double usual, unsigned bit, unsigned *derived)
{
    if (!isnan(value) && value > 0)
        return value;
    *derived |= bit;
    return usual;
}

static double widest_peak(const struct assay_chip *chip)
{
    double peak = chip->field[ASSAY_DEVICE_PEAK_BF16];
    if (isnan(peak) || peak <= 0)
        peak = chip->field[ASSAY_DEVICE_PEAK_F16];
    if (isnan(peak) || peak <= 0)
        peak = chip->field[ASSAY_DEVICE_PEAK_F8] / 2;
    if (isnan(peak) || peak <= 0)
        peak = chip->field[ASSAY_DEVICE_PEAK_F32];
    return peak;
}

/* A core of a systolic part is one array; else a share of the peak such as a usual core has. */
static double cores_of(const struct assay_chip *chip, double clock_hz, unsigned *derived)
{
    double core = chip->field[ASSAY_DEVICE_ARRAY_ROWS] * chip->field[ASSAY_DEVICE_ARRAY_COLUMNS] * 2;
    if (isnan(core) || core <= 0)
        core = USUAL_CORE_FLOPS_PER_CLOCK;
    double usual = fmax(1, rint(widest_peak(chip) / (core * clock_hz)));
    return known(chip->field[ASSAY_DEVICE_CORES], usual, ASSAY_DERIVED_CORES, derived);
}

/* Lesson of the fits: the denser the arithmetic in the power, the less of the stated clock it keeps. `peak` is of 16 bits. */
static double sustained_of(const struct assay_chip *chip, const struct assay_coefficients *k, double peak, unsigned *derived)
{
    if (!isnan(chip->field[ASSAY_DEVICE_SUSTAINED]))
        return chip->field[ASSAY_DEVICE_SUSTAINED];
    bool   hbm = chip->memory_class == ASSAY_MEMORY_HBM;
    double density = known(peak / chip->field[ASSAY_DEVICE_POWER], USUAL_FLOPS_PER_WATT, ASSAY_DERIVED_POWER, derived);
    return pow(density / USUAL_FLOPS_PER_WATT, -k->value[hbm ? ASSAY_K_POWER_EXPONENT : ASSAY_K_POWER_GDDR]);
}

static void engines_of(const struct assay_chip *chip, const struct assay_coefficients *k, struct assay_rates *r)
{
    r->clock_hz = known(chip->field[ASSAY_DEVICE_CLOCK], USUAL_CLOCK_HZ, ASSAY_DERIVED_CLOCK, &r->derived);
    r->cores = cores_of(chip, r->clock_hz, &r->derived);
    r->llc_bytes = chip->field[ASSAY_DEVICE_LLC]; /* 0: it has none, and keeps nothing */
    if (isnan(r->llc_bytes))
        r->llc_bytes = known(NAN, USUAL_LLC_BYTES, ASSAY_DERIVED_LLC, &r->derived);
    r->exp = known(chip->field[ASSAY_DEVICE_EXP], USUAL_EXP_PER_CORE_AND_CLOCK * r->cores * r->clock_hz, ASSAY_DERIVED_EXP,
                   &r->derived);
    r->llc_rate = chip->field[ASSAY_DEVICE_LLC_BANDWIDTH];
    if (isnan(r->llc_rate) || r->llc_rate <= 0)
        r->llc_rate = USUAL_LLC_PER_CORE_AND_CLOCK * r->cores * r->clock_hz;
    r->llc_rate = fmax(r->llc_rate, r->memory); /* nobody reads through a cache that is slower */
    r->feed = k->value[ASSAY_K_GEMM_CACHE] * widest_peak(chip) / FEED_FLOPS;
}

enum assay_code assay_rates_of(const struct assay_chip *chip, const struct assay_coefficients *k, enum assay_dtype dtype,
                               struct assay_rates *out, struct assay_error *err)
{
    struct assay_rates r = {.memory = chip->field[ASSAY_DEVICE_BANDWIDTH]};
    double             peak = dtype ? assay_chip_peak(chip, dtype) : NAN;
    if (dtype && isnan(peak))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the peak in %s is not known", assay_dtype_name(dtype));
    if (dtype && peak <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the chip has no %s", assay_dtype_name(dtype));
    if (isnan(r.memory) || r.memory <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "memory_bytes_per_s is not known");
    engines_of(chip, k, &r);
    r.sustained = sustained_of(chip, k, peak * assay_dtype_bits(dtype) / 16, &r.derived);
    r.peak = peak * r.sustained;
    r.core_peak = r.peak / r.cores;
    *out = r;
    return ASSAY_OK;
}

unsigned assay_rates_derived(const struct assay_chip *chip)
{
    struct assay_rates        r = {.derived = 0};
    struct assay_coefficients k = assay_coefficients_begin();
    engines_of(chip, &k, &r);
    (void)sustained_of(chip, &k, widest_peak(chip), &r.derived);
    return r.derived;
}

double assay_at_clock(const struct assay_chip *chip, double fitted_ns)
{
    double clock_hz = chip->field[ASSAY_DEVICE_CLOCK];
    return isnan(clock_hz) || clock_hz <= 0 ? fitted_ns : fitted_ns * USUAL_CLOCK_HZ / clock_hz;
}

double assay_floor_ns(const struct assay_chip *chip, double fitted_ns)
{
    double launch_ns = chip->field[ASSAY_DEVICE_LAUNCH], floor_ns = assay_at_clock(chip, fitted_ns);
    return isnan(launch_ns) ? floor_ns : fmax(floor_ns, launch_ns);
}

double assay_norm3(double p, double a, double b, double c)
{
    double top = fmax(a, fmax(b, c));
    if (top <= 0)
        return 0;
    return top * pow(pow(a / top, p) + pow(b / top, p) + pow(c / top, p), 1 / p);
}
