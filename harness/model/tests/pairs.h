/* Seeded random pairs of an op and a device, for what must hold of all of them. */
#ifndef MODEL_TESTS_PAIRS_H
#define MODEL_TESTS_PAIRS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/random.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"
#include "harness/model/coefficients.h"
#include "harness/model/graph_price.h"

struct pair {
    struct assay_graph       *g;
    struct assay_graph_price *price;
    struct assay_described   *d;
    char                      op[64];
};

static inline int64_t pair_size(struct assay_random *r, int64_t low, int64_t high)
{
    return (int64_t)((double)low * pow((double)high / (double)low, assay_random_unit(r)));
}

static inline enum assay_dtype pair_float(struct assay_random *r)
{
    static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_BF16, ASSAY_F16};
    return dtypes[assay_random_below(r, 3)];
}

static inline int32_t pair_attention(struct assay_graph *g, struct assay_random *r, enum assay_dtype t)
{
    int64_t kv = 1 << assay_random_below(r, 4), heads = kv << assay_random_below(r, 4), width = 64 << assay_random_below(r, 2);
    int64_t batch = pair_size(r, 1, 32), keys = pair_size(r, 16, 8192), queries = assay_random_below(r, 2) ? 1 : keys;
    int32_t in[3] = {assay_graph_input(g, "q", t, 4, (int64_t[]){batch, heads, queries, width}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "k", t, 4, (int64_t[]){batch, kv, keys, width}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "v", t, 4, (int64_t[]){batch, kv, keys, width}, ASSAY_FILL_SIGNED)};
    return assay_graph_op(g, "Attention", "y", in, 3, (struct assay_attr[]){ASSAY_ATTR_INT("is_causal", queries > 1), ASSAY_ATTR_END});
}

static inline int32_t pair_product(struct assay_graph *g, struct assay_random *r, enum assay_dtype t)
{
    int64_t m = pair_size(r, 1, 16384), n = pair_size(r, 16, 16384), k = pair_size(r, 16, 16384);
    int32_t in[2] = {assay_graph_input(g, "a", t, 2, (int64_t[]){m, k}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "b", t, 2, (int64_t[]){k, n}, ASSAY_FILL_SIGNED)};
    return assay_graph_op(g, "MatMul", "y", in, 2, NULL);
}

static inline int32_t pair_conv(struct assay_graph *g, struct assay_random *r, enum assay_dtype t)
{
    int64_t n = pair_size(r, 1, 64), c = pair_size(r, 3, 512), m = pair_size(r, 16, 512), d = pair_size(r, 7, 112), w = assay_random_below(r, 2) ? 1 : 3;
    int32_t in[2] = {assay_graph_input(g, "x", t, 4, (int64_t[]){n, c, d, d}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "w", t, 4, (int64_t[]){m, c, w, w}, ASSAY_FILL_SIGNED)};
    return assay_graph_op(g, "Conv", "y", in, 2, NULL);
}

static inline int32_t pair_pass(struct assay_graph *g, struct assay_random *r, enum assay_dtype t)
{
    static const char *const ops[] = {"Exp", "Softmax", "Relu", "Gelu"};
    int64_t m = pair_size(r, 1, 65536), n = pair_size(r, 16, 16384);
    int32_t x = assay_graph_input(g, "x", t, 2, (int64_t[]){m, n}, ASSAY_FILL_SIGNED);
    return assay_graph_op(g, ops[assay_random_below(r, 4)], "y", &x, 1, NULL);
}

static inline int32_t pair_copy(struct assay_graph *g, struct assay_random *r, enum assay_dtype t)
{
    static const enum assay_place places[] = {ASSAY_PLACE_DEVICE, ASSAY_PLACE_HOST_PINNED, ASSAY_PLACE_HOST_PAGEABLE, ASSAY_PLACE_PEER};
    int64_t n = pair_size(r, 1, 1 << 28);
    int32_t x = assay_graph_input(g, "x", t, 1, &n, ASSAY_FILL_SIGNED), y = assay_graph_op(g, "assay.Copy", "y", &x, 1, NULL);
    assay_graph_place(g, x, places[assay_random_below(r, 4)]);
    return y;
}

