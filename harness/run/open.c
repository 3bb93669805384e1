#include "harness/run/loader.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/run/resolve.h"

#include "assay/banned.h"

static enum assay_code load_named(const struct assay_backend_name *name, struct assay_opened *to,
                                  struct assay_error *err)
{
    bool is_path = strchr(name->name, '/');
    if (is_path && !assay_file_exists(name->name))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no plug-in '%.200s'", name->name);
    if (is_path)
        (void)assay_string_copy(to->path, sizeof to->path, name->name);
    else if (assay_backend_find(name->name, to->path, sizeof to->path, err))
        return err->code;
    return assay_backend_load(to->path, &to->backend, err);
}

static enum assay_code parse_options(const struct assay_backend_name *name, struct assay_opened *to,
                                     struct assay_error *err)
{
    const struct assay_backend *b = to->backend;
    char what[96];
    struct assay_text owner = ASSAY_TEXT(what);
    assay_text_add(&owner, "back end %s", b->name);
    if (!b->options && name->options[0])
        return ASSAY_FAIL(err, ASSAY_CONFIG, "back end '%s' has no options, '%.100s' was given", b->name,
                          name->options);
    to->options = calloc(1, b->options_bytes + 1);
    if (!to->options)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu bytes of options", b->options_bytes);
    return b->options ? assay_options_parse(b->options, to->options, name->options, what, err) : ASSAY_OK;
}

static enum assay_code no_such_device(const char *wanted, const struct assay_device_info *devices, size_t n,
                                      const struct assay_backend *b, struct assay_error *err)
{
    char text[160];
    struct assay_text known = ASSAY_TEXT(text);
    for (size_t i = 0; i < n; i++)
        assay_text_add(&known, "%s%s", i ? ", " : "", devices[i].name);
    const char **names = calloc(n + 1, sizeof *names), *near = NULL;
    for (size_t i = 0; names && i < n; i++)
        names[i] = devices[i].name;
    near = names ? assay_string_nearest(wanted, names, n) : NULL;
    free(names);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "back end '%s' has no device '%.100s'", b->name, wanted);
    if (near)
        return assay_error_hint(err, "did you mean '%.100s'?", near);
    return assay_error_hint(err, "there are: %s%s", text, known.cut ? "…" : "");
}

static enum assay_code choose_device(const struct assay_backend_name *name, struct assay_opened *to,
                                     struct assay_error *err)
{
    struct assay_device_info *devices = NULL;
    size_t n = 0, i = 0;
    if (assay_backend_devices(to->backend, to->options, &devices, &n, err))
        return err->code;
    while (name->device[0] && i < n && strcmp(devices[i].name, name->device) != 0)
        i++;
    enum assay_code code = ASSAY_OK;
    if (i == n)
        code = no_such_device(name->device, devices, n, to->backend, err);
    else
        to->device = devices[i];
    free(devices);
    return code;
}

static enum assay_code write_canonical(struct assay_opened *to, struct assay_error *err)
{
    struct assay_text text = ASSAY_TEXT(to->canonical), options;
    char *escaped = NULL, list[600];
    if (strpbrk(to->device.name, ",:\"\\")) {
        escaped = assay_string_escaped(ASSAY_ESCAPE_JSON, to->device.name);
        if (!escaped)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the name of device '%s'", to->device.name);
        assay_text_add(&text, "%s:\"%s\"", to->backend->name, escaped);
        free(escaped);
    } else {
        assay_text_add(&text, "%s:%s", to->backend->name, to->device.name);
    }
    options = ASSAY_TEXT(list);
    if (to->backend->options)
        assay_options_write(to->backend->options, to->options, &options);
    if (options.length)
        assay_text_add(&text, ",%s", list);
    if (text.cut || options.cut)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the options of back end '%s', written out, are too long",
                          to->backend->name);
    return ASSAY_OK;
}

static enum assay_code open_session(struct assay_opened *to, const struct assay_comm *comm, struct assay_error *err)
{
    struct assay_open how = {.size = sizeof how, .device = to->device.name, .options = to->options, .comm = comm};
    if (assay_backend_told(to->backend, to->backend->open(&how, &to->session, err), "open", err))
        return err->code;
    if (!to->session)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "back end '%s' opened no session and said it did", to->backend->name);
    return ASSAY_OK;
}

enum assay_code assay_backend_open(const char *text, const struct assay_comm *comm, struct assay_opened *out,
                                   struct assay_error *err)
{
    return assay_backend_open_file("", text, comm, out, err);
}

/* Systems have an option `share`, the part of their devices that works. */
static enum assay_code take_part(struct assay_opened *to, double share, struct assay_error *err)
{
    const struct assay_option *row = to->backend->options;
    if (share >= 1)
        return ASSAY_OK;
    while (row && row->name && strcmp(row->name, "share") != 0)
        row++;
    if (!row || !row->name || row->type != ASSAY_OPT_F64) {
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "back end '%s' is one device and has no parts", to->backend->name);
        return assay_error_hint(err, "link_bytes_per_s gives further tokens a device of their own");
    }
    char  *at = (char *)to->options + row->offset;
    double all;
    memcpy(&all, at, sizeof all);
    all *= share;
    memcpy(at, &all, sizeof all);
    return ASSAY_OK;
}

enum assay_code assay_backend_open_file(const char *path, const char *text, const struct assay_comm *comm,
                                        struct assay_opened *out, struct assay_error *err)
{
    return assay_backend_open_part(path, text, 1, comm, out, err);
}

enum assay_code assay_backend_open_part(const char *path, const char *text, double share, const struct assay_comm *comm,
                                        struct assay_opened *out, struct assay_error *err)
{
    struct assay_backend_name name;
    struct assay_opened opened = {0};
    struct assay_text why = ASSAY_TEXT(opened.resolved);
    if (assay_backend_name_parse(text, &name, err))
        return err->code;
    if (!*path && assay_backend_resolve(&name, &why, err))
        return assay_error_in(err, "opening '%.100s'", text);
    if (*path && !assay_string_copy(name.name, sizeof name.name, path))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "path is too long: '%.80s…'", path);
    if (load_named(&name, &opened, err) || parse_options(&name, &opened, err) || take_part(&opened, share, err) || choose_device(&name, &opened, err) ||
        write_canonical(&opened, err) || open_session(&opened, comm, err)) {
        free(opened.options);
        return assay_error_in(err, "opening '%.100s'", text);
    }
    *out = opened;
    return ASSAY_OK;
}

void assay_backend_close(struct assay_opened *opened)
{
    if (opened->session)
        opened->backend->close(opened->session);
    free(opened->options);
    memset(opened, 0, sizeof *opened);
}
