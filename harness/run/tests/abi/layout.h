/* Compares the headers this is compiled with against the layout of ABI 1.0. */
#ifndef ASSAY_ABI_LAYOUT_H
#define ASSAY_ABI_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "assay/backend.h"
#include "harness/run/tests/abi/layout_1_0.h"

struct layout_row {
    const char *what;
    size_t was, is, was_bytes, is_bytes;
    bool may_grow;
};

/* The first thing that is not where it was, or NULL. */
static inline const char *layout_difference(void)
{
#define SIZE(s, bytes) {"sizeof " #s, 0, 0, bytes, sizeof(struct s), ASSAY_ABI_MINOR > 0},
#define FIELD(s, field, offset, bytes)                                                                                 \
    {#s "." #field, offset, offsetof(struct s, field), bytes, sizeof(((struct s *)0)->field), false},
#define NUMBER(name, value) {#name, value, (size_t)(name), 0, 0, false},
    static const struct layout_row rows[] = {ASSAY_LAYOUT_1_0(SIZE, FIELD) ASSAY_NUMBERS_1_0(NUMBER)};
#undef SIZE
#undef FIELD
#undef NUMBER
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct layout_row *r = &rows[i];
        bool grew = r->may_grow && r->is_bytes > r->was_bytes;
        if (r->is != r->was || (r->is_bytes != r->was_bytes && !grew))
            return r->what;
    }
    return NULL;
}

#endif
