#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/student.h"

#include "assay/banned.h"

#define FIT_DRAWS 100u

/* ---- prices --------------------------------------------------------------------------------------------------------- */

static enum assay_code price_on(const struct training *t, const struct assay_fabric *f, struct assay_step_price *out, struct assay_error *err)
{
    struct assay_step_model *m = NULL;
    if (assay_step_model_new(&t->of.numbers, f, &t->on->k, &m, err))
        return err->code;
    (void)assay_price_step(m, &t->best.plan, false, out, err);
    assay_step_model_free(m);
    return err->code;
}

/* A step that takes so many times as long, all of its parts alike. What failures leave of it stays. */
static void stretch(struct assay_step_price *p, double factor)
{
    p->ns *= factor;
    for (int i = 0; i < ASSAY_STEP_PARTS; i++)
        p->part_ns[i] *= factor;
    for (int i = 0; i < ASSAY_SYSTEM_TIERS; i++)
        p->link[i].ns *= factor;
    p->micro_batch_ns *= factor;
    p->joules *= factor;
    p->utilisation /= factor;
}

/* Rates are the links' own, of the price before it was stretched: that kernels take longer says nothing of them. */
static void keep_links(struct training *t, const struct assay_fabric *f, const struct assay_step_price *before)
{
    for (size_t i = 0; i < f->n_tiers; i++) {
        const struct assay_link_use *use = &t->now.link[i];
        struct cluster_link         *link = &t->link[i];
        *link = (struct cluster_link){.sent_bytes = use->bytes, .busy_ns = use->ns, .busy_share = use->ns / t->now.ns};
        link->bytes_per_s = before->link[i].bytes / (before->link[i].ns * 1e-9);
        link->rate_share = link->bytes_per_s / f->tier[i].link;
    }
}

/* The pipeline was followed event by event at the middle; of a draw, what the closed form says, by the same ratio. The kernels' forms are
 * off on a draw as on one of the chips left out of their fit: by a normal deviate of their band, but for what no training has reached. */
enum assay_code training_price(struct training *t, uint64_t draw, struct assay_error *err)
{
    struct assay_fabric f;
    if (!draw) {
        t->now = t->best.price;
        keep_links(t, &t->on->fabric, &t->now);
        return ASSAY_OK;
    }
    if (assay_fabric_of(t->on->system, t->on->device, &t->on->k, draw, &f, err) || price_on(t, &f, &t->now, err))
        return assay_error_in(err, "pricing draw %llu of %s", (unsigned long long)draw, t->on->system->name);
    struct assay_step_price before = t->now;
    double z = assay_normal_quantile(assay_draw_quantile(draw, ASSAY_DEVICE_FIELDS + ASSAY_KERNEL_GEMM));
    stretch(&t->now, t->best.price.ns / t->about_ns * exp(t->half * z / CLUSTER_NORMAL_P90));
    stretch(&t->now, fmax(1, assay_step_least_ns(&t->now) / t->now.ns));
    keep_links(t, &f, &before);
    return ASSAY_OK;
}

/* ---- the pipeline ----------------------------------------------------------------------------------------------------- */

static void keep_longest(void *self, const struct assay_pipeline_event *e)
{
    struct training *t = self;
    t->operation[e->op] = fmax(t->operation[e->op], e->end_ns - e->begin_ns);
}

static enum assay_code find_operations(struct training *t, struct assay_error *err)
{
    struct assay_step_model *m = NULL;
    if (t->best.plan.pp == 1)
        return ASSAY_OK; /* there is no pipeline */
    if (assay_step_model_new(&t->of.numbers, &t->on->fabric, &t->on->k, &m, err))
        return err->code;
    (void)assay_step_trace(m, &t->best.plan, keep_longest, t, err);
    assay_step_model_free(m);
    for (int i = 0; i < 3; i++)
        t->operation[i] /= t->best.price.ns;
    return err->code;
}

/* ---- how sure --------------------------------------------------------------------------------------------------------- */

