#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/options.h"
#include "harness/base/parallel.h"
#include "harness/cli/cli.h"
#include "harness/cli/search_result.h"
#include "harness/cli/search_serve.h"
#include "harness/model/cluster/modelled_system.h"
#include "harness/model/certainty.h"
#include "harness/plan/plan.h"
#include "suites/blocks/decoder_numbers.h"

#include "assay/banned.h"

#define DRAWS 100

struct search_options {
    char             backend[256], spec[512], device_spec[512], framework[64], trace[512];
    int64_t          devices;
    enum assay_dtype dtype;
    int64_t          moments, gradient_bytes;
    double           imbalance;
    bool             offload, json;
    struct assay_search_serve_options serve;
};

static const char *const formats[] = {"bf16", "f16", "f8e4m3", NULL};
static const struct assay_option options[] = {
    {.name = "backend", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct search_options, backend), .bytes = 256, .dflt = "",
     .help = "the system: a name of backends/systems, or a file"},
    {.name = "devices", .type = ASSAY_OPT_I64, .offset = offsetof(struct search_options, devices), .dflt = "0", .min = 0, .max = 10000000,
     .help = "so many of them, 0 = all; more than there are: the outermost tier grows"},
    {.name = "dtype", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct search_options, dtype), .dflt = "bf16", .choices = formats,
     .help = "what matrix units multiply"},
    {.name = "moment-bits", .type = ASSAY_OPT_I64, .offset = offsetof(struct search_options, moments), .dflt = "32", .min = 8, .max = 32,
     .help = "of each of the optimizer's two moments: 32, 16 or 8"},
    {.name = "gradient-bytes", .type = ASSAY_OPT_I64, .offset = offsetof(struct search_options, gradient_bytes), .dflt = "4", .min = 2, .max = 4,
     .help = "of an element of a gradient: 4 or 2"},
    {.name = "imbalance", .type = ASSAY_OPT_F64, .offset = offsetof(struct search_options, imbalance), .dflt = "1.1", .min = 1, .max = 64,
     .help = "tokens of the busiest rank's experts over the mean"},
    {.name = "offload", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct search_options, offload), .dflt = "false",
     .help = "plans may keep the optimizer's state in host memory"},
    {.name = "framework", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct search_options, framework), .bytes = 64, .dflt = "megatron-2025",
     .help = "whose overheads count (harness/model/cluster/README.md)"},
    {.name = "prompt-tokens", .type = ASSAY_OPT_I64, .offset = offsetof(struct search_options, serve.prompt_tokens), .dflt = "4096", .min = 1, .max = 10000000,
     .help = "serve: of each request"},
    {.name = "output-tokens", .type = ASSAY_OPT_I64, .offset = offsetof(struct search_options, serve.output_tokens), .dflt = "1024", .min = 2, .max = 10000000,
     .help = "serve: of each request"},
    {.name = "ttft-ms", .type = ASSAY_OPT_F64, .offset = offsetof(struct search_options, serve.ttft_ms), .dflt = "2000", .min = 0.001, .max = 1e9,
     .help = "serve: the first token comes within, on the mean"},
    {.name = "tpot-ms", .type = ASSAY_OPT_F64, .offset = offsetof(struct search_options, serve.tpot_ms), .dflt = "50", .min = 0.001, .max = 1e9,
     .help = "serve: each further token comes within, on the mean"},
    {.name = "demand", .type = ASSAY_OPT_F64, .offset = offsetof(struct search_options, serve.demand_per_s), .dflt = "0", .min = 0, .max = 1e9,
     .help = "serve: requests a second; how many devices they need, 0 = not asked"},
    {.name = "cache-bytes", .type = ASSAY_OPT_I64, .offset = offsetof(struct search_options, serve.cache_bytes), .dflt = "2", .min = 1, .max = 2,
     .help = "serve: of an element of keys and values"},
    {.name = "server", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct search_options, serve.server), .bytes = 32, .dflt = "vllm",
     .help = "serve: whose scheduling and host times count (harness/model/cluster/README.md)"},
    {.name = "spec", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct search_options, spec), .bytes = 512, .dflt = "",
     .help = "a buyer's numbers over the system's (backends/systems/README.md)"},
    {.name = "device-spec", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct search_options, device_spec), .bytes = 512, .dflt = "",
     .help = "a buyer's numbers over the device's (backends/devices/README.md)"},
    {.name = "trace", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct search_options, trace), .bytes = 512, .dflt = "",
     .help = "write one step of the best plan to this file, as a Chrome trace"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct search_options, json), .dflt = "false", .help = "print JSON instead of tables"},
    {0},
};

