#include "harness/load/serving/decoder_step.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/ir/graph.h"
#include "harness/load/told.h"
#include "suites/blocks/decoder.h"
#include "suites/weights/value_source.h"

#include "assay/banned.h"

/* Of a bucket's graph: what a step fills, and what it reads. */
enum { IDS, POSITIONS, TABLE, STARTS, PAST, NEXT, MARGINS, N_NAMED };
static const char *const names[N_NAMED] = {"input_ids", "position_ids", "block_table", "starts", "past", "next_tokens", "margins"};

struct bucket {
    struct assay_decoder_bucket is;
    struct assay_graph         *graph;
    struct assay_program       *program;
    struct assay_binding       *binding; /* fixed params first */
    size_t                      n_bindings, n_fixed;
    int32_t                     value[N_NAMED];
    struct assay_binding       *bound[N_NAMED]; /* their rows of `binding` */
    void                       *host[N_NAMED];  /* controls; of the others, what goes to and comes from the device */
    uint32_t                    filled_sequences, filled_tokens; /* by the last step: behind them all is 0 */
};

/* A param or a cache, which all buckets share. */
struct shared {
    char                 name[ASSAY_VALUE_NAME_BYTES];
    struct assay_buffer *buffer;
};

struct assay_decoder_step {
    struct assay_decoder_step_setup with;
    struct assay_decoder            how; /* but for tokens and batch */
    struct bucket                  *bucket; /* smallest first */
    struct shared                  *shared; /* in the order of the first graph */
    size_t                          n_shared;
    uint32_t                        row; /* entries of a sequence in the table */
    struct assay_decoder_step_bytes bytes;
    bool                            values;
};

static enum assay_code told(const struct assay_decoder_step *d, enum assay_code code, const char *call, struct assay_error *err)
{
    return assay_backend_told(d->with.backend, code, call, err);
}

static bool is_shared(const struct assay_value *v)
{
    return v->alias_of == ASSAY_NO_VALUE && (v->role == ASSAY_ROLE_PARAM || v->role == ASSAY_ROLE_STATE);
}

static bool is_bound(const struct assay_value *v)
{
    return v->role != ASSAY_ROLE_CONST && v->role != ASSAY_ROLE_TEMP;
}

/* ---- making: graphs ----------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const struct bucket *x = a, *y = b;
    if (x->is.tokens != y->is.tokens)
        return x->is.tokens < y->is.tokens ? -1 : 1;
    return (x->is.sequences > y->is.sequences) - (x->is.sequences < y->is.sequences);
}

static enum assay_code check(const struct assay_decoder_step_setup *with, struct assay_error *err)
{
    uint64_t room = (uint64_t)with->n_blocks * with->block_tokens;
    if (!with->block_tokens || !with->n_blocks || !with->max_context || !with->n_buckets)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%" PRIu32 " blocks of %" PRIu32 " tokens, a context of %" PRIu32 ", %zu buckets: all must be positive",
                          with->n_blocks, with->block_tokens, with->max_context, with->n_buckets);
    if (room < with->max_context)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%" PRIu32 " blocks of %" PRIu32 " tokens do not hold one sequence of %" PRIu32, with->n_blocks,
                          with->block_tokens, with->max_context);
    if (with->max_context > with->shape->context)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a context of %" PRIu32 " tokens; model '%s' has %lld", with->max_context, with->shape->name,
                          (long long)with->shape->context);
    if (with->layers > with->shape->layers)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "layers %lld; model '%s' has %lld", (long long)with->layers, with->shape->name,
                          (long long)with->shape->layers);
    for (size_t i = 0; i < with->n_buckets; i++)
        if (!with->buckets[i].sequences || with->buckets[i].sequences > with->buckets[i].tokens)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "a bucket of %" PRIu32 " tokens and %" PRIu32 " sequences; each sequence has one at least",
                              with->buckets[i].tokens, with->buckets[i].sequences);
    return ASSAY_OK;
}

static enum assay_code list_buckets(struct assay_decoder_step *d, struct assay_error *err)
{
    const struct assay_decoder_step_setup *with = &d->with;
    d->bucket = calloc(with->n_buckets, sizeof *d->bucket);
    if (!d->bucket)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu buckets", with->n_buckets);
    for (size_t i = 0; i < with->n_buckets; i++)
        d->bucket[i].is = with->buckets[i];
    qsort(d->bucket, with->n_buckets, sizeof *d->bucket, by_size);
    for (size_t i = 0; i < with->n_buckets; i++)
        if (d->bucket[i].is.sequences > d->bucket[with->n_buckets - 1].is.sequences)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "no bucket holds %" PRIu32 " tokens and %" PRIu32 " sequences, the most that others have",
                              d->bucket[with->n_buckets - 1].is.tokens, d->bucket[i].is.sequences);
    return ASSAY_OK;
}

static enum assay_code build(struct assay_decoder_step *d, struct bucket *b, struct assay_error *err)
{
    struct assay_decoder how = d->how;
    how.tokens = b->is.tokens;
    how.batch = b->is.sequences;
    b->graph = assay_graph_new("decoder");
    if (!b->graph)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    assay_decoder_choose(b->graph, assay_decoder_build(b->graph, &how));
    if (assay_graph_finish(b->graph, err))
        return assay_error_in(err, "building a step of %" PRIu32 " tokens", b->is.tokens);
    for (int i = 0; i < N_NAMED; i++)
        b->value[i] = assay_graph_find(b->graph, names[i]);
    return ASSAY_OK;
}

/* ---- making: memory ----------------------------------------------------------------------------------------------- */

