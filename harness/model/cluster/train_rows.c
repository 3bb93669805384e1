#include "harness/model/cluster/train_rows.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/model/cluster/footprint.h"
#include "harness/model/cluster/train_fabric.h"

#include "assay/banned.h"

/* Places of the table's columns, then of those that may be absent (harness/model/table.c). */
enum { DEVICES, MODEL, GLOBAL_BATCH, TP, PP, METRIC, SEQ, MICRO_BATCH, CP, VP, EP, DP, FSDP, PRECISION, RECOMPUTE, UNIT };

#define SEQ_USUAL 4096.0
#define DEVICES_USUAL 256     /* of a training that only says how long all of its devices worked */
#define TOKENS_USUAL 1e12     /* likewise */
#define SHARE_OF_MEMORY 0.94  /* that a plan may take; allocators keep the rest */
#define BELIEVED 1.5          /* likewise, of a plan that was run */
#define MOST_MICRO_TOKENS 32768.0
#define FOLLOWED (1 << 17)   /* operations of a pipeline up to which it is followed event by event */
#define MOST_DEVICES 1e6

/* ---- what a row asks ----------------------------------------------------------------------------------------------- */

static const struct metric {
    const char             *name;
    double                  scale; /* of the unit, where the table does not name one */
    enum assay_train_metric metric;
    bool                    whole;
} metrics[] = {
    {"iteration_time", 1, ASSAY_TRAIN_STEP_TIME, false},     {"step_time", 1, ASSAY_TRAIN_STEP_TIME, false},
    {"tokens_per_s_per_gpu", 1, ASSAY_TRAIN_TOKEN_RATE, false}, {"tokens_per_s_per_chip", 1, ASSAY_TRAIN_TOKEN_RATE, false},
    {"tokens_per_s_per_device", 1, ASSAY_TRAIN_TOKEN_RATE, false}, {"tokens_per_s", 1, ASSAY_TRAIN_TOKEN_RATE, true},
    {"model_tflops_per_gpu", 1e12, ASSAY_TRAIN_FLOP_RATE, false}, {"model_tflops_per_chip", 1e12, ASSAY_TRAIN_FLOP_RATE, false},
    {"model_tflops_per_device", 1e12, ASSAY_TRAIN_FLOP_RATE, false}, {"MFU", 1, ASSAY_TRAIN_UTILISATION, false},
    {"gpu_hours", 1, ASSAY_TRAIN_DEVICE_HOURS, true},
};

static enum assay_code read_metric(const struct assay_cases_row *row, struct assay_train_ask *a, struct assay_error *err)
{
    const char *name = assay_cases_text(row, METRIC), *unit = assay_cases_text(row, UNIT), *names[sizeof metrics / sizeof *metrics];
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        names[i] = metrics[i].name;
        if (strcmp(name, metrics[i].name) != 0)
            continue;
        a->metric = metrics[i].metric;
        a->of_unit = metrics[i].scale;
        a->whole = metrics[i].whole;
        if (a->metric == ASSAY_TRAIN_STEP_TIME && !strcmp(unit, "ms"))
            a->of_unit = 1e-3;
        return ASSAY_OK;
    }
    (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no model gives the metric '%.40s'", name);
    const char *near = assay_string_nearest(name, names, sizeof metrics / sizeof *metrics);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
}

static enum assay_code read_precision(const struct assay_cases_row *row, struct assay_train_plan *p, struct assay_error *err)
{
    static const struct {
        const char      *mark;
        enum assay_dtype dtype;
    } marks[] = {{"nvfp4", ASSAY_F4E2M1}, {"fp4", ASSAY_F4E2M1}, {"fp8", ASSAY_F8E4M3}, {"bf16", ASSAY_BF16}, {"bfloat16", ASSAY_BF16},
                 {"fp16", ASSAY_F16},     {"float16", ASSAY_F16}, {"fp32", ASSAY_F32},  {"float32", ASSAY_F32}, {"amp", ASSAY_BF16}};
    const char *name = assay_cases_text(row, PRECISION);
    char        folded[ASSAY_TRAIN_NAME], model[ASSAY_TRAIN_NAME];
    assay_published_fold(name, folded);
    assay_published_fold(assay_cases_text(row, MODEL), model);
    p->compute = ASSAY_BF16;
    if (!*folded) {
        if (strstr(model, "fp32"))
            p->compute = ASSAY_F32;
        return ASSAY_OK;
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(folded, marks[i].mark)) {
            p->compute = marks[i].dtype;
            return ASSAY_OK;
        }
    return ASSAY_FAIL(err, ASSAY_DATA, "unknown precision '%.40s'", name);
}

