/* Adam's elements that lie side by side, as vectors: half of the outputs of a training step are these. Every number is made by the
 * operations of update.c and arithmetic.h in their order, so that its bits are the same; what those do for numbers that are not
 * finite, or that a format does not hold, is left to them. */
#include "harness/base/parallel.h"
#include "reference/formats/formats.h"
#include "reference/update.h"

#include "assay/banned.h"

#define RUN ((size_t)256) /* elements to a run: what one of them spoils is done again */
#define LARGE 0x1p200     /* below it no square overflows in double */

/* What a loop reads of a run. */
struct lanes {
    const double *p, *g, *m, *v;
    struct assay_ref_adam adam;
    struct assay_bounded rate;
    double scaled, decays; /* 1 or 0: a choice by a number is a vector's, too */
    double accumulate, tiny;
    double once, divide, root; /* relative errors of an operation, of a division, of a root, the reference's own with them */
    double store, store_tiny, overflow; /* store 0: the format is not coarser than the accumulator */
};

#define INLINE static inline __attribute__((always_inline))

INLINE double larger(double x, double y)
{
    return x > y ? x : y;
}

INLINE double smaller(double x, double y)
{
    return x < y ? x : y;
}

/* bounded_flush, bounded_step, bounded_multiply, assay_bounded_divide and assay_bounded_monotone without their branches. */
INLINE double flush(double value, double error, double tiny)
{
    double low = fabs(value) - error, high = fabs(value) + error, most = high < tiny ? high : tiny;
    return low < tiny ? most : 0.0;
}

INLINE struct assay_bounded step(const struct lanes *l, double value, double error, double relative)
{
    return bounded(value, error + relative * (fabs(value) + error) + flush(value, error, l->tiny));
}

INLINE struct assay_bounded add(const struct lanes *l, struct assay_bounded x, struct assay_bounded y)
{
    return step(l, x.value + y.value, x.error + y.error, l->once);
}

INLINE struct assay_bounded multiply(const struct lanes *l, struct assay_bounded x, struct assay_bounded y)
{
    return step(l, x.value * y.value, fabs(x.value) * y.error + x.error * (fabs(y.value) + y.error), l->once);
}

INLINE struct assay_bounded divide(const struct lanes *l, struct assay_bounded x, struct assay_bounded y)
{
    double value = x.value / y.value, room = fabs(y.value) - y.error, error = (x.error + fabs(value) * y.error) / room;
    return step(l, value, room > 0 ? error : (double)INFINITY, l->divide);
}

INLINE double positive_root(double x)
{
    return sqrt(x > 0 ? x : 0);
}

INLINE struct assay_bounded root(const struct lanes *l, struct assay_bounded x)
{
    double value = positive_root(x.value), below = fabs(value - positive_root(x.value - x.error));
    double above = fabs(positive_root(x.value + x.error) - value), error = larger(below, above) + 8 * ASSAY_REF_OWN * fabs(value);
    return step(l, value, x.error > 0 ? error : 0.0, l->root);
}

INLINE struct assay_bounded gradient(const struct lanes *l, size_t i)
{
    return l->scaled > 0 ? multiply(l, bounded(l->g[i], 0), l->adam.scale) : bounded(l->g[i], 0);
}

INLINE struct assay_bounded first(const struct lanes *l, size_t i)
{
    return add(l, multiply(l, l->adam.beta1, bounded(l->m[i], 0)), multiply(l, l->adam.rest1, gradient(l, i)));
}

INLINE struct assay_bounded second(const struct lanes *l, size_t i)
{
    struct assay_bounded g = gradient(l, i);
    return add(l, multiply(l, l->adam.beta2, bounded(l->v[i], 0)), multiply(l, l->adam.rest2, multiply(l, g, g)));
}

INLINE struct assay_bounded direction(const struct lanes *l, size_t i)
{
    struct assay_bounded top = divide(l, first(l, i), l->adam.correct1), under = divide(l, second(l, i), l->adam.correct2);
    struct assay_bounded u = divide(l, top, add(l, root(l, under), l->adam.epsilon));
    return l->decays > 0 ? add(l, u, multiply(l, l->adam.decay, bounded(l->p[i], 0))) : u;
}

INLINE struct assay_bounded next(const struct lanes *l, size_t i)
{
    struct assay_bounded move = multiply(l, l->rate, direction(l, i)), x = step(l, l->p[i] - move.value, move.error, l->once);
    return l->decays > 0 ? bounded(x.value, x.error + 2 * l->accumulate * fabs(l->p[i])) : x;
}

INLINE struct assay_bounded part_of(const struct lanes *l, enum assay_ref_adam_part part, size_t i)
{
    return part == ASSAY_REF_ADAM_STEP        ? next(l, i)
           : part == ASSAY_REF_ADAM_DIRECTION ? direction(l, i)
           : part == ASSAY_REF_ADAM_FIRST     ? first(l, i)
                                              : second(l, i);
}

INLINE long long small_operands(const struct lanes *l, size_t i)
{
    return (fabs(l->p[i]) < LARGE) & (fabs(l->g[i]) < LARGE) & (fabs(l->m[i]) < LARGE) & (fabs(l->v[i]) < LARGE);
}

