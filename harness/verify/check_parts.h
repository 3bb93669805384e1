/* What check.c finds while it compares, and check_verdict.c makes a verdict of. Nobody else includes this. */
#ifndef ASSAY_VERIFY_CHECK_PARTS_H
#define ASSAY_VERIFY_CHECK_PARTS_H

#include "harness/verify/check.h"
#include "harness/verify/errors.h"
#include "harness/verify/expected.h"
#include "harness/verify/witness_file.h"

/* What one output of all judged contents showed. */
struct assay_check_shown {
    int32_t  value;
    bool     in_contents; /* every content's block has it; else only exemplars' may */
    uint64_t compared, telling; /* single elements; those where |expected| > bound, so that a zero would fail */
    double   first_value;       /* of the observed ones */
    bool     varies;
    bool     infinite_expected; /* the reference itself has values that are not finite */
    uint64_t unexplained;       /* elements not finite in contents without such */
    bool     strange;           /* over half of a bound that allows many roundings */
    uint64_t due;               /* of a state: compared elements that the iteration changes */
    bool     unchanged;         /* in some content every element is what the state held before */
    bool     poisoned;          /* in some content more of its poison is left than chance explains */
    double   of_errors, of_expected, of_observed, product; /* sums of squares, and of y e */
    double   worst_ratio, worst_observed, worst_expected, worst_bound; /* ratio NaN: nothing was compared */
    int64_t  worst_index;
    bool     worst_is_sum;
    double   largest_bound;
};
struct assay_check_judge {
    const unsigned char          *file;
    const struct assay_graph     *graph;
    struct assay_witness_layout   layout;
    struct assay_witness_header   header;
    struct assay_expected        *expected;
    assay_check_outputs_fn       *see; /* may be NULL */
    void                         *self;
    struct assay_check           *out;
    struct assay_check_shown                 *shown;          /* one an output of the graph */
    uint32_t                      looked_at;      /* outputs that the block has of which the assurance is */
    double                       *ratio; /* of all single elements */
    size_t                        n_ratios, room;
    struct assay_errors           errors; /* of the elements that have a deviation */
    struct assay_errors           biased; /* of the first output whose errors are */
    int32_t                       biased_value;
    bool                          probable; /* some bound was that of sums rounded to nearest */
    bool                          worst_is_sum; /* of all outputs together */
    bool                          judged[ASSAY_WITNESS_MOST_CHOSEN]; /* contents */
    uint32_t                      sets_kept, sets_judged;
    char                          poisoned[ASSAY_VALUE_NAME_BYTES]; /* output whose poison was left */
    uint64_t                      poison_left, poison_of;
};

/* Outcome, sentence and figures of everything that was compared. Sorts the ratios. */
void assay_check_decide(struct assay_check_judge *j);
/* Tells the rows of all outputs to who listens. */
enum assay_code assay_check_tell_outputs(const struct assay_check_judge *j, struct assay_error *err);

#endif