/* A count that may be absent: 0. */
static enum assay_code count_at(const struct assay_cases_row *row, size_t place, int64_t *out, struct assay_error *err)
{
    double value = 0;
    if (assay_cases_number(row, place, 0, 0, &value, err))
        return err->code;
    if (value > MOST_DEVICES || value != floor(value))
        return ASSAY_FAIL(err, ASSAY_DATA, "%g is no count of at most %g", value, MOST_DEVICES);
    *out = (int64_t)value;
    return ASSAY_OK;
}

/* "2048/8192 see README": the number it begins with, as one that was chosen. */
static double leading_number(const char *text, struct assay_train_ask *a)
{
    char  *end = NULL;
    double value = strtod(text, &end);
    if (end && *end)
        a->chosen |= ASSAY_TRAIN_CHOSE_SEQ;
    return value >= 1 && value <= 1e8 ? value : 0;
}

/* "GPT2-Large TP4 fp32": what a name says of one axis. */
static int64_t axis_in(const char *folded, const char *axis)
{
    const char *at = strstr(folded, axis);
    for (; at && !isdigit((unsigned char)at[2]); at = strstr(at + 1, axis))
        continue;
    return at ? strtol(at + 2, NULL, 10) : 0;
}

static enum assay_code read_plan(const struct assay_cases_row *row, struct assay_train_ask *a, struct assay_error *err)
{
    struct assay_train_plan *p = &a->plan;
    char                     folded[ASSAY_TRAIN_NAME];
    if (count_at(row, DEVICES, &a->devices, err) || count_at(row, TP, &p->tp, err) || count_at(row, PP, &p->pp, err) ||
        count_at(row, CP, &p->cp, err) || count_at(row, VP, &p->chunks, err) || count_at(row, EP, &p->ep, err) || count_at(row, DP, &p->dp, err) ||
        count_at(row, MICRO_BATCH, &p->micro_batch, err) || assay_cases_number(row, GLOBAL_BATCH, 0, 0, &a->global_batch, err))
        return err->code;
    assay_published_fold(a->model, folded);
    if (!p->tp && !p->pp && !strcmp(a->stack->name, "eager-f32")) {
        p->tp = axis_in(folded, "tp");
        p->pp = axis_in(folded, "pp");
        p->dp = axis_in(folded, "dp");
    }
    const char *fsdp = assay_cases_text(row, FSDP);
    p->zero = !strcmp(fsdp, "FULL_SHARD") || !strcmp(fsdp, "1") ? 3 : !strcmp(fsdp, "SHARD_GRAD_OP") ? 2 : *fsdp || !a->stack->splits_weights ? 1 : 3;
    return ASSAY_OK;
}

static enum assay_code read_recompute(const struct assay_cases_row *row, struct assay_train_ask *a, struct assay_error *err)
{
    static const struct {
        const char          *name;
        enum assay_recompute recompute;
    } words[] = {{"True", ASSAY_RECOMPUTE_FULL},     {"full", ASSAY_RECOMPUTE_FULL}, {"False", ASSAY_RECOMPUTE_NONE}, {"none", ASSAY_RECOMPUTE_NONE},
                 {"attn_only", ASSAY_RECOMPUTE_SELECTIVE}, {"selective", ASSAY_RECOMPUTE_SELECTIVE}};
    const char *name = assay_cases_text(row, RECOMPUTE);
    for (size_t i = 0; *name && i < sizeof words / sizeof *words; i++)
        if (!strcmp(name, words[i].name)) {
            a->plan.recompute = words[i].recompute;
            return ASSAY_OK;
        }
    return *name ? ASSAY_FAIL(err, ASSAY_DATA, "unknown recompute '%.40s' (True, False, full, attn_only)", name) : ASSAY_OK;
}

