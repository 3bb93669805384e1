/* Systems as files: "assay-system/1" describes one, "assay-system-spec/1" lays a buyer's numbers over one. */
#include <stdlib.h>

#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/model/cluster/system.h"

#include "assay/banned.h"

#define SYSTEM_FORMAT "assay-system/1"
#define SPEC_FORMAT "assay-system-spec/1"
#define LIMIT_BYTES ((size_t)1 << 20)
#define MOST_DEVICES 10000000

/* The system and what its texts are in. */
struct kept {
    struct assay_system s;
    struct assay_arena  arena;
};
struct reader {
    struct assay_description_reader of;
    struct kept                    *to;
};

static enum assay_code read_text(const struct reader *r, const json_t *object, const char *key, const char **out, struct assay_error *err)
{
    return assay_description_text(&r->of, object, key, true, out, err);
}

/* ---- tiers -------------------------------------------------------------------------------------------------------- */

static enum assay_code read_shape(const struct reader *r, const json_t *object, struct assay_tier *t, struct assay_error *err)
{
    json_t *array = NULL;
    int64_t product = 1;
    for (int i = 0; i < ASSAY_TORUS_DIMENSIONS; i++)
        t->shape[i] = 1;
    if (assay_json_array(r->of.file, object, "shape", t->topology == ASSAY_TOPOLOGY_TORUS, &array, err) || !array)
        return err->code;
    if (t->topology != ASSAY_TOPOLOGY_TORUS)
        return assay_json_fail_at(r->of.file, object, "shape", err, "only a torus has a shape");
    size_t n = json_array_size(array);
    if (n < 1 || n > ASSAY_TORUS_DIMENSIONS)
        return assay_json_fail_at(r->of.file, object, "shape", err, "a torus here has 1 to %d dimensions, not %zu", ASSAY_TORUS_DIMENSIONS, n);
    for (size_t i = 0; i < n; i++) {
        t->shape[i] = json_integer_value(json_array_get(array, i));
        if (t->shape[i] < 1 || t->shape[i] > MOST_DEVICES)
            return assay_json_fail_at(r->of.file, object, "shape", err, "side %zu of the torus is no count", i + 1);
        product *= t->shape[i];
    }
    if (product != t->units)
        return assay_json_fail_at(r->of.file, object, "shape", err, "the sides of '%.40s' multiply to %lld, it joins %lld", t->name,
                                  (long long)product, (long long)t->units);
    return ASSAY_OK;
}

/* A tier joins the one before it in the file; anything else is a circle or a gap. Of two with one name nobody could say which is joined. */
static enum assay_code check_joins(const struct reader *r, const json_t *tiers, size_t i, struct assay_error *err)
{
    const char   *joins = NULL, *below = i ? r->to->s.tiers[i - 1].name : "device";
    const json_t *object = json_array_get(tiers, i);
    for (size_t j = 0; j < i; j++)
        if (!strcmp(r->to->s.tiers[j].name, r->to->s.tiers[i].name))
            return assay_json_fail_at(r->of.file, object, "name", err, "two tiers are called '%.40s'", r->to->s.tiers[i].name);
    if (assay_json_text(r->of.file, object, "joins", true, &joins, err) || !strcmp(joins, below))
        return err->code;
    for (size_t j = i; j < json_array_size(tiers); j++) {
        const char *other = json_string_value(json_object_get(json_array_get(tiers, j), "name"));
        if (other && !strcmp(other, joins))
            return assay_json_fail_at(r->of.file, object, "joins", err, "tier '%.40s' joins '%.40s', which rests on it: a circle",
                                      r->to->s.tiers[i].name, joins);
    }
    return assay_json_fail_at(r->of.file, object, "joins", err, "tier '%.40s' joins '%.40s'; below it is '%.40s'", r->to->s.tiers[i].name,
                              joins, below);
}

static enum assay_code read_tier(const struct reader *r, const json_t *object, struct assay_tier *t, struct assay_error *err)
{
    static const char *const known[] = {"name", "joins", "topology", "units", "leaf", "shape", "fields"};
    int                      topology = 0;
    for (int f = 0; f < ASSAY_TIER_FIELDS; f++)
        t->fields[f] = assay_quantity_none();
    if (assay_json_known_keys(r->of.file, object, known, sizeof known / sizeof *known, err) || read_text(r, object, "name", &t->name, err) ||
        assay_json_word(r->of.file, object, "topology", true, assay_topology_names, &topology, err) ||
        assay_json_i64(r->of.file, object, "units", true, 1, MOST_DEVICES, &t->units, err))
        return err->code;
    t->topology = (enum assay_topology)topology;
    t->leaf = t->units;
    if (assay_json_i64(r->of.file, object, "leaf", false, 1, t->units, &t->leaf, err) || read_shape(r, object, t, err))
        return err->code;
    if (t->units % t->leaf)
        return assay_json_fail_at(r->of.file, object, "leaf", err, "leaves of %lld do not divide the %lld units of '%.40s'", (long long)t->leaf,
                                  (long long)t->units, t->name);
    return assay_description_fields(&r->of, object, false, assay_tier_fields, ASSAY_TIER_FIELDS, t->fields, err);
}

