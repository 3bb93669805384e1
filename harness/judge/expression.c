#include "harness/judge/expression.h"

#include <math.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

/* Units of metrics.def and those that people write, in SI units. */
static const struct {
    const char            *name;
    struct assay_dimension dimension;
    double                 si;
} units[] = {
    {"ns", {1, 0, 0, 0}, 1e-9},
    {"us", {1, 0, 0, 0}, 1e-6},
    {"ms", {1, 0, 0, 0}, 1e-3},
    {"s", {1, 0, 0, 0}, 1},
    {"min", {1, 0, 0, 0}, 60},
    {"h", {1, 0, 0, 0}, 3600},
    {"1/s", {-1, 0, 0, 0}, 1},
    {"1/min", {-1, 0, 0, 0}, 1.0 / 60},
    {"flop/s", {-1, 0, 0, 1}, 1},
    {"Gflop/s", {-1, 0, 0, 1}, 1e9},
    {"Tflop/s", {-1, 0, 0, 1}, 1e12},
    {"Pflop/s", {-1, 0, 0, 1}, 1e15},
    {"B/s", {-1, 0, 1, 0}, 1},
    {"GB/s", {-1, 0, 1, 0}, 1e9},
    {"TB/s", {-1, 0, 1, 0}, 1e12},
    {"GiB/s", {-1, 0, 1, 0}, 1073741824.0},
    {"B", {0, 0, 1, 0}, 1},
    {"MB", {0, 0, 1, 0}, 1e6},
    {"GB", {0, 0, 1, 0}, 1e9},
    {"MiB", {0, 0, 1, 0}, 1048576.0},
    {"GiB", {0, 0, 1, 0}, 1073741824.0},
    {"J", {0, 1, 0, 0}, 1},
    {"mJ", {0, 1, 0, 0}, 1e-3},
    {"W", {-1, 1, 0, 0}, 1},
    {"kW", {-1, 1, 0, 0}, 1e3},
    {"1/J", {0, -1, 0, 0}, 1},
    {"flop/J", {0, -1, 0, 1}, 1},
    {"Gflop/J", {0, -1, 0, 1}, 1e9},
    {"1", {0, 0, 0, 0}, 1},
    {"%", {0, 0, 0, 0}, 0.01},
};
#define N_UNITS (sizeof units / sizeof *units)

static size_t unit_find(const char *name)
{
    size_t i = 0;
    while (i < N_UNITS && strcmp(units[i].name, name) != 0)
        i++;
    return i;
}

/* A text that messages may quote: they are one line. */
static bool is_plain(const char *text)
{
    while (*text && (unsigned char)*text >= ' ' && *text != 0x7f)
        text++;
    return !*text;
}

static enum assay_code unknown_metric(const char *word, struct assay_error *err)
{
    const char *names[ASSAY_METRIC_COUNT];
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        names[m] = assay_metric_row((enum assay_metric)m)->name;
    const char *near = assay_string_nearest(word, names, ASSAY_METRIC_COUNT);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "unknown metric '%.60s'", word);
    return near ? assay_error_hint(err, "did you mean '%s'?", near)
                : assay_error_hint(err, "metrics stand in the README of reports");
}

static void multiply(struct assay_expression *e, size_t unit, int power)
{
    const struct assay_dimension *d = &units[unit].dimension;
    e->dimension.second += power * d->second;
    e->dimension.joule += power * d->joule;
    e->dimension.byte += power * d->byte;
    e->dimension.flop += power * d->flop;
    e->scale *= power > 0 ? units[unit].si : 1 / units[unit].si;
}

static enum assay_better reversed(enum assay_better better)
{
    return better == ASSAY_BETTER_LOWER ? ASSAY_BETTER_HIGHER : ASSAY_BETTER_LOWER;
}

