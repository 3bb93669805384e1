#include "harness/load/graph_target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/random.h"
#include "harness/load/told.h"
#include "suites/data/poison.h"

#include "assay/banned.h"

#define MAX_IN_FLIGHT 256u

/* One value that the harness binds. */
struct bound {
    int32_t               value;
    enum assay_role       role;
    uint64_t              bytes;
    uint32_t              copies;  /* places on the device: those of the target for inputs, controls and outputs; else 1 */
    uint32_t              masters; /* on the host */
    struct assay_buffer **buffer;  /* copies of them; NULL entries for controls */
    unsigned char       **master;  /* host copy: one for each set, or one; outputs: a staging area */
    int32_t               aliased; /* an output in the memory of this bound entry, or -1 */
    bool                  taken;   /* a param or state that an output takes over */
    bool                  lent;    /* a param that another target's buffer holds */
    uint64_t              front;   /* guard bytes before the content, in the buffer and in every master; as many behind */
};

/* Executions in flight: of a target, and of those beside it. A poll tells of any of them. */
struct flights {
    struct assay_event *event[MAX_IN_FLIGHT];
    uint64_t            token[MAX_IN_FLIGHT];
    size_t              n;
    uint64_t            next_token;
};

struct assay_graph_target {
    struct assay_graph_target_setup with;
    struct bound                   *bound;
    size_t                          n_bound;
    struct assay_binding           *binding; /* slots rows of n_bindings */
    size_t                          n_bindings;
    struct assay_program           *program;
    uint32_t                       *set_of, *dealt; /* per slot: what its inputs are; what it holds now */
    uint64_t                       *poison_key;     /* per slot */
    const void                    **output, **before; /* pointers handed out by collect */
    uint32_t                        places;           /* of rotating values: slots, or 1 */
    uint32_t                        turn;             /* of a target that restores: how many of set_of[] had theirs */
    size_t                          n_outputs;
    struct assay_random             entropy;
    uint64_t                        batches;
    struct flights                  own, *flights; /* its own, or those of the target that it stands beside */
    bool                            values, memory;
};

static bool rotates(enum assay_role role)
{
    return role == ASSAY_ROLE_INPUT || role == ASSAY_ROLE_CONTROL || role == ASSAY_ROLE_OUTPUT;
}

static bool is_bound(const struct assay_value *v)
{
    return v->role != ASSAY_ROLE_CONST && v->role != ASSAY_ROLE_TEMP;
}

static uint64_t guarded(uint64_t bytes)
{
    return bytes + 2 * (uint64_t)ASSAY_GUARD_BYTES;
}

static bool restores(const struct assay_graph *g)
{
    for (uint32_t i = 0; i < g->n_values; i++)
        if (g->values[i].role == ASSAY_ROLE_OUTPUT && g->values[i].alias_of != ASSAY_NO_VALUE)
            return true;
    return false;
}

static bool is_taken(const struct assay_graph *g, uint32_t value)
{
    for (uint32_t i = 0; i < g->n_values; i++)
        if (g->values[i].role == ASSAY_ROLE_OUTPUT && g->values[i].alias_of == (int32_t)value)
            return true;
    return false;
}

/* Of each value whether an output takes it over, in one pass: a large decoder has tens of thousands of values. NULL: no memory. */
static bool *all_taken(const struct assay_graph *g)
{
    bool *taken = calloc(g->n_values + 1, sizeof *taken);
    for (uint32_t i = 0; taken && i < g->n_values; i++)
        if (g->values[i].role == ASSAY_ROLE_OUTPUT && g->values[i].alias_of != ASSAY_NO_VALUE)
            taken[g->values[i].alias_of] = true;
    return taken;
}

void assay_graph_target_bytes(const struct assay_graph *g, uint32_t slots, uint64_t *device_bytes, uint64_t *host_bytes)
{
    bool   single = restores(g), *taken = all_taken(g);
    double device = 0, host = 0, largest = 0; /* largest: fixed params pass through the host one by one; a double does not overflow; the limit it is compared with is far below 2^53 */
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct assay_value *v = &g->values[i];
        double sets = rotates(v->role) ? slots : 1, places = single ? 1 : sets;
        if (!is_bound(v))
            continue;
        bool over = taken ? taken[i] : is_taken(g, i);
        if (v->role == ASSAY_ROLE_OUTPUT) {
            device += v->alias_of == ASSAY_NO_VALUE ? places * (double)guarded(v->bytes) : 0;
            host += (double)guarded(v->bytes);
        } else if (v->role == ASSAY_ROLE_PARAM && !over) {
            device += (double)v->bytes;
            largest = (double)v->bytes > largest ? (double)v->bytes : largest;
        } else {
            double bytes = (double)(single && over ? guarded(v->bytes) : v->bytes);
            device += v->role == ASSAY_ROLE_CONTROL ? 0 : places * bytes;
            host += sets * bytes;
        }
    }
    free(taken);
    *device_bytes = device < 9e18 ? (uint64_t)device : UINT64_MAX;
    host += largest;
    *host_bytes = host < 9e18 ? (uint64_t)host : UINT64_MAX;
}

