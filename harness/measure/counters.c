#include "harness/measure/counters.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/measure/counters_papi.h"
#include "harness/measure/counters_perf.h"
#include "harness/measure/counters_pfm.h"
#include "assay/banned.h"

#define MAX_CODES 8
#define OPEN_TRIES 5

/* What the kernel counts for a process anyway, where perf is not to be had. */
enum usage { USAGE_NONE, USAGE_CPU_NS, USAGE_FAULTS, USAGE_SWITCHES, USAGE_PEAK_RSS };

/* A sum of native events that are known by these names; the first sum whose names are all known is taken. */
struct native {
    const char *names; /* "weight*event …" */
};
static const struct native flops_f32[] = {
    {"1*FP_ARITH_INST_RETIRED:SCALAR_SINGLE 4*FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE "
     "8*FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE 16*FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE"},
    {"1*FP_ARITH_INST_RETIRED:SCALAR_SINGLE 4*FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE "
     "8*FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE"},
    {NULL},
};
static const struct native flops_any[] = {
    {"1*FP_ARITH_INST_RETIRED:SCALAR_SINGLE 4*FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE "
     "8*FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE 16*FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE "
     "1*FP_ARITH_INST_RETIRED:SCALAR_DOUBLE 2*FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE "
     "4*FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE 8*FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE"},
    {"1*RETIRED_SSE_AVX_FLOPS:ANY"},
    {NULL},
};

struct row {
    const char             *name, *unit;
    enum assay_perf_generic generic; /* 0: none */
    const struct native    *native;
    const char             *preset; /* of PAPI */
    bool                    user_only;
    enum usage              usage;
};
static const struct row rows[] = {
    {"cycles", "1", ASSAY_PERF_CYCLES, NULL, "PAPI_TOT_CYC", true, USAGE_NONE},
    {"instructions", "1", ASSAY_PERF_INSTRUCTIONS, NULL, "PAPI_TOT_INS", true, USAGE_NONE},
    {"branch_misses", "1", ASSAY_PERF_BRANCH_MISSES, NULL, "PAPI_BR_MSP", true, USAGE_NONE},
    {"l1d_misses", "1", ASSAY_PERF_L1D_MISSES, NULL, "PAPI_L1_DCM", true, USAGE_NONE},
    {"llc_references", "1", ASSAY_PERF_LLC_REFERENCES, NULL, "PAPI_L3_TCA", true, USAGE_NONE},
    {"llc_misses", "1", ASSAY_PERF_LLC_MISSES, NULL, "PAPI_L3_TCM", true, USAGE_NONE},
    {"flops_f32", "1", 0, flops_f32, "PAPI_SP_OPS", true, USAGE_NONE},
    {"flops", "1", 0, flops_any, "PAPI_FP_OPS", true, USAGE_NONE},
    {"task_clock", "ns", ASSAY_PERF_TASK_CLOCK, NULL, NULL, false, USAGE_CPU_NS},
    {"page_faults", "1", ASSAY_PERF_PAGE_FAULTS, NULL, NULL, false, USAGE_FAULTS},
    {"context_switches", "1", ASSAY_PERF_CONTEXT_SWITCHES, NULL, NULL, false, USAGE_SWITCHES},
    {"cpu_migrations", "1", ASSAY_PERF_CPU_MIGRATIONS, NULL, NULL, false, USAGE_NONE},
    {"peak_rss", "bytes", 0, NULL, NULL, false, USAGE_PEAK_RSS},
};
#define N_ROWS (sizeof rows / sizeof *rows)

struct source {
    struct assay_perf *perf;
    int                papi; /* index in the PAPI set, -1: not there */
    double             usage_begin, usage_sum;
};

struct assay_counters {
    struct source        source[N_ROWS];
    struct assay_counter out[N_ROWS];
    struct assay_perf   *leader; /* of the software counters: one of `source` */
    struct assay_papi   *papi;
    bool                 papi_tried, papi_failed;
    char                 papi_why[128];
    pid_t               *thread;
    size_t               n_threads;
    uint64_t             resumed_ns, counted_ns;
};

const char *assay_counter_status_name(enum assay_counter_status status)
{
    switch (status) {
    case ASSAY_COUNTER_OK: return "ok";
    case ASSAY_COUNTER_MULTIPLEXED: return "multiplexed";
    case ASSAY_COUNTER_UNAVAILABLE: return "unavailable";
    }
    return "unknown";
}

/* ---- what the kernel counts anyway ---- */

