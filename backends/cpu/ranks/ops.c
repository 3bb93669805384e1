/* assay.AllReduce, AllGather, ReduceScatter, AllToAll, Replicate, Send, Receive: through the communicator, by the one thread that
 * executes. Sums are made in the order of the ranks, so that bits repeat. */
#include <stdlib.h>

#include "backends/cpu/moving/moving.h"
#include "backends/cpu/ranks/ranks.h"

#include "assay/banned.h"

#define TYPES_SUMMED (CPU_TYPE(F32) | CPU_TYPE(F64) | CPU_TYPE(I32) | CPU_TYPE(I64))

/* A tensor in which each of `outer` slices holds a run of bytes for every rank, against one block a rank. */
struct comb {
    size_t outer, run;
};

struct exchange {
    const struct assay_comm *comm; /* NULL: a group of one */
    uint32_t                 peer; /* of Send, Receive: by its number in all */
    enum assay_dtype         dtype;
    enum assay_reduce        reduce;
    size_t                   n, bytes;   /* ranks; bytes of a rank's block */
    struct comb              before, after;
    char                    *given, *got; /* n blocks each, where the tensor itself does not hold them so */
};

static struct comb comb_of(const int64_t *dims, int64_t rank, int64_t axis, size_t bytes)
{
    struct comb c = {1, bytes};
    for (int64_t d = 0; d < rank; d++)
        *(d < axis ? &c.outer : &c.run) *= (size_t)dims[d];
    return c;
}

static void to_blocks(const struct comb *c, size_t n, const char *x, char *blocks)
{
    for (size_t o = 0; o < c->outer; o++)
        for (size_t r = 0; r < n; r++)
            memcpy(blocks + (r * c->outer + o) * c->run, x + (o * n + r) * c->run, c->run);
}

static void from_blocks(const struct comb *c, size_t n, const char *blocks, char *y)
{
    for (size_t o = 0; o < c->outer; o++)
        for (size_t r = 0; r < n; r++)
            memcpy(y + (o * n + r) * c->run, blocks + (r * c->outer + o) * c->run, c->run);
}

#define ADD(type)                                          \
    do {                                                   \
        const type *x = from;                              \
        type       *y = to;                                \
        for (size_t i = 0; i < bytes / sizeof(type); i++)  \
            y[i] = (type)(y[i] + x[i]);                    \
    } while (0)

static void add(const struct cpu_engine *engine, enum assay_dtype dtype, size_t bytes, const void *from, void *to)
{
    switch (dtype) {
    case ASSAY_F32: engine->kernels->moving->add_scaled(bytes / sizeof(float), 1.0f, from, to); break;
    case ASSAY_F64: ADD(double); break;
    case ASSAY_I32: ADD(uint32_t); break; /* whole numbers wrap */
    default: ADD(uint64_t); break;
    }
}

