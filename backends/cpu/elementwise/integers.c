#include "backends/cpu/elementwise/integers.h"

#include <stdlib.h>

#include "backends/cpu/elementwise/broadcast.h"

#include "assay/banned.h"

struct integers {
    struct cpu_broadcast plan;
    enum cpu_binary      which;
    bool                 wide; /* i64 */
    size_t               n;
};

static uint64_t load(const void *at, size_t i, bool wide)
{
    uint64_t w;
    uint32_t h;
    memcpy(wide ? (void *)&w : (void *)&h, (const char *)at + i * (wide ? 8 : 4), wide ? 8 : 4);
    return wide ? w : h;
}

static void store(void *at, size_t i, bool wide, uint64_t value)
{
    uint32_t h = (uint32_t)value;
    memcpy((char *)at + i * (wide ? 8 : 4), wide ? (const void *)&value : (const void *)&h, wide ? 8 : 4);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct integers      *s = state;
    const struct cpu_broadcast *p = &s->plan;
    (void)err;
    for (size_t i = 0; i < s->n; i++) {
        size_t a_at = 0, b_at = 0, rest = i;
        for (int d = p->rank - 1; d >= 0; d--) {
            a_at += rest % p->dims[d] * p->step_a[d];
            b_at += rest % p->dims[d] * p->step_b[d];
            rest /= p->dims[d];
        }
        uint64_t a = load(call->in[0], a_at, s->wide), b = load(call->in[1], b_at, s->wide);
        store(call->out[0], i, s->wide, s->which == CPU_ADD ? a + b : s->which == CPU_SUB ? a - b : a * b);
    }
    return ASSAY_OK;
}

enum assay_code cpu_integers_prepare(const struct cpu_node *node, enum cpu_binary which, struct cpu_step *step,
                                     struct assay_error *err)
{
    struct integers *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *s = (struct integers){.which = which, .wide = node->out[0].dtype == ASSAY_I64, .n = node->out[0].elements};
    cpu_broadcast_plan(&node->in[0], &node->in[1], &node->out[0], &s->plan);
    step->state = s;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "whole numbers one by one, %zu elements", s->n);
    return ASSAY_OK;
}
