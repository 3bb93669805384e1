/* The words of systems' descriptions, finding them, and their sizes. Their files: system_file.c. */
#include "harness/model/cluster/system.h"

#include "assay/banned.h"

const struct assay_quantity_row assay_system_fields[ASSAY_SYSTEM_FIELDS] = {
#define ASSAY_SYSTEM_FIELD(id, key, unit, least, most, about) {key, unit, about, least, most},
#include "harness/model/cluster/system_fields.def"
};
const struct assay_quantity_row assay_tier_fields[ASSAY_TIER_FIELDS] = {
#define ASSAY_TIER_FIELD(id, key, unit, least, most, about) {key, unit, about, least, most},
#include "harness/model/cluster/system_fields.def"
};
const char *const assay_topology_names[] = {"", "mesh", "ring", "torus", "switch", "fat_tree", "rails", NULL};

/* ---- by name ------------------------------------------------------------------------------------------------------ */

static enum assay_code read_one(const char *path, void **out, struct assay_error *err)
{
    struct assay_system *one = NULL;
    enum assay_code code = assay_system_read(path, &one, err);
    *out = one;
    return code;
}

static void release_one(void *one)
{
    assay_system_free(one);
}

static const char *name_of(const void *one)
{
    return ((const struct assay_system *)one)->name;
}

static const char *const *aliases_of(const void *one)
{
    return ((const struct assay_system *)one)->aliases;
}

static const struct assay_description_kind kind = {"backends/systems", "description of a system", read_one, release_one, name_of, aliases_of};

enum assay_code assay_system_find(const char *name, struct assay_system **out, struct assay_error *err)
{
    void *found = NULL;
    if (!assay_description_find(&kind, name, &found, err))
        *out = found;
    return err->code;
}

/* What is to be told of each, as its own type. */
struct listing {
    void (*each)(void *self, const char *name, const struct assay_system *one, const struct assay_error *why_not);
    void *self;
};
static void tell_one(void *self, const char *name, const void *one, const struct assay_error *why_not)
{
    const struct listing *l = self;
    l->each(l->self, name, one, why_not);
}

enum assay_code assay_systems_list(void (*each)(void *self, const char *name, const struct assay_system *one, const struct assay_error *why_not), void *self,
                           struct assay_error *err)
{
    return assay_descriptions_list(&kind, tell_one, &(struct listing){each, self}, err);
}

/* ---- other sizes -------------------------------------------------------------------------------------------------- */

static int64_t common(int64_t a, int64_t b)
{
    return b ? common(b, a % b) : a;
}

/* A torus of another size keeps of each side the most that divides it, as devices are numbered along them; its last takes the rest. */
static void reshape(struct assay_tier *t)
{
    int64_t left = t->units;
    int     last = ASSAY_TORUS_DIMENSIONS - 1;
    while (last > 0 && t->shape[last] == 1)
        last--;
    for (int i = 0; i < last; i++) {
        t->shape[i] = common(left, t->shape[i]);
        left /= t->shape[i];
    }
    t->shape[last] = left;
}

enum assay_code assay_system_resize(struct assay_system *s, int64_t devices, struct assay_error *err)
{
    struct assay_system next = *s;
    int64_t             left = devices;
    if (devices < 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a system has one device at least, got %lld", (long long)devices);
    for (size_t i = 0; i < next.n_tiers; i++) {
        struct assay_tier *t = &next.tiers[i];
        bool               last = i + 1 == next.n_tiers, one_stage = t->leaf == t->units;
        if (!last && left > t->units && left % t->units)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%lld devices do not fill tiers of '%s': '%.40s' joins %lld, and %lld are left over",
                              (long long)devices, s->name, t->name, (long long)t->units, (long long)(left % t->units));
        t->units = last || left < t->units ? left : t->units;
        t->leaf = one_stage || t->leaf > t->units ? t->units : t->leaf;
        if (t->topology == ASSAY_TOPOLOGY_TORUS)
            reshape(t);
        left /= t->units;
    }
    next.devices = devices;
    *s = next;
    return ASSAY_OK;
}
