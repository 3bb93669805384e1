#include "harness/run/loader.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/clock.h"
#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/run/devices.h"

#include "assay/banned.h"

enum { MAX_OPTION_ROWS = 256, MAX_OPTION_STRIDE = 4096, MAX_OPTIONS_BYTES = 65536, MAX_BACKEND_BYTES = 65536 };

/* Everything before the first optional entry must be there. */
#define REQUIRED_BYTES offsetof(struct assay_backend, describe)

struct loaded {
    struct loaded *next;
    char path[512];
    struct assay_backend backend;
    struct assay_option rows[MAX_OPTION_ROWS + 1];
};
/* What was loaded stays: plug-ins are never unloaded, and sessions keep pointers into these. */
static struct loaded *all_loaded;

static void host_log(enum assay_log_level level, const char *text)
{
    static const char *const names[] = {"", "debug", "info", "warning"};
    char line[1200], copy[512];
    struct assay_text escaped = ASSAY_TEXT(line);
    if (level < ASSAY_LOG_DEBUG || level > ASSAY_LOG_WARN || !text)
        return;
    (void)assay_string_copy(copy, sizeof copy, text);
    assay_string_escape(&escaped, ASSAY_ESCAPE_TERMINAL, copy);
    (void)fprintf(stderr, "plug-in %s: %s\n", names[level], line);
}

static const struct assay_host *host_lent(void)
{
    static struct assay_host host;
    host.size = sizeof host;
    host.abi_major = ASSAY_ABI_MAJOR;
    host.abi_minor = ASSAY_ABI_MINOR;
    host.now_ns = assay_clock_now_ns;
    host.log = host_log;
    host.device_add = assay_device_list_add;
    assay_graph_lend(&host);
    return &host;
}

/* ---- what a plug-in gave ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} required_entries[] = {
#define ENTRY(name)                                                                                                    \
    {                                                                                                                  \
#name, offsetof(struct assay_backend, name)                                                                    \
    }
    ENTRY(probe),    ENTRY(open),    ENTRY(close),   ENTRY(accepts), ENTRY(alloc), ENTRY(release), ENTRY(upload),
    ENTRY(download), ENTRY(compile), ENTRY(discard), ENTRY(execute), ENTRY(poll),  ENTRY(forget),
#undef ENTRY
};

static bool entry_is_there(const struct assay_backend *b, size_t offset)
{
    static const unsigned char none[sizeof b->probe];
    return memcmp((const unsigned char *)b + offset, none, sizeof none) != 0;
}

/* One line of at least one and fewer than `limit` characters, without control characters. */
static bool text_is_plain(const char *text, size_t limit)
{
    size_t n = text ? strnlen(text, limit) : 0;
    if (!n || n == limit)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

static bool text_is_word(const char *text, size_t limit)
{
    size_t n = text ? strnlen(text, limit) : 0;
    return n && n < limit && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n && text[0] != '-';
}

static enum assay_code check_numbers(const struct assay_backend *b, const char *path, struct assay_error *err)
{
    if (b->abi_major != ASSAY_ABI_MAJOR)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' is of plug-in ABI %u.%u, this program has %u.%u", path,
                          b->abi_major, b->abi_minor, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR);
    if (b->size < REQUIRED_BYTES || b->size > MAX_BACKEND_BYTES)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' gives a back end of %u bytes; ABI %u.%u has at least %zu", path,
                          b->size, b->abi_major, b->abi_minor, REQUIRED_BYTES);
    return ASSAY_OK;
}

static enum assay_code check_entries(const struct assay_backend *b, const char *path, struct assay_error *err)
{
    const char *base = strrchr(path, '/');
    char expected[128];
    for (size_t i = 0; i < sizeof required_entries / sizeof *required_entries; i++)
        if (!entry_is_there(b, required_entries[i].offset))
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' lacks the required entry '%s'", path,
                              required_entries[i].name);
    if (!text_is_word(b->name, 64))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' has no usable name; a name is 1 to 63 of a-z, 0-9, '-' and '_'",
                          path);
    if (!text_is_plain(b->summary, 256) || !text_is_plain(b->version, 64))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' has no summary or version of one plain line", path);
    (void)snprintf(expected, sizeof expected, "assay-%s.so", b->name);
    base = base ? base + 1 : path;
    if (!strncmp(base, "assay-", 6) && strcmp(base, expected) != 0)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' calls itself '%s'", path, b->name);
    return ASSAY_OK;
}

/* ---- its option table ---------------------------------------------------------------------------------- */

/* Bytes a row writes at its offset, and how they are aligned; 0 for a type that a back end may not have. */
static size_t row_width(const struct assay_option *row, size_t *alignment)
{
    size_t width = 0;
    switch (row->type) {
    case ASSAY_OPT_BOOL:
        width = sizeof(bool);
        break;
    case ASSAY_OPT_I64:
    case ASSAY_OPT_ENUM:
        width = sizeof(int64_t);
        break;
    case ASSAY_OPT_F64:
        width = sizeof(double);
        break;
    case ASSAY_OPT_DTYPE:
        width = sizeof(enum assay_dtype);
        break;
    case ASSAY_OPT_SECONDS:
    case ASSAY_OPT_MILLISECONDS:
    case ASSAY_OPT_BYTES:
        width = sizeof(uint64_t);
        break;
    case ASSAY_OPT_TEXT:
        *alignment = 1;
        return row->bytes;
    case ASSAY_OPT_LIST:
        break;
    }
    *alignment = width;
    return width;
}

