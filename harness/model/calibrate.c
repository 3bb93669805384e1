#include "harness/model/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#define ROUNDS 40
#define HUBER 0.25      /* a logarithm of time off by more counts linearly */
#define SCALE 0.15      /* the usual error of a form: what a deviation of a coefficient is weighed against */
#define DIFFERENCE 1e-4 /* of a logarithm, for the derivatives */
#define PARAMETERS_MOST 32

/* The least-squares problem in logarithms: rows of residuals, columns of coefficients that may move. */
struct problem {
    const struct assay_measurements *samples;
    const size_t                    *rows; /* of samples */
    size_t                           n_rows;
    enum assay_coefficient           moves[PARAMETERS_MOST];
    size_t                           n_moves;
    double                           begin[PARAMETERS_MOST]; /* logarithms */
    double                           loose;
};

static double residual_of(const struct problem *p, size_t row, const struct assay_coefficients *k)
{
    const struct assay_measurement *s = &p->samples->at[p->rows[row]];
    struct assay_price              price;
    struct assay_error              err;
    if (assay_kernel_price(&p->samples->chips[s->chip].chip, k, &s->kernel, &price, &err))
        return 0; /* weighed 0 too: see weigh */
    return log(price.ns / s->measured_ns);
}

static double pull_of(const struct problem *p, size_t i, const struct assay_coefficients *k)
{
    return (log(k->value[p->moves[i]]) - p->begin[i]) / p->loose;
}

static double loss_of(const struct problem *p, const struct assay_coefficients *k)
{
    double loss = 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        double r = fabs(residual_of(p, i, k)), huber = r <= HUBER ? r * r : HUBER * (2 * r - HUBER);
        loss += p->samples->at[p->rows[i]].weight * huber / (SCALE * SCALE);
    }
    for (size_t i = 0; i < p->n_moves; i++)
        loss += pull_of(p, i, k) * pull_of(p, i, k);
    return loss;
}

/* A x = b, A symmetric and positive, by Cholesky; b becomes x. False where A is not. */
static bool solve(size_t n, double a[][PARAMETERS_MOST], double *b)
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
    double a[PARAMETERS_MOST][PARAMETERS_MOST], b[PARAMETERS_MOST];
};

/* The normal equations at k, rows that are far off weighed down as Huber's loss has it. */
static void linearise(const struct problem *p, const struct assay_coefficients *k, struct normal *out)
{
    memset(out, 0, sizeof *out);
    for (size_t row = 0; row < p->n_rows; row++) {
        double slope[PARAMETERS_MOST], r = residual_of(p, row, k);
        double weight = p->samples->at[p->rows[row]].weight / (SCALE * SCALE) * (fabs(r) > HUBER ? HUBER / fabs(r) : 1);
        for (size_t i = 0; i < p->n_moves; i++) {
            struct assay_coefficients moved = *k;
            moved.value[p->moves[i]] *= exp(DIFFERENCE);
            slope[i] = (residual_of(p, row, &moved) - r) / DIFFERENCE;
        }
        for (size_t i = 0; i < p->n_moves; i++) {
            out->b[i] -= weight * slope[i] * r;
            for (size_t j = 0; j <= i; j++)
                out->a[i][j] += weight * slope[i] * slope[j];
        }
    }
    for (size_t i = 0; i < p->n_moves; i++) {
        out->b[i] -= pull_of(p, i, k) / p->loose;
        out->a[i][i] += 1 / (p->loose * p->loose);
    }
}

static struct assay_coefficients stepped(const struct problem *p, const struct assay_coefficients *k, const double *step)
{
    struct assay_coefficients next = *k;
    for (size_t i = 0; i < p->n_moves; i++) {
        const struct assay_coefficient_row *row = &assay_coefficient_rows[p->moves[i]];
        double                              value = k->value[p->moves[i]] * exp(fmin(fmax(step[i], -0.5), 0.5));
        next.value[p->moves[i]] = fmin(fmax(value, row->low), row->high);
    }
    return next;
}

/* Levenberg's and Marquardt's way down (Marquardt, "An algorithm for least-squares estimation", 1963). */
static void descend(const struct problem *p, struct assay_coefficients *k)
{
    double damping = 1e-2, loss = loss_of(p, k);
    for (int round = 0; round < ROUNDS && damping < 1e6; round++) {
        struct normal at;
        linearise(p, k, &at);
        double before = loss;
        while (damping < 1e6 && loss >= before) {
            struct normal damped = at;
            for (size_t i = 0; i < p->n_moves; i++)
                damped.a[i][i] *= 1 + damping;
            if (solve(p->n_moves, damped.a, damped.b)) {
                struct assay_coefficients next = stepped(p, k, damped.b);
                double                    there = loss_of(p, &next);
                if (there < loss) {
                    loss = there;
                    *k = next;
                }
            }
            damping *= loss < before ? 0.2 : 5;
        }
        if (before - loss < 1e-5 * before)
            break;
    }
}

static bool is_chosen(const struct assay_measurements *s, const struct assay_fit_choice *c,
                      const struct assay_measurement *sample)
{
    return sample->kernel.class == c->class && sample->chip != c->left_out &&
           (!c->vendor || !strcmp(s->chips[sample->chip].vendor, c->vendor)) &&
           (!c->device || !strcmp(s->chips[sample->chip].name, c->device));
}

/* Every pair of chip and format weighs the same, the square root of its rows being what they say. */
static void weigh(const struct assay_measurements *s, const size_t *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct assay_measurement *a = &s->at[rows[i]];
        size_t                    alike = 0;
        for (size_t j = 0; j < n; j++)
            alike += s->at[rows[j]].chip == a->chip && s->at[rows[j]].kernel.format == a->kernel.format;
        a->weight = 1 / sqrt((double)alike);
    }
}

enum assay_code assay_fit(const struct assay_measurements *samples, const struct assay_fit_choice *choice, double loose,
                          struct assay_coefficients *k, struct assay_error *err)
{
    struct problem p = {.samples = samples, .loose = loose};
    size_t        *rows = calloc(samples->n + 1, sizeof *rows);
    if (!rows)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu rows", samples->n);
    for (size_t i = 0; i < samples->n; i++)
        if (is_chosen(samples, choice, &samples->at[i]))
            rows[p.n_rows++] = i;
    p.rows = rows;
    weigh(samples, rows, p.n_rows);
    for (size_t i = 0; i < ASSAY_COEFFICIENTS && p.n_moves < PARAMETERS_MOST; i++) {
        const struct assay_coefficient_row *row = &assay_coefficient_rows[i];
        if (row->class != choice->class || row->low >= row->high)
            continue;
        p.begin[p.n_moves] = log(k->value[i]);
        p.moves[p.n_moves++] = (enum assay_coefficient)i;
    }
    if (p.n_rows && p.n_moves)
        descend(&p, k);
    free(rows);
    return ASSAY_OK;
}
