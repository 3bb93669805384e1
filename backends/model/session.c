#include "session.h"

#include <math.h>
#include <string.h>

#include "harness/base/student.h"

#include "assay/banned.h"

#define SHARE 0.05 /* of the time, from which on a class of kernels counts for the grade */

/* TF32 has no format of its own in a graph. */
struct assay_chip model_chip(const struct assay_session *s, struct assay_chip chip)
{
    if (s->options.precision == MODEL_TF32)
        chip.field[ASSAY_DEVICE_PEAK_F32] = chip.field[ASSAY_DEVICE_PEAK_TF32];
    return chip;
}

void model_draw(struct assay_session *s, uint64_t k)
{
    s->chip = model_chip(s, k ? assay_chip_draw(s->described, k) : assay_chip_middle(s->described));
    for (uint32_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        s->error[c] = k ? assay_normal_quantile(assay_draw_quantile(k, ASSAY_DEVICE_FIELDS + c)) : 0;
    s->k = k;
    s->drawn++;
}

/* The format of most bytes of weights, if it is one of 16 bits: stacks that store them so compute so. */
static enum assay_dtype stored_format(const struct assay_graph *g)
{
    uint64_t bytes[3] = {0};
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].role == ASSAY_ROLE_PARAM)
            bytes[g->values[v].dtype == ASSAY_BF16 ? 1 : g->values[v].dtype == ASSAY_F16 ? 2 : 0] += g->values[v].bytes;
    return bytes[1] > bytes[0] && bytes[1] >= bytes[2] ? ASSAY_BF16 : bytes[2] > bytes[0] ? ASSAY_F16 : ASSAY_F32;
}

struct assay_node_how model_how(const struct assay_session *s, const struct assay_graph *g, const void *const *content)
{
    enum assay_dtype as = ASSAY_F32;
    switch ((enum model_precision)s->options.precision) {
    case MODEL_AS_STORED: as = stored_format(g); break;
    case MODEL_BF16: as = ASSAY_BF16; break;
    case MODEL_F16: as = ASSAY_F16; break;
    case MODEL_AS_GRAPH:
    case MODEL_TF32: break;
    }
    return (struct assay_node_how){.f32_as = as, .content = content};
}

/* ---- pricing ------------------------------------------------------------------------------------------------------- */

static enum assay_format_class format_of(const struct assay_graph *g, const struct assay_node_class *c)
{
    const struct assay_node *node = &g->nodes[c->first];
    unsigned bits = node->n_inputs && node->inputs[0] != ASSAY_NO_VALUE ? assay_dtype_bits(g->values[node->inputs[0]].dtype) : 0;
    return bits == 8 ? ASSAY_FORMAT_F8 : bits && bits <= 6 ? ASSAY_FORMAT_F4 : ASSAY_FORMAT_WIDE;
}

/* The band is 80 % wide; kernels of one class are off together, as chips are. */
static void add_error(void *self, const struct assay_graph *g, struct assay_node_class *c)
{
    const struct assay_session *s = self;
    struct assay_price         *p = &c->price;
    struct assay_band           band = assay_band_of(&s->fitted, s->described->vendor, p->class, s->described->memory_class,
                                                     format_of(g, c),
                                                     assay_price_regime(p));
    double off = exp(band.half / assay_normal_quantile(0.9) * s->error[p->class]);
    p->ns *= off;
    p->floor_ns *= off;
}

enum assay_code model_price(struct assay_session *s, struct assay_program *p, bool again, struct assay_error *err)
{
    struct assay_node_how how = model_how(s, p->graph, p->content);
    struct assay_adjust   adjust = {add_error, s};
    return assay_graph_price_on(p->price, &s->chip, &s->coefficients, &how, again, s->k ? &adjust : NULL, err);
}

struct figure {
    struct assay_session *s;
    struct assay_program *p;
};
static double time_on(void *self, const struct assay_chip *chip)
{
    struct figure        *f = self;
    struct assay_node_how how = model_how(f->s, f->p->graph, f->p->content);
    struct assay_error    err = {.code = ASSAY_OK};
    struct assay_chip     own = model_chip(f->s, *chip);
    return assay_graph_price_on(f->p->price, &own, &f->s->coefficients, &how, false, NULL, &err) ? NAN : f->p->price->total.ns;
}

/* All that takes time was fitted on this very chip. */
static bool is_calibrated(const struct assay_session *s, const struct assay_graph_price *p)
{
    double of_class[ASSAY_KERNEL_CLASSES] = {0};
    for (uint32_t i = 0; i < p->n_classes; i++)
        of_class[p->classes[i].price.class] += p->classes[i].price.ns * p->classes[i].count;
    for (uint32_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        if (of_class[c] >= SHARE * p->total.ns && !assay_fitted_on(&s->fitted, s->described->name, (enum assay_kernel_class)c))
            return false;
    return true;
}

struct assay_certain model_certainty(struct assay_session *s, struct assay_program *p)
{
    struct figure        figure = {s, p};
    struct assay_certain c = assay_certainty_of(s->described, time_on, &figure);
    struct assay_error   ignored = {.code = ASSAY_OK};
    if (!model_price(s, p, false, &ignored) && c.grade < 'D' && is_calibrated(s, p->price))
        c.grade = 'A';
    return c;
}

/* ---- descriptions -------------------------------------------------------------------------------------------------- */

enum assay_code model_describe(const char *device, const char *spec, struct assay_described **out, struct assay_error *err)
{
    bool                    is_device = false;
    struct assay_described *d = NULL;
    if (*spec && assay_spec_is_device(spec, &is_device, err))
        return err->code;
    if (is_device)
        return assay_described_read(spec, out, err);
    if (assay_described_find(device, &d, err))
        return err->code;
    if (*spec && assay_described_overlay(d, spec, err)) {
        assay_described_free(d);
        return err->code;
    }
    *out = d;
    return ASSAY_OK;
}
