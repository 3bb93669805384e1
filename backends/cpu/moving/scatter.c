#include "backends/cpu/moving/scatter.h"

#include "backends/cpu/moving/moving.h"

#include "assay/banned.h"

/* A thread's share of a slice is at least this wide, so that a line of cache has one writer. */
enum { LEAST_COLUMNS = 64, ZERO_BYTES = 65536 };

struct running {
    const struct cpu_engine  *engine;
    const struct cpu_scatter *s;
    const float              *x;
    float                    *y;
    size_t                    pieces;
    bool                      by_column;
};

size_t cpu_index_bad(const void *list, bool wide, size_t n, int64_t low, int64_t high)
{
    size_t i = 0;
    while (i < n && cpu_index_at(list, wide, i) >= low && cpu_index_at(list, wide, i) < high)
        i++;
    return i;
}

enum assay_code cpu_index_check(const char *what, const void *list, bool wide, size_t n, int64_t low, int64_t high,
                                struct assay_error *err)
{
    size_t bad = cpu_index_bad(list, wide, n, low, high);
    if (bad == n)
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_DATA, "%s %zu is %lld, not in %lld..%lld", what, bad, (long long)cpu_index_at(list, wide, bad),
                      (long long)low, (long long)high - 1);
}

static void zero_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->outer * r->s->length * r->s->inner, r->pieces, 16, chunk, &begin, &end);
    memset(r->y + begin, 0, (end - begin) * sizeof *r->y);
}

/* Columns [left, right) of the slices [low, high) that are written. */
static void add_terms(const struct running *r, size_t outer, size_t low, size_t high, size_t left, size_t right)
{
    const struct cpu_scatter        *s = r->s;
    const struct cpu_moving_kernels *kernels = r->engine->kernels->moving;
    const float                     *x = r->x + outer * s->slices * s->inner;
    float                           *y = r->y + outer * s->length * s->inner;
    for (size_t t = 0; t < s->terms; t++) {
        int64_t k = cpu_index_at(s->index, s->wide, t);
        size_t  to = (size_t)(k < 0 ? k + (int64_t)s->length : k);
        if (to >= low && to < high)
            kernels->add_scaled(right - left, s->scale ? s->scale[t] : 1.0f, x + (s->slice ? s->slice[t] : t) * s->inner + left,
                                y + to * s->inner + left);
    }
}

static void add_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end, piece = chunk % r->pieces, outer = chunk / r->pieces;
    (void)thread;
    cpu_pool_piece(r->by_column ? r->s->inner : r->s->length, r->pieces, r->by_column ? 16 : 1, piece, &begin, &end);
    if (begin < end)
        add_terms(r, outer, r->by_column ? 0 : begin, r->by_column ? r->s->length : end, r->by_column ? begin : 0,
                  r->by_column ? end : r->s->inner);
}

void cpu_scatter_run(const struct cpu_engine *engine, const struct cpu_scatter *s, const float *x, float *y)
{
    struct running r = {engine, s, x, y, 0, false};
    size_t         elements = s->outer * s->length * s->inner, threads = cpu_pool_threads(engine->pool);
    if (!elements)
        return;
    r.pieces = cpu_pool_pieces(engine->pool, elements, ZERO_BYTES / sizeof *y, 4);
    cpu_pool_run(engine->pool, r.pieces, zero_piece, &r);
    r.by_column = s->inner >= LEAST_COLUMNS * threads;
    r.pieces = s->outer >= 2 * threads || s->terms * s->inner < ZERO_BYTES / sizeof *y ? 1 : threads;
    cpu_pool_run(engine->pool, s->outer * r.pieces, add_piece, &r);
}