static void use_habit(const struct assay_published_habit *h, struct assay_train_ask *a)
{
    if (a->plan.seq <= 0) { /* a sequence that many ranks share is a long one: each has one of the usual length */
        a->plan.seq = (h->seq > 0 ? h->seq : a->decoder.positions > 1 ? a->decoder.positions : SEQ_USUAL) * (a->plan.cp > 4 ? (double)a->plan.cp : 1);
        a->chosen |= h->seq > 0 && a->plan.cp <= 4 ? 0 : ASSAY_TRAIN_CHOSE_SEQ;
    }
    if (!a->plan.micro_batch)
        a->plan.micro_batch = (int64_t)h->micro_batch;
    if (!a->plan.tp && !a->plan.pp) {
        a->plan.tp = (int64_t)h->tp;
        a->plan.pp = (int64_t)h->pp;
        a->plan.ep = a->plan.ep ? a->plan.ep : (int64_t)h->ep;
    }
    a->narrow = h->narrow;
    if (!a->plan.chunks)
        a->plan.chunks = (int64_t)h->chunks;
    if (!a->plan.recompute)
        a->plan.recompute = h->recompute;
    a->judges = h->judges;
    a->slice = h->slice;
    a->tokens = h->tokens;
    a->batch_tokens = h->batch_tokens;
}

enum assay_code assay_train_ask_read(const struct assay_cases_row *row, const char *device, const struct assay_decoder_finder *shapes,
                                     struct assay_train_ask *out, struct assay_error *err)
{
    struct assay_train_ask         a = {.model = ""};
    struct assay_published_decoder decoder;
    char                           folded[ASSAY_TRAIN_NAME];
    if (!assay_string_copy(a.model, sizeof a.model, assay_cases_text(row, MODEL)))
        return ASSAY_FAIL(err, ASSAY_DATA, "a model's name is longer than %zu bytes", sizeof a.model - 1);
    a.stack = assay_train_stack_of(a.model);
    a.plan = (struct assay_train_plan){.seq = leading_number(assay_cases_text(row, SEQ), &a), .overlap = true, .schedule = ASSAY_PIPELINE_1F1B,
                                       .attention = a.stack->stores_attention ? ASSAY_ATTENTION_STORED : ASSAY_ATTENTION_FUSED,
                                       .moments = ASSAY_MOMENTS_F32, .gradient_bytes = a.stack->gradient_bytes};
    if (assay_published_decoder_find(a.model, shapes, &decoder, err) || read_metric(row, &a, err) || read_precision(row, &a.plan, err) ||
        read_plan(row, &a, err) || read_recompute(row, &a, err))
        return err->code;
    a.decoder = decoder.numbers;
    a.decoder.dropout = a.stack->stores_attention;
    if (decoder.by_size)
        a.chosen |= ASSAY_TRAIN_BY_SIZE;
    assay_published_fold(a.model, folded);
    if (strstr(folded, "lora")) {
        a.adapters = true;
        a.chosen |= ASSAY_TRAIN_ADAPTERS;
    }
    struct assay_published_habit habit = assay_published_habit_of(a.model, device);
    use_habit(&habit, &a);
    a.narrow = a.narrow && !*assay_cases_text(row, PRECISION);
    if (a.plan.pp > 1 && a.plan.zero == 3 && !*assay_cases_text(row, FSDP))
        a.plan.zero = 1; /* stages keep their weights */
    *out = a;
    return ASSAY_OK;
}

/* ---- prices -------------------------------------------------------------------------------------------------------- */

/* A fabric of so many devices, or a decoder on one, as far as they were needed. */
struct site {
    struct site             *next;
    struct assay_train_links links; /* owned, unless the desk that is like this one has them */
    bool                     lent;
    struct assay_fabric      fabric;
};
struct sheet {
    struct sheet                *next;
    char                         model[ASSAY_TRAIN_NAME];
    const struct site           *site;
    struct assay_decoder_numbers decoder;
    struct assay_step_model     *steps;
};
struct assay_train_desk {
    const struct assay_described  *device;
    const struct assay_train_desk *like; /* NULL: none */
    struct assay_chip              chip;
    struct assay_coefficients      k;
    struct site                   *sites;
    struct sheet                  *sheets;
};

