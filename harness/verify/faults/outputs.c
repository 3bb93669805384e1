/* Faults of outputs: what a store, a copy or a broken cell makes of results that were right. */
#include <math.h>
#include <string.h>

#include "harness/verify/faults/kinds.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define OUTPUT(name) void assay_fault_outputs_##name(struct assay_fault_outputs *o)
#define TILE 8u

/* ---- where --------------------------------------------------------------------------------------------------- */

struct shape {
    uint64_t rows, columns;
};

static struct shape shape_of(const struct assay_fault_outputs *o)
{
    uint64_t columns = o->y.rank > 0 ? (uint64_t)o->y.dims[o->y.rank - 1] : 1;
    return (struct shape){o->y.elements / columns, columns};
}

static double *any(struct assay_fault_outputs *o)
{
    return &o->y.at[assay_random_below(o->random, o->y.elements)];
}

/* An element that is not zero, if one of a few is. */
static double *some(struct assay_fault_outputs *o)
{
    double *y = any(o);
    for (int i = 0; i < 64 && *y == 0; i++)
        y = any(o);
    return y;
}

/* A tile of at most 8 by 8 that lies anywhere at a multiple of 8. */
struct tile {
    uint64_t row, column, rows, columns;
};

static struct tile tile_of(struct assay_fault_outputs *o)
{
    struct shape s = shape_of(o);
    struct tile  t = {TILE * assay_random_below(o->random, (s.rows + TILE - 1) / TILE),
                      TILE * assay_random_below(o->random, (s.columns + TILE - 1) / TILE), TILE, TILE};
    t.rows = s.rows - t.row < TILE ? s.rows - t.row : TILE;
    t.columns = s.columns - t.column < TILE ? s.columns - t.column : TILE;
    return t;
}

static void swap(double *a, double *b)
{
    double held = *a;
    *a = *b;
    *b = held;
}

static double sign(struct assay_fault_outputs *o)
{
    return assay_random_below(o->random, 2) ? 1 : -1;
}

/* ---- off by a size ------------------------------------------------------------------------------------------- */

OUTPUT(element_off)
{
    *any(o) += sign(o) * o->size * o->rms;
}

OUTPUT(element_off_unsampled)
{
    double *y = any(o);
    while (o->kept && o->kept[y - o->y.at])
        y = any(o);
    *y += sign(o) * o->size * o->rms;
}

/* Of the sum of the magnitudes of the terms that this element is made of. */
OUTPUT(element_off_of_terms)
{
    uint64_t n = shape_of(o).columns, k = (uint64_t)o->operand[0].dims[1], i = assay_random_below(o->random, o->y.elements);
    double   magnitude = 0;
    for (uint64_t l = 0; l < k; l++)
        magnitude += fabs(o->in[0][i / n * k + l] * o->in[1][l * n + i % n]);
    o->y.at[i] += sign(o) * o->size * magnitude;
}

OUTPUT(row_off)
{
    struct shape s = shape_of(o);
    double      *row = o->y.at + assay_random_below(o->random, s.rows) * s.columns, by = 1 + sign(o) * o->size;
    for (uint64_t j = 0; j < s.columns; j++)
        row[j] *= by;
}

OUTPUT(column_off)
{
    struct shape s = shape_of(o);
    uint64_t     j = assay_random_below(o->random, s.columns);
    double       by = 1 + sign(o) * o->size;
    for (uint64_t i = 0; i < s.rows; i++)
        o->y.at[i * s.columns + j] *= by;
}

OUTPUT(tile_off)
{
    struct shape s = shape_of(o);
    struct tile  t = tile_of(o);
    double       by = 1 + sign(o) * o->size;
    for (uint64_t i = t.row; i < t.row + t.rows; i++)
        for (uint64_t j = t.column; j < t.column + t.columns; j++)
            o->y.at[i * s.columns + j] *= by;
}

OUTPUT(scaled)
{
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] *= 1 + o->size;
}

OUTPUT(shifted)
{
    double by = o->size * o->rms;
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] += by;
}

OUTPUT(noise)
{
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] += o->size * o->rms * assay_random_normal(o->random);
}

OUTPUT(flushed)
{
    for (uint64_t i = 0; i < o->y.elements; i++)
        if (fabs(o->y.at[i]) < o->size * o->rms)
            o->y.at[i] = 0;
}

OUTPUT(cut_off)
{
    double most = (1 - o->size) * o->largest;
    for (uint64_t i = 0; i < o->y.elements; i++)
        if (fabs(o->y.at[i]) > most)
            o->y.at[i] = copysign(most, o->y.at[i]);
}

/* ---- single elements ----------------------------------------------------------------------------------------- */

/* Bit 0 is the last of the mantissa. Little-endian, as everything that is kept. */
OUTPUT(bit_flipped)
{
    size_t   bytes = assay_dtype_bytes(o->y.dtype, 1);
    uint64_t bit = (uint64_t)o->size < 8 * bytes ? (uint64_t)o->size : 8 * bytes - 1;
    o->bytes[assay_random_below(o->random, o->y.elements) * bytes + bit / 8] ^= (unsigned char)(1u << bit % 8);
}

