#include "reports/clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

const struct assay_summary_counter *assay_cluster_counter(const struct assay_summary_row *row, const char *name)
{
    for (size_t i = 0; i < row->n_counters; i++)
        if (!strcmp(row->counters[i].first->name, name))
            return &row->counters[i];
    return NULL;
}

double assay_cluster_about(const struct assay_summary_row *row, const char *name)
{
    const struct assay_summary_counter *c = assay_cluster_counter(row, name);
    if (!c || (!c->has_value && !c->ranged))
        return NAN;
    return c->has_value ? c->value : c->low > 0 ? sqrt(c->low * c->high) : (c->low + c->high) / 2;
}

bool assay_cluster_is(const struct assay_summary_row *row)
{
    return row->status == ASSAY_STATUS_OK && assay_cluster_counter(row, "plan_tp") && assay_cluster_counter(row, "step_compute");
}

bool assay_cluster_is_case(const struct assay_report_case *c)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (assay_cluster_is(c->rows[i]))
            return true;
    return false;
}

void assay_cluster_system(const struct assay_summary_row *row, char out[64])
{
    const char *device = row->launches[row->typical]->device.name;
    if (!*device || !assay_string_copy(out, 64, device))
        (void)assay_string_copy(out, 64, "unknown");
}

double assay_cluster_devices(const struct assay_summary_row *row)
{
    return assay_cluster_about(row, "devices");
}

struct assay_estimate assay_cluster_scaled(const struct assay_summary_row *row, enum assay_metric metric, double factor)
{
    struct assay_estimate e = row->metric[metric];
    e.value *= factor;
    e.low *= factor;
    e.high *= factor;
    return e;
}

#define NBSP "\u00a0"

void assay_cluster_plan(const struct assay_summary_row *row, struct assay_text *out)
{
    static const struct {
        const char *name, *what;
    } axes[] = {{"plan_tp", "tp"}, {"plan_cp", "cp"}, {"plan_dp", "dp"}, {"plan_pp", "pp"}, {"plan_ep", "ep"}, {"plan_chunks", "chunks"}};
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        double n = assay_cluster_about(row, axes[i].name);
        if (n > 1)
            assay_text_add(out, "%s" NBSP "%.0f ", axes[i].what, n);
    }
    assay_text_add(out, "mb" NBSP "%.0f" NBSP "×" NBSP "%.0f zero" NBSP "%.0f", assay_cluster_about(row, "plan_micro_batches"),
                   assay_cluster_about(row, "plan_micro_batch"), assay_cluster_about(row, "plan_zero"));
}

void assay_cluster_parts(const struct assay_summary_row *row, const char *prefix, const char *const *names, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        char              name[64];
        struct assay_text text = ASSAY_TEXT(name);
        assay_text_add(&text, "%s", prefix);
        assay_string_name(&text, names[i]);
        double part = assay_cluster_about(row, name);
        out[i] = isnan(part) ? 0 : part;
    }
}

static void add_bytes(struct assay_text *out, double bytes)
{
    const struct {
        double      from;
        const char *unit;
    } units[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}};
    size_t i = 0;
    while (i < 3 && bytes < units[i].from)
        i++;
    assay_text_add(out, "%.*f %s", i < 3, bytes / units[i].from, units[i].unit);
}

void assay_cluster_bytes(struct assay_text *out, const struct assay_estimate *e)
{
    if (e->has_interval) {
        add_bytes(out, e->low);
        assay_text_add(out, " – ");
        add_bytes(out, e->high);
    } else if (e->has_value) {
        add_bytes(out, e->value);
    }
}

static void add_percent(struct assay_text *out, double share)
{
    bool small = share > 0 && share < 0.001;
    assay_text_add(out, small ? "%.2g" NBSP "%%" : "%.1f" NBSP "%%", 100 * share);
}

bool assay_cluster_percent(struct assay_text *out, const struct assay_summary_counter *c)
{
    if (!c || !c->ranged)
        return false;
    add_percent(out, c->low);
    if (c->low < c->high) {
        assay_text_add(out, " – ");
        add_percent(out, c->high);
    }
    return true;
}

/* ---- links -------------------------------------------------------------------------------------------------------------- */

static const struct assay_summary_counter *of_link(const struct assay_summary_row *row, const char *tier, const char *what)
{
    char              name[64];
    struct assay_text text = ASSAY_TEXT(name);
    assay_text_add(&text, "link_%s_%s", tier, what);
    return assay_cluster_counter(row, name);
}

size_t assay_cluster_links(const struct assay_summary_row *row, struct assay_cluster_link out[ASSAY_CLUSTER_LINKS])
{
    static const char before[] = "link_", behind[] = "_sent";
    size_t            n = 0;
    for (size_t i = 0; row->status == ASSAY_STATUS_OK && i < row->n_counters && n < ASSAY_CLUSTER_LINKS; i++) {
        const char *name = row->counters[i].first->name;
        size_t      length = strlen(name), around = sizeof before - 1 + sizeof behind - 1;
        if (length <= around || strncmp(name, before, sizeof before - 1) != 0 || strcmp(name + length - (sizeof behind - 1), behind) != 0)
            continue;
        struct assay_cluster_link *l = &out[n++];
        struct assay_text          tier = ASSAY_TEXT(l->tier);
        assay_text_add(&tier, "%.*s", (int)(length - around), name + sizeof before - 1);
        l->sent = &row->counters[i];
        l->busy = of_link(row, l->tier, "busy");
        l->busy_share = of_link(row, l->tier, "busy_share");
        l->rate = of_link(row, l->tier, "rate");
        l->rate_share = of_link(row, l->tier, "rate_share");
    }
    return n;
}

