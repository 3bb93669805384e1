/* Structures that were thought of, from the simplest on, against the answers of a set of questions. Where sums of many equal terms
 * meet one large term, the answer counts the terms that were added up before they met it or after it was gone (after Xie and
 * others, "FPRev: Revealing the Order of Summation", 2024); random sums tell everything else. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/numerics_parts.h"

#include "assay/banned.h"

enum { TERMS = NUMERICS_TERMS, RANDOM = 96, ROWS = 5, QUESTIONS = RANDOM + ROWS * TERMS };

/* ---- questions -------------------------------------------------------------------------------------------------- */

struct set {
    const struct numerics_facts   *facts;
    struct numerics_operands        from;
    double (*a)[TERMS], (*b)[TERMS], *answer;
};

static void make(const void *self, size_t i, double *a, double *b)
{
    static const size_t from[ROWS] = {0, 1, 5, 16, 33};
    const struct set   *s = self;
    if (i < RANDOM) {
        numerics_draw(&s->from, s->facts->sum_bits, i, 1, 1, TERMS, a, b);
        return;
    }
    size_t at = from[(i - RANDOM) / TERMS], to = (i - RANDOM) % TERMS;
    int    bits = s->facts->sum_bits, low = bits > 20 ? -16 : -9;
    if (!s->from.a->is_float) { /* the largest there are, pairwise and all */
        for (size_t k = 0; k < TERMS; k++) {
            bool taken = at == 0 || k == at || k == to;
            a[k] = taken ? (i % 2 ? s->from.a->largest : s->from.a->least) : 0;
            b[k] = taken ? (i % 3 ? s->from.b->largest : s->from.b->least) : 0;
        }
        return;
    }
    for (size_t k = 0; k < TERMS; k++)
        numerics_power(a, b, k, low, 1);
    if (at == to)
        return;
    numerics_power(a, b, at, low + bits + 8, 1);
    numerics_power(a, b, to, low + bits + 8, -1);
}

static bool gives_all(const struct assay_matrix_unit *u, const struct set *s)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        double x = assay_unit_dot(u, TERMS, s->a[i], 1, s->b[i], 1, 0);
        if (x != s->answer[i] && !(isnan(x) && isnan(s->answer[i])))
            return false;
    }
    return true;
}

/* ---- what is thought of ------------------------------------------------------------------------------------------- */

static const uint32_t lengths[] = {1, 2, 4, 8, 16, 32, 64};
static const uint32_t sections[] = {0, 4, 8, 16, 32};
static const uint32_t chains[] = {2, 3, 4, 6, 8, 12, 16, 24, 32}; /* of two terms at least: one alone tells no order */
#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ORDERS (2 + 3 * COUNT(chains)) /* in sequence, as a tree, chains with each way to join them */

static bool set_order(struct assay_matrix_unit *u, size_t order)
{
    u->accumulator.chains = 1;
    u->accumulator.order = (enum assay_unit_order)(order < 2 ? order : ASSAY_UNIT_CHAINS);
    u->accumulator.join = ASSAY_UNIT_JOIN_SEQUENTIAL;
    if (order < 2)
        return true;
    u->accumulator.chains = chains[(order - 2) / 3];
    u->accumulator.join = (enum assay_unit_join)((order - 2) % 3);
    return u->accumulator.join != ASSAY_UNIT_JOIN_HALVES || !(u->accumulator.chains & (u->accumulator.chains - 1));
}

/* Every order and section of a unit whose blocks are settled. */
static bool try_orders(struct assay_matrix_unit *u, const struct set *s)
{
    for (size_t order = 0; order < ORDERS; order++) {
        if (!set_order(u, order) || (u->block.sum == ASSAY_UNIT_ALIGNED && u->accumulator.order == ASSAY_UNIT_TREE))
            continue;
        for (size_t p = 0; p < COUNT(sections); p++) {
            u->promotion = sections[p];
            if (u->promotion % u->block.length == 0 && gives_all(u, s))
                return true;
        }
    }
    return false;
}

static bool try_rounded(struct assay_matrix_unit *u, const struct set *s)
{
    u->block.sum = ASSAY_UNIT_ROUNDED;
    for (size_t l = 0; l < COUNT(lengths) - 1; l++)
        for (int tree = 0; tree < (l ? 2 : 1); tree++) {
            u->block.length = lengths[l];
            u->block.order = tree ? ASSAY_UNIT_TREE : ASSAY_UNIT_SEQUENTIAL;
            u->block.put = u->accumulator.put;
            if (try_orders(u, s))
                return true;
        }
    return false;
}

static bool try_aligned(struct assay_matrix_unit *u, const struct set *s, int bits)
{
    static const enum assay_unit_rounding ways[] = {ASSAY_UNIT_TOWARD_ZERO, ASSAY_UNIT_NEAREST_EVEN, ASSAY_UNIT_DOWN};
    if (bits < 2 || bits > 41)
        return false;
    u->block.order = ASSAY_UNIT_SEQUENTIAL;
    u->block.sum = ASSAY_UNIT_ALIGNED;
    u->block.fraction_bits = (uint32_t)bits - 1;
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (size_t cut = 0; cut < 3; cut++)
            for (size_t way = 0; way < 3; way++) {
                u->block.length = lengths[l];
                u->block.put = (struct assay_unit_put){.rounding = ways[cut]};
                u->accumulator.put.rounding = ways[way];
                if (try_orders(u, s))
                    return true;
            }
    return false;
}

