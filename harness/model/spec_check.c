#include "harness/model/spec_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define NEAR 0.10  /* share that rounded clocks and peaks are off by */
#define EXACT 0.02 /* of a number that was doubled by how it is counted */

struct check {
    const struct assay_described *d, *known;
    struct assay_contradiction   *out;
    size_t                        n;
};

ASSAY_PRINTF(4, 5)
static void tell(struct check *c, const char *rule, enum assay_device_field field, const char *fmt, ...)
{
    va_list args;
    if (c->n++ >= ASSAY_MOST_CONTRADICTIONS)
        return;
    struct assay_contradiction *x = &c->out[c->n - 1];
    x->rule = rule;
    x->field = field;
    va_start(args, fmt);
    (void)vsnprintf(x->text, sizeof x->text, fmt, args);
    va_end(args);
}

/* NULL: nothing is known of it. */
static const struct assay_quantity *known(const struct check *c, enum assay_device_field field)
{
    const struct assay_quantity *q = &c->d->fields[field];
    return q->state == ASSAY_KNOWN ? q : NULL;
}

static const char *show(char text[48], double value, enum assay_device_field field)
{
    const char       *unit = assay_device_fields[field].unit;
    struct assay_text t = assay_text_over(text, 48);
    if (!strcmp(unit, "B")) /* as sheets print it */
        assay_text_add(&t, "%.4g GB", value / 1e9);
    else if (!strcmp(unit, "ns"))
        assay_string_quantity(&t, value / 1e9, "s", 4);
    else
        assay_string_quantity(&t, value, unit, 4);
    return text;
}

/* ---- numbers by themselves ----------------------------------------------------------------------------------------- */

static const struct {
    enum assay_device_field first, last;
    double                  low, high;
    const char             *slip;
} sizes[] = {
    {ASSAY_DEVICE_PEAK_F64, ASSAY_DEVICE_PEAK_I4, 1e9, 1e17, "peaks are in FLOP/s, not TFLOP/s"},
    {ASSAY_DEVICE_CLOCK, ASSAY_DEVICE_CLOCK, 1e8, 1e10, "the clock is in Hz, not MHz or GHz"},
    {ASSAY_DEVICE_VECTOR, ASSAY_DEVICE_EXP, 1e9, 1e16, "rates are a second's, not in T"},
    {ASSAY_DEVICE_ONCHIP, ASSAY_DEVICE_ONCHIP, 1024, 1e9, "it is in bytes, of one core"},
    {ASSAY_DEVICE_REGISTER_FEED, ASSAY_DEVICE_REGISTER_FEED, 8, 8192, "it is in bytes a clock, of one core"},
    {ASSAY_DEVICE_LLC, ASSAY_DEVICE_LLC, 1e5, 1e10, "it is in bytes, not MiB"},
    {ASSAY_DEVICE_LLC_BANDWIDTH, ASSAY_DEVICE_LLC_BANDWIDTH, 1e10, 1e15, "it is in B/s, not TB/s"},
    {ASSAY_DEVICE_MEMORY, ASSAY_DEVICE_MEMORY, 1e8, 1e14, "it is in bytes, not GB"},
    {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_BANDWIDTH, 1e9, 1e14, "it is in B/s, not GB/s or TB/s"},
    {ASSAY_DEVICE_LAUNCH, ASSAY_DEVICE_LAUNCH, 50, 1e7, "it is in ns, not us"},
    {ASSAY_DEVICE_HOST_LINK, ASSAY_DEVICE_SCALE_UP, 1e8, 1e13, "links are in B/s, not GB/s"},
    {ASSAY_DEVICE_POWER, ASSAY_DEVICE_POWER, 1, 20000, "it is in W, of one device"},
};

static void check_sizes(struct check *c)
{
    char text[48];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int f = (int)sizes[i].first; f <= (int)sizes[i].last; f++) {
            const struct assay_quantity *q = known(c, (enum assay_device_field)f);
            if (q && (q->low < sizes[i].low || q->high > sizes[i].high))
                tell(c, "unit", (enum assay_device_field)f, "%s is no number of a chip: %s",
                     show(text, q->low < sizes[i].low ? q->low : q->high, (enum assay_device_field)f), sizes[i].slip);
        }
}