/* The device stands in for what the first tier leaves out; further tiers have nothing to stand in. */
static enum assay_code check_tier(const struct reader *r, const json_t *object, const struct assay_tier *t, size_t i, struct assay_error *err)
{
    static const enum assay_tier_field needed[] = {ASSAY_TIER_LINK, ASSAY_TIER_LATENCY, ASSAY_TIER_EFFICIENCY};
    for (size_t f = 0; i && f < sizeof needed / sizeof *needed; f++)
        if (t->fields[needed[f]].state != ASSAY_KNOWN)
            return assay_json_fail_at(r->of.file, object, "fields", err, "tier '%.40s' has no %s", t->name, assay_tier_fields[needed[f]].key);
    if (t->leaf < t->units && t->topology != ASSAY_TOPOLOGY_FAT_TREE && t->topology != ASSAY_TOPOLOGY_RAILS)
        return assay_json_fail_at(r->of.file, object, "leaf", err, "a %s has no leaves", assay_topology_names[t->topology]);
    return ASSAY_OK;
}

static enum assay_code read_tiers(const struct reader *r, struct assay_error *err)
{
    struct assay_system *s = &r->to->s;
    json_t              *array = NULL;
    int64_t              product = 1;
    if (assay_json_array(r->of.file, r->of.file->root, "tiers", true, &array, err))
        return err->code;
    s->n_tiers = json_array_size(array);
    if (s->n_tiers < 1 || s->n_tiers > ASSAY_SYSTEM_TIERS)
        return assay_json_fail_at(r->of.file, r->of.file->root, "tiers", err, "a system has 1 to %d tiers, not %zu", ASSAY_SYSTEM_TIERS, s->n_tiers);
    for (size_t i = 0; i < s->n_tiers; i++) {
        const json_t *object = json_array_get(array, i);
        if (!json_is_object(object))
            return assay_json_fail_at(r->of.file, r->of.file->root, "tiers", err, "tier %zu is no object", i + 1);
        if (read_tier(r, object, &s->tiers[i], err) || check_joins(r, array, i, err) || check_tier(r, object, &s->tiers[i], i, err))
            return err->code;
        product = product > MOST_DEVICES ? product : product * s->tiers[i].units;
    }
    if (product != s->devices)
        return assay_json_fail_at(r->of.file, r->of.file->root, "devices", err, "the tiers join %lld devices, 'devices' says %lld",
                                  (long long)product, (long long)s->devices);
    return ASSAY_OK;
}

/* ---- a description ------------------------------------------------------------------------------------------------ */

static enum assay_code read_description(const struct reader *r, struct assay_error *err)
{
    static const char *const known[] = {"format", "name", "product", "vendor", "about", "aliases", "device", "status", "devices", "said",
                                        "tiers", "fields"};
    struct assay_system *s = &r->to->s;
    const json_t        *root = r->of.file->root;
    int                  status = 0;
    *s = (struct assay_system){.overlays = ""};
    for (int f = 0; f < ASSAY_SYSTEM_FIELDS; f++)
        s->fields[f] = assay_quantity_none();
    if (assay_json_known_keys(r->of.file, root, known, sizeof known / sizeof *known, err) || read_text(r, root, "name", &s->name, err) ||
        read_text(r, root, "product", &s->product, err) || read_text(r, root, "vendor", &s->vendor, err) ||
        read_text(r, root, "about", &s->about, err) || read_text(r, root, "device", &s->device, err) ||
        assay_json_word(r->of.file, root, "status", true, assay_device_status_names, &status, err) ||
        assay_json_i64(r->of.file, root, "devices", true, 1, MOST_DEVICES, &s->devices, err) || assay_description_aliases(&r->of, &s->aliases, err) ||
        assay_description_said(&r->of, &s->said, &s->n_said, err) ||
        read_tiers(r, err) || assay_description_fields(&r->of, root, true, assay_system_fields, ASSAY_SYSTEM_FIELDS, s->fields, err))
        return err->code;
    s->status = (enum assay_device_status)status;
    assay_sha256_hex(r->of.file->bytes, r->of.file->length, s->fingerprint);
    return ASSAY_OK;
}

