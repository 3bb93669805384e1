#include "harness/model/priced.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/student.h"
#include "harness/model/certainty.h"
#include "harness/model/interval.h"

#include "assay/banned.h"

#define ONE_SIDED 0.9 /* each side of an 80 % band */
#define MOVES 1e-9

const struct assay_structure_row assay_structures[ASSAY_STRUCTURES] = {
    {"stack_launches", 0.5, 2,
     "launch floors of passes: a captured graph halves them, a host that falls behind doubles them"},
    {"stack_passes", 0.8, 1.25, "bytes of passes: a stack fuses more, or less, than is assumed"},
};

/* ---- worlds --------------------------------------------------------------------------------------------------------
 */

static struct assay_world middle_of(const struct assay_described *d)
{
    struct assay_world w = {.chip = assay_chip_middle(d)};
    for (size_t i = 0; i < ASSAY_STRUCTURES; i++)
        w.structure[i] = 1;
    return w;
}

struct assay_world assay_priced_world(const struct assay_priced *s, uint64_t k)
{
    struct assay_world w = middle_of(s->device);
    uint32_t stream = ASSAY_DEVICE_FIELDS;
    if (!k)
        return w;
    if (!s->is_fitted_on)
        w.chip = assay_chip_draw(s->device, k);
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        w.error[c] = assay_normal_quantile(assay_draw_quantile(k, stream++));
    for (size_t i = 0; i < ASSAY_STRUCTURES; i++) /* log-uniform */
        w.structure[i] = assay_structures[i].low *
                         pow(assay_structures[i].high / assay_structures[i].low, assay_draw_quantile(k, stream++));
    return w;
}

/* ---- prices --------------------------------------------------------------------------------------------------------
 */

void assay_priced_init(struct assay_priced *s, const struct assay_described *d, const struct assay_fitted *f)
{
    struct assay_chip middle = assay_chip_middle(d);
    *s = (struct assay_priced){.device = d, .k = assay_fitted_of(f, d->vendor, d->name)};
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        for (int g = 0; g < ASSAY_FORMAT_CLASSES; g++) {
            enum assay_kernel_class class = (enum assay_kernel_class)c;
            enum assay_format_class format = (enum assay_format_class)g;
            s->is_fitted_on |= assay_fitted_on(f, d->name, class, format);
            s->likeness[c][g] = assay_fitted_likeness(f, d->vendor, &middle, class, format, NULL);
            for (int r = 0; r < ASSAY_REGIMES; r++)
                s->half[c][g][r] = assay_band_half(f, d, &middle, class, format, (enum assay_regime)r);
        }
}

enum assay_format_class assay_priced_format(const struct assay_graph *g, const struct assay_node_class *c)
{
    const struct assay_node *node = &g->nodes[c->first];
    unsigned bits =
        node->n_inputs && node->inputs[0] != ASSAY_NO_VALUE ? assay_dtype_bits(g->values[node->inputs[0]].dtype) : 0;
    return bits == 8 ? ASSAY_FORMAT_F8 : bits && bits <= 6 ? ASSAY_FORMAT_F4 : ASSAY_FORMAT_WIDE;
}

struct adjusting {
    const struct assay_priced *step;
    const struct assay_world *world;
};

/* The band is 80 % wide; kernels of one class are off together, as chips are. */
static void adjust_class(void *self, const struct assay_graph *g, struct assay_node_class *c)
{
    const struct adjusting *a = self;
    struct assay_price *p = &c->price;
    enum assay_format_class format = assay_priced_format(g, c);
    double half = a->step->half[p->class][format][assay_price_regime(p)];
    double factor =
        a->step->likeness[p->class][format] * exp(half / assay_normal_quantile(ONE_SIDED) * a->world->error[p->class]);
    if (p->class == ASSAY_KERNEL_MEMORY) {
        double floor_ns = p->floor_ns * a->world->structure[ASSAY_STRUCTURE_LAUNCHES];
        p->ns = floor_ns + (p->ns - p->floor_ns) * a->world->structure[ASSAY_STRUCTURE_PASSES];
        p->floor_ns = floor_ns;
    }
    p->ns *= factor;
    p->floor_ns *= factor;
}