struct subject {
    struct assay_case              c;
    struct assay_model_shape       shape;
    struct assay_decoder_numbers   decoder;
    struct assay_search_space      space;
    struct assay_modelled_system     on;
    struct assay_search            search;
};

/* ---- what is asked ------------------------------------------------------------------------------------------------- */

static const void *param(const struct assay_case *c, const char *name)
{
    for (const struct assay_option *row = c->workload->params; row && row->name; row++)
        if (!strcmp(row->name, name))
            return (const char *)c->params + row->offset;
    return NULL;
}

static enum assay_code read_case(struct subject *s, const char *text, struct assay_error *err)
{
    const char    *model = param(&s->c, "model");
    const int64_t *batch = param(&s->c, "batch"), *tokens = param(&s->c, "tokens");
    if (strcmp(s->c.workload->name, "decoder") != 0 || strcmp(s->c.phase, "train") != 0 || !model || !batch || !tokens)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.100s' is neither training nor serving of a decoder, for which alone plans are searched", text);
    if (assay_model_shape_read(model, &s->shape, err))
        return err->code;
    s->decoder = assay_decoder_numbers_of(&s->shape);
    s->space.batch = *batch;
    s->space.seq = (double)*tokens;
    return ASSAY_OK;
}

static enum assay_code read_space(struct subject *s, const struct search_options *o, struct assay_error *err)
{
    if (o->moments != 8 && o->moments != 16 && o->moments != 32)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "moments have 32, 16 or 8 bits, not %lld", (long long)o->moments);
    if (o->gradient_bytes == 3)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "gradients have 4 or 2 bytes, not 3");
    s->space.devices = s->on.system->devices;
    s->space.compute = o->dtype;
    s->space.attention = ASSAY_ATTENTION_FUSED;
    s->space.moments = o->moments == 32 ? ASSAY_MOMENTS_F32 : o->moments == 16 ? ASSAY_MOMENTS_BF16 : ASSAY_MOMENTS_8BIT;
    s->space.gradient_bytes = (double)o->gradient_bytes;
    s->space.imbalance = o->imbalance;
    s->space.offload = o->offload;
    return assay_framework_find(o->framework, &s->space.framework, err);
}

/* ---- how sure it is ------------------------------------------------------------------------------------------------ */

static struct assay_step_price step_price(const struct subject *s, const struct assay_fabric *f, const struct assay_train_plan *p)
{
    struct assay_step_model *m = NULL;
    struct assay_step_price  price = {.ns = NAN};
    struct assay_error       none = {.code = ASSAY_OK};
    if (!assay_step_model_new(&s->decoder, f, &s->on.k, &m, &none))
        (void)assay_price_step(m, p, false, &price, &none);
    assay_step_model_free(m);
    return price;
}

static double figure(void *self, const struct assay_chip *chip)
{
    const struct subject *s = self;
    struct assay_fabric   f = s->on.fabric;
    double                up = f.chip.field[ASSAY_DEVICE_SCALE_UP];
    f.chip = *chip;
    f.chip.field[ASSAY_DEVICE_SCALE_UP] = up; /* the system's own */
    return step_price(s, &f, &s->search.best[0].plan).ns;
}

