#include "harness/cli/search_serve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/parallel.h"
#include "harness/cli/search_serve_result.h"
#include "harness/model/certainty.h"
#include "harness/model/cluster/serving_estimate.h"
#include "suites/blocks/decoder_numbers.h"

#include "assay/banned.h"

#define DRAWS 100
#define SERVED_SHARE 0.9   /* of what it is said to bear, so that a queue has an end */
#define SERVED_REQUESTS 2000

struct subject {
    struct assay_model_shape     shape;
    struct assay_decoder_numbers decoder;
    struct assay_modelled_system   on; /* a copy that changes may alter; what it points to is borrowed */
    struct assay_serving_fitted  serving;
    struct assay_serving_numbers stack;
    struct assay_serving_space   space;
    struct assay_serving_search  search;
};

/* ---- what is asked ------------------------------------------------------------------------------------------------- */

static const char *model_of(const struct assay_case *c)
{
    for (const struct assay_option *row = c->workload->params; row && row->name; row++)
        if (!strcmp(row->name, "model"))
            return (const char *)c->params + row->offset;
    return "";
}

static struct assay_serving_format format_of(enum assay_dtype dtype)
{
    bool narrow = assay_dtype_bits(dtype) <= 8;
    return (struct assay_serving_format){dtype, assay_dtype_bits(dtype) / 8.0, narrow ? ASSAY_SCALING_TENSOR : ASSAY_SCALING_NONE};
}

static enum assay_code read_subject(struct subject *s, const struct assay_case *c, const struct assay_search_serve_options *o, enum assay_dtype dtype,
                                    struct assay_error *err)
{
    bool        known;
    const char *how;
    if (assay_model_shape_read(model_of(c), &s->shape, err) || assay_serving_fitted_read(NULL, &s->serving, err))
        return err->code;
    const struct assay_serving_server *server = assay_serving_server_find(o->server, &known);
    if (!known) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no serving stack '%.30s'", o->server);
        return assay_error_hint(err, "vllm, trtllm and sglang are known");
    }
    s->decoder = assay_decoder_numbers_of(&s->shape);
    s->stack = assay_serving_numbers_of(&s->serving, server->name, "", &how);
    s->space = (struct assay_serving_space){.devices = (double)s->on.system->devices, .prompt_tokens = (double)o->prompt_tokens,
                                            .output_tokens = (double)o->output_tokens, .ttft_ns = o->ttft_ms * 1e6, .tpot_ns = o->tpot_ms * 1e6,
                                            .products = format_of(dtype), .experts = format_of(dtype), .cache_bytes = (double)o->cache_bytes,
                                            .model = s->shape.name, .server = server->name};
    if (o->prompt_tokens + o->output_tokens > s->shape.context)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "requests of %lld and %lld tokens; model '%s' has a context of %lld", (long long)o->prompt_tokens,
                          (long long)o->output_tokens, s->shape.name, (long long)s->shape.context);
    return ASSAY_OK;
}

/* ---- how sure it is ------------------------------------------------------------------------------------------------ */

static struct assay_serving_choice best_on(const struct subject *s, const struct assay_fabric *f)
{
    struct assay_serving_choice c = s->search.best[0];
    assay_serving_choice_on(&s->decoder, f, &s->on.k, &s->stack, &s->space, &c);
    return c;
}

