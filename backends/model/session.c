#include "session.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

#define SHARE 0.05 /* of the time, from which on a class of kernels counts for the grade */

/* TF32 has no format of its own in a graph: products in f32 at its rate. */
static struct assay_world as_asked(const struct assay_session *s, struct assay_world w)
{
    if (s->options.precision == MODEL_TF32)
        w.chip.field[ASSAY_DEVICE_PEAK_F32] = w.chip.field[ASSAY_DEVICE_PEAK_TF32];
    return w;
}

void model_draw(struct assay_session *s, uint64_t k)
{
    s->world = as_asked(s, assay_priced_world(&s->step, k));
    s->drawn++;
}

struct assay_node_how model_how(const struct assay_session *s, const struct assay_graph *g, const void *const *content)
{
    enum assay_dtype as = ASSAY_F32;
    switch ((enum model_precision)s->options.precision) {
    case MODEL_AS_STORED: as = assay_graph_stored_format(g); break;
    case MODEL_BF16: as = ASSAY_BF16; break;
    case MODEL_F16: as = ASSAY_F16; break;
    case MODEL_AS_GRAPH:
    case MODEL_TF32: break;
    }
    return (struct assay_node_how){.f32_as = as, .content = content};
}

/* ---- pricing ------------------------------------------------------------------------------------------------------- */

enum assay_code model_price(struct assay_session *s, struct assay_program *p, bool again, struct assay_error *err)
{
    struct assay_node_how how = model_how(s, p->graph, p->content);
    return assay_priced_graph(&s->step, p->price, &s->world, &how, again, err);
}

struct figure {
    struct assay_session *s;
    struct assay_program *p;
};
static double time_in(void *self, const struct assay_world *world)
{
    struct figure        *f = self;
    struct assay_node_how how = model_how(f->s, f->p->graph, f->p->content);
    struct assay_error    err = {.code = ASSAY_OK};
    struct assay_world    own = as_asked(f->s, *world);
    return assay_priced_graph(&f->s->step, f->p->price, &own, &how, false, &err) ? NAN : f->p->price->total.ns;
}

static double time_on(void *self, const struct assay_chip *chip)
{
    struct figure     *f = self;
    struct assay_world world = assay_priced_world(&f->s->step, 0);
    world.chip = *chip;
    return time_in(self, &world);
}

/* All that takes time was fitted on this very chip. */
static bool is_calibrated(const struct assay_session *s, const struct assay_graph *g, const struct assay_graph_price *p)
{
    double of[ASSAY_KERNEL_CLASSES][ASSAY_FORMAT_CLASSES] = {{0}};
    for (uint32_t i = 0; i < p->n_classes; i++)
        of[p->classes[i].price.class][assay_priced_format(g, &p->classes[i])] += p->classes[i].price.ns * p->classes[i].count;
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        for (int f = 0; f < ASSAY_FORMAT_CLASSES; f++)
            if (of[c][f] >= SHARE * p->total.ns &&
                !assay_fitted_on(&s->fitted, s->described->name, (enum assay_kernel_class)c, (enum assay_format_class)f))
                return false;
    return true;
}

void model_certainty(struct assay_session *s, struct assay_program *p)
{
    struct figure      figure = {s, p};
    struct assay_error ignored = {.code = ASSAY_OK};
    p->certain = assay_certainty_within(s->described, assay_priced_deviation(&s->step, time_in, &figure), time_on, &figure);
    p->n_inputs = assay_priced_inputs(&s->step, time_in, &figure, p->inputs);
    if (!model_price(s, p, false, &ignored) && p->certain.grade < 'D' && is_calibrated(s, p->graph, p->price))
        p->certain.grade = 'A';
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