static double time_of(void *self, const struct assay_fabric *f)
{
    struct assay_step_price price = {.ns = NAN};
    struct assay_error      none = {.code = ASSAY_OK};
    return price_on(self, f, &price, &none) ? NAN : price.ns;
}

static void find_fits(struct training *t)
{
    uint32_t fits = 0;
    for (uint64_t k = 1; k <= FIT_DRAWS; k++) {
        struct assay_chip chip = assay_chip_draw(t->on->device, k);
        fits += t->best.footprint.total_bytes <= chip.field[ASSAY_DEVICE_MEMORY];
    }
    t->fits = (double)fits / FIT_DRAWS;
}

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

static enum assay_code set_space(struct training *t, const struct training_options *o, struct assay_error *err)
{
    if (o->moment_bits != 8 && o->moment_bits != 16 && o->moment_bits != 32)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "moments have 32, 16 or 8 bits, not %lld", (long long)o->moment_bits);
    if (o->gradient_bytes == 3)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "gradients have 4 or 2 bytes, not 3");
    t->space = (struct assay_search_space){
        .devices = t->on->system->devices, .batch = (int64_t)t->of.batch, .seq = t->of.tokens, .compute = o->dtype,
        .attention = ASSAY_ATTENTION_FUSED,
        .moments = o->moment_bits == 32 ? ASSAY_MOMENTS_F32 : o->moment_bits == 16 ? ASSAY_MOMENTS_BF16 : ASSAY_MOMENTS_8BIT,
        .gradient_bytes = (double)o->gradient_bytes, .imbalance = o->imbalance, .offload = o->offload};
    return assay_framework_find(o->framework, &t->space.framework, err);
}

static enum assay_code none_fits(const struct training *t, const struct assay_search *search, struct assay_error *err)
{
    char              plan[160], why[400];
    struct assay_text told = ASSAY_TEXT(plan), needs = ASSAY_TEXT(why);
    assay_train_plan_tell(&search->nearest.plan, &told);
    assay_footprint_explain(&t->of.numbers, &search->nearest.plan, t->on->fabric.chip.field[ASSAY_DEVICE_MEMORY], &needs);
    (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "of %lld plans none fits; the nearest %s", (long long)search->short_of_memory, why);
    return assay_error_hint(err, "the nearest is %s", plan);
}

static enum assay_code find_plan(struct training *t, struct assay_error *err)
{
    struct assay_search *search = calloc(1, sizeof *search);
    if (!search)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a search");
    if (!assay_search_plans(&t->of.numbers, &t->on->fabric, &t->on->k, &t->space, search, err)) {
        t->priced = search->priced;
        t->short_of_memory = search->short_of_memory;
        if (search->n_best)
            t->best = search->best[0];
        else
            (void)none_fits(t, search, err);
    }
    free(search);
    return err->code;
}

enum assay_code training_read(const struct assay_graph *g, struct assay_decoder_in_graph *out, struct assay_error *err)
{
    if (assay_decoder_in_graph(g, out, err))
        return err->code;
    return out->trains ? ASSAY_OK
                       : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the graph trains nothing: a cluster is given training steps (decoder.train)");
}

enum assay_code training_new(const struct assay_modelled_system *on, const struct assay_graph *g, const struct training_options *o,
                             struct training **out, struct assay_error *err)
{
    struct training *t = calloc(1, sizeof *t);
    if (!t)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    t->on = on;
    bool narrow = assay_dtype_bits(o->dtype) <= 8;
    if (training_read(g, &t->of, err) || set_space(t, o, err) || find_plan(t, err) || find_operations(t, err))
        goto close;
    t->about_ns = time_of(t, &on->fabric);
    t->half = assay_band_of(&on->fitted, on->device->vendor, ASSAY_KERNEL_GEMM, on->device->memory_class,
                            narrow ? ASSAY_FORMAT_F8 : ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE).half;
    find_fits(t);
    certainty_find(on, t->half, "gemm", time_of, t, &t->certain);
    t->now = t->best.price;
    keep_links(t, &on->fabric, &t->now);
    *out = t;
    return ASSAY_OK;
close:
    training_free(t);
    return err->code;
}

void training_free(struct training *t)
{
    free(t);
}
