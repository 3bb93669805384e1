/* A described system of many devices as one device on a clock of its own: compile finds how to spread the training, or the serving, of the
 * decoder that the graph is, execute adds the price of a step to virtual time. Nothing is timed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/backend.h"
#include "backends/reference/rebuild.h"
#include "harness/base/strings.h"
#include "serving.h"
#include "training.h"

#include "assay/banned.h"

#define PRICE_STREAM 1000u /* of draws: a number of nothing else */

struct cluster_options {
    char                    spec[384], device_spec[384];
    int64_t                 devices;
    struct training_options training;
    struct serving_options  serving;
    double                  share;
};

static const char *const formats[] = {"bf16", "f16", "f8e4m3", NULL};
#define AT(member) offsetof(struct cluster_options, member)
static const struct assay_option option_table[] = {
    {.name = "devices", .type = ASSAY_OPT_I64, .offset = AT(devices), .dflt = "0", .min = 0, .max = 10000000,
     .help = "so many of them, 0 = all; more than there are: the outermost tier grows"},
    {.name = "dtype", .type = ASSAY_OPT_DTYPE, .offset = AT(training.dtype), .dflt = "bf16", .choices = formats,
     .help = "what matrix units multiply"},
    {.name = "moment_bits", .type = ASSAY_OPT_I64, .offset = AT(training.moment_bits), .dflt = "32", .min = 8, .max = 32,
     .help = "of each of the optimizer's two moments: 32, 16 or 8"},
    {.name = "gradient_bytes", .type = ASSAY_OPT_I64, .offset = AT(training.gradient_bytes), .dflt = "4", .min = 2, .max = 4,
     .help = "of an element of a gradient: 4 or 2"},
    {.name = "imbalance", .type = ASSAY_OPT_F64, .offset = AT(training.imbalance), .dflt = "1.1", .min = 1, .max = 64,
     .help = "tokens of the busiest rank's experts over the mean"},
    {.name = "offload", .type = ASSAY_OPT_BOOL, .offset = AT(training.offload), .dflt = "false",
     .help = "plans may keep the optimizer's state in host memory"},
    {.name = "framework", .type = ASSAY_OPT_TEXT, .offset = AT(training.framework), .bytes = sizeof(((struct training_options *)0)->framework),
     .dflt = "megatron-2025", .help = "whose overheads count (harness/model/cluster/README.md)"},
    {.name = "tp", .type = ASSAY_OPT_I64, .offset = AT(serving.tp), .dflt = "0", .min = 0, .max = 4096,
     .help = "serving: ranks that a layer is split over; 0: the fewest that hold weights and caches"},
    {.name = "pp", .type = ASSAY_OPT_I64, .offset = AT(serving.pp), .dflt = "0", .min = 0, .max = 4096, .help = "serving: pipeline stages; 0: likewise"},
    {.name = "share", .type = ASSAY_OPT_F64, .offset = AT(share), .dflt = "1", .min = 1e-6, .max = 1,
     .help = "the part of these devices that works; serving with prompt_share takes two parts"},
    {.name = "spec", .type = ASSAY_OPT_TEXT, .offset = AT(spec), .bytes = sizeof(((struct cluster_options *)0)->spec), .dflt = "",
     .help = "a buyer's numbers for the system (a file; assay run --spec)"},
    {.name = "device_spec", .type = ASSAY_OPT_TEXT, .offset = AT(device_spec), .bytes = sizeof(((struct cluster_options *)0)->device_spec),
     .dflt = "", .help = "a buyer's numbers for its devices"},
    {.name = NULL},
};

static const struct assay_host *host;

struct assay_session {
    struct assay_modelled_system on;
    struct training_options      options;
    struct serving_options       serving;
    uint64_t                     draw, free_ns;
    struct assay_program        *last; /* that was executed last: levels are of it */
    struct serving_tally         tally; /* of served steps, whichever program they were */
    double                       flops, joules;
    bool                         power_known, resized; /* resized: the described number of devices is another */
    const struct assay_graph    *asked; /* that accepts() said yes to */
};
/* One of the two. */
struct assay_program {
    struct training *training;
    struct serving  *serving;
    uint64_t         priced; /* 1 + the draw that it is on; 0: none */
};
struct assay_event {
    uint64_t begin_ns, end_ns;
};
struct assay_buffer {
    char handle; /* and nothing behind it */
};

