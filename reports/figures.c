#include "reports/figures.h"

#include <math.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define DIGITS 4

static const char *const titles[ASSAY_METRIC_COUNT] = {
    [ASSAY_METRIC_latency_ns] = "time of one execution",
    [ASSAY_METRIC_flops_per_s] = "floating-point rate",
    [ASSAY_METRIC_bytes_per_s] = "byte rate",
    [ASSAY_METRIC_items_per_s] = "item rate",
    [ASSAY_METRIC_trillion_items_ns] = "time for a trillion items",
    [ASSAY_METRIC_message_bytes_per_s] = "message rate",
    [ASSAY_METRIC_link_bytes_per_s] = "link rate",
    [ASSAY_METRIC_peak_share] = "share of measured peak",
    [ASSAY_METRIC_bandwidth_share] = "share of measured bandwidth",
    [ASSAY_METRIC_ceiling_flops_per_s] = "measured peak of the host",
    [ASSAY_METRIC_ceiling_bytes_per_s] = "measured bandwidth of the host",
    [ASSAY_METRIC_ceiling_best_flops_per_s] = "best burst of the peak",
    [ASSAY_METRIC_ceiling_best_bytes_per_s] = "best burst of the bandwidth",
    [ASSAY_METRIC_compile_ns] = "compile time",
    [ASSAY_METRIC_first_ns] = "first execution",
    [ASSAY_METRIC_latency_p90_ns] = "90th percentile of time",
    [ASSAY_METRIC_latency_p99_ns] = "99th percentile of time",
    [ASSAY_METRIC_latency_spread] = "spread within a launch",
    [ASSAY_METRIC_device_ns] = "time on the device",
    [ASSAY_METRIC_energy_joules] = "energy of one execution",
    [ASSAY_METRIC_resident_peak_bytes] = "largest resident memory",
    [ASSAY_METRIC_device_memory_bytes] = "memory of the device",
    [ASSAY_METRIC_device_memory_share] = "memory against the need",
    [ASSAY_METRIC_harness_overhead_ns] = "harness time per iteration",
    [ASSAY_METRIC_harness_allocations] = "allocations by the harness",
    [ASSAY_METRIC_plugin_allocations] = "allocations by the back end",
    [ASSAY_METRIC_memory_growth_bytes] = "memory growth per iteration",
    [ASSAY_METRIC_steps_to_quality] = "steps to quality",
    [ASSAY_METRIC_time_to_quality_ns] = "time to quality",
    [ASSAY_METRIC_quality] = "quality on unseen data",
    [ASSAY_METRIC_quality_target] = "quality to reach",
    [ASSAY_METRIC_quality_floor] = "best quality there can be",
    [ASSAY_METRIC_samples_per_s] = "samples served",
    [ASSAY_METRIC_latency_at_percentile_ns] = "latency at the percentile",
    [ASSAY_METRIC_early_stopping_latency_ns] = "early-stopping latency",
    [ASSAY_METRIC_loadgen_valid] = "valid by MLPerf's rules",
    [ASSAY_METRIC_settled_valid] = "settled to be valid",
    [ASSAY_METRIC_queries_failed] = "queries that failed",
    [ASSAY_METRIC_lateness_p99_ns] = "lateness of the issuing, p99",
    [ASSAY_METRIC_late_share] = "issued late",
    [ASSAY_METRIC_batch_fill] = "filling of batches",
    [ASSAY_METRIC_peak_qps] = "highest valid rate",
    [ASSAY_METRIC_ttft_ns] = "first token",
    [ASSAY_METRIC_ttft_p90_ns] = "first token, p90",
    [ASSAY_METRIC_ttft_p99_ns] = "first token, p99",
    [ASSAY_METRIC_tpot_ns] = "further token",
    [ASSAY_METRIC_tpot_p90_ns] = "further token, p90",
    [ASSAY_METRIC_tpot_p99_ns] = "further token, p99",
    [ASSAY_METRIC_itl_ns] = "gap between tokens",
    [ASSAY_METRIC_itl_p99_ns] = "gap between tokens, p99",
    [ASSAY_METRIC_tokens_per_s] = "tokens of a device",
    [ASSAY_METRIC_tokens_per_s_user] = "tokens of a user",
    [ASSAY_METRIC_goodput_per_s] = "goodput",
    [ASSAY_METRIC_goodput_per_device_s] = "goodput of a device",
    [ASSAY_METRIC_devices_for_demand] = "devices for the demand",
    [ASSAY_METRIC_joules_per_token] = "energy of a token",
    [ASSAY_METRIC_requests_without_tpot] = "requests of one token",
    [ASSAY_METRIC_preemptions] = "pre-emptions",
    [ASSAY_METRIC_prefix_reused_share] = "prompt found in the cache",
    [ASSAY_METRIC_sequences_per_step] = "sequences a step",
    [ASSAY_METRIC_engine_step_ns] = "engine, a step",
    [ASSAY_METRIC_tokens_equal_share] = "same tokens alone",
    [ASSAY_METRIC_parting_margin] = "margin where tokens part",
};

