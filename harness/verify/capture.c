#include "harness/verify/capture.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "reference/formats/formats.h"
#include "suites/data/poison.h"

#include "assay/banned.h"

#define PIECE 4096u /* elements converted at a time; a multiple of 8, so that packed elements are cut at bytes */

/* A projection at work: its signs, made once a capture. */
struct folding {
    const struct assay_projection *p;
    const double                  *column, *position; /* position: only where inner > 1 */
    uint64_t                       key;
    double                        *sums;
};

static uint64_t signs_of(const struct assay_projection *p)
{
    return p->length + (p->inner > 1 ? p->positions : 0);
}

size_t assay_capture_scratch(const struct assay_witness_layout *layout)
{
    uint64_t most = 0;
    for (uint32_t k = 0; k < sizeof layout->part / sizeof *layout->part; k++) { /* those beyond the last have no projections */
        const struct assay_witness_part *part = &layout->part[k];
        uint64_t                         need = 0;
        for (uint32_t i = 0; i < part->n_projections; i++)
            need += signs_of(&part->projection[i]);
        most = need > most ? need : most;
    }
    return (size_t)most + PIECE;
}

/* Four sums side by side, so that additions do not wait for each other. */
static double dot(const double *x, const double *y, uint64_t n)
{
    double   a = 0, b = 0, c = 0, d = 0;
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        a += x[i] * y[i];
        b += x[i + 1] * y[i + 1];
        c += x[i + 2] * y[i + 2];
        d += x[i + 3] * y[i + 3];
    }
    for (; i < n; i++)
        a += x[i] * y[i];
    return (a + b) + (c + d);
}

/* A stretch of one row: consecutive elements of one position. */
static void fold_row(const struct folding *f, uint64_t row, uint64_t column, const double *x, uint64_t n)
{
    double sign;
    assay_witness_signs(f->key, f->p->stream, ASSAY_WITNESS_POSITION, row, 1, &sign);
    f->sums[row / f->p->per_group] += sign * dot(f->column + column, x, n);
}

/* A stretch of consecutive positions, all with the same weight s(j). */
static void fold_positions(const struct folding *f, uint64_t position, double weight, const double *x, uint64_t n)
{
    const uint64_t per_group = f->p->per_group;
    if (per_group == 1) {
        for (uint64_t i = 0; i < n; i++)
            f->sums[position + i] += weight * f->position[position + i] * x[i];
        return;
    }
    for (uint64_t i = 0; i < n;) {
        uint64_t group = (position + i) / per_group, left = (group + 1) * per_group - position - i;
        left = left < n - i ? left : n - i;
        f->sums[group] += weight * dot(f->position + position + i, x + i, left);
        i += left;
    }
}

static void fold_piece(const struct folding *f, uint64_t first, const double *x, uint64_t n)
{
    const struct assay_projection *p = f->p;
    assert(n == 0 || (p->length > 0 && p->inner > 0)); /* a value with an element has no axis of none */
    for (uint64_t i = 0; i < n;) {
        uint64_t at = first + i, left = n - i, room;
        if (p->inner == 1) {
            uint64_t column = at % p->length;
            room = p->length - column < left ? p->length - column : left;
            fold_row(f, at / p->length, column, x + i, room);
        } else {
            uint64_t c = at % p->inner, j = at / p->inner % p->length, outer = at / p->inner / p->length;
            room = p->inner - c < left ? p->inner - c : left;
            fold_positions(f, outer * p->inner + c, f->column[j], x + i, room);
        }
        i += room;
    }
}

static void look_at(struct assay_witness_stats *s, const double *x, uint64_t n)
{
    uint64_t not_finite = 0, zeros = 0;
    double   largest = s->largest;
    for (uint64_t i = 0; i < n; i++) {
        double a = fabs(x[i]);
        not_finite += !(a <= 0x1.fffffffffffffp+1023);
        zeros += a == 0;
        largest = a > largest && a <= 0x1.fffffffffffffp+1023 ? a : largest;
    }
    s->not_finite += not_finite;
    s->zeros += zeros;
    s->largest = largest;
}

