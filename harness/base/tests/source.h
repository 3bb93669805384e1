/* Where the sources lie that a test was built from, for tests that read data of theirs. */
#ifndef BASE_TESTS_SOURCE_H
#define BASE_TESTS_SOURCE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOURCE_BYTES = 512 };

/* A test binary is <sources>/build/<config>/…; nothing if that cannot be found out. */
static inline void source_of(char source[SOURCE_BYTES])
{
    char *build = NULL;
    memset(source, 0, SOURCE_BYTES);
    cr_assert_gt(readlink("/proc/self/exe", source, SOURCE_BYTES - 1), 0);
    for (char *at = source; (at = strstr(at, "/build/")); at++)
        build = at;
    cr_assert_not_null(build, "%s", source);
    *build = 0;
}

/* The program finds its data from where it is; a test stands too deep for that. */
static inline void find_source(void)
{
    char source[SOURCE_BYTES];
    source_of(source);
    cr_assert_eq(setenv("ASSAY_DATA", source, 1), 0);
}

#endif
