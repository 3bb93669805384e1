#include "harness/cli/breakeven.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/model/breakeven.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

struct breakeven_options {
    char device[512], against[512], workload[ASSAY_CASE_NAME_BYTES], spec[512], curve[512];
    int64_t vary;
    uint64_t within_ns;
    bool json;
};

/* What may be asked of a vendor, by the words of --vary. */
enum vary { ALL, PEAK, BANDWIDTH, MEMORY, POWER, PRICE, SUSTAINED, CACHE, VECTOR, EXP, LAUNCH, LINK };
static const char *const varies[] = {"all",   "peak",   "bandwidth", "memory", "power", "price", "sustained",
                                     "cache", "vector", "exp",       "launch", "link",  NULL};
static const struct {
    enum assay_device_field field;
    enum vary vary;
} asked[] = {
    {ASSAY_DEVICE_MEMORY, MEMORY}, {ASSAY_DEVICE_BANDWIDTH, BANDWIDTH}, {ASSAY_DEVICE_PEAK_BF16, PEAK},
    {ASSAY_DEVICE_PEAK_F16, PEAK}, {ASSAY_DEVICE_PEAK_F32, PEAK},       {ASSAY_DEVICE_PEAK_F8, PEAK},
    {ASSAY_DEVICE_PEAK_F4, PEAK},  {ASSAY_DEVICE_PEAK_I8, PEAK},        {ASSAY_DEVICE_SUSTAINED, SUSTAINED},
    {ASSAY_DEVICE_LLC, CACHE},     {ASSAY_DEVICE_LLC_BANDWIDTH, CACHE}, {ASSAY_DEVICE_VECTOR, VECTOR},
    {ASSAY_DEVICE_EXP, EXP},       {ASSAY_DEVICE_LAUNCH, LAUNCH},       {ASSAY_DEVICE_HOST_LINK, LINK},
    {ASSAY_DEVICE_SCALE_UP, LINK}, {ASSAY_DEVICE_POWER, POWER},         {ASSAY_DEVICE_PRICE, PRICE},
};
#define ASKED (sizeof asked / sizeof *asked)

static const struct assay_option options[] = {
    {.name = "device",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct breakeven_options, device),
     .bytes = 512,
     .dflt = "",
     .help = "the device whose numbers are asked about: a name or a description"},
    {.name = "against",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct breakeven_options, against),
     .bytes = 512,
     .dflt = "",
     .help = "the rival that it is to equal"},
    {.name = "within",
     .type = ASSAY_OPT_SECONDS,
     .offset = offsetof(struct breakeven_options, within_ns),
     .bytes = sizeof(uint64_t),
     .dflt = "0",
     .min = 0,
     .max = 86400,
     .help = "instead of a rival: the time that a policy allows one execution"},
    {.name = "workload",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct breakeven_options, workload),
     .bytes = ASSAY_CASE_NAME_BYTES,
     .dflt = "",
     .help = "the case on which: decoder.decode/model=llama-3.1-8b,batch=8"},
    {.name = "vary",
     .type = ASSAY_OPT_ENUM,
     .offset = offsetof(struct breakeven_options, vary),
     .bytes = sizeof(int64_t),
     .dflt = "all",
     .choices = varies,
     .help = "only these numbers"},
    {.name = "spec",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct breakeven_options, spec),
     .bytes = 512,
     .dflt = "",
     .help = "a buyer's numbers over the device's description"},
    {.name = "curve",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct breakeven_options, curve),
     .bytes = 512,
     .dflt = "",
     .help = "write what peak each bandwidth asks for to TEXT.csv and TEXT.svg"},
    {.name = "json",
     .type = ASSAY_OPT_BOOL,
     .offset = offsetof(struct breakeven_options, json),
     .dflt = "false",
     .help = "print JSON instead of a table"},
    {0},
};

struct answers {
    const struct breakeven_options *o;
    const char *workload; /* the case's whole name */
    struct assay_contest *contest;
    struct assay_need need[ASKED];
    size_t n;
    struct assay_curve curve; /* peak NULL: there is none */
    char goal[96];
};

/* ---- words ---------------------------------------------------------------------------------------------------------
 */

