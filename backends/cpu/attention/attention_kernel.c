#include "backends/cpu/attention/attention.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/math.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* A stretch of keys within one run: at most CPU_ATTENTION_KEYS of them. */
struct stretch {
    size_t       first, n; /* number of the first key, and how many */
    const float *k, *v;
    size_t       k_row, v_row;
};

/* Token `at` of a paged sequence: its slot. */
static size_t slot_of(const struct cpu_attention_pages *p, size_t at)
{
    return p->blocks[at / p->block] * p->block + at % p->block;
}

static void fetch(size_t n, const void *from, size_t first, bool halves, float *to)
{
    if (!halves) {
        memcpy(to, (const float *)from + first, n * sizeof *to);
        return;
    }
    const uint16_t *half = (const uint16_t *)from + first;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)half[i] << 16;
        memcpy(to + i, &bits, sizeof bits);
    }
}

/* Keys [at, at + n) of the pages: where they are if they lie side by side as f32, else copied together. */
static struct stretch paged_stretch(const struct cpu_attention_block *b, size_t at, size_t n)
{
    const struct cpu_attention_pages *p = b->pages;
    size_t                            first = slot_of(p, at), i = 0;
    struct stretch                    s = {.first = at, .n = n, .k_row = b->width, .v_row = b->v_width};
    while (!p->halves && i < n && slot_of(p, at + i) == first + i)
        i++;
    if (i == n)
        return (struct stretch){at, n, (const float *)p->k + first * p->k_token, (const float *)p->v + first * p->v_token, p->k_token,
                                p->v_token};
    float *k = p->stage, *v = k + CPU_ATTENTION_KEYS * b->width;
    for (i = 0; i < n; i++) {
        size_t slot = slot_of(p, at + i);
        fetch(b->width, p->k, slot * p->k_token, p->halves, k + i * b->width);
        fetch(b->v_width, p->v, slot * p->v_token, p->halves, v + i * b->v_width);
    }
    s.k = k;
    s.v = v;
    return s;
}

/* The next stretch from key `at` on; n = 0: none. */
static struct stretch next_stretch(const struct cpu_attention_block *b, size_t at, size_t end)
{
    struct stretch s = {.first = at};
    size_t         before = 0;
    if (b->pages)
        return paged_stretch(b, at, end - at < CPU_ATTENTION_KEYS ? end - at : CPU_ATTENTION_KEYS);
    for (int run = 0; run < 2 && at < end; run++) {
        const struct cpu_attention_keys *keys = &b->keys[run];
        if (at < before + keys->n) {
            size_t left = before + keys->n - at, wanted = end - at < CPU_ATTENTION_KEYS ? end - at : CPU_ATTENTION_KEYS;
            s.n = wanted < left ? wanted : left;
            s.k = keys->k + (at - before) * keys->k_row;
            s.v = keys->v + (at - before) * keys->v_row;
            s.k_row = keys->k_row;
            s.v_row = keys->v_row;
            return s;
        }
        before += keys->n;
    }
    return s;
}

/* Keys that some query of the block sees. */
static size_t last_seen(const struct cpu_attention_block *b)
{
    size_t most = 0;
    for (size_t i = 0; i < b->queries; i++)
        if (b->query[i].sees > most)
            most = b->query[i].sees;
    return most < b->end ? most : b->end;
}

static float capped(float score, float cap)
{
    vf v = vf_tanh(vf_all(score / cap));
    return v[0] * cap;
}

/* Softcap, mask and horizon on scores[key * key_step] of one query. */
static void mask_scores(const struct cpu_attention_query *q, const struct stretch *s, size_t key_step, float *scores)
{
    for (size_t j = 0; j < s->n; j++) {
        float *score = scores + j * key_step;
        if (q->added)
            *score += q->added[s->first + j];
        if (s->first + j >= q->sees || (q->allowed && !q->allowed[s->first + j]))
            *score = -__builtin_inff();
    }
}

static bool needs_masking(const struct cpu_attention_query *q, const struct stretch *s)
{
    return q->added || q->allowed || s->first + s->n > q->sees;
}

/* ---- many: scores as [key][query], so that everything about a query happens in its lane --------------------- */

