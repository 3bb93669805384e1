#include "backends/cpu/elementwise/broadcast.h"

#include "assay/banned.h"

/* Elements to move in v for one step along axis `axis` of the result; 0 where v is repeated. */
static size_t step_of(const struct assay_value_view *v, const struct assay_value_view *out, int axis)
{
    int    own = axis - (out->rank - v->rank);
    size_t step = 1;
    if (own < 0 || v->dims[own] == 1)
        return 0;
    for (int i = own + 1; i < v->rank; i++)
        step *= (size_t)v->dims[i];
    return step;
}

void cpu_broadcast_plan(const struct assay_value_view *a, const struct assay_value_view *b,
                        const struct assay_value_view *out, struct cpu_broadcast *plan)
{
    *plan = (struct cpu_broadcast){.rank = 0};
    for (int axis = 0; axis < out->rank; axis++) {
        size_t n = (size_t)out->dims[axis], sa = step_of(a, out, axis), sb = step_of(b, out, axis);
        int    last = plan->rank - 1;
        if (n == 1)
            continue;
        if (last >= 0 && plan->step_a[last] == sa * n && plan->step_b[last] == sb * n) {
            plan->dims[last] *= n;
            plan->step_a[last] = sa;
            plan->step_b[last] = sb;
            continue;
        }
        plan->dims[plan->rank] = n;
        plan->step_a[plan->rank] = sa;
        plan->step_b[plan->rank++] = sb;
    }
    if (!plan->rank) {
        plan->dims[0] = 1;
        plan->rank = 1;
    }
}
