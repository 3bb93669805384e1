#include "reference/attention_values.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/parallel.h"
#include "reference/dense.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

bool assay_ref_attention_is_whole(const struct assay_ref_attention *a, size_t n)
{
    if (!a->call->values_only || (uint64_t)n != a->call->out[a->call->output].elements)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (a->index[i] != (int64_t)i)
            return false;
    }
    return true;
}

/* The scores of one query become weights over their sum. */
static void weigh(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t query, double *x)
{
    for (int64_t j = 0; j < a->keys; j++) {
        x[j] *= a->scale;
        if (a->softcap != 0)
            x[j] = a->softcap * tanh(x[j] / a->softcap);
        if (a->mask || a->causal || a->lengths)
            x[j] = assay_ref_attention_masked(a, batch, head, query, j, bounded(x[j], 0)).value;
    }
    double sum = assay_ref_softmax_values((size_t)a->keys, x);
    for (int64_t j = 0; j < a->keys; j++)
        x[j] /= sum;
}

/* The raw scores of n queries from `first` on, all keys side by side. */
static void raw_scores(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t first, int64_t n, double *x)
{
    int64_t kv = head / (a->q_heads / a->kv_heads);
    struct assay_ref_dense d = {.rows = n, .terms = a->width, .x = assay_ref_head_row(&a->q, batch, head, first).value,
                                .x_row = a->q.position, .step = a->keys};
    if (a->past > 0) {
        d.y = assay_ref_head_row(&a->past_k, batch, kv, 0).value;
        d.y_row = a->past_k.position;
        d.columns = a->past;
        d.value = x;
        assay_ref_multiply(a->call->multiplier, &d);
    }
    d.y = assay_ref_head_row(&a->k, batch, kv, 0).value;
    d.y_row = a->k.position;
    d.columns = a->keys - a->past;
    d.value = x + a->past;
    assay_ref_multiply(a->call->multiplier, &d);
}

void assay_ref_attention_weights(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t first, int64_t n, double *x)
{
    raw_scores(a, batch, head, first, n, x);
    for (int64_t q = 0; q < n; q++)
        weigh(a, batch, head, first + q, x + q * a->keys);
}

/* ---- gradients ----------------------------------------------------------------------------------------------- */

struct gradient {
    const struct assay_ref_attention *a;
    const struct assay_ref_heads     *dy;
    int64_t                           group, width; /* query heads of one key head; elements of the output's rows */
};

/* Room of one thread, in doubles. */
struct room {
    double *p, *s; /* [queries of a piece, keys]: the weights, dS */
    double *turned;  /* [keys, queries]: either, for products over the queries */
    double *with;    /* [width, queries]: what the queries' rows are multiplied by; or, of dQ, the piece's sums */
    double *sums;    /* [keys, width] */
    double *all;     /* [keys, width]: sums over the pieces; of dQ: K as [width, keys] */
};

static size_t room_of(const struct gradient *g)
{
    return (size_t)(3 * ASSAY_REF_QUERIES * g->a->keys + ASSAY_REF_QUERIES * g->width + 2 * g->a->keys * g->width);
}

static struct room cut_room(const struct gradient *g, double *from)
{
    int64_t     rows = ASSAY_REF_QUERIES * g->a->keys;
    struct room r = {.p = from, .s = from + rows, .turned = from + 2 * rows, .with = from + 3 * rows};
    r.sums = r.with + ASSAY_REF_QUERIES * g->width;
    r.all = r.sums + g->a->keys * g->width;
    return r;
}

/* dS = P (dP - D) of n queries, dP = dY V^T and D = sum of P dP. */
static void scores_gradient(const struct gradient *g, int64_t batch, int64_t head, int64_t first, int64_t n, const struct room *r)
{
    const struct assay_ref_attention *a = g->a;
    struct assay_ref_dense dp = {.rows = n, .columns = a->keys, .terms = a->v_width,
                                 .x = assay_ref_head_row(g->dy, batch, head, first).value, .x_row = g->dy->position,
                                 .y = assay_ref_head_row(&a->v, batch, head / g->group, 0).value, .y_row = a->v.position,
                                 .value = r->s, .step = a->keys};
    assay_ref_dense(&dp);
    for (int64_t q = 0; q < n; q++) {
        const double *p = r->p + q * a->keys;
        double       *s = r->s + q * a->keys, sum = 0;
        for (int64_t k = 0; k < a->keys; k++)
            sum += p[k] * s[k];
        for (int64_t k = 0; k < a->keys; k++)
            s[k] = p[k] * (s[k] - sum);
    }
}

/* to[column, row] = from[row, column]. */
static void turn(int64_t rows, int64_t columns, const double *from, int64_t step, double *to)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * step + j];
    }
}

static void put_row(const struct gradient *g, size_t place, const double *x, double factor)
{
    for (int64_t d = 0; d < g->width; d++)
        assay_ref_put(g->a->call, place + (size_t)d, bounded(x[d] * factor, 0), g->a->value, g->a->bound);
}