static void quantity(struct assay_text *out, double value, const char *unit)
{
    if (!strcmp(unit, "1"))
        assay_text_add(out, "%.3g", value);
    else if (!strcmp(unit, "B")) /* as memory is sold */
        assay_text_add(out, value < 1e9 ? "%.3g MB" : "%.3g GB", value / (value < 1e9 ? 1e6 : 1e9));
    else if (!strcmp(unit, "1/s"))
        assay_string_quantity(out, value, "/s", 3);
    else if (!strcmp(unit, "ns"))
        assay_string_quantity(out, value * 1e-9, "s", 3);
    else
        assay_string_quantity(out, value, unit, 3);
}

static void described(struct assay_text *out, const struct assay_quantity *q, const char *unit)
{
    if (q->state != ASSAY_KNOWN) {
        assay_text_add(out, q->state == ASSAY_NOT_SUPPORTED ? "not supported" : "unknown");
        return;
    }
    quantity(out, q->low < q->high ? q->low : q->value, unit);
    if (q->low < q->high) {
        assay_text_add(out, " – ");
        quantity(out, q->high, unit);
    }
}

static void needed(struct assay_text *out, const struct assay_need *n, enum assay_need_is is, double value)
{
    const char *unit = assay_device_fields[n->field].unit;
    if (*n->why_not || !n->moves)
        assay_text_add(out, "–");
    else if (is == ASSAY_NEED_ANY)
        assay_text_add(out, "any");
    else if (is == ASSAY_NEED_NEVER)
        assay_text_add(out, "none");
    else {
        assay_text_add(out, n->at_most ? "≤ " : "≥ ");
        if (n->is_ratio)
            assay_text_add(out, "%.3g x the rival's", value);
        else
            quantity(out, value, unit);
    }
}

static bool is_there(const struct assay_need *n, const struct assay_quantity *q)
{
    return q->state == ASSAY_KNOWN && (n->at_most ? q->high <= n->sure : q->low >= n->sure);
}

static void remark(struct assay_text *out, const struct answers *a, const struct assay_need *n)
{
    const struct assay_quantity *q = &assay_contest_device(a->contest)->device->fields[n->field];
    if (*n->why_not)
        assay_text_add(out, "%s", n->why_not);
    else if (n->kind == ASSAY_NEED_ROOM)
        assay_text_add(out, "weights, states, results; %s",
                       q->state != ASSAY_KNOWN ? "how much there is is not known"
                       : q->high < n->sure
                           ? "it does not fit on one device: the times are those of one that had the memory"
                       : q->low < n->sure ? "it may not fit"
                                          : "fits");
    else if (!n->moves)
        assay_text_add(out, "cannot help: it moves the time by less than 1 %%");
    else if (n->sure_is == ASSAY_NEED_NEVER)
        assay_text_add(out, "alone it does not suffice: the limit is then %s",
                       n->kind == ASSAY_NEED_TIME ? n->limit : "the time");
    else if (n->sure_is == ASSAY_NEED_ANY || is_there(n, q))
        assay_text_add(out, "is there as described");
    else if (n->kind == ASSAY_NEED_ENERGY)
        assay_text_add(out, "joules of a step as the rival's");
    else if (n->kind == ASSAY_NEED_COST)
        assay_text_add(out, "price x time as the rival's");
}

/* ---- what to ask for -----------------------------------------------------------------------------------------------
 */

/* How far beyond the best that is described, as a factor. */
static double stretch_of(const struct answers *a, const struct assay_need *n)
{
    const struct assay_quantity *q = &assay_contest_device(a->contest)->device->fields[n->field];
    return n->at_most ? q->low / n->sure : n->sure / q->high;
}

/* The number of one field that suffices alone and asks for least; NULL: none does. */
static const struct assay_need *guarantee_of(const struct answers *a)
{
    const struct assay_need *best = NULL;
    for (size_t i = 0; i < a->n; i++) {
        const struct assay_need *n = &a->need[i];
        if (n->kind == ASSAY_NEED_TIME && n->moves && !*n->why_not && n->sure_is == ASSAY_NEED_VALUE &&
            (!best || stretch_of(a, n) < stretch_of(a, best)))
            best = n;
    }
    return best;
}

/* Of bandwidths and the peaks they ask for, the pair that goes least beyond what is described; NULL: there is none. */
static const struct assay_curve_point *pair_of(const struct answers *a)
{
    const struct assay_curve_point *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; a->curve.peak && i < ASSAY_CURVE_POINTS; i++) {
        const struct assay_curve_point *p = &a->curve.at[i];
        double stretch = fmax(p->bandwidth / a->curve.high, p->sure / a->curve.peak_high);
        if (p->sure > 0 && stretch < least) {
            least = stretch;
            best = p;
        }
    }
    return best;
}