enum assay_code assay_priced_graph(const struct assay_priced *s, struct assay_graph_price *p, const struct assay_world *w,
                                 const struct assay_node_how *how, bool again, struct assay_error *err)
{
    struct adjusting a = {s, w};
    struct assay_adjust adjust = {adjust_class, &a};
    return assay_graph_price_on(p, &w->chip, &s->k, how, again, &adjust, err);
}

enum assay_dtype assay_graph_stored_format(const struct assay_graph *g)
{
    uint64_t bytes[3] = {0};
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].role == ASSAY_ROLE_PARAM)
            bytes[g->values[v].dtype == ASSAY_BF16 ? 1 : g->values[v].dtype == ASSAY_F16 ? 2 : 0] += g->values[v].bytes;
    return bytes[1] > bytes[0] && bytes[1] >= bytes[2] ? ASSAY_BF16 : bytes[2] > bytes[0] ? ASSAY_F16 : ASSAY_F32;
}

/* ---- what matters most ---------------------------------------------------------------------------------------------
 */

struct sought {
    assay_priced_time_of *time_of;
    void *self;
    double middle_ns, variance;
    struct assay_priced_input all[ASSAY_DEVICE_FIELDS + ASSAY_KERNEL_CLASSES + ASSAY_STRUCTURES];
    size_t n;
};

/* `widths`: how many standard deviations lie between the ends. `share` is the variance until all are known. */
static void add_input(struct sought *x, const char *name, const char *from, const struct assay_world *low,
                      const struct assay_world *high, double widths)
{
    double a = x->time_of(x->self, low) / x->middle_ns, b = x->time_of(x->self, high) / x->middle_ns;
    double deviation = fabs(log(b / a)) / widths;
    if (!(deviation > MOVES) || isinf(deviation))
        return;
    x->variance += deviation * deviation;
    x->all[x->n++] = (struct assay_priced_input){name, from, a, b, deviation * deviation};
}

static void add_fields(struct sought *x, const struct assay_described *d, const struct assay_world *middle)
{
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++) {
        struct assay_world low = *middle, high = *middle;
        if (assay_field_range(&d->fields[f], &low.chip.field[f], &high.chip.field[f]))
            add_input(x, assay_device_fields[f].key, assay_provenance_names[d->fields[f].provenance], &low, &high,
                      sqrt(12));
    }
}

static void add_model(struct sought *x, const struct assay_world *middle)
{
    double z = assay_normal_quantile(ONE_SIDED);
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        struct assay_world low = *middle, high = *middle;
        low.error[c] = -z;
        high.error[c] = z;
        add_input(x, assay_kernel_class_names[c], "band", &low, &high, 2 * z);
    }
    for (size_t i = 0; i < ASSAY_STRUCTURES; i++) {
        struct assay_world low = *middle, high = *middle;
        low.structure[i] = assay_structures[i].low;
        high.structure[i] = assay_structures[i].high;
        add_input(x, assay_structures[i].key, "stack", &low, &high, sqrt(12));
    }
}

double assay_priced_deviation(const struct assay_priced *s, assay_priced_time_of *time_of, void *self)
{
    struct assay_world middle = assay_priced_world(s, 0);
    double             middle_ns = time_of(self, &middle), variance = 0;
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        struct assay_world off = middle;
        off.error[c] = 1;
        double by = log(time_of(self, &off) / middle_ns);
        variance += isfinite(by) ? by * by : 0;
    }
    return sqrt(variance);
}

static int by_share(const void *a, const void *b)
{
    double x = ((const struct assay_priced_input *)a)->share, y = ((const struct assay_priced_input *)b)->share;
    return (x < y) - (x > y);
}

size_t assay_priced_inputs(const struct assay_priced *s, assay_priced_time_of *time_of, void *self,
                         struct assay_priced_input out[ASSAY_PRICED_INPUTS])
{
    struct assay_world middle = assay_priced_world(s, 0);
    struct sought x = {.time_of = time_of, .self = self, .middle_ns = time_of(self, &middle)};
    if (!s->is_fitted_on)
        add_fields(&x, s->device, &middle);
    add_model(&x, &middle);
    qsort(x.all, x.n, sizeof *x.all, by_share);
    size_t n = x.n < ASSAY_PRICED_INPUTS ? x.n : ASSAY_PRICED_INPUTS;
    for (size_t i = 0; i < n; i++) {
        out[i] = x.all[i];
        out[i].share /= x.variance;
    }
    return n;
}
