/* A record: what one launch of one case on one back end gave. Converted to and from JSON in record.c only.
 * A record is never edited; what is known later stands in another file. */
#ifndef ASSAY_STORE_RECORD_H
#define ASSAY_STORE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"
#include "harness/measure/counters.h"
#include "harness/measure/noise.h"
#include "harness/plan/case_name.h"

enum assay_better { ASSAY_BETTER_NONE = 0, ASSAY_BETTER_LOWER = 1, ASSAY_BETTER_HIGHER = 2 };

enum assay_metric {
#define ASSAY_METRIC(name, unit, better, definition) ASSAY_METRIC_##name,
#include "harness/store/metrics.def"
#undef ASSAY_METRIC
    ASSAY_METRIC_COUNT
};
struct assay_metric_row {
    const char       *name, *unit, *definition;
    enum assay_better better;
};
const struct assay_metric_row *assay_metric_row(enum assay_metric metric);
bool                           assay_metric_find(const char *name, enum assay_metric *out);

/* How execution went; whether the numbers are right is the verdict's business (harness/judge). */
enum assay_status {
    ASSAY_STATUS_OK = 1,
    ASSAY_STATUS_UNSUPPORTED = 2, /* the device said no, because … */
    ASSAY_STATUS_SKIPPED = 3,     /* the harness said no, because … (memory, a range) */
    ASSAY_STATUS_TIMEOUT = 4,
    ASSAY_STATUS_CRASHED = 5,     /* the worker ended by a signal, or without a word */
    ASSAY_STATUS_ERROR = 6,       /* the back end or the harness reported an error */
};
const char *assay_status_name(enum assay_status status);

enum assay_evidence {
    ASSAY_EVIDENCE_MEASURED = 1,
    ASSAY_EVIDENCE_MIXED = 2,
    ASSAY_EVIDENCE_PUBLISHED = 3,
    ASSAY_EVIDENCE_CLAIMED = 4,
    ASSAY_EVIDENCE_MODELLED = 5,
    ASSAY_EVIDENCE_SIMULATED = 6,
    ASSAY_EVIDENCE_INSTRUMENT = 7, /* null, reference: figures about the harness, not about a device */
};
const char *assay_evidence_name(enum assay_evidence evidence);
/* What a device's origin and clock make of its figures; 0 ("none") for a device that never opened. */
enum assay_evidence assay_evidence_of(const struct assay_device_info *device);

/* A value, or the reason why there is none; an interval only where there is one. */
struct assay_metric_value {
    bool             has_value, has_interval;
    double           value, low, high, level;
    uint64_t         n;
    enum assay_clock clock; /* which clock timed it; 0 = not a time */
    char             why[128];
};

/* Phases of a worker's life, apart, each with its span on the host's clock. */
enum assay_phase {
    ASSAY_PHASE_BUILD, ASSAY_PHASE_OPEN, ASSAY_PHASE_FILL, ASSAY_PHASE_UPLOAD, ASSAY_PHASE_COMPILE, ASSAY_PHASE_WARM,
    ASSAY_PHASE_TIMED, ASSAY_PHASE_WITNESS, ASSAY_PHASE_TRACE, ASSAY_PHASE_CLOSE, ASSAY_PHASE_COUNT
};
const char *assay_phase_name(enum assay_phase phase);

/* What was done so that the timed iterations can be believed. */
struct assay_proof {
    uint64_t sets;       /* input sets that rotate through the buffers */
    uint64_t iterations; /* timed */
    uint64_t chosen;     /* k: chosen after they had run, kept for the judge */
    uint64_t hashed;     /* iterations all of whose output bytes were hashed */
    uint64_t equal;      /* of those: bitwise equal to a kept one of the same input set */
    uint64_t guard_bytes_changed; /* bytes beyond the bound ranges that changed */
    uint64_t cheat_share_found_ppm; /* a device that cheats in this share of iterations is found with 95 % */
};

/* One of the programs of a scenario whose workload is compiled for several sizes of batch. */
struct assay_bucket {
    uint64_t samples, executions;                /* of a batch; timed ones */
    char     witness_file[160], witness_sha256[65]; /* empty for the largest, whose witness is the record's own */
};
/* A configuration that a search looked at: the highest rate that was settled to be valid with it, the lowest that was settled to be
 * invalid, either 0 for none; `why` where it was not looked at, or not to its end. */
struct assay_tried {
    uint64_t max_batch, looks;
    double   low_qps, high_qps;
    char     why[160];
};
#define ASSAY_RECORD_MAX_BUCKETS 16
#define ASSAY_RECORD_MAX_TRIED 8

/* What became of a scenario (harness/load). A record whose `issued` is 0 has none. On a modelled device it was run on `draws` devices that
 * fit what is known of it: counts are added up, and what is one run's own is left out. */