static void copy(size_t bytes, const void *from, void *to)
{
    if (bytes && from != to)
        memcpy(to, from, bytes);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

static enum assay_code run_all_reduce(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    copy(e->bytes, call->in[0], call->out[0]);
    return e->comm ? e->comm->all_reduce(e->comm->self, e->dtype, e->reduce, call->out[0], e->bytes / (assay_dtype_bits(e->dtype) / 8), err)
                   : ASSAY_OK;
}

static enum assay_code run_all_gather(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    char                  *blocks = e->got ? e->got : call->out[0];
    if (!e->comm)
        copy(e->bytes, call->in[0], call->out[0]);
    else if (e->comm->all_gather(e->comm->self, call->in[0], e->bytes, blocks, err))
        return err->code;
    if (e->got)
        from_blocks(&e->after, e->n, blocks, call->out[0]);
    return ASSAY_OK;
}

/* Each rank's block to its rank; in[0] itself where it is made of blocks. */
static enum assay_code swap(const struct exchange *e, const struct cpu_call *call, void *blocks, struct assay_error *err)
{
    if (e->given)
        to_blocks(&e->before, e->n, call->in[0], e->given);
    return e->comm->all_to_all(e->comm->self, e->given ? e->given : call->in[0], e->bytes, blocks, err);
}

static enum assay_code run_reduce_scatter(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    if (!e->comm) {
        copy(e->bytes, call->in[0], call->out[0]);
        return ASSAY_OK;
    }
    if (swap(e, call, e->got, err))
        return err->code;
    copy(e->bytes, e->got, call->out[0]);
    for (size_t r = 1; r < e->n; r++)
        add(call->engine, e->dtype, e->bytes, e->got + r * e->bytes, call->out[0]);
    return ASSAY_OK;
}

static enum assay_code run_all_to_all(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    char                  *blocks = e->got ? e->got : call->out[0];
    if (!e->comm)
        copy(e->bytes, call->in[0], call->out[0]);
    else if (swap(e, call, blocks, err))
        return err->code;
    if (e->got)
        from_blocks(&e->after, e->n, blocks, call->out[0]);
    return ASSAY_OK;
}

static enum assay_code run_replicate(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    (void)err;
    copy(e->bytes, call->in[0], call->out[0]);
    return ASSAY_OK;
}

static enum assay_code run_send(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    memset(call->out[0], 0, assay_dtype_bits(e->dtype) / 8);
    return e->comm ? e->comm->send(e->comm->self, e->peer, call->in[0], e->bytes, err) : ASSAY_OK;
}

static enum assay_code run_receive(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct exchange *e = state;
    if (!e->comm && e->bytes)
        memset(call->out[0], 0, e->bytes);
    return e->comm ? e->comm->receive(e->comm->self, e->peer, call->out[0], e->bytes, err) : ASSAY_OK;
}

/* ---- preparing ------------------------------------------------------------------------------------------------- */

static void release(void *state)
{
    struct exchange *e = state;
    if (e->given)
        cpu_block_free(e->given);
    if (e->got)
        cpu_block_free(e->got);
    free(e);
}

static size_t element_bytes(const struct assay_value_view *v)
{
    return assay_dtype_bits(v->dtype) / 8;
}

/* A state with its group, for a block of `bytes`; NULL: *err says why not. */
static struct exchange *begin(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step, size_t bytes,
                              struct assay_error *err)
{
    struct exchange *e = calloc(1, sizeof *e);
    if (!e) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
        return NULL;
    }
    step->state = e;
    step->release = release;
    *e = (struct exchange){.n = 1, .bytes = bytes, .dtype = node->in[0].dtype, .reduce = ASSAY_REDUCE_SUM};
    if (cpu_ranks_group(engine->ranks, node, &e->comm, err))
        return NULL;
    e->n = e->comm ? e->comm->n_ranks : 1;
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu ranks, %zu bytes each", e->n, bytes);
    return e;
}

static enum assay_code reserve(struct exchange *e, char **blocks, struct assay_error *err)
{
    size_t bytes;
    bool   fits = !__builtin_mul_overflow(e->n, e->bytes, &bytes);
    *blocks = fits ? cpu_block_new(bytes) : NULL;
    return *blocks ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for blocks of %zu ranks", e->n);
}

static enum assay_code prepare_all_reduce(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                          struct assay_error *err)
{
    struct exchange *e = begin(engine, node, step, node->in[0].bytes, err);
    step->run = run_all_reduce;
    if (e && strcmp(cpu_attr_text(node, "reduce", "sum"), "sum") != 0)
        e->reduce = ASSAY_REDUCE_MAX;
    return err->code;
}

static enum assay_code prepare_all_gather(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                          struct assay_error *err)
{
    struct exchange *e = begin(engine, node, step, node->in[0].bytes, err);
    step->run = run_all_gather;
    if (!e)
        return err->code;
    e->after = comb_of(node->in[0].dims, node->in[0].rank, cpu_attr_i64(node, "axis", 0), element_bytes(&node->in[0]));
    return e->comm && e->after.outer > 1 ? reserve(e, &e->got, err) : ASSAY_OK;
}

static enum assay_code prepare_reduce_scatter(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                              struct assay_error *err)
{
    struct exchange *e = begin(engine, node, step, node->out[0].bytes, err);
    step->run = run_reduce_scatter;
    if (!e || !e->comm)
        return err->code;
    e->before = comb_of(node->out[0].dims, node->out[0].rank, cpu_attr_i64(node, "axis", 0), element_bytes(&node->out[0]));
    if (e->before.outer > 1 && reserve(e, &e->given, err))
        return err->code;
    return reserve(e, &e->got, err);
}

