/* What driving a scenario costs, on the null back end: everything that is measured is the harness's.
 *
 *     bench_drive PATH/assay-null.so [QUERIES]      (10^8 by default for the one that shows its memory)
 *
 * Windows of 100 ms in which the hypervisor gave none of this machine's time to others (steal, /proc/stat) are looked at apart: what
 * happens in the others is not the program's doing. Their share and the figure over all windows stand beside. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/ir/graph.h"
#include "harness/load/drive.h"
#include "harness/load/graph_target.h"
#include "harness/load/series.h"
#include "harness/measure/counters.h"
#include "harness/plan/plan.h"
#include "harness/plan/seed_set.h"
#include "harness/run/loader.h"

enum { WINDOW_NS = 100000000, WINDOWS = 200, ROWS = 1 << 18, SLOTS = 8 };

static struct assay_opened        opened;
static struct assay_graph_target *graph_target;
static struct assay_target        target;

static void must(enum assay_code code, const struct assay_error *err)
{
    if (!code)
        return;
    fprintf(stderr, "bench_drive: %s\n", err->message);
    exit(1);
}

/* The slot of a sample: what the run of a case puts before its target. */
static enum assay_code issue(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err)
{
    struct assay_target *inner = self;
    struct assay_query   query = {.slot = (uint32_t)(q->samples[0] % SLOTS), .earliest_ns = q->earliest_ns};
    return inner->issue(inner->self, &query, token, err);
}
static enum assay_code poll(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span, struct assay_error *err)
{
    struct assay_target *inner = self;
    return inner->poll(inner->self, timeout_ns, token, span, err);
}
static void cancel(void *self, uint64_t token)
{
    struct assay_target *inner = self;
    inner->cancel(inner->self, token);
}

static void open_null(const char *plugin)
{
    struct assay_error  err = {0};
    struct assay_case   what = {0};
    struct assay_graph *graph = NULL;
    must(assay_backend_open(plugin, NULL, &opened, &err), &err);
    must(assay_case_parse("gemm/m=64,n=64,k=64", &what, &err), &err);
    must(assay_case_graph(&what, &graph, &err), &err);
    struct assay_graph_target_setup setup = {.backend = opened.backend, .session = opened.session, .device = &opened.device,
                                             .graph = graph, .seed = 1, .slots = SLOTS, .limit_bytes = UINT64_MAX};
    must(assay_graph_target_new(&setup, &graph_target, &err), &err);
    target = assay_graph_target_as_target(graph_target);
}

static void drive(const char *scenario, void (*completed)(void *, const struct assay_query_row *), void *self,
                  struct assay_drive_result *out)
{
    struct assay_error    err = {0};
    struct assay_scenario s;
    struct assay_seeds    seeds;
    struct assay_target   outer = {.self = &target, .clock = target.clock, .issue = issue, .poll = poll, .cancel = cancel};
    must(assay_scenario_parse(scenario, &s, &err), &err);
    must(assay_seeds_find("loadgen-v6.1", &seeds, &err), &err);
    struct assay_drive d = {.scenario = &s, .seeds = &seeds, .target = &outer, .batching = {.maximum = 1}, .executions = 1,
                            .timeout_ns = 10000000000u, .lateness_limit_ns = 1000000, .completed = completed, .self = self};
    must(assay_drive_run(&d, out, &err), &err);
    if (out->failed || out->issued != out->completed)
        fprintf(stderr, "bench_drive: %" PRIu64 " of %" PRIu64 " queries failed: %s\n", out->failed, out->issued, out->first_failure.message);
}

static void keep(void *self, const struct assay_query_row *row)
{
    assay_series_add(self, row);
}

/* ---- windows without steal ---------------------------------------------------------------------------------- */

static struct {
    struct assay_histogram lateness[WINDOWS];
    uint64_t               begin_ns, steal[WINDOWS + 1], now;
    long                   switches[WINDOWS + 1]; /* of the issuing thread, involuntary, at the begin of a window */
    atomic_bool            ended;
} windows;

