/* What users see of a serving engine, each figure defined once: formulas, sources and what counts where are in README.md. */
#ifndef ASSAY_LOAD_SERVING_METRICS_H
#define ASSAY_LOAD_SERVING_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/histogram.h"

/* One request, as the samples file holds it (little-endian), in the order they ended. Nanoseconds from the run's start. */
struct assay_served_row {
    uint64_t request, scheduled_ns, first_ns, last_ns; /* first, last: of its output tokens; 0 where output_tokens is 0 */
    uint64_t completed_ns;                             /* or when it had failed */
    uint32_t prompt_tokens, output_tokens; /* output: that came */
    uint32_t reused_tokens, preemptions;
    uint32_t status; /* enum assay_code: why it failed, ASSAY_OK if it did not */
    uint32_t unused; /* 0 */
};

/* What counts. A request belongs to the window if it was scheduled in it, however late it ends; a token, if it came in it, whosever
 * it is. So no request is half counted, and tokens are divided by the time they came in. */
struct assay_served_window {
    uint64_t begin_ns, end_ns; /* end: not in it; UINT64_MAX: when the last request of all has ended */
};
struct assay_served_limits {
    uint64_t ttft_ns, tpot_ns, latency_ns; /* 0: none */
};

struct assay_served_spread {
    uint64_t n; /* 0: nothing else counts */
    double   mean_ns;
    uint64_t p50_ns, p90_ns, p99_ns, max_ns;
};
struct assay_served_metrics {
    uint64_t issued, completed, failed; /* of the whole run; issued = completed + failed */
    uint64_t in_window;                 /* completed requests that the figures below are about */
    uint64_t failed_in_window;
    uint64_t without_tpot;              /* completed with one token: a gap needs two */
    struct assay_served_spread ttft, tpot, gap, latency; /* gap: over all gaps between tokens, not over requests */
    uint64_t good;                      /* completed within every limit */
    uint64_t tokens, window_ns;
    double   goodput_per_s, requests_per_s, tokens_per_s, tokens_per_s_user; /* NaN where there is no time, no TPOT */
};

struct assay_served;
enum assay_code assay_served_new(const struct assay_served_window *window, struct assay_served **out, struct assay_error *err);
void            assay_served_free(struct assay_served *s);
/* A token came; previous_ns: the one before it of the same request, unless it is the first. */
void            assay_served_token(struct assay_served *s, bool is_first, uint64_t at_ns, uint64_t previous_ns);
/* A request ended. ASSAY_MEMORY when there is no room for it. */
enum assay_code assay_served_request(struct assay_served *s, const struct assay_served_row *row, struct assay_error *err);
/* The rows so far, in that order; until the next call. */
const struct assay_served_row *assay_served_rows(const struct assay_served *s, uint64_t *n);
/* ASSAY_MEMORY: no room to sort. */
enum assay_code assay_served_summarize(const struct assay_served *s, const struct assay_served_limits *limits,
                                       struct assay_served_metrics *out, struct assay_error *err);

/* Of a completed request with at least one token (tpot: two). */
uint64_t assay_served_ttft_ns(const struct assay_served_row *row);
bool     assay_served_tpot_ns(const struct assay_served_row *row, uint64_t *ns);
uint64_t assay_served_latency_ns(const struct assay_served_row *row);
bool     assay_served_is_good(const struct assay_served_row *row, const struct assay_served_limits *limits);

#endif