enum assay_code assay_train_desk_new(const struct assay_described *device, const struct assay_chip *chip, const struct assay_coefficients *k,
                                     struct assay_train_desk **out, struct assay_error *err)
{
    struct assay_train_desk *d = calloc(1, sizeof *d);
    if (!d)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for prices of training");
    d->device = device;
    d->chip = *chip;
    d->k = *k;
    *out = d;
    return ASSAY_OK;
}

enum assay_code assay_train_desk_like(const struct assay_train_desk *like, const struct assay_chip *chip, struct assay_train_desk **out,
                                      struct assay_error *err)
{
    if (assay_train_desk_new(like->device, chip, &like->k, out, err))
        return err->code;
    (*out)->like = like;
    return ASSAY_OK;
}

void assay_train_desk_free(struct assay_train_desk *d)
{
    while (d && d->sheets) {
        struct sheet *s = d->sheets;
        d->sheets = s->next;
        assay_step_model_free(s->steps);
        free(s);
    }
    while (d && d->sites) {
        struct site *s = d->sites;
        d->sites = s->next;
        if (!s->lent)
            assay_train_links_release(&s->links);
        free(s);
    }
    free(d);
}

static struct site *known_site(const struct assay_train_desk *d, int64_t devices)
{
    struct site *s = d->sites;
    while (s && s->links.devices != devices)
        s = s->next;
    return s;
}

static enum assay_code site_of(struct assay_train_desk *d, int64_t devices, const struct site **out, struct assay_error *err)
{
    *out = known_site(d, devices);
    if (*out)
        return ASSAY_OK;
    const struct site *from = d->like ? known_site(d->like, devices) : NULL;
    struct site *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for prices of training");
    s->lent = from != NULL;
    if (from)
        s->links = from->links;
    if ((!from && assay_train_links_find(d->device, devices, &s->links, err)) ||
        assay_train_fabric_on(&s->links, &d->chip, &d->k, &s->fabric, err)) {
        if (!from)
            assay_train_links_release(&s->links);
        free(s);
        return err->code;
    }
    s->next = d->sites;
    d->sites = s;
    *out = s;
    return ASSAY_OK;
}

static enum assay_code steps_of(struct assay_train_desk *d, const struct assay_train_ask *a, const struct site *site, struct assay_step_model **out,
                                struct assay_error *err)
{
    for (struct sheet *s = d->sheets; s; s = s->next)
        if (s->site == site && !strcmp(s->model, a->model)) {
            *out = s->steps;
            return ASSAY_OK;
        }
    struct sheet *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for prices of training");
    s->site = site;
    s->decoder = a->decoder;
    (void)assay_string_copy(s->model, sizeof s->model, a->model);
    if (assay_step_model_new(&s->decoder, &site->fabric, &d->k, &s->steps, err)) {
        free(s);
        return err->code;
    }
    s->next = d->sheets;
    d->sheets = s;
    *out = s->steps;
    return ASSAY_OK;
}

/* ---- what a row leaves open ---------------------------------------------------------------------------------------- */

/* A plan that somebody ran did fit: its own account of activations, which formats and offloading make smaller, is believed over ours up to
 * BELIEVED of the memory. */
static bool fits(const struct assay_train_desk *d, const struct assay_train_ask *a, const struct assay_train_plan *p)
{
    struct assay_footprint held;
    double                 memory = d->chip.field[ASSAY_DEVICE_MEMORY];
    bool                   ran = a->plan.tp || a->plan.pp;
    assay_footprint_largest(&a->decoder, p, &held);
    return isnan(memory) || held.total_bytes <= memory * (ran ? BELIEVED : SHARE_OF_MEMORY);
}

