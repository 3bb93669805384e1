/* assay.LambUpdate: see update.h. */
#include "reference/update.h"

#include "assay/banned.h"

enum { T, P, G, M, V, SCALE };

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_adam adam;
    const int64_t *index;
    double *value, *bound;
};

static void each(const void *self, size_t k)
{
    const struct job *j = self;
    size_t i = (size_t)j->index[k];
    assay_ref_put(j->call, k,
                  j->call->output == 0   ? assay_ref_adam_direction(j->call, &j->adam, P, i)
                  : j->call->output == 1 ? assay_ref_adam_first(j->call, &j->adam, P, i)
                                         : assay_ref_adam_second(j->call, &j->adam, P, i),
                  j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {call, assay_ref_adam_of(call, T, SCALE), index, value, bound};
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(LambUpdate) = {.at = at};