/* Values alone, as assay_ref_put keeps them. Returns how many of the n are beyond doubt. */
INLINE long long values_of(const struct lanes *l, enum assay_ref_adam_part part, size_t n, double *restrict value)
{
    long long good = 0;
    for (size_t i = 0; i < n; i++) {
        double x = part_of(l, part, i).value;
        value[i] = x;
        good += small_operands(l, i) & (fabs(x) < 0x1p15);
    }
    return good;
}

/* And with what assay_bounded_store makes of the errors. */
INLINE long long both_of(const struct lanes *l, enum assay_ref_adam_part part, size_t n, double *restrict value,
                         double *restrict bound)
{
    long long good = 0;
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded x = part_of(l, part, i);
        double high = fabs(x.value) + x.error, rounding = l->store * larger(high, l->store_tiny);
        value[i] = x.value;
        bound[i] = x.error + larger(smaller(high, rounding), flush(x.value, x.error, l->store_tiny));
        good += small_operands(l, i) & (high < l->overflow);
    }
    return good;
}

/* The part is a constant of each loop. */
#define FOR_PART(name, target, part)                                                                                   \
    target static long long name(const struct lanes *l, size_t n, double *value, double *bound)                        \
    {                                                                                                                  \
        struct lanes here = *l; /* nothing that is written may be it */                                                \
        return bound ? both_of(&here, part, n, value, bound) : values_of(&here, part, n, value);                       \
    }
#define FOR_TARGET(suffix, target)                                                                                     \
    FOR_PART(direction_##suffix, target, ASSAY_REF_ADAM_DIRECTION)                                                     \
    FOR_PART(first_##suffix, target, ASSAY_REF_ADAM_FIRST)                                                             \
    FOR_PART(second_##suffix, target, ASSAY_REF_ADAM_SECOND)                                                           \
    FOR_PART(step_##suffix, target, ASSAY_REF_ADAM_STEP)                                                               \
    static run_fn *const runs_##suffix[] = {                                                                           \
        [ASSAY_REF_ADAM_DIRECTION] = direction_##suffix, [ASSAY_REF_ADAM_FIRST] = first_##suffix,                      \
        [ASSAY_REF_ADAM_SECOND] = second_##suffix, [ASSAY_REF_ADAM_STEP] = step_##suffix};

typedef long long run_fn(const struct lanes *l, size_t n, double *value, double *bound);
#ifdef __x86_64__
FOR_TARGET(256, __attribute__((target("avx2"))))
#endif
FOR_TARGET(128, )

static run_fn *run_of(enum assay_ref_adam_part part)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return runs_256[part];
#endif
    return runs_128[part];
}

static struct lanes lanes_of(const struct assay_ref_adam_run *run, const struct assay_number_format *f)
{
    const struct assay_arithmetic *a = &run->call->arithmetic;
    double u = f->unit_roundoff;
    return (struct lanes){.adam = run->adam, .rate = run->rate, .scaled = run->adam.scaled, .decays = run->adam.decays,
                          .accumulate = a->accumulate, .tiny = a->tiny,
                          .once = a->accumulate + ASSAY_REF_OWN,
                          .divide = 2.0 * assay_reference_ulps.divide * a->accumulate + 4.0 * ASSAY_REF_OWN,
                          .root = 2.0 * assay_reference_ulps.sqrt * a->accumulate + 4.0 * ASSAY_REF_OWN,
                          .store = u > a->accumulate ? u : 0, .store_tiny = f->smallest_normal,
                          .overflow = f->largest * (1 + u / (2 - 2 * u))};
}

/* A run as vectors; false: it is to be done by its elements. */
static bool done_as_vectors(const struct assay_ref_adam_run *run, run_fn *f, struct lanes *l, size_t at, size_t n)
{
    const struct assay_ref_tensor *in = run->call->in + run->param;
    size_t from = (size_t)run->index[at];
    for (size_t k = 1; k < n; k++) {
        if (run->index[at + k] != run->index[at] + (int64_t)k)
            return false;
    }
    l->p = in[0].value + from;
    l->g = in[1].value + from;
    l->m = in[2].value + from;
    l->v = in[3].value + from;
    return f(l, n, run->value + at, run->call->values_only ? NULL : run->bound + at) == (long long)n;
}

static void do_runs(void *self, size_t begin, size_t end)
{
    const struct assay_ref_adam_run *run = self;
    const struct assay_ref_call *call = run->call;
    const struct assay_ref_tensor *in = call->in + run->param;
    const struct assay_number_format *format = assay_format_of(call->out[call->output].dtype);
    bool by_moments = run->part == ASSAY_REF_ADAM_FIRST || run->part == ASSAY_REF_ADAM_SECOND;
    bool vectors = format && !in[0].error && !in[1].error && !in[2].error && !in[3].error && (by_moments || !run->adam.open);
    struct lanes l = vectors ? lanes_of(run, format) : (struct lanes){.p = NULL};
    run_fn *f = run_of(run->part);
    for (size_t at = begin, n; at < end; at += n) {
        n = end - at < RUN ? end - at : RUN;
        if (vectors && done_as_vectors(run, f, &l, at, n))
            continue;
        for (size_t k = at; k < at + n; k++)
            run->each(run, k);
    }
}

void assay_ref_adam_do(const struct assay_ref_adam_run *run, size_t n)
{
    struct assay_ref_adam_run copy = *run; /* what is shared with threads is not const */
    assay_parallel_for(n, (size_t)1 << 13, do_runs, &copy);
}
