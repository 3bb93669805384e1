/* Numbers that bring a form nearest to what was measured: least squares in logarithms, robust against rows that are far off, every number
 * pulled to where it begins. */
#ifndef ASSAY_MODEL_LEAST_SQUARES_H
#define ASSAY_MODEL_LEAST_SQUARES_H

#include <stdbool.h>
#include <stddef.h>

enum { ASSAY_LEAST_SQUARES_NUMBERS = 32 };
struct assay_least_squares {
    size_t n_rows, n_numbers; /* n_numbers <= ASSAY_LEAST_SQUARES_NUMBERS */
    /* ln(form / measured) of a row with these numbers; its weight. */
    double (*residual)(void *self, size_t row, const double *numbers);
    double (*weight)(void *self, size_t row);
    void  *self;
    double begin[ASSAY_LEAST_SQUARES_NUMBERS]; /* logarithms of where numbers begin */
    double low[ASSAY_LEAST_SQUARES_NUMBERS], high[ASSAY_LEAST_SQUARES_NUMBERS];
    double loose; /* how far, in logarithms, a number strays from its beginning before it costs as much as a row of weight 1 that is wrong by
                     the usual error, 0.15 */
};
/* Huber's loss at 0.25, by Levenberg's and Marquardt's way down from *numbers, which are changed. */
void assay_least_squares(const struct assay_least_squares *p, double *numbers);

#endif
