/* Served tokens against unbatched ones: ragged steps of several requests through phase serve, on real back ends, against one request
 * by itself through phase decode, a token at a time. */
#include <math.h>

#include "harness/base/tests/source.h"
#include "harness/base/memory.h"
#include "harness/load/once.h"
#include "harness/load/serving/decoder_step.h"
#include "harness/run/tests/device.h"
#include "suites/blocks/decoder.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

enum { REQUESTS = 5, OUTPUT = 7, MOST = 64, SEED = 5, BLOCK = 4, EACH = 10, BLOCKS = (REQUESTS + 1) * EACH, CONTEXT = 50, ROW = (CONTEXT + BLOCK - 1) / BLOCK };
static const uint32_t prompts[REQUESTS] = {1, 9, 4, 23, 14}, arrives[REQUESTS] = {0, 0, 1, 2, 5};

struct request {
    int32_t  tokens[MOST], blocks[ROW];
    float    margin[OUTPUT];
    uint32_t known, cached, made;
};

static struct assay_model_shape shape;
static struct assay_opened      opened;
static struct assay_error       err;

#define OK(call) cr_assert_eq((call), ASSAY_OK, "%s: %s", #call, err.message)

static void open_backend(const char *plugin, const char *rest, const char *model)
{
    char file[64], path[600], text[800];
    (void)snprintf(file, sizeof file, "assay-%s", plugin);
    place_of(path, sizeof path, "backends", file);
    (void)snprintf(text, sizeof text, "%s%s", path, rest);
    OK(assay_backend_open(text, NULL, &opened, &err));
    find_source();
    OK(assay_model_shape_read(model, &shape, &err));
}

static void close_backend(void)
{
    assay_backend_close(&opened);
    free(opened.options);
}

static void begin_requests(struct request *r)
{
    memset(r, 0, REQUESTS * sizeof *r);
    for (int i = 0; i < REQUESTS; i++) {
        r[i].known = prompts[i];
        for (uint32_t t = 0; t < prompts[i]; t++)
            r[i].tokens[t] = (int32_t)((uint32_t)(i * 37 + 11) * (t + 3) * 2654435761u >> 8) % (int32_t)shape.vocab;
    }
}

/* ---- alone ---------------------------------------------------------------------------------------------------------- */

static void choose(const float *logits, int32_t *token, float *margin)
{
    float second = -INFINITY;
    *token = 0;
    for (int32_t i = 1; i < (int32_t)shape.vocab; i++)
        *token = logits[i] > logits[*token] ? i : *token;
    for (int32_t i = 0; i < (int32_t)shape.vocab; i++)
        second = i != *token && logits[i] > second ? logits[i] : second;
    *margin = logits[*token] - second;
}

static void generate_alone(struct request *r, enum assay_dtype store)
{
    struct assay_graph         *g = assay_graph_new("alone");
    const struct assay_decoder  how = {.shape = &shape, .phase = ASSAY_DECODER_DECODE, .batch = 1, .tokens = CONTEXT, .layers = shape.layers,
                                       .store = store, .attention = true};
    struct assay_once          *once = NULL;
    int32_t                     logits = assay_decoder_build(g, &how);
    float                      *out = malloc((size_t)shape.vocab * sizeof *out);
    assay_graph_output(g, logits);
    OK(assay_graph_finish(g, &err));
    void **given = calloc(g->n_values, sizeof *given);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *x = &g->values[v];
        if (x->producer >= 0 || x->role == ASSAY_ROLE_CONST)
            continue;
        given[v] = calloc(1, (size_t)x->bytes + 1);
        if (x->role == ASSAY_ROLE_PARAM)
            OK(assay_fill_value(g, (int32_t)v, SEED, 0, given[v], &err));
    }
    OK(assay_once_new(opened.backend, opened.session, g, (const void *const *)given, &once, &err));
    for (int i = 0; i < REQUESTS; i++)
        for (; r[i].made < OUTPUT; r[i].cached++) {
            int64_t id = r[i].tokens[r[i].cached], past = r[i].cached;
            OK(assay_once_give(once, assay_graph_find(g, "input_ids"), &id, &err));
            OK(assay_once_give(once, assay_graph_find(g, "past"), &past, &err));
            OK(assay_once_run(once, &err));
            if (r[i].cached + 1 < r[i].known)
                continue;
            OK(assay_once_get(once, logits, out, &err));
            choose(out, &r[i].tokens[r[i].known++], &r[i].margin[r[i].made]);
            r[i].made++;
        }
    assay_once_free(once);
    for (uint32_t v = 0; v < g->n_values; v++)
        free(given[v]);
    free(given);
    free(out);
    assay_graph_free(g);
}

