/* What a decoder's step asks of a device: a back end that notes it all. Values are proved in harness/run/tests/test_decoder_step.c. */
#include "harness/base/tests/source.h"
#include "harness/load/serving/decoder_step.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/graph.h"
#include "suites/blocks/model_shape.h"

#include "assay/banned.h"

enum { MOST = 64, MOST_PROGRAMS = 4 };

struct assay_buffer {
    uint64_t       bytes;
    unsigned char *at;
};
struct assay_program {
    const struct assay_graph *graph;
    struct assay_binding      fixed[MOST];
    size_t                    n_fixed;
};
struct assay_event {
    uint64_t begin_ns;
};

/* One process, one device. */
static struct {
    uint64_t              buffers, bytes, programs, uploads, downloads, fail_alloc, allocs;
    struct assay_program *compiled[MOST_PROGRAMS];
    size_t                n_compiled;
    struct assay_program *ran;
    struct assay_binding  bound[MOST];
    size_t                n_bound;
    uint64_t              earliest_ns;
    int64_t               writes; /* as next tokens; -1: nothing */
    struct assay_event    event;
} device;

static enum assay_code alloc_buffer(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out, struct assay_error *err)
{
    (void)s;
    if (++device.allocs == device.fail_alloc)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "allocation %llu fails as told", (unsigned long long)device.allocs);
    *out = malloc(sizeof **out);
    **out = (struct assay_buffer){how->bytes, calloc(1, (size_t)how->bytes)};
    device.buffers++;
    device.bytes += how->bytes;
    return ASSAY_OK;
}

static void release_buffer(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    device.buffers--;
    free(b->at);
    free(b);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes, struct assay_error *err)
{
    (void)s, (void)err;
    device.uploads++;
    memcpy(b->at + offset, from, (size_t)bytes);
    return ASSAY_OK;
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes, struct assay_error *err)
{
    (void)s, (void)err;
    device.downloads++;
    memcpy(to, b->at + offset, (size_t)bytes);
    return ASSAY_OK;
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out, struct assay_error *err)
{
    struct assay_program *p = calloc(1, sizeof *p);
    (void)s, (void)err;
    p->graph = ((const struct assay_rank_class *)how->classes)->graph;
    cr_assert_leq(how->n_fixed, MOST);
    p->n_fixed = how->n_fixed;
    memcpy(p->fixed, how->fixed, how->n_fixed * sizeof *p->fixed);
    device.compiled[device.n_compiled++ % MOST_PROGRAMS] = p;
    device.programs++;
    *out = p;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    device.programs--;
    free(p);
}

static const struct assay_binding *bound_to(const char *name)
{
    for (size_t i = 0; i < device.n_bound; i++)
        if (!strcmp(device.ran->graph->values[device.bound[i].value].name, name))
            return &device.bound[i];
    cr_assert_fail("'%s' is not bound", name);
    return NULL;
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out, struct assay_error *err)
{
    (void)s, (void)err;
    cr_assert_leq(launch->n_bindings, MOST);
    device.ran = launch->program;
    device.n_bound = launch->n_bindings;
    memcpy(device.bound, launch->bindings, launch->n_bindings * sizeof *device.bound);
    device.earliest_ns = launch->earliest_ns;
    const struct assay_binding *next = bound_to("next_tokens");
    for (uint64_t i = 0; device.writes >= 0 && i < next->buffer->bytes / 8; i++)
        memcpy(next->buffer->at + 8 * i, &device.writes, 8);
    *out = &device.event;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns, size_t *done,
                            struct assay_span *span, struct assay_error *err)
{
    (void)s, (void)events, (void)n, (void)timeout_ns, (void)err;
    *done = 0;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = device.earliest_ns;
    span->end_ns = device.earliest_ns + 7;
    return ASSAY_OK;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    (void)s, (void)e;
}

static const struct assay_backend backend = {.size = sizeof backend, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .name = "notes",
                                             .alloc = alloc_buffer, .release = release_buffer, .upload = upload, .download = download,
                                             .compile = compile, .discard = discard, .execute = execute, .poll = poll, .forget = forget};