static inline bool pair_make(struct pair *p, struct assay_random *r, struct assay_described *const *devices, size_t n_devices)
{
    typedef int32_t build(struct assay_graph *g, struct assay_random *r, enum assay_dtype t);
    static build *const builds[] = {pair_product, pair_attention, pair_conv, pair_pass, pair_copy};
    struct assay_error  err = {.code = ASSAY_OK};
    *p = (struct pair){.g = assay_graph_new("pair"), .d = devices[assay_random_below(r, n_devices)]};
    enum assay_dtype t = pair_float(r);
    assay_graph_output(p->g, builds[assay_random_below(r, 5)](p->g, r, t));
    if (assay_graph_finish(p->g, &err) || assay_graph_price_new(p->g, &p->price, &err))
        return false;
    (void)snprintf(p->op, sizeof p->op, "%s %s on %s", p->g->nodes[0].op->name, assay_dtype_name(t), p->d->name);
    return true;
}

static inline void pair_free(struct pair *p)
{
    assay_graph_price_free(p->price);
    assay_graph_free(p->g);
}

/* NaN: the device does not take it. */
static inline double pair_ns(struct pair *p, const struct assay_chip *chip)
{
    const struct assay_coefficients k = assay_coefficients_begin();
    const struct assay_node_how     how = {.f32_as = ASSAY_F32};
    struct assay_error              err = {.code = ASSAY_OK};
    return assay_graph_price_on(p->price, chip, &k, &how, false, NULL, &err) ? NAN : p->price->total.ns;
}

/* Of which more is never slower. */
static const enum assay_device_field pair_better[] = {
    ASSAY_DEVICE_PEAK_F32, ASSAY_DEVICE_PEAK_TF32, ASSAY_DEVICE_PEAK_BF16, ASSAY_DEVICE_PEAK_F16, ASSAY_DEVICE_PEAK_F8, ASSAY_DEVICE_PEAK_I8,
    ASSAY_DEVICE_SUSTAINED, ASSAY_DEVICE_VECTOR, ASSAY_DEVICE_EXP, ASSAY_DEVICE_LLC, ASSAY_DEVICE_LLC_BANDWIDTH, ASSAY_DEVICE_BANDWIDTH,
    ASSAY_DEVICE_HOST_LINK, ASSAY_DEVICE_SCALE_UP};
#define PAIR_FIELDS (sizeof pair_better / sizeof *pair_better)

/* The first field of which more was slower, or ASSAY_DEVICE_FIELDS. */
static inline enum assay_device_field pair_slower(struct pair *p, struct assay_random *r)
{
    struct assay_chip chip = assay_chip_draw(p->d, assay_random_u32(r));
    double            before = pair_ns(p, &chip);
    for (size_t i = 0; i < PAIR_FIELDS && !isnan(before); i++) {
        struct assay_chip more = chip;
        more.field[pair_better[i]] *= 1 + 2 * assay_random_unit(r);
        if (pair_ns(p, &more) > before * (1 + 1e-9))
            return pair_better[i];
    }
    return ASSAY_DEVICE_FIELDS;
}

/* Is the hull of a random sub-range of every such field within the hull of the ranges? A field without one is stretched to one. */
static inline bool pair_hull_holds(struct pair *p, struct assay_random *r)
{
    struct assay_chip middle = assay_chip_middle(p->d), worst = middle, best = middle, sub_worst = middle, sub_best = middle;
    for (size_t i = 0; i < PAIR_FIELDS; i++) {
        enum assay_device_field      f = pair_better[i];
        const struct assay_quantity *q = &p->d->fields[f];
        double low = q->low < q->high ? q->low : middle.field[f] / 1.3, high = q->low < q->high ? q->high : middle.field[f] * 1.3;
        double a = assay_random_unit(r), b = a + (1 - a) * assay_random_unit(r);
        worst.field[f] = low;
        best.field[f] = high;
        sub_worst.field[f] = low + a * (high - low);
        sub_best.field[f] = low + b * (high - low);
    }
    double t[4] = {pair_ns(p, &best), pair_ns(p, &sub_best), pair_ns(p, &sub_worst), pair_ns(p, &worst)};
    for (int i = 0; i < 3; i++)
        if (t[i] > t[i + 1] * (1 + 1e-9))
            return false;
    return true;
}

#endif