static void count_micro_batches(const struct assay_train_ask *a, struct assay_train_plan *p)
{
    double usual = p->pp > 1 ? 4 * (double)p->pp : 1, batch = a->global_batch;
    if (batch < 1 && a->batch_tokens > 0)
        batch = a->batch_tokens / p->seq;
    if (batch < 1)
        batch = usual * (double)(p->dp * p->micro_batch);
    if ((double)p->micro_batch > batch / (double)p->dp)
        p->micro_batch = (int64_t)fmax(1, floor(batch / (double)p->dp));
    p->micro_batches = (int64_t)fmax(1, rint(batch / (double)(p->dp * p->micro_batch)));
    if (!strcmp(a->stack->name, "eager-f32") && p->pp > 1) { /* its pipelines take the batch in one piece */
        p->micro_batch = (int64_t)fmax(1, batch / (double)p->dp);
        p->micro_batches = 1;
    }
    if (p->chunks > 1 && (p->pp == 1 || p->micro_batches % p->pp || (double)(p->pp * p->chunks) > a->decoder.layers))
        p->chunks = 1;
}

/* The largest micro-batch that fits, by powers of two. */
static bool choose_micro_batch(const struct assay_train_desk *d, const struct assay_train_ask *a, struct assay_train_plan *p)
{
    bool open = !a->plan.micro_batch;
    for (int64_t micro = open ? (int64_t)fmax(1, fmin(p->pp > 1 ? 1 : 64, MOST_MICRO_TOKENS / p->seq)) : a->plan.micro_batch; micro >= 1; micro /= 2) {
        p->micro_batch = micro;
        count_micro_batches(a, p);
        if (fits(d, a, p) || !open)
            break;
    }
    return fits(d, a, p);
}

static void choose_experts(const struct assay_train_desk *d, const struct assay_train_ask *a, struct assay_train_plan *p)
{
    double ranks = (double)(p->tp * p->cp * p->dp), most = fmax(assay_train_domain(&d->chip), 64);
    if (a->plan.ep && a->decoder.experts > 0 && fmod(ranks, (double)a->plan.ep) == 0 && fmod(a->decoder.experts, (double)a->plan.ep) == 0) {
        p->ep = a->plan.ep;
        return;
    }
    p->ep = 1;
    while (a->decoder.experts > 0 && (double)p->ep * 2 <= most && fmod(ranks, (double)p->ep * 2) == 0 &&
           fmod(a->decoder.experts, (double)p->ep * 2) == 0)
        p->ep *= 2;
}

/* With so many stages and ranks of a layer. */
static bool try_split(const struct assay_train_desk *d, const struct assay_train_ask *a, int64_t devices, int64_t tp, int64_t pp,
                      struct assay_train_plan *p)
{
    *p = a->plan;
    p->tp = tp;
    p->pp = pp;
    p->cp = p->cp > 0 ? p->cp : 1;
    p->chunks = p->chunks > 0 ? p->chunks : 1;
    p->dp = devices / (tp * pp * p->cp);
    if (p->dp * tp * pp * p->cp != devices || fmod(a->decoder.heads, (double)tp) != 0 || (double)pp > a->decoder.layers)
        return false;
    p->sequence_parallel = tp > 1 && fmod(p->seq / (double)p->cp, (double)tp) == 0 && !(a->stack->stores_attention && p->recompute == ASSAY_RECOMPUTE_FULL);
    choose_experts(d, a, p);
    for (int again = a->plan.recompute ? a->plan.recompute : ASSAY_RECOMPUTE_NONE; again <= ASSAY_RECOMPUTE_FULL; again += ASSAY_RECOMPUTE_FULL - ASSAY_RECOMPUTE_NONE) {
        p->recompute = (enum assay_recompute)again;
        if (choose_micro_batch(d, a, p))
            return true;
        if (a->plan.recompute)
            break;
    }
    return false;
}

