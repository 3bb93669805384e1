/* One outcome: planted, kept as a witness is kept, judged as a run is judged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/verify/expected.h"
#include "harness/verify/faults/subjects.h"
#include "harness/verify/witness.h"
#include "harness/verify/witness_file.h"
#include "reference/formats/formats.h"
#include "suites/data/poison.h"

#include "assay/banned.h"

#define CASE_ID "fa017fa017fa0170"
#define CHOSEN 2u /* iterations that are kept, where there are two */

struct trial {
    const struct assay_fault_bench *bench;
    const struct assay_fault_draw  *draw, *other;
    const struct assay_fault_kind  *kind;
    double                          size;
    struct assay_random             random;
    struct assay_graph             *edited;  /* NULL: the bench's */
    double                        **in;      /* edited operands; NULL: the draw's */
    double                         *out[8];  /* before they are stored */
    unsigned char                  *bytes[8], *poison[8];
    struct assay_fault_tensor       operand[8];
};

static enum assay_code no_memory(const struct trial *t, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an outcome of '%s'", t->bench->subject->name);
}

static void describe(const struct assay_value *v, struct assay_fault_tensor *t)
{
    *t = (struct assay_fault_tensor){.dtype = v->dtype, .rank = v->rank, .elements = v->elements};
    memcpy(t->dims, v->dims, sizeof t->dims);
}

/* The value that an operand of the node comes from: itself, or what was cast. */
static int32_t source_of(const struct assay_graph *g, uint32_t i)
{
    const struct assay_node *node = &g->nodes[g->n_nodes - 1];
    int32_t                  v = i < node->n_inputs ? node->inputs[i] : ASSAY_NO_VALUE;
    return v == ASSAY_NO_VALUE || g->values[v].producer < 0 ? v : g->nodes[g->values[v].producer].inputs[0];
}

/* ---- operands ------------------------------------------------------------------------------------------------ */

/* Operand i of graph g with what the honest node has in its place. */
static enum assay_code take_operand(struct trial *t, const struct assay_graph *g, uint32_t i, struct assay_error *err)
{
    struct assay_fault_tensor *o = &t->operand[i];
    int32_t                    v = source_of(g, i), honest = source_of(t->bench->graph, i);
    *o = (struct assay_fault_tensor){.rank = 0};
    if (v == ASSAY_NO_VALUE || g->values[v].role != ASSAY_ROLE_INPUT)
        return ASSAY_OK;
    describe(&g->values[v], o);
    if (!(t->in[v] = calloc(o->elements + 1, sizeof(double))))
        return no_memory(t, err);
    o->at = t->in[v];
    if (honest == ASSAY_NO_VALUE)
        return ASSAY_OK;
    o->honest = t->draw->in[honest];
    o->other = t->other->in[honest];
    o->of_honest = t->bench->graph->values[honest].elements;
    if (o->of_honest == o->elements)
        memcpy(o->at, o->honest, o->elements * sizeof(double));
    return ASSAY_OK;
}

/* As the device holds them: edits are of numbers, operands of a format. */
static void store_operands(struct trial *t)
{
    for (size_t i = 0; i < 8; i++)
        for (uint64_t k = 0; t->operand[i].at && k < t->operand[i].elements; k++)
            t->operand[i].at[k] = assay_round_to(t->operand[i].dtype, t->operand[i].at[k]);
}

static enum assay_code plant_before(struct trial *t, struct assay_error *err)
{
    struct assay_sample       sample = t->bench->subject->sample;
    const struct assay_graph *g = t->bench->graph;
    struct assay_fault_operands o = {.n = 8, .size = t->size, .random = &t->random};
    if (t->kind->node) {
        t->kind->node(&sample, t->size);
        if (assay_fault_graph(t->bench->subject, &sample, &t->edited, err))
            return err->code;
        g = t->edited;
    }
    if (!(t->in = calloc(g->n_values, sizeof *t->in)))
        return no_memory(t, err);
    for (uint32_t i = 0; i < 8; i++)
        if (take_operand(t, g, i, err))
            return err->code;
    if (t->kind->operands) {
        memcpy(o.in, t->operand, sizeof o.in);
        t->kind->operands(&o);
    }
    store_operands(t);
    return ASSAY_OK;
}

/* ---- outputs ------------------------------------------------------------------------------------------------- */

static enum assay_code compute(struct trial *t, struct assay_error *err)
{
    const struct assay_fault_bench *b = t->bench;
    const struct assay_graph       *g = t->edited ? t->edited : b->graph;
    struct assay_paper              paper = b->honest;
    int32_t                         values[8];
    if (assay_graph_outputs(g, values, 8) != b->n_outputs)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "fault %s changes the outputs of '%s'", t->kind->name, b->subject->name);
    for (size_t o = 0; o < b->n_outputs; o++)
        if (g->values[values[o]].elements != b->graph->values[b->output[o]].elements)
            return ASSAY_FAIL(err, ASSAY_INTERNAL, "fault %s changes the shape of '%s'", t->kind->name, b->subject->name);
    if (t->kind->paper && t->kind->paper(&paper, err))
        return err->code;
    return assay_paper_compute(&paper, g, (const double *const *)(t->in ? t->in : t->draw->in), t->out, err);
}