static double figure(void *self, const struct assay_chip *chip)
{
    const struct subject *s = self;
    struct assay_fabric   f = s->on.fabric;
    double                up = f.chip.field[ASSAY_DEVICE_SCALE_UP];
    f.chip = *chip;
    f.chip.field[ASSAY_DEVICE_SCALE_UP] = up; /* the system's own */
    return 1 / best_on(s, &f).goodput_s;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `half`: of what kernels and servers are off by, in logarithms, independent of the draws, so that they add up in squares. */
static void band_of(double *draws, size_t n, double half, double *p10, double *p90)
{
    qsort(draws, n, sizeof *draws, ascending);
    double middle = log(draws[n / 2]);
    *p10 = exp(middle - hypot(middle - log(draws[n / 10]), half));
    *p90 = exp(middle + hypot(log(draws[n * 9 / 10]) - middle, half));
}

/* Of each draw that has room. */
struct draws {
    double goodput_s[DRAWS], ttft_ns[DRAWS], tpot_ns[DRAWS];
    size_t n, keeps;
};

/* As far from the followed one as closed forms are from that of the middle. */
static void draw_all(const struct subject *s, struct draws *d)
{
    const struct assay_serving_choice *best = &s->search.best[0];
    struct assay_serving_choice        about = best_on(s, &s->on.fabric);
    for (uint64_t i = 1; i <= DRAWS; i++) {
        struct assay_fabric f;
        struct assay_error  none = {.code = ASSAY_OK};
        if (assay_fabric_of(s->on.system, s->on.device, &s->on.k, i, &f, &none))
            continue;
        struct assay_serving_choice c = best_on(s, &f);
        if (!(c.goodput_s > 0))
            continue;
        d->goodput_s[d->n] = best->goodput_s * c.goodput_s / about.goodput_s;
        d->ttft_ns[d->n] = best->ttft_ns * c.ttft_ns / about.ttft_ns;
        d->tpot_ns[d->n] = best->tpot_ns * c.tpot_ns / about.tpot_ns;
        d->keeps += d->ttft_ns[d->n] <= s->space.ttft_ns && d->tpot_ns[d->n] <= s->space.tpot_ns;
        d->n++;
    }
}

static double half_of(const struct subject *s, enum assay_serving_figure figure_at)
{
    bool                    experts = s->decoder.experts > 0, narrow = assay_dtype_bits(s->space.products.compute) <= 8;
    enum assay_kernel_class class = experts ? ASSAY_KERNEL_MOE : ASSAY_KERNEL_GEMM;
    struct assay_band       kernels = assay_band_of(&s->on.fitted, s->on.device->vendor, class, s->on.device->memory_class,
                                                    narrow ? ASSAY_FORMAT_F8 : ASSAY_FORMAT_WIDE,
                                                    figure_at == ASSAY_SERVING_TTFT ? ASSAY_REGIME_COMPUTE : ASSAY_REGIME_MEMORY);
    double                  half = hypot(kernels.half, s->serving.half[figure_at][experts][1]);
    return assay_serving_fitted_on(&s->serving, s->on.device->name) ? half : hypot(half, ASSAY_SERVING_OTHER_CHIP);
}

static void find_band(struct subject *s, struct assay_serve_band *band)
{
    struct draws d = {.n = 0};
    draw_all(s, &d);
    band->fits = (double)d.n / DRAWS;
    band->keeps = d.n ? (double)d.keeps / (double)d.n : 0;
    if (!d.n) { /* no cluster that fits the description has room for it: what the middle gives is all there is */
        d.goodput_s[0] = s->search.best[0].goodput_s;
        d.ttft_ns[0] = s->search.best[0].ttft_ns;
        d.tpot_ns[0] = s->search.best[0].tpot_ns;
        d.n = 1;
    }
    band_of(d.goodput_s, d.n, half_of(s, ASSAY_SERVING_TPOT), &band->goodput_p10_s, &band->goodput_p90_s);
    band_of(d.ttft_ns, d.n, half_of(s, ASSAY_SERVING_TTFT), &band->ttft_p10_ns, &band->ttft_p90_ns);
    band_of(d.tpot_ns, d.n, half_of(s, ASSAY_SERVING_TPOT), &band->tpot_p10_ns, &band->tpot_p90_ns);
    struct assay_certain certain = assay_certainty_of(s->on.device, figure, s);
    band->point = certain.has_point;
    if (!certain.has_point)
        (void)snprintf(band->why, sizeof band->why, "%s of %s has no value", assay_device_fields[certain.without].key, s->on.device->name);
    else
        band->point = assay_system_tiers_have_values(s->on.system, band->why, sizeof band->why);
}

/* ---- what would change it ------------------------------------------------------------------------------------------ */

static bool more_memory(struct subject *s)
{
    s->on.fabric.chip.field[ASSAY_DEVICE_MEMORY] *= 1.25;
    return true;
}
static bool faster_memory(struct subject *s)
{
    s->on.fabric.chip.field[ASSAY_DEVICE_BANDWIDTH] *= 1.25;
    return true;
}
static bool faster_links(struct subject *s)
{
    s->on.fabric.tier[0].link *= 2;
    s->on.fabric.chip.field[ASSAY_DEVICE_SCALE_UP] *= 2;
    return true;
}
static bool narrow_cache(struct subject *s)
{
    bool can = s->space.cache_bytes > 1;
    s->space.cache_bytes = 1;
    return can;
}
static bool narrow_products(struct subject *s)
{
    bool can = assay_dtype_bits(s->space.products.compute) > 8 && assay_chip_peak(&s->on.fabric.chip, ASSAY_F8E4M3) > 0;
    s->space.products = s->space.experts = format_of(ASSAY_F8E4M3);
    return can;
}
static bool patient_users(struct subject *s)
{
    s->space.tpot_ns *= 2;
    return true;
}
static const struct {
    const char *what;
    bool (*change)(struct subject *s);
} changes[] = {{"memory + 25 %", more_memory},     {"memory's bandwidth + 25 %", faster_memory}, {"first tier's links twice as fast", faster_links},
               {"caches in 8 bits", narrow_cache}, {"products in 8 bits", narrow_products},      {"limit on TPOT twice as long", patient_users}};

enum { CHANGES = sizeof changes / sizeof *changes };
struct trial {
    const struct subject      *s;
    struct assay_serve_change *to;
};

static void try_changes(void *self, size_t begin, size_t end)
{
    const struct trial *t = self;
    struct subject     *other = malloc(sizeof *other);
    for (size_t i = begin; other && i < end; i++) {
        struct assay_error none = {.code = ASSAY_OK};
        *other = *t->s;
        if (!changes[i].change(other) ||
            assay_serving_search(&other->decoder, &other->on.fabric, &other->on.k, &other->stack, &other->space, &other->search, &none))
            continue;
        t->to[i] = (struct assay_serve_change){.what = changes[i].what, .found = other->search.n_best > 0, .best = other->search.best[0]};
    }
    free(other);
}

static void find_changes(const struct subject *s, struct assay_serve_report *r)
{
    struct assay_serve_change all[CHANGES] = {{.what = NULL}};
    assay_parallel_for(CHANGES, 1, try_changes, &(struct trial){s, all});
    for (size_t i = 0; i < CHANGES && r->n_changes < ASSAY_SERVE_CHANGES; i++)
        if (all[i].what)
            r->change[r->n_changes++] = all[i];
}

/* The best once more, by requests that come by chance. Of devices of which a number is only known as a range there is no figure to serve with. */
static void serve_best(const struct subject *s, struct assay_serve_report *r)
{
    struct assay_error err = {.code = ASSAY_OK};
    r->served_share = SERVED_SHARE;
    if (!r->band.point)
        (void)snprintf(r->not_served, sizeof r->not_served, "%.200s", r->band.why);
    else if (assay_cluster_serve(&s->decoder, &s->on.fabric, &s->on.k, &s->stack, &s->space, &s->search.best[0], SERVED_SHARE, SERVED_REQUESTS, &r->served, &err))
        (void)snprintf(r->not_served, sizeof r->not_served, "%.200s", err.message);
}

/* ---- the verb ------------------------------------------------------------------------------------------------------ */

static enum assay_exit search(struct subject *s, const struct assay_search_serve_options *o, bool json, struct assay_error *err)
{
    bool                      known;
    struct assay_serve_report r = {.on = &s->on, .model = s->shape.name, .server_about = assay_serving_server_find(s->space.server, &known)->about,
                                   .decoder = &s->decoder, .space = &s->space, .search = &s->search, .demand_per_s = o->demand_per_s};
    uint64_t begin_ns = assay_clock_now_ns();
    if (assay_serving_search(&s->decoder, &s->on.fabric, &s->on.k, &s->stack, &s->space, &s->search, err))
        return assay_cli_fail(err);
    double seconds = (double)(assay_clock_now_ns() - begin_ns) * 1e-9;
    if (s->search.n_best) {
        find_band(s, &r.band);
        serve_best(s, &r);
    }
    find_changes(s, &r);
    if (json)
        assay_cli_print_json(assay_serve_json(&r));
    else
        assay_serve_print(&r, stdout);
    fprintf(stderr, "assay: %lld ways in %.2f s\n", (long long)s->search.priced + (long long)s->search.short_of_memory, seconds);
    return s->search.n_best ? ASSAY_EXIT_YES : ASSAY_EXIT_USAGE;
}

enum assay_exit assay_search_serve(const struct assay_case *c, const struct assay_modelled_system *on, const struct assay_search_serve_options *o,
                                   enum assay_dtype dtype, bool json)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct subject    *s = calloc(1, sizeof *s);
    if (!s) {
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for a search");
        return assay_cli_fail(&err);
    }
    s->on = *on;
    enum assay_exit status = read_subject(s, c, o, dtype, &err) ? assay_cli_fail(&err) : search(s, o, json, &err);
    free(s);
    return status;
}
