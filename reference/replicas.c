#include "reference/replicas.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/base/parallel.h"

#include "assay/banned.h"

/* A sign for each replica, in the bits of a number made of (value, element): SplitMix64's finalizer. */
static uint64_t signs_of(uint64_t value, uint64_t i)
{
    uint64_t x = (value << 44) + (i + 1) * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

struct move {
    double       *x;
    const double *d;
    uint64_t      value;
    int           replica;
};

#ifdef __x86_64__
/* Eight at a time, with the bits of signs_of. Does as many of [begin, end) as make whole vectors, and returns where it stopped. */
__attribute__((target("avx512f,avx512dq"))) static size_t move_vectors(const struct move *m, size_t begin, size_t end)
{
    typedef double   vector __attribute__((vector_size(64)));
    typedef double   loose __attribute__((vector_size(64), aligned(8), may_alias));
    typedef uint64_t bits __attribute__((vector_size(64)));
    const bits       zero = {0}, sign = zero + ((uint64_t)1 << 63), nan = (bits)((vector){0} + (double)NAN);
    const vector     uniform = (vector){0} + ASSAY_UNIFORM;
    bits             i = {1, 2, 3, 4, 5, 6, 7, 8};
    i += begin;
    for (; begin + 8 <= end; begin += 8, i += 8) {
        vector d = *(const loose *)(m->d + begin);
        bits   x = (m->value << 44) + i * 0x9E3779B97F4A7C15ull;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
        x ^= x >> 31;
        bits down = ~(x << (63 - m->replica)) & sign, known = (bits)(d - d == (vector){0}); /* finite */
        bits moved = (bits)((vector)((bits)uniform | down) * d);
        *(loose *)(m->x + begin) += (vector)((moved & known) | (nan & ~known));
    }
    return begin;
}
#endif

static void move_pieces(void *self, size_t begin, size_t end)
{
    const struct move *m = self;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        begin = move_vectors(m, begin, end);
#endif
    for (size_t i = begin; i < end; i++)
        m->x[i] += isfinite(m->d[i]) ? (signs_of(m->value, i) >> m->replica & 1 ? ASSAY_UNIFORM : -ASSAY_UNIFORM) * m->d[i] : (double)NAN;
}

void assay_replica_move(double *x, const double *d, uint64_t n, int32_t value, int replica)
{
    struct move m = {x, d, (uint64_t)value, replica};
    assay_parallel_for((size_t)n, (size_t)1 << 14, move_pieces, &m);
}

struct distance {
    const double *x, *nominal;
    double       *off;
};

/* Where a replica stands off the nominal run; not finite in the same way is not off. */
static void stand_off_pieces(void *self, size_t begin, size_t end)
{
    const struct distance *d = self;
    for (size_t i = begin; i < end; i++) {
        double x = d->x[i], nominal = d->nominal[i];
        bool   same = x == nominal || (isnan(x) && isnan(nominal));
        d->off[i] = same ? 0 : isfinite(nominal) && isfinite(x) ? x - nominal : (double)INFINITY;
    }
}

/* off may be x. */
void assay_replica_stand_off(const double *x, const double *nominal, uint64_t n, double *off)
{
    struct distance d = {x, nominal, off};
    assay_parallel_for((size_t)n, (size_t)1 << 15, stand_off_pieces, &d);
}
