#include "backends/cpu/attention/gradient.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/math.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

struct work {
    size_t wide, keys;             /* queries, up to whole vectors; keys that some query sees */
    size_t q_row, dy_row;          /* of the copies along */
    float *q_across, *dy_across;   /* [width][wide], [v_width][wide]; q is scaled */
    float *q_along, *dy_along;     /* [queries][q_row], [queries][dy_row] */
    float *dq;                     /* [width][wide] */
    float *weights, *slopes, *cap; /* [keys][wide] */
};

static size_t whole(size_t n)
{
    return (n + VL - 1) / VL * VL;
}

static void start(const struct cpu_attention_gradient_block *b, struct work *w)
{
    w->wide = whole(b->queries);
    w->q_row = whole(b->width);
    w->dy_row = whole(b->v_width);
    w->keys = 0;
    w->q_across = b->scratch;
    w->dy_across = w->q_across + b->width * w->wide;
    w->q_along = w->dy_across + b->v_width * w->wide;
    w->dy_along = w->q_along + b->queries * w->q_row;
    w->dq = w->dy_along + b->queries * w->dy_row;
    memset(b->scratch, 0, (size_t)(w->dq - b->scratch) * sizeof *b->scratch);
    for (size_t i = 0; i < b->queries; i++) {
        const struct cpu_attention_gradient_query *q = &b->query[i];
        w->keys = q->sees > w->keys ? q->sees : w->keys;
        for (size_t d = 0; d < b->width; d++)
            w->q_across[d * w->wide + i] = w->q_along[i * w->q_row + d] = q->q[d] * b->scale;
        for (size_t e = 0; e < b->v_width; e++)
            w->dy_across[e * w->wide + i] = w->dy_along[i * w->dy_row + e] = q->dy[e];
    }
    w->weights = w->dq + b->width * w->wide;
    w->slopes = w->weights + w->keys * w->wide;
    w->cap = w->slopes + w->keys * w->wide;
}

struct factor {
    const float *at;
    size_t       row, depth; /* floats from one row, from one step of the depth, to the next */
};

/* C[rows][columns] (+)= A B, with A in any order. */
static void multiply(const struct cpu_tile_kernels *tile, size_t rows, size_t columns, size_t depth, struct factor a,
                     const float *b, size_t b_depth, float *c, size_t c_row, bool add)
{
    for (size_t n = 0; n < columns; n += tile->columns)
        for (size_t i = 0; i < rows; i += tile->rows)
            tile->strided(&(struct cpu_tile){
                .rows = rows - i < tile->rows ? rows - i : tile->rows,
                .columns = columns - n < tile->columns ? columns - n : tile->columns,
                .depth = depth,
                .a = a.at + i * a.row,
                .a_row = (ptrdiff_t)a.row,
                .a_depth = (ptrdiff_t)a.depth,
                .b = b + n,
                .b_depth = (ptrdiff_t)b_depth,
                .c = c + i * c_row + n,
                .c_row = (ptrdiff_t)c_row,
                .add = add,
            });
}

/* Scores are capped; `cap` keeps the derivative. */
static void cap_scores(const struct work *w, float softcap)
{
    for (size_t i = 0; i < w->keys * w->wide; i += VL) {
        vf t = vf_tanh(vf_load(w->weights + i) / softcap);
        vf_store(w->weights + i, t * softcap);
        vf_store(w->cap + i, 1.0f - t * t);
    }
}

static void mask_scores(const struct cpu_attention_gradient_query *q, const struct work *w, float *scores)
{
    for (size_t j = 0; j < w->keys && (q->added || q->allowed); j++) {
        if (q->added)
            scores[j * w->wide] += q->added[j];
        if (q->allowed && !q->allowed[j])
            scores[j * w->wide] = -__builtin_inff();
    }
    for (size_t j = q->sees; j < w->keys; j++)
        scores[j * w->wide] = -__builtin_inff();
}

/* Softmax down the lanes; a query that sees nothing weighs nothing. */
static void weigh(const struct work *w, size_t lane)
{
    float *at = w->weights + lane;
    vf     top = vf_all(-__builtin_inff()), sum = vf_all(0.0f);
    for (size_t j = 0; j < w->keys; j++)
        top = vf_max_nan(vf_load(at + j * w->wide), top);
    top = vf_select(top == -__builtin_inff(), vf_all(0.0f), top);
    for (size_t j = 0; j < w->keys; j++) {
        vf e = vf_exp(vf_load(at + j * w->wide) - top);
        vf_store(at + j * w->wide, e);
        sum += e;
    }
    vf factor = vf_select(sum == 0.0f, vf_all(0.0f), 1.0f / sum);
    for (size_t j = 0; j < w->keys; j++)
        vf_store(at + j * w->wide, vf_load(at + j * w->wide) * factor);
}

/* What came back to the weights becomes what goes back to the scores. */
static void pull_back(const struct work *w, size_t lane, bool capped)
{
    vf sum = vf_all(0.0f);
    for (size_t j = 0; j < w->keys; j++)
        sum += vf_load(w->weights + j * w->wide + lane) * vf_load(w->slopes + j * w->wide + lane);
    for (size_t j = 0; j < w->keys; j++) {
        size_t at = j * w->wide + lane;
        vf     s = vf_load(w->weights + at) * (vf_load(w->slopes + at) - sum);
        vf_store(w->slopes + at, capped ? s * vf_load(w->cap + at) : s);
    }
}

static void block(const struct cpu_attention_gradient_block *b)
{
    struct work w;
    start(b, &w);
    multiply(b->tile, w.keys, w.wide, b->width, (struct factor){b->k, b->k_row, 1}, w.q_across, w.wide, w.weights, w.wide, false);
    if (b->softcap > 0.0f)
        cap_scores(&w, b->softcap);
    for (size_t i = 0; i < b->queries; i++)
        mask_scores(&b->query[i], &w, w.weights + i);
    for (size_t lane = 0; lane < w.wide; lane += VL)
        weigh(&w, lane);
    multiply(b->tile, w.keys, w.wide, b->v_width, (struct factor){b->v, b->v_row, 1}, w.dy_across, w.wide, w.slopes, w.wide,
             false);
    for (size_t lane = 0; lane < w.wide; lane += VL)
        pull_back(&w, lane, b->softcap > 0.0f);
    if (b->dv)
        multiply(b->tile, w.keys, b->v_width, b->queries, (struct factor){w.weights, w.wide, 1}, w.dy_along, w.dy_row, b->dv,
                 b->dv_row, true);
    if (b->dk)
        multiply(b->tile, w.keys, b->width, b->queries, (struct factor){w.slopes, w.wide, 1}, w.q_along, w.q_row, b->dk,
                 b->dk_row, true);
    multiply(b->tile, b->width, w.wide, w.keys, (struct factor){b->k, 1, b->k_row}, w.slopes, w.wide, w.dq, w.wide, false);
    for (size_t i = 0; i < b->queries; i++)
        for (size_t d = 0; d < b->width; d++)
            b->query[i].dq[d] = w.dq[d * w.wide + i] * b->scale;
}

const struct cpu_attention_gradient_kernels CPU_ISA_NAME(attention_gradient) = {.block = block};
