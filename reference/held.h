/* What the files that evaluate graphs share. Nobody else includes this. */
#ifndef ASSAY_REFERENCE_HELD_H
#define ASSAY_REFERENCE_HELD_H

#include <stdbool.h>

#include "reference/reference.h"

/* A value in double, on one run through the graph. */
struct assay_held {
    double *value, *error; /* error NULL: exact */
    bool    ready, shared; /* shared: the memory is another run's */
    double  quantum;       /* see struct assay_ref_tensor */
};

struct assay_statistical;

struct assay_reference {
    const struct assay_graph *graph;
    const void              **bound;
    struct assay_held        *held;   /* one a value */
    bool                     *needed; /* work space: one a value */
    bool                     *rounded; /* given values that were rounded to their type */
    int64_t                  *run;    /* work space: n_run numbers one after the other, of the elements asked for last */
    size_t                    n_run;
    enum assay_bounds         bounds;
    double                    comparisons; /* that the false alarm is shared by; 0: all there can be */
    struct assay_statistical *statistical; /* of statistical bounds and of none */
};

/* ---- call.c -------------------------------------------------------------------------------------------------- */

/* Room for n doubles, or n zeros; NULL: none. They go back by assay_recycle_give. */
double *assay_ref_doubles(uint64_t n);
double *assay_ref_zeros(uint64_t n);
/* Here, so that a checker of one file sees that it never succeeds. */
static inline enum assay_code assay_ref_no_memory(const struct assay_value *v, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %llu elements of '%s' in double", (unsigned long long)v->elements, v->name);
}
/* Takes in a value that is given. */
enum assay_code assay_ref_convert(const struct assay_reference *r, int32_t value, struct assay_held *to,
                                  struct assay_error *err);
void assay_ref_drop(struct assay_held *h);
/* How a call is to be made. */
struct assay_ref_how {
    const struct assay_held *held; /* operands */
    bool                     values_only;
    double                   deviations, bridge; /* as in struct assay_arithmetic */
};
/* What a value is to a call of an op. */
void assay_ref_describe(const struct assay_reference *r, const struct assay_held *held, int32_t value, struct assay_ref_tensor *t);
/* The call that computes a value; its tensors are to be freed. */
struct assay_ref_prepared {
    struct assay_ref_call    call;
    struct assay_ref_tensor *tensors;
};
enum assay_code assay_ref_prepare(const struct assay_reference *r, const struct assay_ref_how *how, int32_t value,
                                  struct assay_ref_prepared *out, struct assay_error *err);
/* Elements of `value` by its op. */
enum assay_code assay_ref_call_at(const struct assay_reference *r, const struct assay_ref_how *how, int32_t value, size_t n,
                                  const int64_t *index, double *out, double *bound, struct assay_error *err);
/* Every element of `value`. bound may be NULL with values_only. */
enum assay_code assay_ref_whole(struct assay_reference *r, const struct assay_ref_how *how, int32_t value,
                                double *out, double *bound, struct assay_error *err);

/* ---- statistical.c, sweep.c, sums.c -------------------------------------------------------------------------- */

enum assay_code assay_statistical_new(const struct assay_graph *g, bool replicas, struct assay_statistical **out,
                                      struct assay_error *err);
void            assay_statistical_free(struct assay_statistical *s);
enum assay_code assay_statistical_at(struct assay_reference *r, int32_t value, size_t n, const int64_t *index, double *out,
                                     double *bound, struct assay_error *err);
enum assay_code assay_statistical_fold(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                       size_t n, const int64_t *index, double *out, double *bound, struct assay_error *err);
/* The values of an output, or of what is asked for: borrowed. */
enum assay_code assay_statistical_values(struct assay_reference *r, int32_t value, const double **out,
                                         struct assay_error *err);
/* Bytes that one sweep for all outputs takes at its height, about. */
double          assay_statistical_bytes(const struct assay_reference *r);
bool            assay_statistical_is_ready(const struct assay_statistical *s, int32_t value);

#endif
