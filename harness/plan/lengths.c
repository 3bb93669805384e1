#include "harness/plan/lengths.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define LONGEST 16777216.0 /* tokens; no model's context comes near it */

static const char *const kinds[] = {"fixed", "uniform", "lognormal"};

/* Numbers between '-': a fixed number each, nothing behind them. */
static bool numbers(const char *text, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strspn(text, "0123456789."); /* strtod knows more than a length is written with */
        char  *end;
        if (*text < '0' || *text > '9')
            return false;
        out[i] = strtod(text, &end);
        if (end != text + length || *end != (i + 1 < n ? '-' : 0))
            return false;
        text = end + 1;
    }
    return true;
}

static bool whole(double x)
{
    return x >= 1 && x <= LONGEST && x == floor(x);
}

static enum assay_code wrong(const char *text, const char *what, struct assay_error *err)
{
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "%.32s lengths '%.64s' are none", what, text);
    return assay_error_hint(err, "tokens from 1 to %.0f: 512, uniform-128-1024 or lognormal-400-0.8-2048 (median, deviation of the "
                                 "logarithm, longest)", LONGEST);
}

enum assay_code assay_lengths_parse(const char *text, const char *what, struct assay_lengths *out, struct assay_error *err)
{
    struct assay_lengths l = {.kind = ASSAY_LENGTHS_FIXED};
    double               x[3];
    const char          *dash = strchr(text, '-');
    if (numbers(text, x, 1)) {
        x[1] = x[0];
    } else if (!strncmp(text, "uniform-", 8) && numbers(text + 8, x, 2)) {
        l.kind = ASSAY_LENGTHS_UNIFORM;
    } else if (!strncmp(text, "lognormal-", 10) && numbers(text + 10, x, 3) && x[1] <= 4) {
        l.kind = ASSAY_LENGTHS_LOGNORMAL;
        l.median = x[0];
        l.deviation = x[1];
        x[0] = 1;
        x[1] = x[2];
    } else {
        char        head[16];
        const char *nearest;
        (void)wrong(text, what, err);
        (void)assay_string_copy(head, dash && (size_t)(dash - text) < sizeof head ? (size_t)(dash - text) + 1 : sizeof head, text);
        if (dash && (nearest = assay_string_nearest(head, kinds, 3)) && strcmp(nearest, head) != 0)
            (void)assay_error_hint(err, "did you mean '%s'?", nearest);
        return err->code;
    }
    if (!whole(x[0]) || !whole(x[1]) || x[0] > x[1] || (l.kind == ASSAY_LENGTHS_LOGNORMAL && (l.median < 1 || l.median > x[1])))
        return wrong(text, what, err);
    l.low = (uint32_t)x[0];
    l.high = (uint32_t)x[1];
    *out = l;
    return ASSAY_OK;
}

/* e^x of |x| < 64, of operations that IEEE 754 fixes: the library's differs from machine to machine. */
static double exponential(double x)
{
    int    halvings = 0;
    double sum = 1, term = 1;
    for (; fabs(x) > 0.0625; halvings++)
        x /= 2;
    for (int i = 1; i <= 10; i++) {
        term *= x / i;
        sum += term;
    }
    while (halvings--)
        sum *= sum;
    return sum;
}

static uint32_t cut(const struct assay_lengths *l, double tokens)
{
    return tokens >= l->high ? l->high : tokens < l->low ? l->low : (uint32_t)tokens;
}

uint32_t assay_lengths_draw(const struct assay_lengths *l, uint64_t key, uint64_t k)
{
    float   z;
    int64_t i;
    switch (l->kind) {
    case ASSAY_LENGTHS_UNIFORM: assay_random_integers(key, k, 1, l->low, l->high, &i); return (uint32_t)i;
    case ASSAY_LENGTHS_LOGNORMAL:
        assay_random_normal_f32(key, k, 1, 0, 1, &z);
        return cut(l, l->median * exponential(l->deviation * (double)z) + 0.5);
    default: return l->low;
    }
}