/* Of n elements of these sizes: a comparison that is one instruction, in place of a call for each. */
#define EQUALS(name, type)                                                                                             \
    static uint64_t name(const unsigned char *now, const unsigned char *before, uint64_t n)                            \
    {                                                                                                                  \
        uint64_t same = 0;                                                                                             \
        for (uint64_t i = 0; i < n; i++) {                                                                             \
            type x, y;                                                                                                 \
            memcpy(&x, now + i * sizeof x, sizeof x);                                                                  \
            memcpy(&y, before + i * sizeof y, sizeof y);                                                               \
            same += x == y;                                                                                            \
        }                                                                                                              \
        return same;                                                                                                   \
    }
EQUALS(equal_2, uint16_t)
EQUALS(equal_4, uint32_t)

/* Elements with the bits that their state had before. Of types under a byte: of their bytes. */
static uint64_t unchanged(const struct assay_witness_part *part, const unsigned char *now, const unsigned char *before)
{
    uint64_t bytes = assay_dtype_bytes(part->dtype, part->elements), size = part->element_bytes, same = 0;
    if (!memcmp(now, before, (size_t)bytes))
        return part->elements;
    if (size == 2 || size == 4)
        return (size == 2 ? equal_2 : equal_4)(now, before, bytes / size);
    for (uint64_t at = 0; at < bytes; at += size)
        same += !memcmp(now + at, before + at, (size_t)size);
    return same;
}

static void capture_output(const struct assay_capture *c, const struct assay_witness_part *part, unsigned char *to)
{
    const uint32_t                   o = part->output;
    const struct assay_value        *v = &c->graph->values[part->value];
    const unsigned char             *from = c->outputs[o];
    struct assay_witness_stats       stats = {0};
    struct folding                   folding[ASSAY_WITNESS_MOST_PROJECTIONS];
    double                          *sums = (double *)(void *)(to + part->sums_at), *signs = c->scratch + PIECE;
    memset(sums, 0, part->sums * sizeof *sums);
    for (uint32_t i = 0; i < part->n_projections; i++) {
        const struct assay_projection *p = &part->projection[i];
        folding[i] = (struct folding){p, signs, signs + p->length, c->keys[o], sums + p->first};
        assay_witness_signs(c->keys[o], p->stream, ASSAY_WITNESS_COLUMN, 0, p->length, signs);
        if (p->inner > 1)
            assay_witness_signs(c->keys[o], p->stream, ASSAY_WITNESS_POSITION, 0, p->positions, signs + p->length);
        signs += signs_of(p);
    }
    for (uint64_t first = 0; first < part->elements; first += PIECE) {
        uint64_t n = part->elements - first < PIECE ? part->elements - first : PIECE;
        assay_to_double(part->dtype, from + assay_dtype_bytes(part->dtype, first), n, c->scratch);
        look_at(&stats, c->scratch, n);
        for (uint32_t i = 0; i < part->n_projections; i++)
            fold_piece(&folding[i], first, c->scratch, n);
    }
    for (uint64_t i = 0; i < part->sample; i++)
        assay_witness_element(part->dtype, from, assay_witness_place(c->keys[o], part->elements, part->sample, i),
                              to + part->sample_at + i * part->element_bytes);
    /* The poison of floating formats from 16 bits is NaN, so without such elements none is left. */
    bool nan_poison = assay_dtype_is_float(part->dtype) && assay_dtype_bits(part->dtype) >= 16;
    if (v->alias_of != ASSAY_NO_VALUE)
        stats.poison_left = c->before && c->before[o] ? unchanged(part, from, c->before[o]) : 0;
    else if (!nan_poison || stats.not_finite)
        stats.poison_left = assay_poison_count(part->dtype, c->poison_key + ((uint64_t)part->value << 8), part->elements, from);
    memcpy(to + part->stats_at, &stats, sizeof stats);
}

void assay_capture_block(const struct assay_capture *c, uint32_t parts, unsigned char *to)
{
    for (uint32_t i = 0; i < parts; i++)
        capture_output(c, &c->part[i], to);
}