static struct assay_device_info          info;
static struct assay_model_shape          shape;
static struct assay_error                err;
static const struct assay_decoder_bucket buckets[] = {{12, 6}, {4, 4}};
static const int32_t                     tokens[] = {5, 6, 7, 8, 9, 10}, blocks[] = {7, 2, 5};

static struct assay_decoder_step_setup setup_of(uint32_t traits, enum assay_clock clock)
{
    find_source();
    cr_assert_eq(assay_model_shape_read("tiny-dense", &shape, &err), ASSAY_OK, "%s", err.message);
    info = (struct assay_device_info){.size = sizeof info, .traits = traits, .clock = clock};
    return (struct assay_decoder_step_setup){.backend = &backend, .device = &info, .shape = &shape, .store = ASSAY_F32, .cache = ASSAY_BF16,
                                             .block_tokens = 2, .n_blocks = 9, .max_context = 8, .buckets = buckets, .n_buckets = 2, .weights = "",
                                             .seed = 1, .limit_bytes = 1u << 30, .timeout_ns = 1000};
}

static struct assay_decoder_step *made(uint32_t traits, enum assay_clock clock)
{
    struct assay_decoder_step            *d = NULL;
    const struct assay_decoder_step_setup setup = setup_of(traits, clock);
    cr_assert_eq(assay_decoder_step_new(&setup, &d, &err), ASSAY_OK, "%s", err.message);
    return d;
}

static void gone(struct assay_decoder_step *d)
{
    assay_decoder_step_free(d);
    cr_expect(device.buffers == 0 && device.programs == 0);
}

enum { VALUES = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY };

Test(decoder_step, buckets_share_params_and_caches)
{
    struct assay_decoder_step *d = made(VALUES, ASSAY_CLOCK_HOST);
    const struct assay_program *small = device.compiled[0], *large = device.compiled[1];
    const struct assay_decoder_step_bytes bytes = assay_decoder_step_memory(d);
    cr_assert(small->n_fixed == large->n_fixed && small->n_fixed > 0);
    for (size_t i = 0; i < small->n_fixed; i++)
        cr_expect_eq(small->fixed[i].buffer, large->fixed[i].buffer);
    cr_expect_eq(bytes.caches, 4 * 9 * 2 * 32 * 2, "2 layers of keys and values, 9 blocks of 2 tokens of 32 numbers in bf16");
    cr_expect_eq(device.bytes, bytes.params + bytes.caches + bytes.buckets);
    gone(d);
}

