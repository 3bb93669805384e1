/* BatchNormalization and its gradient. A channel's statistics and what is made of them follow each other while it is in a
 * cache; where there are fewer channels than work for the threads, channels are cut and the two become two passes. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/statistics/statistics.h"

#include "assay/banned.h"

enum { GRAIN_ELEMENTS = 16384, LEAST_PIECE = 8192 };

/* One channel's numbers: what is done to its elements. */
struct line {
    float                 factor, shift, mean;
    struct cpu_projection projection;
};

struct batch {
    size_t images, channels, each; /* each: elements of a channel of one image */
    float  epsilon, momentum;
    bool   training, backward;
    size_t pieces;    /* of a channel; 1: channels are shared out whole */
    bool   by_images; /* how it is cut: by images, or each image's run */
    size_t shares;    /* of the channels, if they are whole */
    struct cpu_moments *partial; /* channels x pieces */
    struct line        *line;    /* channels */
};

struct running {
    const struct batch                  *s;
    const struct cpu_statistics_kernels *kernels;
    const struct cpu_call               *call;
};

/* Piece `piece` of a channel, and where it begins. */
static struct cpu_runs piece_of(const struct batch *s, size_t channel, size_t piece, size_t *at)
{
    struct cpu_runs r = {s->images, s->each, s->channels * s->each};
    size_t          begin, end;
    *at = channel * s->each;
    if (s->pieces == 1)
        return r;
    cpu_pool_piece(s->by_images ? s->images : s->each, s->pieces, s->by_images ? 1 : 16, piece, &begin, &end);
    *at += s->by_images ? begin * r.stride : begin;
    *(s->by_images ? &r.count : &r.length) = end - begin;
    return r;
}

/* Forward has inputs X, scale, B, mean, variance; the gradient dY, X, scale. */
static const float *x_of(const struct running *r)
{
    return r->call->in[r->s->backward ? 1 : 0];
}

static void gather(const struct running *r, size_t channel, size_t piece)
{
    size_t              at;
    struct cpu_runs     runs = piece_of(r->s, channel, piece, &at);
    struct cpu_moments *m = &r->s->partial[channel * r->s->pieces + piece];
    *m = (struct cpu_moments){0};
    if (r->s->backward)
        r->kernels->add_both(&runs, x_of(r) + at, (const float *)r->call->in[0] + at, m);
    else
        r->kernels->add(&runs, x_of(r) + at, m);
}

static void finish_forward(const struct running *r, size_t channel, float mean, float variance)
{
    const struct cpu_call *call = r->call;
    const float *scale = call->in[1], *bias = call->in[2], *mean_was = call->in[3], *variance_was = call->in[4];
    float       *running_mean = call->out[1], *running_variance = call->out[2], keep = r->s->momentum;
    r->s->line[channel] = (struct line){.mean = mean, .shift = bias[channel],
                                        .factor = scale[channel] / sqrtf(variance + r->s->epsilon)};
    if (running_mean)
        running_mean[channel] = mean_was[channel] * keep + mean * (1.0f - keep);
    if (running_variance)
        running_variance[channel] = variance_was[channel] * keep + variance * (1.0f - keep);
}

static void finish_backward(const struct running *r, size_t channel, const struct cpu_moments *m)
{
    const float *scale = r->call->in[2];
    float        inverse = 1.0f / sqrtf(m->squares / m->n + r->s->epsilon), d_scale = m->dy_x * inverse;
    float       *scales = r->call->out[1], *biases = r->call->out[2];
    r->s->line[channel].projection = (struct cpu_projection){
        .scale = 1.0f, .mean = m->mean, .m1 = m->dy / m->n, .m2 = inverse * (d_scale / m->n), .factor = scale[channel] * inverse};
    if (scales)
        scales[channel] = d_scale;
    if (biases)
        biases[channel] = m->dy;
}

/* Joins a channel's pieces; writes what there is one of for each channel. */
static void finish(const struct running *r, size_t channel)
{
    const struct batch *s = r->s;
    if (!s->training && !s->backward) {
        finish_forward(r, channel, ((const float *)r->call->in[3])[channel], ((const float *)r->call->in[4])[channel]);
        return;
    }
    struct cpu_moments m = s->partial[channel * s->pieces];
    for (size_t i = 1; i < s->pieces; i++)
        r->kernels->join(&m, &s->partial[channel * s->pieces + i]);
    if (s->backward)
        finish_backward(r, channel, &m);
    else
        finish_forward(r, channel, m.mean, m.squares / m.n);
}