/* ---- together ------------------------------------------------------------------------------------------------------- */

struct manner {
    uint32_t chunk;    /* tokens of a prompt that one step takes */
    int      stride;   /* between the blocks of a request */
    int      preempt;  /* the step behind which the second request loses its blocks and is computed again; -1: none */
};

static struct assay_decoder_step *serve(enum assay_dtype store, enum assay_dtype cache, const struct assay_decoder_bucket *buckets, size_t n)
{
    struct assay_decoder_step            *d = NULL;
    const struct assay_decoder_step_setup setup = {
        .backend = opened.backend, .session = opened.session, .device = &opened.device, .shape = &shape, .store = store, .cache = cache,
        .block_tokens = BLOCK, .n_blocks = BLOCKS, .max_context = CONTEXT, .buckets = buckets, .n_buckets = n, .weights = "", .seed = SEED,
        .limit_bytes = UINT64_C(1) << 30, .timeout_ns = UINT64_C(10000000000)};
    OK(assay_decoder_step_new(&setup, &d, &err));
    return d;
}

/* The blocks of request i, or of the one that took its place. */
static void hand_out_blocks(struct request *r, int i, int stride)
{
    for (int b = 0; b < ROW; b++)
        r->blocks[b] = b < EACH ? ((i * EACH + b) * stride + 3) % BLOCKS : -1;
}

/* All requests that have arrived, as many tokens of each as there are and the step has room for. false: all are done. */
static bool one_step(const struct assay_step_target *t, struct request *r, uint32_t at, uint32_t chunk)
{
    struct assay_step_sequence list[REQUESTS];
    struct assay_step          step = {.sequences = list};
    int32_t                    who[REQUESTS], next[REQUESTS];
    float                      margin[REQUESTS];
    struct assay_span          span;
    bool                       waits = false;
    for (int k = 0; k < REQUESTS; k++) {
        int      i = (k + (int)at) % REQUESTS;
        uint32_t n = r[i].known - r[i].cached < chunk ? r[i].known - r[i].cached : chunk, room = t->limits.max_tokens - step.n_tokens;
        waits |= r[i].made < OUTPUT;
        n = n < room ? n : room;
        if (r[i].made == OUTPUT || arrives[i] > at || !n)
            continue;
        who[step.n_sequences] = i;
        list[step.n_sequences++] = (struct assay_step_sequence){.request = (uint64_t)i, .past = r[i].cached, .n = n, .tokens = r[i].tokens + r[i].cached,
                                                                .blocks = r[i].blocks, .samples = r[i].cached + n == r[i].known};
        step.n_tokens += n;
    }
    if (!step.n_sequences)
        return waits;
    OK(t->execute(t->self, &step, next, margin, &span, &err));
    for (uint32_t k = 0; k < step.n_sequences; k++) {
        struct request *q = &r[who[k]];
        q->cached += list[k].n;
        if (!list[k].samples)
            continue;
        q->tokens[q->known++] = next[k];
        q->margin[q->made++] = margin[k];
    }
    return true;
}