static void measure(struct assay_fault_outputs *o)
{
    double squares = 0, n = 0;
    for (uint64_t i = 0; i < o->y.elements; i++) {
        if (!isfinite(o->y.at[i]))
            continue;
        squares += o->y.at[i] * o->y.at[i];
        n++;
        o->largest = fmax(o->largest, fabs(o->y.at[i]));
    }
    o->rms = n > 0 ? sqrt(squares / n) : 0;
}

static void store(const struct trial *t, size_t o)
{
    const struct assay_value *v = &t->bench->graph->values[t->bench->output[o]];
    assay_from_double(v->dtype, t->out[o], (size_t)v->elements, t->bytes[o]);
}

/* Which elements of the first output the witness keeps singly, where it does not keep all. The caller frees. */
static bool *kept_elements(const struct trial *t, struct assay_error *err)
{
    struct assay_witness_layout *layout = malloc(sizeof *layout);
    bool                        *kept = calloc(t->bench->graph->values[t->bench->output[0]].elements, sizeof *kept);
    if (!layout || !kept) {
        (void)no_memory(t, err);
    } else if (!assay_witness_layout(t->bench->graph, t->draw->seed, 1, CHOSEN, layout, err)) {
        const struct assay_witness_part *part = assay_witness_parts(layout, ASSAY_WITNESS_FIRST);
        uint64_t                         key = assay_witness_key(t->draw->seed, CASE_ID, part->output, 0);
        for (uint64_t i = 0; i < part->sample; i++)
            kept[assay_witness_place(key, part->elements, part->sample, i)] = true;
    }
    free(layout);
    if (err->code) {
        free(kept);
        return NULL;
    }
    return kept;
}

/* The edit of the first output, `o`, with what it may look at. */
static enum assay_code edit(struct trial *t, struct assay_fault_outputs *o, struct assay_error *err)
{
    const double *in[8];
    bool         *kept = NULL;
    for (uint32_t i = 0; i < 8; i++) {
        int32_t from = source_of(t->bench->graph, i);
        in[i] = from == ASSAY_NO_VALUE ? NULL : t->draw->in[from];
        if (from != ASSAY_NO_VALUE)
            describe(&t->bench->graph->values[from], &t->operand[i]);
    }
    if (t->kind->needs & ASSAY_FAULT_LARGE && !(kept = kept_elements(t, err)))
        return err->code;
    o->in = in;
    o->kept = kept;
    measure(o);
    t->kind->outputs(o);
    free(kept);
    return ASSAY_OK;
}

/* The first output is edited as it was stored; then its bytes are made. */
static enum assay_code plant_after(struct trial *t, struct assay_error *err)
{
    const struct assay_value  *v = &t->bench->graph->values[t->bench->output[0]];
    size_t                     n = (size_t)v->elements;
    double                    *unstored = malloc((n + 1) * sizeof(double)), *honest = malloc((n + 1) * sizeof(double));
    struct assay_fault_outputs o = {.unstored = unstored, .bytes = t->bytes[0], .poison = t->poison[0], .operand = t->operand,
                                    .size = t->size, .random = &t->random};
    if (!unstored || !honest) {
        free(unstored);
        free(honest);
        return no_memory(t, err);
    }
    memcpy(unstored, t->out[0], n * sizeof(double));
    store(t, 0);
    assay_to_double(v->dtype, t->bytes[0], n, t->out[0]);
    memcpy(honest, t->out[0], n * sizeof(double));
    describe(v, &o.y);
    o.y.at = t->out[0];
    o.y.honest = honest;
    o.y.of_honest = n;
    o.y.other = t->other->out[0];
    if (!edit(t, &o, err) && !(t->kind->flags & ASSAY_FAULT_RAW))
        store(t, 0);
    free(unstored);
    free(honest);
    return err->code;
}

static enum assay_code make_outcome(struct trial *t, uint64_t poison_key, struct assay_error *err)
{
    const struct assay_fault_bench *b = t->bench;
    for (size_t o = 0; o < b->n_outputs; o++) {
        const struct assay_value *v = &b->graph->values[b->output[o]];
        t->out[o] = malloc((v->elements + 1) * sizeof(double));
        t->bytes[o] = malloc((size_t)v->bytes + 1);
        t->poison[o] = malloc((size_t)v->bytes + 1);
        if (!t->out[o] || !t->bytes[o] || !t->poison[o])
            return no_memory(t, err);
        memcpy(t->out[o], t->draw->out[o], v->elements * sizeof(double));
        assay_poison_fill(v->dtype, poison_key + ((uint64_t)b->output[o] << 8), (size_t)v->elements, t->poison[o]);
    }
    if (t->kind && (t->kind->operands || t->kind->node) && plant_before(t, err))
        return err->code;
    if (t->kind && (t->in || t->kind->paper) && compute(t, err))
        return err->code;
    for (size_t o = 0; o < b->n_outputs; o++)
        store(t, o);
    return t->kind && t->kind->outputs ? plant_after(t, err) : ASSAY_OK;
}