/* A param that no output takes over keeps its content for good: the back end may pack it, and the host needs no copy. */
static bool keeps_content(const struct assay_graph *g, uint32_t value)
{
    return g->values[value].role == ASSAY_ROLE_PARAM && !is_taken(g, value);
}

/* The same content: the rule that fills a param knows its name, type and shape only. */
static bool is_same_param(const struct assay_value *a, const struct assay_value *b)
{
    return a->dtype == b->dtype && a->bytes == b->bytes && !strcmp(a->name, b->name);
}

uint64_t assay_graph_target_shared_bytes(const struct assay_graph *g, const struct assay_graph *beside)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < g->n_values; i++)
        for (uint32_t k = 0; keeps_content(g, i) && k < beside->n_values; k++)
            if (keeps_content(beside, k) && is_same_param(&g->values[i], &beside->values[k])) {
                bytes += g->values[i].bytes;
                break;
            }
    return bytes;
}

uint64_t assay_graph_target_working_set(const struct assay_graph_target *t)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < t->n_bound; i++)
        bytes += t->bound[i].aliased < 0 && !t->bound[i].lent ? t->bound[i].bytes * t->bound[i].copies : 0;
    return bytes;
}

bool assay_graph_target_restores(const struct assay_graph_target *t)
{
    return t->places == 1 && restores(t->with.graph);
}

struct assay_program *assay_graph_target_program(struct assay_graph_target *t)
{
    return t->program;
}

/* ---- making ---------------------------------------------------------------------------------------------- */

static void tell_phase(const struct assay_graph_target *t, enum assay_target_phase phase)
{
    if (t->with.phase)
        t->with.phase(t->with.phase_self, phase);
}

static enum assay_code no_memory(struct assay_error *err, uint64_t bytes, const char *what)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %s (%llu bytes)", what, (unsigned long long)bytes);
}

/* Which values are bound, in the order of the graph. */
static enum assay_code list_bound(struct assay_graph_target *t, struct assay_error *err)
{
    const struct assay_graph *g = t->with.graph;
    bool    *taken = all_taken(g);
    int32_t *place = calloc(g->n_values + 1, sizeof *place); /* of each value in the list, from 1; 0: it is not in it, or not yet */
    t->bound = calloc(g->n_values, sizeof *t->bound);
    if (!t->bound || !taken || !place) {
        free(taken);
        free(place);
        return no_memory(err, g->n_values * sizeof *t->bound, "the list of bound values");
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct assay_value *v = &g->values[i];
        if (!is_bound(v))
            continue;
        struct bound *b = &t->bound[t->n_bound++];
        b->value = (int32_t)i;
        b->role = v->role;
        b->bytes = v->bytes;
        b->copies = rotates(v->role) && v->alias_of == ASSAY_NO_VALUE ? t->places : 1;
        b->masters = v->role == ASSAY_ROLE_INPUT || v->role == ASSAY_ROLE_CONTROL ? t->with.slots : 1;
        b->taken = taken[i];
        b->front = b->taken || v->role == ASSAY_ROLE_OUTPUT ? ASSAY_GUARD_BYTES : 0;
        b->aliased = v->alias_of != ASSAY_NO_VALUE ? place[v->alias_of] - 1 : -1;
        place[i] = (int32_t)t->n_bound;
    }
    free(taken);
    free(place);
    return ASSAY_OK;
}

/* A call that says it went well and gives no handle did not go well. */
static enum assay_code gave(const struct assay_graph_target *t, const void *handle, const char *call, struct assay_error *err)
{
    return handle ? ASSAY_OK
                  : ASSAY_FAIL(err, ASSAY_PROTOCOL, "%s of back end '%s' succeeded and gave nothing", call, t->with.backend->name);
}