static void serve_requests(const struct assay_step_target *t, struct request *r, const struct manner *m)
{
    begin_requests(r);
    for (int i = 0; i < REQUESTS; i++)
        hand_out_blocks(&r[i], i, m->stride);
    for (uint32_t at = 0; one_step(t, r, at, m->chunk); at++) {
        cr_assert_lt(at, 300, "requests do not come to an end");
        if ((int)at == m->preempt) {
            r[1].cached = 0;
            hand_out_blocks(&r[1], REQUESTS, m->stride);
        }
    }
}

static const struct manner manners[] = {{64, 1, -1}, {64, 7, -1}, {3, 7, -1}, {5, 11, 4}, {1, 13, 6}};
static const struct assay_decoder_bucket two_buckets[] = {{16, 5}, {4, 4}};

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Bitwise, or up to the first choice that was closer than `tie`. */
static void expect_same(const struct request *alone, const struct request *r, bool bitwise, float tie, const char *what)
{
    uint32_t compared = 0;
    for (int i = 0; i < REQUESTS; i++)
        for (uint32_t k = 0; k < OUTPUT; k++) {
            bool close = !bitwise && alone[i].margin[k] < tie;
            if (close)
                break;
            compared++;
            cr_expect_eq(r[i].tokens[prompts[i] + k], alone[i].tokens[prompts[i] + k], "%s: request %d, token %u", what, i, k);
            cr_expect(bitwise ? bits_of(r[i].margin[k]) == bits_of(alone[i].margin[k]) : fabsf(r[i].margin[k] - alone[i].margin[k]) <= tie,
                      "%s: request %d, margin %u is %.9g, not %.9g", what, i, k, (double)r[i].margin[k], (double)alone[i].margin[k]);
        }
    cr_expect_geq(compared, REQUESTS * OUTPUT / 2, "%s: %u tokens were compared", what, compared);
}

static void compare(const char *plugin, const char *rest, const char *model, enum assay_dtype store, bool bitwise, size_t n_manners)
{
    struct request alone[REQUESTS], r[REQUESTS];
    open_backend(plugin, rest, model);
    begin_requests(alone);
    generate_alone(alone, store);
    struct assay_decoder_step *d = serve(store, ASSAY_F32, two_buckets, 2);
    struct assay_step_target   t = assay_decoder_step_as_target(d);
    cr_expect(t.limits.max_tokens == 16 && t.limits.max_sequences == 5 && t.limits.values);
    for (size_t m = 0; m < n_manners; m++) {
        char what[120];
        (void)snprintf(what, sizeof what, "%s%s, %s, manner %zu", plugin, rest, model, m);
        serve_requests(&t, r, &manners[m]);
        expect_same(alone, r, bitwise, 1e-4f, what);
    }
    assay_decoder_step_free(d);
    close_backend();
}

TestSuite(decoder_step, .timeout = 60);

Test(decoder_step, batch_invariant_tokens_and_margins_are_bitwise_those_of_unbatched_decoding)
{
    compare("cpu", ",batch_invariant=1", "tiny-dense", ASSAY_F32, true, 5);
    compare("cpu", ",batch_invariant=1,threads=3,vectors=128", "tiny-dense", ASSAY_F32, true, 5);
    compare("cpu", ",batch_invariant=1", "tiny-dense", ASSAY_BF16, true, 5);
    compare("cpu", ",batch_invariant=1", "tiny-moe", ASSAY_F32, true, 5);
}

Test(decoder_step, tokens_of_the_fastest_kernels_are_those_of_unbatched_decoding_up_to_a_tie)
{
    compare("cpu", "", "tiny-dense", ASSAY_F32, false, 5);
    compare("cpu", "", "tiny-moe", ASSAY_F32, false, 5);
}

Test(decoder_step, tokens_of_the_reference_are_those_of_unbatched_decoding)
{
    compare("reference", "", "tiny-dense", ASSAY_F32, false, 2);
}

