/* The judge of one witness: are these outputs right, how wrong, and how small a fault would have been seen? */
#ifndef ASSAY_VERIFY_CHECK_H
#define ASSAY_VERIFY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

enum assay_outcome {
    ASSAY_PASS = 1,
    ASSAY_MARGINAL = 2,  /* within the bound, but over half of one that allows more than 48 roundings */
    ASSAY_FAIL = 3,
    ASSAY_UNTRUSTED = 4, /* agreed and proved nothing */
    ASSAY_NOT_CHECKED = 5,
};
const char *assay_outcome_name(enum assay_outcome outcome);
/* The outcome of that name; 0: there is none. `name` may be NULL. */
enum assay_outcome assay_outcome_find(const char *name);
/* Did outputs with this verdict prove what was run: pass, or marginal. */
bool assay_outcome_proves(enum assay_outcome outcome);
/* How bad an outcome is, for choosing the worst: pass 0, marginal 1, not checked 2, untrusted 3, fail 4. */
int assay_outcome_badness(enum assay_outcome outcome);

enum assay_assurance {
    ASSAY_ASSURANCE_NONE = 0,
    ASSAY_ASSURANCE_FULL = 1,      /* every output element of a judged iteration against the reference */
    ASSAY_ASSURANCE_ALGEBRAIC = 2, /* every element through random sums with their bound, and a sample singly */
    ASSAY_ASSURANCE_SAMPLED = 3,   /* a sample of the elements */
    ASSAY_ASSURANCE_LOCAL = 4,     /* each node from the device's own inputs */
    ASSAY_ASSURANCE_LEARNED = 5,   /* the net that a training left, evaluated by the reference on data it never saw */
};
const char *assay_assurance_name(enum assay_assurance assurance);

/* What of the judge's instruments decided that an outcome is not a plain pass. */
enum assay_instrument {
    ASSAY_BY_NONE = 0,         /* it is one, or what uses much of its bounds */
    ASSAY_BY_POISON = 1,       /* what was there before is still there */
    ASSAY_BY_EXACT = 2,        /* an element whose bound is 0 */
    ASSAY_BY_ELEMENT = 3,      /* an element beyond its bound */
    ASSAY_BY_SUM = 4,          /* a sum of elements beyond its bound */
    ASSAY_BY_FINITE = 5,       /* elements that are not finite among those that were only counted */
    ASSAY_BY_DISTRIBUTION = 6, /* errors that roundings to nearest do not make */
    ASSAY_BY_TELLING = 7,      /* zeros or one constant would have done as well */
};
const char *assay_instrument_name(enum assay_instrument by); /* one word: "element" */

struct assay_check {
    enum assay_outcome   outcome;
    enum assay_instrument by;
    char                 why[400]; /* one sentence; for pass: what was shown */
    enum assay_assurance assurance;
    uint64_t elements;        /* output elements compared singly with the reference */
    uint64_t sums;            /* random sums compared */
    uint64_t of_elements;     /* elements of one iteration's outputs */
    double   worst_ratio;     /* largest |observed - expected| / bound; NaN: nothing compared */
    double   median_ratio;    /* over the single elements */
    char     bound[80];       /* of what kind: "worst-case bound", "bound of sums rounded to nearest, false alarm <= 1e-06" or
                                 "statistical bound, 3 replicas, false alarm <= 1e-06" */
    char     worst_value[ASSAY_VALUE_NAME_BYTES]; /* output's name */
    int64_t  worst_index;     /* flat; -1 none */
    uint64_t worst_iteration;
    double   worst_observed, worst_expected, worst_bound;
    uint64_t errors;         /* elements whose errors have a known distribution, see errors.h; 0: there are none */
    double   lean, drift;    /* of those errors: toward zero and up, in standard deviations of what chance gives */
    double   rms;            /* of those errors, over their greatest deviation; NaN: none */
    double   smallest_fault;  /* relative size, against the root mean square of the output, of a fault in one element found with 99 % */
    uint64_t iterations, chosen, judged, equal; /* timed; kept; compared with the reference; bitwise equal to a judged one */
    double   cheat_share_found; /* a device that cheats in this share of iterations is found with 95 % */
    uint64_t not_finite, poison_left, zeros; /* among the kept elements */
};

/* What was found of one output, in all judged iterations together. With y an element as observed and e as expected, over the
 * elements that were compared singly and whose e is finite:
 *     error = sqrt(sum (y - e)^2 / sum e^2)      cosine = sum y e / sqrt(sum y^2 sum e^2)
 * The verdict is of the bounds alone; these say how an output that leaves them does so, and show a bound that is loose. */
struct assay_check_output {
    char               name[ASSAY_VALUE_NAME_BYTES];
    enum assay_outcome outcome;  /* untrusted: within the bounds, as zeros or one constant would be; not_checked: not looked at */
    uint64_t           elements, compared; /* of the output; singly, over all judged iterations */
    double             error, cosine;      /* NaN: nothing was compared, a norm is 0, or all elements are within their bounds of 0 and
                                              both would be of roundings; error INFINITY: not finite */
    double             worst_ratio;        /* NaN: nothing was compared */
    int64_t            worst_index;        /* flat; -1 none */
    bool               worst_is_sum;       /* of a sum of elements that begins there */
    double             worst_observed, worst_expected, worst_bound;
    double             largest_bound;      /* of any element that was compared singly; 0: none was */
};
/* Told once, with one row an output of the graph in their order; they are the caller's until it returns. */
typedef void assay_check_outputs_fn(void *self, const struct assay_check_output *rows, size_t n);

/* Does one element use over half of a bound that allows more than 48 roundings of numbers of its size, or of the output's (rms: root of
 * the mean square of what is expected), whichever is larger? An element in which large terms cancel has few roundings that are large
 * beside it. ratio = |observed - expected| / bound. */
bool assay_check_is_strange(enum assay_dtype dtype, double ratio, double expected, double rms, double bound);

/* What a case's inputs were: fills one value of one input set into `to` (its bytes). */
typedef enum assay_code assay_fill_fn(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to,
                                      struct assay_error *err);

/* Judges the witness file at `path` of a case whose graph is `g`; *out is complete also when the outcome is fail.
 * A witness that is torn, of another case, or malformed is an error (ASSAY_DATA). `budget_ops` bounds the reference's
 * work for one witness (double operations); what is left out lowers the assurance, never silently. */
enum assay_code assay_witness_check(const char *path, const char *case_id, const struct assay_graph *g,
                                    assay_fill_fn *fill, void *self, double budget_ops, struct assay_check *out,
                                    struct assay_error *err);

#endif
