#include "harness/model/least_squares.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

#define ROUNDS 40
#define HUBER 0.25      /* a logarithm of time off by more counts linearly */
#define SCALE 0.15      /* the usual error of a form: what a deviation of a number is weighed against */
#define DIFFERENCE 1e-4 /* of a logarithm, for the derivatives */

static double pull_of(const struct assay_least_squares *p, size_t i, const double *numbers)
{
    return (log(numbers[i]) - p->begin[i]) / p->loose;
}

static double loss_of(const struct assay_least_squares *p, const double *numbers)
{
    double loss = 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        double r = fabs(p->residual(p->self, i, numbers)), huber = r <= HUBER ? r * r : HUBER * (2 * r - HUBER);
        loss += p->weight(p->self, i) * huber / (SCALE * SCALE);
    }
    for (size_t i = 0; i < p->n_numbers; i++)
        loss += pull_of(p, i, numbers) * pull_of(p, i, numbers);
    return loss;
}

/* A x = b, A symmetric and positive, by Cholesky; b becomes x. False where A is not. */
static bool solve(size_t n, double a[][ASSAY_LEAST_SQUARES_NUMBERS], double *b)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (size_t m = 0; m < j; m++)
                sum -= a[i][m] * a[j][m];
            if (i == j && sum <= 0)
                return false;
            a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t m = 0; m < i; m++)
            b[i] -= a[i][m] * b[m];
        b[i] /= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t m = i + 1; m < n; m++)
            b[i] -= a[m][i] * b[m];
        b[i] /= a[i][i];
    }
    return true;
}

struct normal {
    double a[ASSAY_LEAST_SQUARES_NUMBERS][ASSAY_LEAST_SQUARES_NUMBERS], b[ASSAY_LEAST_SQUARES_NUMBERS];
};

/* The normal equations at these numbers, rows that are far off weighed down as Huber's loss has it. */
static void linearise(const struct assay_least_squares *p, const double *numbers, struct normal *out)
{
    memset(out, 0, sizeof *out);
    for (size_t row = 0; row < p->n_rows; row++) {
        double slope[ASSAY_LEAST_SQUARES_NUMBERS], r = p->residual(p->self, row, numbers);
        double weight = p->weight(p->self, row) / (SCALE * SCALE) * (fabs(r) > HUBER ? HUBER / fabs(r) : 1);
        for (size_t i = 0; i < p->n_numbers; i++) {
            double moved[ASSAY_LEAST_SQUARES_NUMBERS];
            memcpy(moved, numbers, p->n_numbers * sizeof *moved);
            moved[i] *= exp(DIFFERENCE);
            slope[i] = (p->residual(p->self, row, moved) - r) / DIFFERENCE;
        }
        for (size_t i = 0; i < p->n_numbers; i++) {
            out->b[i] -= weight * slope[i] * r;
            for (size_t j = 0; j <= i; j++)
                out->a[i][j] += weight * slope[i] * slope[j];
        }
    }
    for (size_t i = 0; i < p->n_numbers; i++) {
        out->b[i] -= pull_of(p, i, numbers) / p->loose;
        out->a[i][i] += 1 / (p->loose * p->loose);
    }
}

static void stepped(const struct assay_least_squares *p, const double *numbers, const double *step, double *next)
{
    for (size_t i = 0; i < p->n_numbers; i++)
        next[i] = fmin(fmax(numbers[i] * exp(fmin(fmax(step[i], -0.5), 0.5)), p->low[i]), p->high[i]);
}

/* Levenberg's and Marquardt's way down (Marquardt, "An algorithm for least-squares estimation", 1963). */
void assay_least_squares(const struct assay_least_squares *p, double *numbers)
{
    double damping = 1e-2, loss = loss_of(p, numbers);
    for (int round = 0; round < ROUNDS && damping < 1e6; round++) {
        struct normal at;
        linearise(p, numbers, &at);
        double before = loss;
        while (damping < 1e6 && loss >= before) {
            struct normal damped = at;
            for (size_t i = 0; i < p->n_numbers; i++)
                damped.a[i][i] *= 1 + damping;
            if (solve(p->n_numbers, damped.a, damped.b)) {
                double next[ASSAY_LEAST_SQUARES_NUMBERS];
                stepped(p, numbers, damped.b, next);
                double there = loss_of(p, next);
                if (there < loss) {
                    loss = there;
                    memcpy(numbers, next, p->n_numbers * sizeof *next);
                }
            }
            damping *= loss < before ? 0.2 : 5;
        }
        if (before - loss < 1e-5 * before)
            break;
    }
}
