#include "serving.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/student.h"

#include "assay/banned.h"

#define KEPT 0.9 /* of a device's memory, for weights and caches; the rest is libraries and what steps work in */

/* ---- one step ---------------------------------------------------------------------------------------------------------- */

/* What the busiest of so many replicas has of n that are dealt evenly. */
static double busiest(double n, double replicas)
{
    return n > 0 ? fmax(1, n / replicas) : 0;
}

/* Whose prompt is computed is told by more than one token, or by none before it. */
static struct assay_serving_work work_of(const struct serving_step *step, double replicas)
{
    struct assay_serving_work w = {.sequences = 0};
    double                    past = 0;
    for (size_t i = 0; i < step->n; i++) {
        double fresh = (double)step->starts[i + 1] - step->starts[i], before = fmax(step->past[i], 0);
        if (fresh == 1 && before > 0) {
            w.sequences++;
            w.cached_tokens += before;
        } else if (fresh > 0) {
            w.prompts++;
            w.prompt_tokens += fresh;
            past += before;
        }
    }
    double sequences = busiest(w.sequences, replicas), prompts = busiest(w.prompts, replicas);
    w.cached_tokens *= w.sequences > 0 ? sequences / w.sequences : 0;
    w.prompt_tokens *= w.prompts > 0 ? prompts / w.prompts : 0;
    w.prompt_past = w.prompts > 0 ? past / w.prompts : 0;
    w.sequences = sequences;
    w.prompts = prompts;
    return w;
}

static double sum_of(const struct assay_serving_price *p)
{
    double ns = 0;
    for (int i = 0; i < ASSAY_SERVING_PARTS; i++)
        ns += p->work_ns[i] + p->floor_ns[i];
    return ns;
}

enum assay_code serving_price(struct serving *s, const struct serving_step *step, struct serving_tally *tally, double *ns, struct assay_error *err)
{
    struct assay_serving_work  w = work_of(step, s->replicas);
    struct assay_serving_price price;
    *ns = 0;
    if (!(w.sequences + w.prompts > 0))
        return ASSAY_OK;
    if (assay_price_serving_step(s->model, &w, &price, err))
        return assay_error_in(err, "pricing a step of %.0f sequences on %s", w.sequences + w.prompts, s->on->system->name);
    *ns = sum_of(&price) * s->error;
    assay_link_use_add(tally->used, price.link, 1);
    tally->steps++;
    tally->step_ns += *ns;
    return ASSAY_OK;
}

void serving_links(const struct serving *s, const struct serving_tally *tally, struct cluster_link out[ASSAY_SYSTEM_TIERS])
{
    for (size_t i = 0; i < ASSAY_SYSTEM_TIERS; i++) {
        const struct assay_link_use *use = &tally->used[i];
        out[i] = (struct cluster_link){.sent_bytes = 0};
        if (!(use->ns > 0))
            continue;
        out[i].sent_bytes = use->bytes / tally->steps;
        out[i].busy_ns = use->ns * s->error / tally->steps;
        out[i].busy_share = use->ns * s->error / tally->step_ns;
        out[i].bytes_per_s = use->bytes / (use->ns * 1e-9);
        out[i].rate_share = out[i].bytes_per_s / s->fabric.tier[i].link;
    }
}

enum assay_code serving_draw(struct serving *s, uint64_t draw, struct assay_error *err)
{
    assay_serving_model_free(s->model);
    s->model = NULL;
    double z = draw ? assay_normal_quantile(assay_draw_quantile(draw, ASSAY_DEVICE_FIELDS + ASSAY_KERNEL_DECODE)) : 0;
    s->error = exp(s->half * z / CLUSTER_NORMAL_P90);
    if (assay_fabric_of(s->on->system, s->on->device, &s->on->k, draw, &s->fabric, err) ||
        assay_serving_model_new(&s->of.numbers, &s->fabric, &s->on->k, &s->plan, &s->model, err))
        return assay_error_in(err, "taking draw %llu of %s", (unsigned long long)draw, s->on->system->name);
    return ASSAY_OK;
}

/* ---- how it is split ---------------------------------------------------------------------------------------------------- */

static struct assay_serving_format format_of(enum assay_dtype stored)
{
    bool narrow = assay_dtype_bits(stored) <= 8;
    /* what is kept in 32 bits is multiplied in 16, as servers do */
    return (struct assay_serving_format){assay_dtype_bits(stored) > 16 ? ASSAY_BF16 : stored, assay_dtype_bits(stored) / 8.0,
                                         narrow ? ASSAY_SCALING_TENSOR : ASSAY_SCALING_NONE};
}

/* With so many ranks and stages; false: they divide nothing. */
static bool plan_of(const struct serving *s, double tp, double pp, struct assay_serving_plan *out, struct assay_error *err)
{
    struct assay_serving_format f = format_of(s->of.weights);
    bool                        whole = s->of.numbers.experts > 0 && fmod(s->of.numbers.experts, tp) == 0;
    *out = (struct assay_serving_plan){.tp = tp, .dp = 1, .pp = pp, .moe_tp = whole ? 1 : tp, .moe_ep = whole ? tp : 1, .products = f, .experts = f,
                                       .cache_bytes = s->of.cache_bytes};
    return !assay_serving_plan_check(out, &s->of.numbers, err) && tp * pp <= s->devices;
}

