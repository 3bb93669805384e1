#include "harness/verify/witness.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/verify/capture.h"
#include "harness/verify/witness_file.h"

#include "assay/banned.h"

#define DISTINCT 64u /* hashes told apart in a set */

struct tally {
    struct assay_hash128 hash;
    uint64_t             seen;
};
/* What is known of an input set while recording. */
struct set_state {
    struct tally         tally[DISTINCT];
    uint64_t             lowest;  /* ticket of its exemplar; UINT64_MAX: it has none */
    struct assay_hash128 held;    /* what its exemplar's block holds */
    bool                 holding; /* the block was ever taken */
};

/* Choosing: every iteration draws a ticket, a number nobody can foresee; the `chosen` lowest of all are kept, and of
 * each set the lowest is its exemplar. So each set of k iterations is as likely as any other to be the kept ones, an
 * exemplar is always kept itself, and it leaves only when nothing else of its set is kept. */
struct assay_witness {
    const struct assay_graph     *graph;
    struct assay_witness_layout   layout;
    char                          path[1024];
    uint64_t                      seed;
    char                          case_id[17];
    struct assay_mapped_file      file;
    struct assay_random           tickets;
    struct set_state             *set;
    uint64_t                     *ticket; /* of each kept iteration */
    uint64_t                     *keys;   /* of each output in each set */
    int32_t                      *values; /* of the outputs */
    double                       *scratch;
    struct assay_witness_set     *sets;   /* these three in the file */
    struct assay_witness_kept    *kept;
    struct assay_witness_content *contents;
    uint32_t                      n_kept;
    uint64_t                      seen, batches;
    struct assay_hash128          batch, chain;
};

static void dispose(struct assay_witness *w)
{
    if (!w)
        return;
    assay_mapped_file_release(&w->file);
    free(w->set);
    free(w->ticket);
    free(w->keys);
    free(w->values);
    assay_block_free(w->scratch);
    free(w);
}

static void *in_file(struct assay_witness *w, uint64_t at)
{
    return (unsigned char *)w->file.at + at;
}

static enum assay_code make_memory(struct assay_witness *w, struct assay_error *err)
{
    const struct assay_witness_layout *l = &w->layout;
    size_t                             bytes;
    w->set = calloc(l->sets, sizeof *w->set);
    w->ticket = calloc(l->chosen, sizeof *w->ticket);
    w->keys = calloc((size_t)l->sets * l->outputs, sizeof *w->keys);
    w->values = calloc(l->outputs, sizeof *w->values);
    if (assay_size_multiply(assay_capture_scratch(l), sizeof(double), &bytes))
        w->scratch = assay_block_new(bytes);
    if (!w->set || !w->ticket || !w->keys || !w->values || !w->scratch)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for recording a witness");
    (void)assay_graph_outputs(w->graph, w->values, l->outputs);
    for (uint32_t s = 0; s < l->sets; s++) {
        w->set[s].lowest = UINT64_MAX;
        for (uint32_t o = 0; o < l->outputs; o++)
            w->keys[s * l->outputs + o] = assay_witness_key(w->seed, w->case_id, o, s);
    }
    return ASSAY_OK;
}

uint32_t assay_witness_chosen_of(const struct assay_graph *g, uint32_t sets)
{
    struct assay_witness_layout *layout = malloc(sizeof *layout);
    struct assay_error           ignored;
    uint32_t                     chosen = ASSAY_WITNESS_DEFAULT_CHOSEN;
    while (layout && chosen > 1 && assay_witness_layout(g, 0, sets, chosen, layout, &ignored))
        chosen -= chosen / 4 ? chosen / 4 : 1;
    free(layout);
    return chosen;
}

