#include "harness/model/cluster/serving_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

/* Places of the table's columns, then of those that may be absent (harness/model/table.c). */
enum { MODEL, MODE, ISL, OSL, TP, DEVICES, PRECISION, GEMM, MOE, KV, CONCURRENCY, BATCH, PP, DP, MOE_TP, MOE_EP, SERVER, VERSION };

#define BYTES 2.0           /* of an element of keys and values, if nothing is said */
#define ROUNDS_FOLLOWED 4.0 /* a first one, one in which it wears off, and two by which the later ones are known */
/* Lengths are never quite equal, and a difference spreads requests so that they come one by one. Where prompts are computed alone who comes
 * meanwhile goes on with them, and all fall into step again. */
#define SPREAD 0.3
#define RESERVED_BYTES 3e9  /* of a device, for libraries, graphs and results of a step */
#define BEYOND_BYTES_PER_S 50e9 /* of a device, outside its scale-up domain: a 400 Gbit/s network port each, as such servers are sold */
#define BEYOND_LATENCY_NS 5000.0
#define DOMAIN_USUAL 8.0
#define DEVICES_MOST 65536.0

/* ---- what a row asks ----------------------------------------------------------------------------------------------- */

static enum assay_code format_at(const struct assay_cases_row *row, size_t place, const char *otherwise, struct assay_serving_format *out,
                                 struct assay_error *err)
{
    struct assay_cases_format f = {.name = ""};
    const char               *name = *assay_cases_text(row, place) ? assay_cases_text(row, place) : otherwise;
    if (assay_cases_format_of(name, &f, err))
        return err->code;
    *out = (struct assay_serving_format){f.dtype, f.bytes, f.scaling};
    return ASSAY_OK;
}

static enum assay_code read_formats(const struct assay_cases_row *row, struct assay_serving_plan *p, struct assay_error *err)
{
    const char                 *precision = assay_cases_text(row, PRECISION);
    struct assay_serving_format cache = {.bytes = BYTES};
    if (!*precision)
        precision = "bfloat16";
    const char *gemm = *assay_cases_text(row, GEMM) ? assay_cases_text(row, GEMM) : precision;
    if (format_at(row, GEMM, precision, &p->products, err) || format_at(row, MOE, gemm, &p->experts, err) || format_at(row, KV, "bfloat16", &cache, err))
        return err->code;
    p->cache_bytes = cache.bytes;
    return ASSAY_OK;
}

static enum assay_code positive(const struct assay_cases_row *row, size_t place, double otherwise, double *out, struct assay_error *err)
{
    if (assay_cases_number(row, place, 0, otherwise, out, err))
        return err->code;
    if (*out < 1)
        *out = otherwise;
    return ASSAY_OK;
}

/* Tables that were made for dense models say 1 x 1 or nothing of experts; what is said of one side decides the other. */
static void settle_experts(struct assay_serving_plan *p)
{
    double ranks = p->tp * p->dp;
    if (p->moe_tp * p->moe_ep == ranks)
        return;
    if (p->moe_ep > 1 && fmod(ranks, p->moe_ep) == 0)
        p->moe_tp = ranks / p->moe_ep;
    else if (p->moe_tp > 1 && fmod(ranks, p->moe_tp) == 0)
        p->moe_ep = ranks / p->moe_tp;
    else {
        p->moe_tp = p->dp > 1 ? 1 : ranks;
        p->moe_ep = ranks / p->moe_tp;
    }
}

static enum assay_code read_plan(const struct assay_cases_row *row, struct assay_serving_plan *p, struct assay_error *err)
{
    if (assay_cases_number(row, TP, 1, NAN, &p->tp, err) || positive(row, PP, 1, &p->pp, err) || positive(row, DP, 1, &p->dp, err) ||
        positive(row, MOE_TP, 1, &p->moe_tp, err) || positive(row, MOE_EP, 1, &p->moe_ep, err) || read_formats(row, p, err))
        return err->code;
    if (!*assay_cases_text(row, DP) && fmod(p->moe_tp * p->moe_ep, p->tp) == 0 && p->moe_tp * p->moe_ep > p->tp)
        p->dp = p->moe_tp * p->moe_ep / p->tp;
    settle_experts(p);
    return ASSAY_OK;
}

