#include "suites/data/fill.h"

#include <math.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/parallel.h"
#include "harness/base/random.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define PIECE 4096 /* elements made at a time: a piece of doubles stays in the first-level cache */

struct job {
    const struct assay_value *value;
    uint64_t                  key;
    unsigned char            *to;
};

/* Sum of an element's coordinates: neighbours along any axis differ in it by one. */
static uint64_t coordinates_of(const struct assay_value *v, uint64_t index)
{
    uint64_t sum = 0;
    for (int32_t d = v->rank - 1; d >= 0; d--) {
        sum += index % (uint64_t)v->dims[d];
        index /= (uint64_t)v->dims[d];
    }
    return sum;
}

/* Word i of the stream of `key`, as 64 bits. */
static uint64_t word_of(uint64_t key, uint64_t i)
{
    int64_t x;
    assay_random_integers(key, i, 1, INT32_MIN, INT32_MAX, &x);
    return (uint64_t)(x - INT32_MIN);
}

/* Magnitudes with a remainder by 3 that goes with the coordinates. */
static double unlike(const struct job *job, uint64_t i)
{
    uint64_t word = word_of(job->key, i), class = coordinates_of(job->value, i) % 3, most = (uint64_t)job->value->fill.a;
    uint64_t first = class ? class : 3, choices = (most - first) / 3 + 1;
    double   magnitude = (double)(first + 3 * ((word >> 1) % choices));
    return word & 1 ? -magnitude : magnitude;
}

static double cancelling(const struct job *job, uint64_t i)
{
    const struct assay_fill *fill = &job->value->fill;
    uint64_t                 word = word_of(job->key, i & ~(uint64_t)1), other = word_of(job->key, i | 1);
    double                   x = fill->a * (0.5 + 0.5 * (double)(word >> 1) * 0x1p-31);
    x = word & 1 ? -x : x;
    return i & 1 ? -x * (1 - fill->b * (double)other * 0x1p-32) : x;
}

static double wide(const struct job *job, uint64_t i)
{
    const struct assay_fill *fill = &job->value->fill;
    uint64_t                 word = word_of(job->key, i);
    double                   x = exp2(fill->a + (fill->b - fill->a) * (double)(word >> 1) * 0x1p-31);
    return word & 1 ? -x : x;
}

static double special(const struct job *job, uint64_t i)
{
    static const double numbers[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 0x1p-130, -0x1.8p-140};
    uint64_t            word = word_of(job->key, i);
    float               x;
    if ((double)word * 0x1p-32 * job->value->fill.a < 1)
        return numbers[word % (sizeof numbers / sizeof *numbers)];
    assay_random_uniform_f32(job->key, i, 1, -1, 1, &x);
    return x;
}

/* Each inner number falls at random into its own of equal parts, so that none overtakes another. */
static double ragged(const struct job *job, uint64_t i)
{
    const struct assay_fill *fill = &job->value->fill;
    uint64_t                 steps = job->value->elements - 1;
    double                   span = fill->b - fill->a, least = span >= (double)steps ? 1 : 0;
    if (i == 0 || i == steps)
        return i ? fill->b : fill->a;
    double at = ((double)i + (double)word_of(job->key, i) * 0x1p-32) / (double)steps;
    return fill->a + least * (double)i + floor((span - least * (double)steps) * at);
}

