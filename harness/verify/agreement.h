/* Do two executions give the same bits? Counts runs that were compared with what they should repeat, and keeps where the first
 * difference is and how large the largest. */
#ifndef ASSAY_VERIFY_AGREEMENT_H
#define ASSAY_VERIFY_AGREEMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

struct assay_agreement {
    uint64_t runs, differing;  /* compared; of those, not bitwise equal */
    uint64_t elements;         /* that differed, over all runs */
    double   most_ulps;        /* largest difference in units of the last place: representable numbers between the two, plus 1;
                                  infinite between a number and none */
    double   most_relative;    /* largest difference, over the root mean square of what was expected in that output */
    char     output[ASSAY_VALUE_NAME_BYTES], run[64]; /* of the first difference; empty: there is none */
    int64_t  element;          /* flat */
    double   expected, observed;
    bool     differs;          /* the run that goes on */
};

/* Elements `first` to first + n of an output: `expected` and `observed` point at them. Types under a byte begin at a byte. */
void assay_agreement_compare(struct assay_agreement *a, const struct assay_value *output, uint64_t first, uint64_t n,
                             const void *expected, const void *observed);
/* The run is over; `run` names it for people ("4 threads"). */
void assay_agreement_run_end(struct assay_agreement *a, const char *run);
/* Adds the runs of another. */
void assay_agreement_add(struct assay_agreement *a, const struct assay_agreement *more);

/* How a share of differing runs is known: its interval of 95 % by Clopper and Pearson (1934), both sides; of none that differs only
 * the upper end, one-sided: 1 - 0.05^(1/n), about 3/n (the rule of three). Of no runs: 0 to 1. */
struct assay_agreement_share {
    double low, high;
};
struct assay_agreement_share assay_agreement_share_of(const struct assay_agreement *a);

json_t *assay_agreement_to_json(const struct assay_agreement *a);
/* What a worker says is not trusted: ASSAY_PROTOCOL for what is none. */
enum assay_code assay_agreement_from_json(const json_t *json, struct assay_agreement *out, struct assay_error *err);

#endif