/* Does a device hold its part of the weights, and its share of the caches? */
static bool holds(struct serving *s, const struct assay_serving_plan *p, double memory)
{
    s->plan = *p;
    s->replicas = floor(s->devices / (p->tp * p->pp));
    s->weight_bytes = assay_serving_weight_bytes(&s->of.numbers, p);
    s->cache_bytes = assay_serving_token_bytes(&s->of.numbers, p) * s->of.cache_tokens / s->replicas;
    return s->weight_bytes + s->cache_bytes <= KEPT * memory;
}

/* Ranks and stages that are tried: the given number alone, or powers of two from one on. */
static int64_t first_of(int64_t given)
{
    return given ? given : 1;
}
static int64_t next_of(int64_t given, int64_t now)
{
    return given ? INT64_MAX : 2 * now;
}

/* The fewest ranks first: more replicas, and fewer exchanges. */
static enum assay_code find_plan(struct serving *s, const struct serving_options *o, struct assay_error *err)
{
    double  memory = s->on->fabric.chip.field[ASSAY_DEVICE_MEMORY];
    int64_t most_tp = o->tp ? o->tp : (int64_t)fmin(s->on->fabric.tier[0].units, 64), most_pp = o->pp ? o->pp : (int64_t)s->of.numbers.layers;
    struct assay_serving_plan p;
    if (isnan(memory))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "memory_bytes of the device is not known, so that no split can be said to fit");
    if ((o->tp || o->pp) && !plan_of(s, (double)first_of(o->tp), (double)first_of(o->pp), &p, err))
        return err->code ? err->code : ASSAY_FAIL(err, ASSAY_CONFIG, "%lld x %lld ranks are more than the system has", (long long)first_of(o->tp), (long long)first_of(o->pp));
    for (int64_t pp = first_of(o->pp); pp <= most_pp; pp = next_of(o->pp, pp))
        for (int64_t tp = first_of(o->tp); tp <= most_tp; tp = next_of(o->tp, tp)) {
            struct assay_error none = {.code = ASSAY_OK};
            if (plan_of(s, (double)tp, (double)pp, &p, &none) && holds(s, &p, memory))
                return ASSAY_OK;
        }
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no split fits: with tp %.0f and pp %.0f a device needs %.1f GB of weights and %.1f GB of caches; %.0f %% of its %.1f GB are for both",
                      s->plan.tp, s->plan.pp, s->weight_bytes / 1e9, s->cache_bytes / 1e9, 100 * KEPT, memory / 1e9);
}

/* ---- a program ------------------------------------------------------------------------------------------------------------ */

/* All sequences with caches half full: a step as there are many. */
static double typical_on(void *self, const struct assay_fabric *f)
{
    const struct serving      *s = self;
    struct assay_serving_model *m = NULL;
    struct assay_serving_price  price;
    struct assay_error          none = {.code = ASSAY_OK};
    struct assay_serving_work   w = {.sequences = busiest(s->of.batch, s->replicas)};
    w.cached_tokens = w.sequences * s->of.cache_tokens / s->of.batch / 2;
    bool priced = !assay_serving_model_new(&s->of.numbers, f, &s->on->k, &s->plan, &m, &none) && !assay_price_serving_step(m, &w, &price, &none);
    assay_serving_model_free(m);
    return priced ? sum_of(&price) : NAN;
}

static int32_t value_of(const struct assay_graph *g, const char *name)
{
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].producer < 0 && g->values[v].role == ASSAY_ROLE_CONTROL && g->values[v].dtype == ASSAY_I32 && !strcmp(g->values[v].name, name))
            return (int32_t)v;
    return ASSAY_NO_VALUE;
}

enum assay_code serving_new(const struct assay_modelled_system *on, const struct assay_graph *g, const struct serving_options *o,
                            struct serving **out, struct assay_error *err)
{
    struct serving *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    s->on = on;
    s->devices = (double)on->system->devices;
    s->starts = value_of(g, "starts");
    s->past = value_of(g, "past");
    if (assay_decoder_in_graph(g, &s->of, err))
        goto close;
    if (!s->of.serves || s->starts == ASSAY_NO_VALUE || s->past == ASSAY_NO_VALUE) {
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the graph is no step of a server: it has no control inputs starts and past");
        goto close;
    }
    if (find_plan(s, o, err))
        goto close;
    s->half = assay_band_of(&on->fitted, on->device->vendor, ASSAY_KERNEL_DECODE, on->device->memory_class,
                            assay_dtype_bits(s->of.weights) <= 8 ? ASSAY_FORMAT_F8 : ASSAY_FORMAT_WIDE, ASSAY_REGIME_MEMORY).half;
    if (serving_draw(s, 0, err))
        goto close;
    certainty_find(on, s->half, "decode", typical_on, s, &s->certain);
    *out = s;
    return ASSAY_OK;
close:
    serving_free(s);
    return err->code;
}

void serving_free(struct serving *s)
{
    if (!s)
        return;
    assay_serving_model_free(s->model);
    free(s);
}
