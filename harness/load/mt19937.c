#include "harness/load/mt19937.h"

#include <math.h>
#include <stddef.h>

#include "assay/banned.h"

#define WORDS 624u
#define SHIFT 397u

void assay_mt19937_init(struct assay_mt19937 *g, uint64_t seed)
{
    *g = (struct assay_mt19937){.at = WORDS};
    g->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < WORDS; i++)
        g->state[i] = 1812433253u * (g->state[i - 1] ^ (g->state[i - 1] >> 30)) + i;
}

/* Four neighbours of an array at once. */
typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));
#define FOUR(array, i) (*(four *)&(array)[i])

static uint32_t twisted(uint32_t upper, uint32_t lower)
{
    uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return (y >> 1) ^ ((0u - (y & 1u)) & 0x9908b0dfu);
}

static four twisted_four(four upper, four lower)
{
    four y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return (y >> 1) ^ ((0u - (y & 1u)) & 0x9908b0dfu);
}

/* The words after these: each reads a neighbour that is still of before, and one SHIFT ahead that, past the end, is already of now. */
static void twist(uint32_t *x)
{
    uint32_t i = 0;
    for (; i + 4 <= WORDS - SHIFT; i += 4)
        FOUR(x, i) = FOUR(x, i + SHIFT) ^ twisted_four(FOUR(x, i), FOUR(x, i + 1));
    for (; i < WORDS - SHIFT; i++)
        x[i] = x[i + SHIFT] ^ twisted(x[i], x[i + 1]);
    for (; i + 4 <= WORDS - 1; i += 4)
        FOUR(x, i) = FOUR(x, i + SHIFT - WORDS) ^ twisted_four(FOUR(x, i), FOUR(x, i + 1));
    for (; i < WORDS - 1; i++)
        x[i] = x[i + SHIFT - WORDS] ^ twisted(x[i], x[i + 1]);
    x[WORDS - 1] = x[SHIFT - 1] ^ twisted(x[WORDS - 1], x[0]);
}

static void fill(struct assay_mt19937 *g)
{
    twist(g->state);
    for (uint32_t i = 0; i < WORDS; i += 4) {
        four y = FOUR(g->state, i);
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        FOUR(g->numbers, i) = y ^ (y >> 18);
    }
    g->at = 0;
}

uint32_t assay_mt19937_next(struct assay_mt19937 *g)
{
    if (g->at == WORDS)
        fill(g);
    return g->numbers[g->at++];
}

uint32_t assay_mt19937_below(struct assay_mt19937 *g, uint32_t n)
{
    uint64_t product = (uint64_t)assay_mt19937_next(g) * n;
    if ((uint32_t)product < n) {
        uint32_t least = (0u - n) % n;
        while ((uint32_t)product < least)
            product = (uint64_t)assay_mt19937_next(g) * n;
    }
    return (uint32_t)(product >> 32);
}

double assay_mt19937_unit(struct assay_mt19937 *g)
{
    double low = assay_mt19937_next(g), sum = low + assay_mt19937_next(g) * 0x1p32, unit = sum * 0x1p-64;
    return unit < 1 ? unit : 0x1.fffffffffffffp-1; /* 2^64 - 1 and its neighbours round up */
}

double assay_mt19937_exponential(struct assay_mt19937 *g, double rate)
{
    return -log(1 - assay_mt19937_unit(g)) / rate;
}

static void swap(uint32_t *values, uint32_t i, uint32_t j)
{
    if (!values)
        return;
    uint32_t kept = values[i];
    values[i] = values[j];
    values[j] = kept;
}

/* While n * n fits a word, one number gives the places of two neighbours; an even n has one left over, which comes first. */
static void shuffle_in_pairs(struct assay_mt19937 *g, uint32_t *values, uint32_t n)
{
    uint32_t i = 1;
    if (n % 2 == 0)
        swap(values, i++, assay_mt19937_below(g, 2));
    for (; i < n; i += 2) {
        uint32_t both = assay_mt19937_below(g, (i + 1) * (i + 2));
        swap(values, i, both / (i + 2));
        swap(values, i + 1, both % (i + 2));
    }
}

/* Numbers that are ready and surely fair below i + 1, i + 2 and so on, up to n, are passed over; the first i that is left. */
static uint32_t pass_over(struct assay_mt19937 *g, uint32_t i, uint32_t n)
{
    uint32_t at = g->at;
    for (; i < n && at < WORDS && g->numbers[at] * (i + 1) > i; i++)
        at++;
    g->at = at;
    return i;
}

void assay_mt19937_shuffle(struct assay_mt19937 *g, uint32_t *values, uint32_t n)
{
    if (n == 0)
        return;
    if (UINT32_MAX / n >= n) {
        shuffle_in_pairs(g, values, n);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        swap(values, i, assay_mt19937_below(g, i + 1));
        if (!values)
            i = pass_over(g, i + 1, n) - 1;
    }
}