enum assay_code assay_witness_new(const struct assay_witness_setup *setup, struct assay_witness **out,
                                  struct assay_error *err)
{
    struct assay_witness *w = calloc(1, sizeof *w);
    if (!w)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for recording a witness");
    w->graph = setup->graph;
    w->seed = setup->seed;
    assay_random_init(&w->tickets, setup->entropy);
    if (!assay_string_copy(w->path, sizeof w->path, setup->path) ||
        !assay_string_copy(w->case_id, sizeof w->case_id, setup->case_id))
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "path or case id of a witness is too long: '%.80s', '%.40s'", setup->path,
                         setup->case_id);
    else if (!assay_witness_layout(w->graph, w->seed, setup->sets, setup->chosen, &w->layout, err) && !make_memory(w, err) &&
             !assay_mapped_file_new(w->path, (size_t)w->layout.file_bytes, &w->file, err)) {
        w->sets = in_file(w, w->layout.sets_at);
        w->kept = in_file(w, w->layout.kept_at);
        w->contents = in_file(w, w->layout.contents_at);
        for (uint32_t s = 0; s < w->layout.sets; s++)
            w->sets[s].exemplar = ASSAY_WITNESS_NONE;
        *out = w;
        return ASSAY_OK;
    }
    dispose(w);
    return assay_error_in(err, "making a witness");
}

/* ---- one iteration ------------------------------------------------------------------------------------------- */