const char *assay_figure_metric_title(enum assay_metric metric)
{
    return titles[metric] ? titles[metric] : assay_metric_row(metric)->name;
}

void assay_figure_count(struct assay_text *out, uint64_t n)
{
    char digits[24];
    int  length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < length; i++)
        assay_text_add(out, "%s%c", i > 0 && (length - i) % 3 == 0 ? "," : "", digits[i]);
}

static void plain(struct assay_text *out, double value)
{
    if (fabs(value) < 1e15 && value >= 0 && (value == floor(value) || value >= 1e4))
        assay_figure_count(out, (uint64_t)llround(value));
    else
        assay_text_add(out, "%.*g", DIGITS, value);
}

static void quantity(struct assay_text *out, double value, const char *unit)
{
    if (!strcmp(unit, "ns"))
        assay_string_quantity(out, value / 1e9, "s", DIGITS);
    else if (!strcmp(unit, "1"))
        plain(out, value);
    else if (!strcmp(unit, "1/s") && isfinite(value) && fabs(value) >= 1e6)
        assay_text_add(out, "%.*g M/s", DIGITS, value / 1e6);
    else if (!strcmp(unit, "1/s") && fabs(value) > 0 && fabs(value) < 0.1)
        assay_text_add(out, "%.3g /s", value);
    else if (!strcmp(unit, "1/s"))
        assay_text_add(out, "%.*f /s", fabs(value) >= 1000 ? 0 : 2, value);
    else
        assay_string_quantity(out, value, unit, DIGITS);
}

#define DAY_NS 86400e9

static bool is_share(enum assay_metric metric)
{
    return metric == ASSAY_METRIC_peak_share || metric == ASSAY_METRIC_bandwidth_share || metric == ASSAY_METRIC_latency_spread;
}

void assay_figure_value(struct assay_text *out, enum assay_metric metric, double value)
{
    if (is_share(metric)) /* a share beyond all reason is still read whole, not cut where its cell ends */
        assay_text_add(out, fabs(value) < 1e4 ? "%.1f %%" : "%.4g %%", 100 * value);
    else if (metric == ASSAY_METRIC_trillion_items_ns && value >= DAY_NS) /* what nobody counts in seconds */
        assay_text_add(out, "%.*g d", DIGITS, value / DAY_NS);
    else
        quantity(out, value, assay_metric_row(metric)->unit);
}

void assay_figure_estimate(struct assay_text *out, enum assay_metric metric, const struct assay_estimate *e)
{
    if (e->has_value)
        assay_figure_value(out, metric, e->value);
    else if (e->has_interval)
        assay_figure_range(out, metric, e);
    else
        assay_text_add(out, "–");
}

void assay_figure_range(struct assay_text *out, enum assay_metric metric, const struct assay_estimate *e)
{
    if (!e->has_interval)
        return;
    assay_figure_value(out, metric, e->low);
    assay_text_add(out, " – ");
    assay_figure_value(out, metric, e->high);
}

void assay_figure_interval_words(struct assay_text *out, const struct assay_summary_row *row)
{
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    if (e->has_interval && row->clock == ASSAY_CLOCK_MODEL)
        assay_text_add(out, "%.4g %% range of the model", 100 * e->level);
    else if (e->has_interval)
        assay_text_add(out, "%.4g %% interval, %llu launches", 100 * e->level, (unsigned long long)e->n);
    else if (e->has_value && row->clock != ASSAY_CLOCK_MODEL && row->n_medians == 1)
        assay_text_add(out, "one launch: no interval");
    else
        assay_text_add(out, "no interval: %s", *e->why ? e->why : "no reason was recorded");
}

void assay_figure_duration(struct assay_text *out, uint64_t ns)
{
    if (ns == 0)
        assay_text_add(out, "–");
    else
        assay_string_quantity(out, (double)ns / 1e9, "s", 3);
}

void assay_figure_counter(struct assay_text *out, double value, const char *unit)
{
    if (!strcmp(unit, "bytes"))
        assay_string_quantity(out, value, "B", DIGITS);
    else if (!strcmp(unit, "joules"))
        assay_string_quantity(out, value, "J", DIGITS);
    else
        quantity(out, value, *unit ? unit : "1");
}

