#include "harness/model/breakeven.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/live.h"

#include "assay/banned.h"

#define DRAWS ASSAY_CONTEST_DRAWS
#define STEPS 16 /* halvings of a search: 32 x 32 / 2^16, well below a percent */
#define EVEN 0.5
#define SURE 0.9
#define MATTERS 0.01                     /* of the time's logarithm, over all of the reach */
#define RIVALS_DRAWS (UINT64_C(1) << 32) /* from here on, so that the two are drawn each by itself */

struct assay_contest {
    const struct assay_graph *graph;
    struct assay_priced step;
    struct assay_graph_price *price;
    struct assay_node_how how;
    struct assay_contestant device, rival;
    struct assay_world middle, worlds[DRAWS];
    double own_ns[DRAWS], rival_ns[DRAWS], rival_joules[DRAWS], rival_usd[DRAWS];
    uint64_t bytes;
};

static double time_in(const struct assay_contest *c, const struct assay_priced *s, const struct assay_world *w)
{
    struct assay_error err = {.code = ASSAY_OK};
    return assay_priced_graph(s, c->price, w, &c->how, false, &err) ? NAN : c->price->total.ns;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that a share of them does not exceed. */
static double quantile(const double *all, double share)
{
    double sorted[DRAWS];
    memcpy(sorted, all, sizeof sorted);
    qsort(sorted, DRAWS, sizeof *sorted, by_size);
    return sorted[(size_t)ceil(share * DRAWS) - 1];
}

/* ---- the two -------------------------------------------------------------------------------------------------------
 */

struct figure {
    const struct assay_contest *c;
    const struct assay_priced *step;
};
static double time_on(void *self, const struct assay_chip *chip)
{
    const struct figure *f = self;
    struct assay_world w = assay_priced_world(f->step, 0);
    w.chip = *chip;
    return time_in(f->c, f->step, &w);
}

static double time_in_world(void *self, const struct assay_world *w)
{
    const struct figure *f = self;
    return time_in(f->c, f->step, w);
}

static void sum_up(const struct assay_contest *c, const struct assay_priced *s, const double *ns,
                   struct assay_contestant *out)
{
    struct figure f = {c, s};
    *out = (struct assay_contestant){.device = s->device,
                                     .p10_ns = quantile(ns, 0.1),
                                     .p50_ns = quantile(ns, 0.5),
                                     .p90_ns = quantile(ns, 0.9),
                                     .certain = assay_certainty_within(s->device, assay_priced_deviation(s, time_in_world, &f), time_on, &f)};
}

/* Prices once, so that what a device lacks is told. */
static enum assay_code can_run(const struct assay_contest *c, const struct assay_priced *s, struct assay_error *err)
{
    struct assay_world w = assay_priced_world(s, 0);
    if (assay_priced_graph(s, c->price, &w, &c->how, false, err))
        return assay_error_in(err, "on device '%.40s'", s->device->name);
    return ASSAY_OK;
}

static void draw_device(struct assay_contest *c)
{
    for (uint64_t i = 0; i < DRAWS; i++) {
        c->worlds[i] = assay_priced_world(&c->step, i + 1);
        c->own_ns[i] = time_in(c, &c->step, &c->worlds[i]);
    }
    sum_up(c, &c->step, c->own_ns, &c->device);
}

static void draw_rival(struct assay_contest *c, const struct assay_priced *rival)
{
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct assay_world other = assay_priced_world(rival, RIVALS_DRAWS + i + 1);
        c->rival_ns[i] = time_in(c, rival, &other);
        c->rival_joules[i] = c->rival_ns[i] * 1e-9 * other.chip.field[ASSAY_DEVICE_POWER];
        c->rival_usd[i] = other.chip.field[ASSAY_DEVICE_PRICE];
    }
    sum_up(c, rival, c->rival_ns, &c->rival);
}

/* A limit has a time for sure, and neither power nor price. */
static void set_limit(struct assay_contest *c, double limit_ns)
{
    for (size_t i = 0; i < DRAWS; i++) {
        c->rival_ns[i] = limit_ns;
        c->rival_joules[i] = c->rival_usd[i] = NAN;
    }
    c->rival = (struct assay_contestant){.p10_ns = limit_ns, .p50_ns = limit_ns, .p90_ns = limit_ns};
}

static enum assay_code meet_rival(struct assay_contest *c, const struct assay_described *rival,
                                  const struct assay_fitted *fitted, struct assay_error *err)
{
    struct assay_priced other;
    assay_priced_init(&other, rival, fitted);
    if (can_run(c, &other, err))
        return err->code;
    draw_rival(c, &other);
    return ASSAY_OK;
}