struct many {
    float *q, *scores, *out, *largest, *sum; /* [width][wide], [keys][wide], [v_width][wide], [wide], [wide] */
    size_t wide;                             /* queries, up to whole vectors */
};

static void start_many(const struct cpu_attention_block *b, struct many *m)
{
    m->wide = (b->queries + VL - 1) / VL * VL;
    m->q = b->scratch;
    m->scores = m->q + b->width * CPU_ATTENTION_QUERIES;
    m->out = m->scores + (size_t)CPU_ATTENTION_KEYS * CPU_ATTENTION_QUERIES;
    m->largest = m->out + b->v_width * CPU_ATTENTION_QUERIES;
    m->sum = m->largest + CPU_ATTENTION_QUERIES;
    memset(m->q, 0, b->width * m->wide * sizeof *m->q);
    memset(m->out, 0, b->v_width * m->wide * sizeof *m->out);
    for (size_t i = 0; i < b->queries; i++)
        for (size_t d = 0; d < b->width; d++)
            m->q[d * m->wide + i] = b->query[i].q[d] * b->scale;
    for (size_t i = 0; i < m->wide; i++) {
        m->largest[i] = -__builtin_inff();
        m->sum[i] = 0.0f;
    }
}

/* C[rows][wide] (+)= A B with the tile kernel, as many columns at a time as it takes. */
static void multiply(const struct cpu_attention_block *b, const struct many *m, size_t rows, size_t depth, const float *a,
                     size_t a_row, size_t a_depth, const float *right, float *c, bool add)
{
    for (size_t n = 0; n < m->wide; n += b->tile->columns)
        for (size_t i = 0; i < rows; i += b->tile->rows)
            b->tile->strided(&(struct cpu_tile){
                .rows = rows - i < b->tile->rows ? rows - i : b->tile->rows,
                .columns = m->wide - n < b->tile->columns ? m->wide - n : b->tile->columns,
                .depth = depth,
                .a = a + i * a_row,
                .a_row = (ptrdiff_t)a_row,
                .a_depth = (ptrdiff_t)a_depth,
                .b = right + n,
                .b_depth = (ptrdiff_t)m->wide,
                .c = c + i * m->wide + n,
                .c_row = (ptrdiff_t)m->wide,
                .add = add,
            });
}

/* Scores become weights; what was summed before shrinks by exp(old largest - new largest). */
static void weigh_lanes(const struct cpu_attention_block *b, const struct many *m, size_t n, size_t lane)
{
    float *scores = m->scores + lane;
    vf     old = vf_load(m->largest + lane), top = old, sum = vf_all(0.0f);
    for (size_t j = 0; j < n; j++)
        top = vf_max_nan(vf_load(scores + j * m->wide), top);
    vf base = vf_select(top == -__builtin_inff(), vf_all(0.0f), top); /* every key masked so far: all weights 0 */
    vf shrink = vf_exp(old - base);
    for (size_t j = 0; j < n; j++) {
        vf e = vf_exp(vf_load(scores + j * m->wide) - base);
        vf_store(scores + j * m->wide, e);
        sum += e;
    }
    vf_store(m->largest + lane, top);
    vf_store(m->sum + lane, vf_load(m->sum + lane) * shrink + sum);
    if (vf_smallest(shrink) == 1.0f)
        return;
    for (size_t e = 0; e < b->v_width; e++)
        vf_store(m->out + e * m->wide + lane, vf_load(m->out + e * m->wide + lane) * shrink);
}

static void cap_scores(const struct many *m, size_t n, float cap)
{
    for (size_t i = 0; i < n * m->wide; i += VL)
        vf_store(m->scores + i, vf_tanh(vf_load(m->scores + i) / cap) * cap);
}

