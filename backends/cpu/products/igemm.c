#include "backends/cpu/products/igemm.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "backends/cpu/convolution/onednn.h"

#include "assay/banned.h"

#define ROWS_AT_A_TIME 64 /* of a piece of work: a panel of B stays in the second cache meanwhile */
#define TURN 0x80u        /* what turns i8 into u8 and back: 128 more, or less */

#if defined(__x86_64__)
/* Compilers disagree on its name in __builtin_cpu_supports: leaf 7, subleaf 1 (Intel's manual, volume 2, CPUID). */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#endif

bool cpu_igemm_has_quads(const struct cpu_kernels *kernels)
{
    if (!kernels->igemm->quads)
        return false;
#if defined(__x86_64__)
    __builtin_cpu_init();
    return kernels->isa == CPU_ISA_V4 ? __builtin_cpu_supports("avx512vnni") : has_avx_vnni();
#else
    return false;
#endif
}

static size_t words_of(const struct cpu_igemm *p)
{
    return p->quads ? (p->k + 3) / 4 : (p->k + 1) / 2;
}

static size_t panels_of(const struct cpu_kernels *kernels, const struct cpu_igemm *p)
{
    return (p->n + kernels->igemm->columns - 1) / kernels->igemm->columns;
}

size_t cpu_igemm_a_bytes(const struct cpu_kernels *kernels, const struct cpu_igemm *p)
{
    (void)kernels;
    return p->m * words_of(p) * sizeof(uint32_t);
}

size_t cpu_igemm_b_bytes(const struct cpu_kernels *kernels, const struct cpu_igemm *p)
{
    return panels_of(kernels, p) * kernels->igemm->columns * words_of(p) * sizeof(uint32_t);
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

struct packing {
    const struct cpu_engine *engine;
    const struct cpu_igemm  *p;
    const uint8_t           *from;
    uint32_t                *words;
    uint8_t                 *bytes;
    int32_t                 *sum;
};

/* Up to a word's numbers as a word; missing ones are 0. The first is the lowest in it. */
static inline uint32_t word_of(const uint8_t *a, size_t n, uint32_t turn, bool quads)
{
    uint32_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (a[i] ^ turn) << (quads ? 8 : 16) * i;
    return word;
}

static void pack_row(void *self, size_t m, unsigned thread)
{
    const struct packing   *s = self;
    const struct cpu_igemm *p = s->p;
    size_t                  terms = p->quads ? 4 : 2;
    const uint8_t          *a = s->from + m * p->k;
    uint32_t               *to = s->words + m * words_of(p), turn = p->a_signed ? TURN : 0;
    int32_t                 sum = 0;
    (void)thread;
    for (size_t k = 0; k < p->k; k++)
        sum += (int32_t)(a[k] ^ turn);
    for (size_t k = 0; k < p->k; k += terms)
        *to++ = word_of(a + k, p->k - k < terms ? p->k - k : terms, turn, p->quads);
    s->sum[m] = sum;
}

/* Words of `columns` columns of n rows, `step` apart, in loops that a compiler makes vectors of. Missing rows are 0. */
static void quads_of_rows(const uint8_t *b, size_t n, size_t step, size_t columns, uint32_t turn, uint32_t *to)
{
    memset(to, 0, columns * sizeof *to);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < columns; j++)
            to[j] |= (b[i * step + j] ^ turn) << 8 * i;
}

static void pairs_of_rows(const uint8_t *b, size_t n, size_t step, size_t columns, uint32_t turn, uint32_t *to)
{
    for (size_t j = 0; j < columns; j++) {
        uint32_t low = (uint32_t)(int32_t)(int8_t)(b[j] ^ turn), high = n > 1 ? (uint32_t)(int32_t)(int8_t)(b[step + j] ^ turn) : 0;
        to[j] = (low & 0xffffu) | high << 16;
    }
}

static void pack_panel(void *self, size_t panel, unsigned thread)
{
    const struct packing   *s = self;
    const struct cpu_igemm *p = s->p;
    size_t                  width = s->engine->kernels->igemm->columns, terms = p->quads ? 4 : 2, first = panel * width;
    size_t                  columns = p->n - first < width ? p->n - first : width;
    uint32_t               *to = s->words + first * words_of(p), turn = p->b_unsigned ? TURN : 0;
    (void)thread;
    memset(s->sum + first, 0, columns * sizeof *s->sum);
    for (size_t k = 0; k < p->k; k += terms, to += width) {
        const uint8_t *b = s->from + k * p->n + first;
        size_t         n = p->k - k < terms ? p->k - k : terms;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < columns; j++)
                s->sum[first + j] += (int8_t)(b[i * p->n + j] ^ turn);
        if (p->quads)
            quads_of_rows(b, n, p->n, columns, turn, to);
        else
            pairs_of_rows(b, n, p->n, columns, turn, to);
        memset(to + columns, 0, (width - columns) * sizeof *to);
    }
}

void cpu_igemm_pack_a(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *a, uint32_t *to, int32_t *sum)
{
    struct packing s = {.engine = engine, .p = p, .from = a, .words = to, .sum = sum};
    cpu_pool_run(engine->pool, p->m, pack_row, &s);
}

