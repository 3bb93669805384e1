#include "harness/model/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/model/least_squares.h"

#include "assay/banned.h"

/* The rows that a fit sees, and the coefficients that it moves. */
struct fitting {
    const struct assay_measurements *samples;
    const size_t                    *rows; /* of samples */
    enum assay_coefficient           moves[ASSAY_LEAST_SQUARES_NUMBERS];
    size_t                           n_moves;
    struct assay_coefficients        k; /* the others */
};

static double residual_of(void *self, size_t row, const double *numbers)
{
    const struct fitting           *f = self;
    const struct assay_measurement *s = &f->samples->at[f->rows[row]];
    struct assay_coefficients       k = f->k;
    struct assay_price              price;
    struct assay_error              err;
    for (size_t i = 0; i < f->n_moves; i++)
        k.value[f->moves[i]] = numbers[i];
    if (assay_kernel_price(&f->samples->chips[s->chip].chip, &k, &s->kernel, &price, &err))
        return 0;
    return log(price.ns / s->measured_ns);
}

static double weight_of(void *self, size_t row)
{
    const struct fitting *f = self;
    return f->samples->at[f->rows[row]].weight;
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
    struct fitting             f = {.samples = samples, .k = *k};
    struct assay_least_squares p = {.residual = residual_of, .weight = weight_of, .self = &f, .loose = loose};
    double                     numbers[ASSAY_LEAST_SQUARES_NUMBERS];
    size_t                    *rows = calloc(samples->n + 1, sizeof *rows);
    if (!rows)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu rows", samples->n);
    for (size_t i = 0; i < samples->n; i++)
        if (is_chosen(samples, choice, &samples->at[i]))
            rows[p.n_rows++] = i;
    f.rows = rows;
    weigh(samples, rows, p.n_rows);
    for (size_t i = 0; i < ASSAY_COEFFICIENTS && f.n_moves < ASSAY_LEAST_SQUARES_NUMBERS; i++) {
        const struct assay_coefficient_row *row = &assay_coefficient_rows[i];
        if (row->class != choice->class || row->low >= row->high)
            continue;
        numbers[f.n_moves] = k->value[i];
        p.begin[f.n_moves] = log(k->value[i]);
        p.low[f.n_moves] = row->low;
        p.high[f.n_moves] = row->high;
        f.moves[f.n_moves++] = (enum assay_coefficient)i;
    }
    p.n_numbers = f.n_moves;
    if (p.n_rows && p.n_numbers)
        assay_least_squares(&p, numbers);
    for (size_t i = 0; i < f.n_moves; i++)
        k->value[f.moves[i]] = numbers[i];
    free(rows);
    return ASSAY_OK;
}
