#include "harness/base/option_value.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "assay/dtype.h"
#include "harness/base/option_text.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define MAX_CHOICES 64

struct unit {
    const char *suffix;
    uint64_t    scale;
};

/* The first row is what a bare number means. */
static const struct unit time_units[] = {
    {"", 1000000000},  {"s", 1000000000},   {"ms", 1000000},       {"us", 1000},
    {"ns", 1},         {"m", 60000000000u}, {"h", 3600000000000u},
};
static const struct unit millisecond_units[] = {
    {"", 1000000},     {"ms", 1000000},     {"s", 1000000000},     {"us", 1000},
    {"ns", 1},         {"m", 60000000000u}, {"h", 3600000000000u},
};
static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000u},
    {"PB", 1000000000000000u},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"PiB", UINT64_C(1) << 50},
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

__extension__ typedef unsigned __int128 wide;

/* Numbers are read and written with '.', whatever the locale of the program is. */
static locale_t c_locale_enter(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); /* glibc gives its built-in C locale; nothing to free */
}

size_t assay_option_value_bytes(const struct assay_option *row)
{
    switch (row->type) {
    case ASSAY_OPT_BOOL: return sizeof(bool);
    case ASSAY_OPT_I64:
    case ASSAY_OPT_ENUM: return sizeof(int64_t);
    case ASSAY_OPT_F64: return sizeof(double);
    case ASSAY_OPT_DTYPE: return sizeof(enum assay_dtype);
    case ASSAY_OPT_SECONDS:
    case ASSAY_OPT_MILLISECONDS:
    case ASSAY_OPT_BYTES: return sizeof(uint64_t);
    case ASSAY_OPT_TEXT:
    case ASSAY_OPT_LIST: return row->bytes;
    }
    return 0;
}

static void *field(const struct assay_option *row, void *target)
{
    return (char *)target + row->offset;
}

static const void *field_const(const struct assay_option *row, const void *target)
{
    return (const char *)target + row->offset;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* The shortest of all %.*g that read back as the same double; 100 rather than 1e+02. */
static void write_f64(double value, struct assay_text *out)
{
    char     best[40] = "", text[40];
    locale_t before = c_locale_enter();
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value && (!*best || strlen(text) <= strlen(best)))
            memcpy(best, text, sizeof best);
    }
    (void)uselocale(before);
    assay_text_add(out, "%s", *best ? best : text);
}

/* ns / scale with its fraction, which is exact: `digits` is the number of zeros of the scale. */
static void write_decimal(uint64_t ns, uint64_t scale, int digits, struct assay_text *out)
{
    char fraction[16];
    int  length = snprintf(fraction, sizeof fraction, ".%0*llu", digits, (unsigned long long)(ns % scale));
    if (ns % scale == 0)
        length = 0;
    while (length > 0 && fraction[length - 1] == '0')
        length--;
    assay_text_add(out, "%llu%.*s", (unsigned long long)(ns / scale), length, fraction);
}

/* In the largest of s, ms, us, ns that gives at least 1. */
static void write_seconds(uint64_t ns, struct assay_text *out)
{
    static const struct unit units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    static const int         digits[] = {9, 6, 3, 0};
    size_t                   i = 0;
    while (ns != 0 && ns < units[i].scale)
        i++;
    write_decimal(ns, units[i].scale, digits[i], out);
    assay_text_add(out, "%s", units[i].suffix);
}

/* Whole multiples only; of the binary and the decimal form the shorter one, the binary when they tie. */
static void write_bytes(uint64_t bytes, struct assay_text *out)
{
    char decimal[40], binary[40];
    (void)snprintf(decimal, sizeof decimal, "%llu", (unsigned long long)bytes);
    (void)snprintf(binary, sizeof binary, "%s", decimal);
    for (size_t i = 3; bytes != 0 && i < COUNT(byte_units); i++) {
        bool is_binary = byte_units[i].suffix[1] == 'i';
        if (bytes % byte_units[i].scale == 0)
            (void)snprintf(is_binary ? binary : decimal, sizeof binary, "%llu%s",
                           (unsigned long long)(bytes / byte_units[i].scale), byte_units[i].suffix);
    }
    assay_text_add(out, "%s", strlen(decimal) < strlen(binary) ? decimal : binary);
}

