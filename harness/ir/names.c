/* The table of value names. */
#include "harness/ir/build.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"

#include "assay/banned.h"

#define FIRST_SLOTS 64u

/* The slot that holds `name`, or the free one where it would go. */
static size_t slot_of(const struct assay_graph *g, const char *name)
{
    const struct assay_names *names = &g->memory->names;
    size_t mask = names->n_slots - 1;
    size_t slot = (size_t)assay_hash_text(name, 0) & mask;
    while (names->slots[slot] && strcmp(g->values[names->slots[slot] - 1].name, name) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

int32_t assay_names_find(const struct assay_graph *g, const char *name)
{
    if (!g->memory->names.n_slots)
        return ASSAY_NO_VALUE;
    uint32_t held = g->memory->names.slots[slot_of(g, name)];
    return held ? (int32_t)(held - 1) : ASSAY_NO_VALUE;
}

static bool grow(struct assay_graph *g)
{
    struct assay_names *names = &g->memory->names;
    struct assay_names old = *names;
    size_t n_slots = old.n_slots ? 2 * old.n_slots : FIRST_SLOTS;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    names->slots = slots;
    names->n_slots = n_slots;
    for (size_t i = 0; i < old.n_slots; i++) {
        if (old.slots[i])
            slots[slot_of(g, g->values[old.slots[i] - 1].name)] = old.slots[i];
    }
    free(old.slots);
    return true;
}

bool assay_names_add(struct assay_graph *g, int32_t index)
{
    struct assay_names *names = &g->memory->names;
    /* At most two thirds full, so that a search ends soon and always meets a free slot. */
    if (3 * (names->n_used + 1) > 2 * names->n_slots && !grow(g))
        return false;
    names->slots[slot_of(g, g->values[index].name)] = (uint32_t)index + 1;
    names->n_used++;
    return true;
}
