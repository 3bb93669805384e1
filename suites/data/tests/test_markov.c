#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "suites/data/markov.h"

enum { N = 200000, HISTORY = 96 };

static int64_t *text_of(const struct assay_markov *m, uint64_t index, size_t n)
{
    int64_t *x = malloc(n * sizeof *x);
    cr_assert(x);
    assay_markov_sequence(m, index, n, x);
    return x;
}

/* The loss of a reader who knows the source is the entropy rate: a mean of N terms with a deviation below 2 nats is within
 * 6 deviations of its expectation. */
Test(markov, a_perfect_reader_loses_the_entropy_rate)
{
    struct assay_markov m;
    assay_markov_init(&m, 5);
    int64_t *x = text_of(&m, 0, N);
    double   loss = 0, p[ASSAY_MARKOV_SYMBOLS];
    size_t   copies = 0;
    for (size_t t = HISTORY; t < N; t++) {
        assay_markov_next(&m, x + t, p);
        cr_assert(p[x[t]] > 0, "symbol %zu cannot stand there", t);
        loss -= log(p[x[t]]);
        copies += x[t - 1] == ASSAY_MARKOV_SYMBOLS - 1;
    }
    double mean = loss / (N - HISTORY), rate = assay_markov_entropy_rate();
    cr_expect(fabs(mean - rate) < 6 * 2 / sqrt(N), "%.5f, entropy rate %.5f", mean, rate);
    cr_expect(fabs((double)copies / (N - HISTORY) - 0.2) < 6 * 0.4 / sqrt(N), "a fifth of the steps are copies");
    free(x);
}

/* Of 400 means over 500 symbols: their spread is the deviation over sqrt 500, known to 1 / sqrt(800) = 3.5 %. */
Test(markov, means_of_a_perfect_reader_spread_as_said)
{
    struct assay_markov m;
    double              sum = 0, squares = 0, p[ASSAY_MARKOV_SYMBOLS];
    assay_markov_init(&m, 8);
    for (uint64_t i = 0; i < 400; i++) {
        int64_t *x = text_of(&m, i, 532);
        double   loss = 0;
        for (size_t t = 32; t < 532; t++) {
            assay_markov_next(&m, x + t, p);
            loss -= log(p[x[t]]) / 500;
        }
        sum += loss / 400;
        squares += loss * loss / 400;
        free(x);
    }
    double ratio = sqrt(squares - sum * sum) / (assay_markov_loss_deviation() / sqrt(500));
    cr_expect(ratio > 0.86 && ratio < 1.14, "%.3f", ratio);
}

/* By hand: p = 1/4, q = 1/2, 1/4, ..., 2^-14, 2^-14. */
Test(markov, the_entropy_rate_is_that_of_its_formula)
{
    double h = 0.25 * log(4) + 0.75 * log(4.0 / 3), q = 0;
    for (int r = 1; r <= 14; r++)
        q += r * log(2) * ldexp(1, -r);
    q += 14 * log(2) * ldexp(1, -14);
    cr_expect(fabs(assay_markov_entropy_rate() - (h + 0.75 * q) / 1.25) < 1e-14);
}

Test(markov, probabilities_sum_to_one_and_depend_on_three_symbols)
{
    struct assay_markov m;
    int64_t             x[64] = {0};
    double              p[ASSAY_MARKOV_SYMBOLS], other[ASSAY_MARKOV_SYMBOLS];
    int                 changed[4] = {0};
    assay_markov_init(&m, 9);
    for (int64_t a = 0; a < ASSAY_MARKOV_SYMBOLS - 1; a++) {
        x[63] = a;
        assay_markov_next(&m, x + 64, p);
        double sum = 0;
        for (int i = 0; i < ASSAY_MARKOV_SYMBOLS; i++)
            sum += p[i];
        cr_expect(fabs(sum - 1) < 1e-15);
        for (int back = 2; back <= 5; back++) {
            x[64 - back] ^= 1;
            assay_markov_next(&m, x + 64, other);
            x[64 - back] ^= 1;
            for (int i = 0; i < ASSAY_MARKOV_SYMBOLS; i++)
                changed[back - 2] += p[i] != other[i];
        }
    }
    cr_expect(changed[0] > 0 && changed[1] > 0, "the second and the third symbol back matter");
    cr_expect(changed[2] == 0 && changed[3] == 0, "further ones do not, but for copies");
}

Test(markov, sequences_are_functions_of_seed_and_index)
{
    struct assay_markov m, other;
    assay_markov_init(&m, 1);
    assay_markov_init(&other, 2);
    int64_t *a = text_of(&m, 7, 1000), *b = text_of(&m, 7, 1000), *c = text_of(&m, 8, 1000), *d = text_of(&other, 7, 1000);
    int      ab = 0, ac = 0, ad = 0;
    for (int i = 0; i < 1000; i++) {
        ab += a[i] != b[i];
        ac += a[i] != c[i];
        ad += a[i] != d[i];
    }
    cr_expect_eq(ab, 0);
    cr_expect(ac > 500 && ad > 500, "%d %d", ac, ad);
    free(a), free(b), free(c), free(d);
}