static void add_bytes(struct assay_decoder_step *d)
{
    for (size_t i = 0; i < d->with.n_buckets; i++)
        for (uint32_t v = 0; v < d->bucket[i].graph->n_values; v++) {
            const struct assay_value *x = &d->bucket[i].graph->values[v];
            if (is_shared(x))
                *(x->role == ASSAY_ROLE_PARAM ? &d->bytes.params : &d->bytes.caches) += i ? 0 : x->bytes;
            else if (is_bound(x) && x->role != ASSAY_ROLE_CONTROL && x->alias_of == ASSAY_NO_VALUE)
                d->bytes.buckets += x->bytes;
        }
}

static enum assay_code check_bytes(const struct assay_decoder_step *d, struct assay_error *err)
{
    uint64_t all = d->bytes.params + d->bytes.caches + d->bytes.buckets;
    if (all <= d->with.limit_bytes)
        return ASSAY_OK;
    ASSAY_FAIL(err, ASSAY_MEMORY, "weights take %.1f MiB and caches %.1f MiB, more than %.1f MiB together", (double)d->bytes.params / 1048576,
               (double)d->bytes.caches / 1048576, (double)d->with.limit_bytes / 1048576);
    return assay_error_hint(err, "fewer blocks, or caches in bf16");
}

static enum assay_code take_buffer(const struct assay_decoder_step *d, const struct assay_value *v, struct assay_buffer **out, struct assay_error *err)
{
    struct assay_alloc   how = {sizeof how, v->place, v->bytes ? v->bytes : 1, 64};
    struct assay_buffer *buffer = NULL;
    if (told(d, d->with.backend->alloc(d->with.session, &how, &buffer, err), "alloc", err))
        return assay_error_in(err, "allocating '%.48s', %llu bytes", v->name, (unsigned long long)v->bytes);
    if (!buffer)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "alloc of back end '%s' succeeded and gave nothing", d->with.backend->name);
    *out = buffer;
    return ASSAY_OK;
}

/* Caches begin as zeros: nothing reads what was not written. */
static enum assay_code load(const struct assay_decoder_step *d, const struct assay_value_source *source, int32_t value, void *stage,
                            struct assay_buffer *to, struct assay_error *err)
{
    const struct assay_graph *g = d->bucket[0].graph;
    const struct assay_value *v = &g->values[value];
    if (v->role == ASSAY_ROLE_STATE)
        memset(stage, 0, (size_t)v->bytes);
    else if (assay_value_fill(source, g, value, d->with.seed, 0, stage, err))
        return err->code;
    if (v->bytes && told(d, d->with.backend->upload(d->with.session, to, 0, stage, v->bytes, err), "upload", err))
        return assay_error_in(err, "uploading '%.48s'", v->name);
    return ASSAY_OK;
}