static bool same(struct assay_hash128 a, struct assay_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

static struct assay_hash128 hash_outputs(const struct assay_witness *w, const struct assay_seen *seen)
{
    struct assay_hash128 all = {0, 0};
    for (uint32_t o = 0; o < w->layout.outputs; o++)
        all = assay_hash_join(all, assay_hash_bytes(seen->outputs[o], (size_t)w->graph->values[w->values[o]].bytes));
    return all;
}

static void count(struct assay_witness *w, uint32_t set, struct assay_hash128 hash)
{
    struct tally *tally = w->set[set].tally;
    uint64_t      n = w->sets[set].distinct, i = 0;
    w->sets[set].seen++;
    while (i < n && !same(tally[i].hash, hash))
        i++;
    if (i == DISTINCT) {
        w->sets[set].more++;
        return;
    }
    if (i == n) {
        tally[i] = (struct tally){.hash = hash};
        w->sets[set].distinct++;
    }
    tally[i].seen++;
}

static void capture(struct assay_witness *w, const struct assay_seen *seen, enum assay_witness_class class, uint64_t at)
{
    struct assay_capture c = {
        .graph = w->graph, .part = assay_witness_parts(&w->layout, class), .keys = w->keys + (size_t)seen->set * w->layout.outputs,
        .poison_key = seen->poison_key, .outputs = seen->outputs, .before = seen->before, .scratch = w->scratch,
    };
    assay_capture_block(&c, w->layout.block[class].parts, in_file(w, at));
}

/* The content with these bits, or a free place into which it is taken. There are as many places as kept iterations. */
static uint32_t content_of(struct assay_witness *w, const struct assay_seen *seen, struct assay_hash128 hash)
{
    uint32_t free_place = ASSAY_WITNESS_NONE;
    for (uint32_t i = 0; i < w->layout.chosen; i++) {
        const struct assay_witness_content *c = &w->contents[i];
        if (c->kept && c->set == seen->set && same(c->hash, hash))
            return i;
        if (!c->kept && free_place == ASSAY_WITNESS_NONE)
            free_place = i;
    }
    assert(free_place != ASSAY_WITNESS_NONE);
    w->contents[free_place] = (struct assay_witness_content){.hash = hash, .set = seen->set};
    capture(w, seen, ASSAY_WITNESS_CONTENT, assay_witness_content_at(&w->layout, free_place));
    return free_place;
}

/* Room for one more: the next free place, or that of the highest ticket. ASSAY_WITNESS_NONE: `ticket` is higher. */
static uint32_t make_room(struct assay_witness *w, uint64_t ticket)
{
    uint32_t worst = 0;
    if (w->n_kept < w->layout.chosen)
        return w->n_kept++;
    for (uint32_t i = 1; i < w->n_kept; i++)
        worst = w->ticket[i] > w->ticket[worst] ? i : worst;
    if (ticket >= w->ticket[worst])
        return ASSAY_WITNESS_NONE;
    struct assay_witness_kept *k = &w->kept[worst];
    w->contents[k->content].kept--;
    if (w->set[k->set].lowest == w->ticket[worst]) { /* it was the only one of its set */
        w->set[k->set].lowest = UINT64_MAX;
        w->sets[k->set].exemplar = ASSAY_WITNESS_NONE;
    }
    return worst;
}

void assay_witness_see(struct assay_witness *w, const struct assay_seen *seen)
{
    assert(seen->set < w->layout.sets);
    struct assay_hash128 hash = hash_outputs(w, seen);
    struct set_state    *set = &w->set[seen->set];
    uint64_t             ticket = assay_random_u64(&w->tickets) >> 1;
    w->seen++;
    w->batch = assay_hash_join(w->batch, hash);
    count(w, seen->set, hash);
    uint32_t place = make_room(w, ticket);
    if (place == ASSAY_WITNESS_NONE)
        return;
    uint32_t content = content_of(w, seen, hash);
    w->contents[content].kept++;
    w->kept[place] = (struct assay_witness_kept){seen->iteration, seen->set, content};
    w->ticket[place] = ticket;
    if (ticket >= set->lowest)
        return;
    set->lowest = ticket;
    w->sets[seen->set].exemplar = content;
    if (set->holding && same(set->held, hash))
        return;
    set->holding = true;
    set->held = hash;
    capture(w, seen, assay_witness_exemplar_class(seen->set), assay_witness_exemplar_at(&w->layout, seen->set));
}

void assay_witness_batch_end(struct assay_witness *w)
{
    if (w->batches < ASSAY_WITNESS_BATCHES)
        memcpy(in_file(w, w->layout.batches_at + w->batches * sizeof w->batch), &w->batch, sizeof w->batch);
    w->chain = assay_hash_join(w->chain, w->batch);
    w->batch = (struct assay_hash128){0, 0};
    w->batches++;
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

/* Observed iterations with the bits of a content: by the tally; beyond it, only the kept ones are known. */
static uint64_t seen_with(const struct assay_witness *w, const struct assay_witness_content *c)
{
    const struct tally *tally = w->set[c->set].tally;
    for (uint64_t i = 0; i < w->sets[c->set].distinct; i++) {
        if (same(tally[i].hash, c->hash))
            return tally[i].seen;
    }
    return c->kept;
}

struct assay_witness_counts assay_witness_counts(const struct assay_witness *w)
{
    struct assay_witness_counts counts = {.seen = w->seen, .kept = w->n_kept};
    for (uint32_t i = 0; i < w->layout.chosen; i++) {
        if (w->contents[i].kept)
            counts.equal += seen_with(w, &w->contents[i]);
    }
    return counts;
}

enum assay_code assay_witness_close(struct assay_witness *w, struct assay_error *err)
{
    struct assay_witness_header h = {
        .magic = {'A', 'S', 'S', 'A', 'Y', 'W', 'I', 'T'}, .version = ASSAY_WITNESS_VERSION, .header_bytes = sizeof h,
        .file_bytes = w->layout.file_bytes, .seed = w->seed, .sets = w->layout.sets, .chosen = w->layout.chosen,
        .outputs = w->layout.outputs, .kept = w->n_kept, .seen = w->seen, .elements = w->layout.elements,
        .batches = w->batches, .chain = w->chain,
    };
    memcpy(h.case_id, w->case_id, strlen(w->case_id));
    for (uint32_t i = 0; i < w->layout.chosen; i++)
        w->contents[i].seen = w->contents[i].kept ? seen_with(w, &w->contents[i]) : 0;
    memcpy(w->file.at, &h, sizeof h);
    assay_witness_seal(w->file.at, w->file.bytes);
    enum assay_code code = assay_mapped_file_close(&w->file, w->path, (size_t)w->layout.file_bytes, err);
    dispose(w);
    return code ? assay_error_in(err, "completing a witness") : ASSAY_OK;
}
