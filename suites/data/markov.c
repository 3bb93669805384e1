#include "suites/data/markov.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/random.h"

#include "assay/banned.h"

#define SYMBOLS ASSAY_MARKOV_SYMBOLS
#define MARKER (SYMBOLS - 1)
#define P_MARKER 0.25
#define HIDDEN 64 /* symbols before each sequence */

/* q[r]: halves, but for the last rank, so that they sum to one. */
static double rank_probability(int r)
{
    return ldexp(1.0, r < SYMBOLS - 2 ? -(r + 1) : -(SYMBOLS - 2));
}

void assay_markov_init(struct assay_markov *m, uint64_t seed)
{
    struct assay_random random;
    assay_random_init(&random, seed ^ 0x6d61726b6f76ull);
    m->seed = seed;
    for (int c = 0; c < 4 * SYMBOLS; c++) {
        uint8_t *list = m->symbol_of_rank[c];
        for (int i = 0; i < SYMBOLS - 1; i++)
            list[i] = (uint8_t)i;
        for (int i = SYMBOLS - 2; i > 0; i--) { /* Fisher and Yates */
            int     k = (int)assay_random_below(&random, (uint64_t)i + 1);
            uint8_t kept = list[i];
            list[i] = list[k];
            list[k] = kept;
        }
    }
}

static const uint8_t *context(const struct assay_markov *m, const int64_t *past)
{
    return m->symbol_of_rank[4 * past[-1] + 2 * (past[-2] % 2) + past[-3] % 2];
}

static int64_t copied(const int64_t *past)
{
    int64_t x = past[-ASSAY_MARKOV_DISTANCE];
    return x == MARKER ? 0 : x;
}

void assay_markov_next(const struct assay_markov *m, const int64_t *past, double out[SYMBOLS])
{
    for (int i = 0; i < SYMBOLS; i++)
        out[i] = 0;
    if (past[-1] == MARKER) {
        out[copied(past)] = 1;
        return;
    }
    out[MARKER] = P_MARKER;
    for (int r = 0; r < SYMBOLS - 1; r++)
        out[context(m, past)[r]] = (1 - P_MARKER) * rank_probability(r);
}

static int64_t draw(const struct assay_markov *m, const int64_t *past, struct assay_random *random)
{
    if (past[-1] == MARKER)
        return copied(past);
    double u = assay_random_unit(random);
    if (u < P_MARKER)
        return MARKER;
    u = (u - P_MARKER) / (1 - P_MARKER);
    int r = 0;
    for (; r < SYMBOLS - 2 && u >= rank_probability(r); r++)
        u -= rank_probability(r);
    return context(m, past)[r];
}

void assay_markov_sequence(const struct assay_markov *m, uint64_t index, size_t n, int64_t *out)
{
    struct assay_random random;
    int64_t             before[HIDDEN + ASSAY_MARKOV_DISTANCE], window[2 * ASSAY_MARKOV_DISTANCE];
    size_t              shown = 0, at = ASSAY_MARKOV_DISTANCE;
    assay_random_init(&random, (m->seed + 1) * 0x9E3779B97F4A7C15ull ^ (index + 1) * 0xD1B54A32D192ED03ull);
    for (int i = 0; i < ASSAY_MARKOV_DISTANCE; i++)
        before[i] = (int64_t)assay_random_below(&random, SYMBOLS - 1);
    for (int i = ASSAY_MARKOV_DISTANCE; i < HIDDEN + ASSAY_MARKOV_DISTANCE; i++)
        before[i] = draw(m, before + i, &random);
    for (int i = 0; i < ASSAY_MARKOV_DISTANCE; i++)
        window[i] = before[HIDDEN + i];
    for (; shown < n; shown++) {
        out[shown] = window[at] = draw(m, window + at, &random);
        if (++at < sizeof window / sizeof *window)
            continue;
        for (int i = 0; i < ASSAY_MARKOV_DISTANCE; i++)
            window[i] = window[ASSAY_MARKOV_DISTANCE + i];
        at = ASSAY_MARKOV_DISTANCE;
    }
}

double assay_markov_entropy_rate(void)
{
    double bit = -P_MARKER * log(P_MARKER) - (1 - P_MARKER) * log(1 - P_MARKER), ranks = 0;
    for (int r = 0; r < SYMBOLS - 1; r++)
        ranks -= rank_probability(r) * log(rank_probability(r));
    return (bit + (1 - P_MARKER) * ranks) / (1 + P_MARKER);
}

double assay_markov_loss_deviation(void)
{
    double rate = assay_markov_entropy_rate(), marker = -log(P_MARKER) - 2 * rate, squares = P_MARKER * marker * marker;
    for (int r = 0; r < SYMBOLS - 1; r++) {
        double p = (1 - P_MARKER) * rank_probability(r), term = -log(p) - rate;
        squares += p * term * term;
    }
    return sqrt(squares / (1 + P_MARKER)); /* the mean of the terms is 0 */
}
