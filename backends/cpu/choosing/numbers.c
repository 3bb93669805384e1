#include "backends/cpu/choosing/numbers.h"

#include <math.h>
#include <stdlib.h>

#include "backends/cpu/converting/converting.h"
#include "backends/cpu/elementwise/broadcast.h"

#include "assay/banned.h"

/* ---- powers ------------------------------------------------------------------------------------------------------ */

struct power {
    struct cpu_broadcast plan;
    enum assay_dtype     base, exponent;
    size_t               n;
};

static int64_t whole_power(int64_t base, int64_t exponent)
{
    uint64_t factor = (uint64_t)base, result = 1;
    if (exponent < 0) /* of 0 it is infinite, and no whole number; of others a fraction */
        return base == 1 || (base == -1 && exponent % 2 == 0) ? 1 : base == -1 ? -1 : 0;
    for (; exponent; exponent >>= 1, factor *= factor)
        if (exponent & 1)
            result *= factor;
    return (int64_t)result;
}

/* The whole number that a double is when its fraction is cut; 0 if there is none. */
static int64_t cut(double x)
{
    return fabs(x) < 9223372036854775808.0 ? (int64_t)x : 0;
}

static void one_power(const struct power *s, const struct cpu_converting_kernels *convert, const char *x, const char *y, char *z)
{
    double  real[2];
    int64_t whole[2];
    convert->load_double[s->base](1, x, &real[0]);
    convert->load_double[s->exponent](1, y, &real[1]);
    if (assay_dtype_is_float(s->base)) {
        real[0] = pow(real[0], real[1]);
        convert->store_double[s->base](1, real, z, false);
        return;
    }
    if (assay_dtype_is_float(s->exponent)) {
        whole[0] = cut(pow(real[0], real[1]));
    } else {
        convert->load_int[s->base](1, x, &whole[0]);
        convert->load_int[s->exponent](1, y, &whole[1]);
        whole[0] = whole_power(whole[0], whole[1]);
    }
    convert->store_int[s->base](1, whole, z);
}

static enum assay_code run_power(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct power         *s = state;
    size_t                      wide = assay_dtype_bits(s->base) / 8, narrow = assay_dtype_bits(s->exponent) / 8;
    (void)err;
    for (size_t i = 0; i < s->n; i++) {
        size_t a_at, b_at;
        cpu_broadcast_at(&s->plan, i, &a_at, &b_at);
        one_power(s, call->engine->kernels->converting, (const char *)call->in[0] + a_at * wide, (const char *)call->in[1] + b_at * narrow,
                  (char *)call->out[0] + i * wide);
    }
    return ASSAY_OK;
}

enum assay_code cpu_numbers_power(const struct cpu_node *node, struct cpu_step *step, struct assay_error *err)
{
    struct power *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *s = (struct power){.base = node->in[0].dtype, .exponent = node->in[1].dtype, .n = node->out[0].elements};
    cpu_broadcast_plan(&node->in[0], &node->in[1], &node->out[0], &s->plan);
    step->state = s;
    step->release = free;
    step->run = run_power;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s to the power of %s one by one, %zu elements", assay_dtype_name(s->base),
                   assay_dtype_name(s->exponent), s->n);
    return ASSAY_OK;
}

/* ---- clips ------------------------------------------------------------------------------------------------------- */

struct clip {
    enum assay_dtype dtype;
    size_t           n;
};

static enum assay_code run_whole_clip(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct clip                   *s = state;
    const struct cpu_converting_kernels *convert = call->engine->kernels->converting;
    size_t                               bytes = assay_dtype_bits(s->dtype) / 8;
    int64_t                              low = INT64_MIN, high = INT64_MAX, x;
    (void)err;
    if (call->in[1])
        convert->load_int[s->dtype](1, call->in[1], &low);
    if (call->in[2])
        convert->load_int[s->dtype](1, call->in[2], &high);
    for (size_t i = 0; i < s->n; i++) {
        convert->load_int[s->dtype](1, (const char *)call->in[0] + i * bytes, &x);
        x = x < low ? low : x;
        x = x > high ? high : x;
        convert->store_int[s->dtype](1, &x, (char *)call->out[0] + i * bytes);
    }
    return ASSAY_OK;
}

static enum assay_code run_float_clip(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct clip                   *s = state;
    const struct cpu_converting_kernels *convert = call->engine->kernels->converting;
    size_t                               bytes = assay_dtype_bits(s->dtype) / 8;
    double                               low = -(double)INFINITY, high = (double)INFINITY, x;
    (void)err;
    if (call->in[1])
        convert->load_double[s->dtype](1, call->in[1], &low);
    if (call->in[2])
        convert->load_double[s->dtype](1, call->in[2], &high);
    for (size_t i = 0; i < s->n; i++) {
        convert->load_double[s->dtype](1, (const char *)call->in[0] + i * bytes, &x);
        x = x < low ? low : x;
        x = x > high ? high : x;
        convert->store_double[s->dtype](1, &x, (char *)call->out[0] + i * bytes, false);
    }
    return ASSAY_OK;
}

enum assay_code cpu_numbers_clip(const struct cpu_node *node, struct cpu_step *step, struct assay_error *err)
{
    struct clip *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *s = (struct clip){.dtype = node->in[0].dtype, .n = node->out[0].elements};
    step->state = s;
    step->release = free;
    step->run = assay_dtype_is_float(s->dtype) ? run_float_clip : run_whole_clip;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s one by one, %zu elements", assay_dtype_name(s->dtype), s->n);
    return ASSAY_OK;
}