static void find_point(struct subject *s, struct assay_search_band *band)
{
    struct assay_certain certain = assay_certainty_of(s->on.device, figure, s);
    band->point = certain.has_point;
    if (!certain.has_point)
        (void)snprintf(band->why, sizeof band->why, "%s of %s has no value", assay_device_fields[certain.without].key, s->on.device->name);
    else
        band->point = assay_system_tiers_have_values(s->on.system, band->why, sizeof band->why);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of each draw. */
struct draws {
    double ns[DRAWS], kept_ns[DRAWS], share[DRAWS], watts[DRAWS];
    size_t n;
};

/* `half`: of what the kernels' models are off by, in logarithms, independent of the draws, so that they add up in squares. */
static void band_of(double *draws, size_t n, double half, double *p10, double *p90)
{
    qsort(draws, n, sizeof *draws, ascending);
    double middle = log(draws[n / 2]);
    *p10 = exp(middle - hypot(middle - log(draws[n / 10]), half));
    *p90 = exp(middle + hypot(log(draws[n * 9 / 10]) - middle, half));
}

/* Times are those of the closed form, as the events would have them at the middle. */
static double draw_all(const struct subject *s, struct draws *d)
{
    const struct assay_search_plan *best = &s->search.best[0];
    double                          about_ns = step_price(s, &s->on.fabric, &best->plan).ns, fits = 0;
    for (uint64_t i = 1; i <= DRAWS; i++) {
        struct assay_fabric f;
        struct assay_error  none = {.code = ASSAY_OK};
        if (assay_fabric_of(s->on.system, s->on.device, &s->on.k, i, &f, &none))
            continue;
        struct assay_step_price price = step_price(s, &f, &best->plan);
        fits += best->footprint.total_bytes <= f.chip.field[ASSAY_DEVICE_MEMORY];
        if (isnan(price.ns))
            continue;
        d->ns[d->n] = price.ns / about_ns * best->price.ns;
        d->share[d->n] = isnan(price.goodput.share) ? 1 : price.goodput.share;
        d->kept_ns[d->n] = d->ns[d->n] / d->share[d->n];
        d->watts[d->n++] = isnan(price.watts) ? 1 : price.watts;
    }
    return fits / DRAWS;
}

/* What descriptions leave open, by draws; what the kernels' models are off by, from chips left out of their fit; and no step of less time
 * than any training has reached. */
static void find_band(struct subject *s, struct assay_search_band *band)
{
    struct draws      d = {.n = 0};
    bool              narrow = assay_dtype_bits(s->space.compute) <= 8;
    struct assay_band kernels = assay_band_of(&s->on.fitted, s->on.device->vendor, ASSAY_KERNEL_GEMM, s->on.device->memory_class,
                                              narrow ? ASSAY_FORMAT_F8 : ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    band->fits = draw_all(s, &d);
    if (!d.n) { /* no cluster that fits the description can be priced: what the middle gives is all there is */
        d.ns[0] = s->search.best[0].price.ns;
        d.kept_ns[0] = s->search.best[0].kept_ns;
        d.share[0] = d.watts[0] = 1;
        d.n = 1;
    }
    band_of(d.ns, d.n, kernels.half, &band->p10_ns, &band->p90_ns);
    band_of(d.kept_ns, d.n, kernels.half, &band->kept_p10_ns, &band->kept_p90_ns);
    double least_ns = fmin(s->search.best[0].price.ns, assay_step_least_ns(&s->search.best[0].price));
    band->p10_ns = fmax(band->p10_ns, least_ns);
    band->kept_p10_ns = fmax(band->kept_p10_ns, least_ns);
    band_of(d.share, d.n, 0, &band->share_p10, &band->share_p90);
    band_of(d.watts, d.n, 0, &band->watts_p10, &band->watts_p90);
    find_point(s, band);
}

/* ---- what would change it ------------------------------------------------------------------------------------------ */

static bool more_memory(struct subject *s)
{
    s->on.fabric.chip.field[ASSAY_DEVICE_MEMORY] *= 1.25;
    return true;
}
static bool less_memory(struct subject *s)
{
    s->on.fabric.chip.field[ASSAY_DEVICE_MEMORY] *= 0.9;
    return true;
}
static bool faster_links(struct subject *s)
{
    s->on.fabric.tier[0].link *= 2;
    s->on.fabric.chip.field[ASSAY_DEVICE_SCALE_UP] *= 2;
    return true;
}
static bool narrow_moments(struct subject *s)
{
    bool can = s->space.moments != ASSAY_MOMENTS_8BIT;
    s->space.moments = ASSAY_MOMENTS_8BIT;
    return can;
}
static bool narrow_gradients(struct subject *s)
{
    bool can = s->space.gradient_bytes > 2;
    s->space.gradient_bytes = 2;
    return can;
}
static bool on_hosts(struct subject *s)
{
    bool can = !s->space.offload;
    s->space.offload = true;
    return can;
}
static bool narrow_products(struct subject *s)
{
    bool can = assay_dtype_bits(s->space.compute) > 8 && assay_chip_peak(&s->on.fabric.chip, ASSAY_F8E4M3) > 0;
    s->space.compute = ASSAY_F8E4M3;
    return can;
}
static const struct {
    const char *what;
    bool (*change)(struct subject *s);
} changes[] = {{"memory + 25 %", more_memory},         {"memory - 10 %", less_memory},
               {"first tier's links twice as fast", faster_links}, {"moments in 8 bits", narrow_moments},
               {"gradients in 16 bits", narrow_gradients}, {"optimizer's state on hosts", on_hosts},
               {"products in 8 bits", narrow_products}};

enum { CHANGES = sizeof changes / sizeof *changes };
struct trial {
    const struct subject       *s;
    struct assay_search_change *to; /* [CHANGES]; what is NULL: it changes nothing, or cannot be asked */
};

static void try_changes(void *self, size_t begin, size_t end)
{
    const struct trial *t = self;
    struct subject     *other = malloc(sizeof *other);
    for (size_t i = begin; other && i < end; i++) {
        struct assay_error          none = {.code = ASSAY_OK};
        struct assay_search_change *c = &t->to[i];
        *other = *t->s;
        if (!changes[i].change(other) || assay_search_plans(&other->decoder, &other->on.fabric, &other->on.k, &other->space, &other->search, &none))
            continue;
        *c = (struct assay_search_change){.what = changes[i].what, .fits = other->search.n_best > 0, .kept_ns = NAN};
        if (c->fits) {
            c->kept_ns = other->search.best[0].kept_ns;
            c->plan = other->search.best[0].plan;
        }
    }
    free(other);
}

static void find_changes(const struct subject *s, struct assay_search_report *r)
{
    struct assay_search_change all[CHANGES] = {{.what = NULL}};
    assay_parallel_for(CHANGES, 1, try_changes, &(struct trial){s, all});
    for (size_t i = 0; i < CHANGES && r->n_changes < ASSAY_SEARCH_CHANGES; i++)
        if (all[i].what)
            r->change[r->n_changes++] = all[i];
}

/* ---- the verb ------------------------------------------------------------------------------------------------------ */

static enum assay_exit search(struct subject *s, const struct search_options *o, struct assay_error *err)
{
    struct assay_search_report r = {.system = s->on.system, .device = s->on.device, .model = s->shape.name, .decoder = &s->decoder, .space = &s->space,
                                    .fabric = &s->on.fabric, .search = &s->search};
    uint64_t begin_ns = assay_clock_now_ns();
    if (assay_search_plans(&s->decoder, &s->on.fabric, &s->on.k, &s->space, &s->search, err))
        return assay_cli_fail(err);
    r.seconds = (double)(assay_clock_now_ns() - begin_ns) * 1e-9;
    if (s->search.n_best)
        find_band(s, &r.band);
    find_changes(s, &r);
    if (o->json)
        assay_cli_print_json(assay_search_json(&r));
    else
        assay_search_print(&r, stdout);
    fprintf(stderr, "assay: %lld plans in %.2f s\n", (long long)s->search.priced + (long long)s->search.short_of_memory, r.seconds);
    if (!s->search.n_best)
        return ASSAY_EXIT_USAGE;
    if (*o->trace && assay_search_trace(&r, &s->on.k, o->trace, err))
        return assay_cli_fail(err);
    return ASSAY_EXIT_YES;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct search_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    enum assay_exit              status;
    (void)given;
    if (n != 1)
        return assay_cli_usage("search needs one case: assay search decoder.train/model=gpt-3-175b,batch=1536,tokens=2048 --backend dgx-h100");
    if (!*o->backend)
        return assay_cli_usage("search needs a system: --backend dgx-h100 (assay list systems)");
    struct subject *s = calloc(1, sizeof *s);
    if (!s) {
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for a search");
        return assay_cli_fail(&err);
    }
    if (!assay_case_parse(operands[0], &s->c, &err) && !assay_modelled_system_open(o->backend, o->spec, o->device_spec, o->devices, &s->on, &err) &&
        !strcmp(s->c.workload->name, "decoder") && !strcmp(s->c.phase, "serve"))
        status = assay_search_serve(&s->c, &s->on, &o->serve, o->dtype, o->json);
    else {
        if (!err.code && !read_case(s, operands[0], &err))
            (void)read_space(s, o, &err);
        status = err.code ? assay_cli_fail(&err) : search(s, o, &err);
    }
    assay_case_release(&s->c);
    assay_modelled_system_release(&s->on);
    free(s);
    return status;
}

const struct assay_verb assay_verb_search = {
    .name = "search",
    .operands = "CASE --backend SYSTEM",
    .summary = "the best ways to spread training or serving over a cluster, among those that fit into memory",
    .details = "Training: every way that multiplies to the devices is priced: tensor, context, data, pipeline and expert parallelism, interleaving,\n"
               "micro-batches, ZeRO, recomputation, schedules. Memory decides first; where nothing fits it says by how much, in which groups,\n"
               "and what would make it fit (exit status 2). batch and tokens of the case are the whole step's. A system whose numbers are only\n"
               "known as ranges gets an interval and no point.\n"
               "Serving (decoder.serve): tensor, attention-data, expert and pipeline parallelism, sequences in flight, prompts on the same devices as\n"
               "further tokens or on others: requests a second of each device whose mean latencies keep --ttft-ms and --tpot-ms. Models and their limits: harness/model/cluster/README.md.",
    .options = options,
    .options_bytes = sizeof(struct search_options),
    .run = run,
};