static void say_measured(struct assay_text *out, const struct answers *a)
{
    assay_text_add(out, "ask for the measured time of this workload itself, at most ");
    quantity(out, assay_contest_rival(a->contest)->p10_ns, "ns");
    assay_text_add(out, ".");
}

static void say_none_alone(struct assay_text *out, const struct answers *a, const char *device)
{
    const struct assay_curve_point *pair = pair_of(a);
    assay_text_add(out, "No single number makes %s %s with a chance of 90 %%", device, a->goal);
    if (pair) {
        assay_text_add(out, "; the vendor must guarantee memory_bytes_per_s of at least ");
        quantity(out, pair->bandwidth, "B/s");
        assay_text_add(out, " and %s of at least ", a->curve.peak);
        quantity(out, pair->sure, "FLOP/s");
        assay_text_add(out, " together, or ");
        say_measured(out, a);
        return;
    }
    assay_text_add(out, ", nor peak and bandwidth together: ");
    say_measured(out, a);
}

static void sentence(struct assay_text *out, const struct answers *a)
{
    const struct assay_need *n = guarantee_of(a);
    const char *device = assay_contest_device(a->contest)->device->name;
    double chance = assay_contest_chance(a->contest);
    if (chance >= 0.9)
        assay_text_add(out, "Nothing need be guaranteed beyond the description: %s is %s with a chance of %.0f %%.",
                       device, a->goal, 100 * chance);
    else if (!n)
        say_none_alone(out, a, device);
    else {
        assay_text_add(out, "The vendor must guarantee %s of at %s ", assay_device_fields[n->field].key,
                       n->at_most ? "most" : "least");
        quantity(out, n->sure, assay_device_fields[n->field].unit);
        assay_text_add(out, "%s: with it %s is %s with a chance of 90 %%, whatever else of its description is true.",
                       stretch_of(a, n) > 1 ? " (beyond what is described)" : "", device, a->goal);
    }
}

/* What the device is to be. */
static void set_goal(struct answers *a)
{
    const struct assay_contestant *rival = assay_contest_rival(a->contest);
    struct assay_text text = ASSAY_TEXT(a->goal);
    if (rival->device)
        assay_text_add(&text, "at least as fast as %s", rival->device->name);
    else {
        assay_text_add(&text, "done within ");
        quantity(&text, rival->p50_ns, "ns");
    }
}

/* ---- printing ------------------------------------------------------------------------------------------------------
 */

static void print_side(const struct assay_contestant *c)
{
    const struct assay_described *d = c->device;
    const struct assay_quantity *delivery = &d->fields[ASSAY_DEVICE_FIRST_DELIVERY];
    char room[160];
    struct assay_text text = ASSAY_TEXT(room);
    quantity(&text, c->p10_ns, "ns");
    assay_text_add(&text, " – ");
    quantity(&text, c->p90_ns, "ns");
    if (c->certain.has_point) {
        assay_text_add(&text, ", middle ");
        quantity(&text, c->p50_ns, "ns");
    } else
        assay_text_add(&text, ", no point (%s is known as a range only)", assay_device_fields[c->certain.without].key);
    printf("%-16s %s; modelled, grade %c; %s", d->name, room, c->certain.grade, assay_device_status_names[d->status]);
    if (d->status < ASSAY_DEVICE_AVAILABLE && delivery->state == ASSAY_KNOWN)
        printf(", first delivery %.6g to %.6g", delivery->low, delivery->high);
    printf("%s%s\n", *d->overlays ? "; with " : "", d->overlays);
}