static enum assay_code take_buffer(struct assay_graph_target *t, const struct assay_alloc *how, struct assay_buffer **out,
                                   struct assay_error *err)
{
    const struct assay_backend *b = t->with.backend;
    struct assay_buffer        *buffer = NULL;
    if (assay_backend_told(b, b->alloc(t->with.session, how, &buffer, err), "alloc", err) || gave(t, buffer, "alloc", err))
        return err->code;
    *out = buffer;
    return ASSAY_OK;
}

static enum assay_code allocate(struct assay_graph_target *t, struct bound *b, struct assay_error *err)
{
    uint64_t bytes = b->bytes + 2 * b->front;
    assert(b->copies > 0); /* one, or a copy for each slot */
    b->buffer = calloc(b->copies, sizeof(struct assay_buffer *));
    b->master = calloc(b->masters, sizeof(unsigned char *));
    if (!b->buffer || !b->master)
        return no_memory(err, b->copies * sizeof(void *), "a list of buffers");
    bool host = b->role == ASSAY_ROLE_CONTROL || (t->memory && t->values);
    for (uint32_t c = 0; host && c < b->masters; c++)
        if (!(b->master[c] = assay_block_new(bytes ? bytes : 1)))
            return no_memory(err, bytes, "the host's copy of an input set");
    struct assay_alloc how = {sizeof how, t->with.graph->values[b->value].place, bytes, 64};
    for (uint32_t c = 0; b->role != ASSAY_ROLE_CONTROL && b->aliased < 0 && c < b->copies; c++)
        if (take_buffer(t, &how, &b->buffer[c], err))
            return assay_error_in(err, "allocating '%.48s', %llu bytes", t->with.graph->values[b->value].name,
                                  (unsigned long long)bytes);
    return ASSAY_OK;
}

static enum assay_code fill_one(const struct assay_graph_target *t, int32_t value, uint32_t set, void *to, struct assay_error *err)
{
    const struct assay_graph_target_setup *with = &t->with;
    return with->fill ? with->fill(with->fill_self, with->graph, value, set, to, err)
                      : assay_value_fill(with->source, with->graph, value, with->seed, set, to, err);
}

static enum assay_code fill(struct assay_graph_target *t, struct bound *b, struct assay_error *err)
{
    if (b->role == ASSAY_ROLE_OUTPUT)
        return ASSAY_OK;
    for (uint32_t set = 0; set < b->masters; set++)
        if (b->master[set] && fill_one(t, b->value, set, b->master[set] + b->front, err))
            return assay_error_in(err, "filling input set %u", set);
    return ASSAY_OK;
}

static enum assay_code upload(struct assay_graph_target *t, struct assay_buffer *to, const void *from, uint64_t bytes,
                              struct assay_error *err)
{
    if (!t->memory || !t->values || !bytes)
        return ASSAY_OK;
    return assay_backend_told(t->with.backend, t->with.backend->upload(t->with.session, to, 0, from, bytes, err), "upload", err);
}

static bool is_fixed(const struct bound *b)
{
    return b->role == ASSAY_ROLE_PARAM && !b->taken;
}

/* Takes over the buffer of the same param of the target beside, which holds its content already. false: it has none. */
static bool borrow(const struct assay_graph_target *t, struct bound *b)
{
    const struct assay_graph_target *from = t->with.beside;
    const struct assay_value        *mine = &t->with.graph->values[b->value];
    for (size_t i = 0; from && is_fixed(b) && i < from->n_bound; i++)
        if (is_fixed(&from->bound[i]) && is_same_param(mine, &from->with.graph->values[from->bound[i].value]) &&
            (b->buffer = calloc(1, sizeof(struct assay_buffer *)))) {
            b->buffer[0] = from->bound[i].buffer[0];
            return b->lent = true;
        }
    return false;
}

static enum assay_code load(struct assay_graph_target *t, struct bound *b, struct assay_error *err)
{
    if (borrow(t, b))
        return ASSAY_OK;
    tell_phase(t, ASSAY_TARGET_FILL);
    if (allocate(t, b, err) || fill(t, b, err))
        return err->code;
    tell_phase(t, ASSAY_TARGET_UPLOAD);
    for (uint32_t c = 0; b->role != ASSAY_ROLE_OUTPUT && b->role != ASSAY_ROLE_CONTROL && c < b->copies; c++)
        if (upload(t, b->buffer[c], b->master[c], b->bytes + 2 * b->front, err))
            return assay_error_in(err, "uploading '%.48s'", t->with.graph->values[b->value].name);
    if (is_fixed(b)) {
        assay_block_free(b->master[0]);
        b->master[0] = NULL;
    }
    return ASSAY_OK;
}