static bool try_floats(struct assay_matrix_unit *u, const struct numerics_facts *f, const struct set *s)
{
    const struct assay_unit_format *f32 = assay_unit_format_named("f32");
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < assay_unit_n_formats; i++) {
            const struct assay_unit_format *format = &assay_unit_formats[i];
            if (!format->is_float || format->precision != f->sum_bits || f->rounds_otherwise ||
                (format->largest > 1e6) != f->wide_range)
                continue;
            u->accumulator.put = (struct assay_unit_put){format, f->rounding, ASSAY_UNIT_WRAP, f->flush_sums};
            u->product = exact ? NULL : format;
            if (try_rounded(u, s))
                return true;
        }
    u->product = NULL;
    u->accumulator.put = (struct assay_unit_put){f32, f->rounding, ASSAY_UNIT_WRAP, f->flush_sums};
    return try_aligned(u, s, f->near_bits) || (f->sum_bits != f->near_bits && try_aligned(u, s, f->sum_bits));
}

static bool try_integers(struct assay_matrix_unit *u, const struct set *s)
{
    u->accumulator.put = (struct assay_unit_put){.format = assay_unit_format_named("i32")};
    u->block.put = (struct assay_unit_put){.format = assay_unit_format_named("i16")};
    u->accumulator.chains = 1;
    for (size_t l = 0; l < 3; l++)
        for (int saturates = 1; saturates >= 0; saturates--) {
            u->block.length = lengths[l];
            u->block.put.overflow = saturates ? ASSAY_UNIT_SATURATE : ASSAY_UNIT_WRAP;
            if (gives_all(u, s))
                return true;
        }
    return false;
}

/* ---- ----------------------------------------------------------------------------------------------------------- */

static void describe_block(const struct assay_matrix_unit *u, struct assay_numerics *out)
{
    char value[64], bits[32];
    (void)snprintf(bits, sizeof bits, " to %u fraction bits", u->block.fraction_bits);
    bool aligned = u->block.sum == ASSAY_UNIT_ALIGNED;
    if (u->block.length == 1 && !aligned)
        (void)snprintf(value, sizeof value, "one product");
    else
        (void)snprintf(value, sizeof value, "%u products, %s%s%s", u->block.length, aligned ? "aligned" : u->block.put.format->name,
                       aligned ? bits : u->block.order == ASSAY_UNIT_TREE ? ", a tree" : "",
                       !u->a->is_float && u->block.put.overflow == ASSAY_UNIT_SATURATE ? ", saturating" : "");
    numerics_say(out, "added at once", value, "the simplest structure that gives all %d answers", QUESTIONS);
}

static void describe(const struct assay_matrix_unit *u, struct assay_numerics *out)
{
    static const char *const joins[] = {"in sequence", "pairwise", "by halves"};
    char                     value[64];
    numerics_say(out, "products", u->product ? u->product->name : "exact", "%d sums of random operands", RANDOM);
    describe_block(u, out);
    if (u->accumulator.order == ASSAY_UNIT_CHAINS)
        (void)snprintf(value, sizeof value, "%u chains, joined %s", u->accumulator.chains, joins[u->accumulator.join]);
    else
        (void)snprintf(value, sizeof value, "%s", u->accumulator.order == ASSAY_UNIT_TREE ? "a tree" : "in sequence");
    if (u->a->is_float)
        numerics_say(out, "order", value, "terms that were added before a large one met them, %d sums", ROWS * TERMS);
    numerics_say(out, "accumulator", u->accumulator.put.format->name, "%s",
                 u->a->is_float ? "bits and range of sums" : "sums of 64 products stay far below its ends");
}

enum assay_code numerics_structure(const struct assay_numerics_device *device, const struct numerics_facts *f,
                                   struct assay_numerics *out, struct assay_error *err)
{
    struct assay_matrix_unit  u = {.a = f->a, .b = f->b, .flush_inputs = f->flush_inputs, .block.length = 1};
    struct set                s = {.facts = f, .from = numerics_operands_of(device, &u)};
    struct numerics_questions q = {.n = QUESTIONS, .terms = TERMS, .fill = make, .self = &s};
    double                   *room = calloc(QUESTIONS * (2 * TERMS + 1), sizeof *room);
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %d questions", QUESTIONS);
    u.output.format = assay_unit_format_of(device->dtype);
    u.accumulator.chains = 1;
    s.answer = room;
    s.a = (double (*)[TERMS])(void *)(room + QUESTIONS);
    s.b = s.a + QUESTIONS;
    for (size_t i = 0; i < QUESTIONS; i++)
        make(&s, i, s.a[i], s.b[i]);
    if (!numerics_ask(device, &q, s.answer, err)) {
        out->inferred = f->a->is_float ? try_floats(&u, f, &s) : try_integers(&u, &s);
        if (out->inferred) {
            out->unit = u;
            describe(&u, out);
        } else {
            numerics_say(out, "structure", "none of those known", "no structure gives all %d answers", QUESTIONS);
        }
    }
    free(room);
    return err->code;
}
