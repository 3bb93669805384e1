#include "harness/verify/agreement.h"

#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/student.h"
#include "harness/verify/witness_file.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

enum { PIECE = 64 }; /* elements compared at once before they are looked at singly; of every format they end at a byte */

/* The numbers of a format in their order: the one after x is one more. Signs are in the highest bit. */
static double ordinal(enum assay_dtype dtype, const unsigned char *element)
{
    unsigned bits = assay_dtype_bits(dtype);
    uint64_t raw = 0;
    memcpy(&raw, element, (bits + 7) / 8);
    if (dtype == ASSAY_F8E8M0 || bits == 0)
        return (double)raw;
    uint64_t sign = (uint64_t)1 << (bits - 1), size = raw & (sign - 1);
    return raw & sign ? -(double)size : (double)size;
}

static double ulps_between(enum assay_dtype dtype, const unsigned char *x, const unsigned char *y, double expected, double observed)
{
    if (isnan(expected) != isnan(observed) || isinf(expected) != isinf(observed))
        return INFINITY;
    return assay_dtype_is_float(dtype) ? fabs(ordinal(dtype, x) - ordinal(dtype, y)) : fabs(expected - observed);
}

static double root_mean_square(const struct assay_value *output, uint64_t n, const void *from)
{
    double   sum = 0, piece[PIECE];
    uint64_t counted = 0;
    for (uint64_t at = 0; at < n; at += PIECE) {
        size_t some = (size_t)(n - at < PIECE ? n - at : PIECE);
        assay_to_double(output->dtype, (const unsigned char *)from + assay_dtype_bytes(output->dtype, at), some, piece);
        for (size_t i = 0; i < some; i++)
            if (isfinite(piece[i])) {
                sum += piece[i] * piece[i];
                counted++;
            }
    }
    return counted ? sqrt(sum / (double)counted) : 0;
}

/* One piece that is not equal. */
static void look_closer(struct assay_agreement *a, const struct assay_value *output, uint64_t first, size_t n, const unsigned char *expected,
                        const unsigned char *observed, double rms)
{
    double x[PIECE], y[PIECE];
    assay_to_double(output->dtype, expected, n, x);
    assay_to_double(output->dtype, observed, n, y);
    for (size_t i = 0; i < n; i++) {
        unsigned char one[8] = {0}, other[8] = {0};
        assay_witness_element(output->dtype, expected, i, one);
        assay_witness_element(output->dtype, observed, i, other);
        if (!memcmp(one, other, sizeof one))
            continue;
        double ulps = ulps_between(output->dtype, one, other, x[i], y[i]), relative = fabs(x[i] - y[i]) / rms;
        a->elements++;
        a->differs = true;
        a->most_ulps = fmax(a->most_ulps, ulps);
        a->most_relative = isnan(relative) ? INFINITY : fmax(a->most_relative, relative);
        if (*a->output)
            continue;
        (void)assay_string_copy(a->output, sizeof a->output, output->name);
        a->element = (int64_t)(first + i);
        a->expected = x[i];
        a->observed = y[i];
    }
}

void assay_agreement_compare(struct assay_agreement *a, const struct assay_value *output, uint64_t first, uint64_t n,
                             const void *expected, const void *observed)
{
    const unsigned char *x = expected, *y = observed;
    if (!memcmp(x, y, (size_t)assay_dtype_bytes(output->dtype, n)))
        return;
    double rms = root_mean_square(output, n, expected);
    for (uint64_t at = 0; at < n; at += PIECE) {
        uint64_t some = n - at < PIECE ? n - at : PIECE, byte = assay_dtype_bytes(output->dtype, at);
        if (memcmp(x + byte, y + byte, (size_t)assay_dtype_bytes(output->dtype, some)) != 0)
            look_closer(a, output, first + at, (size_t)some, x + byte, y + byte, rms);
    }
}