/* One of the two columns is enough. */
static enum assay_code read_in_flight(const struct assay_cases_row *row, struct assay_serving_ask *a, struct assay_error *err)
{
    double concurrency, batch;
    if (positive(row, CONCURRENCY, 0, &concurrency, err) || positive(row, BATCH, 0, &batch, err))
        return err->code;
    if (batch < 1 && concurrency < 1)
        return ASSAY_FAIL(err, ASSAY_DATA, "neither batch nor concurrency says how many requests are in flight");
    a->in_flight = ceil(batch >= 1 ? batch : concurrency / a->plan.dp); /* nobody serves half a request */
    a->protocol = concurrency >= 1 ? ASSAY_SERVING_BY_CONCURRENCY : ASSAY_SERVING_BY_BATCH;
    return ASSAY_OK;
}

enum assay_code assay_serving_ask_read(const struct assay_cases_row *row, const struct assay_decoder_finder *shapes, struct assay_serving_ask *out,
                                       struct assay_error *err)
{
    struct assay_serving_ask a = {.model = ""};
    const char              *mode = assay_cases_text(row, MODE);
    if (*mode && strcmp(mode, "agg") != 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "mode '%.40s': only prompts and further tokens on the same devices (agg) are priced by row", mode);
    if (!assay_string_copy(a.model, sizeof a.model, assay_cases_text(row, MODEL)) ||
        !assay_string_copy(a.server, sizeof a.server, assay_cases_text(row, SERVER)) ||
        !assay_string_copy(a.version, sizeof a.version, assay_cases_text(row, VERSION)))
        return ASSAY_FAIL(err, ASSAY_DATA, "a name of a model, server or version is longer than %zu bytes", sizeof a.server - 1);
    if (shapes->find(a.model, &a.decoder, err) || assay_cases_number(row, ISL, 1, NAN, &a.prompt_tokens, err) ||
        assay_cases_number(row, OSL, 1, NAN, &a.output_tokens, err) || read_plan(row, &a.plan, err) ||
        read_in_flight(row, &a, err) || assay_serving_plan_check(&a.plan, &a.decoder, err))
        return err->code;
    a.prompt_tokens = ceil(a.prompt_tokens);
    a.output_tokens = ceil(a.output_tokens);
    if (a.prompt_tokens > 1e7 || a.output_tokens > 1e7 || a.in_flight > 16384)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.0f requests of %.0f and %.0f tokens are more than is followed", a.in_flight, a.prompt_tokens, a.output_tokens);
    *out = a;
    return ASSAY_OK;
}

/* ---- prices -------------------------------------------------------------------------------------------------------- */

/* A decoder under a plan, priced so far; the model points into it. */
struct sheet {
    struct sheet                *next;
    struct assay_decoder_numbers decoder;
    struct assay_serving_plan    plan;
    char                         name[96];
    struct assay_serving_model  *model;
};
struct assay_serving_desk {
    struct assay_fabric       fabric;
    bool                      by_itself; /* a chip of which nobody says what lies beyond its domain */
    struct assay_coefficients k;
    struct sheet             *sheets;
};

/* A chip by itself says how far its links reach; what is beyond is assumed. */
static struct assay_fabric fabric_of(const struct assay_chip *chip)
{
    double                   domain = chip->field[ASSAY_DEVICE_SCALE_UP_DOMAIN], latency_ns = chip->field[ASSAY_DEVICE_SCALE_UP_LATENCY];
    struct assay_fabric      f = {.chip = *chip, .devices = DEVICES_MOST, .n_tiers = 2};
    double                   units = domain >= 1 ? domain : DOMAIN_USUAL;
    struct assay_fabric_tier first = {.topology = ASSAY_TOPOLOGY_SWITCH, .units = units, .devices = units, .leaf = units,
                                      .link = chip->field[ASSAY_DEVICE_SCALE_UP], .latency_ns = isnan(latency_ns) ? 1000 : latency_ns, .efficiency = 1,
                                      .oversubscription = 1, .reduces = chip->field[ASSAY_DEVICE_IN_NETWORK_REDUCE] > 0};
    double                   further = ceil(DEVICES_MOST / units);
    f.devices = further * units;
    f.tier[0] = first;
    f.tier[1] = (struct assay_fabric_tier){.topology = ASSAY_TOPOLOGY_SWITCH, .units = further, .devices = f.devices, .leaf = further,
                                           .link = BEYOND_BYTES_PER_S, .latency_ns = BEYOND_LATENCY_NS, .efficiency = 0.85, .oversubscription = 1};
    for (size_t i = 0; i < ASSAY_SYSTEM_FIELDS; i++)
        f.field[i] = NAN;
    return f;
}