Test(decoder_step, a_step_goes_through_the_smallest_bucket_that_holds_it_and_the_rest_is_padding)
{
    struct assay_decoder_step *d = made(VALUES, ASSAY_CLOCK_HOST);
    struct assay_step_target   t = assay_decoder_step_as_target(d);
    struct assay_step_sequence list[] = {{.request = 1, .past = 3, .n = 2, .tokens = tokens, .blocks = blocks, .samples = true},
                                         {.request = 2, .past = 0, .n = 1, .tokens = tokens + 2, .blocks = blocks + 2, .samples = false}};
    int32_t           next[2] = {-7, -7};
    float             margin[2] = {-7, -7};
    struct assay_span span;
    device.writes = 42;
    cr_assert_eq(t.execute(t.self, &(struct assay_step){.sequences = list, .n_sequences = 2, .n_tokens = 3, .earliest_ns = 99}, next, margin, &span, &err),
                 ASSAY_OK, "%s", err.message);
    cr_expect_eq(device.ran->graph, device.compiled[0]->graph, "4 tokens");
    const int32_t *starts = bound_to("starts")->host, *past = bound_to("past")->host, *table = bound_to("block_table")->host;
    const int64_t *positions = bound_to("position_ids")->host;
    int64_t        ids[4];
    memcpy(ids, bound_to("input_ids")->buffer->at, sizeof ids);
    cr_expect(starts[0] == 0 && starts[1] == 2 && starts[2] == 3 && starts[3] == 3 && starts[4] == 3);
    cr_expect(past[0] == 3 && past[1] == 0 && past[2] == 0);
    cr_expect(table[0] == 7 && table[1] == 2 && table[2] == 5 && table[4] == 5, "a row has 4 entries");
    cr_expect(positions[0] == 3 && positions[1] == 4 && positions[2] == 0 && positions[3] == 0);
    cr_expect(ids[0] == 5 && ids[1] == 6 && ids[2] == 7 && ids[3] == 0);
    cr_expect(bound_to("input_ids")->valid_rows == 3 && bound_to("position_ids")->valid_rows == 3 && bound_to("past")->valid_rows == 2);
    cr_expect(bound_to("starts")->valid_rows == 3 && bound_to("block_table")->valid_rows == 2 && bound_to("next_tokens")->valid_rows == 2);
    cr_expect(next[0] == 42 && next[1] == -7, "only what samples has a next token");
    cr_expect_eq(device.earliest_ns, 0, "a host's clock waits for nobody");
    cr_expect_eq(bound_to("model.layers.0.self_attn.cache.keys")->buffer, bound_to("model.layers.0.self_attn.cache.keys:next")->buffer);
    list[1].n = 3; /* five tokens */
    list[1].blocks = blocks;
    cr_assert_eq(t.execute(t.self, &(struct assay_step){.sequences = list, .n_sequences = 2, .n_tokens = 5}, next, margin, &span, &err), ASSAY_OK);
    cr_expect_eq(device.ran->graph, device.compiled[1]->graph);
    gone(d);
}

Test(decoder_step, a_device_without_values_gets_control_inputs_alone_and_its_clock_is_told_when)
{
    struct assay_decoder_step *d = made(0, ASSAY_CLOCK_MODEL);
    struct assay_step_target   t = assay_decoder_step_as_target(d);
    struct assay_step_sequence one = {.request = 1, .past = 5, .n = 1, .blocks = blocks, .samples = true};
    int32_t                    next = -7;
    float                      margin = -7;
    struct assay_span          span;
    cr_expect(!t.limits.values && t.limits.clock == ASSAY_CLOCK_MODEL);
    cr_assert_eq(t.execute(t.self, &(struct assay_step){.sequences = &one, .n_sequences = 1, .n_tokens = 1, .earliest_ns = 12345}, &next, &margin, &span, &err),
                 ASSAY_OK, "%s", err.message);
    cr_expect(device.uploads == 0 && device.downloads == 0 && next == -7);
    cr_expect(device.earliest_ns == 12345 && span.end_ns == 12352 && *(const int32_t *)bound_to("past")->host == 5);
    gone(d);
}

Test(decoder_step, a_device_that_writes_no_tokens_is_not_believed)
{
    struct assay_decoder_step *d = made(VALUES, ASSAY_CLOCK_HOST);
    struct assay_step_target   t = assay_decoder_step_as_target(d);
    struct assay_step_sequence one = {.request = 3, .n = 1, .tokens = tokens, .blocks = blocks, .samples = true};
    struct assay_step          step = {.sequences = &one, .n_sequences = 1, .n_tokens = 1};
    int32_t                    next;
    struct assay_span          span;
    device.writes = 1;
    cr_expect_eq(t.execute(t.self, &step, &next, NULL, &span, &err), ASSAY_OK);
    device.writes = -1; /* what stands there is of the step before */
    cr_expect_eq(t.execute(t.self, &step, &next, NULL, &span, &err), ASSAY_DEVICE);
    cr_expect_str_eq(err.message, "request 3: next token -1; the model has 96");
    gone(d);
}

