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
