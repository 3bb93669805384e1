/* Libraries mapped into this process: /proc/self/maps, each file once, with its hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/measure/host.h"

#include "assay/banned.h"

#define MOST 256

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "libx.so.1.2.3" is version "1.2.3"; a name without digits behind .so tells none. */
static json_t *version_of(const char *path)
{
    const char *name = strrchr(path, '/'), *so = strstr(name ? name : path, ".so.");
    return so && so[4] ? assay_json_string(so + 4) : json_pack("{s:n, s:s}", "value", "why", "the file's name tells no version");
}

static json_t *describe(const char *path)
{
    char               digest[65];
    struct assay_error err = {.code = ASSAY_OK};
    const char        *name = strrchr(path, '/');
    json_t            *hash = assay_sha256_file(path, digest, &err)
                                  ? json_pack("{s:n, s:o}", "value", "why", assay_json_string(err.message))
                                  : json_string(digest);
    return json_pack("{s:o, s:o, s:o, s:o}", "path", assay_json_string(path), "soname", assay_json_string(name ? name + 1 : path),
                     "version", version_of(path), "sha256", hash);
}

json_t *assay_host_libraries(void)
{
    char  *path[MOST], *line = NULL;
    size_t n = 0, room = 0;
    json_t *list = json_array();
    FILE   *f = fopen("/proc/self/maps", "re");
    while (f && n < MOST && getline(&line, &room, f) > 0) {
        char *at = strchr(line, '/');
        if (!at || !strstr(at, ".so"))
            continue;
        at[strcspn(at, "\n")] = 0;
        char *copy = strdup(at);
        if (copy)
            path[n++] = copy;
    }
    free(line);
    if (f)
        (void)fclose(f);
    qsort(path, n, sizeof *path, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(path[i], path[i - 1]))
            json_array_append_new(list, describe(path[i]));
    for (size_t i = 0; i < n; i++)
        free(path[i]);
    return list;
}
