/* How right is a back end, op by op? Every sample of every op (harness/ir/samples.h) on operands with a purpose, in every format the
 * op takes, run and judged as any run. Three things are needed for a pass of a cell: exact answers where the answer is exact,
 * elements within their bounds, errors that are distributed as roundings to nearest are (harness/verify/README.md). */
#ifndef ASSAY_JUDGE_OPS_H
#define ASSAY_JUDGE_OPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/judge/level.h"
#include "harness/judge/verdict.h"

/* The plan: a function of nothing but the op table and the samples. */
enum assay_code assay_ops_plan(struct assay_plan *out, struct assay_error *err);

/* One op in one format: all its forms and fills together. */
struct assay_ops_cell {
    char op[48], format[24]; /* "bf16", or "f32 of bf16": operands in bf16, arithmetic in f32 */
    enum assay_outcome   outcome; /* fail, marginal or pass, the worst that any case has; else untrusted, else not_checked */
    enum assay_assurance assurance; /* the least of those checked */
    char     why[400];       /* of the worst */
    uint32_t cases, checked, exact; /* cases; of those that were checked; with operands whose answer is exact */
    uint64_t elements;       /* compared singly */
    double   worst_ratio;    /* observed error / bound; NaN: nothing compared */
    double   worst_error, worst_bound; /* of that element; NaN: there is none, or one of them is no number */
    double   random_ratio;   /* the largest on random operands; NaN: none */
    double   median_ratio;   /* of the long forms on random operands, else of the small ones: the largest of the cases' */
    double   lean, rms;      /* of the case on random operands whose errors have a known distribution, the largest; NaN: none */
    double   smallest_fault; /* the largest of those on random operands in long forms; 0: there are none */
    bool     has_long;       /* a long form on random operands was checked */
};
struct assay_ops {
    struct assay_ops_cell *cell; /* in the order in which cases name them */
    size_t                 n, room;
    size_t                 passed, failed, not_checked; /* cases; marginal ones count as passed */
    size_t                 marginal;
};

/* Are bounds as tight as they could be? Of the cells that pass and round (their largest error on random operands is not 0) the median of
 * that error over its bound, and which are below ASSAY_OPS_LOOSE: a bound that allows so much more than what is seen may hide a fault. */
#define ASSAY_OPS_LOOSE 0.05
struct assay_ops_tightness {
    size_t cells, loose;
    double median; /* NaN: of no cells */
};
bool assay_ops_is_loose(const struct assay_ops_cell *cell);
enum assay_code assay_ops_tightness_of(const struct assay_ops *ops, struct assay_ops_tightness *out, struct assay_error *err);

/* Free *out with assay_ops_release. */
enum assay_code assay_ops_run(const struct assay_level_request *request, struct assay_ops *out, struct assay_error *err);
/* Is this a case of workload op? Adds what was found of one; of another it does nothing. `ops` begins as all zero. */
bool            assay_ops_is_case(const char *case_name);
enum assay_code assay_ops_add(struct assay_ops *ops, const char *case_name, const struct assay_check *found, struct assay_error *err);
void            assay_ops_release(struct assay_ops *ops);
/* New reference; NULL when out of memory. */
json_t *assay_ops_to_json(const struct assay_ops *ops);

#endif
