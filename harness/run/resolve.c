#include "harness/run/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/model/cluster/system.h"
#include "harness/model/device.h"

#include "assay/banned.h"

#define MODEL "model"
#define CLUSTER "cluster"
#define AUTO "auto"

struct search {
    const char                   *name;
    const struct assay_described *described; /* NULL: nobody described it */
    struct assay_backend_name    *out;
    struct assay_text            *why;
    bool                          found;
};

static bool is_called(const struct search *s, const char *text)
{
    bool same = *text && (!strcasecmp(text, s->name) || (s->described && !strcasecmp(text, s->described->name)));
    for (const char *const *alias = s->described ? s->described->aliases : NULL; !same && *text && alias && *alias; alias++)
        same = !strcasecmp(text, *alias);
    return same;
}

static void look_at(struct search *s, const char *plugin, const struct assay_device_info *d, size_t n)
{
    for (size_t i = 0; i < n && !s->found; i++) {
        if (d[i].origin != ASSAY_ORIGIN_REAL || !(is_called(s, d[i].name) || is_called(s, d[i].product)))
            continue;
        s->found = assay_string_copy(s->out->name, sizeof s->out->name, plugin) &&
                   assay_string_copy(s->out->device, sizeof s->out->device, d[i].name);
        assay_text_add(s->why, "%s is %s:%s: its driver finds %s", s->name, plugin, d[i].name, *d[i].product ? d[i].product
                       : d[i].name);
    }
}

/* One that cannot be loaded or finds nothing is none that finds this device. */
static void ask_plugin(void *self, const char *name, const char *path)
{
    struct search              *s = self;
    const struct assay_backend *b = NULL;
    struct assay_device_info   *devices = NULL;
    size_t                      n = 0;
    struct assay_error          ignored = {.code = ASSAY_OK};
    if (s->found || !strcmp(name, MODEL) || assay_backend_load(path, &b, &ignored))
        return;
    void *options = calloc(1, b->options_bytes + 1);
    if (options && !(b->options && assay_options_parse(b->options, options, "", name, &ignored)) &&
        !assay_backend_devices(b, options, &devices, &n, &ignored))
        look_at(s, name, devices, n);
    free(devices);
    free(options);
}

static enum assay_code use_model(struct search *s, struct assay_error *err)
{
    if (!s->described)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "no driver here finds a device '%.64s', and nobody described one", s->name);
    (void)assay_string_copy(s->out->name, sizeof s->out->name, MODEL);
    (void)assay_string_copy(s->out->device, sizeof s->out->device, s->described->name);
    assay_text_add(s->why, "%s is model:%s, calculated from its description: no driver here finds one", s->name,
                   s->described->name);
    return ASSAY_OK;
}

/* A name or alias of a described system; `why` may be NULL. */
static bool use_system(struct assay_backend_name *name, const char *asked, struct assay_text *why)
{
    struct assay_system *system = NULL;
    struct assay_error   none = {.code = ASSAY_OK};
    if (assay_system_find(asked, &system, &none))
        return false;
    if (why)
        assay_text_add(why, "%s is cluster:%s, calculated from its description", asked, system->name);
    (void)assay_string_copy(name->name, sizeof name->name, CLUSTER);
    (void)assay_string_copy(name->device, sizeof name->device, system->name);
    assay_system_free(system);
    return true;
}

static enum assay_code resolve_device(struct assay_backend_name *name, const char *device, struct assay_text *why,
                                      struct assay_error *err)
{
    struct assay_described *described = NULL;
    struct assay_error      none = {.code = ASSAY_OK};
    struct search           s = {.name = device, .out = name, .why = why};
    if (assay_described_find(device, &described, &none) && none.code != ASSAY_CONFIG) {
        *err = none;
        return err->code;
    }
    s.described = described;
    enum assay_code code = assay_backend_list(ask_plugin, &s, err);
    if (!code && !s.found && use_model(&s, err) && *none.hint)
        (void)assay_error_hint(err, "%s", none.hint);
    assay_described_free(described);
    return err->code;
}

static void use_described_name(struct assay_backend_name *name)
{
    struct assay_described *described = NULL;
    struct assay_error      none = {.code = ASSAY_OK};
    if (!assay_described_find(name->device, &described, &none))
        (void)assay_string_copy(name->device, sizeof name->device, described->name);
    assay_described_free(described);
}

enum assay_code assay_backend_resolve(struct assay_backend_name *name, struct assay_text *why, struct assay_error *err)
{
    char                    path[640], device[256];
    struct assay_error      unknown = {.code = ASSAY_OK};
    struct assay_described *described = NULL;
    if (strchr(name->name, '/'))
        return ASSAY_OK;
    if (!strcmp(name->name, AUTO) && *name->device) {
        (void)assay_string_copy(device, sizeof device, name->device);
        if (use_system(name, device, why))
            return ASSAY_OK;
        return resolve_device(name, device, why, err);
    }
    if (!assay_backend_find(name->name, path, sizeof path, &unknown)) {
        if (!strcmp(name->name, MODEL) && *name->device)
            use_described_name(name);
        if (!strcmp(name->name, CLUSTER) && *name->device && assay_string_copy(device, sizeof device, name->device))
            (void)use_system(name, device, NULL);
        return ASSAY_OK;
    }
    struct assay_error none = {.code = ASSAY_OK};
    if (!*name->device && use_system(name, name->name, why))
        return ASSAY_OK;
    if (*name->device || assay_described_find(name->name, &described, &none)) {
        *err = unknown; /* what is no device either is a back end that is not there */
        if (!*name->device && !strncmp(none.hint, "did you mean", 12) && strncmp(unknown.hint, "did you mean", 12) != 0)
            (void)assay_error_hint(err, "%s", none.hint);
        return err->code;
    }
    assay_described_free(described);
    (void)assay_string_copy(device, sizeof device, name->name);
    return resolve_device(name, device, why, err);
}