enum assay_code assay_serving_desk_on(const struct assay_fabric *f, const struct assay_coefficients *k, struct assay_serving_desk **out,
                                      struct assay_error *err)
{
    struct assay_serving_desk *d = calloc(1, sizeof *d);
    if (!d)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for prices of serving");
    d->fabric = *f;
    d->k = *k;
    *out = d;
    return ASSAY_OK;
}

enum assay_code assay_serving_desk_new(const struct assay_chip *chip, const struct assay_coefficients *k, struct assay_serving_desk **out,
                                       struct assay_error *err)
{
    struct assay_fabric f = fabric_of(chip);
    if (assay_serving_desk_on(&f, k, out, err))
        return err->code;
    (*out)->by_itself = true;
    return ASSAY_OK;
}

void assay_serving_desk_free(struct assay_serving_desk *d)
{
    while (d && d->sheets) {
        struct sheet *s = d->sheets;
        d->sheets = s->next;
        assay_serving_model_free(s->model);
        free(s);
    }
    free(d);
}

static bool same_format(const struct assay_serving_format *a, const struct assay_serving_format *b)
{
    return a->compute == b->compute && a->bytes == b->bytes && a->scaling == b->scaling;
}

static bool same_plan(const struct assay_serving_plan *a, const struct assay_serving_plan *b)
{
    return a->tp == b->tp && a->dp == b->dp && a->pp == b->pp && a->moe_tp == b->moe_tp && a->moe_ep == b->moe_ep && a->cache_bytes == b->cache_bytes &&
           a->routing == b->routing && same_format(&a->products, &b->products) && same_format(&a->experts, &b->experts);
}

static enum assay_code sheet_of(struct assay_serving_desk *d, const char *name, const struct assay_decoder_numbers *decoder,
                                const struct assay_serving_plan *p, struct assay_serving_model **out, struct assay_error *err)
{
    for (struct sheet *s = d->sheets; s; s = s->next)
        if (!strcmp(s->name, name) && same_plan(&s->plan, p)) {
            *out = s->model;
            return ASSAY_OK;
        }
    struct sheet *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for prices of serving");
    s->decoder = *decoder;
    s->plan = *p;
    (void)assay_string_copy(s->name, sizeof s->name, name);
    if (assay_serving_model_new(&s->decoder, &d->fabric, &d->k, p, &s->model, err)) {
        free(s);
        return err->code;
    }
    s->next = d->sheets;
    d->sheets = s;
    *out = s->model;
    return ASSAY_OK;
}

/* ---- a run --------------------------------------------------------------------------------------------------------- */

static enum assay_code step(void *self, const struct assay_serving_work *w, struct assay_serving_time *out, struct assay_error *err)
{
    struct assay_serving_model *m = self;
    struct assay_serving_price  whole, bare = {.work_ns = {0}};
    struct assay_serving_work   without = {.sequences = w->sequences, .cached_tokens = w->cached_tokens};
    if (assay_price_serving_step(m, w, &whole, err) || (w->prompts > 0 && w->sequences > 0 && assay_price_serving_step(m, &without, &bare, err)))
        return err->code;
    assay_serving_components(w, w->prompts > 0 ? &bare : &whole, &whole, out);
    return ASSAY_OK;
}

/* Weights of a format that the chip does not multiply are widened on their way in, as kernels for weights alone do it. */
static bool widen(const struct assay_chip *chip, struct assay_serving_format *f)
{
    double peak = assay_chip_peak(chip, f->compute);
    if (peak > 0 || assay_dtype_bits(f->compute) > 8)
        return false;
    f->compute = ASSAY_BF16;
    f->scaling = ASSAY_SCALING_NONE;
    return true;
}

/* What is followed of an ask, and by which prices. */
struct setup {
    struct assay_serving_loop   loop;
    struct assay_serving_model *model;
    bool                        weights_alone, crowded;
};

