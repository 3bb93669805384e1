#include "backends/cpu/convolution/volume.h"

#include <assert.h>
#include <stdlib.h>

#include "backends/cpu/products/sgemm.h"

#include "assay/banned.h"

/* A band of what windows see is about half of a second-level cache; a block of channels makes about as many rows as one block of the
 * product. */
enum { BAND_FLOATS = 64 * 1024, ROWS = 96 };

struct cpu_volume_conv {
    struct cpu_volume    v;
    enum cpu_onednn_kind kind;
    size_t               images, groups, in_channels, out_channels;
    size_t               in_each, out_each, taps; /* channels of a group; of a channel's window */
    size_t               in_size, out_size, rows; /* elements of a volume; rows of outputs */
    size_t               block, blocks, band, bands; /* channels, and rows of outputs, at a time */
    float               *scratch;                    /* scratch_floats a thread: what is seen, then a product's own */
    size_t               scratch_floats, seen_floats;
};

struct running {
    const struct cpu_volume_conv *c;
    const struct cpu_engine      *engine;
    const float                  *x, *w, *y;
    float                        *to;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void cpu_volume_read(const struct cpu_node *node, const struct assay_value_view *x, const struct assay_value_view *y,
                     struct cpu_volume *v)
{
    int64_t strides[3] = {1, 1, 1}, dilations[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, pads[6] = {0};
    (void)cpu_attr_i64s(node, "strides", strides, 3);
    (void)cpu_attr_i64s(node, "dilations", dilations, 3);
    (void)cpu_attr_i64s(node, "kernel_shape", kernel, 3);
    (void)cpu_attr_i64s(node, "pads", pads, 6);
    for (int d = 0; d < 3; d++) {
        v->in[d] = (size_t)x->dims[d + 2];
        v->out[d] = (size_t)y->dims[d + 2];
        v->kernel[d] = (size_t)kernel[d];
        v->stride[d] = (size_t)strides[d];
        v->dilation[d] = (size_t)dilations[d];
        v->pad[d] = (size_t)pads[d]; /* the host has resolved auto_pad */
    }
}

/* ---- what a tap sees --------------------------------------------------------------------------------------------- */

/* The input row that tap `tap` of output row `row` looks at, as an offset into the volume; false: padding. */
static bool row_of(const struct cpu_volume *v, size_t row, size_t tap, size_t *offset)
{
    size_t z = cpu_volume_at(v, 0, row / v->out[1], tap / v->kernel[2] / v->kernel[1]);
    size_t y = cpu_volume_at(v, 1, row % v->out[1], tap / v->kernel[2] % v->kernel[1]);
    *offset = (z * v->in[1] + y) * v->in[2];
    return z < v->in[0] && y < v->in[1];
}

/* Outputs [*begin, *end) of a row whose tap looks into the input, and the column that the first of them looks at. */
static void columns_of(const struct cpu_volume *v, size_t tap, size_t *begin, size_t *end, size_t *column)
{
    size_t k = tap % v->kernel[2];
    for (*begin = 0; *begin < v->out[2] && cpu_volume_at(v, 2, *begin, k) == v->in[2];)
        ++*begin;
    for (*end = v->out[2]; *end > *begin && cpu_volume_at(v, 2, *end - 1, k) == v->in[2];)
        --*end;
    *column = *begin < *end ? cpu_volume_at(v, 2, *begin, k) : 0;
}

static void see(const struct cpu_volume *v, const float *volume, size_t tap, size_t row, size_t rows, float *to)
{
    size_t begin, end, column, offset, step = v->stride[2];
    columns_of(v, tap, &begin, &end, &column);
    for (size_t i = 0; i < rows; i++, to += v->out[2]) {
        memset(to, 0, v->out[2] * sizeof *to);
        if (!row_of(v, row + i, tap, &offset))
            continue;
        for (size_t j = begin; j < end; j++)
            to[j] = volume[offset + column + (j - begin) * step];
    }
}

/* The way back: adds what stands for each output to what the tap saw from there. */
static void add_back(const struct cpu_volume *v, const float *from, size_t tap, size_t row, size_t rows, float *volume)
{
    size_t begin, end, column, offset, step = v->stride[2];
    columns_of(v, tap, &begin, &end, &column);
    for (size_t i = 0; i < rows; i++, from += v->out[2]) {
        if (!row_of(v, row + i, tap, &offset))
            continue;
        for (size_t j = begin; j < end; j++)
            volume[offset + column + (j - begin) * step] += from[j];
    }
}

/* ---- the three products ------------------------------------------------------------------------------------------ */

/* A band of one image's outputs, of all filters of a group. */
static void output_band(void *self, size_t chunk, unsigned thread)
{
    const struct running         *r = self;
    const struct cpu_volume_conv *c = r->c;
    size_t group = chunk / c->bands % c->groups, image = chunk / c->bands / c->groups, row = chunk % c->bands * c->band;
    size_t high = least(c->band, c->rows - row), wide = high * c->v.out[2], depth = c->in_each * c->taps;
    float *seen = c->scratch + thread * c->scratch_floats;
    for (size_t i = 0; i < depth; i++)
        see(&c->v, r->x + (image * c->in_channels + group * c->in_each + i / c->taps) * c->in_size, i % c->taps, row, high, seen + i * wide);
    struct cpu_sgemm p = {.m = c->out_each, .n = wide, .k = depth, .alpha = 1.0f, .a = r->w + group * c->out_each * depth, .lda = depth,
                          .b = seen, .ldb = wide,
                          .c = r->to + (image * c->out_channels + group * c->out_each) * c->out_size + row * c->v.out[2],
                          .ldc = c->out_size};
    cpu_sgemm_own(r->engine->kernels, &p, seen + c->seen_floats);
}

/* Some channels of one image. */
static void input_block(void *self, size_t chunk, unsigned thread)
{
    const struct running         *r = self;
    const struct cpu_volume_conv *c = r->c;
    size_t first = chunk % c->blocks * c->block, group = chunk / c->blocks % c->groups, image = chunk / c->blocks / c->groups;
    size_t channels = least(c->block, c->in_each - first), depth = c->in_each * c->taps;
    float *seen = c->scratch + thread * c->scratch_floats;
    float *dx = r->to + (image * c->in_channels + group * c->in_each + first) * c->in_size;
    memset(dx, 0, channels * c->in_size * sizeof *dx);
    for (size_t row = 0; row < c->rows; row += c->band) {
        size_t high = least(c->band, c->rows - row), wide = high * c->v.out[2];
        struct cpu_sgemm p = {.m = channels * c->taps, .n = wide, .k = c->out_each, .alpha = 1.0f, .a_transposed = true,
                              .a = r->w + group * c->out_each * depth + first * c->taps, .lda = depth,
                              .b = r->y + (image * c->out_channels + group * c->out_each) * c->out_size + row * c->v.out[2],
                              .ldb = c->out_size, .c = seen, .ldc = wide};
        cpu_sgemm_own(r->engine->kernels, &p, seen + c->seen_floats);
        for (size_t i = 0; i < channels * c->taps; i++)
            add_back(&c->v, seen + i * wide, i % c->taps, row, high, dx + i / c->taps * c->in_size);
    }
}

/* All of a group's filters' weights for some channels, over all images. */
static void weight_block(void *self, size_t chunk, unsigned thread)
{
    const struct running         *r = self;
    const struct cpu_volume_conv *c = r->c;
    size_t first = chunk % c->blocks * c->block, group = chunk / c->blocks, channels = least(c->block, c->in_each - first);
    size_t depth = c->in_each * c->taps;
    float *seen = c->scratch + thread * c->scratch_floats;
    for (size_t image = 0; image < c->images; image++)
        for (size_t row = 0; row < c->rows; row += c->band) {
            size_t       high = least(c->band, c->rows - row), wide = high * c->v.out[2];
            const float *x = r->x + (image * c->in_channels + group * c->in_each + first) * c->in_size;
            for (size_t i = 0; i < channels * c->taps; i++)
                see(&c->v, x + i / c->taps * c->in_size, i % c->taps, row, high, seen + i * wide);
            struct cpu_sgemm p = {.m = c->out_each, .n = channels * c->taps, .k = wide, .alpha = 1.0f,
                                  .a = r->y + (image * c->out_channels + group * c->out_each) * c->out_size + row * c->v.out[2],
                                  .lda = c->out_size, .b = seen, .ldb = wide, .b_transposed = true,
                                  .c = r->to + group * c->out_each * depth + first * c->taps, .ldc = depth, .add = image + row > 0};
            cpu_sgemm_own(r->engine->kernels, &p, seen + c->seen_floats);
        }
}

void cpu_volume_conv_run(const struct cpu_volume_conv *c, const struct cpu_engine *engine, const float *x, const float *w,
                         const float *y, float *to)
{
    struct running r = {c, engine, x, w, y, to};
    if (c->kind == CPU_ONEDNN_OUTPUT)
        cpu_pool_run(engine->pool, c->images * c->groups * c->bands, output_band, &r);
    else if (c->kind == CPU_ONEDNN_INPUT_GRAD)
        cpu_pool_run(engine->pool, c->images * c->groups * c->blocks, input_block, &r);
    else
        cpu_pool_run(engine->pool, c->groups * c->blocks, weight_block, &r);
}

/* ---- laying out -------------------------------------------------------------------------------------------------- */

static void lay_out(struct cpu_volume_conv *c, const struct cpu_engine *engine)
{
    c->block = c->kind == CPU_ONEDNN_OUTPUT ? c->in_each : least(c->in_each, c->taps < ROWS ? ROWS / c->taps : 1);
    size_t line = c->block * c->taps * c->v.out[2];
    assert(c->block > 0 && line > 0); /* of empty tensors none is prepared */
    c->blocks = (c->in_each + c->block - 1) / c->block;
    c->band = line < BAND_FLOATS ? least(c->rows, BAND_FLOATS / line) : 1;
    c->bands = (c->rows + c->band - 1) / c->band;
    c->seen_floats = (c->band * line + 15) / 16 * 16;
    c->scratch_floats = (c->seen_floats + cpu_sgemm_own_scratch(engine->kernels) + 15) / 16 * 16;
}

enum assay_code cpu_volume_conv_new(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_onednn_kind kind,
                                    const struct assay_value_view *x, const struct assay_value_view *w, const struct assay_value_view *y,
                                    struct cpu_volume_conv **out, struct assay_text *kernel, struct assay_error *err)
{
    struct cpu_volume_conv *c = calloc(1, sizeof *c);
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution");
    cpu_volume_read(node, x, y, &c->v);
    for (int d = 0; d < 3; d++)
        c->v.kernel[d] = (size_t)w->dims[d + 2];
    c->kind = kind;
    c->images = (size_t)x->dims[0];
    c->groups = (size_t)cpu_attr_i64(node, "group", 1);
    c->in_channels = (size_t)x->dims[1];
    c->out_channels = (size_t)w->dims[0];
    c->in_each = c->in_channels / c->groups;
    c->out_each = c->out_channels / c->groups;
    c->taps = cpu_volume_elements(c->v.kernel);
    c->in_size = cpu_volume_elements(c->v.in);
    c->out_size = cpu_volume_elements(c->v.out);
    c->rows = c->v.out[0] * c->v.out[1];
    lay_out(c, engine);
    c->scratch = cpu_block_new(cpu_pool_threads(engine->pool) * c->scratch_floats * sizeof *c->scratch);
    if (!c->scratch) {
        cpu_volume_conv_free(c);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what the windows of a convolution see");
    }
    assay_text_add(kernel, "products of ours over volumes, %zu channels and %zu rows at a time", c->block, c->band);
    *out = c;
    return ASSAY_OK;
}

void cpu_volume_conv_free(struct cpu_volume_conv *c)
{
    if (!c)
        return;
    free(c->scratch);
    free(c);
}