/* VmHWM, not ru_maxrss: that one survives execve and may be the shell's. Without stdio, so that nothing allocates. */
bool assay_counters_peak_resident(double *out)
{
    char    text[4096];
    int     fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[got > 0 ? got : 0] = 0;
    const char *at = strstr(text, "VmHWM:");
    if (at)
        *out = 1024.0 * (double)strtoull(at + strlen("VmHWM:"), NULL, 10);
    return at != NULL;
}

static bool usage_now(enum usage what, double *out)
{
    struct rusage   u;
    struct timespec t;
    switch (what) {
    case USAGE_CPU_NS:
        if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
            return false;
        *out = 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
        return true;
    case USAGE_FAULTS:
    case USAGE_SWITCHES:
        if (getrusage(RUSAGE_SELF, &u) != 0)
            return false;
        *out = what == USAGE_FAULTS ? (double)u.ru_minflt + (double)u.ru_majflt : (double)u.ru_nvcsw + (double)u.ru_nivcsw;
        return true;
    case USAGE_PEAK_RSS:
        return assay_counters_peak_resident(out);
    case USAGE_NONE:
        break;
    }
    return false;
}

/* ---- opening: each row tries perf, then PAPI, then what /proc and getrusage say ---- */

/* "1*A:X 4*B" to codes; false with the reason of the first name that is not known. */
static bool encode_sum(const char *names, struct assay_perf_code *code, size_t *n, char *why, size_t capacity)
{
    for (*n = 0; *names && *n < MAX_CODES; ++*n) {
        char  *at, name[96];
        size_t length;
        *code = (struct assay_perf_code){.weight = strtod(names, &at)};
        names = at + 1; /* past the star */
        length = strcspn(names, " ");
        if (length >= sizeof name)
            return false;
        memcpy(name, names, length);
        name[length] = 0;
        if (!assay_pfm_encode(name, code++, why, capacity))
            return false;
        names += length + (names[length] == ' ');
    }
    return true;
}

static void try_perf(struct assay_counters *c, size_t i, char *why, size_t capacity)
{
    struct assay_perf_code code[MAX_CODES] = {{0}};
    size_t                 n = 0;
    if (rows[i].generic) {
        code[0] = assay_perf_generic_code(rows[i].generic);
        n = 1;
    }
    for (const struct native *x = rows[i].native; x && x->names; x++) {
        if (encode_sum(x->names, code, &n, why, capacity))
            break;
        n = 0;
    }
    if (!n)
        return;
    /* Software counters always run, so they can start and stop as one. */
    const struct assay_perf *leader = rows[i].user_only ? NULL : c->leader;
    c->source[i].perf = assay_perf_open(code, n, c->thread, c->n_threads, rows[i].user_only, leader, why, capacity);
    if (!rows[i].user_only && !c->leader)
        c->leader = c->source[i].perf;
}

static void try_papi(struct assay_counters *c, size_t i, char *why, size_t capacity)
{
    if (!c->papi_tried)
        c->papi = assay_papi_open(c->thread, c->n_threads, c->papi_why, sizeof c->papi_why);
    c->papi_tried = true;
    if (c->papi)
        c->source[i].papi = assay_papi_add(c->papi, rows[i].preset, why, capacity);
    else
        (void)assay_string_copy(why, capacity, c->papi_why);
}

static void open_row(struct assay_counters *c, size_t i)
{
    struct assay_counter *out = &c->out[i];
    char                  perf[128] = "", papi[128] = "";
    double                ignored;
    c->source[i].papi = -1;
    *out = (struct assay_counter){.status = ASSAY_COUNTER_OK};
    (void)assay_string_copy(out->name, sizeof out->name, rows[i].name);
    (void)assay_string_copy(out->unit, sizeof out->unit, rows[i].unit);
    (void)assay_string_copy(out->provider, sizeof out->provider, "perf");
    try_perf(c, i, perf, sizeof perf);
    if (c->source[i].perf)
        return;
    if (rows[i].preset)
        try_papi(c, i, papi, sizeof papi);
    if (c->source[i].papi >= 0) {
        (void)assay_string_copy(out->provider, sizeof out->provider, "papi");
        return;
    }
    if (usage_now(rows[i].usage, &ignored)) {
        (void)assay_string_copy(out->provider, sizeof out->provider, "proc");
        return;
    }
    struct assay_text why = ASSAY_TEXT(out->why);
    out->status = ASSAY_COUNTER_UNAVAILABLE;
    assay_text_add(&why, "%s%s%s", perf, *perf && *papi ? "; " : "", papi);
    if (!why.length)
        assay_text_add(&why, "/proc/self/status has no peak of the resident set");
}