static void apply(const struct running *r, size_t channel, size_t piece)
{
    size_t             at;
    struct cpu_runs    runs = piece_of(r->s, channel, piece, &at);
    const struct line *l = &r->s->line[channel];
    float             *to = (float *)r->call->out[0] + at;
    if (r->s->backward)
        r->kernels->project(&runs, x_of(r) + at, (const float *)r->call->in[0] + at, &l->projection, to);
    else
        r->kernels->shift(&runs, x_of(r) + at, l->mean, l->factor, l->shift, to);
}

static void whole_channels(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->s->channels, r->s->shares, 1, chunk, &begin, &end);
    for (size_t c = begin; c < end; c++) {
        if (r->s->training || r->s->backward)
            gather(r, c, 0);
        finish(r, c);
        apply(r, c, 0);
    }
}

static void gather_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    (void)thread;
    gather(r, chunk / r->s->pieces, chunk % r->s->pieces);
}

static void apply_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    (void)thread;
    apply(r, chunk / r->s->pieces, chunk % r->s->pieces);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct batch *s = state;
    struct running      r = {s, call->engine->kernels->statistics, call};
    (void)err;
    if (s->pieces == 1) {
        cpu_pool_run(call->engine->pool, s->shares, whole_channels, &r);
        return ASSAY_OK;
    }
    if (s->training || s->backward)
        cpu_pool_run(call->engine->pool, s->channels * s->pieces, gather_piece, &r);
    for (size_t c = 0; c < s->channels; c++)
        finish(&r, c);
    cpu_pool_run(call->engine->pool, s->channels * s->pieces, apply_piece, &r);
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return true;
}

static void release(void *state)
{
    struct batch *s = state;
    free(s->partial);
    free(s->line);
    free(s);
}

/* Channels are cut only if the threads would not all have some, and pieces stay long. */
static void share_out(const struct cpu_engine *engine, struct batch *s)
{
    size_t threads = cpu_pool_threads(engine->pool), elements = s->images * s->each, most = elements / LEAST_PIECE;
    s->pieces = s->channels >= 2 * threads || threads == 1 || most < 2 ? 1 : most < 2 * threads ? most : 2 * threads;
    s->by_images = s->images >= 2 * s->pieces;
    size_t cuts = s->by_images ? s->images : (s->each + 15) / 16;
    s->pieces = s->pieces < cuts ? s->pieces : cuts ? cuts : 1;
    s->shares = cpu_pool_pieces(engine->pool, s->channels,
                                elements >= GRAIN_ELEMENTS ? 1 : GRAIN_ELEMENTS / (elements + 1) + 1, 8);
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    struct batch *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    s->backward = node->n_in == 3;
    const struct assay_value_view *x = &node->in[s->backward ? 1 : 0];
    s->images = (size_t)x->dims[0];
    s->channels = x->rank > 1 ? (size_t)x->dims[1] : 1;
    s->each = 1;
    for (int32_t i = 2; i < x->rank; i++)
        s->each *= (size_t)x->dims[i];
    s->epsilon = (float)cpu_attr_f64(node, "epsilon", 1e-5);
    s->momentum = (float)cpu_attr_f64(node, "momentum", 0.9);
    s->training = cpu_attr_i64(node, "training_mode", 0);
    share_out(engine, s);
    s->partial = calloc(s->channels * s->pieces + 1, sizeof *s->partial);
    s->line = calloc(s->channels + 1, sizeof *s->line);
    if (!s->partial || !s->line)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the statistics of %zu channels", s->channels);
    (void)snprintf(step->kernel, sizeof step->kernel, "vectors of ours, %zu channels of %zu x %zu%s", s->channels, s->images,
                   s->each, s->pieces > 1 ? ", cut and joined" : "");
    return ASSAY_OK;
}

const struct cpu_op cpu_op_batch_normalization = {
    .name = "BatchNormalization", .domain = "", .in_place = true, .accepts = accepts, .prepare = prepare};
const struct cpu_op cpu_op_batch_normalization_grad = {
    .name = "BatchNormalizationGrad", .domain = "assay", .in_place = true, .accepts = accepts, .prepare = prepare};