/* ---- systems -------------------------------------------------------------------------------------------------------- */

static void tell_system(struct assay_device_list *out, const struct assay_system *s)
{
    struct assay_device_info info = {.size = sizeof info, .clock = ASSAY_CLOCK_MODEL, .origin = ASSAY_ORIGIN_MODELLED, .queues = 1};
    (void)snprintf(info.name, sizeof info.name, "%s", s->name);
    (void)snprintf(info.product, sizeof info.product, "%s, %lld x %s, %s", s->product, (long long)s->devices, s->device,
                   assay_device_status_names[s->status]);
    (void)snprintf(info.vendor, sizeof info.vendor, "%s", s->vendor);
    (void)snprintf(info.how_known, sizeof info.how_known, "described%s, SHA-256 %.16s", *s->overlays ? " with --spec" : "", s->fingerprint);
    host->device_add(out, &info);
}

static void list_one(void *self, const char *name, const struct assay_system *s, const struct assay_error *why_not)
{
    char line[400];
    if (s)
        tell_system(self, s);
    else { /* costs itself only */
        (void)snprintf(line, sizeof line, "system '%s' cannot be read: %s", name, why_not->message);
        host->log(ASSAY_LOG_WARN, line);
    }
}

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    (void)options;
    return assay_systems_list(list_one, out, err);
}

/* ---- sessions ------------------------------------------------------------------------------------------------------- */

static void session_close(struct assay_session *s)
{
    assay_modelled_system_release(&s->on);
    free(s);
}

/* A part of a system is a system of fewer devices. */
static enum assay_code open_part(const char *device, const struct cluster_options *o, struct assay_modelled_system *on, struct assay_error *err)
{
    if (assay_modelled_system_open(device, o->spec, o->device_spec, o->devices, on, err) || o->share >= 1)
        return err->code;
    int64_t part = (int64_t)floor(o->share * (double)on->system->devices + 1e-9);
    if (part < 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "share %g of %lld devices is none", o->share, (long long)on->system->devices);
    assay_modelled_system_release(on);
    *on = (struct assay_modelled_system){.system = NULL};
    return assay_modelled_system_open(device, o->spec, o->device_spec, part, on, err);
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    const struct cluster_options *o = how->options;
    struct assay_session         *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    s->options = o->training;
    s->serving = o->serving;
    if (open_part(how->device, o, &s->on, err)) {
        session_close(s);
        return err->code;
    }
    s->resized = o->devices != 0 || o->share < 1;
    *out = s;
    return ASSAY_OK;
}

/* The whole graph is spread or none of it: looked at once. */
static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    struct assay_graph            *own = NULL;
    struct assay_decoder_in_graph  of;
    struct assay_error             err = {.code = ASSAY_OK};
    if (node && s->asked == g)
        return true;
    if (!rebuild_graph(host, g, NULL, &own, &err) && !assay_decoder_in_graph(own, &of, &err) && !of.serves)
        (void)training_read(own, &of, &err);
    assay_graph_free(own);
    s->asked = err.code ? NULL : g;
    if (err.code)
        assay_text_add(why_not, "%s", err.message);
    return !err.code;
}

/* ---- memory: there are no bytes behind a buffer, and each rank has a part of it ---------------------------------------- */

static enum assay_code buffer_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out, struct assay_error *err)
{
    (void)s, (void)how;
    *out = calloc(1, sizeof **out);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a handle");
}

static void buffer_release(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    free(b);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                              struct assay_error *err)
{
    (void)s, (void)b, (void)offset, (void)from, (void)bytes, (void)err;
    return ASSAY_OK;
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes, struct assay_error *err)
{
    (void)s, (void)b, (void)offset, (void)to, (void)bytes;
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "a modelled system computes no values");
}

/* ---- programs ------------------------------------------------------------------------------------------------------- */