static void many(const struct cpu_attention_block *b)
{
    struct many m;
    size_t      end = last_seen(b);
    start_many(b, &m);
    for (size_t at = b->begin; at < end;) {
        struct stretch s = next_stretch(b, at, end);
        if (!s.n)
            break;
        multiply(b, &m, s.n, b->width, s.k, s.k_row, 1, m.q, m.scores, false);
        if (b->softcap > 0.0f)
            cap_scores(&m, s.n, b->softcap);
        for (size_t i = 0; i < b->queries; i++)
            if (needs_masking(&b->query[i], &s))
                mask_scores(&b->query[i], &s, m.wide, m.scores + i);
        for (size_t lane = 0; lane < m.wide; lane += VL)
            weigh_lanes(b, &m, s.n, lane);
        multiply(b, &m, b->v_width, s.n, s.v, 1, s.v_row, m.scores, m.out, true);
        at += s.n;
    }
    for (size_t i = 0; i < b->queries; i++) {
        float factor = b->largest ? 1.0f : 1.0f / m.sum[i];
        for (size_t e = 0; e < b->v_width; e++)
            b->query[i].y[e] = m.out[e * m.wide + i] * factor;
        if (b->largest) {
            b->largest[i] = m.largest[i];
            b->sum[i] = m.sum[i];
        }
    }
}

/* ---- few: one query's scores in a row --------------------------------------------------------------------------- */

static void weigh_row(size_t n, float *scores, float base, float *sum)
{
    float total = 0.0f;
    for (size_t j = 0; j < n; j += VL) {
        size_t left = n - j < VL ? n - j : VL;
        vf_store(scores + j, vf_exp(vf_load(scores + j) - base)); /* there is room; what is behind n is not used */
        for (size_t k = 0; k < left; k++)
            total += scores[j + k];
    }
    *sum += total;
}

/* A query takes in what it sees of a stretch, and nothing in it tells what other queries see. */
static void add_keys(const struct cpu_attention_block *b, const struct stretch *all, size_t i, float *query, float *scores,
                     float *part, float *largest, float *sum)
{
    const struct cpu_attention_query *q = &b->query[i];
    struct stretch                    seen = *all;
    const struct stretch             *s = &seen;
    if (q->sees <= all->first)
        return;
    seen.n = q->sees - all->first < all->n ? q->sees - all->first : all->n;
    b->gemv->dots(s->n, b->width, s->k, s->k_row, query, scores);
    if (b->softcap > 0.0f)
        for (size_t j = 0; j < s->n; j++)
            scores[j] = capped(scores[j], b->softcap);
    if (needs_masking(q, s))
        mask_scores(q, s, 1, scores);
    float top = *largest;
    for (size_t j = 0; j < s->n; j++)
        top = scores[j] > top || scores[j] != scores[j] ? scores[j] : top;
    float base = top == -__builtin_inff() ? 0.0f : top;
    float shrink = vf_exp(vf_all(*largest - base))[0];
    *largest = top;
    *sum *= shrink;
    weigh_row(s->n, scores, base, sum);
    b->gemv->combine(s->n, b->v_width, scores, s->v, s->v_row, part);
    for (size_t e = 0; e < b->v_width; e++)
        q->y[e] = q->y[e] * shrink + part[e];
}

static void few(const struct cpu_attention_block *b)
{
    float *query = b->scratch, *scores = query + b->width * CPU_ATTENTION_QUERIES;
    float *part = scores + CPU_ATTENTION_KEYS, *largest = part + b->v_width + 16;
    float *sum = largest + CPU_ATTENTION_QUERIES;
    size_t end = last_seen(b);
    for (size_t i = 0; i < b->queries; i++) {
        for (size_t d = 0; d < b->width; d++)
            query[i * b->width + d] = b->query[i].q[d] * b->scale;
        memset(b->query[i].y, 0, b->v_width * sizeof(float));
        largest[i] = -__builtin_inff();
        sum[i] = 0.0f;
    }
    for (size_t at = b->begin; at < end;) {
        struct stretch s = next_stretch(b, at, end);
        if (!s.n)
            break;
        for (size_t i = 0; i < b->queries; i++)
            add_keys(b, &s, i, query + i * b->width, scores, part, &largest[i], &sum[i]);
        at += s.n;
    }
    for (size_t i = 0; i < b->queries; i++) {
        if (b->largest) {
            b->largest[i] = largest[i];
            b->sum[i] = sum[i];
            continue;
        }
        for (size_t e = 0; e < b->v_width; e++)
            b->query[i].y[e] /= sum[i];
    }
}

const struct cpu_attention_kernels CPU_ISA_NAME(attention) = {.many = many, .few = few};