static enum assay_code share(struct assay_decoder_step *d, const struct assay_value_source *source, struct assay_error *err)
{
    const struct assay_graph *g = d->bucket[0].graph;
    uint64_t                  largest = 1;
    for (uint32_t v = 0; v < g->n_values; v++)
        if (is_shared(&g->values[v]) && g->values[v].bytes > largest)
            largest = g->values[v].bytes;
    void *stage = d->values ? assay_block_new((size_t)largest) : NULL;
    d->shared = calloc((size_t)g->n_values + 1, sizeof *d->shared);
    enum assay_code code = !d->shared || (d->values && !stage) ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for weights") : ASSAY_OK;
    for (uint32_t v = 0; !code && v < g->n_values; v++) {
        if (!is_shared(&g->values[v]))
            continue;
        struct shared *s = &d->shared[d->n_shared];
        memcpy(s->name, g->values[v].name, sizeof s->name);
        if ((code = take_buffer(d, &g->values[v], &s->buffer, err)))
            break;
        d->n_shared++;
        if (d->values)
            code = load(d, source, (int32_t)v, stage, s->buffer, err);
    }
    assay_block_free(stage);
    return code;
}

/* ---- making: programs --------------------------------------------------------------------------------------------- */

/* Graphs of all buckets have their values in one order. */
static struct assay_buffer *find_shared(const struct assay_decoder_step *d, const char *name, size_t *from)
{
    for (size_t i = 0; i < d->n_shared; i++) {
        size_t at = (*from + i) % d->n_shared;
        if (!strcmp(d->shared[at].name, name)) {
            *from = at + 1;
            return d->shared[at].buffer;
        }
    }
    return NULL;
}

static enum assay_code bind_value(struct assay_decoder_step *d, struct bucket *b, uint32_t value, size_t *from, struct assay_error *err)
{
    const struct assay_value *v = &b->graph->values[value];
    struct assay_binding     *row = &b->binding[b->n_bindings++];
    int                       named = 0;
    *row = (struct assay_binding){.value = value, .valid_rows = ASSAY_ALL_ROWS};
    while (named < N_NAMED && b->value[named] != (int32_t)value)
        named++;
    if (named == N_NAMED) {
        const struct assay_value *owner = v->alias_of == ASSAY_NO_VALUE ? v : &b->graph->values[v->alias_of];
        row->buffer = find_shared(d, owner->name, from);
        return row->buffer ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_INTERNAL, "buckets do not share '%.60s'", owner->name);
    }
    b->bound[named] = row;
    if (!(b->host[named] = calloc(1, (size_t)v->bytes + 1)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.60s', %llu bytes", v->name, (unsigned long long)v->bytes);
    if (v->role != ASSAY_ROLE_CONTROL)
        return take_buffer(d, v, &row->buffer, err);
    row->host = b->host[named];
    return ASSAY_OK;
}

static enum assay_code compile(const struct assay_decoder_step *d, struct bucket *b, struct assay_error *err)
{
    struct assay_rank_class rank = {.size = sizeof rank, .graph = b->graph, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank, .fixed = b->binding,
                                   .n_fixed = b->n_fixed, .binding_stride = sizeof *b->binding};
    struct assay_program   *program = NULL;
    if (told(d, d->with.backend->compile(d->with.session, &how, &program, err), "compile", err))
        return assay_error_in(err, "compiling a step of %" PRIu32 " tokens", b->is.tokens);
    if (!program)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "compile of back end '%s' succeeded and gave nothing", d->with.backend->name);
    b->program = program;
    return ASSAY_OK;
}

