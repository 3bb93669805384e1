#include "backends/cpu/convolution/direct.h"

#include <assert.h>
#include <stdlib.h>

#include "backends/cpu/elementwise/elementwise.h"
#include "backends/cpu/products/tile.h"

#include "assay/banned.h"

/* A block of channels is multiplied at a time: as deep as keeps its weights and planes in the second-level cache. */
enum { DEPTH = 640, BAND_FLOATS = 56 * 1024, SLACK = 64 };

/* Below this much useful arithmetic in ours, oneDNN's layouts are worth their reorders; of a single tap there is less
 * arithmetic to win by them. Measured on ResNet-50's layers. */
#define LEAST_EFFICIENCY 0.93
#define LEAST_EFFICIENCY_ONE_TAP 0.8

struct cpu_direct {
    struct cpu_conv_shape shape;
    size_t in_each, out_each;   /* channels of one group */
    size_t block, blocks;       /* channels multiplied at a time, and how often */
    size_t wide, high;          /* of one plane: columns, and rows for a whole band */
    size_t planes;              /* of one channel: one for each (row, column) phase of the stride that a tap uses */
    size_t phase_of[2][64];     /* plane index parts: rank of a phase among the used ones */
    size_t phases[2], phase[2][64]; /* used phases of rows and columns */
    size_t plane, channel;      /* floats from plane to plane and from channel to channel */
    size_t band, bands;         /* output rows handled at once */
    size_t parts, part;         /* pieces of a group's output channels, and channels in one */
    ptrdiff_t *offset;          /* of each (channel in block, tap) */
    size_t out_panels;          /* of one group, rows of the tile kernel each */
    float *packed;              /* weights [group][block][panel][channel, tap][row] */
    bool   packed_before;
    float *scratch;             /* planes and sums, scratch_floats a thread */
    size_t scratch_floats, planes_floats, sums_row;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t taps(const struct cpu_conv_shape *s)
{
    return s->kernel[0] * s->kernel[1];
}

/* Which phases of the stride the taps of one axis use, and the farthest they reach in a plane. */
static size_t find_phases(struct cpu_direct *d, int axis)
{
    const struct cpu_conv_shape *s = &d->shape;
    size_t                       reach = 0;
    d->phases[axis] = 0;
    for (size_t phase = 0; phase < s->stride[axis]; phase++) {
        bool used = false;
        for (size_t k = 0; k < s->kernel[axis]; k++)
            if (k * s->dilation[axis] % s->stride[axis] == phase)
                used = true;
        if (!used)
            continue;
        d->phase_of[axis][phase] = d->phases[axis];
        d->phase[axis][d->phases[axis]++] = phase;
    }
    for (size_t k = 0; k < s->kernel[axis]; k++)
        if (k * s->dilation[axis] / s->stride[axis] > reach)
            reach = k * s->dilation[axis] / s->stride[axis];
    return reach;
}

static void choose_band(struct cpu_direct *d, size_t threads)
{
    const struct cpu_conv_shape *s = &d->shape;
    size_t fits = BAND_FLOATS / (d->wide * (d->part < 16 ? 16 : d->part) + 1);
    size_t bands = (s->out[0] + (fits ? fits : 1) - 1) / (fits ? fits : 1);
    while (bands < s->out[0] && bands * s->images * s->groups * d->parts < 4 * threads && s->out[0] / bands > 4)
        bands++;
    d->band = (s->out[0] + bands - 1) / bands;
    d->bands = (s->out[0] + d->band - 1) / d->band;
}

static void lay_out(struct cpu_direct *d, size_t threads, const struct cpu_tile_kernels *tile)
{
    const struct cpu_conv_shape *s = &d->shape;
    assert(s->stride[0] > 0 && s->stride[1] > 0 && taps(s) > 0);
    d->in_each = s->in_channels / s->groups;
    d->out_each = s->out_channels / s->groups;
    assert(d->in_each > 0); /* an empty tensor is not accepted */
    d->block = least(d->in_each, DEPTH / taps(s) ? DEPTH / taps(s) : 1);
    d->blocks = (d->in_each + d->block - 1) / d->block;
    d->out_panels = (d->out_each + tile->rows - 1) / tile->rows;
    d->parts = 1;
    size_t reach_down = find_phases(d, 0), reach_right = find_phases(d, 1);
    d->wide = s->out[1] + reach_right;
    while (d->parts < d->out_panels && d->parts * 2 <= d->out_panels && s->images * s->groups * d->parts < threads)
        d->parts *= 2;
    d->part = (d->out_panels + d->parts - 1) / d->parts * tile->rows;
    d->parts = (d->out_each + d->part - 1) / d->part;
    choose_band(d, threads);
    d->high = d->band + reach_down;
    d->planes = d->phases[0] * d->phases[1];
    d->plane = d->high * d->wide;
    d->channel = d->planes * d->plane;
    d->planes_floats = (d->block * d->channel + SLACK + 15) / 16 * 16;
    d->sums_row = (d->band * d->wide + tile->lanes + 15) / 16 * 16;
    d->scratch_floats = d->planes_floats + d->part * d->sums_row;
}

static void fill_offsets(struct cpu_direct *d)
{
    const struct cpu_conv_shape *s = &d->shape;
    ptrdiff_t                   *to = d->offset;
    for (size_t c = 0; c < d->block; c++)
        for (size_t ky = 0; ky < s->kernel[0]; ky++)
            for (size_t kx = 0; kx < s->kernel[1]; kx++) {
                size_t y = ky * s->dilation[0], x = kx * s->dilation[1];
                size_t plane = d->phase_of[0][y % s->stride[0]] * d->phases[1] + d->phase_of[1][x % s->stride[1]];
                *to++ = (ptrdiff_t)(c * d->channel + plane * d->plane + y / s->stride[0] * d->wide + x / s->stride[1]);
            }
}

struct packing {
    const struct cpu_direct *d;
    const float             *weights;
    size_t                   rows;
};

/* One panel of output channels of one group, through all blocks. */
static void pack_panel(void *self, size_t chunk, unsigned thread)
{
    const struct packing    *p = self;
    const struct cpu_direct *d = p->d;
    size_t group = chunk / d->out_panels, panel = chunk % d->out_panels, k_all = d->in_each * taps(&d->shape);
    (void)thread;
    for (size_t c = 0; c < d->in_each; c += d->block) {
        size_t depth = least(d->block, d->in_each - c) * taps(&d->shape), from = c * taps(&d->shape);
        float *to = d->packed + group * d->out_panels * p->rows * k_all + d->out_panels * p->rows * from +
                    panel * p->rows * depth;
        for (size_t m = 0; m < p->rows; m++) {
            size_t       row = panel * p->rows + m;
            const float *w = p->weights + (group * d->out_each + row) * k_all + from;
            for (size_t k = 0; k < depth; k++)
                to[k * p->rows + m] = row < d->out_each ? w[k] : 0.0f;
        }
    }
}

static void pack(const struct cpu_direct *d, const struct cpu_engine *engine, const float *weights)
{
    struct packing p = {d, weights, engine->kernels->tile->rows};
    cpu_pool_run(engine->pool, d->shape.groups * d->out_panels, pack_panel, &p);
}

enum assay_code cpu_direct_new(const struct cpu_engine *engine, const struct cpu_conv_shape *shape, const float *weights,
                               struct cpu_direct **out, struct assay_text *kernel, struct assay_error *err)
{
    const struct cpu_tile_kernels *tile = engine->kernels->tile;
    size_t                         threads = cpu_pool_threads(engine->pool);
    struct cpu_direct             *d = calloc(1, sizeof *d);
    if (!d)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution's plan");
    d->shape = *shape;
    lay_out(d, threads, tile);
    size_t weights_floats = shape->groups * d->out_panels * tile->rows * d->in_each * taps(shape);
    d->offset = calloc(d->block * taps(shape) + 1, sizeof *d->offset);
    d->packed = cpu_block_new(weights_floats * sizeof *d->packed);
    d->scratch = cpu_block_new(threads * d->scratch_floats * sizeof *d->scratch);
    if (!d->offset || !d->packed || !d->scratch) {
        cpu_direct_free(d);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a convolution's weights and planes");
    }
    fill_offsets(d);
    if (weights) {
        pack(d, engine, weights);
        d->packed_before = true;
    }
    assay_text_add(kernel, "direct convolution of ours on NCHW, %zu bands of %zu rows, weights packed %s, %.0f %% useful",
                   d->bands, d->band, weights ? "at compile" : "per run", 100 * cpu_direct_efficiency(engine, shape));
    *out = d;
    return ASSAY_OK;
}

void cpu_direct_free(struct cpu_direct *d)
{
    if (!d)
        return;
    free(d->offset);
    free(d->packed);
    free(d->scratch);
    free(d);
}

struct running {
    const struct cpu_direct       *d;
    const struct cpu_tile_kernels *tile;
    cpu_finish_fn                 *finish;
    const float                   *x;
    struct cpu_direct_end          end;
    float                         *y;
};

/* One row of one plane: every stride-th column from `first`, zeros outside the input. */
static void copy_row(const struct cpu_conv_shape *s, const float *from, ptrdiff_t first, size_t wide, float *to)
{
    ptrdiff_t step = (ptrdiff_t)s->stride[1], width = (ptrdiff_t)s->in[1];
    size_t    begin = first >= 0 ? 0 : least(wide, (size_t)((-first + step - 1) / step));
    size_t    end = first >= width ? begin : least(wide, (size_t)((width - 1 - first) / step + 1));
    if (end < begin)
        end = begin;
    for (size_t i = 0; i < begin; i++)
        to[i] = 0.0f;
    if (step == 1 && end > begin)
        memcpy(to + begin, from + first + (ptrdiff_t)begin, (end - begin) * sizeof *to);
    else
        for (size_t i = begin; i < end; i++)
            to[i] = from[first + (ptrdiff_t)i * step];
    for (size_t i = end; i < wide; i++)
        to[i] = 0.0f;
}

/* The planes of `n` channels for output rows [row, row + rows). */
static void copy_planes(const struct cpu_direct *d, const float *x, size_t n, size_t row, size_t rows, float *to)
{
    const struct cpu_conv_shape *s = &d->shape;
    size_t                       high = d->high - d->band + rows;
    for (size_t c = 0; c < n; c++, x += s->in[0] * s->in[1])
        for (size_t plane = 0; plane < d->planes; plane++)
            for (size_t i = 0; i < high; i++) {
                ptrdiff_t y = (ptrdiff_t)((row + i) * s->stride[0] + d->phase[0][plane / d->phases[1]]) -
                              (ptrdiff_t)s->pad_begin[0];
                ptrdiff_t first = (ptrdiff_t)d->phase[1][plane % d->phases[1]] - (ptrdiff_t)s->pad_begin[1];
                float    *line = to + c * d->channel + plane * d->plane + i * d->wide;
                if (y < 0 || y >= (ptrdiff_t)s->in[0])
                    memset(line, 0, d->wide * sizeof *line);
                else
                    copy_row(s, x + (size_t)y * s->in[1], first, d->wide, line);
            }
}

/* Sums of one block of channels for a part of the output channels. */
static void multiply(const struct running *r, const float *planes, const float *weights, size_t depth, size_t channels,
                     size_t columns, bool add, float *sums)
{
    const struct cpu_direct *d = r->d;
    for (size_t n = 0; n < columns; n += r->tile->columns)
        for (size_t m = 0; m < channels; m += r->tile->rows)
            r->tile->packed(&(struct cpu_tile){
                .rows = least(r->tile->rows, channels - m),
                .columns = least(r->tile->columns, (columns - n + r->tile->lanes - 1) / r->tile->lanes * r->tile->lanes),
                .depth = depth,
                .a = weights + m * depth,
                .b = planes + n,
                .offset = d->offset,
                .c = sums + m * d->sums_row + n,
                .c_row = (ptrdiff_t)d->sums_row,
                .add = add,
            });
}

static void write_out(const struct running *r, const float *sums, size_t image, size_t channel, size_t n, size_t row,
                      size_t rows)
{
    const struct cpu_conv_shape *s = &r->d->shape;
    size_t                       wide = r->d->wide, width = s->out[1];
    if (wide == width) { /* rows go on without gaps */
        wide = width *= rows;
        rows = 1;
    }
    for (size_t c = 0; c < n; c++) {
        size_t       at = ((image * s->out_channels + channel + c) * s->out[0] + row) * s->out[1];
        const float *from = sums + c * r->d->sums_row;
        float        bias = r->end.bias ? r->end.bias[channel + c] : 0.0f;
        for (size_t i = 0; i < rows; i++, at += width, from += wide)
            r->finish(width, from, bias, r->end.added ? r->end.added + at : NULL, r->end.relu, r->y + at);
    }
}

static void run_band(void *self, size_t chunk, unsigned thread)
{
    const struct running        *r = self;
    const struct cpu_direct     *d = r->d;
    const struct cpu_conv_shape *s = &d->shape;
    size_t band = chunk % d->bands, rest = chunk / d->bands;
    size_t part = rest % d->parts, group = rest / d->parts % s->groups, image = rest / d->parts / s->groups;
    size_t row = band * d->band, rows = least(d->band, s->out[0] - row);
    size_t first = part * d->part, channels = least(d->part, d->out_each - first);
    float *planes = d->scratch + thread * d->scratch_floats, *sums = planes + d->planes_floats;
    const float *x = r->x + (image * s->in_channels + group * d->in_each) * s->in[0] * s->in[1];
    size_t       panel_rows = d->out_panels * r->tile->rows;
    for (size_t c = 0; c < d->in_each; c += d->block) {
        size_t n = least(d->block, d->in_each - c), depth = n * taps(s);
        copy_planes(d, x + c * s->in[0] * s->in[1], n, row, rows, planes);
        multiply(r, planes, d->packed + panel_rows * (group * d->in_each + c) * taps(s) + first * depth, depth, channels,
                 (rows - 1) * d->wide + s->out[1], c > 0, sums);
    }
    write_out(r, sums, image, group * d->out_each + first, channels, row, rows);
}

void cpu_direct_run(const struct cpu_direct *d, const struct cpu_engine *engine, const float *x, const float *weights,
                    const struct cpu_direct_end *end, float *y)
{
    struct running r = {d, engine->kernels->tile, engine->kernels->elementwise->finish, x, *end, y};
    if (!d->packed_before)
        pack(d, engine, weights);
    cpu_pool_run(engine->pool, d->shape.images * d->shape.groups * d->parts * d->bands, run_band, &r);
}

double cpu_direct_efficiency(const struct cpu_engine *engine, const struct cpu_conv_shape *shape)
{
    const struct cpu_tile_kernels *tile = engine->kernels->tile;
    struct cpu_direct              d = {.shape = *shape};
    lay_out(&d, cpu_pool_threads(engine->pool), tile);
    size_t columns = (d.band - 1) * d.wide + shape->out[1];
    size_t whole_columns = (columns + tile->lanes - 1) / tile->lanes * tile->lanes;
    double computed = (double)whole_columns * (double)(d.out_panels * tile->rows);
    return (double)(d.band * shape->out[1]) * (double)d.out_each / computed;
}

bool cpu_direct_is_good(const struct cpu_engine *engine, const struct cpu_conv_shape *shape)
{
    return cpu_direct_efficiency(engine, shape) >= (taps(shape) > 1 ? LEAST_EFFICIENCY : LEAST_EFFICIENCY_ONE_TAP);
}
