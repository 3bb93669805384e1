/* What the reference expects of a case's outputs at the places that witnesses keep: a function of (case, seed, set),
 * computed when it is first asked for and kept, so that the witnesses of many launches and back ends cost little more
 * than one. */
#ifndef ASSAY_VERIFY_EXPECTED_H
#define ASSAY_VERIFY_EXPECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/verify/check.h"
#include "harness/verify/witness_file.h"
#include "reference/reference.h"

/* What two cores of today do of them in a second, to say beforehand how long judging takes: a forward of BERT large had 2.2e10 of its
 * own to itself, and 1.5e10 on a busy machine. */
#define ASSAY_EXPECTED_OPS_PER_S 1.5e10

/* One output in one class of blocks. Counts are 0 where the budget did not reach. */
struct assay_expected_part {
    size_t    n;             /* of the block's sample */
    uint64_t *place;         /* which of the sample, ascending */
    int64_t  *index;         /* flat index of each */
    double   *value, *bound; /* n each */
    double   *before;        /* n, of an output that takes over a state: what the state held; else NULL */
    /* n each, of an output that is one sum of products of random operands, as far as the budget goes; else NULL. */
    double   *probable;      /* bounds that a device that rounds sums to nearest stays within, all comparisons of the witness with
                                ASSAY_FALSE_ALARM; never above bound */
    double   *deviation;     /* at most that of its errors */
    bool      has_sums[ASSAY_WITNESS_MOST_PROJECTIONS];
    double   *sum, *sum_bound; /* as in the block; valid for the projections that have sums */
    double    mean_square;     /* of the finite expected values */
};
struct assay_expected_block {
    bool                        ready;
    struct assay_expected_part *part; /* one a part of the block */
};

struct assay_expected;
/* `case_id`, `g` and `self` are borrowed. budget_ops is for everything that can ever be asked of this object; it is
 * shared out by fixed shares, so that what is computed does not depend on who asks first. Beyond it, one input set of
 * each witness is prepared whatever that costs up to ceiling_ops. */
enum assay_code assay_expected_new(const char *case_id, const struct assay_graph *g, assay_fill_fn *fill, void *self,
                                   double budget_ops, double ceiling_ops, struct assay_expected **out,
                                   struct assay_error *err);
void            assay_expected_free(struct assay_expected *x);
/* Sets the seed and layout of the witness to be judged, and the set that is judged whatever it costs. What was computed is
 * dropped if seed or layout differ from the last. */
enum assay_code assay_expected_aim(struct assay_expected *x, uint64_t seed, const struct assay_witness_layout *layout,
                                   uint32_t favoured, struct assay_error *err);
/* Which bounds the expected values have: never AUTO. */
enum assay_bounds assay_expected_bounds(const struct assay_expected *x);
/* Double operations that the first judged set takes in any case. */
double assay_expected_preparing_ops(const struct assay_expected *x);
/* Bytes that preparing a set takes, about, and whether the machine had so many when this object was made; where it had not, nothing is
 * expected of any set. */
double assay_expected_preparing_bytes(const struct assay_expected *x);
bool   assay_expected_has_room(const struct assay_expected *x);
/* Borrowed until the next aim or free. `of_exemplar`: the set's exemplar block, else that of a content. */
enum assay_code assay_expected_block(struct assay_expected *x, uint32_t set, bool of_exemplar,
                                     const struct assay_expected_block **out, struct assay_error *err);

/* assay_witness_check with expected values that outlive it. */
enum assay_code assay_witness_check_expected(const char *path, const char *case_id, const struct assay_graph *g,
                                             struct assay_expected *x, struct assay_check *out, struct assay_error *err);
/* The same, and every output is told of before it returns. */
enum assay_code assay_witness_check_outputs(const char *path, const char *case_id, const struct assay_graph *g,
                                            struct assay_expected *x, assay_check_outputs_fn *see, void *self,
                                            struct assay_check *out, struct assay_error *err);

#endif