static enum assay_code prepare(struct assay_decoder_step *d, struct bucket *b, struct assay_error *err)
{
    size_t from = 0;
    b->binding = calloc((size_t)b->graph->n_values + 1, sizeof *b->binding);
    if (!b->binding)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the bindings of %" PRIu32 " values", b->graph->n_values);
    for (int fixed = 1; fixed >= 0; fixed--) {
        for (uint32_t v = 0; v < b->graph->n_values; v++)
            if (is_bound(&b->graph->values[v]) && (b->graph->values[v].role == ASSAY_ROLE_PARAM) == (fixed == 1) &&
                bind_value(d, b, v, &from, err))
                return err->code;
        b->n_fixed = fixed ? b->n_bindings : b->n_fixed;
    }
    return compile(d, b, err);
}

static enum assay_code make(struct assay_decoder_step *d, struct assay_error *err)
{
    const struct assay_decoder_step_setup *with = &d->with;
    struct assay_value_source             *source = NULL;
    enum assay_code                        code = check(with, err);
    if (!code)
        code = list_buckets(d, err);
    for (size_t i = 0; !code && i < with->n_buckets; i++)
        code = build(d, &d->bucket[i], err);
    if (code)
        return code;
    add_bytes(d);
    code = check_bytes(d, err);
    if (!code && d->values && with->weights && *with->weights)
        code = assay_value_source_open(d->bucket[0].graph, with->weights, "", &source, err);
    if (!code)
        code = share(d, source, err);
    assay_value_source_close(source);
    for (size_t i = 0; !code && i < with->n_buckets; i++)
        code = prepare(d, &d->bucket[i], err);
    return code;
}

enum assay_code assay_decoder_step_new(const struct assay_decoder_step_setup *setup, struct assay_decoder_step **out, struct assay_error *err)
{
    struct assay_decoder_step *d = calloc(1, sizeof *d);
    if (!d)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a decoder to serve");
    d->with = *setup;
    d->values = setup->device->traits & ASSAY_TRAIT_VALUES && setup->device->traits & ASSAY_TRAIT_MEMORY;
    d->how = (struct assay_decoder){.shape = setup->shape, .phase = ASSAY_DECODER_SERVE, .layers = setup->layers ? setup->layers : setup->shape->layers,
                                    .store = setup->store, .cache = setup->cache, .attention = true, .context = setup->max_context,
                                    .block = setup->block_tokens, .blocks = setup->n_blocks};
    d->row = setup->block_tokens ? (setup->max_context + setup->block_tokens - 1) / setup->block_tokens : 0;
    enum assay_code code = make(d, err);
    if (code) {
        assay_decoder_step_free(d);
        return assay_error_in(err, "making model '%s' ready to be served", setup->shape->name);
    }
    d->with.buckets = NULL;
    *out = d;
    return ASSAY_OK;
}

static void release_bucket(const struct assay_decoder_step *d, struct bucket *b)
{
    if (b->program)
        d->with.backend->discard(d->with.session, b->program);
    for (int i = 0; i < N_NAMED; i++) {
        if (b->bound[i] && b->bound[i]->buffer)
            d->with.backend->release(d->with.session, b->bound[i]->buffer);
        free(b->host[i]);
    }
    free(b->binding);
    assay_graph_free(b->graph);
}

void assay_decoder_step_free(struct assay_decoder_step *d)
{
    if (!d)
        return;
    for (size_t i = 0; d->bucket && i < d->with.n_buckets; i++)
        release_bucket(d, &d->bucket[i]);
    for (size_t i = 0; i < d->n_shared; i++)
        d->with.backend->release(d->with.session, d->shared[i].buffer);
    free(d->bucket);
    free(d->shared);
    free(d);
}

struct assay_decoder_step_bytes assay_decoder_step_memory(const struct assay_decoder_step *d)
{
    return d->bytes;
}

const struct assay_program *assay_decoder_step_program(const struct assay_decoder_step *d)
{
    return d->bucket[d->with.n_buckets - 1].program;
}

/* ---- a step --------------------------------------------------------------------------------------------------------- */