static struct assay_binding binding_of(const struct assay_graph_target *t, const struct bound *b, uint32_t slot)
{
    const struct bound  *where = b->aliased >= 0 ? &t->bound[b->aliased] : b;
    uint32_t             copy = where->copies > 1 ? slot : 0; /* which set a control has is the dealer's business */
    struct assay_binding x = {.value = (uint32_t)b->value, .valid_rows = ASSAY_ALL_ROWS};
    if (b->role == ASSAY_ROLE_CONTROL) {
        x.host = where->master[copy];
    } else {
        x.buffer = where->buffer[copy];
        x.offset = where->front;
    }
    return x;
}

static enum assay_code compile(struct assay_graph_target *t, struct assay_error *err)
{
    struct assay_rank_class all = {.size = sizeof all, .graph = t->with.graph, .multiplicity = 1};
    struct assay_binding   *fixed = calloc(t->n_bound + 1, sizeof *fixed);
    size_t                  n_fixed = 0;
    t->binding = calloc(t->n_bound * t->places + 1, sizeof *t->binding);
    if (!fixed || !t->binding) {
        free(fixed);
        return no_memory(err, t->n_bound * t->places * sizeof *fixed, "bindings");
    }
    for (size_t i = 0; i < t->n_bound; i++)
        if (is_fixed(&t->bound[i]))
            fixed[n_fixed++] = binding_of(t, &t->bound[i], 0);
    t->n_bindings = t->n_bound - n_fixed;
    for (uint32_t slot = 0; slot < t->places; slot++) {
        struct assay_binding *row = &t->binding[slot * t->n_bindings];
        for (size_t i = 0; i < t->n_bound; i++)
            if (!is_fixed(&t->bound[i]))
                *row++ = binding_of(t, &t->bound[i], slot);
    }
    struct assay_compile how = {
        .size = sizeof how, .classes = &all, .n_classes = 1, .class_stride = sizeof all,
        .fixed = fixed, .n_fixed = n_fixed, .binding_stride = sizeof *fixed,
    };
    struct assay_program *program = NULL;
    enum assay_code       code = assay_backend_told(
        t->with.backend, t->with.backend->compile(t->with.session, &how, &program, err), "compile", err);
    free(fixed);
    if (!code && !(code = gave(t, program, "compile", err)))
        t->program = program;
    return code;
}

static enum assay_code make(struct assay_graph_target *t, struct assay_error *err)
{
    uint64_t device, host;
    assay_graph_target_bytes(t->with.graph, t->with.slots, &device, &host);
    device -= t->with.beside ? assay_graph_target_shared_bytes(t->with.graph, t->with.beside->with.graph) : 0;
    host = t->values ? host : 0; /* what computes no values gets none: there is nothing to keep a copy of */
    if (t->memory && (device > t->with.limit_bytes || host > t->with.limit_bytes)) {
        ASSAY_FAIL(err, ASSAY_MEMORY, "%u input sets and outputs take %.1f MiB on the device and %.1f MiB on the host, more than %.1f MiB",
                   t->with.slots, (double)device / 1048576, (double)host / 1048576, (double)t->with.limit_bytes / 1048576);
        return assay_error_hint(err, "a smaller size, or a machine with more memory");
    }
    t->n_outputs = assay_graph_outputs(t->with.graph, NULL, 0);
    t->set_of = calloc(t->with.slots, sizeof *t->set_of);
    t->dealt = calloc(t->with.slots, sizeof *t->dealt);
    t->poison_key = calloc(t->with.slots, sizeof *t->poison_key);
    t->output = calloc(t->n_outputs + 1, sizeof *t->output);
    t->before = calloc(t->n_outputs + 1, sizeof *t->before);
    if (!t->set_of || !t->dealt || !t->poison_key || !t->output || !t->before)
        return no_memory(err, t->with.slots * 16, "the list of slots");
    if (list_bound(t, err))
        return err->code;
    for (size_t i = 0; i < t->n_bound; i++)
        if (load(t, &t->bound[i], err))
            return err->code;
    for (uint32_t slot = 0; slot < t->with.slots; slot++)
        t->set_of[slot] = t->dealt[slot] = slot;
    tell_phase(t, ASSAY_TARGET_COMPILE);
    return compile(t, err);
}