/* A number below `n` in the place of another: a Feistel network over the next power of four, walked until it is in range. */
static uint64_t shuffled(uint64_t key, uint64_t n, uint64_t i)
{
    unsigned half = 1;
    while (half < 16 && (uint64_t)1 << 2 * half < n)
        half++;
    uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (uint64_t round = 1; round <= 4; round++) {
            uint64_t next = left ^ (word_of(key + round, right) & mask);
            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

static double distinct(const struct job *job, uint64_t i)
{
    const struct assay_fill *fill = &job->value->fill;
    uint64_t                 n = (uint64_t)(fill->b - fill->a) + 1;
    return fill->a + (double)shuffled(job->key, n, i % n);
}

static double (*made_by(enum assay_fill_kind kind))(const struct job *job, uint64_t i)
{
    switch (kind) {
    case ASSAY_FILL_UNLIKE: return unlike;
    case ASSAY_FILL_CANCELLING: return cancelling;
    case ASSAY_FILL_WIDE: return wide;
    case ASSAY_FILL_SPECIAL: return special;
    case ASSAY_FILL_RAGGED: return ragged;
    case ASSAY_FILL_DISTINCT: return distinct;
    default: return NULL;
    }
}

/* One piece in double, from which it is rounded to the value's format. Integers come out exact. */
static void piece_of_doubles(const struct job *job, size_t first, size_t n, double *out)
{
    const struct assay_fill *fill = &job->value->fill;
    float                    f[PIECE];
    int64_t                  whole[PIECE];
    switch (fill->kind) {
    case ASSAY_FILL_UNIFORM:
        assay_random_uniform_f32(job->key, first, n, (float)fill->a, (float)fill->b, f);
        for (size_t i = 0; i < n; i++)
            out[i] = f[i];
        break;
    case ASSAY_FILL_NORMAL:
        assay_random_normal_f32(job->key, first, n, (float)fill->a, (float)fill->b, f);
        for (size_t i = 0; i < n; i++)
            out[i] = f[i];
        break;
    case ASSAY_FILL_INTEGERS:
        assay_random_integers(job->key, first, n, (int64_t)fill->a, (int64_t)fill->b, whole);
        for (size_t i = 0; i < n; i++)
            out[i] = (double)whole[i];
        break;
    case ASSAY_FILL_IOTA:
        for (size_t i = 0; i < n; i++)
            out[i] = fill->a + fill->b * (double)(first + i);
        break;
    case ASSAY_FILL_UNLIKE:
    case ASSAY_FILL_CANCELLING:
    case ASSAY_FILL_WIDE:
    case ASSAY_FILL_SPECIAL:
    case ASSAY_FILL_RAGGED:
    case ASSAY_FILL_DISTINCT:
        for (size_t i = 0; i < n; i++)
            out[i] = made_by(fill->kind)(job, first + i);
        break;
    case ASSAY_FILL_CONSTANT:
    case ASSAY_FILL_NONE:
        for (size_t i = 0; i < n; i++)
            out[i] = fill->a;
        break;
    }
}

static void fill_range(void *self, size_t begin, size_t end)
{
    const struct job        *job = self;
    const struct assay_fill *fill = &job->value->fill;
    double                   piece[PIECE];
    for (size_t i = begin; i < end; i += PIECE) {
        size_t         n = end - i < PIECE ? end - i : PIECE;
        unsigned char *to = job->to + assay_dtype_bytes(job->value->dtype, i);
        if (job->value->dtype == ASSAY_F32 && fill->kind == ASSAY_FILL_UNIFORM) {
            assay_random_uniform_f32(job->key, i, n, (float)fill->a, (float)fill->b, (float *)(void *)to);
            continue;
        }
        piece_of_doubles(job, i, n, piece);
        assay_from_double(job->value->dtype, piece, n, to);
    }
}

/* The part's elements, run by run along its last axis, out of the whole's. */
static void fill_part(const struct job *job, const struct assay_value *v)
{
    const struct assay_part *part = v->part;
    size_t                   run = v->rank ? (size_t)v->dims[v->rank - 1] : 1, bytes = assay_dtype_bits(v->dtype) / 8;
    for (uint64_t done = 0; done < v->elements; done += run) {
        uint64_t left = done / run, at = 0, step = 1;
        for (int32_t d = v->rank - 1; d >= 0; d--) {
            uint64_t here = d == v->rank - 1 ? 0 : left % (uint64_t)v->dims[d];
            left = d == v->rank - 1 ? left : left / (uint64_t)v->dims[d];
            at += ((uint64_t)part->first[d] + here) * step;
            step *= (uint64_t)part->whole[d];
        }
        struct job one = *job;
        one.to = job->to + done * bytes - at * bytes;
        fill_range(&one, at, at + run);
    }
}

/* What the rule of a part sees: the whole. */
static struct assay_value whole_of(const struct assay_value *v)
{
    struct assay_value whole = *v;
    whole.elements = 1;
    for (int32_t d = 0; v->part && d < v->rank; d++) {
        whole.dims[d] = v->part->whole[d];
        whole.elements *= (uint64_t)whole.dims[d];
    }
    whole.elements = v->part ? whole.elements : v->elements;
    return whole;
}

enum assay_code assay_fill_value(const struct assay_graph *g, int32_t value, uint64_t seed, uint64_t set, void *to,
                                 struct assay_error *err)
{
    const struct assay_value *v = assay_graph_value(g, value);
    if (!v)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "graph '%s' has no value %d", g->name, (int)value);
    if (v->role == ASSAY_ROLE_CONST) {
        memcpy(to, v->data, v->bytes);
        return ASSAY_OK;
    }
    if (v->fill.kind == ASSAY_FILL_NONE)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "value '%s' has no rule to fill it by", v->name);
    bool       fixed = v->role == ASSAY_ROLE_PARAM || v->role == ASSAY_ROLE_STATE;
    struct assay_value whole = whole_of(v);
    uint64_t   key = assay_hash_text(v->part ? v->part->name : v->name, seed) + (fixed ? 0 : (set + 1) * 0x9E3779B97F4A7C15ull);
    struct job job = {.value = &whole, .key = key, .to = to};
    if (v->part)
        fill_part(&job, v);
    else
        assay_parallel_for(v->elements, (size_t)PIECE * 16, fill_range, &job);
    return ASSAY_OK;
}
