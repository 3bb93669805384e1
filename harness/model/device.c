/* The words of descriptions, and finding them. Their files: device_file.c. */
#include "harness/model/device.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "assay/text.h"
#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define FOLDER "backends/devices"

const struct assay_device_field_row assay_device_fields[ASSAY_DEVICE_FIELDS] = {
#define ASSAY_DEVICE_FIELD(id, key, unit, about) {key, unit, about},
#include "harness/model/device_fields.def"
#undef ASSAY_DEVICE_FIELD
};

const char *const assay_provenance_names[] = {"", "measured", "datasheet", "announced", "reported", "inferred", "assumed", NULL};
const char *const assay_chip_family_names[] = {"", "tensor_core", "systolic", "vector", NULL};
const char *const assay_memory_class_names[] = {"", "hbm", "gddr", "lpddr", "ddr", NULL};
const char *const assay_device_status_names[] = {"", "announced", "sampling", "available", "discontinued", NULL};

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

static enum assay_code listing_read(const struct listing *l, int i, struct assay_described **out, struct assay_error *err)
{
    char              path[800];
    struct assay_text text = ASSAY_TEXT(path);
    assay_text_add(&text, "%s/%s.json", l->folder, l->entries[i]->d_name);
    if (assay_described_read(path, out, err))
        return err->code;
    if (!strcmp((*out)->name, l->entries[i]->d_name))
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_DATA, "'%.100s' describes '%.60s', which is not what the file is called", path, (*out)->name);
    assay_described_free(*out);
    *out = NULL;
    return err->code;
}

enum assay_code assay_described_list(void (*each)(void *self, const char *name, const struct assay_described *d,
                                                  const struct assay_error *why_not),
                                     void *self, struct assay_error *err)
{
    struct listing  l;
    enum assay_code code = listing_open(&l, err);
    for (int i = 0; !code && i < l.n; i++) {
        struct assay_described *d = NULL;
        struct assay_error      why_not = {.code = ASSAY_OK};
        (void)listing_read(&l, i, &d, &why_not);
        each(self, l.entries[i]->d_name, d, &why_not);
        assay_described_free(d);
    }
    listing_close(&l);
    return code;
}

/* ---- by name ------------------------------------------------------------------------------------------------------ */

static bool is_called(const struct assay_described *d, const char *name)
{
    if (!strcasecmp(d->name, name))
        return true;
    for (const char *const *alias = d->aliases; *alias; alias++)
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
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no description of a device '%.60s'", name);
    if (near)
        (void)assay_error_hint(err, "did you mean '%s'?", near);
    else
        (void)assay_error_hint(err, "there are: %s%s", all, known.cut ? "…" : "");
}

/* A description that is wrong hides nothing but itself: it is an error only where it is the one asked for by its file's name. */
static enum assay_code find_in(const struct listing *l, const char *name, struct assay_described **out, struct assay_error *err)
{
    for (int i = 0; i < l->n; i++)
        if (!strcasecmp(l->entries[i]->d_name, name))
            return listing_read(l, i, out, err);
    for (int i = 0; i < l->n; i++) {
        struct assay_described *d = NULL;
        struct assay_error      ignored = {.code = ASSAY_OK};
        if (listing_read(l, i, &d, &ignored))
            continue;
        if (is_called(d, name)) {
            *out = d;
            return ASSAY_OK;
        }
        assay_described_free(d);
    }
    suggest(l, name, err);
    return err->code;
}

enum assay_code assay_described_find(const char *name, struct assay_described **out, struct assay_error *err)
{
    size_t         n = strlen(name);
    struct listing l;
    if (strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".json")))
        return assay_described_read(name, out, err);
    enum assay_code code = listing_open(&l, err);
    if (!code)
        code = find_in(&l, name, out, err);
    listing_close(&l);
    return code;
}
