/* Where whole models spend their time here: each case compiled with fixed params, run in turn with the ceilings, its nodes'
 * shares by op from traced launches; the best run against the best burst.   bench_models OPTIONS THREADS CASE... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "assay/backend.h"
#include "harness/base/options.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"
#include "harness/measure/ceiling.h"
#include "harness/plan/plan.h"
#include "suites/data/fill.h"

extern const struct assay_backend *assay_backend_entry(const struct assay_host *host);

enum { ROUNDS = 12, MOST_OPS = 64 };

struct share {
    char     op[48];
    uint64_t ns;
    unsigned n;
};

/* One thread is measured by the processor's time it had, which neighbours do not lengthen much. */
static clockid_t measured = CLOCK_MONOTONIC;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(measured, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void silent(enum assay_log_level level, const char *text)
{
    (void)level;
    (void)text;
}

static void fail(const char *what, const struct assay_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

static struct assay_binding *bind_all(const struct assay_graph *g, size_t *n)
{
    struct assay_error    err = {0};
    struct assay_binding *bindings = calloc(g->n_values + 1u, sizeof *bindings);
    *n = 0;
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        if (value->role == ASSAY_ROLE_CONST || value->role == ASSAY_ROLE_TEMP || value->alias_of != ASSAY_NO_VALUE)
            continue;
        void *at = aligned_alloc(2u << 20, (value->bytes + (2u << 20)) >> 21 << 21);
        if (value->bytes >= 4u << 20)
            (void)madvise(at, value->bytes, MADV_HUGEPAGE); /* as the back end's own buffers */
        memset(at, 0, value->bytes);
        if (value->role != ASSAY_ROLE_OUTPUT && assay_fill_value(g, (int32_t)v, 1, 0, at, &err))
            fail("filling", &err);
        bindings[(*n)++] = (struct assay_binding){.value = v, .host = at, .valid_rows = ASSAY_ALL_ROWS};
    }
    return bindings;
}

static size_t fixed_of(const struct assay_graph *g, const struct assay_binding *all, size_t n, struct assay_binding *fixed)
{
    size_t n_fixed = 0;
    for (size_t i = 0; i < n; i++)
        if (assay_graph_value(g, (int32_t)all[i].value)->role == ASSAY_ROLE_PARAM)
            fixed[n_fixed++] = all[i];
    return n_fixed;
}

static int by_ns(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    return (x->ns < y->ns) - (x->ns > y->ns);
}

static void print_shares(const struct assay_graph *g, const struct assay_trace_row *rows, size_t n)
{
    struct share shares[MOST_OPS] = {{{0}, 0, 0}};
    size_t       n_shares = 0;
    uint64_t     all = 0;
    for (size_t i = 0; i < n; i++) {
        char what[sizeof shares[0].op];
        (void)snprintf(what, sizeof what, "%s: %.20s", g->nodes[rows[i].node].op->name, rows[i].note);
        size_t k = 0;
        while (k < n_shares && strcmp(shares[k].op, what) != 0)
            k++;
        if (k == MOST_OPS)
            continue;
        n_shares += k == n_shares;
        (void)snprintf(shares[k].op, sizeof shares[k].op, "%s", what);
        shares[k].ns += rows[i].end_ns - rows[i].begin_ns;
        shares[k].n++;
        all += rows[i].end_ns - rows[i].begin_ns;
        if (getenv("NODES"))
            printf("    %8.3f ms %s %s | %s\n", 1e-6 * (double)(rows[i].end_ns - rows[i].begin_ns),
                   g->nodes[rows[i].node].op->name, assay_graph_value(g, g->nodes[rows[i].node].outputs[0])->name, rows[i].note);
    }
    qsort(shares, n_shares, sizeof *shares, by_ns);
    for (size_t k = 0; k < n_shares && k < 14; k++)
        printf("    %5.1f %% %8.3f ms of %u x %s\n", 100 * (double)shares[k].ns / (double)all, 1e-6 * (double)shares[k].ns,
               shares[k].n, shares[k].op);
}

static double launch_s(const struct assay_backend *b, struct assay_session *s, const struct assay_launch *launch,
                       struct assay_trace_row *rows, size_t capacity, size_t *n)
{
    struct assay_error  err = {0};
    struct assay_event *event;
    struct assay_span   span = {.size = sizeof span};
    size_t              done;
    if (b->execute(s, launch, &event, &err) || b->poll(s, &event, 1, ASSAY_WAIT_FOREVER, &done, &span, &err) ||
        b->trace(s, event, rows, sizeof *rows, capacity, n, &err))
        fail("running", &err);
    b->forget(s, event);
    return (double)(span.end_ns - span.begin_ns) * 1e-9;
}

static void bench(const struct assay_backend *b, struct assay_session *s, struct assay_ceiling *ceiling, const char *name)
{
    struct assay_error  err = {0};
    struct assay_case   c;
    struct assay_graph *g = NULL;
    if (assay_case_parse(name, &c, &err) || assay_case_graph(&c, &g, &err))
        fail(name, &err);
    struct assay_launch     launch = {.size = sizeof launch, .binding_stride = sizeof(struct assay_binding),
                                      .flags = ASSAY_LAUNCH_TRACE};
    struct assay_binding   *all = bind_all(g, &launch.n_bindings), *fixed = calloc(launch.n_bindings + 1, sizeof *fixed);
    struct assay_rank_class rank = {.size = sizeof rank, .graph = g, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank,
                                   .fixed = fixed, .n_fixed = fixed_of(g, all, launch.n_bindings, fixed),
                                   .binding_stride = sizeof *fixed};
    struct assay_trace_row *rows = calloc(g->n_nodes + 1u, sizeof *rows), *best = calloc(g->n_nodes + 1u, sizeof *best);
    size_t                  n_rows = 0;
    if (b->compile(s, &how, &launch.program, &err))
        fail(name, &err);
    launch.bindings = all;
    struct assay_cost cost = assay_graph_cost(g);
    double            least_s = 1e9, flops = 0, bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double taken_s = launch_s(b, s, &launch, rows, g->n_nodes, &n_rows);
        double peak = assay_ceiling_flops_per_s(ceiling, 0), triad = assay_ceiling_bytes_per_s(ceiling, 0);
        flops = peak > flops ? peak : flops;
        bytes = triad > bytes ? triad : bytes;
        if (i && taken_s < least_s) {
            least_s = taken_s;
            memcpy(best, rows, n_rows * sizeof *rows);
        }
    }
    printf("bench %s %.1f %% of peak, %.1f %% of triad, %.3f ms; peak %.1f GFLOP/s, triad %.1f GB/s, %zu steps\n", name,
           100 * (double)cost.flops / least_s / flops,
           100 * (double)(cost.read_bytes + cost.written_bytes) / least_s / bytes, 1e3 * least_s, 1e-9 * flops, 1e-9 * bytes, n_rows);
    print_shares(g, best, n_rows);
    fflush(stdout);
    for (size_t i = 0; i < launch.n_bindings; i++)
        free(all[i].host);
    free(all);
    free(fixed);
    free(rows);
    free(best);
    b->discard(s, launch.program);
    assay_graph_free(g);
    assay_case_release(&c);
}

int main(int argc, char **argv)
{
    struct assay_error    err = {0};
    char                  parsed[256] = {0};
    struct assay_host     host = {.size = sizeof host, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR,
                                  .now_ns = now_ns, .log = silent};
    struct assay_session *s;
    struct assay_ceiling *ceiling;
    assay_graph_lend(&host);
    const struct assay_backend *b = assay_backend_entry(&host);
    if (argc < 4) {
        fprintf(stderr, "bench_models OPTIONS THREADS CASE...\n");
        return 2;
    }
    if (assay_options_parse(b->options, parsed, argv[1], "cpu", &err))
        fail("options", &err);
    unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
    measured = threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    struct assay_open how = {.size = sizeof how, .device = "host", .options = parsed};
    if (b->open(&how, &s, &err) || assay_ceiling_open(threads, &ceiling, &err))
        fail("opening", &err);
    for (int i = 3; i < argc; i++)
        bench(b, s, ceiling, argv[i]);
    assay_ceiling_close(ceiling);
    b->close(s);
    return 0;
}
