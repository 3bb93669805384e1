#include "harness/run/item_arrangements.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/run/baseline.h"
#include "harness/run/items.h"
#include "harness/run/rig.h"

#include "assay/banned.h"

enum { LEAST_ITEMS = 4, BASES = 4, SIZES = 4 };

const char *assay_item_property_name(enum assay_item_property property)
{
    static const char *const names[] = {"neighbours", "place", "size"};
    return names[property];
}

struct arranging {
    const struct assay_item_probe *with;
    struct assay_items             items;
    struct assay_baseline          base; /* of the whole, generated set by generated set */
    struct assay_random            random;
    struct assay_arrangement       arrangement[BASES + 1000];
    struct assay_item             *room; /* items of all arrangements */
    uint32_t                       n;    /* arrangements */
    /* While one of them runs. */
    struct assay_rig               rig;
    struct assay_agreement        *agreement;
    const char                    *about;
};

static enum assay_code open_rig(struct arranging *a, const struct assay_case *what, struct assay_arrangements *all, struct assay_error *err)
{
    struct assay_rig_setup setup = {.what = what, .backend = a->with->backend, .plugin = "", .weights = "", .inputs = "",
                                    .seed = a->with->seed, .timeout_ns = a->with->timeout_ns, .sets = a->n,
                                    .limit_bytes = a->with->limit_bytes, .fill = assay_items_fill, .self = all};
    return assay_rig_open(&setup, &a->rig, err);
}