static void discard(struct assay_session *s, struct assay_program *p)
{
    if (s->last == p)
        s->last = NULL;
    training_free(p->training);
    serving_free(p->serving);
    free(p);
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out, struct assay_error *err)
{
    const struct assay_rank_class *only = how->classes;
    struct assay_graph            *own = NULL;
    if (how->n_classes != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "give the whole graph, and the system spreads it; these are %zu rank classes", how->n_classes);
    struct assay_program *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    struct assay_decoder_in_graph of;
    if (!rebuild_graph(host, only->graph, NULL, &own, err) && !assay_decoder_in_graph(own, &of, err))
        (void)(of.serves ? serving_new(&s->on, own, &s->serving, &p->serving, err) : training_new(&s->on, own, &s->options, &p->training, err));
    assay_graph_free(own);
    if (err->code) {
        discard(s, p);
        return err->code;
    }
    *out = p;
    return ASSAY_OK;
}

static void describe_training(const struct training *t, struct assay_text *out)
{
    assay_text_add(out, "; the best of %lld plans that fit for %lld devices (%lld do not): ", (long long)t->priced, (long long)t->space.devices,
                   (long long)t->short_of_memory);
    assay_train_plan_tell(&t->best.plan, out);
    assay_text_add(out, "; the fullest rank holds %.1f GB and fits on %.0f %% of what the description allows", t->best.footprint.total_bytes / 1e9,
                   100 * t->fits);
    assay_text_add(out, "; products in %s; overheads of %s; power of devices at its full, hosts, network, facility", assay_dtype_name(t->space.compute),
                   t->space.framework->name);
}

static void describe_serving(const struct serving *v, struct assay_text *out)
{
    assay_text_add(out, "; %.0f devices, %.0f replicas of tp %.0f pp %.0f", v->devices, v->replicas, v->plan.tp, v->plan.pp);
    if (v->of.numbers.experts > 0)
        assay_text_add(out, ", experts over %.0f x %.0f", v->plan.moe_ep, v->plan.moe_tp);
    assay_text_add(out, ", sequences dealt evenly, all in step; a device holds %.1f GB of weights and %.1f GB of caches; products in %s; no time of the host; power of devices at its full, hosts, network, facility",
                   v->weight_bytes / 1e9, v->cache_bytes / 1e9, assay_dtype_name(v->plan.products.compute));
}

static void describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out)
{
    assay_text_add(out, "modelled from the description of %s, SHA-256 %s, and of its devices, %s, SHA-256 %s", s->on.system->name,
                   s->on.system->fingerprint, s->on.device->name, s->on.device->fingerprint);
    if (*s->on.system->overlays || *s->on.device->overlays)
        assay_text_add(out, ", with %s%s%s over them", s->on.system->overlays, *s->on.system->overlays && *s->on.device->overlays ? ", " : "",
                       s->on.device->overlays);
    if (p->training)
        describe_training(p->training, out);
    else
        describe_serving(p->serving, out);
    assay_text_add(out, "; fit %.16s", s->on.fitted.fingerprint);
}

static const struct cluster_certainty *certain_of(const struct assay_program *p)
{
    return p->training ? &p->training->certain : &p->serving->certain;
}

static void certainty(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    const struct cluster_certainty *c = certain_of(p);
    (void)s;
    out->grade[0] = c->grade;
    out->grade[1] = 0;
    out->has_point = !*c->why_no_point;
    (void)snprintf(out->why_no_point, sizeof out->why_no_point, "%s", c->why_no_point);
    if (out->size >= sizeof *out)
        memcpy(out->influences, c->inputs, sizeof c->inputs);
}

/* ---- executing ------------------------------------------------------------------------------------------------------ */

/* What a control input holds that is bound on the host; *rows of it count. NULL: it is not bound. */
static const int32_t *content_of(const struct assay_launch *launch, int32_t value, uint64_t *rows)
{
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b = (const struct assay_binding *)(const void *)((const char *)launch->bindings + i * launch->binding_stride);
        if (b->host && (int32_t)b->value == value) {
            *rows = b->valid_rows;
            return (const int32_t *)(const void *)((const char *)b->host + b->offset);
        }
    }
    return NULL;
}