struct assay_load {
    uint64_t draws; /* 0: a run of its own */
    uint64_t issued, completed, failed, samples; /* queries; samples of completed ones */
    uint64_t executions, most_in_flight, max_batch; /* max_batch: samples of an execution, at most */
    uint64_t duration_ns, first_issue_ns;        /* to the last completion; from the start to the first issue */
    uint64_t late, lateness_limit_ns, lateness_max_ns;
    uint64_t sets;            /* distinct inputs: a sample's are those of its index modulo this */
    uint64_t kept, every;     /* rows of the raw series: of every how many-th query */
    uint64_t steady_first;    /* row at which its steady part begins */
    uint64_t over, allowed_within_ns; /* completed queries over the limit; the limit */
    double   rate;            /* of arrivals, a second; 0: none */
    double   percentile, phi, margin; /* of settled */
    char     steady[160], settled[200], loadgen[200]; /* a sentence each: the opening, and both verdicts with their numbers */
    char     invalid[200];    /* the first rule that the run breaks, by what margin, what to change; empty: none */
    char     failure[200];    /* the first failure */
    char     peak[400];       /* of a search: what it looked at */
    uint32_t            n_buckets, n_tried; /* 0: there is one program; no batch was searched for */
    struct assay_bucket bucket[ASSAY_RECORD_MAX_BUCKETS]; /* sizes rise; the last is max_batch */
    struct assay_tried  tried[ASSAY_RECORD_MAX_TRIED];
    char     proof[200];      /* when outputs were collected */
    char     series_file[160], series_sha256[65]; /* struct assay_query_row, one a row */
    char     served[300];     /* of served requests: by what engine, and what of it was proved; empty: none were */
    char     served_file[160], served_sha256[65]; /* struct assay_served_row, one a row */
    char     tokens_file[160], tokens_sha256[65]; /* output tokens of requests that were chosen by chance: samples.c */
};

/* What an audit (harness/run/audit.h) saw beside the run that it is. A record whose `test` is empty is of no audit. */
struct assay_audited {
    char     test[8];            /* "TEST01", "TEST04", "TEST06" */
    uint64_t logged, equal;      /* TEST01: outputs of timed executions, chosen by chance; bitwise those of the same inputs before */
    uint64_t pairs;              /* TEST04: executions of inputs never seen before, each beside one of inputs seen all along */
    double   fresh_ns, seen_ns;  /* their medians */
    uint64_t requests, first_equal, whole, in_vocabulary; /* TEST06: requests served once more alone; with the same first token or a
                                                             tie; with as many tokens as were asked for; all of the vocabulary */
    char     first_difference[160];
};

#define ASSAY_RECORD_MAX_COUNTERS 192 /* of two sessions, and the host's */

struct assay_record {
    char     case_name[ASSAY_CASE_NAME_BYTES], id[17], backend[640]; /* canonical names */
    uint32_t launch;                               /* from 0 */
    struct assay_device_info device;               /* zeroes if it never opened */
    enum assay_status   status;
    enum assay_evidence evidence;
    char     grade[4];   /* "A".."D" for modelled figures, else empty */
    char     reason[256]; /* why the status is not ok; empty if it is */
    struct assay_error error; /* code OK: none */
    struct assay_metric_value metric[ASSAY_METRIC_COUNT];
    uint64_t phase_ns[ASSAY_PHASE_COUNT];
    struct assay_noise noise;
    char     noise_complaint[160]; /* empty: quiet */
    struct assay_proof proof;
    struct assay_load load;
    struct assay_audited audit;
    uint64_t flops, read_bytes, written_bytes, transcendentals, items; /* algorithmic, of one execution */
    uint64_t working_set_bytes; /* all distinct bytes one rotation through the sets touches */
    uint64_t warm_runs;
    char     compiled[1024];    /* the back end's description of what it compiled */
    char     energy_source[128];
    char     samples_file[160], witness_file[160], trace_file[160]; /* relative to the run folder; empty = none */
    char     samples_sha256[65], witness_sha256[65], trace_sha256[65];
    uint32_t trace_runs;        /* executions that were traced, after the timed ones; 0: why_no_trace */
    double   traced_ns;         /* one of them, from begin to end: their median */
    char     why_no_trace[160];
    char     curve_file[160], curve_sha256[65]; /* of what was trained: struct assay_lesson_row, one a step or evaluation */
    uint64_t started_utc_ns, wall_ns;
    char     repeat[2048];      /* the command line that runs this again */
    struct assay_influence influences[ASSAY_INFLUENCES]; /* of a modelled time (of a step, where the case is served); share 0 behind the last */
    uint32_t             n_counters;
    struct assay_counter counters[ASSAY_RECORD_MAX_COUNTERS]; /* last: what is beyond n_counters is never touched */
};

/* New reference; NULL when out of memory or when an enum holds a value without a name. README.md lists the members.
 * What JSON cannot hold is made so that it can: invalid UTF-8 becomes U+FFFD, a metric that is not finite loses its
 * value and says why, a counter that is unavailable has no value. All else comes back exactly as it was. */
json_t *assay_record_to_json(const struct assay_record *record);
/* Strict about types; unknown members are kept out silently only if they begin with "//". ASSAY_DATA otherwise, with a
 * line that names the member; *out is then empty. device.size is set to that of this program's struct. */
enum assay_code assay_record_from_json(const json_t *json, struct assay_record *out, struct assay_error *err);

/* A metric has a value, or the reason why it has none. */
void assay_metric_set(struct assay_record *record, enum assay_metric metric, double value, uint64_t n, enum assay_clock clock);
void assay_metric_absent(struct assay_record *record, enum assay_metric metric, const char *why);

#endif
