/* Choices: what is certain of them when the numbers that are compared have errors. */
#ifndef ASSAY_REFERENCE_CHOOSE_H
#define ASSAY_REFERENCE_CHOOSE_H

#include "reference/arithmetic.h"

/* May a device see x and y in another order, or as equal where they are not? */
static inline bool assay_ref_too_close(struct assay_bounded x, struct assay_bounded y)
{
    return (x.error > 0 || y.error > 0) && !(fabs(x.value - y.value) > x.error + y.error);
}
/* What a comparison says; nothing is known when the operands are too close. */
static inline struct assay_bounded assay_bounded_holds(bool holds, struct assay_bounded x, struct assay_bounded y)
{
    return bounded(holds, assay_ref_too_close(x, y) ? INFINITY : 0);
}
/* One of two: the bound covers both when the choice is not certain. */
static inline struct assay_bounded assay_bounded_either(bool certain, struct assay_bounded chosen, struct assay_bounded other)
{
    if (certain)
        return chosen;
    double error = fmax(chosen.error, fabs(chosen.value - other.value) + other.error);
    return isfinite(chosen.value) && isfinite(other.value) ? bounded(chosen.value, error) : bounded(chosen.value, INFINITY);
}

/* Lines along an axis of a tensor: all elements that differ in that place only. A group is a line. */
struct assay_ref_lines {
    const struct assay_ref_call   *call;
    const struct assay_ref_tensor *x;
    struct assay_ref_axis          axis; /* of x */
    int64_t                        length; /* of the output along the axis */
    const int64_t                 *index;
    double                        *value, *bound;
    const void                    *self;
};
/* `each` is called for every line that is asked for; its elements' places along the output's axis by _place. */
enum assay_code assay_ref_lines_each(const struct assay_ref_lines *lines, size_t n, size_t scratch,
                                     void (*each)(const void *lines, size_t line, size_t count, const size_t *places,
                                                  double *scratch),
                                     struct assay_error *err);
/* Element k of a line of x. */
static inline struct assay_bounded assay_ref_line_at(const struct assay_ref_lines *l, size_t line, int64_t k)
{
    int64_t first = (int64_t)line / l->axis.inner * l->axis.length * l->axis.inner + (int64_t)line % l->axis.inner;
    return bounded_of(l->x, (size_t)(first + k * l->axis.inner));
}
static inline int64_t assay_ref_line_place(const struct assay_ref_lines *l, size_t place)
{
    return l->index[place] / l->axis.inner % l->length;
}

/* Numbers in order: descending, of equals the lower index first; NaN last. */
struct assay_ref_ranked {
    double value, error, index;
};
/* Sorts, and finds what is certain: error becomes a bound on the number that stands at this rank, and index_error[i] is 0 if
 * the element is certainly the one here, else infinite. `work` has room for 2 n numbers. */
void assay_ref_rank(size_t n, struct assay_ref_ranked *list, double *index_error, double *work);

#endif