/* Of a negative element, if there is one. */
OUTPUT(sign_lost)
{
    double *y = any(o);
    for (uint64_t i = 0; i < o->y.elements && !(*y < 0); i++)
        y = y + 1 < o->y.at + o->y.elements ? y + 1 : o->y.at;
    *y = fabs(*y);
}

OUTPUT(element_zero)
{
    *some(o) = 0;
}

OUTPUT(element_nan)
{
    *any(o) = NAN;
}

OUTPUT(element_infinite)
{
    *any(o) = sign(o) * INFINITY;
}

OUTPUT(all_zero)
{
    memset(o->y.at, 0, o->y.elements * sizeof *o->y.at);
}

OUTPUT(all_one_value)
{
    double y = *some(o);
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] = y;
}

/* ---- elsewhere ----------------------------------------------------------------------------------------------- */

/* Two that differ, if there are. */
OUTPUT(elements_swapped)
{
    double *a = any(o), *b = any(o);
    for (int i = 0; i < 64 && *a == *b; i++)
        b = any(o);
    swap(a, b);
}

OUTPUT(rows_swapped)
{
    struct shape s = shape_of(o);
    uint64_t     a = assay_random_below(o->random, s.rows), b = (a + 1 + assay_random_below(o->random, s.rows - 1)) % s.rows;
    for (uint64_t j = 0; j < s.columns; j++)
        swap(&o->y.at[a * s.columns + j], &o->y.at[b * s.columns + j]);
}

OUTPUT(columns_swapped)
{
    struct shape s = shape_of(o);
    uint64_t     a = assay_random_below(o->random, s.columns), b = (a + 1 + assay_random_below(o->random, s.columns - 1)) % s.columns;
    for (uint64_t i = 0; i < s.rows; i++)
        swap(&o->y.at[i * s.columns + a], &o->y.at[i * s.columns + b]);
}

OUTPUT(axes_swapped)
{
    struct shape s = shape_of(o);
    for (uint64_t i = 0; i < s.rows; i++)
        for (uint64_t j = 0; j < s.columns; j++)
            o->y.at[j * s.rows + i] = o->y.honest[i * s.columns + j];
}

OUTPUT(tile_of_neighbour)
{
    struct shape s = shape_of(o);
    struct tile  t = tile_of(o);
    for (uint64_t i = t.row; i < t.row + t.rows; i++)
        for (uint64_t j = t.column; j < t.column + t.columns; j++)
            o->y.at[i * s.columns + j] = o->y.honest[i * s.columns + (j + TILE) % s.columns];
}

OUTPUT(moved_by_one)
{
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] = o->y.honest[(i + 1) % o->y.elements];
}

OUTPUT(previous)
{
    memcpy(o->y.at, o->y.other, o->y.elements * sizeof *o->y.at);
}

/* ---- not written --------------------------------------------------------------------------------------------- */

static void unwrite(struct assay_fault_outputs *o, uint64_t first, uint64_t n)
{
    size_t bytes = assay_dtype_bytes(o->y.dtype, 1);
    memcpy(o->bytes + first * bytes, o->poison + first * bytes, n * bytes);
}

OUTPUT(last_unwritten)
{
    unwrite(o, o->y.elements - 1, 1);
}

OUTPUT(tile_unwritten)
{
    struct shape s = shape_of(o);
    struct tile  t = tile_of(o);
    for (uint64_t i = t.row; i < t.row + t.rows; i++)
        unwrite(o, i * s.columns + t.column, t.columns);
}

OUTPUT(nothing_written)
{
    unwrite(o, 0, o->y.elements);
}

/* ---- stored otherwise ---------------------------------------------------------------------------------------- */

static void store_in(struct assay_fault_outputs *o, enum assay_dtype dtype)
{
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] = assay_round_to(dtype, o->y.at[i]);
}

OUTPUT(stored_bf16)
{
    store_in(o, ASSAY_BF16);
}

OUTPUT(stored_f16)
{
    store_in(o, ASSAY_F16);
}

/* The neighbour toward zero where rounding to nearest went away from it. 0.6 units in the last place below a number is nearest to its
 * neighbour, also below a power of two, where units are half as large. */
OUTPUT(stored_toward_zero)
{
    const struct assay_number_format *f = assay_format_of(o->y.dtype);
    for (uint64_t i = 0; i < o->y.elements; i++) {
        double x = o->unstored[i], y = o->y.at[i];
        if (fabs(y) > fabs(x) && isfinite(y))
            o->y.at[i] = assay_round_to(o->y.dtype, y - copysign(1.2 * ldexp(f->unit_roundoff, ilogb(y)), y));
    }
}

/* ---- of an op ------------------------------------------------------------------------------------------------ */

/* The last term of a row is left out of its sum. */
OUTPUT(softmax_term_missing)
{
    struct shape s = shape_of(o);
    for (uint64_t i = 0; i < s.rows; i++) {
        double by = 1 / (1 - o->y.honest[(i + 1) * s.columns - 1]);
        for (uint64_t j = 0; j < s.columns; j++)
            o->y.at[i * s.columns + j] *= by;
    }
}

OUTPUT(mean_by_less)
{
    double n = (double)o->operand[0].dims[1];
    for (uint64_t i = 0; i < o->y.elements; i++)
        o->y.at[i] *= n / (n - 1);
}
