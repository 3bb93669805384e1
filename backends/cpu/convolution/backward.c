#include "backends/cpu/convolution/backward.h"

#include <assert.h>
#include <stdlib.h>

#include "backends/cpu/convolution/direct.h"
#include "backends/cpu/products/sgemm.h"

#include "assay/banned.h"

/* A block of channels makes about as many rows as one block of the product, and a band with it about half of a second-level
 * cache of 512 KiB. */
enum { ROWS = 96, BAND_FLOATS = 64 * 1024 };

struct cpu_backward {
    struct cpu_conv_shape shape;
    bool    of_weights;
    size_t  in_each, out_each, taps, row; /* channels of a group, in and out; taps; in_each * taps */
    size_t  block, blocks;                /* channels at a time */
    size_t  part, parts;                  /* filters at a time, of the weights' gradient */
    size_t  band;                         /* output rows at a time */
    float  *scratch;                      /* rows and a product's own, scratch_floats a thread */
    size_t  scratch_floats, rows_floats;
    struct cpu_direct *direct; /* the input's gradient without strides */
    float  *turned;            /* for it: weights turned round, [group][channel][filter][taps backwards] */
    bool    turned_before;
};

struct running {
    const struct cpu_backward *b;
    const struct cpu_engine   *engine;
    const float               *dy, *other;
    float                     *to;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- without strides ------------------------------------------------------------------------------------------- */

/* The convolution that gives dX from dY; false if there is none: strides, or a pad beyond the window. */
static bool turn_shape(const struct cpu_conv_shape *s, struct cpu_conv_shape *t)
{
    *t = (struct cpu_conv_shape){.images = s->images, .groups = s->groups, .in_channels = s->out_channels,
                                 .out_channels = s->in_channels};
    for (int i = 0; i < 2; i++) {
        size_t reach = (s->kernel[i] - 1) * s->dilation[i];
        if (s->stride[i] != 1 || s->pad_begin[i] > reach)
            return false;
        t->in[i] = s->out[i];
        t->out[i] = s->in[i];
        t->kernel[i] = s->kernel[i];
        t->stride[i] = 1;
        t->dilation[i] = s->dilation[i];
        t->pad_begin[i] = reach - s->pad_begin[i];
    }
    return true;
}

bool cpu_backward_is_good(const struct cpu_engine *engine, const struct cpu_conv_shape *shape)
{
    struct cpu_conv_shape turned;
    return turn_shape(shape, &turned) && cpu_direct_is_good(engine, &turned);
}

/* The filters of one channel of the input. */
static void turn_channel(void *self, size_t chunk, unsigned thread)
{
    const struct running      *r = self;
    const struct cpu_backward *b = r->b;
    size_t group = chunk / b->in_each, c = chunk % b->in_each;
    float *to = b->turned + chunk * b->out_each * b->taps;
    (void)thread;
    for (size_t m = 0; m < b->out_each; m++)
        for (size_t t = 0; t < b->taps; t++)
            *to++ = r->other[(group * b->out_each + m) * b->row + c * b->taps + (b->taps - 1 - t)];
}

static void turn(const struct cpu_backward *b, const struct cpu_engine *engine, const float *weights)
{
    struct running r = {.b = b, .engine = engine, .other = weights};
    cpu_pool_run(engine->pool, b->shape.in_channels, turn_channel, &r);
}

static enum assay_code new_turned(struct cpu_backward *b, const struct cpu_engine *engine, const struct cpu_conv_shape *turned,
                                  const float *weights, struct assay_text *kernel, struct assay_error *err)
{
    b->turned = cpu_block_new(b->shape.out_channels * b->row * sizeof *b->turned);
    if (!b->turned)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to turn weights");
    if (weights) {
        turn(b, engine, weights);
        b->turned_before = true;
    }
    assay_text_add(kernel, "of turned weights, ");
    return cpu_direct_new(engine, turned, weights ? b->turned : NULL, &b->direct, kernel, err);
}

/* ---- taps and planes ------------------------------------------------------------------------------------------- */

/* Outputs [*begin, *end) of a row whose tap kx is inside the input, and the column it begins at. */
static void columns_of(const struct cpu_conv_shape *s, size_t kx, size_t *begin, size_t *end, size_t *column)
{
    ptrdiff_t step = (ptrdiff_t)s->stride[1], width = (ptrdiff_t)s->in[1];
    ptrdiff_t first = (ptrdiff_t)(kx * s->dilation[1]) - (ptrdiff_t)s->pad_begin[1];
    *begin = first >= 0 ? 0 : least(s->out[1], (size_t)((-first + step - 1) / step));
    *end = first >= width ? *begin : least(s->out[1], (size_t)((width - 1 - first) / step + 1));
    *end = *end < *begin ? *begin : *end;
    *column = (size_t)(first + (ptrdiff_t)*begin * step);
}

/* The input row that tap ky of output row oy sees; in[0] if none. */
static size_t row_of(const struct cpu_conv_shape *s, size_t oy, size_t ky)
{
    ptrdiff_t y = (ptrdiff_t)(oy * s->stride[0] + ky * s->dilation[0]) - (ptrdiff_t)s->pad_begin[0];
    return y < 0 || y >= (ptrdiff_t)s->in[0] ? s->in[0] : (size_t)y;
}

/* What tap (ky, kx) sees of a plane from output rows [row, row + rows). */
static void see(const struct cpu_conv_shape *s, const float *plane, size_t tap, size_t row, size_t rows, float *to)
{
    size_t begin, end, column, step = s->stride[1];
    columns_of(s, tap % s->kernel[1], &begin, &end, &column);
    for (size_t i = 0; i < rows; i++, to += s->out[1]) {
        size_t       y = row_of(s, row + i, tap / s->kernel[1]);
        const float *from = plane + y * s->in[1] + column;
        if (y == s->in[0] || begin == end) {
            memset(to, 0, s->out[1] * sizeof *to);
            continue;
        }
        memset(to, 0, begin * sizeof *to);
        if (step == 1)
            memcpy(to + begin, from, (end - begin) * sizeof *to);
        else
            for (size_t j = begin; j < end; j++)
                to[j] = from[(j - begin) * step];
        memset(to + end, 0, (s->out[1] - end) * sizeof *to);
    }
}

/* The way back: adds what stands for each output to what the tap saw from there. */
static void add_back(const struct cpu_conv_shape *s, const float *from, size_t tap, size_t row, size_t rows, float *plane)
{
    size_t begin, end, column, step = s->stride[1];
    columns_of(s, tap % s->kernel[1], &begin, &end, &column);
    for (size_t i = 0; i < rows; i++, from += s->out[1]) {
        size_t y = row_of(s, row + i, tap / s->kernel[1]);
        float *to = plane + y * s->in[1] + column;
        if (y == s->in[0])
            continue;
        if (step == 1)
            for (size_t j = begin; j < end; j++)
                to[j - begin] += from[j];
        else
            for (size_t j = begin; j < end; j++)
                to[(j - begin) * step] += from[j];
    }
}

/* ---- the input's gradient, with strides ------------------------------------------------------------------------ */

/* Some channels of one image. */
static void input_block(void *self, size_t chunk, unsigned thread)
{
    const struct running        *r = self;
    const struct cpu_backward   *b = r->b;
    const struct cpu_conv_shape *s = &b->shape;
    size_t first = chunk % b->blocks * b->block, group = chunk / b->blocks % s->groups, image = chunk / b->blocks / s->groups;
    size_t channels = least(b->block, b->in_each - first), plane = s->in[0] * s->in[1], out = s->out[0] * s->out[1];
    float *rows = b->scratch + thread * b->scratch_floats;
    float *dx = r->to + (image * s->in_channels + group * b->in_each + first) * plane;
    memset(dx, 0, channels * plane * sizeof *dx);
    for (size_t row = 0; row < s->out[0]; row += b->band) {
        size_t high = least(b->band, s->out[0] - row), wide = high * s->out[1];
        struct cpu_sgemm p = {.m = channels * b->taps, .n = wide, .k = b->out_each, .alpha = 1.0f, .a_transposed = true,
                              .a = r->other + group * b->out_each * b->row + first * b->taps, .lda = b->row,
                              .b = r->dy + (image * s->out_channels + group * b->out_each) * out + row * s->out[1], .ldb = out,
                              .c = rows, .ldc = wide};
        cpu_sgemm_own(r->engine->kernels, &p, rows + b->rows_floats);
        for (size_t i = 0; i < channels * b->taps; i++)
            add_back(s, rows + i * wide, i % b->taps, row, high, dx + i / b->taps * plane);
    }
}

/* ---- the weights' gradient ------------------------------------------------------------------------------------- */

/* Some filters' weights for some channels, over all images. */
static void weight_block(void *self, size_t chunk, unsigned thread)
{
    const struct running        *r = self;
    const struct cpu_backward   *b = r->b;
    const struct cpu_conv_shape *s = &b->shape;
    size_t first = chunk % b->blocks * b->block, filter = chunk / b->blocks % b->parts * b->part;
    size_t group = chunk / b->blocks / b->parts, channels = least(b->block, b->in_each - first);
    size_t plane = s->in[0] * s->in[1], out = s->out[0] * s->out[1];
    float *rows = b->scratch + thread * b->scratch_floats;
    for (size_t image = 0; image < s->images; image++)
        for (size_t row = 0; row < s->out[0]; row += b->band) {
            size_t       high = least(b->band, s->out[0] - row), wide = high * s->out[1];
            const float *x = r->other + (image * s->in_channels + group * b->in_each + first) * plane;
            for (size_t i = 0; i < channels * b->taps; i++)
                see(s, x + i / b->taps * plane, i % b->taps, row, high, rows + i * wide);
            struct cpu_sgemm p = {.m = least(b->part, b->out_each - filter), .n = channels * b->taps, .k = wide, .alpha = 1.0f,
                                  .a = r->dy + (image * s->out_channels + group * b->out_each + filter) * out + row * s->out[1],
                                  .lda = out, .b = rows, .ldb = wide, .b_transposed = true,
                                  .c = r->to + (group * b->out_each + filter) * b->row + first * b->taps, .ldc = b->row,
                                  .add = image + row > 0};
            cpu_sgemm_own(r->engine->kernels, &p, rows + b->rows_floats);
        }
}

/* ---- both ------------------------------------------------------------------------------------------------------ */

static void lay_out(struct cpu_backward *b, const struct cpu_engine *engine)
{
    const struct cpu_conv_shape *s = &b->shape;
    size_t threads = cpu_pool_threads(engine->pool), images = b->of_weights ? 1 : s->images;
    b->block = least(b->in_each, b->taps < ROWS ? ROWS / b->taps : 1);
    while (b->block > 1 && images * s->groups * ((b->in_each + b->block - 1) / b->block) < threads)
        b->block = (b->block + 1) / 2;
    assert(b->block > 0);
    b->blocks = (b->in_each + b->block - 1) / b->block;
    assert(s->groups > 0 && b->blocks > 0); /* a convolution without elements is not prepared */
    b->parts = b->of_weights ? least(b->out_each, (threads + s->groups * b->blocks - 1) / (s->groups * b->blocks)) : 1;
    b->part = (b->out_each + b->parts - 1) / b->parts;
    b->parts = (b->out_each + b->part - 1) / b->part;
    size_t wide = b->block * b->taps * s->out[1];
    b->band = BAND_FLOATS / (wide + 1) ? least(s->out[0], BAND_FLOATS / (wide + 1)) : 1;
    b->rows_floats = (b->band * wide + 15) / 16 * 16;
    b->scratch_floats = (b->rows_floats + cpu_sgemm_own_scratch(engine->kernels) + 15) / 16 * 16;
}

enum assay_code cpu_backward_new(const struct cpu_engine *engine, const struct cpu_conv_shape *shape, bool of_weights,
                                 const float *weights, struct cpu_backward **out, struct assay_text *kernel,
                                 struct assay_error *err)
{
    struct cpu_conv_shape turned;
    struct cpu_backward  *b = calloc(1, sizeof *b);
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution's gradient");
    *b = (struct cpu_backward){.shape = *shape, .of_weights = of_weights, .in_each = shape->in_channels / shape->groups,
                               .out_each = shape->out_channels / shape->groups, .taps = shape->kernel[0] * shape->kernel[1]};
    b->row = b->in_each * b->taps;
    if (!of_weights && turn_shape(shape, &turned)) {
        if (new_turned(b, engine, &turned, weights, kernel, err))
            cpu_backward_free(b);
        else
            *out = b;
        return err->code;
    }
    lay_out(b, engine);
    b->scratch = cpu_block_new(cpu_pool_threads(engine->pool) * b->scratch_floats * sizeof *b->scratch);
    if (!b->scratch) {
        cpu_backward_free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the rows of a convolution's gradient");
    }
    assay_text_add(kernel, "products of ours, %zu channels and %zu rows at a time", b->block, b->band);
    *out = b;
    return ASSAY_OK;
}

void cpu_backward_free(struct cpu_backward *b)
{
    if (!b)
        return;
    cpu_direct_free(b->direct);
    free(b->turned);
    free(b->scratch);
    free(b);
}

void cpu_backward_run(const struct cpu_backward *b, const struct cpu_engine *engine, const float *dy, const float *other,
                      float *to)
{
    struct running r = {b, engine, dy, other, to};
    if (b->direct) {
        if (!b->turned_before)
            turn(b, engine, other);
        cpu_direct_run(b->direct, engine, dy, b->turned, &(struct cpu_direct_end){0}, to);
    } else if (b->of_weights) {
        cpu_pool_run(engine->pool, b->shape.groups * b->parts * b->blocks, weight_block, &r);
    } else {
        cpu_pool_run(engine->pool, b->shape.images * b->shape.groups * b->blocks, input_block, &r);
    }
}
