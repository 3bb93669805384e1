/* Where a test finds what was built beside it. */
#ifndef RUN_TESTS_PLACE_H
#define RUN_TESTS_PLACE_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* <build>/<folder>/<name>.so for a test in <build>/…/tests/; "" is left in `path` if that cannot be found out. */
static inline void place_of(char *path, size_t capacity, const char *folder, const char *name)
{
    static const char *const roots[] = {"/harness/run/tests/", "/harness/judge/tests/", "/backends/"};
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    path[0] = 0;
    for (size_t i = 0; n > 0 && i < sizeof roots / sizeof *roots && !path[0]; i++) {
        self[n] = 0;
        char *below = strstr(self, roots[i]);
        if (below)
            (void)snprintf(path, capacity, "%.*s/%s/%s.so", (int)(below - self), self, folder, name);
    }
}

#endif
