/* The names of what a record holds: metrics, states of execution, evidence. */
#include <string.h>

#include "harness/store/record.h"

#include "assay/banned.h"

static const struct assay_metric_row metric_rows[ASSAY_METRIC_COUNT] = {
#define ASSAY_METRIC(name, unit, better, definition)                                                                   \
    [ASSAY_METRIC_##name] = {#name, unit, definition, ASSAY_BETTER_##better},
#include "harness/store/metrics.def"
#undef ASSAY_METRIC
};

const struct assay_metric_row *assay_metric_row(enum assay_metric metric)
{
    return &metric_rows[metric];
}

bool assay_metric_find(const char *name, enum assay_metric *out)
{
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++) {
        if (strcmp(metric_rows[i].name, name) != 0)
            continue;
        *out = (enum assay_metric)i;
        return true;
    }
    return false;
}

const char *assay_status_name(enum assay_status status)
{
    switch (status) {
    case ASSAY_STATUS_OK:
        return "ok";
    case ASSAY_STATUS_UNSUPPORTED:
        return "unsupported";
    case ASSAY_STATUS_SKIPPED:
        return "skipped";
    case ASSAY_STATUS_TIMEOUT:
        return "timeout";
    case ASSAY_STATUS_CRASHED:
        return "crashed";
    case ASSAY_STATUS_ERROR:
        return "error";
    }
    return "none";
}

const char *assay_evidence_name(enum assay_evidence evidence)
{
    switch (evidence) {
    case ASSAY_EVIDENCE_MEASURED:
        return "measured";
    case ASSAY_EVIDENCE_MIXED:
        return "mixed";
    case ASSAY_EVIDENCE_PUBLISHED:
        return "published";
    case ASSAY_EVIDENCE_CLAIMED:
        return "claimed";
    case ASSAY_EVIDENCE_MODELLED:
        return "modelled";
    case ASSAY_EVIDENCE_SIMULATED:
        return "simulated";
    case ASSAY_EVIDENCE_INSTRUMENT:
        return "instrument";
    }
    return "none";
}

enum assay_evidence assay_evidence_of(const struct assay_device_info *device)
{
    switch (device->origin) {
    case ASSAY_ORIGIN_REAL:
        return device->clock == ASSAY_CLOCK_MODEL ? ASSAY_EVIDENCE_MODELLED : ASSAY_EVIDENCE_MEASURED;
    case ASSAY_ORIGIN_SIMULATED:
        return ASSAY_EVIDENCE_SIMULATED;
    case ASSAY_ORIGIN_MODELLED:
        return ASSAY_EVIDENCE_MODELLED;
    case ASSAY_ORIGIN_REFERENCE:
        return ASSAY_EVIDENCE_INSTRUMENT;
    }
    return (enum assay_evidence)0;
}