static enum assay_code add_factor(struct assay_expression *e, const char *word, int power, struct assay_error *err)
{
    enum assay_metric metric;
    if (!assay_metric_find(word, &metric))
        return unknown_metric(word, err);
    if (e->n == ASSAY_EXPRESSION_FACTORS)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.60s' has more than %d factors", e->text, ASSAY_EXPRESSION_FACTORS);
    const struct assay_metric_row *row = assay_metric_row(metric);
    size_t                         unit = unit_find(row->unit);
    if (unit == N_UNITS)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "metric %s has the unit '%s', which no policy knows", row->name, row->unit);
    if (row->better == ASSAY_BETTER_NONE)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "of '%s' neither more nor less is better: no threshold can stand on it", row->name);
    multiply(e, unit, power);
    enum assay_better better = power > 0 ? row->better : reversed(row->better);
    if (e->n && better != e->better)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.60s' has no direction: of one factor more is better, of another less", e->text);
    e->better = better;
    e->metric[e->n] = metric;
    e->power[e->n++] = power;
    return ASSAY_OK;
}

enum assay_code assay_expression_parse(const char *text, struct assay_expression *out, struct assay_error *err)
{
    struct assay_expression e = {.scale = 1};
    char                    word[64];
    const char             *at = text;
    int                     power = 1;
    if (!is_plain(text))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a metric with a control character in its name is none");
    if (!assay_string_copy(e.text, sizeof e.text, text))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "metric expression is too long: '%.40s…'", text);
    for (;;) {
        at += strspn(at, " ");
        size_t length = strcspn(at, " */");
        if (length >= sizeof word)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "unknown metric '%.40s…'", at);
        memcpy(word, at, length);
        word[length] = 0;
        if (!length)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.60s' is no metric, nor a product or quotient of metrics", text);
        if (add_factor(&e, word, power, err))
            return err->code;
        at += length;
        at += strspn(at, " ");
        if (!*at)
            break;
        if (*at != '*' && *at != '/')
            return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.60s': between metrics stands * or /, not '%.8s'", text, at);
        power = *at++ == '*' ? 1 : -1;
    }
    *out = e;
    return ASSAY_OK;
}

enum assay_code assay_expression_unit(const struct assay_expression *e, const char *unit, double *si, struct assay_error *err)
{
    size_t i = unit_find(unit);
    if (!is_plain(unit))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a unit with a control character is none");
    if (i == N_UNITS) {
        const char *names[N_UNITS];
        for (size_t k = 0; k < N_UNITS; k++)
            names[k] = units[k].name;
        const char *near = assay_string_nearest(unit, names, N_UNITS);
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "unknown unit '%.30s'", unit);
        return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
    }
    if (memcmp(&units[i].dimension, &e->dimension, sizeof e->dimension) != 0)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "units are mixed: '%.80s' is not measured in '%s'", e->text, unit);
    *si = units[i].si;
    return ASSAY_OK;
}

bool assay_expression_value(const struct assay_expression *e, const struct assay_record *record, double *out,
                            enum assay_metric *lacks)
{
    double value = e->scale;
    for (size_t i = 0; i < e->n; i++) {
        const struct assay_metric_value *m = &record->metric[e->metric[i]];
        if (!m->has_value || !isfinite(m->value) || (e->power[i] < 0 && !(m->value > 0))) {
            *lacks = e->metric[i];
            return false;
        }
        value = e->power[i] > 0 ? value * m->value : value / m->value;
    }
    *out = value;
    return true;
}

struct assay_estimate assay_expression_range(const struct assay_expression *e, const struct assay_summary_row *row)
{
    struct assay_estimate out = {
        .has_value = true, .has_interval = true, .value = e->scale, .low = e->scale, .high = e->scale, .level = 1};
    for (size_t i = 0; i < e->n; i++) {
        const struct assay_estimate *f = &row->metric[e->metric[i]];
        bool                         divides = e->power[i] < 0;
        out.has_value = out.has_value && f->has_value && (!divides || f->value > 0);
        out.has_interval = out.has_interval && f->has_interval && (!divides || f->low > 0);
        if (!*out.why && *f->why)
            (void)assay_string_copy(out.why, sizeof out.why, f->why);
        if (out.has_value)
            out.value = divides ? out.value / f->value : out.value * f->value;
        if (!out.has_interval)
            continue;
        out.low = divides ? out.low / f->high : out.low * f->low;
        out.high = divides ? out.high / f->low : out.high * f->high;
        out.level = fmin(out.level, f->level);
    }
    return out;
}