enum assay_code assay_contest_new(const struct assay_graph *g, const struct assay_described *device,
                                  const struct assay_described *rival, double limit_ns,
                                  const struct assay_fitted *fitted, struct assay_contest **out,
                                  struct assay_error *err)
{
    struct assay_live live;
    struct assay_contest *c = calloc(1, sizeof *c);
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a comparison");
    c->graph = g;
    c->how.f32_as = assay_graph_stored_format(g);
    assay_priced_init(&c->step, device, fitted);
    c->middle = assay_priced_world(&c->step, 0);
    set_limit(c, limit_ns);
    if (assay_graph_price_new(g, &c->price, err) || can_run(c, &c->step, err) ||
        (rival && meet_rival(c, rival, fitted, err))) {
        assay_contest_free(c);
        return err->code;
    }
    if (!assay_graph_live(g, &live)) {
        assay_contest_free(c);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to see what the graph holds");
    }
    c->bytes = live.param_bytes + live.state_bytes + live.peak_bytes;
    draw_device(c);
    *out = c;
    return ASSAY_OK;
}

void assay_contest_free(struct assay_contest *c)
{
    if (c)
        assay_graph_price_free(c->price);
    free(c);
}

const struct assay_contestant *assay_contest_device(const struct assay_contest *c)
{
    return &c->device;
}

const struct assay_contestant *assay_contest_rival(const struct assay_contest *c)
{
    return &c->rival;
}

double assay_contest_chance(const struct assay_contest *c)
{
    size_t n = 0;
    for (size_t i = 0; i < DRAWS; i++)
        n += c->own_ns[i] <= c->rival_ns[i];
    return (double)n / DRAWS;
}

uint64_t assay_contest_bytes(const struct assay_contest *c)
{
    return c->bytes;
}

/* ---- one number ----------------------------------------------------------------------------------------------------
 */

struct search {
    struct assay_contest *c;
    enum assay_device_field field;
    enum assay_need_kind kind;
    bool at_most;
    double low, high; /* the reach */
};

static bool is_as_good(const struct search *s, size_t draw, double value)
{
    struct assay_world w = s->c->worlds[draw];
    w.chip.field[s->field] = value;
    double ns = time_in(s->c, &s->c->step, &w);
    return s->kind == ASSAY_NEED_ENERGY ? ns * 1e-9 * value <= s->c->rival_joules[draw] : ns <= s->c->rival_ns[draw];
}

/* Where one draw is even: infinite and 0 where that is beyond the reach. */
static double even_of(const struct search *s, size_t draw)
{
    double bad = s->at_most ? s->high : s->low, good = s->at_most ? s->low : s->high;
    if (!is_as_good(s, draw, good))
        return s->at_most ? 0 : INFINITY;
    if (is_as_good(s, draw, bad))
        return s->at_most ? INFINITY : 0;
    for (int i = 0; i < STEPS; i++) {
        double middle = sqrt(bad * good);
        *(is_as_good(s, draw, middle) ? &good : &bad) = middle;
    }
    return good;
}

static enum assay_need_is is_of(bool at_most, double value)
{
    if (value > 0 && !isinf(value))
        return ASSAY_NEED_VALUE;
    return (value > 0) == at_most ? ASSAY_NEED_ANY : ASSAY_NEED_NEVER;
}

static void answer(struct assay_need *out, const double *even)
{
    out->even = quantile(even, out->at_most ? 1 - EVEN : EVEN);
    out->sure = quantile(even, out->at_most ? 1 - SURE : SURE);
    out->even_is = is_of(out->at_most, out->even);
    out->sure_is = is_of(out->at_most, out->sure);
}

static void search_all(const struct search *s, double *even)
{
    for (size_t i = 0; i < DRAWS; i++)
        even[i] = even_of(s, i);
}

/* What takes most of the time that is priced now. */
static const char *limit_of(const struct assay_graph_price *p)
{
    static const char *const names[] = {
        "work of the matrix units", "memory bandwidth", "the last-level cache", "vector work", "the link",
        "least times of kernels"};
    double of[6] = {0};
    size_t most = 0;
    for (uint32_t i = 0; i < p->n_classes; i++) {
        const struct assay_price *x = &p->classes[i].price;
        const double part[] = {x->compute_ns, x->memory_ns, x->cache_ns, x->vector_ns, x->link_ns};
        size_t longest = 0;
        for (size_t j = 1; j < 5; j++)
            longest = part[j] > part[longest] ? j : longest;
        of[longest] += p->classes[i].count * (x->ns - x->floor_ns);
        of[5] += p->classes[i].count * x->floor_ns;
    }
    for (size_t j = 1; j < 6; j++)
        most = of[j] > of[most] ? j : most;
    return names[most];
}

static double time_with(struct assay_contest *c, enum assay_device_field field, double value)
{
    struct assay_world w = c->middle;
    w.chip.field[field] = value;
    return time_in(c, &c->step, &w);
}

