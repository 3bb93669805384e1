/* GroupNormalization and its gradient: a group of channels of one image stands side by side and is worked on while it is in
 * a cache. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/statistics/statistics.h"

#include "assay/banned.h"

enum { GRAIN_ELEMENTS = 16384 };

struct group {
    size_t images, groups, in_group, each; /* groups of an image, channels of a group, elements of a channel */
    float  epsilon;
    bool   backward;
    size_t shares;  /* of images x groups */
    float *partial; /* images x channels x (dScale, dBias) */
};

struct running {
    const struct group                  *s;
    const struct cpu_statistics_kernels *kernels;
    const struct cpu_call               *call;
};

static float inverse_of(const struct group *s, const struct cpu_moments *m)
{
    return 1.0f / sqrtf(m->squares / m->n + s->epsilon);
}

static void forward(const struct running *r, size_t set)
{
    const struct group *s = r->s;
    const float        *x = r->call->in[0], *scale = r->call->in[1], *bias = r->call->in[2];
    float              *y = r->call->out[0];
    size_t              n = s->in_group * s->each, at = set * n, channel = set % s->groups * s->in_group;
    struct cpu_moments  m = {0};
    r->kernels->add(&(struct cpu_runs){1, n, n}, x + at, &m);
    float inverse = inverse_of(s, &m);
    for (size_t c = 0; c < s->in_group; c++, at += s->each, channel++)
        r->kernels->shift(&(struct cpu_runs){1, s->each, s->each}, x + at, m.mean, inverse * scale[channel], bias[channel],
                          y + at);
}

static void backward(const struct running *r, size_t set)
{
    const struct group *s = r->s;
    const float        *dy = r->call->in[0], *x = r->call->in[1], *scale = r->call->in[2];
    float              *dx = r->call->out[0], *partial = s->partial + set * s->in_group * 2;
    size_t              n = s->in_group * s->each, at = set * n, first = set % s->groups * s->in_group;
    struct cpu_runs     one = {1, s->each, s->each};
    struct cpu_moments  m = {0};
    r->kernels->add(&(struct cpu_runs){1, n, n}, x + at, &m);
    float inverse = inverse_of(s, &m), m1 = 0.0f, m2 = 0.0f;
    for (size_t c = 0; c < s->in_group; c++) {
        struct cpu_moments sums = {.mean = m.mean};
        r->kernels->add_dy(&one, x + at + c * s->each, dy + at + c * s->each, &sums);
        partial[2 * c] = sums.dy_x * inverse;
        partial[2 * c + 1] = sums.dy;
        m1 += scale[first + c] * sums.dy;
        m2 += scale[first + c] * partial[2 * c];
    }
    struct cpu_projection p = {.mean = m.mean, .m1 = m1 / m.n, .m2 = m2 / m.n * inverse, .factor = inverse};
    for (size_t c = 0; c < s->in_group; c++) {
        p.scale = scale[first + c];
        r->kernels->project(&one, x + at + c * s->each, dy + at + c * s->each, &p, dx + at + c * s->each);
    }
}

static void some_sets(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->images * r->s->groups, r->s->shares, 1, chunk, &begin, &end);
    for (size_t set = begin; set < end; set++)
        if (r->s->backward)
            backward(r, set);
        else
            forward(r, set);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct group *s = state;
    struct running      r = {s, call->engine->kernels->statistics, call};
    float              *scales = call->out[1], *biases = call->out[2];
    size_t              channels = s->groups * s->in_group;
    (void)err;
    cpu_pool_run(call->engine->pool, s->shares, some_sets, &r);
    for (size_t c = 0; s->backward && c < channels; c++) {
        float sum[2] = {0.0f, 0.0f};
        for (size_t i = 0; i < s->images; i++) {
            sum[0] += s->partial[(i * channels + c) * 2];
            sum[1] += s->partial[(i * channels + c) * 2 + 1];
        }
        if (scales)
            scales[c] = sum[0];
        if (biases)
            biases[c] = sum[1];
    }
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    if (cpu_attr_i64(node, "stash_type", 1) != 1) {
        assay_text_add(why_not, "%s with statistics in another type than f32", node->op);
        return false;
    }
    return true;
}

static void release(void *state)
{
    struct group *s = state;
    free(s->partial);
    free(s);
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               bool is_gradient, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[is_gradient ? 1 : 0];
    struct group                  *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    s->backward = is_gradient;
    s->images = (size_t)x->dims[0];
    s->groups = (size_t)cpu_attr_i64(node, "num_groups", 1);
    s->in_group = (size_t)x->dims[1] / s->groups;
    s->each = 1;
    for (int32_t i = 2; i < x->rank; i++)
        s->each *= (size_t)x->dims[i];
    s->epsilon = (float)cpu_attr_f64(node, "epsilon", 1e-5);
    size_t n = s->in_group * s->each;
    s->shares = cpu_pool_pieces(engine->pool, s->images * s->groups, n >= GRAIN_ELEMENTS ? 1 : GRAIN_ELEMENTS / (n + 1) + 1, 8);
    s->partial = calloc(is_gradient ? s->images * (size_t)x->dims[1] * 2 : 1, sizeof *s->partial);
    if (!s->partial)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the sums of %zu channels", s->groups * s->in_group);
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu groups of %zu x %zu", s->images * s->groups,
                   s->in_group, s->each);
    return ASSAY_OK;
}

static enum assay_code prepare_forward(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    return prepare(engine, node, step, false, err);
}

static enum assay_code prepare_backward(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                        struct assay_error *err)
{
    return prepare(engine, node, step, true, err);
}

const struct cpu_op cpu_op_group_normalization = {
    .name = "GroupNormalization", .domain = "", .in_place = true, .accepts = accepts, .prepare = prepare_forward};
const struct cpu_op cpu_op_group_normalization_grad = {
    .name = "GroupNormalizationGrad", .domain = "assay", .in_place = true, .accepts = accepts, .prepare = prepare_backward};
