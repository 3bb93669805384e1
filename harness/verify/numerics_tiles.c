/* Random tiles: every bit that the device gives against what the unit gives. */
#include <math.h>
#include <stdlib.h>

#include "harness/base/parallel.h"
#include "harness/verify/numerics_parts.h"

#include "assay/banned.h"

enum { T = ASSAY_NUMERICS_TILE };

/* Lengths of sums, and how many tiles in 256 have each: short ones with every remainder of a block, and a few long ones. */
static const struct {
    size_t terms, share;
} lengths[] = {{1, 16}, {2, 16}, {3, 16}, {7, 16}, {16, 48}, {31, 48}, {64, 64}, {67, 24}, {200, 6}, {1000, 1}, {NUMERICS_LONG, 1}};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

struct tile {
    const struct assay_matrix_unit *unit;
    size_t                          terms;
    double                         *a, *b, *c, *expected;
};

static void do_rows(void *self, size_t begin, size_t end)
{
    const struct tile           *t = self;
    const struct assay_unit_tile rows = {.rows = end - begin, .columns = T, .terms = t->terms, .x = t->a + begin * t->terms, .y = t->b,
                                         .x_row = t->terms, .y_term = T, .y_column = 1, .value = t->expected + begin * T, .step = T};
    assay_unit_tiles(t->unit, &rows);
}

/* Is each the other's bits? One not-a-number is as good as another. */
static bool same(double x, double y)
{
    return isnan(x) ? isnan(y) : x == y && !signbit(x) == !signbit(y);
}

static bool compare(const struct tile *t, uint64_t number, struct assay_numerics *out)
{
    out->tiles++;
    for (size_t i = 0; i < T * T; i++) {
        out->elements++;
        if (same(t->c[i], t->expected[i]))
            continue;
        out->differs.terms = t->terms;
        out->differs.tile = number;
        out->differs.row = i / T;
        out->differs.column = i % T;
        out->differs.device = t->c[i];
        out->differs.unit = t->expected[i];
        return false;
    }
    return true;
}

static size_t terms_of(uint64_t number, uint64_t tiles)
{
    size_t at = (size_t)((double)number * 256.0 / (double)tiles), length = 0;
    for (; length + 1 < LENGTHS && at >= lengths[length].share; length++)
        at -= lengths[length].share;
    return lengths[length].terms;
}

enum assay_code numerics_tiles(const struct assay_numerics_device *device, uint64_t tiles, struct assay_numerics *out,
                               struct assay_error *err)
{
    struct tile t = {.unit = &out->unit};
    const struct numerics_operands from = numerics_operands_of(device, &out->unit);
    double     *room = malloc((size_t)(2 * T * (NUMERICS_LONG + T)) * sizeof *room);
    bool        alike = true;
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for tiles");
    t.c = room;
    t.expected = room + T * T;
    for (uint64_t i = 0; !err->code && alike && i < tiles; i++) {
        t.terms = terms_of(i, tiles);
        t.a = room + 2 * T * T;
        t.b = t.a + T * t.terms;
        numerics_draw(&from, numerics_bits_of(&out->unit), 0x746c6500 + i, T, T, t.terms, t.a, t.b);
        if (device->multiply(device->self, t.terms, t.a, t.b, t.c, err))
            break;
        assay_parallel_for(T, t.terms > 500 ? 4 : T, do_rows, &t);
        alike = compare(&t, i, out);
    }
    free(room);
    out->explained = !err->code && alike;
    return err->code;
}