struct assay_estimate assay_cluster_estimate(const struct assay_summary_counter *c)
{
    struct assay_estimate e = {.has_value = c && c->has_value, .has_interval = c && c->ranged && c->low < c->high};
    if (!c)
        return e;
    e.value = c->value;
    e.low = c->low;
    e.high = c->high;
    return e;
}

/* ---- at equal power, price ---------------------------------------------------------------------------------------------- */

struct assay_estimate assay_cluster_per(const struct assay_summary_row *row, const char *counter, double unit)
{
    const struct assay_summary_counter *c = assay_cluster_counter(row, counter);
    const struct assay_estimate        *rate = &row->metric[ASSAY_METRIC_items_per_s];
    struct assay_estimate               e = {.has_interval = false};
    if (!c || !c->ranged || !(c->low > 0) || !rate->has_interval)
        return e;
    double middle = sqrt(rate->low * rate->high) * unit / sqrt(c->low * c->high), half = hypot(log(rate->high / rate->low), log(c->high / c->low)) / 2;
    e.has_interval = true;
    e.low = middle * exp(-half);
    e.high = middle * exp(half);
    return e;
}

/* ---- scaling ------------------------------------------------------------------------------------------------------------ */

const struct assay_summary_row *assay_cluster_next_size(const struct assay_report_case *c, const char *system, double above_devices)
{
    const struct assay_summary_row *found = NULL;
    for (size_t i = 0; i < c->n_rows; i++) {
        char name[64];
        if (!assay_cluster_is(c->rows[i]))
            continue;
        assay_cluster_system(c->rows[i], name);
        double n = assay_cluster_devices(c->rows[i]);
        if (!strcmp(name, system) && n > above_devices && (!found || n < assay_cluster_devices(found)))
            found = c->rows[i];
    }
    return found;
}

const struct assay_summary_row *assay_cluster_smallest(const struct assay_report_case *c, const struct assay_summary_row *row)
{
    char system[64];
    if (!assay_cluster_is(row))
        return NULL;
    assay_cluster_system(row, system);
    const struct assay_summary_row *least = assay_cluster_next_size(c, system, 0);
    return least == row && assay_cluster_next_size(c, system, assay_cluster_devices(least)) ? least : NULL;
}

void assay_cluster_speed_up(const struct assay_summary_row *least, const struct assay_summary_row *row, double speed_up[2], double efficiency[2])
{
    const struct assay_estimate *a = &least->metric[ASSAY_METRIC_latency_ns], *b = &row->metric[ASSAY_METRIC_latency_ns];
    double                       more = assay_cluster_devices(row) / assay_cluster_devices(least);
    speed_up[0] = fmin(a->low / b->low, a->high / b->high);
    speed_up[1] = fmax(a->low / b->low, a->high / b->high);
    efficiency[0] = speed_up[0] / more;
    efficiency[1] = speed_up[1] / more;
}

static bool size_of(const struct assay_summary_row *row, struct assay_cluster_size *out)
{
    static const char key[] = "batch=";
    const char       *at = strstr(row->case_name, key);
    struct assay_text family = ASSAY_TEXT(out->family);
    if (!assay_cluster_is(row) || !at)
        return false;
    char *end = NULL;
    out->row = row;
    out->batch = strtod(at + sizeof key - 1, &end);
    out->devices = assay_cluster_devices(row);
    assay_cluster_system(row, out->system);
    assay_text_add(&family, "%.*s%s", (int)(at - row->case_name), row->case_name, end);
    return out->batch > 0 && out->devices > 0;
}

static int by_series(const void *a, const void *b)
{
    const struct assay_cluster_size *x = a, *y = b;
    int                              order = strcmp(x->system, y->system);
    order = order ? order : strcmp(x->family, y->family);
    double kind = x->batch / x->devices - y->batch / y->devices, size = x->devices - y->devices;
    return order ? order : fabs(kind) > 1e-9 ? (kind > 0) - (kind < 0) : (size > 0) - (size < 0);
}

static bool same_series(const struct assay_cluster_size *a, const struct assay_cluster_size *b)
{
    return !strcmp(a->system, b->system) && !strcmp(a->family, b->family) && fabs(a->batch / a->devices - b->batch / b->devices) <= 1e-9;
}

struct assay_cluster_size *assay_cluster_weak(const struct assay_summary *summary, size_t *n)
{
    struct assay_cluster_size *all = malloc((summary->n_rows + 1) * sizeof *all);
    size_t                     sized = 0, kept = 0, end;
    *n = 0;
    if (!all)
        return NULL;
    for (size_t i = 0; i < summary->n_rows; i++)
        sized += size_of(&summary->rows[i], &all[sized]);
    qsort(all, sized, sizeof *all, by_series);
    for (size_t first = 0; first < sized; first = end) {
        for (end = first + 1; end < sized && same_series(&all[first], &all[end]); end++)
            ;
        for (size_t i = first, least = kept; end - first > 1 && i < end; i++) {
            all[kept] = all[i];
            all[kept++].least = &all[least];
        }
    }
    *n = kept;
    return all;
}

void assay_cluster_weak_efficiency(const struct assay_cluster_size *s, double share[2])
{
    const struct assay_estimate *a = &s->least->row->metric[ASSAY_METRIC_items_per_s], *b = &s->row->metric[ASSAY_METRIC_items_per_s];
    double                       more = s->devices / s->least->devices;
    share[0] = fmin(b->low / a->low, b->high / a->high) / more;
    share[1] = fmax(b->low / a->low, b->high / a->high) / more;
}