static enum assay_code prepare_all_to_all(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                          struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0];
    int64_t                        split = cpu_attr_i64(node, "split_axis", 0), concat = cpu_attr_i64(node, "concat_axis", 0);
    int64_t                        part[ASSAY_MAX_RANK]; /* one rank's share of X */
    struct exchange               *e = begin(engine, node, step, x->bytes, err);
    step->run = run_all_to_all;
    if (!e || !e->comm)
        return err->code;
    e->bytes /= e->n;
    memcpy(part, x->dims, sizeof part);
    part[split] /= (int64_t)e->n;
    e->before = comb_of(part, x->rank, split, element_bytes(x));
    e->after = comb_of(part, x->rank, concat, element_bytes(x));
    if (e->before.outer > 1 && reserve(e, &e->given, err))
        return err->code;
    return e->after.outer > 1 ? reserve(e, &e->got, err) : ASSAY_OK;
}

static enum assay_code prepare_replicate(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                         struct assay_error *err)
{
    struct exchange *e = calloc(1, sizeof *e);
    (void)engine;
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    e->bytes = node->in[0].bytes;
    step->state = e;
    step->release = free;
    step->run = run_replicate;
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu bytes copied", e->bytes);
    return ASSAY_OK;
}

/* Between two ranks there is no group: they call each other by their numbers in all. */
static enum assay_code prepare_pair(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step, bool sends,
                                    struct assay_error *err)
{
    int64_t          pair[2] = {0};
    struct exchange *e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    size_t n = cpu_attr_i64s(node, "ranks", pair, 2);
    *e = (struct exchange){.comm = n == 2 ? cpu_ranks_all(engine->ranks) : NULL, .peer = (uint32_t)pair[sends ? 1 : 0],
                           .dtype = node->out[0].dtype, .bytes = sends ? node->in[0].bytes : node->out[0].bytes};
    step->state = e;
    step->release = release;
    step->run = sends ? run_send : run_receive;
    if (n == 2 && cpu_ranks_all(engine->ranks)->rank != (uint32_t)pair[sends ? 0 : 1])
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s on rank %u; it stands on rank %lld", node->op, cpu_ranks_all(engine->ranks)->rank,
                          (long long)pair[sends ? 0 : 1]);
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu bytes %s rank %u", e->bytes, sends ? "to" : "from", e->peer);
    return ASSAY_OK;
}

static enum assay_code prepare_send(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    return prepare_pair(engine, node, step, true, err);
}

static enum assay_code prepare_receive(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    return prepare_pair(engine, node, step, false, err);
}

static bool accepts_summed(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, TYPES_SUMMED, why_not);
}

static bool accepts_whole_bytes(const struct cpu_node *node, struct assay_text *why_not)
{
    for (int i = 0; i < 2; i++) {
        const struct assay_value_view *v = i ? &node->out[0] : &node->in[0];
        if (assay_dtype_bits(v->dtype) % 8 == 0)
            continue;
        assay_text_add(why_not, "%s of ", node->op);
        cpu_describe_value(v, why_not);
        assay_text_add(why_not, ": elements that share a byte are not cut");
        return false;
    }
    return true;
}

#define BETWEEN_RANKS(op, label, accept)                                                                                       \
    const struct cpu_op cpu_op_##op = {.name = label, .domain = "assay", .in_place = false, .accepts = accept,                 \
                                       .prepare = prepare_##op, .any_type = true};
BETWEEN_RANKS(all_reduce, "AllReduce", accepts_summed)
BETWEEN_RANKS(all_gather, "AllGather", accepts_whole_bytes)
BETWEEN_RANKS(reduce_scatter, "ReduceScatter", accepts_summed)
BETWEEN_RANKS(all_to_all, "AllToAll", accepts_whole_bytes)
BETWEEN_RANKS(replicate, "Replicate", accepts_whole_bytes)
BETWEEN_RANKS(send, "Send", accepts_whole_bytes)
BETWEEN_RANKS(receive, "Receive", accepts_whole_bytes)
