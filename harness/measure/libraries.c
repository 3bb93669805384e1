/* What code this process really runs: every file mapped as executable, with the hash of its bytes. */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/measure/host.h"
#include "assay/banned.h"

#define DELETED " (deleted)"

struct mapping {
    uintptr_t begin, end;
    char     *path;
    char      soname[128];
};
struct mappings {
    size_t          n, room;
    struct mapping *at;
};

/* ---- /proc/self/maps ---- */

static bool add(struct mappings *m, uintptr_t begin, uintptr_t end, const char *path)
{
    if (m->n == m->room) {
        size_t          room = m->room ? 2 * m->room : 64;
        struct mapping *more = realloc(m->at, room * sizeof *more);
        if (!more)
            return false;
        m->at = more;
        m->room = room;
    }
    struct mapping *x = &m->at[m->n];
    *x = (struct mapping){.begin = begin, .end = end, .path = strdup(path)};
    m->n += x->path != NULL;
    return x->path != NULL;
}

/* "7f00-7f10 r-xp 00000000 08:01 1234   /usr/lib/libc.so.6": executable and with a path. */
static bool read_maps(struct mappings *m)
{
    FILE  *f = fopen("/proc/self/maps", "re");
    char  *line = NULL;
    size_t room = 0;
    bool   good = f != NULL;
    while (good && getline(&line, &room, f) > 0) {
        char     *at;
        uintptr_t begin = (uintptr_t)strtoull(line, &at, 16);
        if (*at != '-')
            continue;
        uintptr_t   end = (uintptr_t)strtoull(at + 1, &at, 16);
        const char *path = strchr(at, '/');
        if (at[0] != ' ' || strlen(at) < 5 || at[3] != 'x' || !path)
            continue;
        line[strcspn(line, "\n")] = 0;
        good = add(m, begin, end, path);
    }
    free(line);
    if (f)
        (void)fclose(f);
    return good;
}

/* ---- names that libraries give themselves ---- */

static const char *soname_of(const struct dl_phdr_info *info, const ElfW(Phdr) * dynamic)
{
    const char *strings = NULL;
    ElfW(Xword) offset = 0;
    bool        named = false;
    for (const ElfW(Dyn) *d = (const void *)(info->dlpi_addr + dynamic->p_vaddr); d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_STRTAB) /* the loader has made it an address, but where the section is read-only */
            strings = (const void *)(d->d_un.d_ptr < info->dlpi_addr ? d->d_un.d_ptr + info->dlpi_addr : d->d_un.d_ptr);
        if (d->d_tag == DT_SONAME) {
            offset = d->d_un.d_val;
            named = true;
        }
    }
    return named && strings ? strings + offset : NULL;
}

static int name_mapping(struct dl_phdr_info *info, size_t size, void *self)
{
    struct mappings   *m = self;
    const ElfW(Phdr) *code = NULL, *dynamic = NULL;
    (void)size;
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && p->p_flags & PF_X && !code)
            code = p;
        if (p->p_type == PT_DYNAMIC)
            dynamic = p;
    }
    const char *soname = code && dynamic ? soname_of(info, dynamic) : NULL;
    for (size_t i = 0; soname && i < m->n; i++) {
        uintptr_t at = info->dlpi_addr + code->p_vaddr;
        if (at >= m->at[i].begin && at < m->at[i].end)
            (void)assay_string_copy(m->at[i].soname, sizeof m->at[i].soname, soname);
    }
    return 0;
}

/* ---- the list ---- */

static json_t *absent(const char *why)
{
    return json_pack("{s:n, s:o}", "value", "why", assay_json_string(why));
}

/* "libz.so.1.2.13": what follows ".so." */
static const char *version_in(const char *path)
{
    const char *name = strrchr(path, '/'), *at = name ? strstr(name, ".so.") : NULL;
    return at && at[4] >= '0' && at[4] <= '9' ? at + 4 : NULL;
}

static json_t *hash_of(const char *path)
{
    char               hex[65];
    struct assay_error err;
    size_t             length = strlen(path), tail = strlen(DELETED);
    if (length > tail && !strcmp(path + length - tail, DELETED))
        return absent("the file was deleted or replaced after it was loaded");
    if (assay_sha256_file(path, hex, &err))
        return absent(err.message);
    return json_string(hex);
}

static json_t *describe(const struct mapping *m)
{
    json_t     *out = json_object();
    const char *version = version_in(m->path);
    (void)json_object_set_new(out, "path", assay_json_string(m->path));
    (void)json_object_set_new(out, "soname", *m->soname ? assay_json_string(m->soname) : absent("it gives itself no name"));
    if (version)
        (void)json_object_set_new(out, "version", assay_json_string(version));
    (void)json_object_set_new(out, "sha256", hash_of(m->path));
    return out;
}

/* By path; of one file's mappings the one that found its name first. */
static int by_path(const void *a, const void *b)
{
    const struct mapping *x = a, *y = b;
    int                   order = strcmp(x->path, y->path);
    return order ? order : (*y->soname != 0) - (*x->soname != 0);
}

json_t *assay_host_libraries(void)
{
    struct mappings m = {0};
    json_t         *out = json_array();
    if (read_maps(&m)) {
        (void)dl_iterate_phdr(name_mapping, &m);
        qsort(m.at, m.n, sizeof *m.at, by_path);
        for (size_t i = 0; i < m.n; i++)
            if (!i || strcmp(m.at[i].path, m.at[i - 1].path) != 0)
                (void)json_array_append_new(out, describe(&m.at[i]));
    }
    for (size_t i = 0; i < m.n; i++)
        free(m.at[i].path);
    free(m.at);
    return out;
}