/* ---- the witness --------------------------------------------------------------------------------------------- */

/* What the honest device leaves, in place of a fault's. */
static void restore(struct trial *t)
{
    for (size_t o = 0; o < t->bench->n_outputs; o++) {
        memcpy(t->out[o], t->draw->out[o], t->bench->graph->values[t->bench->output[o]].elements * sizeof(double));
        store(t, o);
    }
}

static enum assay_code record(struct trial *t, uint64_t key, uint64_t poison_key, struct assay_error *err)
{
    struct assay_witness_setup setup = {.path = t->bench->witness, .case_id = CASE_ID, .graph = t->bench->graph, .seed = t->draw->seed,
                                        .entropy = key, .sets = 1, .chosen = CHOSEN};
    struct assay_witness      *w;
    const void                *outputs[8];
    struct assay_seen          seen = {.poison_key = poison_key, .outputs = outputs};
    if (assay_witness_new(&setup, &w, err))
        return err->code;
    for (size_t o = 0; o < t->bench->n_outputs; o++)
        outputs[o] = t->bytes[o];
    assay_witness_see(w, &seen);
    if (t->kind && t->kind->flags & ASSAY_FAULT_AGAIN) {
        restore(t);
        seen.iteration = 1;
        assay_witness_see(w, &seen);
    }
    assay_witness_batch_end(w);
    return assay_witness_close(w, err);
}

/* Did two iterations of the set leave different bits? */
static enum assay_code read_distinct(const struct trial *t, bool *differ, struct assay_error *err)
{
    struct assay_mapped_file     file = {0};
    struct assay_witness_layout *layout = malloc(sizeof *layout);
    struct assay_witness_set     set;
    if (!layout)
        return no_memory(t, err);
    if (!assay_mapped_file_read(t->bench->witness, &file, err) &&
        !assay_witness_inspect(file.at, file.bytes, CASE_ID, t->bench->graph, layout, err)) {
        memcpy(&set, (const unsigned char *)file.at + layout->sets_at, sizeof set);
        *differ = set.distinct > 1;
    }
    assay_mapped_file_release(&file);
    free(layout);
    return err->code;
}

static enum assay_code judge(const struct trial *t, struct assay_fault_told *out, struct assay_error *err)
{
    *out = (struct assay_fault_told){.found = false};
    if (assay_witness_check_expected(t->bench->witness, CASE_ID, t->bench->graph, t->draw->expected, &out->check, err))
        return err->code;
    out->found = out->check.by != ASSAY_BY_NONE || out->check.outcome == ASSAY_NOT_CHECKED;
    if (!t->kind || !(t->kind->flags & ASSAY_FAULT_AGAIN))
        return ASSAY_OK;
    return read_distinct(t, &out->bits_differ, err);
}

static void release(struct trial *t)
{
    const struct assay_graph *g = t->edited ? t->edited : t->bench->graph;
    for (uint32_t v = 0; t->in && v < g->n_values; v++)
        free(t->in[v]);
    free(t->in);
    for (size_t o = 0; o < t->bench->n_outputs; o++) {
        free(t->out[o]);
        free(t->bytes[o]);
        free(t->poison[o]);
    }
    assay_graph_free(t->edited);
}

enum assay_code assay_fault_try(const struct assay_fault_bench *b, size_t draw, const struct assay_fault_kind *kind, double size,
                                uint64_t key, struct assay_fault_told *out, struct assay_error *err)
{
    struct trial t = {.bench = b, .draw = &b->draw[draw], .other = &b->draw[(draw + 1) % b->n_draws], .kind = kind, .size = size};
    assay_random_init(&t.random, key);
    uint64_t            poison_key = assay_random_u64(&t.random) & ~0xFFFFFFull;
    struct assay_random before = t.random;
    enum assay_code     code = make_outcome(&t, poison_key, err);
    bool                drawn = t.random.block != before.block || t.random.used != before.used;
    if (!code)
        code = record(&t, key, poison_key, err);
    if (!code)
        code = judge(&t, out, err);
    if (!code)
        out->by_chance = drawn;
    release(&t);
    return code ? assay_error_in(err, "planting %s in '%s'", kind ? kind->name : "nothing", b->subject->name) : ASSAY_OK;
}
