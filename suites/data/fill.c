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
    uint64_t   key = assay_hash_text(v->name, seed) + (fixed ? 0 : (set + 1) * 0x9E3779B97F4A7C15ull);
    struct job job = {.value = v, .key = key, .to = to};
    assay_parallel_for(v->elements, (size_t)PIECE * 16, fill_range, &job);
    return ASSAY_OK;
}
