/* One exchange between ranks, as nccl-tests measure it: `bytes` are its size S there (doc/PERFORMANCE.md of NVIDIA's nccl-tests), the rate is
 * S over the time, and times a factor it is that of a rank's link: 2 (n - 1) / n for a sum of all, (n - 1) / n for what is gathered,
 * scattered or swapped, 1 for what is sent. */
#include <string.h>

#include "harness/ir/infer.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define WHOLE_NUMBERS ((struct assay_fill){ASSAY_FILL_UNLIKE, 24, 0}) /* whose sums are exact: every bit counts */

struct collective {
    int64_t          ranks;
    uint64_t         bytes;
    enum assay_dtype dtype;
};

static const char *const phases[] = {"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "send_receive", NULL};
static const char *const dtypes[] = {"f32", "f64", "i32", NULL};

static const struct assay_option params[] = {
    {.name = "ranks", .type = ASSAY_OPT_I64, .offset = offsetof(struct collective, ranks), .dflt = "2", .min = 2, .max = 32,
     .help = "processes that take part"},
    {.name = "bytes", .type = ASSAY_OPT_BYTES, .offset = offsetof(struct collective, bytes), .dflt = "1MiB", .min = 4, .max = 1e9,
     .help = "the whole buffer: of all_gather what each rank ends with, of all others what each begins with"},
    {.name = "dtype", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct collective, dtype), .dflt = "f32", .choices = dtypes,
     .help = "of its elements"},
    {0},
};

static bool is(const char *phase, const char *name)
{
    return !strcmp(phase, name);
}

static enum assay_code ranks_of(const void *given, const char *phase, uint32_t *n, struct assay_error *err)
{
    const struct collective *p = given;
    uint64_t                 unit = assay_dtype_bits(p->dtype) / 8 * (is(phase, "all_reduce") || is(phase, "send_receive") ? 1 : (uint64_t)p->ranks);
    if (p->bytes % unit)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "bytes must be a multiple of %llu (a whole number of elements for each rank), got %llu",
                          (unsigned long long)unit, (unsigned long long)p->bytes);
    *n = (uint32_t)p->ranks;
    return ASSAY_OK;
}

static struct assay_attr list_of(const char *name, size_t n, const int64_t *list)
{
    struct assay_attr a = {.name = name, .type = ASSAY_ATTR_I64S, .n = n};
    memcpy(a.list, list, n * sizeof *list);
    return a;
}

/* Round a ring: to the next rank, from the one before. The send does not wait, the receive stands behind it. */
static int32_t send_and_receive(struct assay_graph *g, const struct collective *p, int64_t rank, int64_t elements)
{
    const int64_t next[] = {rank, (rank + 1) % p->ranks}, last[] = {(rank + p->ranks - 1) % p->ranks, rank};
    int32_t       x = assay_graph_input(g, "x", p->dtype, 1, &elements, WHOLE_NUMBERS);
    int32_t       sent = assay_graph_op(g, "assay.Send", "sent", &x, 1, (struct assay_attr[]){list_of("ranks", 2, next), ASSAY_ATTR_END});
    return assay_graph_op(g, "assay.Receive", "y", &sent, 1,
                          (struct assay_attr[]){list_of("ranks", 2, last), list_of("shape", 1, &elements),
                                                ASSAY_ATTR_INT("dtype", assay_onnx_number(p->dtype)), ASSAY_ATTR_END});
}

static enum assay_code build_rank(const void *given, const char *phase, uint32_t rank, struct assay_graph *g, struct assay_error *err)
{
    static const struct {
        const char *phase, *op;
    } ops[] = {{"all_reduce", "assay.AllReduce"}, {"all_gather", "assay.AllGather"}, {"reduce_scatter", "assay.ReduceScatter"},
               {"all_to_all", "assay.AllToAll"}};
    const struct collective *p = given;
    int64_t                  list[ASSAY_RANKS], elements = (int64_t)(p->bytes / (assay_dtype_bits(p->dtype) / 8));
    int32_t                  y = ASSAY_NO_VALUE;
    for (int64_t r = 0; r < p->ranks; r++)
        list[r] = r;
    struct assay_attr attrs[] = {list_of("ranks", (size_t)p->ranks, list), ASSAY_ATTR_END};
    if (is(phase, "send_receive"))
        y = send_and_receive(g, p, rank, elements);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        int64_t n = is(phase, "all_gather") ? elements / p->ranks : elements;
        if (!is(phase, ops[i].phase))
            continue;
        int32_t x = assay_graph_input(g, "x", p->dtype, 1, &n, WHOLE_NUMBERS);
        y = assay_graph_op(g, ops[i].op, "y", &x, 1, attrs);
    }
    assay_graph_output(g, y);
    return assay_graph_finish(g, err);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    return build_rank(given, phase, 0, g, err);
}

static void message(const void *given, const char *phase, uint64_t *bytes, double *link_factor)
{
    const struct collective *p = given;
    double                   n = (double)p->ranks;
    *bytes = p->bytes;
    *link_factor = is(phase, "all_reduce") ? 2 * (n - 1) / n : is(phase, "send_receive") ? 1 : (n - 1) / n;
}

const struct assay_workload assay_workload_collective = {
    .name = "collective",
    .summary = "one exchange between ranks: a sum of all, gathering, scattering sums, swapping, sending",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct collective),
    .headline = "message_bytes_per_s",
    .build = build,
    .ranks = ranks_of,
    .build_rank = build_rank,
    .message = message,
};
