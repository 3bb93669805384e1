#include "reports/clusters.h"

#include <math.h>
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