/* The fewest ranks that a layer and the layers must be split over, in that order; what does not fit at all is told and priced. */
static enum assay_code choose_plan(const struct assay_train_desk *d, const struct assay_train_ask *a, int64_t devices, struct assay_train_plan *p,
                                   unsigned *chosen, struct assay_error *err)
{
    int64_t most_tp = (int64_t)fmin(assay_train_domain(&d->chip), 16);
    bool    open = !a->plan.tp && !a->plan.pp;
    int64_t tp = a->plan.tp ? a->plan.tp : 1, pp = a->plan.pp ? a->plan.pp : 1;
    if (!a->plan.recompute)
        *chosen |= ASSAY_TRAIN_CHOSE_RECOMPUTE;
    if (open) {
        *chosen |= ASSAY_TRAIN_CHOSE_PLAN;
        for (pp = 1; pp <= (a->plan.zero == 3 ? 1 : 64); pp *= 2)
            for (tp = 1; tp <= most_tp; tp *= 2)
                if (try_split(d, a, devices, tp, pp, p))
                    return assay_train_plan_check(p, &a->decoder, devices, err);
        tp = pp = 1;
    }
    if (devices % (tp * pp * (a->plan.cp ? a->plan.cp : 1)))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "tp %lld x pp %lld x cp %lld do not divide the %lld devices", (long long)tp, (long long)pp,
                          (long long)(a->plan.cp ? a->plan.cp : 1), (long long)devices);
    if (!try_split(d, a, devices, tp, pp, p))
        *chosen |= ASSAY_TRAIN_DOES_NOT_FIT;
    return assay_train_plan_check(p, &a->decoder, devices, err);
}

/* ---- a run --------------------------------------------------------------------------------------------------------- */

static double within(const struct assay_step_price *p)
{
    return p->part_ns[ASSAY_STEP_TENSOR] + p->part_ns[ASSAY_STEP_EXPERT] + p->part_ns[ASSAY_STEP_CONTEXT] + p->part_ns[ASSAY_STEP_GATHER];
}

static double work(const struct assay_step_price *p)
{
    return p->part_ns[ASSAY_STEP_COMPUTE] + p->part_ns[ASSAY_STEP_RECOMPUTE];
}

/* What attention takes shows where it takes twice as long. */
static enum assay_code price(struct assay_step_model *m, const struct assay_train_plan *p, struct assay_train_answer *a, struct assay_error *err)
{
    static const struct assay_framework twice = {"", "", 1, 1, 2};
    struct assay_train_plan             slower = *p;
    struct assay_step_price             once, more;
    slower.framework = &twice;
    bool exact = p->pp > 1 && p->pp * p->chunks * p->micro_batches <= FOLLOWED;
    if (assay_price_step(m, p, exact, &once, err) || assay_price_step(m, &slower, false, &more, err))
        return err->code;
    double attention = fmax(0, fmin(work(&more) - work(&once), work(&once)));
    a->ns[ASSAY_TRAIN_ATTENTION] = attention;
    a->ns[ASSAY_TRAIN_PRODUCTS] = work(&once) - attention + once.part_ns[ASSAY_STEP_STRAGGLERS];
    a->ns[ASSAY_TRAIN_EXCHANGES] = within(&once);
    a->ns[ASSAY_TRAIN_DATA] = once.part_ns[ASSAY_STEP_DATA];
    a->ns[ASSAY_TRAIN_UPDATE] = once.part_ns[ASSAY_STEP_OPTIMIZER];
    a->ns[ASSAY_TRAIN_HIDDEN] = once.hidden_ns;
    a->bubble = once.part_ns[ASSAY_STEP_BUBBLE] / (work(&once) + within(&once));
    a->tokens = once.tokens;
    a->flops = once.flops;
    return ASSAY_OK;
}

/* Frozen weights have no gradients: of three products two are left, and there is nearly nothing to add up or to update. */
static void freeze(struct assay_train_answer *a)
{
    a->ns[ASSAY_TRAIN_PRODUCTS] *= 2.0 / 3;
    a->ns[ASSAY_TRAIN_DATA] = a->ns[ASSAY_TRAIN_UPDATE] = 0;
    a->flops *= 2.0 / 3;
}

static int64_t devices_of(const struct assay_train_ask *ask, unsigned *chosen)
{
    if (ask->devices)
        return ask->devices;
    *chosen |= ASSAY_TRAIN_CHOSE_DEVICES;
    return DEVICES_USUAL;
}