static bool same_threads(const struct assay_counters *c)
{
    pid_t *now;
    size_t n = assay_perf_threads(&now);
    bool   same = n == c->n_threads && (!n || !memcmp(now, c->thread, n * sizeof *now));
    free(now);
    return same;
}

static void release(struct assay_counters *c)
{
    for (size_t i = N_ROWS; i-- > 0;) /* followers stand behind their leader */
        assay_perf_close(c->source[i].perf);
    assay_papi_close(c->papi);
    free(c->thread);
    memset(c, 0, sizeof *c);
}

/* A thread made while we open either inherits or is missed, and nobody can tell which: then begin again. */
enum assay_code assay_counters_open(struct assay_counters **out, struct assay_error *err)
{
    struct assay_counters *c = calloc(1, sizeof *c);
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for counters");
    for (int k = 0; k < OPEN_TRIES; k++) {
        release(c);
        c->n_threads = assay_perf_threads(&c->thread);
        for (size_t i = 0; i < N_ROWS; i++)
            open_row(c, i);
        if (same_threads(c))
            break;
    }
    *out = c;
    return ASSAY_OK;
}

void assay_counters_close(struct assay_counters *c)
{
    if (!c)
        return;
    release(c);
    free(c);
}

/* ---- counting ---- */

/* Whose difference between resume and pause is taken. */
static bool by_usage(const struct assay_counters *c, size_t i)
{
    return c->out[i].status == ASSAY_COUNTER_OK && !c->source[i].perf && c->source[i].papi < 0 &&
           rows[i].usage != USAGE_PEAK_RSS;
}

void assay_counters_resume(struct assay_counters *c)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (by_usage(c, i))
            (void)usage_now(rows[i].usage, &c->source[i].usage_begin);
    if (c->papi && !assay_papi_resume(c->papi))
        c->papi_failed = true;
    c->resumed_ns = assay_clock_now_ns();
    for (size_t i = N_ROWS; i-- > 0;) /* cycles last: it should see least of this */
        if (c->source[i].perf)
            assay_perf_resume(c->source[i].perf);
}

void assay_counters_pause(struct assay_counters *c)
{
    double now;
    for (size_t i = 0; i < N_ROWS; i++)
        if (c->source[i].perf)
            assay_perf_pause(c->source[i].perf);
    c->counted_ns += assay_clock_now_ns() - c->resumed_ns;
    if (c->papi)
        assay_papi_pause(c->papi);
    for (size_t i = 0; i < N_ROWS; i++)
        if (by_usage(c, i) && usage_now(rows[i].usage, &now))
            c->source[i].usage_sum += now - c->source[i].usage_begin;
}

static void read_perf(const struct assay_perf *perf, struct assay_counter *out)
{
    struct assay_perf_value got;
    if (!assay_perf_read(perf, &got)) {
        out->status = ASSAY_COUNTER_UNAVAILABLE;
        out->value = 0;
        (void)assay_string_copy(out->why, sizeof out->why, "perf: it never ran, others hold the units");
        return;
    }
    out->status = got.scaled ? ASSAY_COUNTER_MULTIPLEXED : ASSAY_COUNTER_OK;
    (void)assay_string_copy(out->why, sizeof out->why, got.scaled ? "scaled: it had to take turns with others" : "");
    out->value = got.value;
    out->enabled_ns = got.enabled_ns;
    out->running_ns = got.running_ns;
}

const struct assay_counter *assay_counters_read(struct assay_counters *c, size_t *n)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        struct assay_counter *out = &c->out[i];
        if (c->source[i].perf) {
            read_perf(c->source[i].perf, out);
        } else if (c->source[i].papi >= 0 && c->papi_failed) {
            out->status = ASSAY_COUNTER_UNAVAILABLE;
            (void)assay_string_copy(out->why, sizeof out->why, "papi: it did not start again");
        } else if (out->status == ASSAY_COUNTER_OK) {
            out->value = c->source[i].papi >= 0 ? assay_papi_value(c->papi, c->source[i].papi) : c->source[i].usage_sum;
            if (rows[i].usage == USAGE_PEAK_RSS)
                (void)usage_now(USAGE_PEAK_RSS, &out->value);
            out->enabled_ns = out->running_ns = c->counted_ns;
        }
    }
    *n = N_ROWS;
    return c->out;
}
