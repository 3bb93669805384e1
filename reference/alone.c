#include "reference/alone.h"

#include <string.h>

#include "harness/ir/ranks.h"

#include "assay/banned.h"

static enum assay_code check(const struct assay_ref_call *call, struct assay_error *err)
{
    size_t n;
    (void)assay_node_ranks(call->node, &n);
    return n == 1 ? ASSAY_OK
                  : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s '%s' of %zu ranks: this graph is one rank's, the other operands are not here",
                               call->node->op->name, call->node->name, n);
}

enum assay_code assay_ref_alone(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value, double *bound,
                                struct assay_error *err)
{
    enum assay_code code = check(call, err);
    return code ? code : assay_ref_same(call, n, index, value, bound, err);
}

enum assay_code assay_ref_alone_silent(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value, double *bound,
                                       struct assay_error *err)
{
    enum assay_code code = check(call, err);
    (void)index;
    if (!code && n) {
        memset(value, 0, n * sizeof *value);
        memset(bound, 0, n * sizeof *bound);
    }
    return code;
}
