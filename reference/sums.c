/* Sums over whole values, and what they may be off by: the replicas' sums beside those of the nominal run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/recycle.h"
#include "reference/arithmetic.h"
#include "reference/kept.h"

#include "assay/banned.h"

#define REPLICAS ASSAY_REPLICAS
#define PIECE ((size_t)1 << 12)

struct sums {
    double             *out, *local, *magnitude, *moved[REPLICAS]; /* moved: NULL where nothing stands off */
    struct assay_spread spread;
};

/* Term by term: a weight of zero leaves out what is not finite. */
static void add_each(struct sums *s, const struct assay_kept *kept, uint64_t first, size_t n, const size_t *sum, const double *weight)
{
    for (size_t i = 0; i < n; i++) {
        double w = weight[i], term = w * kept->value[first + i];
        s->out[sum[i]] += term;
        s->magnitude[sum[i]] += fabs(term);
        s->local[sum[i]] += w != 0 && kept->local.x ? fabs(w) * assay_packed_at(&kept->local, first + i) : 0;
        for (int k = 0; w != 0 && k < REPLICAS && s->moved[k]; k++)
            s->moved[k][sum[i]] += w * assay_packed_at(&kept->spread.off[k], first + i);
    }
}

typedef double    pair __attribute__((vector_size(16)));
typedef double    loose_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef long long pair_bits __attribute__((vector_size(16)));
typedef float     half __attribute__((vector_size(8)));
typedef float     loose_half __attribute__((vector_size(8), aligned(4), may_alias));
#define LOAD(pointer) ((pair) * (const loose_pair *)(pointer))
#define WIDE(pointer) __builtin_convertvector((half) * (const loose_half *)(pointer), pair)
#define ABS(x) ((pair)((pair_bits)(x) & (pair_bits){INT64_MAX, INT64_MAX}))

/* Terms of one sum, n even: no weight is zero, and bounds and replicas are there. */
static void add_run(struct sums *s, const struct assay_kept *kept, uint64_t first, size_t n, size_t sum, const double *weight)
{
    const double *value = kept->value + first;
    const float  *local = kept->local.x + first, *off[REPLICAS];
    pair          out = {0}, magnitude = {0}, bound = {0}, moved[REPLICAS] = {{0}};
    for (int k = 0; k < REPLICAS; k++)
        off[k] = kept->spread.off[k].x + first;
    for (size_t i = 0; i < n; i += 2) {
        pair w = LOAD(weight + i), term = w * LOAD(value + i);
        out += term;
        magnitude += ABS(term);
        bound += ABS(w) * WIDE(local + i);
        _Pragma("GCC unroll 3") for (int k = 0; k < REPLICAS; k++)
            moved[k] += w * WIDE(off[k] + i);
    }
    s->out[sum] += out[0] + out[1];
    s->magnitude[sum] += magnitude[0] + magnitude[1];
    s->local[sum] += kept->local.unit * (bound[0] + bound[1]);
    for (int k = 0; k < REPLICAS; k++)
        s->moved[k][sum] += kept->spread.off[k].unit * (moved[k][0] + moved[k][1]);
}

static void add_terms(struct sums *s, const struct assay_kept *kept, uint64_t first, size_t n, const size_t *sum,
                      const double *weight)
{
    bool whole = kept->local.x && s->moved[0];
    for (size_t i = 0; i < n && whole; i++)
        whole = weight[i] != 0;
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && sum[i + run] == sum[i]; run++)
            ;
        size_t pairs = whole ? run / 2 * 2 : 0;
        if (pairs)
            add_run(s, kept, first + i, pairs, sum[i], weight + i);
        if (run > pairs)
            add_each(s, kept, first + i + pairs, run - pairs, sum + i + pairs, weight + i + pairs);
    }
}