/* A share cannot be more than all; less is better of what is a time. */
static struct search reach_of(struct assay_contest *c, enum assay_device_field field, enum assay_need_kind kind)
{
    const struct assay_quantity *q = &c->step.device->fields[field];
    struct search s = {
        .c = c, .field = field, .kind = kind, .low = q->low / ASSAY_NEED_REACH, .high = q->high * ASSAY_NEED_REACH};
    s.at_most = kind == ASSAY_NEED_ENERGY || field == ASSAY_DEVICE_LAUNCH || field == ASSAY_DEVICE_SCALE_UP_LATENCY;
    if (field == ASSAY_DEVICE_SUSTAINED)
        s.high = 1;
    return s;
}

static void need_time(struct assay_contest *c, struct assay_need *out)
{
    const struct assay_quantity *q = &c->step.device->fields[out->field];
    double even[DRAWS];
    if (q->state != ASSAY_KNOWN) {
        (void)snprintf(out->why_not, sizeof out->why_not, "%s",
                       q->state == ASSAY_NOT_SUPPORTED ? "not supported by the device"
                                                       : "not known of the device: a range to look from is missing");
        return;
    }
    struct search s = reach_of(c, out->field, out->kind);
    out->at_most = s.at_most;
    double slow = time_with(c, out->field, s.at_most ? s.high : s.low),
           fast = time_with(c, out->field, s.at_most ? s.low : s.high);
    out->limit = limit_of(c->price);
    out->moves = out->kind == ASSAY_NEED_ENERGY || fabs(log(slow / fast)) > MATTERS;
    if (!out->moves)
        return;
    search_all(&s, even);
    answer(out, even);
}

static void need_energy(struct assay_contest *c, struct assay_need *out)
{
    if (isnan(c->rival_joules[0]))
        (void)snprintf(out->why_not, sizeof out->why_not, "%s",
                       c->rival.device ? "power_watts of the rival is not known" : "a limit on the time asks for none");
    else
        need_time(c, out);
}

/* Price x time is what a step costs; without the rival's price, as a share of that. */
static void need_cost(struct assay_contest *c, struct assay_need *out)
{
    double even[DRAWS];
    if (!c->rival.device) {
        (void)snprintf(out->why_not, sizeof out->why_not, "a limit on the time asks for none");
        return;
    }
    out->moves = out->at_most = true;
    out->is_ratio = isnan(c->rival_usd[0]);
    for (size_t i = 0; i < DRAWS; i++)
        even[i] = c->rival_ns[i] / c->own_ns[i] * (out->is_ratio ? 1 : c->rival_usd[i]);
    answer(out, even);
}

void assay_contest_need(struct assay_contest *c, enum assay_device_field field, struct assay_need *out)
{
    *out = (struct assay_need){.field = field, .kind = ASSAY_NEED_TIME};
    switch (field) {
    case ASSAY_DEVICE_POWER:
        out->kind = ASSAY_NEED_ENERGY;
        need_energy(c, out);
        break;
    case ASSAY_DEVICE_PRICE:
        out->kind = ASSAY_NEED_COST;
        need_cost(c, out);
        break;
    case ASSAY_DEVICE_MEMORY:
        out->kind = ASSAY_NEED_ROOM;
        out->moves = true;
        out->even = out->sure = (double)c->bytes;
        out->even_is = out->sure_is = ASSAY_NEED_VALUE;
        break;
    default:
        need_time(c, out);
    }
}

/* ---- two numbers ---------------------------------------------------------------------------------------------------
 */

enum assay_device_field assay_contest_peak(struct assay_contest *c)
{
    enum assay_device_field found = ASSAY_DEVICE_FIELDS;
    double most = MATTERS;
    for (int f = ASSAY_DEVICE_PEAK_F64; f <= ASSAY_DEVICE_PEAK_I4; f++) {
        const struct assay_quantity *q = &c->step.device->fields[f];
        if (q->state != ASSAY_KNOWN)
            continue;
        struct search s = reach_of(c, (enum assay_device_field)f, ASSAY_NEED_TIME);
        double swing = fabs(log(time_with(c, s.field, s.low) / time_with(c, s.field, s.high)));
        if (swing > most) {
            most = swing;
            found = s.field;
        }
    }
    return found;
}

void assay_contest_trade(struct assay_contest *c, enum assay_device_field peak, double bandwidth, double *even,
                         double *sure)
{
    double needed[DRAWS], kept[DRAWS];
    struct search s = reach_of(c, peak, ASSAY_NEED_TIME);
    for (size_t i = 0; i < DRAWS; i++) {
        kept[i] = c->worlds[i].chip.field[ASSAY_DEVICE_BANDWIDTH];
        c->worlds[i].chip.field[ASSAY_DEVICE_BANDWIDTH] = bandwidth;
    }
    search_all(&s, needed);
    for (size_t i = 0; i < DRAWS; i++)
        c->worlds[i].chip.field[ASSAY_DEVICE_BANDWIDTH] = kept[i];
    *even = quantile(needed, EVEN);
    *sure = quantile(needed, SURE);
}