const char *assay_figure_evidence_mark(enum assay_evidence evidence)
{
    switch (evidence) {
    case ASSAY_EVIDENCE_MEASURED: return "●";
    case ASSAY_EVIDENCE_MIXED: return "◐";
    case ASSAY_EVIDENCE_PUBLISHED: return "■";
    case ASSAY_EVIDENCE_CLAIMED: return "□";
    case ASSAY_EVIDENCE_MODELLED: return "◇";
    case ASSAY_EVIDENCE_SIMULATED: return "○";
    case ASSAY_EVIDENCE_INSTRUMENT: return "▪";
    }
    return "–";
}

const char *assay_figure_evidence_about(enum assay_evidence evidence)
{
    switch (evidence) {
    case ASSAY_EVIDENCE_MEASURED: return "timed in this run on the hardware itself";
    case ASSAY_EVIDENCE_MIXED: return "timed in this run, but a part ran elsewhere than on the device";
    case ASSAY_EVIDENCE_PUBLISHED: return "published by a third party, not measured here";
    case ASSAY_EVIDENCE_CLAIMED: return "the vendor's word, not measured here";
    case ASSAY_EVIDENCE_MODELLED: return "calculated from a description of the device; nothing was timed";
    case ASSAY_EVIDENCE_SIMULATED: return "values from a functional simulator; its times say nothing about speed";
    case ASSAY_EVIDENCE_INSTRUMENT: return "a figure about the harness itself, not about any device";
    }
    return "no device was opened, so there is nothing to grade";
}

void assay_figure_evidence(struct assay_text *out, const struct assay_summary_row *row)
{
    assay_text_add(out, "%s", assay_evidence_name(row->evidence));
    if (row->grade && *row->grade)
        assay_text_add(out, ", grade %s", row->grade);
}

const char *assay_figure_outcome_about(enum assay_outcome outcome)
{
    switch (outcome) {
    case ASSAY_PASS: return "outputs of this very run were compared with the reference and lie within the bound";
    case ASSAY_MARGINAL: return "within the bound, but over half of it";
    case ASSAY_FAIL: return "outputs are wrong: its times count for nothing";
    case ASSAY_UNTRUSTED: return "agreed, and proved nothing: mostly zeros, constants, too few elements, or faster than is possible";
    case ASSAY_NOT_CHECKED: return "nothing was compared with the reference: its times stand unproved";
    }
    return "unknown";
}

const char *assay_figure_status_about(enum assay_status status)
{
    switch (status) {
    case ASSAY_STATUS_OK: return "ran to its end";
    case ASSAY_STATUS_UNSUPPORTED: return "the device declined the case";
    case ASSAY_STATUS_SKIPPED: return "the harness did not try the case";
    case ASSAY_STATUS_TIMEOUT: return "took too long and was ended";
    case ASSAY_STATUS_CRASHED: return "the process of the device's software died";
    case ASSAY_STATUS_ERROR: return "the device's software or the harness reported an error";
    }
    return "unknown";
}

const char *assay_figure_clock_about(enum assay_clock clock)
{
    switch (clock) {
    case ASSAY_CLOCK_HOST: return "the host's clock";
    case ASSAY_CLOCK_DEVICE: return "the device's own clock";
    case ASSAY_CLOCK_MODEL: return "a model's clock: nothing was timed";
    }
    return "no clock: nothing was timed";
}

const char *assay_figure_origin(enum assay_origin origin)
{
    switch (origin) {
    case ASSAY_ORIGIN_REAL: return "hardware";
    case ASSAY_ORIGIN_SIMULATED: return "functional simulator";
    case ASSAY_ORIGIN_MODELLED: return "performance model";
    case ASSAY_ORIGIN_REFERENCE: return "instrument of the harness";
    }
    return "never opened";
}

bool assay_figure_is_proved(const struct assay_summary_row *row)
{
    return assay_outcome_proves(row->outcome);
}

bool assay_figure_is_struck(const struct assay_summary_row *row)
{
    return !assay_figure_is_proved(row) && !(row->evidence == ASSAY_EVIDENCE_MODELLED && row->outcome == ASSAY_NOT_CHECKED);
}

bool assay_figures_want_validation(const struct assay_summary *run)
{
    for (size_t i = 0; !run->validated && i < run->n_rows; i++)
        if (assay_figure_is_struck(&run->rows[i]))
            return true;
    return false;
}