static enum assay_code open_sums(struct sums *s, const struct assay_kept *kept, size_t n, double *out, struct assay_error *err)
{
    bool room = true;
    *s = (struct sums){.out = out, .local = calloc(n + 1, sizeof(double)), .magnitude = calloc(n + 1, sizeof(double))};
    s->spread.n = s->spread.length = n;
    s->spread.inner = 1;
    for (int k = 0; kept->spread.off[0].x && k < REPLICAS; k++)
        room &= (s->moved[k] = assay_ref_zeros(n)) != NULL;
    memset(out, 0, n * sizeof *out);
    return room && s->local && s->magnitude ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu sums", n);
}

static void close_sums(struct sums *s)
{
    free(s->local);
    free(s->magnitude);
    for (int k = 0; k < REPLICAS; k++)
        assay_recycle_give(s->moved[k]);
    assay_spread_release(&s->spread);
}

static enum assay_code settle_sums(struct sums *s, double compared, struct assay_error *err)
{
    for (int k = 0; k < REPLICAS; k++) {
        if (!assay_packed_make(s->moved[k], s->spread.n, false, &s->spread.off[k]))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu sums", (unsigned long long)s->spread.n);
    }
    return assay_spread_settle(&s->spread, compared, err);
}

enum assay_code assay_reference_sums(struct assay_reference *r, int32_t value, size_t n_sums,
                                     void (*terms)(void *self, uint64_t first, size_t n, size_t *sum, double *weight),
                                     void *self, double *out, double *bound, struct assay_error *err)
{
    if (!r->statistical)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "sums over whole values are of statistical bounds");
    if (n_sums == 0 || assay_statistical_ready(r, value, err))
        return n_sums == 0 ? ASSAY_OK : err->code;
    const struct assay_kept *kept = &r->statistical->kept[value];
    uint64_t           elements = r->graph->values[value].elements;
    struct sums        s;
    size_t             sum[PIECE];
    double             weight[PIECE], roundings = (double)elements + 1; /* more than a sum can have */
    enum assay_code    code = open_sums(&s, kept, n_sums, out, err);
    for (uint64_t first = 0; !code && first < elements; first += PIECE) {
        size_t n = elements - first < PIECE ? (size_t)(elements - first) : PIECE;
        terms(self, first, n, sum, weight);
        add_terms(&s, kept, first, n, sum, weight);
    }
    if (!code && s.moved[0])
        code = settle_sums(&s, assay_statistical_compared(r), err);
    for (size_t i = 0; !code && i < n_sums; i++) {
        double local = s.local[i] + assay_ref_gamma(roundings, ASSAY_REF_OWN) * s.magnitude[i];
        bound[i] = !r->statistical->replicas ? (double)INFINITY
                   : s.moved[0]              ? assay_spread_bound(&s.spread, i, out[i], local)
                                             : local;
    }
    close_sums(&s);
    return code;
}

/* A fold is such sums, one for each position; those asked for are picked out. */
struct folding {
    struct assay_ref_axis axis;
    const double         *weight;
};

static void fold_terms(void *self, uint64_t first, size_t n, size_t *sum, double *weight)
{
    const struct folding *f = self;
    uint64_t              inner = (uint64_t)f->axis.inner, length = (uint64_t)f->axis.length;
    for (size_t k = 0; k < n; k++) {
        uint64_t i = first + k;
        sum[k] = (size_t)(i / inner / length * inner + i % inner);
        weight[k] = f->weight[i / inner % length];
    }
}

enum assay_code assay_statistical_fold(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                       size_t n, const int64_t *index, double *out, double *bound, struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    struct assay_ref_tensor   t = {.rank = v->rank};
    memcpy(t.dims, v->dims, sizeof t.dims);
    struct folding  f = {assay_ref_axis_of(&t, axis), weight};
    size_t          all = (size_t)(f.axis.outer * f.axis.inner);
    double         *sums = assay_ref_doubles(all), *bounds = assay_ref_doubles(all);
    enum assay_code code = sums && bounds ? assay_reference_sums(r, value, all, fold_terms, &f, sums, bounds, err)
                                          : assay_ref_no_memory(v, err);
    for (size_t i = 0; !code && sums && bounds && i < n; i++) {
        out[i] = sums[index[i]];
        bound[i] = bounds[index[i]];
    }
    assay_recycle_give(sums);
    assay_recycle_give(bounds);
    return code;
}
