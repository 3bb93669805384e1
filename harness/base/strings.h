/* Strings from outside are hostile: compare, split, escape. */
#ifndef ASSAY_BASE_STRINGS_H
#define ASSAY_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/text.h"

/* Copies as much as fits, always ends in NUL; false if it was cut. */
bool assay_string_copy(char *to, size_t capacity, const char *from);

/* Optimal-string-alignment distance, at most `limit` + 1. */
unsigned assay_string_distance(const char *a, const char *b, unsigned limit);

/* The entry of names[n] nearest to `name`, or NULL when none is near (distance over a third of the length). */
const char *assay_string_nearest(const char *name, const char *const *names, size_t n);

/* Appends `from` so that it is safe in HTML text and attributes, in XML, inside a JSON string (no quotes added),
 * as one CSV field (quoted when needed; a leading = + - @ or tab is defused), as a double-quoted gnuplot string
 * body, in a terminal (control characters and invalid UTF-8 shown as \xNN), in Markdown table cells, or as one
 * word of a POSIX shell command line (quoted when needed). */
enum assay_escape {
    ASSAY_ESCAPE_HTML,
    ASSAY_ESCAPE_XML,
    ASSAY_ESCAPE_JSON,
    ASSAY_ESCAPE_CSV,
    ASSAY_ESCAPE_GNUPLOT,
    ASSAY_ESCAPE_TERMINAL,
    ASSAY_ESCAPE_MARKDOWN,
    ASSAY_ESCAPE_SHELL,
};
void assay_string_escape(struct assay_text *out, enum assay_escape how, const char *from);
/* The same into newly allocated memory of exactly the size needed; NULL when out of memory. Free it. */
char *assay_string_escaped(enum assay_escape how, const char *from);

/* Calls `each` for every part of `list` between separators, trimmed of blanks; stops when it returns false. */
bool assay_string_split(const char *list, char separator, bool (*each)(void *self, const char *part), void *self);

/* "1.23 ms", "512 MiB", "183 Gflop/s": a value with an SI (or, for bytes, binary) prefix and `digits` significant digits. */
void assay_string_quantity(struct assay_text *out, double value, const char *unit, int digits);
/* 16 lower-case hex digits and NUL into out[17]. */
void assay_string_hex64(uint64_t value, char out[17]);

#endif