/* There is no unbatched path with such a cache; but how it is served must not matter. */
Test(decoder_step, bf16_caches_give_the_same_bits_however_requests_are_served)
{
    struct request first[REQUESTS], r[REQUESTS];
    open_backend("cpu", ",batch_invariant=1", "tiny-dense");
    struct assay_decoder_step *d = serve(ASSAY_F32, ASSAY_BF16, two_buckets, 2);
    struct assay_step_target   t = assay_decoder_step_as_target(d);
    serve_requests(&t, first, &manners[0]);
    for (size_t m = 1; m < sizeof manners / sizeof *manners; m++) {
        serve_requests(&t, r, &manners[m]);
        expect_same(first, r, true, 0, "bf16 caches");
    }
    assay_decoder_step_free(d);
    close_backend();
}

/* One row among 1 to 37, at the front and at the end: the others differ from time to time. */
Test(decoder_step, a_row_has_the_same_bits_beside_any_number_of_others)
{
    enum { ROWS = 37 };
    static const char *const    models[] = {"tiny-dense", "tiny-moe"};
    struct assay_decoder_bucket buckets[ROWS];
    for (uint32_t n = 0; n < ROWS; n++)
        buckets[n] = (struct assay_decoder_bucket){n + 1, n + 1};
    for (size_t m = 0; m < 2; m++) {
        open_backend("cpu", ",batch_invariant=1", models[m]);
        struct assay_decoder_step *d = serve(ASSAY_F32, ASSAY_F32, buckets, ROWS);
        struct assay_step_target   t = assay_decoder_step_as_target(d);
        float                      wanted = 0;
        for (uint32_t n = 1; n <= ROWS; n++)
            for (uint32_t place = 0; place < n; place += n > 1 ? n - 1 : 1) {
                struct assay_step_sequence list[ROWS];
                int32_t                    tokens[ROWS], blocks[ROWS], next[ROWS];
                float                      margin[ROWS];
                struct assay_span          span;
                for (uint32_t i = 0; i < n; i++) {
                    tokens[i] = i == place ? 42 : (int32_t)((i * 7 + n) % 70);
                    blocks[i] = (int32_t)i;
                    list[i] = (struct assay_step_sequence){.request = i, .n = 1, .tokens = &tokens[i], .blocks = &blocks[i], .samples = true};
                }
                OK(t.execute(t.self, &(struct assay_step){.sequences = list, .n_sequences = n, .n_tokens = n}, next, margin, &span, &err));
                wanted = n == 1 ? margin[0] : wanted;
                cr_expect(bits_of(margin[place]) == bits_of(wanted), "%s: row %u of %u: %.9g, not %.9g", models[m], place, n,
                          (double)margin[place], (double)wanted);
            }
        assay_decoder_step_free(d);
        close_backend();
    }
}

Test(decoder_step, a_block_that_is_none_is_refused_by_the_kernel)
{
    static const int32_t      tokens[] = {1, 2, 3, 4, 5}, blocks[] = {3, BLOCKS};
    struct assay_step_sequence one = {.n = 5, .tokens = tokens, .blocks = blocks, .samples = true};
    static const char *const  plugins[] = {"cpu", "reference"};
    for (size_t i = 0; i < 2; i++) {
        int32_t           next;
        struct assay_span span;
        open_backend(plugins[i], "", "tiny-dense");
        struct assay_decoder_step *d = serve(ASSAY_F32, ASSAY_F32, two_buckets, 2);
        struct assay_step_target   t = assay_decoder_step_as_target(d);
        cr_expect_eq(t.execute(t.self, &(struct assay_step){.sequences = &one, .n_sequences = 1, .n_tokens = 5}, &next, NULL, &span, &err), ASSAY_DATA);
        cr_expect_str_eq(err.message, "block_table[0,1] is 60; the cache has 60 blocks");
        assay_decoder_step_free(d);
        close_backend();
    }
}