/* Devices that share weights: all of them, or of many torus machines the devices of one. */
static int64_t slice_of(const struct assay_train_desk *d, const struct assay_train_ask *ask, int64_t devices)
{
    double domain = assay_train_domain(&d->chip), slice = ask->slice;
    if (slice < 1 && ask->stack->splits_weights && domain > 64)
        slice = domain;
    return slice >= 1 && slice < (double)devices && devices % (int64_t)slice == 0 ? (int64_t)slice : devices;
}

static enum assay_code check_format(const struct assay_train_desk *d, const struct assay_train_ask *a, struct assay_error *err)
{
    double peak = assay_chip_peak(&d->chip, a->plan.compute);
    if (peak == 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the device does not multiply %s", assay_dtype_name(a->plan.compute));
    return ASSAY_OK;
}

enum assay_code assay_train_answer_of(struct assay_train_desk *desk, const struct assay_train_ask *ask, struct assay_train_answer *out,
                                      struct assay_error *err)
{
    struct assay_train_answer a = {.chosen = ask->chosen};
    struct assay_train_ask    q = *ask;
    const struct site        *site = NULL;
    struct assay_step_model  *steps = NULL;
    int64_t                   devices = devices_of(ask, &a.chosen), slice = slice_of(desk, ask, devices);
    if (q.global_batch < 1)
        a.chosen |= ASSAY_TRAIN_CHOSE_BATCH;
    double groups = (double)devices / (double)slice;
    q.global_batch /= groups;
    q.batch_tokens /= groups;
    if (q.narrow)
        q.plan.compute = assay_chip_peak(&desk->chip, ASSAY_F8E4M3) > 0 ? ASSAY_F8E4M3 : ASSAY_I8;
    if (check_format(desk, &q, err) || choose_plan(desk, &q, slice, &a.plan, &a.chosen, err) || site_of(desk, slice, &site, err) ||
        steps_of(desk, &q, site, &steps, err) || price(steps, &a.plan, &a, err))
        return err->code;
    if (ask->adapters)
        freeze(&a);
    a.devices = (double)devices;
    a.doublings = log2(groups);
    a.tokens *= groups;
    a.flops *= groups;
    a.layers = (double)a.plan.micro_batches * ask->decoder.layers / (double)a.plan.pp;
    a.narrow = assay_dtype_bits(a.plan.compute) <= 8;
    a.mixed = ask->decoder.experts > 0;
    a.peak = assay_chip_peak(&desk->chip, ASSAY_BF16);
    a.whole_tokens = ask->tokens > 0 ? ask->tokens : TOKENS_USUAL;
    if (ask->metric == ASSAY_TRAIN_DEVICE_HOURS && ask->tokens <= 0)
        a.chosen |= ASSAY_TRAIN_CHOSE_TOKENS;
    a.fabric = site->links.how;
    *out = a;
    return ASSAY_OK;
}

/* ---- figures ------------------------------------------------------------------------------------------------------- */

double assay_train_figure(const struct assay_train_ask *ask, const struct assay_train_answer *a, double step_ns)
{
    double s = step_ns * 1e-9;
    switch (ask->metric) {
    case ASSAY_TRAIN_STEP_TIME: return s / ask->of_unit;
    case ASSAY_TRAIN_TOKEN_RATE: return a->tokens / s / (ask->whole ? 1 : a->devices) / ask->of_unit;
    case ASSAY_TRAIN_FLOP_RATE: return a->flops / s / a->devices / ask->of_unit;
    case ASSAY_TRAIN_UTILISATION: return a->flops / s / a->devices / a->peak / ask->of_unit;
    case ASSAY_TRAIN_DEVICE_HOURS: return a->whole_tokens / a->tokens * s * a->devices / 3600 / ask->of_unit;
    case ASSAY_TRAIN_METRICS: break;
    }
    return NAN;
}

double assay_train_step_ns(const struct assay_train_ask *ask, const struct assay_train_answer *a, double figure)
{
    double once = assay_train_figure(ask, a, 1e9);
    bool   longer = ask->metric == ASSAY_TRAIN_STEP_TIME || ask->metric == ASSAY_TRAIN_DEVICE_HOURS;
    return longer ? figure / once * 1e9 : once / figure * 1e9;
}