static uint64_t steal_ticks(void)
{
    unsigned long long t[8] = {0};
    FILE              *f = fopen("/proc/stat", "re");
    if (f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
        t[7] = 0;
    if (f)
        (void)fclose(f);
    return t[7];
}

static void *watch(void *unused)
{
    (void)unused;
    for (size_t i = 0; i <= WINDOWS && !atomic_load(&windows.ended); i++) {
        windows.steal[i] = steal_ticks();
        assay_clock_sleep_until_ns(windows.begin_ns + (i + 1) * WINDOW_NS);
    }
    return NULL;
}

static void count(void *self, const struct assay_query_row *row)
{
    size_t        i = (size_t)(row->scheduled_ns / WINDOW_NS);
    struct rusage used;
    (void)self;
    for (; windows.now <= i && windows.now <= WINDOWS; windows.now++) {
        (void)getrusage(RUSAGE_THREAD, &used);
        windows.switches[windows.now] = used.ru_nivcsw;
    }
    if (i < WINDOWS)
        assay_histogram_add(&windows.lateness[i], row->issued_ns - row->scheduled_ns);
}

static void add(struct assay_histogram *to, const struct assay_histogram *from)
{
    for (size_t i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++)
        to->count[i] += from->count[i];
    to->n += from->n;
    to->max_ns = from->max_ns > to->max_ns ? from->max_ns : to->max_ns;
}

static void server(void)
{
    static struct assay_drive_result out;
    static struct assay_histogram    quiet, alone;
    pthread_t                        watcher;
    size_t                           n = 0, n_quiet = 0, n_alone = 0;
    for (size_t i = 0; i < WINDOWS; i++)
        assay_histogram_init(&windows.lateness[i]);
    assay_histogram_init(&quiet);
    assay_histogram_init(&alone);
    windows.begin_ns = assay_clock_now_ns();
    if (pthread_create(&watcher, NULL, watch, NULL))
        exit(1);
    drive("server/qps=500000,min_duration_s=10,min_queries=1", count, NULL, &out);
    atomic_store(&windows.ended, true);
    (void)pthread_join(watcher, NULL);
    for (size_t i = 0; i < WINDOWS && windows.lateness[i].n; i++, n++) {
        if (windows.steal[i + 1] != windows.steal[i] || !windows.steal[i + 1])
            continue;
        add(&quiet, &windows.lateness[i]);
        n_quiet++;
        if (i + 2 >= windows.now || windows.switches[i + 1] != windows.switches[i])
            continue;
        add(&alone, &windows.lateness[i]);
        n_alone++;
    }
    printf("bench drive server_held %.0f 1/s (goal 500000, %" PRIu64 " lost: 0)\n",
           (double)out.completed / ((double)out.last_completed_ns / 1e9), out.issued - out.completed);
    printf("bench drive server_lateness_median %" PRIu64 " ns (goal <= 1000)\n", assay_histogram_percentile(&out.lateness, 0.5));
    if (n_quiet)
        printf("bench drive server_lateness_p99_quiet %" PRIu64 " ns (goal <= 20000)\n", assay_histogram_percentile(&quiet, 0.99));
    else
        printf("bench drive server_lateness_p99_quiet none ns (goal <= 20000: every window had steal)\n");
    if (n_alone)
        printf("bench drive server_lateness_p99_alone %" PRIu64 " ns (goal none: quiet windows in which no process took this core, %.0f %% of all)\n",
               assay_histogram_percentile(&alone, 0.99), 100.0 * (double)n_alone / (double)n);
    printf("bench drive server_quiet_windows %.0f %% (goal none)\n", n ? 100.0 * (double)n_quiet / (double)n : 0);
    printf("bench drive server_lateness_p99_raw %" PRIu64 " ns (goal none)\n", assay_histogram_percentile(&out.lateness, 0.99));
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void single_stream(void)
{
    static struct assay_drive_result out;
    uint64_t cpu = cpu_ns();
    drive("single_stream/min_duration_s=3", NULL, NULL, &out);
    cpu = cpu_ns() - cpu;
    printf("bench drive single_stream %.0f 1/s (goal >= 2000000)\n", (double)out.completed / ((double)out.wall_ns / 1e9));
    printf("bench drive added_per_query %.0f ns (goal <= 300)\n", (double)(out.wall_ns - out.span_ns) / (double)out.completed);
    printf("bench drive added_per_query_cpu %.0f ns (goal none: of the time that the core was this thread's, %.0f %%)\n",
           (double)cpu / (double)out.completed, 100.0 * (double)cpu / (double)out.wall_ns);
    printf("bench drive allocations %" PRIu64 " 1 (goal 0)\n", out.allocations.by_harness);
}

static void start_up(void)
{
    static const char *const         rates[] = {"10", "1000", "1000000", "100000000"};
    static struct assay_drive_result out;
    uint64_t                         worst = 0;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char scenario[128];
        (void)snprintf(scenario, sizeof scenario, "server/qps=%s,min_duration_s=0,min_queries=3", rates[i]);
        drive(scenario, NULL, NULL, &out);
        worst = out.first_issue_ns > worst ? out.first_issue_ns : worst;
    }
    printf("bench drive start_to_first_query %.3f ms (goal < 5)\n", (double)worst / 1e6);
}

/* A device of one queue on a model clock: an execution takes 0.8 ms. */
static uint64_t model_free_ns, model_begin_ns;
static enum assay_code model_issue(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err)
{
    (void)self, (void)err;
    model_begin_ns = q->earliest_ns > model_free_ns ? q->earliest_ns : model_free_ns;
    model_free_ns = model_begin_ns + 800000;
    *token = 1;
    return ASSAY_OK;
}
static enum assay_code model_poll(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span, struct assay_error *err)
{
    (void)self, (void)err, (void)timeout_ns;
    *token = 1;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = model_begin_ns;
    span->end_ns = model_free_ns;
    return ASSAY_OK;
}

static void virtual_time(void)
{
    static struct assay_drive_result out;
    struct assay_target              real = target;
    struct assay_series              series;
    struct assay_query_row          *rows = calloc(ROWS, sizeof *rows);
    if (!rows)
        exit(1);
    assay_series_init(&series, rows, ROWS);
    target = (struct assay_target){.clock = ASSAY_CLOCK_MODEL, .issue = model_issue, .poll = model_poll, .cancel = cancel};
    drive("server/qps=1000,min_duration_s=600", keep, &series, &out);
    target = real;
    printf("bench drive ten_minutes_of_1000_qps_on_a_model_clock %.3f s (goal < 2; %" PRIu64 " queries, mean latency %.3f ms, M/D/1: 2.400)\n",
           (double)out.wall_ns / 1e9, out.completed, (double)out.latency.sum_ns / 1e6 / (double)out.latency.n);
    free(rows);
}

static void memory(const char *queries)
{
    static struct assay_drive_result out;
    struct assay_series              series;
    char                             scenario[128];
    double                           peak = 0;
    (void)snprintf(scenario, sizeof scenario, "single_stream/min_duration_s=0,min_queries=%s", queries);
    struct assay_query_row *rows = calloc(ROWS, sizeof *rows);
    if (!rows)
        exit(1);
    assay_series_init(&series, rows, ROWS);
    drive(scenario, keep, &series, &out);
    assay_series_finish(&series);
    (void)assay_counters_peak_resident(&peak);
    printf("bench drive peak_resident_of_%s_queries %.1f MB (goal < 64; every %" PRIu64 "th row kept: %zu)\n", queries, peak / 1e6,
           series.every, series.n);
    free(rows);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_drive PATH/assay-null.so [QUERIES]\n");
        return 2;
    }
    open_null(argv[1]);
    memory(argc > 2 ? argv[2] : "100000000"); /* first: the peak is of the whole process */
    single_stream();
    virtual_time();
    start_up();
    server();
    assay_graph_target_free(graph_target);
    assay_backend_close(&opened);
    return 0;
}
