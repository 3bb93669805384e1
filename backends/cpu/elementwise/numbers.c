#include "backends/cpu/elementwise/numbers.h"

#include <math.h>
#include <stdlib.h>

#include "backends/cpu/converting/converting.h"
#include "backends/cpu/elementwise/broadcast.h"

#include "assay/banned.h"

struct numbers {
    struct cpu_broadcast plan;
    enum cpu_binary      which;
    enum assay_dtype     dtype;
    size_t               n;
};

static double of_reals(enum cpu_binary which, double a, double b)
{
    switch (which) {
    case CPU_ADD: return a + b;
    case CPU_SUB: return a - b;
    case CPU_MUL: return a * b;
    case CPU_DIV: return a / b;
    case CPU_MAX: return isnan(a) || a > b ? a : b;
    default: return isnan(a) || a < b ? a : b;
    }
}

static int64_t of_whole(enum cpu_binary which, int64_t a, int64_t b)
{
    switch (which) {
    case CPU_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case CPU_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
    case CPU_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case CPU_DIV: return b == 0 ? 0 : b == -1 ? (int64_t)-(uint64_t)a : a / b;
    case CPU_MAX: return a > b ? a : b;
    default: return a < b ? a : b;
    }
}

static void one(const struct numbers *s, const struct cpu_converting_kernels *convert, const char *a, const char *b, char *y)
{
    if (assay_dtype_is_float(s->dtype)) {
        double x[2];
        convert->load_double[s->dtype](1, a, &x[0]);
        convert->load_double[s->dtype](1, b, &x[1]);
        x[0] = of_reals(s->which, x[0], x[1]);
        convert->store_double[s->dtype](1, x, y, false);
    } else {
        int64_t x[2];
        convert->load_int[s->dtype](1, a, &x[0]);
        convert->load_int[s->dtype](1, b, &x[1]);
        x[0] = of_whole(s->which, x[0], x[1]);
        convert->store_int[s->dtype](1, x, y);
    }
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct numbers       *s = state;
    size_t                      bytes = assay_dtype_bits(s->dtype) / 8;
    (void)err;
    for (size_t i = 0; i < s->n; i++) {
        size_t a_at, b_at;
        cpu_broadcast_at(&s->plan, i, &a_at, &b_at);
        one(s, call->engine->kernels->converting, (const char *)call->in[0] + a_at * bytes, (const char *)call->in[1] + b_at * bytes,
            (char *)call->out[0] + i * bytes);
    }
    return ASSAY_OK;
}

enum assay_code cpu_numbers_prepare(const struct cpu_node *node, enum cpu_binary which, struct cpu_step *step,
                                    struct assay_error *err)
{
    struct numbers *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *s = (struct numbers){.which = which, .dtype = node->out[0].dtype, .n = node->out[0].elements};
    cpu_broadcast_plan(&node->in[0], &node->in[1], &node->out[0], &s->plan);
    step->state = s;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s one by one, %zu elements", assay_dtype_name(s->dtype), s->n);
    return ASSAY_OK;
}