enum assay_code assay_graph_target_new(const struct assay_graph_target_setup *setup, struct assay_graph_target **out,
                                       struct assay_error *err)
{
    if (setup->slots < 1)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "no slots");
    struct assay_graph_target *t = calloc(1, sizeof *t);
    if (!t)
        return no_memory(err, sizeof *t, "a target");
    t->with = *setup;
    t->places = restores(setup->graph) ? 1 : setup->slots;
    t->turn = setup->slots;
    t->flights = setup->beside ? setup->beside->flights : &t->own;
    t->values = setup->device->traits & ASSAY_TRAIT_VALUES;
    t->memory = setup->device->traits & ASSAY_TRAIT_MEMORY;
    assay_random_init(&t->entropy, assay_random_entropy());
    if (make(t, err)) {
        assay_graph_target_free(t);
        return err->code;
    }
    *out = t;
    return ASSAY_OK;
}

void assay_graph_target_free(struct assay_graph_target *t)
{
    if (!t)
        return;
    const struct assay_backend *b = t->with.backend;
    while (t->flights->n) /* whose they are is not known, and nobody waits for any */
        b->forget(t->with.session, t->flights->event[--t->flights->n]);
    if (t->program)
        b->discard(t->with.session, t->program);
    for (size_t i = 0; i < t->n_bound; i++) {
        struct bound *x = &t->bound[i];
        for (uint32_t c = 0; x->buffer && !x->lent && c < x->copies; c++)
            if (x->buffer[c])
                b->release(t->with.session, x->buffer[c]);
        for (uint32_t c = 0; x->master && c < x->masters; c++)
            assay_block_free(x->master[c]);
        free(x->buffer);
        free(x->master);
    }
    free(t->bound);
    free(t->binding);
    free(t->set_of);
    free(t->dealt);
    free(t->poison_key);
    free(t->output);
    free(t->before);
    free(t);
}

/* ---- batches --------------------------------------------------------------------------------------------- */

/* A new order of the sets (Fisher and Yates). */
static void shuffle(struct assay_graph_target *t)
{
    for (uint32_t i = t->with.slots - 1; i > 0; i--) {
        uint32_t j = (uint32_t)assay_random_below(&t->entropy, i + 1), kept = t->set_of[i];
        t->set_of[i] = t->set_of[j];
        t->set_of[j] = kept;
    }
}

/* The set of a slot. A target that restores has one slot, and the sets in their order. */
static uint32_t set_of(const struct assay_graph_target *t, uint32_t slot)
{
    return t->places < t->with.slots ? t->set_of[t->turn - 1] : t->set_of[slot];
}

/* Deals the sets to the slots and uploads where the content changes. */
static enum assay_code deal(struct assay_graph_target *t, struct assay_error *err)
{
    if (t->places == t->with.slots || t->turn == t->with.slots) {
        shuffle(t);
        t->turn = 0;
    }
    t->turn++;
    for (size_t i = 0; i < t->n_bound; i++) {
        struct bound *b = &t->bound[i];
        for (uint32_t slot = 0; b->role == ASSAY_ROLE_INPUT && slot < t->places; slot++)
            if (t->dealt[slot] != set_of(t, slot) && upload(t, b->buffer[slot], b->master[set_of(t, slot)], b->bytes, err))
                return err->code;
        /* A control input is bound by host pointer: the bindings themselves change. */
        for (uint32_t slot = 0; b->role == ASSAY_ROLE_CONTROL && slot < t->places; slot++)
            for (size_t k = 0; k < t->n_bindings; k++) {
                struct assay_binding *x = &t->binding[slot * t->n_bindings + k];
                if (x->value == (uint32_t)b->value)
                    x->host = b->master[set_of(t, slot)];
            }
    }
    for (uint32_t slot = 0; slot < t->places; slot++)
        t->dealt[slot] = set_of(t, slot);
    return ASSAY_OK;
}

static void guard_bytes(uint64_t key, unsigned char *front, unsigned char *back)
{
    assay_poison_fill(ASSAY_U8, key + 1, ASSAY_GUARD_BYTES, front);
    assay_poison_fill(ASSAY_U8, key + 2, ASSAY_GUARD_BYTES, back);
}