static const char *choice_at(const struct assay_option *row, int64_t index)
{
    for (int64_t i = 0; row->choices && row->choices[i]; i++)
        if (i == index)
            return row->choices[i];
    return "?"; /* no name: reading it back is refused */
}

void assay_option_write(const struct assay_option *row, const void *target, struct assay_text *out)
{
    const void      *at = field_const(row, target);
    bool             flag;
    int64_t          integer;
    uint64_t         amount;
    double           real;
    enum assay_dtype dtype;
    switch (row->type) {
    case ASSAY_OPT_BOOL:
        memcpy(&flag, at, sizeof flag);
        assay_text_add(out, "%s", flag ? "true" : "false");
        return;
    case ASSAY_OPT_I64:
    case ASSAY_OPT_ENUM:
        memcpy(&integer, at, sizeof integer);
        if (row->type == ASSAY_OPT_I64)
            assay_text_add(out, "%lld", (long long)integer);
        else
            assay_option_text_write(choice_at(row, integer), out);
        return;
    case ASSAY_OPT_F64:
        memcpy(&real, at, sizeof real);
        write_f64(real, out);
        return;
    case ASSAY_OPT_DTYPE:
        memcpy(&dtype, at, sizeof dtype);
        assay_text_add(out, "%s", assay_dtype_name(dtype));
        return;
    case ASSAY_OPT_SECONDS:
        memcpy(&amount, at, sizeof amount);
        write_seconds(amount, out);
        return;
    case ASSAY_OPT_MILLISECONDS:
        memcpy(&amount, at, sizeof amount);
        write_decimal(amount, 1000000, 6, out);
        return;
    case ASSAY_OPT_BYTES:
        memcpy(&amount, at, sizeof amount);
        write_bytes(amount, out);
        return;
    case ASSAY_OPT_TEXT:
    case ASSAY_OPT_LIST: assay_option_text_write(at, out); return;
    }
}

/* A bound in the words in which a value would be given: seconds and bytes with their unit. */
static void write_bound(const struct assay_option *row, double bound, struct assay_text *out)
{
    bool whole = bound >= 0 && bound < 9e18 && bound == floor(bound);
    if (row->type == ASSAY_OPT_SECONDS && bound >= 0 && bound <= 1e10)
        write_seconds((uint64_t)llround(bound * 1e9), out);
    else if (row->type == ASSAY_OPT_MILLISECONDS && bound >= 0 && bound <= 1e10)
        write_seconds((uint64_t)llround(bound * 1e6), out);
    else if (row->type == ASSAY_OPT_BYTES && whole)
        write_bytes((uint64_t)bound, out);
    else if (whole && bound < 1e15)
        assay_text_add(out, "%.0f", bound);
    else
        write_f64(bound, out);
}