void assay_agreement_run_end(struct assay_agreement *a, const char *run)
{
    a->runs++;
    a->differing += a->differs;
    if (a->differs && !*a->run)
        (void)assay_string_copy(a->run, sizeof a->run, run);
    a->differs = false;
}

void assay_agreement_add(struct assay_agreement *a, const struct assay_agreement *more)
{
    a->runs += more->runs;
    a->differing += more->differing;
    a->elements += more->elements;
    a->most_ulps = fmax(a->most_ulps, more->most_ulps);
    a->most_relative = fmax(a->most_relative, more->most_relative);
    if (*a->output || !*more->output)
        return;
    (void)assay_string_copy(a->output, sizeof a->output, more->output);
    (void)assay_string_copy(a->run, sizeof a->run, more->run);
    a->element = more->element;
    a->expected = more->expected;
    a->observed = more->observed;
}

struct assay_agreement_share assay_agreement_share_of(const struct assay_agreement *a)
{
    uint64_t same = a->runs - a->differing;
    if (!a->runs)
        return (struct assay_agreement_share){0, 1};
    if (!a->differing)
        return (struct assay_agreement_share){0, assay_upper_share(0, a->runs, 0.95)};
    return (struct assay_agreement_share){1 - assay_upper_share(same, a->runs, 0.975), assay_upper_share(a->differing, a->runs, 0.975)};
}

/* ---- as JSON --------------------------------------------------------------------------------------------------- */

json_t *assay_agreement_to_json(const struct assay_agreement *a)
{
    struct assay_agreement_share share = assay_agreement_share_of(a);
    json_t *json = json_pack("{s:o, s:o, s:[o, o]}", "runs", assay_json_u64(a->runs), "differing", assay_json_u64(a->differing),
                             "share_interval_95", assay_json_number(share.low), assay_json_number(share.high));
    if (json && a->differing)
        (void)json_object_set_new(json, "first", json_pack("{s:o, s:o, s:I, s:o, s:o}", "output", assay_json_string(a->output), "run",
                                                           assay_json_string(a->run), "element", (json_int_t)a->element, "expected",
                                                           assay_json_number(a->expected), "observed", assay_json_number(a->observed)));
    if (json && a->differing)
        (void)json_object_update_new(json, json_pack("{s:o, s:o, s:o}", "elements", assay_json_u64(a->elements), "most_ulps",
                                                     assay_json_number(a->most_ulps), "most_relative", assay_json_number(a->most_relative)));
    return json;
}

static uint64_t whole_of(const json_t *json, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(json, key));
    return value > 0 ? (uint64_t)value : 0;
}

/* null stands for what is no number: infinite, here. */
static double number_of(const json_t *json, const char *key, double if_null)
{
    const json_t *value = json_object_get(json, key);
    return json_is_number(value) ? json_number_value(value) : if_null;
}

enum assay_code assay_agreement_from_json(const json_t *json, struct assay_agreement *out, struct assay_error *err)
{
    struct assay_agreement a = {.runs = whole_of(json, "runs"), .differing = whole_of(json, "differing")};
    const json_t          *first = json_object_get(json, "first");
    if (!json_is_object(json) || !json_is_integer(json_object_get(json, "runs")) || a.differing > a.runs || (a.differing && !first))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "what a worker says of how runs agree is malformed");
    if (a.differing) {
        const char *output = json_string_value(json_object_get(first, "output")), *run = json_string_value(json_object_get(first, "run"));
        (void)assay_string_copy(a.output, sizeof a.output, output ? output : "");
        (void)assay_string_copy(a.run, sizeof a.run, run ? run : "");
        a.element = (int64_t)whole_of(first, "element");
        a.expected = number_of(first, "expected", NAN);
        a.observed = number_of(first, "observed", NAN);
        a.elements = whole_of(json, "elements");
        a.most_ulps = number_of(json, "most_ulps", INFINITY);
        a.most_relative = number_of(json, "most_relative", INFINITY);
    }
    *out = a;
    return ASSAY_OK;
}