static const char *row_fault(const struct assay_option *row, size_t options_bytes)
{
    size_t alignment = 1, width = row_width(row, &alignment);
    if (!text_is_word(row->name, 64))
        return "its name is not a word";
    if (!width)
        return "it is of no type a back end may have, or has no room";
    if (row->offset > options_bytes || width > options_bytes - row->offset || row->offset % alignment)
        return "it does not lie in the struct the table fills";
    if (!(row->min <= row->max))
        return "its range is empty";
    if (row->type == ASSAY_OPT_ENUM && (!row->choices || !row->choices[0]))
        return "it has no choices";
    if (!text_is_plain(row->help, 256))
        return "it has no help of one plain line";
    return NULL;
}

/* Copies the rows to our stride, checking each. */
static enum assay_code copy_rows(const struct assay_backend *b, const char *path, struct assay_option *rows,
                                 struct assay_error *err)
{
    const unsigned char *from = (const unsigned char *)b->options;
    if (b->option_stride < sizeof *rows || b->option_stride > MAX_OPTION_STRIDE ||
        b->option_stride % _Alignof(struct assay_option))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "option rows of '%s' are %zu bytes apart; ABI %u.%u has at least %zu",
                          path, b->option_stride, b->abi_major, b->abi_minor, sizeof *rows);
    if (b->options_bytes > MAX_OPTIONS_BYTES)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' wants %zu bytes of options; %d is the most", path,
                          b->options_bytes, MAX_OPTIONS_BYTES);
    for (size_t n = 0; n <= MAX_OPTION_ROWS; n++, from += b->option_stride) {
        memcpy(&rows[n], from, sizeof *rows);
        if (!rows[n].name)
            return ASSAY_OK;
        const char *fault = row_fault(&rows[n], b->options_bytes);
        for (size_t i = 0; i < n && !fault; i++)
            if (!strcmp(rows[i].name, rows[n].name))
                fault = "its name is taken";
        if (fault)
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "option row %zu of '%s' is refused: %s", n, path, fault);
    }
    return ASSAY_FAIL(err, ASSAY_PROTOCOL, "the option table of '%s' has no end within %d rows", path, MAX_OPTION_ROWS);
}

static enum assay_code check_defaults(const struct assay_option *rows, size_t options_bytes, const char *path,
                                      struct assay_error *err)
{
    void *scratch = calloc(1, options_bytes + 1);
    enum assay_code code;
    if (!scratch)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu bytes of options", options_bytes);
    code = assay_options_defaults(rows, scratch, err);
    free(scratch);
    if (code)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a default in the option table of '%s' is wrong", path);
    return ASSAY_OK;
}

/* ---- loading ------------------------------------------------------------------------------------------- */

static enum assay_code take_backend(const struct assay_backend *given, const char *path, struct loaded *to,
                                    struct assay_error *err)
{
    struct assay_backend *copy = &to->backend;
    if (!given)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' refuses this program (plug-in ABI %u.%u)", path, ASSAY_ABI_MAJOR,
                          ASSAY_ABI_MINOR);
    if (check_numbers(given, path, err))
        return err->code;
    memset(copy, 0, sizeof *copy);
    memcpy(copy, given, given->size < sizeof *copy ? given->size : sizeof *copy);
    if (copy->size > sizeof *copy)
        copy->size = sizeof *copy;
    if (check_entries(copy, path, err))
        return err->code;
    memset(to->rows, 0, sizeof to->rows);
    if (!copy->options)
        return ASSAY_OK;
    if (copy_rows(copy, path, to->rows, err) || check_defaults(to->rows, copy->options_bytes, path, err))
        return err->code;
    copy->options = to->rows;
    copy->option_stride = sizeof *to->rows;
    return ASSAY_OK;
}

/* POSIX gives functions as object pointers; the bytes are the same. */
static enum assay_code open_entry(const char *path, assay_backend_entry_fn **entry, struct assay_error *err)
{
    struct stat is;
    char with_slash[520];
    void *library, *symbol;
    if (stat(path, &is))
        return ASSAY_FAIL_ERRNO(err, ASSAY_UNAVAILABLE, "cannot load plug-in '%s'", path);
    if (!S_ISREG(is.st_mode))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "plug-in '%s' is not a file", path);
    /* Without a slash dlopen would look in the system's folders. */
    (void)snprintf(with_slash, sizeof with_slash, "%s%s", strchr(path, '/') ? "" : "./", path);
    library = dlopen(with_slash, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "cannot load plug-in: %s", dlerror());
    symbol = dlsym(library, ASSAY_BACKEND_ENTRY);
    if (!symbol)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' is no plug-in: it does not export " ASSAY_BACKEND_ENTRY, path);
    memcpy(entry, &symbol, sizeof *entry);
    return ASSAY_OK;
}

enum assay_code assay_backend_load(const char *path, const struct assay_backend **out, struct assay_error *err)
{
    assay_backend_entry_fn *entry = NULL;
    struct loaded *to = all_loaded;
    if (strlen(path) >= sizeof to->path)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the path of a plug-in has at most %zu characters", sizeof to->path - 1);
    while (to && strcmp(to->path, path) != 0)
        to = to->next;
    if (to) {
        *out = &to->backend;
        return ASSAY_OK;
    }
    if (open_entry(path, &entry, err))
        return err->code;
    to = calloc(1, sizeof *to);
    if (!to)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to load '%s'", path);
    if (take_backend(entry(host_lent()), path, to, err)) {
        free(to);
        return err->code;
    }
    (void)assay_string_copy(to->path, sizeof to->path, path);
    to->next = all_loaded;
    all_loaded = to;
    *out = &to->backend;
    return ASSAY_OK;
}
