/* The words of systems' descriptions, finding them, and their sizes. Their files: system_file.c. */
#include "harness/model/cluster/system.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "assay/text.h"
#include "harness/base/data_folder.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define FOLDER "backends/systems"

const struct assay_quantity_row assay_system_fields[ASSAY_SYSTEM_FIELDS] = {
#define ASSAY_SYSTEM_FIELD(id, key, unit, least, most, about) {key, unit, about, least, most},
#include "harness/model/cluster/system_fields.def"
};
const struct assay_quantity_row assay_tier_fields[ASSAY_TIER_FIELDS] = {
#define ASSAY_TIER_FIELD(id, key, unit, least, most, about) {key, unit, about, least, most},
#include "harness/model/cluster/system_fields.def"
};
const char *const assay_topology_names[] = {"", "mesh", "ring", "torus", "switch", "fat_tree", "rails", NULL};

/* ---- the folder --------------------------------------------------------------------------------------------------- */

struct listing {
    char            folder[512];
    struct dirent **entries;
    int             n;
};

static int is_json(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 5 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 5, ".json");
}

/* Names without their ending, sorted. */
static enum assay_code listing_open(struct listing *l, struct assay_error *err)
{
    *l = (struct listing){.n = 0};
    if (assay_data_folder(FOLDER, l->folder, sizeof l->folder, err))
        return err->code;
    l->n = scandir(l->folder, &l->entries, is_json, alphasort);
    if (l->n < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot list '%.150s'", l->folder);
    for (int i = 0; i < l->n; i++)
        l->entries[i]->d_name[strlen(l->entries[i]->d_name) - 5] = 0;
    return ASSAY_OK;
}

static void listing_close(struct listing *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->entries[i]);
    free(l->entries);
}

static enum assay_code listing_read(const struct listing *l, int i, struct assay_system **out, struct assay_error *err)
{
    char              path[800];
    struct assay_text text = ASSAY_TEXT(path);
    assay_text_add(&text, "%s/%s.json", l->folder, l->entries[i]->d_name);
    if (assay_system_read(path, out, err))
        return err->code;
    if (!strcmp((*out)->name, l->entries[i]->d_name))
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_DATA, "'%.100s' describes '%.60s', which is not what the file is called", path, (*out)->name);
    assay_system_free(*out);
    *out = NULL;
    return err->code;
}

enum assay_code assay_systems_list(void (*each)(void *self, const char *name, const struct assay_system *s, const struct assay_error *why_not),
                                   void *self, struct assay_error *err)
{
    struct listing  l;
    enum assay_code code = listing_open(&l, err);
    for (int i = 0; !code && i < l.n; i++) {
        struct assay_system *s = NULL;
        struct assay_error   why_not = {.code = ASSAY_OK};
        (void)listing_read(&l, i, &s, &why_not);
        each(self, l.entries[i]->d_name, s, &why_not);
        assay_system_free(s);
    }
    listing_close(&l);
    return code;
}

/* ---- by name ------------------------------------------------------------------------------------------------------ */

static bool is_called(const struct assay_system *s, const char *name)
{
    if (!strcasecmp(s->name, name))
        return true;
    for (const char *const *alias = s->aliases; *alias; alias++)
        if (!strcasecmp(*alias, name))
            return true;
    return false;
}

static void suggest(const struct listing *l, const char *name, struct assay_error *err)
{
    const char      **names = calloc((size_t)l->n + 1, sizeof *names), *near = NULL;
    char              all[160];
    struct assay_text known = ASSAY_TEXT(all);
    for (int i = 0; i < l->n; i++) {
        assay_text_add(&known, "%s%s", i ? ", " : "", l->entries[i]->d_name);
        if (names)
            names[i] = l->entries[i]->d_name;
    }
    if (names)
        near = assay_string_nearest(name, names, (size_t)l->n);
    free(names);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no description of a system '%.60s'", name);
    if (near)
        (void)assay_error_hint(err, "did you mean '%s'?", near);
    else
        (void)assay_error_hint(err, "there are: %s%s", all, known.cut ? "…" : "");
}

/* A description that is wrong hides nothing but itself: it is an error only where it is the one asked for by its file's name. */
static enum assay_code find_in(const struct listing *l, const char *name, struct assay_system **out, struct assay_error *err)
{
    for (int i = 0; i < l->n; i++)
        if (!strcasecmp(l->entries[i]->d_name, name))
            return listing_read(l, i, out, err);
    for (int i = 0; i < l->n; i++) {
        struct assay_system *s = NULL;
        struct assay_error   ignored = {.code = ASSAY_OK};
        if (listing_read(l, i, &s, &ignored))
            continue;
        if (is_called(s, name)) {
            *out = s;
            return ASSAY_OK;
        }
        assay_system_free(s);
    }
    suggest(l, name, err);
    return err->code;
}

enum assay_code assay_system_find(const char *name, struct assay_system **out, struct assay_error *err)
{
    size_t         n = strlen(name);
    struct listing l;
    if (strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".json")))
        return assay_system_read(name, out, err);
    enum assay_code code = listing_open(&l, err);
    if (!code)
        code = find_in(&l, name, out, err);
    listing_close(&l);
    return code;
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