/* "900 GB/s bidirectional" as the source of 900e9: the source says itself that it counts otherwise. */
static bool is_said_to_be(const struct assay_quantity *q, double scale, const char *unit, const char *const *words)
{
    char number[64];
    for (size_t i = 0; words[i]; i++) {
        (void)snprintf(number, sizeof number, "%.10g %s %s", q->value / scale, unit, words[i]);
        const char *at = strstr(q->source, number);
        if (at && (at == q->source || !strchr("0123456789.", at[-1])))
            return true;
    }
    return false;
}

static void check_sources(struct check *c)
{
    static const char *const both[] = {"bidirectional", "bidir", "both directions", "both ways", NULL};
    static const char *const sparse[] = {"with sparsity", "sparse", "(sparse", "(with sparsity", NULL};
    static const struct { double scale; const char *unit; } links[] = {{1e9, "GB/s"}, {1e12, "TB/s"}},
        rates[] = {{1e12, "TFLOPS"}, {1e12, "TFLOP/s"}, {1e12, "TOPS"}, {1e15, "PFLOPS"}, {1e15, "PFLOP/s"}, {1e15, "POPS"}};
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++) {
        const struct assay_quantity *q = known(c, (enum assay_device_field)f);
        bool link = f == ASSAY_DEVICE_HOST_LINK || f == ASSAY_DEVICE_SCALE_UP, peak = f <= ASSAY_DEVICE_PEAK_I4;
        for (size_t i = 0; q && link && i < sizeof links / sizeof *links; i++)
            if (is_said_to_be(q, links[i].scale, links[i].unit, both))
                tell(c, "bidirectional", (enum assay_device_field)f,
                     "its own source counts both directions; per direction it is half");
        for (size_t i = 0; q && peak && i < sizeof rates / sizeof *rates; i++)
            if (is_said_to_be(q, rates[i].scale, rates[i].unit, sparse))
                tell(c, "sparse", (enum assay_device_field)f,
                     "its own source has it with sparsity; the dense peak is half of it");
    }
}

/* ---- numbers beside each other --------------------------------------------------------------------------------------- */

/* Rows: `fast` is at most `times` of `slow` in every dense chip; more looks like a number with sparsity. */
static const struct {
    enum assay_device_field fast, slow;
    double                  times;
    bool                    systolic; /* holds of those too */
    const char             *why;
} ratios[] = {
    {ASSAY_DEVICE_PEAK_BF16, ASSAY_DEVICE_PEAK_TF32, 2.5, false, "dense 16-bit products are at most twice those in tf32"},
    {ASSAY_DEVICE_PEAK_F8, ASSAY_DEVICE_PEAK_BF16, 2.2, true, "dense 8-bit floats are at most twice those of 16 bits"},
    {ASSAY_DEVICE_PEAK_I8, ASSAY_DEVICE_PEAK_F16, 4.2, true, "dense 8-bit integers are at most four times 16-bit floats"},
    {ASSAY_DEVICE_PEAK_F4, ASSAY_DEVICE_PEAK_F8, 3.4, true, "dense 4-bit floats are at most three times those of 8 bits"},
    {ASSAY_DEVICE_PEAK_F4, ASSAY_DEVICE_PEAK_BF16, 6.8, true, "dense 4-bit floats are at most six times those of 16 bits"},
};

static void check_ratios(struct check *c)
{
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        const struct assay_quantity *fast = known(c, ratios[i].fast), *slow = known(c, ratios[i].slow);
        if (fast && slow && (ratios[i].systolic || c->d->family == ASSAY_CHIP_TENSOR_CORE) &&
            fast->low > ratios[i].times * slow->high)
            tell(c, "sparse", ratios[i].fast, "it is %.3g times %s: %s; is it the number with sparsity?", fast->low / slow->high,
                 assay_device_fields[ratios[i].slow].key, ratios[i].why);
    }
}

/* Rows: `more` is never below `less`. */
static const struct {
    enum assay_device_field more, less;
    const char             *why;
} orders[] = {
    {ASSAY_DEVICE_LLC_BANDWIDTH, ASSAY_DEVICE_BANDWIDTH, "a cache is not slower than the memory behind it"},
    {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_SCALE_UP, "links carry no more than memory gives"},
    {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_HOST_LINK, "a link carries no more than memory gives"},
    {ASSAY_DEVICE_PEAK_TF32, ASSAY_DEVICE_PEAK_F32, "tf32 exists to be faster than f32"},
    {ASSAY_DEVICE_PEAK_F32, ASSAY_DEVICE_PEAK_F64, "f64 is not faster than f32"},
    {ASSAY_DEVICE_MEMORY, ASSAY_DEVICE_LLC, "a cache is not larger than its memory"},
    {ASSAY_DEVICE_VECTOR, ASSAY_DEVICE_EXP, "an exponential takes at least a vector operation"},
};