static enum assay_code poison(struct assay_graph_target *t, struct bound *b, uint32_t slot, struct assay_error *err)
{
    const struct assay_value *v = &t->with.graph->values[b->value];
    unsigned char            *stage = b->master[0];
    uint64_t                  key = t->poison_key[slot] + ((uint64_t)b->value << 8);
    assay_poison_fill(v->dtype, key, v->elements, stage + ASSAY_GUARD_BYTES);
    guard_bytes(key, stage, stage + ASSAY_GUARD_BYTES + b->bytes);
    return upload(t, b->buffer[slot], stage, guarded(b->bytes), err);
}

/* What executions change starts each from its beginning: state, and params that an output takes over. */
static enum assay_code restore(struct assay_graph_target *t, struct bound *b, uint64_t key, struct assay_error *err)
{
    unsigned char *content = b->master[0];
    if (b->taken && content)
        guard_bytes(key + ((uint64_t)b->value << 8), content, content + b->front + b->bytes);
    return upload(t, b->buffer[0], content, b->bytes + 2 * b->front, err);
}

enum assay_code assay_graph_target_prepare(struct assay_graph_target *t, uint32_t n, struct assay_error *err)
{
    if (deal(t, err))
        return assay_error_in(err, "dealing input sets before batch %llu", (unsigned long long)t->batches);
    t->batches++;
    for (uint32_t slot = 0; slot < n && slot < t->places; slot++)
        t->poison_key[slot] = assay_random_u64(&t->entropy) & ~0xFFFFFFull;
    for (size_t i = 0; i < t->n_bound; i++) {
        struct bound *b = &t->bound[i];
        if ((b->taken || b->role == ASSAY_ROLE_STATE) && restore(t, b, t->poison_key[0], err))
            return assay_error_in(err, "restoring '%.48s'", t->with.graph->values[b->value].name);
        for (uint32_t slot = 0; t->values && t->memory && slot < n && slot < t->places; slot++)
            if (b->role == ASSAY_ROLE_OUTPUT && b->aliased < 0 && poison(t, b, slot, err))
                return assay_error_in(err, "poisoning outputs");
    }
    return ASSAY_OK;
}

static uint64_t changed_guards(const struct bound *b, uint64_t key)
{
    unsigned char front[ASSAY_GUARD_BYTES], back[ASSAY_GUARD_BYTES];
    const unsigned char *stage = b->master[0], *end = stage + ASSAY_GUARD_BYTES + b->bytes;
    uint64_t             changed = 0;
    guard_bytes(key, front, back);
    if (!memcmp(front, stage, sizeof front) && !memcmp(back, end, sizeof back))
        return 0;
    for (size_t i = 0; i < ASSAY_GUARD_BYTES; i++)
        changed += (uint64_t)(front[i] != stage[i]) + (uint64_t)(back[i] != end[i]);
    return changed;
}

enum assay_code assay_graph_target_collect(struct assay_graph_target *t, uint32_t slot, struct assay_collected *out,
                                           struct assay_error *err)
{
    const struct assay_backend *backend = t->with.backend;
    size_t                      n = 0;
    uint64_t                    changed = 0;
    for (size_t i = 0; i < t->n_bound; i++) {
        struct bound *b = &t->bound[i];
        if (b->role != ASSAY_ROLE_OUTPUT)
            continue;
        const struct bound *where = b->aliased >= 0 ? &t->bound[b->aliased] : b;
        if (assay_backend_told(backend, backend->download(t->with.session, where->buffer[where->copies > 1 ? slot : 0], 0,
                                                          b->master[0], guarded(b->bytes), err), "download", err))
            return assay_error_in(err, "downloading '%.48s'", t->with.graph->values[b->value].name);
        changed += changed_guards(b, t->poison_key[slot] + ((uint64_t)where->value << 8));
        t->output[n] = b->master[0] + b->front;
        t->before[n++] = b->aliased >= 0 ? where->master[0] + where->front : NULL;
    }
    *out = (struct assay_collected){t->output, t->before, set_of(t, slot), t->poison_key[slot], changed};
    return ASSAY_OK;
}

/* ---- as a target ----------------------------------------------------------------------------------------- */