static void print_table(const struct answers *a)
{
    static const char *const titles[] = {"number", ">described", ">chance 50 %", ">chance 90 %", "remark", NULL};
    const struct assay_contestant *device = assay_contest_device(a->contest), *rival = assay_contest_rival(a->contest);
    struct assay_table table;
    char room[400];
    struct assay_text text = ASSAY_TEXT(room);
    printf("%s\n", a->workload);
    print_side(device);
    if (rival->device)
        print_side(rival);
    printf("As described, %s is %s with a chance of %.0f %%. Times hold 80 of 100; a chance is over 200 draws.\n\n",
           device->device->name, a->goal, 100 * assay_contest_chance(a->contest));
    assay_table_init(&table, titles);
    for (size_t i = 0; i < a->n; i++) {
        const struct assay_need *n = &a->need[i];
        char is[80], even[80], sure[80], say[160];
        struct assay_text t[] = {ASSAY_TEXT(is), ASSAY_TEXT(even), ASSAY_TEXT(sure), ASSAY_TEXT(say)};
        described(&t[0], &device->device->fields[n->field], assay_device_fields[n->field].unit);
        needed(&t[1], n, n->even_is, n->even);
        needed(&t[2], n, n->sure_is, n->sure);
        remark(&t[3], a, n);
        assay_table_row(&table, (const char *const[]){assay_device_fields[n->field].key, is, even, sure, say});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    sentence(&text, a);
    printf("\n%s\n", room);
}

static json_t *side_json(const struct assay_contestant *c)
{
    const struct assay_described *d = c->device;
    if (!d)
        return json_pack("{s:o}", "within_ns", assay_json_number(c->p50_ns));
    const struct assay_quantity *delivery = &d->fields[ASSAY_DEVICE_FIRST_DELIVERY];
    bool known = delivery->state == ASSAY_KNOWN;
    char grade[2] = {c->certain.grade, 0};
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "device", d->name, "sha256", d->fingerprint, "status",
        assay_device_status_names[d->status], "grade", grade, "overlays", d->overlays, "first_delivery_low",
        known ? assay_json_number(delivery->low) : json_null(), "first_delivery_high",
        known ? assay_json_number(delivery->high) : json_null(), "p10_ns", assay_json_number(c->p10_ns), "p50_ns",
        c->certain.has_point ? assay_json_number(c->p50_ns) : json_null(), "p90_ns", assay_json_number(c->p90_ns));
}

static json_t *need_json(const struct answers *a, const struct assay_need *n)
{
    static const char *const is[] = {"not asked", "value", "any", "none"}, *const of[] = {"time", "energy", "cost",
                                                                                          "memory"};
    char say[160];
    struct assay_text text = ASSAY_TEXT(say);
    bool even = n->even_is == ASSAY_NEED_VALUE, sure = n->sure_is == ASSAY_NEED_VALUE;
    remark(&text, a, n);
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:o, s:s, s:o, s:o}", "field", assay_device_fields[n->field].key,
                     "unit", n->is_ratio ? "of the rival's" : assay_device_fields[n->field].unit, "equal", of[n->kind],
                     "at_most", (int)n->at_most, "moves", (int)n->moves, "chance_50", is[n->even_is], "chance_50_value",
                     even ? assay_json_number(n->even) : json_null(), "chance_90", is[n->sure_is], "chance_90_value",
                     sure ? assay_json_number(n->sure) : json_null(), "remark", assay_json_string(say));
}

static void print_json(const struct answers *a)
{
    json_t *needs = json_array(), *curve = json_array();
    char room[400];
    struct assay_text text = ASSAY_TEXT(room);
    for (size_t i = 0; i < a->n; i++)
        json_array_append_new(needs, need_json(a, &a->need[i]));
    for (size_t i = 0; a->curve.peak && i < ASSAY_CURVE_POINTS; i++)
        json_array_append_new(curve, json_pack("{s:o, s:o, s:o}", "memory_bytes_per_s",
                                               assay_json_number(a->curve.at[i].bandwidth), "chance_50_peak",
                                               assay_json_number(a->curve.at[i].even), "chance_90_peak",
                                               assay_json_number(a->curve.at[i].sure)));
    sentence(&text, a);
    assay_cli_print_json(
        json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "format", "assay-breakeven/1", "workload",
                  assay_json_string(a->workload), "evidence", "modelled", "device",
                  side_json(assay_contest_device(a->contest)), "against", side_json(assay_contest_rival(a->contest)),
                  "chance", assay_json_number(assay_contest_chance(a->contest)), "needs", needs, "guarantee",
                  assay_json_string(room), "curve_peak", a->curve.peak ? a->curve.peak : "", "curve", curve));
}

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

/* From half of the least bandwidth that is described to twice the most. */
static void trace_curve(struct answers *a)
{
    const struct assay_described *d = assay_contest_device(a->contest)->device;
    const struct assay_quantity *bandwidth = &d->fields[ASSAY_DEVICE_BANDWIDTH];
    enum assay_device_field peak = assay_contest_peak(a->contest);
    if (peak == ASSAY_DEVICE_FIELDS)
        return;
    struct assay_curve *c = &a->curve;
    *c = (struct assay_curve){.peak = assay_device_fields[peak].key,
                              .low = bandwidth->low,
                              .high = bandwidth->high,
                              .peak_low = d->fields[peak].low,
                              .peak_high = d->fields[peak].high};
    for (size_t i = 0; i < ASSAY_CURVE_POINTS; i++) {
        c->at[i].bandwidth = c->low / 2 * pow(4 * c->high / c->low, (double)i / (ASSAY_CURVE_POINTS - 1));
        assay_contest_trade(a->contest, peak, c->at[i].bandwidth, &c->at[i].even, &c->at[i].sure);
    }
}