/* Room for n arrangements of b items, none of which is chosen yet. */
static enum assay_code make_room(struct arranging *a, uint32_t n, uint32_t b, struct assay_error *err)
{
    free(a->room);
    a->n = n;
    if (!(a->room = calloc((size_t)n * b, sizeof *a->room)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u arrangements of %u items", n, b);
    for (uint32_t t = 0; t < n; t++)
        a->arrangement[t] = (struct assay_arrangement){t % BASES, b, a->room + (size_t)t * b};
    return ASSAY_OK;
}

static struct assay_item *items_of(const struct arranging *a, uint32_t t)
{
    return a->room + (size_t)t * a->arrangement[t].n;
}

/* ---- what to expect -------------------------------------------------------------------------------------------- */

static enum assay_code keep(void *self, const struct assay_collected *left, struct assay_error *err)
{
    struct arranging *a = self;
    (void)err;
    assay_baseline_keep(&a->base, &a->rig, left);
    return ASSAY_OK;
}

static enum assay_code run_bases(struct arranging *a, struct assay_error *err)
{
    struct assay_arrangements all = {&a->items, a->arrangement};
    struct assay_rig_watch    watch = {.see = keep, .self = a};
    if (make_room(a, BASES, a->items.size, err))
        return err->code;
    for (uint32_t t = 0; t < a->n; t++)
        for (uint32_t j = 0; j < a->items.size; j++)
            items_of(a, t)[j] = (struct assay_item){t, j};
    if (open_rig(a, &a->items.whole, &all, err))
        return err->code;
    if (!assay_baseline_init(&a->rig, BASES, &a->base, err))
        (void)assay_rig_round(&a->rig, &watch, err);
    assay_rig_close(&a->rig);
    return err->code;
}

/* ---- an arrangement against it --------------------------------------------------------------------------------- */

/* Item at place j of the arrangement, in one output. */
static void compare_item(struct arranging *a, const struct assay_arrangement *t, uint32_t j, int32_t value, const unsigned char *expected,
                         const unsigned char *observed)
{
    const struct assay_item_axis *axis = &a->items.axis[value];
    uint64_t                      row = t->item[j].row, size = a->items.size;
    for (uint64_t o = 0; o < axis->outer; o++) {
        uint64_t from = o * size + row, to = o * t->n + j;
        assay_agreement_compare(a->agreement, &a->rig.graph->values[value], from * axis->chunk_elements, axis->chunk_elements,
                                expected + from * axis->chunk_bytes, observed + to * axis->chunk_bytes);
    }
}

static enum assay_code compare(void *self, const struct assay_collected *left, struct assay_error *err)
{
    struct arranging               *a = self;
    const struct assay_arrangement *t = &a->arrangement[left->set];
    const unsigned char            *expected = a->base.bytes + t->set * a->base.set_bytes;
    char                            run[64];
    (void)err;
    if (!a->base.has[t->set])
        return ASSAY_OK; /* there was no memory for that base */
    for (size_t o = 0; o < a->rig.n_outputs; o++) {
        int32_t value = a->rig.outputs[o];
        for (uint32_t j = 0; a->items.axis[value].has && j < t->n; j++)
            if (t->item[j].set == t->set)
                compare_item(a, t, j, value, expected, left->outputs[o]);
        expected += a->items.graph->values[value].bytes;
    }
    (void)snprintf(run, sizeof run, "%s, arrangement %u", a->about, left->set + 1);
    assay_agreement_run_end(a->agreement, run);
    return ASSAY_OK;
}

static enum assay_code run_arrangements(struct arranging *a, const struct assay_case *what, struct assay_error *err)
{
    struct assay_arrangements all = {&a->items, a->arrangement};
    struct assay_rig_watch    watch = {.see = compare, .self = a};
    if (open_rig(a, what, &all, err))
        return err->code;
    (void)assay_rig_round(&a->rig, &watch, err);
    assay_rig_close(&a->rig);
    return err->code;
}

/* ---- the properties -------------------------------------------------------------------------------------------- */

static enum assay_code try_neighbours(struct arranging *a, struct assay_error *err)
{
    uint32_t size = a->items.size;
    if (make_room(a, a->with->arrangements, size, err))
        return err->code;
    a->about = "other neighbours";
    for (uint32_t t = 0; t < a->n; t++) {
        uint32_t base = t % BASES, kept = (uint32_t)assay_random_below(&a->random, size);
        for (uint32_t j = 0; j < size; j++) /* one stays in any case, one goes in any case */
            items_of(a, t)[j] = (struct assay_item){
                j == kept || (j != (kept + 1) % size && assay_random_below(&a->random, 2)) ? base : base + BASES, j};
    }
    return run_arrangements(a, &a->items.whole, err);
}

static enum assay_code try_place(struct arranging *a, struct assay_error *err)
{
    uint32_t size = a->items.size;
    if (a->items.placed_state)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the case has state that belongs to places, not to items");
    if (make_room(a, a->with->arrangements, size, err))
        return err->code;
    a->about = "other places";
    for (uint32_t t = 0; t < a->n; t++) {
        uint32_t by = 1 + (uint32_t)assay_random_below(&a->random, size - 1);
        for (uint32_t j = 0; j < size; j++)
            items_of(a, t)[(j + by) % size] = (struct assay_item){t % BASES, j};
    }
    return run_arrangements(a, &a->items.whole, err);
}

static enum assay_code try_one_size(struct arranging *a, uint32_t b, struct assay_error *err)
{
    struct assay_case what = {.params = NULL};
    char              about[40];
    if (make_room(a, BASES, b, err) || assay_items_case(&a->items, b, &what, err))
        return err->code;
    (void)snprintf(about, sizeof about, "a batch of %u, not %u", b, a->items.size);
    a->about = about;
    assert(a->items.size > 0); /* a case without items has no sizes to try */
    for (uint32_t t = 0; t < a->n; t++)
        for (uint32_t j = 0; j < b; j++) /* what the whole does not have stands behind, and is not compared */
            items_of(a, t)[j] = (struct assay_item){j < a->items.size ? t : t + BASES, j % a->items.size};
    (void)run_arrangements(a, &what, err);
    assay_case_release(&what);
    return err->code;
}

static enum assay_code try_size(struct arranging *a, struct assay_error *err)
{
    const uint32_t whole = a->items.size, size[SIZES] = {1, 2, whole / 2, whole + 1};
    for (int i = 0; i < SIZES && !err->code; i++)
        if (i != 2 || size[i] > 2)
            (void)try_one_size(a, size[i], err);
    return err->code;
}

/* A device or case that has no such thing says why; what else goes wrong ends all. */
static enum assay_code try_one(struct arranging *a, enum assay_item_property property, struct assay_item_findings *out,
                               struct assay_error *err)
{
    static enum assay_code (*const tries[])(struct arranging *a, struct assay_error *err) = {try_neighbours, try_place, try_size};
    a->agreement = &out->agreement[property];
    if (!tries[property](a, err))
        return ASSAY_OK;
    if (err->code != ASSAY_UNSUPPORTED && err->code != ASSAY_MEMORY && err->code != ASSAY_CONFIG)
        return err->code;
    (void)assay_string_copy(out->why[property], sizeof out->why[property], err->message);
    memset(err, 0, sizeof *err);
    return ASSAY_OK;
}

enum assay_code assay_item_arrangements_try(const struct assay_item_probe *probe, struct assay_item_findings *out, struct assay_error *err)
{
    struct arranging *a = calloc(1, sizeof *a);
    memset(out, 0, sizeof *out);
    if (!a)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for arrangements");
    a->with = probe;
    assay_random_init(&a->random, probe->seed);
    if (assay_items_init(probe->what, probe->seed, LEAST_ITEMS, &a->items, err)) {
        for (int i = 0; err->code == ASSAY_UNSUPPORTED && i < ASSAY_ITEM_PROPERTIES; i++)
            (void)assay_string_copy(out->why[i], sizeof out->why[i], err->message);
        if (err->code == ASSAY_UNSUPPORTED)
            memset(err, 0, sizeof *err);
    } else if (!run_bases(a, err)) {
        for (int i = 0; i < ASSAY_ITEM_PROPERTIES && !err->code; i++)
            (void)try_one(a, (enum assay_item_property)i, out, err);
    }
    assay_baseline_release(&a->base);
    assay_items_release(&a->items);
    free(a->room);
    free(a);
    return err->code;
}