static enum assay_code start(struct assay_graph_target *t, const struct assay_query *q, uint32_t flags, uint64_t *token,
                             struct assay_error *err)
{
    struct flights *f = t->flights;
    if (f->n == MAX_IN_FLIGHT)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "more than %u queries in flight", MAX_IN_FLIGHT);
    struct assay_launch launch = {
        .size = sizeof launch, .flags = flags, .program = t->program, .earliest_ns = q->earliest_ns,
        .bindings = &t->binding[q->slot * t->n_bindings], .n_bindings = t->n_bindings,
        .binding_stride = sizeof(struct assay_binding),
    };
    enum assay_allocation_owner before = assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN);
    struct assay_event *event = NULL;
    enum assay_code     code = t->with.backend->execute(t->with.session, &launch, &event, err);
    (void)assay_allocation_owner_set(before);
    if (code)
        return assay_backend_told(t->with.backend, code, "execute", err);
    if (!event)
        return gave(t, event, "execute", err);
    f->event[f->n] = event;
    *token = f->token[f->n++] = f->next_token++;
    return ASSAY_OK;
}

static enum assay_code issue(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err)
{
    return start(self, q, 0, token, err);
}

/* Where the rows of a trace go, or NULL: the event is asked for them between its end and its being forgotten. */
struct tracing {
    struct assay_trace_row *rows;
    size_t                  capacity, n;
    enum assay_code         code;
    struct assay_error      err;
};

static void ask_for_trace(struct assay_graph_target *t, struct assay_event *event, struct tracing *out)
{
    const struct assay_backend *b = t->with.backend;
    enum assay_code code = b->trace(t->with.session, event, out->rows, sizeof *out->rows, out->capacity, &out->n, &out->err);
    out->code = assay_backend_told(b, code, "trace", &out->err);
}

static enum assay_code wait_for(struct assay_graph_target *t, uint64_t timeout_ns, uint64_t *token, struct assay_span *span,
                                struct tracing *tracing, struct assay_error *err)
{
    struct flights             *f = t->flights;
    size_t                      done = 0;
    enum assay_allocation_owner before = assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN);
    enum assay_code             code = t->with.backend->poll(t->with.session, f->event, f->n, timeout_ns, &done, span, err);
    if (!code && done < f->n && tracing)
        ask_for_trace(t, f->event[done], tracing);
    if (!code && done < f->n)
        t->with.backend->forget(t->with.session, f->event[done]);
    (void)assay_allocation_owner_set(before);
    if (code)
        return assay_backend_told(t->with.backend, code, "poll", err);
    span->why_no_device_ns[sizeof span->why_no_device_ns - 1] = 0;
    if (done >= f->n)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "poll says event %zu of %zu is done", done, f->n);
    *token = f->token[done];
    f->n--;
    f->event[done] = f->event[f->n];
    f->token[done] = f->token[f->n];
    return ASSAY_OK;
}

static enum assay_code poll(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span,
                            struct assay_error *err)
{
    return wait_for(self, timeout_ns, token, span, NULL, err);
}

static void cancel(void *self, uint64_t token)
{
    struct assay_graph_target *t = self;
    struct flights            *f = t->flights;
    for (size_t i = 0; i < f->n; i++)
        if (f->token[i] == token) {
            t->with.backend->forget(t->with.session, f->event[i]);
            f->n--;
            f->event[i] = f->event[f->n];
            f->token[i] = f->token[f->n];
            return;
        }
}

struct assay_target assay_graph_target_as_target(struct assay_graph_target *t)
{
    return (struct assay_target){.self = t, .clock = t->with.device->clock, .issue = issue, .poll = poll, .cancel = cancel};
}

/* ---- traced ---------------------------------------------------------------------------------------------- */

enum assay_code assay_graph_target_trace(struct assay_graph_target *t, uint32_t slot, uint64_t timeout_ns,
                                         struct assay_trace_row *rows, size_t capacity, size_t *n, struct assay_span *span,
                                         struct assay_error *err)
{
    struct assay_query query = {.slot = slot};
    struct tracing     tracing = {.rows = rows, .capacity = capacity};
    uint64_t           token = 0;
    if (!ASSAY_HAS(t->with.backend, trace))
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "back end '%.60s' has no trace", t->with.backend->name);
    memset(rows, 0, capacity * sizeof *rows);
    *span = (struct assay_span){.size = sizeof *span};
    if (start(t, &query, ASSAY_LAUNCH_TRACE, &token, err))
        return err->code;
    if (wait_for(t, timeout_ns, &token, span, &tracing, err)) {
        cancel(t, token);
        return err->code;
    }
    if (tracing.code)
        *err = tracing.err;
    *n = tracing.n;
    return tracing.code;
}