static enum assay_code write_curve(const struct answers *a, struct assay_error *err)
{
    if (!*a->o->curve)
        return ASSAY_OK;
    if (!a->curve.peak)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no curve: no peak moves the time of this workload by 1 %%");
    return assay_curve_write(&a->curve, a->o->curve, err);
}

static void ask(struct answers *a)
{
    for (size_t i = 0; i < ASKED; i++) {
        bool all = a->o->vary == ALL;
        struct assay_need *n = &a->need[a->n];
        if (!all && (enum vary)a->o->vary != asked[i].vary)
            continue;
        assay_contest_need(a->contest, asked[i].field, n);
        bool idle =
            n->kind == ASSAY_NEED_TIME && asked[i].vary == PEAK && !n->moves; /* a format that nothing is computed in */
        a->n += !all || !idle;
    }
}

static enum assay_code read_device(const char *name, const char *spec, struct assay_described **out,
                                   struct assay_error *err)
{
    if (assay_described_find(name, out, err))
        return err->code;
    return *spec ? assay_described_overlay(*out, spec, err) : ASSAY_OK;
}

static enum assay_exit compare(const struct breakeven_options *o)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_case c;
    struct assay_graph *g = NULL;
    struct assay_described *device = NULL, *rival = NULL;
    struct answers a = {.o = o};
    struct assay_fitted *fitted = malloc(sizeof *fitted);
    if (assay_case_parse(o->workload, &c, &err)) {
        free(fitted);
        return assay_cli_fail(&err);
    }
    a.workload = c.name;
    if (!fitted)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for coefficients");
    else if (!assay_case_graph(&c, &g, &err) && !assay_fitted_read(NULL, fitted, &err) &&
             !read_device(o->device, o->spec, &device, &err) &&
             (!*o->against || !read_device(o->against, "", &rival, &err)) &&
             !assay_contest_new(g, device, rival, (double)o->within_ns, fitted, &a.contest, &err)) {
        set_goal(&a);
        ask(&a);
        trace_curve(&a);
        if (!write_curve(&a, &err))
            (o->json ? print_json : print_table)(&a);
    }
    assay_contest_free(a.contest);
    assay_graph_free(g);
    assay_case_release(&c);
    assay_described_free(device);
    assay_described_free(rival);
    free(fitted);
    return err.code == ASSAY_UNSUPPORTED ? (assay_cli_fail(&err), ASSAY_EXIT_NOTHING)
           : err.code                    ? assay_cli_fail(&err)
                                         : ASSAY_EXIT_YES;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct breakeven_options *o = given_options;
    (void)given;
    if (n)
        return assay_cli_usage("breakeven takes no operands, got '%.60s'", operands[0]);
    if (*o->against && o->within_ns)
        return assay_cli_usage("a rival and a limit are two questions: give --against or --within, not both");
    if (!*o->device || !*o->against == !o->within_ns || !*o->workload)
        return assay_cli_usage("breakeven needs --device, --against or --within, and --workload: assay breakeven "
                               "--device m100 --against h200 "
                               "--workload decoder.decode/model=llama-3.1-8b");
    return compare(o);
}

const struct assay_verb assay_verb_breakeven = {
    .name = "breakeven",
    .operands = "--device D --against R|--within TIME --workload CASE",
    .summary = "what a device's numbers must be for it to equal a rival or keep a limit on a workload, and what its "
               "vendor must be asked to guarantee",
    .details = "A row a number: what is described, and the values with which the device is at least as good as the "
               "rival with a chance\n"
               "of 50 and of 90 %, the others as they are described. \"any\": it is so at any value; \"none\": at no "
               "value up to 32 times\n"
               "(or down to a 32nd of) what is described. Power is for equal energy of a step, price for equal price x "
               "time. Both\n"
               "devices are modelled and drawn 200 times, each by itself (harness/model/README.md, \"Break-even\").\n"
               "Exit status 3: one of the two lacks what the workload needs.",
    .options = options,
    .options_bytes = sizeof(struct breakeven_options),
    .run = run,
};