static struct bucket *bucket_for(const struct assay_decoder_step *d, const struct assay_step *step)
{
    for (size_t i = 0; i < d->with.n_buckets; i++)
        if (d->bucket[i].is.tokens >= step->n_tokens && d->bucket[i].is.sequences >= step->n_sequences)
            return &d->bucket[i];
    return NULL;
}

static enum assay_code check_step(const struct assay_decoder_step *d, const struct assay_step *step, struct assay_error *err)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < step->n_sequences; i++) {
        const struct assay_step_sequence *s = &step->sequences[i];
        if (!s->n || (uint64_t)s->past + s->n > d->with.max_context)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "request %llu: %" PRIu32 " tokens behind %" PRIu32 "; a context has %" PRIu32,
                              (unsigned long long)s->request, s->n, s->past, d->with.max_context);
        if (d->values && !s->tokens)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "request %llu: no tokens for a device that computes values", (unsigned long long)s->request);
        tokens += s->n;
    }
    if (tokens != step->n_tokens || !tokens)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a step of %" PRIu32 " tokens whose sequences have %" PRIu64, step->n_tokens, tokens);
    return ASSAY_OK;
}

/* The host's side of the inputs. Padding: tokens 0 that no sequence owns, sequences without a token. */
static void fill(const struct assay_decoder_step *d, struct bucket *b, const struct assay_step *step)
{
    int64_t *ids = b->host[IDS], *positions = b->host[POSITIONS];
    int32_t *table = b->host[TABLE], *starts = b->host[STARTS], *past = b->host[PAST];
    uint32_t row = 0;
    for (uint32_t i = 0; i < step->n_sequences; i++) {
        const struct assay_step_sequence *s = &step->sequences[i];
        uint32_t needed = (s->past + s->n + d->with.block_tokens - 1) / d->with.block_tokens;
        starts[i] = (int32_t)row;
        past[i] = (int32_t)s->past;
        int32_t *blocks = table + (size_t)i * d->row;
        memcpy(blocks, s->blocks, needed * sizeof *blocks);
        memset(blocks + needed, 0, (d->row - needed) * sizeof *blocks);
        for (uint32_t t = 0; t < s->n; t++, row++) {
            ids[row] = s->tokens ? s->tokens[t] : 0;
            positions[row] = (int64_t)s->past + t;
        }
    }
    for (uint32_t i = step->n_sequences; i <= b->is.sequences; i++)
        starts[i] = (int32_t)row;
    for (uint32_t i = step->n_sequences; i < b->filled_sequences; i++) {
        past[i] = 0;
        memset(table + (size_t)i * d->row, 0, d->row * sizeof *table);
    }
    for (uint32_t i = row; i < b->filled_tokens; i++)
        ids[i] = positions[i] = 0;
    b->filled_sequences = step->n_sequences;
    b->filled_tokens = row;
    b->bound[IDS]->valid_rows = b->bound[POSITIONS]->valid_rows = step->n_tokens;
    b->bound[TABLE]->valid_rows = b->bound[PAST]->valid_rows = step->n_sequences;
    b->bound[NEXT]->valid_rows = b->bound[MARGINS]->valid_rows = step->n_sequences;
    b->bound[STARTS]->valid_rows = (uint64_t)step->n_sequences + 1;
}

static enum assay_code launch(const struct assay_decoder_step *d, const struct bucket *b, uint64_t earliest_ns, struct assay_span *span,
                              struct assay_error *err)
{
    const struct assay_backend *backend = d->with.backend;
    struct assay_launch how = {.size = sizeof how, .program = b->program, .bindings = b->binding + b->n_fixed,
                               .earliest_ns = d->with.device->clock == ASSAY_CLOCK_MODEL ? earliest_ns : 0,
                               .n_bindings = b->n_bindings - b->n_fixed, .binding_stride = sizeof *b->binding};
    struct assay_event *event = NULL;
    size_t              done = 0;
    *span = (struct assay_span){.size = sizeof *span};
    if (told(d, backend->execute(d->with.session, &how, &event, err), "execute", err))
        return err->code;
    if (!event)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "execute of back end '%s' succeeded and gave nothing", backend->name);
    enum assay_code code = told(d, backend->poll(d->with.session, &event, 1, d->with.timeout_ns, &done, span, err), "poll", err);
    backend->forget(d->with.session, event);
    return code;
}