/* A served program is on the draw that the session is on. */
static enum assay_code follow_draw(const struct assay_session *s, struct assay_program *p, struct assay_error *err)
{
    if (p->priced == s->draw + 1)
        return ASSAY_OK;
    p->priced = 0;
    if (serving_draw(p->serving, s->draw, err))
        return err->code;
    p->priced = s->draw + 1;
    return ASSAY_OK;
}

static void spend(struct assay_session *s, double joules)
{
    s->power_known = !isnan(joules);
    s->joules += s->power_known ? joules : 0;
}

static enum assay_code price_serving(struct assay_session *s, struct assay_program *p, const struct assay_launch *launch, double *ns, struct assay_error *err)
{
    uint64_t            rows = 0, ignored = 0;
    struct serving     *v = p->serving;
    struct serving_step step = {.starts = content_of(launch, v->starts, &ignored), .past = content_of(launch, v->past, &rows)};
    if (!step.starts || !step.past)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the control inputs starts and past must be bound on the host");
    step.n = rows < (uint64_t)v->of.batch ? (size_t)rows : (size_t)v->of.batch;
    if (s->tally.draw != s->draw + 1)
        s->tally = (struct serving_tally){.draw = s->draw + 1};
    if (follow_draw(s, p, err) || serving_price(v, &step, &s->tally, ns, err))
        return err->code;
    spend(s, assay_fabric_watts(&v->fabric, v->devices) * *ns * 1e-9);
    return ASSAY_OK;
}

static enum assay_code price_training(struct assay_session *s, struct assay_program *p, double *ns, struct assay_error *err)
{
    if (p->priced != s->draw + 1 && training_price(p->training, s->draw, err))
        return err->code;
    const struct assay_step_price *price = &p->training->now;
    s->flops += price->flops;
    spend(s, price->joules);
    *ns = price->ns;
    return ASSAY_OK;
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out, struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_event   *e = calloc(1, sizeof *e);
    double                ns = 0;
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    if (p->training ? price_training(s, p, &ns, err) : price_serving(s, p, launch, &ns, err)) {
        free(e);
        return err->code;
    }
    p->priced = s->draw + 1;
    s->last = p;
    e->begin_ns = launch->earliest_ns > s->free_ns ? launch->earliest_ns : s->free_ns;
    e->end_ns = e->begin_ns + (uint64_t)fmax(1, nearbyint(ns));
    s->free_ns = e->end_ns;
    *out = e;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns, size_t *done,
                            struct assay_span *span, struct assay_error *err)
{
    size_t first = 0;
    (void)s, (void)timeout_ns, (void)err;
    for (size_t i = 1; i < n; i++)
        if (events[i]->end_ns < events[first]->end_ns)
            first = i;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = events[first]->begin_ns;
    span->end_ns = events[first]->end_ns;
    span->device_ns = 0;
    (void)snprintf(span->why_no_device_ns, sizeof span->why_no_device_ns, "%s", "modelled: nothing was timed");
    *done = first;
    return ASSAY_OK;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    free(e);
}

/* ---- optional answers ----------------------------------------------------------------------------------------------- */

struct rows {
    struct assay_counter_row *at;
    size_t                    stride, capacity, n;
    const char               *why; /* no point: of all that is a time, a rate or an energy */
};

static struct assay_counter_row *add(struct rows *r, const char *unit, double value, bool level)
{
    struct assay_counter_row *to = (struct assay_counter_row *)(void *)((char *)r->at + r->n * r->stride);
    if (r->n++ >= r->capacity)
        return NULL;
    to->value = value;
    to->why[0] = 0;
    if (isnan(value))
        (void)snprintf(to->why, sizeof to->why, "%s", "a number that it rests on is not known");
    (void)snprintf(to->unit, sizeof to->unit, "%s", unit);
    if (r->stride >= offsetof(struct assay_counter_row, level) + sizeof to->level)
        to->level = level;
    return to;
}

/* A level of which there may be no point. */
static void add_uncertain(struct rows *r, const char *prefix, const char *name, const char *unit, double value)
{
    struct assay_counter_row *to = add(r, unit, value, true);
    if (!to)
        return;
    (void)snprintf(to->name, sizeof to->name, "%s%s", prefix, name);
    if (*r->why && !isnan(value))
        (void)snprintf(to->why, sizeof to->why, "%s", r->why);
}

