/* MoePermute: a counting sort of the slots by expert. One expert that is not certain moves all rows behind it, so that then
 * nothing is known of any. */
#include <stdlib.h>

#include "reference/index.h"

#include "assay/banned.h"

/* first[e]: where expert e's rows begin; source: each row's slot. */
static void sort_slots(const struct assay_ref_tensor *experts, int64_t count, int64_t *first, int64_t *source)
{
    for (int64_t e = 0; e <= count; e++)
        first[e] = 0;
    for (uint64_t s = 0; s < experts->elements; s++)
        first[(int64_t)experts->value[s] + 1]++;
    for (int64_t e = 0; e < count; e++)
        first[e + 1] += first[e];
    for (uint64_t s = 0; s < experts->elements; s++)
        source[first[(int64_t)experts->value[s]]++] = (int64_t)s;
    for (int64_t e = count; e > 0; e--) /* each is now where the next began */
        first[e] = first[e - 1];
    first[0] = 0;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[0], *experts = &call->in[1];
    int64_t                        count = assay_node_i64(call->node, "num_experts", 0), width = x->dims[1], k = experts->dims[1];
    enum assay_code                code = assay_ref_check_indices(call, 1, 0, count, err);
    if (code)
        return code;
    int64_t *first = malloc(((size_t)count + 1 + experts->elements) * sizeof *first);
    if (!first)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to sort %llu slots", (unsigned long long)experts->elements);
    int64_t *source = first + count + 1;
    sort_slots(experts, count, first, source);
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded v;
        if (call->output == 0)
            v = bounded_of(x, (size_t)(source[index[i] / width] / k * width + index[i] % width));
        else
            v = bounded((double)(call->output == 1 ? first[index[i] + 1] - first[index[i]] : source[index[i]]), 0);
        value[i] = v.value;
        bound[i] = v.error;
    }
    if (assay_ref_any_uncertain(experts))
        assay_ref_forget(n, bound);
    free(first);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(MoePermute) = {.at = at, .exact = true};