/* Beside the tokens, no token into where the next ones come: a device that writes nothing is not believed. */
static enum assay_code upload(const struct assay_decoder_step *d, const struct bucket *b, struct assay_error *err)
{
    static const int uploaded[] = {IDS, NEXT};
    int64_t         *next = b->host[NEXT];
    for (uint32_t i = 0; i < b->is.sequences; i++)
        next[i] = -1;
    for (size_t i = 0; i < sizeof uploaded / sizeof *uploaded; i++) {
        uint64_t bytes = b->graph->values[b->value[uploaded[i]]].bytes;
        struct assay_buffer *to = b->bound[uploaded[i]]->buffer;
        if (told(d, d->with.backend->upload(d->with.session, to, 0, b->host[uploaded[i]], bytes, err), "upload", err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code download(const struct assay_decoder_step *d, const struct bucket *b, int what, struct assay_error *err)
{
    uint64_t bytes = b->graph->values[b->value[what]].bytes;
    return told(d, d->with.backend->download(d->with.session, b->bound[what]->buffer, 0, b->host[what], bytes, err), "download", err);
}

static enum assay_code collect(const struct assay_decoder_step *d, const struct bucket *b, const struct assay_step *step, int32_t *next,
                               float *margin, struct assay_error *err)
{
    const int64_t *tokens = b->host[NEXT];
    const float   *margins = b->host[MARGINS];
    if ((next && download(d, b, NEXT, err)) || (margin && download(d, b, MARGINS, err)))
        return err->code;
    for (uint32_t i = 0; i < step->n_sequences; i++) {
        if (!step->sequences[i].samples)
            continue;
        if (next && (tokens[i] < 0 || tokens[i] >= d->with.shape->vocab))
            return ASSAY_FAIL(err, ASSAY_DEVICE, "request %llu: next token %lld; the model has %lld", (unsigned long long)step->sequences[i].request,
                              (long long)tokens[i], (long long)d->with.shape->vocab);
        if (next)
            next[i] = (int32_t)tokens[i];
        if (margin)
            margin[i] = margins[i];
    }
    return ASSAY_OK;
}

static enum assay_code execute(void *self, const struct assay_step *step, int32_t *next, float *margin, struct assay_span *span,
                               struct assay_error *err)
{
    struct assay_decoder_step *d = self;
    struct bucket             *b = bucket_for(d, step);
    if (!b)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a step of %" PRIu32 " tokens of %" PRIu32 " sequences; the largest bucket has %" PRIu32 " and %" PRIu32,
                          step->n_tokens, step->n_sequences, d->bucket[d->with.n_buckets - 1].is.tokens,
                          d->bucket[d->with.n_buckets - 1].is.sequences);
    if (check_step(d, step, err))
        return err->code;
    fill(d, b, step);
    if ((d->values && upload(d, b, err)) || launch(d, b, step->earliest_ns, span, err))
        return assay_error_in(err, "a step of %" PRIu32 " tokens of %" PRIu32 " sequences", step->n_tokens, step->n_sequences);
    return d->values ? collect(d, b, step, next, margin, err) : ASSAY_OK;
}

struct assay_step_target assay_decoder_step_as_target(struct assay_decoder_step *d)
{
    const struct assay_decoder_bucket *largest = &d->bucket[d->with.n_buckets - 1].is;
    return (struct assay_step_target){.self = d, .execute = execute,
                                      .limits = {.max_tokens = largest->tokens, .max_sequences = largest->sequences,
                                                 .block_tokens = d->with.block_tokens, .n_blocks = d->with.n_blocks,
                                                 .max_context = d->with.max_context, .clock = d->with.device->clock, .values = d->values}};
}