static void add_sure(struct rows *r, const char *prefix, const char *name, const char *unit, double value)
{
    struct assay_counter_row *to = add(r, unit, value, true);
    if (!to)
        return;
    struct assay_text text = ASSAY_TEXT(to->name);
    assay_text_add(&text, "%s", prefix);
    assay_string_name(&text, name);
}

static void add_plan(struct rows *r, const struct training *t)
{
    const struct assay_train_plan *p = &t->best.plan;
    const struct {
        const char *name;
        double      value;
    } all[] = {{"tp", (double)p->tp}, {"cp", (double)p->cp}, {"dp", (double)p->dp}, {"pp", (double)p->pp}, {"ep", (double)p->ep},
               {"chunks", (double)p->chunks}, {"micro_batch", (double)p->micro_batch}, {"micro_batches", (double)p->micro_batches},
               {"zero", p->zero}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        add_sure(r, "plan_", all[i].name, "1", all[i].value);
    add_sure(r, "", "devices", "1", (double)t->space.devices);
    if (p->pp == 1)
        return;
    add_sure(r, "pipeline_", "forward", "1", t->operation[ASSAY_PIPELINE_FORWARD]);
    add_sure(r, "pipeline_", "backward", "1", t->operation[ASSAY_PIPELINE_BACKWARD]);
    add_sure(r, "pipeline_", "weights", "1", t->operation[ASSAY_PIPELINE_WEIGHT]);
    add_sure(r, "pipeline_", "zero_bubble", "1", p->schedule == ASSAY_PIPELINE_ZERO_BUBBLE);
}

/* Of the whole: what the description says, or nothing. */
static void add_price(struct rows *r, const struct assay_session *s)
{
    const struct assay_quantity *price = &s->on.system->fields[ASSAY_SYSTEM_PRICE];
    bool                         whole = price->state == ASSAY_KNOWN && !s->resized;
    r->why = whole && isnan(price->value) ? "price_usd of the system is only known as a range" : "";
    add_uncertain(r, "", "price", "USD", whole ? s->draw ? assay_quantity_at(price, assay_draw_quantile(s->draw, PRICE_STREAM)) : assay_quantity_middle(price)
                                               : NAN);
}

static void add_training(struct rows *r, const struct training *t)
{
    r->why = t->certain.why_no_point;
    for (int i = 0; i < ASSAY_STEP_PARTS; i++)
        add_uncertain(r, "step_", assay_step_part_names[i], "ns", t->now.part_ns[i]);
    add_uncertain(r, "", "goodput", "1", t->now.goodput.share);
    add_uncertain(r, "", "power", "watts", t->now.watts);
    add_uncertain(r, "", "model_flops_share", "1", t->now.utilisation);
    for (int i = 0; i < ASSAY_FOOTPRINT_GROUPS; i++)
        add_sure(r, "memory_", assay_footprint_names[i], "bytes", t->best.footprint.bytes[i]);
    add_plan(r, t);
}

/* What a replica sends to another one, caches of prompts as it is: all of its ranks their part. */
static void add_handover(struct rows *r, const struct serving *v)
{
    r->why = v->certain.why_no_point;
    add_uncertain(r, "", "handover_rate", "B/s", v->plan.tp * v->plan.pp * assay_fabric_outer_bytes_per_s(&v->fabric));
    add_uncertain(r, "", "handover_latency", "ns", v->fabric.tier[v->fabric.n_tiers - 1].latency_ns);
}

/* Of each tier that carries anything: "link_scale-up_sent" and so on. What is sent in a step is the plan's, `planned`; of served steps, whose mean
 * this is, it is what the clock lets meet in one. */
static void add_links(struct rows *r, const struct assay_system *system, const struct cluster_certainty *certain, bool planned, const struct cluster_link *links)
{
    r->why = certain->why_no_point;
    for (size_t i = 0; i < system->n_tiers; i++) {
        const struct cluster_link *l = &links[i];
        char                       prefix[40];
        struct assay_text          text = ASSAY_TEXT(prefix);
        if (!(l->busy_ns > 0))
            continue;
        assay_text_add(&text, "link_");
        assay_string_name(&text, system->tiers[i].name);
        assay_text_add(&text, "_");
        if (planned)
            add_sure(r, prefix, "sent", "bytes", l->sent_bytes);
        else
            add_uncertain(r, prefix, "sent", "bytes", l->sent_bytes);
        add_uncertain(r, prefix, "busy", "ns", l->busy_ns);
        add_uncertain(r, prefix, "busy_share", "1", l->busy_share);
        add_uncertain(r, prefix, "rate", "B/s", l->bytes_per_s);
        add_uncertain(r, prefix, "rate_share", "1", l->rate_share);
    }
}

static void add_serving(struct rows *r, const struct serving *v)
{
    add_sure(r, "", "devices", "1", v->devices);
    add_sure(r, "", "replicas", "1", v->replicas);
    add_sure(r, "plan_", "tp", "1", v->plan.tp);
    add_sure(r, "plan_", "pp", "1", v->plan.pp);
    add_sure(r, "memory_", "weights", "bytes", v->weight_bytes);
    add_sure(r, "memory_", "caches", "bytes", v->cache_bytes);
}

/* The share of memory is of the device: what the description says of it, if it says a number. */
static void add_capacity(struct rows *r, const struct assay_session *s)
{
    const struct assay_quantity *memory = &s->on.device->fields[ASSAY_DEVICE_MEMORY];
    struct assay_chip            chip = s->draw ? assay_chip_draw(s->on.device, s->draw) : s->on.fabric.chip;
    r->why = isnan(memory->value) ? "memory_bytes of the device is only known as a range" : "";
    add_uncertain(r, "", "memory_capacity", "bytes", chip.field[ASSAY_DEVICE_MEMORY]);
}

static enum assay_code counters(struct assay_session *s, struct assay_counter_row *rows, size_t stride, size_t capacity, size_t *n,
                                struct assay_error *err)
{
    struct rows               r = {rows, stride, capacity, 0, ""};
    struct assay_counter_row *to = add(&r, "1", s->flops, false);
    if (s->last && s->last->serving && follow_draw(s, s->last, err))
        return err->code;
    if (to)
        (void)snprintf(to->name, sizeof to->name, "flops");
    to = add(&r, "joules", s->joules, false);
    if (to) {
        (void)snprintf(to->name, sizeof to->name, "energy");
        (void)snprintf(to->why, sizeof to->why, "%s", s->last && !s->power_known ? "power of the system is not known" : s->last ? certain_of(s->last)->why_no_point : "");
    }
    if (s->last && s->last->training)
        add_training(&r, s->last->training);
    if (s->last && s->last->serving) {
        add_serving(&r, s->last->serving);
        add_handover(&r, s->last->serving);
    }
    if (s->last) {
        add_capacity(&r, s);
        add_price(&r, s);
    }
    /* last: should there be more than a record has room for, these are the ones to miss */
    if (s->last && s->last->training)
        add_links(&r, s->on.system, &s->last->training->certain, true, s->last->training->link);
    if (s->last && s->last->serving) {
        struct cluster_link served[ASSAY_SYSTEM_TIERS] = {{.sent_bytes = 0}};
        if (s->tally.draw == s->draw + 1)
            serving_links(s->last->serving, &s->tally, served);
        add_links(&r, s->on.system, &s->last->serving->certain, false, served);
    }
    *n = r.n;
    return ASSAY_OK;
}

static enum assay_code draw(struct assay_session *s, uint64_t k, struct assay_error *err)
{
    (void)err;
    s->draw = k;
    return ASSAY_OK;
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "cluster",
    .summary = "any system of many devices that a file describes, training or serving a decoder on a clock of its own: nothing is timed",
    .version = ASSAY_VERSION,
    .options = option_table,
    .option_stride = sizeof *option_table,
    .options_bytes = sizeof(struct cluster_options),
    .probe = probe,
    .open = session_open,
    .close = session_close,
    .accepts = accepts,
    .alloc = buffer_alloc,
    .release = buffer_release,
    .upload = upload,
    .download = download,
    .compile = compile,
    .discard = discard,
    .execute = execute,
    .poll = poll,
    .forget = forget,
    .describe = describe,
    .counters = counters,
    .draw = draw,
    .certainty = certainty,
};

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    host = lent;
    return &backend;
}
