/* Choices that a device made by its scores (the class of a picture, the next token), against the reference's scores and their
 * bounds. Two scores that are closer than their bounds decide nothing: either choice is right. */
#ifndef ASSAY_VERIFY_CHOICES_H
#define ASSAY_VERIFY_CHOICES_H

#include <stddef.h>
#include <stdint.h>

/* Added up over calls; begin with all zero. */
struct assay_choices {
    uint64_t items, equal; /* equal: the reference chooses the same */
    uint64_t open;         /* another choice, of a score that is within the bounds of the reference's best */
    uint64_t wrong;        /* another choice, certainly a smaller score */
    uint64_t close;        /* the two best scores of the reference are closer than their bounds, whatever the device chose */
    uint64_t right, reference_right; /* choices that are the item's label */
    /* The first close item and the first wrong one: their numbers, and how far the two scores are apart. */
    uint64_t first_close, first_wrong;
    double   close_margin, close_bounds, wrong_margin, wrong_bounds;
    int64_t  wrong_choice, wrong_reference;
};

/* The greatest score's place, the first of equals. NaN counts as greater than all: a device that gives one chooses it. */
int64_t assay_choice_f32(const float *score, size_t classes);

/* One item more: scores of the reference with bounds, what the device chose, and the label (-1: there is none). An infinite bound
 * makes the item close. */
void assay_choices_add(struct assay_choices *c, const double *score, const double *bound, size_t classes, int64_t chosen, int64_t label);

#endif