static void check_orders(struct check *c)
{
    char a[48], b[48];
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const struct assay_quantity *more = known(c, orders[i].more), *less = known(c, orders[i].less);
        if (more && less && more->high < less->low)
            tell(c, "order", orders[i].more, "%s is less than %s of %s: %s", show(a, more->high, orders[i].more),
                 show(b, less->low, orders[i].less),
                 assay_device_fields[orders[i].less].key, orders[i].why);
    }
}

/* Units do a power of two of operations a clock. */
static void check_units(struct check *c, enum assay_device_field field)
{
    const struct assay_quantity *peak = known(c, field), *cores = known(c, ASSAY_DEVICE_CORES),
        *clock = known(c, ASSAY_DEVICE_CLOCK);
    const struct assay_quantity *rows = known(c, ASSAY_DEVICE_ARRAY_ROWS), *columns = known(c, ASSAY_DEVICE_ARRAY_COLUMNS);
    bool                         systolic = c->d->family == ASSAY_CHIP_SYSTOLIC && rows && columns;
    if (!peak || !cores || !clock || (c->d->family == ASSAY_CHIP_SYSTOLIC && !systolic))
        return;
    double low = peak->low / (cores->high * clock->high), high = peak->high / (cores->low * clock->low);
    low /= systolic ? 2 * rows->high * columns->high : 1;
    high /= systolic ? 2 * rows->low * columns->low : 1;
    double power = exp2(ceil(log2(low * (1 - NEAR)))); /* the least that is not below */
    if (power <= high * (1 + NEAR))
        return;
    tell(c, "units", field, "over cores and clock it is %.4g %s a clock%s, which is no power of two: peak, cores and clock do not belong together",
         low, systolic ? "of the array's multiply-adds" : "operations", systolic ? " and array" : " and core");
}

/* ---- numbers beside what is known of the chip ------------------------------------------------------------------------ */

static void check_measured(struct check *c, const struct assay_described *from)
{
    char a[48], b[48];
    for (size_t i = 0; from && i < from->n_measured; i++) {
        const struct assay_at_least *m = &from->measured[i];
        const struct assay_quantity *q = known(c, m->field);
        if (q && q->high < m->at_least)
            tell(c, "measured", m->field, "%s is less than the %s that were measured (%.120s)", show(a, q->high, m->field),
                 show(b, m->at_least, m->field), m->source);
    }
}

/* What is exactly twice the number that is known is that number, counted otherwise. */
static void check_doubled(struct check *c)
{
    for (int f = 0; c->known && f < ASSAY_DEVICE_FIELDS; f++) {
        const struct assay_quantity *q = known(c, (enum assay_device_field)f), *k = &c->known->fields[f];
        bool link = f == ASSAY_DEVICE_HOST_LINK || f == ASSAY_DEVICE_SCALE_UP, peak = f <= ASSAY_DEVICE_PEAK_I4;
        if (!q || !(link || peak) || k->state != ASSAY_KNOWN || isnan(k->value) || isnan(q->value) || q->value <= k->high)
            continue;
        if (fabs(q->value / k->value / 2 - 1) < EXACT)
            tell(c, link ? "bidirectional" : "sparse", (enum assay_device_field)f, "it is twice the %.4g that is known of %s: %s",
                 k->value, c->known->name, link ? "does it count both directions?" : "is it the number with sparsity?");
    }
}

size_t assay_spec_check(const struct assay_described *d, const struct assay_described *known_one,
                        struct assay_contradiction out[ASSAY_MOST_CONTRADICTIONS])
{
    struct check c = {.d = d, .known = known_one, .out = out};
    check_sizes(&c);
    check_sources(&c);
    check_ratios(&c);
    check_orders(&c);
    check_units(&c, ASSAY_DEVICE_PEAK_BF16);
    check_units(&c, ASSAY_DEVICE_PEAK_F16);
    check_measured(&c, d);
    if (known_one && known_one->n_measured && !d->n_measured)
        check_measured(&c, known_one);
    check_doubled(&c);
    return c.n;
}