static enum assay_code set_up(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, struct setup *out, struct assay_error *err)
{
    bool                               known;
    const struct assay_serving_server *server = assay_serving_server_find(ask->server, &known);
    const struct assay_chip           *chip = &desk->fabric.chip;
    struct assay_serving_plan          plan = ask->plan;
    struct setup                       s = {.model = NULL};
    bool                               dense_alone = widen(chip, &plan.products), experts_alone = widen(chip, &plan.experts);
    s.weights_alone = dense_alone || (experts_alone && ask->decoder.experts > 0);
    if (sheet_of(desk, ask->model, &ask->decoder, &plan, &s.model, err))
        return err->code;
    double memory = chip->field[ASSAY_DEVICE_MEMORY], tokens = ask->prompt_tokens + server->kept_free * ask->output_tokens;
    double each = assay_serving_token_bytes(&ask->decoder, &plan) * tokens;
    if (isnan(memory) || memory <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "memory_bytes is not known, so that nobody can say how many requests have room");
    double room = memory * server->memory_share - RESERVED_BYTES - assay_serving_weight_bytes(&ask->decoder, &plan);
    s.crowded = room < each;
    s.loop = (struct assay_serving_loop){.prompt_tokens = ask->prompt_tokens, .output_tokens = ask->output_tokens, .in_flight = ask->in_flight,
                                         .seats = fmax(1, fmin(server->most_sequences, floor(room / each))), .step_tokens = server->step_tokens,
                                         .cuts_prompts = server->cuts_prompts, .prompts_alone = server->prompts_alone, .rounds = ROUNDS_FOLLOWED,
                                         .settling = server->prompts_alone ? 0 : 1, .spread = server->prompts_alone ? 0 : SPREAD};
    *out = s;
    return ASSAY_OK;
}

enum assay_code assay_serving_answer_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, struct assay_serving_answer *out,
                                        struct assay_error *err)
{
    struct setup s = {.model = NULL};
    if (set_up(desk, ask, &s, err))
        return err->code;
    struct assay_serving_answer a = {.weights_alone = s.weights_alone, .crowded = s.crowded,
                                     .beyond = desk->by_itself && assay_serving_plan_ranks(&ask->plan) > desk->fabric.tier[0].devices};
    if (assay_serving_loop_run(&s.loop, step, s.model, &a.means, err))
        return assay_error_in(err, "following a run of %.0f requests", ask->in_flight * ROUNDS_FOLLOWED);
    *out = a;
    return ASSAY_OK;
}

enum assay_code assay_serving_steady_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, const struct assay_serving_numbers *n,
                                        double out_ns[ASSAY_SERVING_FIGURES], struct assay_error *err)
{
    struct setup              s = {.model = NULL};
    struct assay_serving_time bare = {{0}}, with = {{0}};
    if (set_up(desk, ask, &s, err))
        return err->code;
    const struct assay_serving_loop *l = &s.loop;
    double seats = fmin(l->seats, l->in_flight), further = l->output_tokens - 1, mean = l->prompt_tokens + further / 2;
    double pieces = ceil(l->prompt_tokens / fmax(1, l->cuts_prompts && !l->prompts_alone ? l->step_tokens - seats + 1 : l->step_tokens));
    struct assay_serving_work all = {.sequences = seats, .cached_tokens = seats * mean};
    struct assay_serving_work prompt = {.prompts = 1, .prompt_tokens = l->prompt_tokens / pieces, .prompt_past = l->prompt_tokens * (pieces - 1) / pieces / 2};
    if (!l->prompts_alone) { /* others generate meanwhile */
        prompt.sequences = seats - 1;
        prompt.cached_tokens = (seats - 1) * mean;
    }
    if (step(s.model, &all, &bare, err) || step(s.model, &prompt, &with, err))
        return err->code;
    double bare_ns = assay_serving_ns(n, &bare), with_ns = assay_serving_ns(n, &with);
    double each = (seats - 1) * pieces / l->output_tokens; /* steps with others' prompts for each token */
    double ttft_ns = pieces * with_ns, tpot_ns = each * with_ns + (l->prompts_alone ? 1 : fmax(0, 1 - each)) * bare_ns;
    out_ns[ASSAY_SERVING_TTFT] = ttft_ns + (l->in_flight - seats) / seats * (ttft_ns + further * tpot_ns); /* who has no seat waits for whole stays */
    out_ns[ASSAY_SERVING_TPOT] = tpot_ns;
    return ASSAY_OK;
}

enum assay_code assay_serving_seats_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, double *seats, bool *crowded,
                                       struct assay_error *err)
{
    struct setup s = {.model = NULL};
    if (set_up(desk, ask, &s, err))
        return err->code;
    *seats = s.loop.seats;
    *crowded = s.crowded;
    return ASSAY_OK;
}

enum assay_code assay_serving_step_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, const struct assay_serving_work *w,
                                      struct assay_serving_time *out, struct assay_error *err)
{
    struct setup s = {.model = NULL};
    *out = (struct assay_serving_time){{0}};
    return set_up(desk, ask, &s, err) ? err->code : step(s.model, w, out, err);
}
