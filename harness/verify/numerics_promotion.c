/* Do sums go elsewhere after so many products? A large term stands first, and again, negative, at the end. Two equal small ones that meet it one by one are lost; added up
 * before, in a section of their own, they are not. So the first place where they come through is the second section's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/verify/numerics_parts.h"

#include "assay/banned.h"

enum { LONG = NUMERICS_LONG, AT_ONCE = ASSAY_NUMERICS_TILE, RANDOM = 32 };

struct search {
    const struct assay_matrix_unit *unit;
    int                             low, bits;
    size_t                          stride; /* from one term to the next that goes to the same chain */
    size_t                          first, step; /* question i has its small terms at first + i * step */
};

static void fill_pair(const void *self, size_t i, double *a, double *b)
{
    const struct search *s = self;
    size_t               at = s->first + i * s->step;
    numerics_power(a, b, 0, s->low + s->bits, 1);
    numerics_power(a, b, LONG - 1, s->low + s->bits, -1);
    if (at + s->stride >= LONG - 1)
        return;
    numerics_power(a, b, at, s->low, 1);
    numerics_power(a, b, at + s->stride, s->low, 1);
}

/* The first of the questions whose small terms come through; n: none. */
static enum assay_code first_through(const struct assay_numerics_device *device, const struct search *s, size_t n, size_t *at,
                                     struct assay_error *err)
{
    double                    seen[4 * AT_ONCE];
    struct numerics_questions q = {.n = n, .terms = LONG, .fill = fill_pair, .self = s};
    if (numerics_ask(device, &q, seen, err))
        return err->code;
    *at = 0;
    while (*at < n && seen[*at] == 0)
        ++*at;
    return ASSAY_OK;
}

/* *at: terms before the second section, to within a stride; 0: there is no second one. */
static enum assay_code find_section(const struct assay_numerics_device *device, struct search *s, size_t *at, struct assay_error *err)
{
    size_t n = 2 * AT_ONCE, steps = LONG / s->stride, found = 0;
    s->step = (steps + n - 1) / n * s->stride;
    s->first = s->stride;
    if (first_through(device, s, n, &found, err))
        return err->code;
    *at = 0;
    if (found == n || s->first + found * s->step + s->stride >= LONG - 1)
        return ASSAY_OK;
    size_t end = s->first + found * s->step; /* through here, not a step before */
    for (size_t begin = end > s->step ? end - s->step : 0; s->step > s->stride; begin = end > s->step ? end - s->step : 0) {
        s->step = (s->step / s->stride + AT_ONCE - 1) / AT_ONCE * s->stride;
        s->first = begin + s->step;
        if (first_through(device, s, AT_ONCE, &found, err))
            return err->code;
        if (found < AT_ONCE && s->first + found * s->step < end)
            end = s->first + found * s->step;
    }
    *at = end;
    return ASSAY_OK;
}

/* ---- which of the few that are possible ------------------------------------------------------------------------- */

static void fill_random(const void *self, size_t i, double *a, double *b)
{
    const struct search *s = self;
    numerics_draw(&(struct numerics_operands){s->unit, s->unit->a, s->unit->b}, s->bits, 7000 + i, 1, 1, LONG, a, b);
}

static bool gives_all(const struct assay_matrix_unit *u, const struct search *s, const double *answer, double *room)
{
    for (size_t i = 0; i < RANDOM; i++) {
        fill_random(s, i, room, room + LONG);
        if (assay_unit_dot(u, LONG, room, 1, room + LONG, 1, 0) != answer[i])
            return false;
    }
    return true;
}

static enum assay_code settle(const struct assay_numerics_device *device, const struct search *s, size_t at, struct assay_numerics *out,
                              struct assay_error *err)
{
    double                    answer[RANDOM];
    struct numerics_questions q = {.n = RANDOM, .terms = LONG, .fill = fill_random, .self = s};
    struct assay_matrix_unit  u = out->unit;
    double                   *room = calloc(2 * LONG, sizeof *room);
    bool                      given = false;
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for sums of %d terms", LONG);
    if (!numerics_ask(device, &q, answer, err)) {
        for (size_t i = 1; at && !given && i <= 2 * u.accumulator.chains; i++) { /* a stride below and above */
            u.promotion = (uint32_t)(at + i * u.block.length - s->stride);
            given = gives_all(&u, s, answer, room);
        }
        given = given || (!at && gives_all(&u, s, answer, room));
        out->inferred = given;
        if (given)
            out->unit = u;
    }
    free(room);
    return err->code;
}

enum assay_code numerics_promotion(const struct assay_numerics_device *device, const struct numerics_facts *f,
                                   struct assay_numerics *out, struct assay_error *err)
{
    struct search s = {.unit = &out->unit, .bits = f->sum_bits, .low = f->sum_bits > 20 ? -12 : -9,
                       .stride = (size_t)out->unit.block.length * out->unit.accumulator.chains};
    size_t        at = 0;
    char          value[64];
    if (out->unit.accumulator.order != ASSAY_UNIT_TREE && !out->unit.promotion && find_section(device, &s, &at, err))
        return err->code;
    if (settle(device, &s, at, out, err))
        return err->code;
    if (!out->inferred)
        (void)snprintf(value, sizeof value, "in some other way");
    else if (out->unit.promotion)
        (void)snprintf(value, sizeof value, "every %u products, into f32", out->unit.promotion);
    else
        (void)snprintf(value, sizeof value, "never");
    if (at)
        numerics_say(out, "promotion", value, "two small terms come through beside a large first one from about term %zu of %d on", at, LONG);
    else
        numerics_say(out, "promotion", value, "%d random sums of %d terms", RANDOM, LONG);
    return ASSAY_OK;
}