Test(decoder_step, a_step_that_no_bucket_or_context_holds_is_refused)
{
    struct assay_decoder_step *d = made(VALUES, ASSAY_CLOCK_HOST);
    struct assay_step_target   t = assay_decoder_step_as_target(d);
    struct assay_step_sequence one = {.request = 3, .past = 4, .n = 5, .tokens = tokens, .blocks = blocks};
    struct assay_span          span;
    cr_expect_eq(t.execute(t.self, &(struct assay_step){.sequences = &one, .n_sequences = 1, .n_tokens = 5}, NULL, NULL, &span, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "request 3: 5 tokens behind 4; a context has 8");
    cr_expect_eq(t.execute(t.self, &(struct assay_step){.sequences = &one, .n_sequences = 1, .n_tokens = 13}, NULL, NULL, &span, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "a step of 13 tokens of 1 sequences; the largest bucket has 12 and 6");
    one.past = 0;
    cr_expect_eq(t.execute(t.self, &(struct assay_step){.sequences = &one, .n_sequences = 1, .n_tokens = 6}, NULL, NULL, &span, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "a step of 6 tokens whose sequences have 5");
    gone(d);
}

static void expect_refused(const struct assay_decoder_step_setup *setup, enum assay_code code, const char *why)
{
    struct assay_decoder_step *d = NULL;
    memset(&err, 0, sizeof err);
    cr_expect_eq(assay_decoder_step_new(setup, &d, &err), code);
    cr_expect_str_eq(err.message, why);
    cr_expect(!d && device.buffers == 0 && device.programs == 0);
}

Test(decoder_step, what_cannot_be_served_is_refused_in_one_line)
{
    static const struct assay_decoder_bucket none[] = {{4, 2}, {2, 2}, {1, 0}}, apart[] = {{2, 2}, {4, 1}};
    struct assay_decoder_step_setup s = setup_of(VALUES, ASSAY_CLOCK_HOST);
    s.n_blocks = 3;
    expect_refused(&s, ASSAY_CONFIG, "3 blocks of 2 tokens do not hold one sequence of 8");
    s = setup_of(VALUES, ASSAY_CLOCK_HOST);
    s.max_context = 300;
    s.n_blocks = 1000;
    expect_refused(&s, ASSAY_CONFIG, "a context of 300 tokens; model 'tiny-dense' has 256");
    s = setup_of(VALUES, ASSAY_CLOCK_HOST);
    s.buckets = none;
    s.n_buckets = 3;
    expect_refused(&s, ASSAY_CONFIG, "a bucket of 1 tokens and 0 sequences; each sequence has one at least");
    s.buckets = apart;
    s.n_buckets = 2;
    expect_refused(&s, ASSAY_CONFIG, "no bucket holds 4 tokens and 2 sequences, the most that others have");
    s = setup_of(VALUES, ASSAY_CLOCK_HOST);
    s.limit_bytes = 1u << 18;
    expect_refused(&s, ASSAY_MEMORY, "weights take 0.4 MiB and caches 0.0 MiB, more than 0.2 MiB together");
}

/* Two layers, 9 blocks of 2 tokens in bf16: of a latent 16 wide and a turned part of 4, once for keys and values of all 4 heads. */
Test(decoder_step, of_latent_attention_keeps_one_cache_a_layer)
{
    struct assay_decoder_step_setup s = setup_of(VALUES, ASSAY_CLOCK_HOST);
    struct assay_decoder_step      *d = NULL;
    cr_assert_eq(assay_model_shape_read("tiny-mla", &shape, &err), ASSAY_OK);
    cr_assert_eq(assay_decoder_step_new(&s, &d, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_decoder_step_memory(d).caches, 2u * 9 * 2 * (16 + 4) * 2);
    gone(d);
}

Test(decoder_step, whatever_allocation_fails_nothing_is_left)
{
    struct assay_decoder_step_setup s = setup_of(VALUES, ASSAY_CLOCK_HOST);
    struct assay_decoder_step      *d = NULL;
    enum assay_code                 code = ASSAY_MEMORY;
    for (uint64_t n = 1; code; n++) {
        cr_assert_lt(n, 200);
        device.allocs = 0;
        device.fail_alloc = n;
        code = assay_decoder_step_new(&s, &d, &err);
        cr_expect(!code || (code == ASSAY_MEMORY && device.buffers == 0 && device.programs == 0));
    }
    gone(d);
}
