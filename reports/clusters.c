#include "reports/clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "reports/figures.h"

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

bool assay_cluster_figure(struct assay_text *out, enum assay_metric metric, const struct assay_estimate *e)
{
    if (e->has_interval)
        assay_figure_range(out, metric, e);
    else if (e->has_value)
        assay_figure_value(out, metric, e->value);
    return e->has_interval || e->has_value;
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

/* ---- scaling ---------------------------------------------------------------------------------------------------------- */

struct member {
    struct assay_cluster_size size;
    char                      series[2 * ASSAY_CASE_NAME_BYTES]; /* system, options and case, without what differs within a series */
};

/* The text without the value of `key`; what that is, 0 where it is not there. */
static double without(struct assay_text *out, const char *text, const char *key)
{
    const char *at = strstr(text, key);
    char       *end = NULL;
    if (!at) {
        assay_text_add(out, "%s", text);
        return 0;
    }
    double value = strtod(at + strlen(key), &end);
    assay_text_add(out, "%.*s%s", (int)(at - text), text, end);
    return value;
}

static bool member_of(const struct assay_summary_row *row, enum assay_cluster_scaling kind, struct member *out)
{
    char              system[64];
    struct assay_text series = ASSAY_TEXT(out->series);
    if (!assay_cluster_is(row))
        return false;
    out->size = (struct assay_cluster_size){.row = row, .devices = assay_cluster_devices(row)};
    assay_cluster_system(row, system);
    assay_text_add(&series, "%s ", system);
    (void)without(&series, row->backend, "devices=");
    if (kind == ASSAY_CLUSTER_STRONG)
        assay_text_add(&series, " %s", row->case_name);
    else {
        double batch = without(&series, row->case_name, "batch=");
        assay_text_add(&series, " %.9g", batch / out->size.devices);
        if (!(batch > 0))
            return false;
    }
    return out->size.devices > 0 && row->metric[ASSAY_METRIC_items_per_s].has_interval;
}

static int by_series(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int                  order = strcmp(x->series, y->series);
    return order ? order : (x->size.devices > y->size.devices) - (x->size.devices < y->size.devices);
}

static void compare(struct assay_cluster_size *size, const struct assay_cluster_size *least)
{
    const struct assay_estimate *a = &least->row->metric[ASSAY_METRIC_items_per_s], *b = &size->row->metric[ASSAY_METRIC_items_per_s];
    double                       more = size->devices / least->devices;
    size->speed_up[0] = fmin(b->low / a->low, b->high / a->high);
    size->speed_up[1] = fmax(b->low / a->low, b->high / a->high);
    for (int i = 0; i < 2; i++)
        size->efficiency[i] = size->speed_up[i] / more;
}

struct assay_cluster_size *assay_cluster_sizes(const struct assay_summary_row *const *rows, size_t n_rows, enum assay_cluster_scaling kind, size_t *n)
{
    struct member             *all = malloc((n_rows + 1) * sizeof *all);
    struct assay_cluster_size *out = malloc((n_rows + 1) * sizeof *out);
    size_t                     members = 0, first = 0;
    *n = 0;
    if (!all || !out) {
        free(all);
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < n_rows; i++)
        members += member_of(rows[i], kind, &all[members]);
    qsort(all, members, sizeof *all, by_series);
    for (size_t end = 1; end <= members; end++) {
        if (end < members && !strcmp(all[end].series, all[first].series))
            continue;
        if (all[end - 1].size.devices > all[first].size.devices)
            for (size_t i = first; i < end; i++) {
                compare(&all[i].size, &all[first].size);
                out[(*n)++] = all[i].size;
            }
        first = end;
    }
    free(all);
    return out;
}

struct assay_cluster_size *assay_cluster_sizes_of_run(const struct assay_summary *run, enum assay_cluster_scaling kind, size_t *n)
{
    const struct assay_summary_row **rows = malloc((run->n_rows + 1) * sizeof(void *));
    struct assay_cluster_size       *sizes = NULL;
    *n = 0;
    for (size_t i = 0; rows && i < run->n_rows; i++)
        rows[i] = &run->rows[i];
    if (rows)
        sizes = assay_cluster_sizes(rows, run->n_rows, kind, n);
    free(rows);
    return sizes;
}
