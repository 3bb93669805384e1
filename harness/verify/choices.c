#include "harness/verify/choices.h"

#include <math.h>

#include "assay/banned.h"

int64_t assay_choice_f32(const float *score, size_t classes)
{
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        if (!(score[k] <= score[best]) && !isnan(score[best]))
            best = k;
    return (int64_t)best;
}

void assay_choices_add(struct assay_choices *c, const double *score, const double *bound, size_t classes, int64_t chosen, int64_t label)
{
    size_t best = 0, second = 1;
    for (size_t k = 1; k < classes; k++)
        best = score[k] > score[best] ? k : best;
    second = best ? 0 : 1;
    /* nearest to the best by what is left between their intervals: a far score with a wide bound may reach it too */
    for (size_t k = 0; k < classes; k++)
        if (k != best && score[best] - score[k] - bound[k] < score[best] - score[second] - bound[second])
            second = k;
    uint64_t item = c->items++;
    double   margin = classes > 1 ? score[best] - score[second] : INFINITY, bounds = classes > 1 ? bound[best] + bound[second] : 0;
    if (!(margin > bounds) && !c->close++) {
        c->first_close = item;
        c->close_margin = margin;
        c->close_bounds = bounds;
    }
    c->right += label >= 0 && chosen == label;
    c->reference_right += label >= 0 && (int64_t)best == label;
    if (chosen == (int64_t)best) {
        c->equal++;
        return;
    }
    double behind = score[best] - score[chosen], may = bound[best] + bound[chosen];
    if (!(behind > may)) {
        c->open++;
    } else if (!c->wrong++) {
        c->first_wrong = item;
        c->wrong_margin = behind;
        c->wrong_bounds = may;
        c->wrong_choice = chosen;
        c->wrong_reference = (int64_t)best;
    }
}