void cpu_igemm_pack_b(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *b, uint32_t *to, int32_t *sum)
{
    struct packing s = {.engine = engine, .p = p, .from = b, .words = to, .sum = sum};
    cpu_pool_run(engine->pool, panels_of(engine->kernels, p), pack_panel, &s);
}

/* ---- turning over ------------------------------------------------------------------------------------------------ */

static void turn_row(void *self, size_t m, unsigned thread)
{
    const struct packing   *s = self;
    const struct cpu_igemm *p = s->p;
    int32_t                 sum = 0;
    uint8_t                 turn = p->a_signed ? TURN : 0;
    (void)thread;
    for (size_t k = 0; k < p->k; k++) {
        uint8_t x = s->from[m * p->k + k] ^ turn;
        sum += x;
        if (s->bytes)
            s->bytes[m * p->k + k] = x;
    }
    s->sum[m] = sum;
}

static void turn_columns(void *self, size_t panel, unsigned thread)
{
    const struct packing   *s = self;
    const struct cpu_igemm *p = s->p;
    size_t                  width = s->engine->kernels->igemm->columns, first = panel * width;
    size_t                  last = p->n - first < width ? p->n : first + width;
    uint8_t                 turn = p->b_unsigned ? TURN : 0;
    (void)thread;
    memset(s->sum + first, 0, (last - first) * sizeof *s->sum);
    for (size_t k = 0; k < p->k; k++)
        for (size_t j = first; j < last; j++) {
            uint8_t x = s->from[k * p->n + j] ^ turn;
            s->sum[j] += (int8_t)x;
            if (s->bytes)
                s->bytes[k * p->n + j] = x;
        }
}

void cpu_igemm_turn_a(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *a, uint8_t *to, int32_t *sum)
{
    struct packing s = {.engine = engine, .p = p, .from = a, .bytes = to, .sum = sum};
    cpu_pool_run(engine->pool, p->m, turn_row, &s);
}

void cpu_igemm_turn_b(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *b, uint8_t *to, int32_t *sum)
{
    struct packing s = {.engine = engine, .p = p, .from = b, .bytes = to, .sum = sum};
    cpu_pool_run(engine->pool, panels_of(engine->kernels, p), turn_columns, &s);
}

/* ---- multiplying ------------------------------------------------------------------------------------------------- */

struct multiplying {
    const struct cpu_igemm_kernels *kernels;
    const struct cpu_igemm         *p;
    const uint32_t                 *a, *b;
    int32_t                        *c;
    size_t                          pieces; /* of rows to a panel */
};

static void multiply_piece(void *self, size_t chunk, unsigned thread)
{
    const struct multiplying *s = self;
    const struct cpu_igemm   *p = s->p;
    size_t                    words = words_of(p), first = chunk / s->pieces * s->kernels->columns, row = chunk % s->pieces * ROWS_AT_A_TIME;
    size_t                    last = row + ROWS_AT_A_TIME < p->m ? row + ROWS_AT_A_TIME : p->m;
    (void)thread;
    for (; row < last; row += s->kernels->rows) {
        struct cpu_igemm_tile t = {.rows = last - row < s->kernels->rows ? last - row : s->kernels->rows,
                                   .columns = p->n - first < s->kernels->columns ? p->n - first : s->kernels->columns,
                                   .words = words, .a = s->a + row * words, .a_row = words, .b = s->b + first * words,
                                   .c = s->c + row * p->n + first, .c_row = p->n};
        (p->quads ? s->kernels->quads : s->kernels->pairs)(&t);
    }
}

void cpu_igemm_multiply(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint32_t *a, const uint32_t *b, int32_t *c)
{
    struct multiplying s = {.kernels = engine->kernels->igemm, .p = p, .a = a, .b = b, .c = c,
                            .pieces = (p->m + ROWS_AT_A_TIME - 1) / ROWS_AT_A_TIME};
    cpu_pool_run(engine->pool, s.pieces * panels_of(engine->kernels, p), multiply_piece, &s);
}

/* ---- oneDNN ------------------------------------------------------------------------------------------------------ */

bool cpu_igemm_onednn_is_exact(struct cpu_onednn *onednn, struct assay_text *why)
{
    enum { MOST = 48, K = 64 };
    static const size_t shapes[][2] = {{MOST, MOST}, {1, MOST}, {MOST, 1}}; /* blocks, and a vector on either side */
    static const int8_t numbers[] = {127, -128};
    uint8_t             a[MOST * K];
    int8_t              b[K * MOST];
    int32_t             c[MOST * MOST];
    struct assay_error  err = {.code = ASSAY_OK};
    memset(a, 255, sizeof a);
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        size_t  m = shapes[i / 2][0], n = shapes[i / 2][1];
        int32_t right = 255 * numbers[i % 2] * K;
        memset(b, numbers[i % 2], sizeof b);
        if (cpu_onednn_gemm_u8s8s32(onednn, m, n, K, a, b, c, &err)) {
            assay_text_add(why, "%s", err.message);
            return false;
        }
        for (size_t e = 0; e < m * n; e++)
            if (c[e] != right) {
                assay_text_add(why, "oneDNN gives %d for %d products of 255 by %d, not %d: it saturates in 16 bits here", (int)c[e], K,
                               numbers[i % 2], (int)right);
                return false;
            }
    }
    return true;
}