void assay_option_range_write(const struct assay_option *row, struct assay_text *out)
{
    bool no_min = isinf(row->min), no_max = isinf(row->max);
    if ((row->min == 0 && row->max == 0) || (no_min && no_max))
        return;
    assay_text_add(out, no_min ? "at most " : no_max ? "at least " : "from ");
    write_bound(row, no_min ? row->max : row->min, out);
    if (!no_min && !no_max) {
        assay_text_add(out, " to ");
        write_bound(row, row->max, out);
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

/* "batch must be an integer from 1 to 8, got 'x'"; why may be NULL. */
static enum assay_code refuse(const struct assay_option *row, const char *value, const char *kind, const char *why,
                              struct assay_error *err)
{
    char              range[80];
    struct assay_text text = ASSAY_TEXT(range);
    assay_option_range_write(row, &text);
    return ASSAY_FAIL(err, ASSAY_CONFIG, "%s must be %s%s%s, got '%.80s'%s%s", row->name, kind, *range ? " " : "",
                      range, value, why ? ": " : "", why ? why : "");
}

/* long double holds every int64 and uint64 on the machines we build for, so the comparison is exact. */
static bool in_range(const struct assay_option *row, long double value)
{
    return (row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum assay_code parse_i64(const struct assay_option *row, const char *value, int64_t *out,
                                 struct assay_error *err)
{
    static const char kind[] = "an integer";
    bool              negative = value[0] == '-';
    int64_t           sum = 0;
    if (!is_digit(value[negative]))
        return refuse(row, value, kind, NULL, err);
    for (const char *c = value + negative; *c; c++) {
        if (!is_digit(*c))
            return refuse(row, value, kind, NULL, err);
        int digit = negative ? '0' - *c : *c - '0';
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return refuse(row, value, kind, "it does not fit 64 bits", err);
    }
    if (!in_range(row, sum))
        return refuse(row, value, kind, NULL, err);
    *out = sum;
    return ASSAY_OK;
}

/* The number syntax of JSON, so no hexadecimal, no "inf", no "nan", no blanks. *zero: all digits were 0. */
static bool is_real(const char *c, bool *zero)
{
    const char *digits;
    *zero = true;
    if (*c == '-')
        c++;
    for (digits = c; is_digit(*c); c++)
        *zero = *zero && *c == '0';
    if (c == digits)
        return false;
    if (*c == '.') {
        for (digits = ++c; is_digit(*c); c++)
            *zero = *zero && *c == '0';
        if (c == digits)
            return false;
    }
    if (*c == 'e' || *c == 'E') {
        c += c[1] == '+' || c[1] == '-' ? 2 : 1;
        for (digits = c; is_digit(*c); c++)
            ;
        if (c == digits)
            return false;
    }
    return *c == 0;
}

static enum assay_code parse_f64(const struct assay_option *row, const char *value, double *out,
                                 struct assay_error *err)
{
    static const char kind[] = "a number";
    bool              zero;
    if (!is_real(value, &zero))
        return refuse(row, value, kind, NULL, err);
    locale_t before = c_locale_enter();
    double   real = strtod(value, NULL);
    (void)uselocale(before);
    if (isinf(real) || (real == 0 && !zero))
        return refuse(row, value, kind, real == 0 ? "it is too small for a double" : "it is too large for a double",
                      err);
    if (!in_range(row, real))
        return refuse(row, value, kind, NULL, err);
    *out = real;
    return ASSAY_OK;
}

/* A decimal number as digits / divisor, both exact. Returns what follows it, or NULL when there is none. */
static const char *read_decimal(const char *c, uint64_t *digits, uint64_t *divisor, bool *too_long)
{
    size_t whole = strspn(c, "0123456789"), fraction = 0, kept;
    *digits = 0;
    *divisor = 1;
    *too_long = false;
    if (whole == 0)
        return NULL;
    if (c[whole] == '.' && (fraction = strspn(c + whole + 1, "0123456789")) == 0)
        return NULL;
    kept = fraction;
    while (kept > 0 && c[whole + kept] == '0')
        kept--;
    for (size_t i = 0; i < whole + kept; i++) {
        const char *digit = c + i + (i >= whole);
        *too_long = *too_long || __builtin_mul_overflow(*digits, 10, digits) ||
                    __builtin_add_overflow(*digits, (uint64_t)(*digit - '0'), digits) ||
                    (i >= whole && __builtin_mul_overflow(*divisor, 10, divisor));
    }
    return c + whole + (fraction ? fraction + 1 : 0);
}

/* A decimal number and a unit. Exact: what is not a whole number of nanoseconds or bytes is refused. */
static enum assay_code parse_amount(const struct assay_option *row, const char *value, uint64_t *out,
                                    struct assay_error *err)
{
    bool               is_ms = row->type == ASSAY_OPT_MILLISECONDS, is_time = is_ms || row->type == ASSAY_OPT_SECONDS, too_long;
    const char        *kind = is_time ? "a time" : "a size";
    const struct unit *units = is_ms ? millisecond_units : is_time ? time_units : byte_units;
    size_t             n_units = is_time ? COUNT(time_units) : COUNT(byte_units), i = 0;
    uint64_t           digits, divisor;
    const char        *suffix = read_decimal(value, &digits, &divisor, &too_long);
    while (suffix && i < n_units && strcmp(suffix, units[i].suffix) != 0)
        i++;
    if (!suffix || i == n_units) {
        (void)refuse(row, value, kind, NULL, err);
        return assay_error_hint(err, is_ms     ? "write 1.5s, 20ms, 3us, 500ns, 10m or 2h; bare numbers are milliseconds"
                                     : is_time ? "write 1.5s, 20ms, 3us, 500ns, 10m or 2h; bare numbers are seconds"
                                             : "write it like 65536, 64KiB, 1GiB or 2GB");
    }
    wide amount = (wide)digits * units[i].scale; /* at most 2^64 * 2^50 */
    if (too_long || amount / divisor > UINT64_MAX)
        return refuse(row, value, kind, "it has too many digits or is too large", err);
    if (amount % divisor)
        return refuse(row, value, kind, is_time ? "it is finer than a nanosecond" : "it is not a whole number of bytes",
                      err);
    if (!in_range(row, (long double)(uint64_t)(amount / divisor) / (is_ms ? 1e6L : is_time ? 1e9L : 1)))
        return refuse(row, value, kind, NULL, err);
    *out = (uint64_t)(amount / divisor);
    return ASSAY_OK;
}

static enum assay_code refuse_choice(const struct assay_option *row, const char *value, const char *const *names,
                                     size_t n, struct assay_error *err)
{
    char              all[160];
    struct assay_text text = ASSAY_TEXT(all);
    const char       *near = assay_string_nearest(value, names, n);
    for (size_t i = 0; i < n; i++)
        assay_text_add(&text, "%s%s", i ? ", " : "", names[i]);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "%s must be one of %s; got '%.60s'", row->name, all, value);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
}

static enum assay_code parse_enum(const struct assay_option *row, const char *value, int64_t *out,
                                  struct assay_error *err)
{
    const char *names[MAX_CHOICES];
    size_t      n = 0;
    for (size_t i = 0; row->choices && row->choices[i]; i++) {
        if (!strcmp(row->choices[i], value)) {
            *out = (int64_t)i;
            return ASSAY_OK;
        }
        if (n < MAX_CHOICES)
            names[n++] = row->choices[i];
    }
    return refuse_choice(row, value, names, n, err);
}

static enum assay_code parse_dtype(const struct assay_option *row, const char *value, enum assay_dtype *out,
                                   struct assay_error *err)
{
    static const char *const all[] = {
#define X(id, number, text, bits, is_float) text,
        ASSAY_DTYPES(X)
#undef X
    };
    enum assay_dtype dtype = assay_dtype_from_name(value);
    int64_t          index;
    enum assay_code  code = ASSAY_OK;
    if (row->choices)
        code = parse_enum(row, value, &index, err);
    else if (dtype == ASSAY_DTYPE_NONE)
        code = refuse_choice(row, value, all, COUNT(all), err);
    if (code)
        return code;
    if (dtype == ASSAY_DTYPE_NONE)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "option %s offers '%.40s', which is not a dtype", row->name, value);
    *out = dtype;
    return ASSAY_OK;
}

static enum assay_code parse_bool(const struct assay_option *row, const char *value, bool *out,
                                  struct assay_error *err)
{
    bool yes = !strcmp(value, "true") || !strcmp(value, "1");
    if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return refuse(row, value, "true or false", NULL, err);
    *out = yes;
    return ASSAY_OK;
}

/* TEXT replaces what is there; LIST puts a further line behind it. */
static enum assay_code parse_text(const struct assay_option *row, char *at, const char *value, struct assay_error *err)
{
    size_t before = row->type == ASSAY_OPT_LIST ? strnlen(at, row->bytes) : 0;
    size_t line = before ? before + 1 : 0, length = strlen(value);
    if (line >= row->bytes || length >= row->bytes - line)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s has room for %zu bytes, got %zu: '%.60s'", row->name,
                          row->bytes > line ? row->bytes - line - 1 : 0, length, value);
    if (before)
        at[before] = '\n';
    memcpy(at + line, value, length + 1);
    return ASSAY_OK;
}

enum assay_code assay_option_value_parse(const struct assay_option *row, void *target, const char *value,
                                         struct assay_error *err)
{
    void *at = field(row, target);
    switch (row->type) {
    case ASSAY_OPT_BOOL: return parse_bool(row, value, at, err);
    case ASSAY_OPT_I64: return parse_i64(row, value, at, err);
    case ASSAY_OPT_F64: return parse_f64(row, value, at, err);
    case ASSAY_OPT_TEXT:
    case ASSAY_OPT_LIST: return parse_text(row, at, value, err);
    case ASSAY_OPT_ENUM: return parse_enum(row, value, at, err);
    case ASSAY_OPT_DTYPE: return parse_dtype(row, value, at, err);
    case ASSAY_OPT_SECONDS:
    case ASSAY_OPT_MILLISECONDS:
    case ASSAY_OPT_BYTES: return parse_amount(row, value, at, err);
    }
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "option %s has type %d, which this version does not know", row->name,
                      (int)row->type);
}