/* Where the row of a position begins in an output of so many heads and positions. */
static size_t row_at(const struct gradient *g, int64_t heads, int64_t positions, int64_t batch, int64_t head, int64_t position)
{
    return (size_t)((g->a->flat ? (batch * positions + position) * heads + head : (batch * heads + head) * positions + position) * g->width);
}

/* dQ = scale dS K of a piece of one head's queries; numbers count (batch, head, piece). */
static void one_piece(const struct gradient *g, int64_t number, const struct room *r)
{
    const struct assay_ref_attention *a = g->a;
    int64_t pieces = (a->queries + ASSAY_REF_QUERIES - 1) / ASSAY_REF_QUERIES, first = number % pieces * ASSAY_REF_QUERIES;
    int64_t head = number / pieces % a->q_heads, batch = number / pieces / a->q_heads;
    int64_t n = a->queries - first < ASSAY_REF_QUERIES ? a->queries - first : ASSAY_REF_QUERIES;
    assay_ref_attention_weights(a, batch, head, first, n, r->p);
    scores_gradient(g, batch, head, first, n, r);
    turn(a->keys, g->width, assay_ref_head_row(&a->k, batch, head / g->group, 0).value, a->k.position, r->all);
    struct assay_ref_dense dq = {.rows = n, .columns = g->width, .terms = a->keys, .x = r->s, .x_row = a->keys, .y = r->all, .y_row = a->keys,
                                 .value = r->with, .step = g->width};
    assay_ref_dense(&dq);
    for (int64_t q = 0; q < n; q++)
        put_row(g, row_at(g, a->q_heads, a->queries, batch, head, first + q), r->with + q * g->width, a->scale);
}

/* What n queries of one head add to dK = scale dS^T Q or dV = P^T dY, in r->all[keys, width]. */
static void add_queries(const struct gradient *g, int64_t batch, int64_t head, int64_t first, int64_t n, const struct room *r)
{
    const struct assay_ref_attention *a = g->a;
    bool                              keys = a->call->output == 1;
    const struct assay_ref_heads     *with = keys ? &a->q : g->dy;
    assay_ref_attention_weights(a, batch, head, first, n, r->p);
    if (keys)
        scores_gradient(g, batch, head, first, n, r);
    turn(n, a->keys, keys ? r->s : r->p, a->keys, r->turned);
    turn(n, g->width, assay_ref_head_row(with, batch, head, first).value, with->position, r->with);
    struct assay_ref_dense d = {.rows = a->keys, .columns = g->width, .terms = n, .x = r->turned, .x_row = n, .y = r->with, .y_row = n,
                                .value = r->sums, .step = g->width};
    assay_ref_dense(&d);
    for (int64_t i = 0; i < a->keys * g->width; i++)
        r->all[i] += r->sums[i];
}

/* dK or dV of one key head; numbers count (batch, head). */
static void one_head(const struct gradient *g, int64_t number, const struct room *r)
{
    const struct assay_ref_attention *a = g->a;
    int64_t batch = number / a->kv_heads, kv = number % a->kv_heads;
    memset(r->all, 0, (size_t)(a->keys * g->width) * sizeof *r->all);
    for (int64_t h = 0; h < g->group; h++) {
        for (int64_t first = 0, n; first < a->queries; first += n) {
            n = a->queries - first < ASSAY_REF_QUERIES ? a->queries - first : ASSAY_REF_QUERIES;
            add_queries(g, batch, kv * g->group + h, first, n, r);
        }
    }
    for (int64_t k = 0; k < a->keys; k++)
        put_row(g, row_at(g, a->kv_heads, a->keys, batch, kv, k), r->all + k * g->width, a->call->output == 1 ? a->scale : 1);
}

struct pieces {
    const struct gradient *g;
    atomic_bool            no_memory;
};

static void do_pieces(void *self, size_t begin, size_t end)
{
    struct pieces *job = self;
    double        *from = malloc(room_of(job->g) * sizeof *from);
    if (!from) {
        atomic_store(&job->no_memory, true);
        return;
    }
    struct room r = cut_room(job->g, from);
    for (size_t i = begin; i < end; i++) {
        if (job->g->a->call->output == 0)
            one_piece(job->g, (int64_t)i, &r);
        else
            one_head(job->g, (int64_t)i, &r);
    }
    free(from);
}

bool assay_ref_attention_gradient_values(const struct assay_ref_attention *a, const struct assay_ref_heads *dy, size_t n)
{
    if (a->softcap != 0 || a->past > 0 || a->call->multiplier || n == 0 || !assay_ref_attention_is_whole(a, n))
        return false;
    struct gradient g = {a, dy, a->q_heads / a->kv_heads, a->call->output == 2 ? a->v_width : a->width};
    struct pieces   job = {.g = &g};
    int64_t         pieces = (a->queries + ASSAY_REF_QUERIES - 1) / ASSAY_REF_QUERIES;
    atomic_init(&job.no_memory, false);
    assay_parallel_for((size_t)(a->batches * (a->call->output == 0 ? a->q_heads * pieces : a->kv_heads)), 1, do_pieces, &job);
    return !atomic_load(&job.no_memory);
}