enum assay_code assay_system_read(const char *path, struct assay_system **out, struct assay_error *err)
{
    struct assay_json_file file;
    struct kept           *to;
    if (assay_json_load(path, SYSTEM_FORMAT, LIMIT_BYTES, &file, err))
        return assay_error_in(err, "reading the system '%.90s'", path);
    to = calloc(1, sizeof *to);
    if (to)
        (void)read_description(&(struct reader){{&file, &to->arena, ""}, to}, err);
    else
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the description of a system");
    assay_json_release(&file);
    if (to && !err->code) {
        *out = &to->s;
        return ASSAY_OK;
    }
    if (to)
        assay_system_free(&to->s);
    return assay_error_in(err, "reading the system '%.90s'", path);
}

static struct kept *kept_of(struct assay_system *s)
{
    return (struct kept *)(void *)((char *)s - offsetof(struct kept, s));
}

void assay_system_free(struct assay_system *s)
{
    if (!s)
        return;
    assay_arena_clear(&kept_of(s)->arena);
    free(kept_of(s));
}

/* ---- a buyer's numbers over it ------------------------------------------------------------------------------------ */

static enum assay_code overlay_tiers(const struct reader *r, struct assay_error *err)
{
    const char *names[ASSAY_SYSTEM_TIERS];
    json_t     *tiers = NULL;
    for (size_t i = 0; i < r->to->s.n_tiers; i++)
        names[i] = r->to->s.tiers[i].name;
    if (assay_json_object(r->of.file, r->of.file->root, "tiers", false, &tiers, err) || !tiers ||
        assay_json_known_keys(r->of.file, tiers, names, r->to->s.n_tiers, err))
        return err->code;
    for (size_t i = 0; i < r->to->s.n_tiers; i++) {
        static const char *const known[] = {"fields"};
        struct assay_tier       *t = &r->to->s.tiers[i];
        json_t                  *object = NULL;
        if (assay_json_object(r->of.file, tiers, t->name, false, &object, err))
            return err->code;
        if (object && (assay_json_known_keys(r->of.file, object, known, 1, err) ||
                       assay_description_fields(&r->of, object, true, assay_tier_fields, ASSAY_TIER_FIELDS, t->fields, err) || check_tier(r, object, t, i, err)))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code read_overlay(const struct reader *r, struct assay_error *err)
{
    static const char *const known[] = {"format", "system", "by", "about", "device", "tiers", "fields"};
    struct assay_system     *s = &r->to->s;
    const json_t            *root = r->of.file->root;
    const char              *system = NULL, *by = NULL, *about = NULL;
    if (assay_json_known_keys(r->of.file, root, known, sizeof known / sizeof *known, err) ||
        assay_json_text(r->of.file, root, "system", true, &system, err) || assay_json_text(r->of.file, root, "by", true, &by, err) ||
        assay_json_text(r->of.file, root, "about", false, &about, err))
        return err->code;
    if (!assay_description_is_called(s->name, s->aliases, system))
        return assay_json_fail_at(r->of.file, root, "system", err, "it is for system '%.60s', not for '%.60s'", system, s->name);
    if ((json_object_get(root, "device") && read_text(r, root, "device", &s->device, err)) || overlay_tiers(r, err) ||
        assay_description_fields(&r->of, root, false, assay_system_fields, ASSAY_SYSTEM_FIELDS, s->fields, err))
        return err->code;
    return assay_description_note_overlay(&r->of, by, &s->overlays, s->fingerprint, err);
}

/* Laid over a copy, so that a file that is wrong leaves the description as it was. Texts stay in the same arena. */
enum assay_code assay_system_overlay(struct assay_system *s, const char *path, struct assay_error *err)
{
    struct assay_json_file file;
    struct assay_system    before = *s;
    struct reader          r = {{&file, &kept_of(s)->arena, ""}, kept_of(s)};
    if (assay_json_load(path, SPEC_FORMAT, LIMIT_BYTES, &file, err))
        return assay_error_in(err, "laying '%.90s' over %s", path, s->name);
    if (!assay_description_keep(&r.of, path, &r.of.overlay, err))
        (void)read_overlay(&r, err);
    assay_json_release(&file);
    if (err->code)
        *s = before;
    return err->code ? assay_error_in(err, "laying '%.90s' over %s", path, before.name) : ASSAY_OK;
}

bool assay_system_spec_is(const char *path, char system[64])
{
    struct assay_json_file file;
    struct assay_error     none = {.code = ASSAY_OK};
    const char            *name = NULL;
    if (assay_json_load(path, SPEC_FORMAT, LIMIT_BYTES, &file, &none))
        return false;
    bool is = !assay_json_text(&file, file.root, "system", true, &name, &none) && assay_string_copy(system, 64, name);
    assay_json_release(&file);
    return is;
}
