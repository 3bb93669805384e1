/* Strings from outside are hostile: compare, split, escape. */
#ifndef ASSAY_BASE_STRINGS_H
#define ASSAY_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/text.h"

/* Copies as much as fits into capacity >= 1 bytes, always ends in NUL; false if it was cut. */
bool assay_string_copy(char *to, size_t capacity, const char *from);

/* Optimal-string-alignment distance (insert, delete, replace, swap of neighbours) in bytes, at most `limit` + 1.
 * Different strings of which one is longer than 255 bytes are `limit` + 1 apart. */
unsigned assay_string_distance(const char *a, const char *b, unsigned limit);

/* The entry of names[n] nearest to `name`, or NULL when none is near: distance over a third of the longer
 * one's length (one edit is always allowed), or nothing in common. The first of equally near ones. */
const char *assay_string_nearest(const char *name, const char *const *names, size_t n);

/* Appends `from` so that it is safe in one place. Bytes that are not UTF-8, control characters that the format cannot
 * hold, and marks of lines and reading directions (U+2028 to U+202E, U+2066 to U+2069: a line would show what it is not)
 * become U+FFFD, but for TERMINAL and SHELL; JSON keeps all but the first, by number where they act on what shows it.
 *   HTML      text, and attribute values between quotes
 *   XML       the same; white space comes back exactly
 *   JSON      inside a string (no quotes added), also within a script of a page
 *   CSV       one field, quoted when needed. One that a spreadsheet would compute (= + - @ or white space first) gets
 *             a ' before it, but for plain numbers
 *   GNUPLOT   inside a double-quoted string. The caller sets noenhanced: enhanced text has marks of its own
 *   TERMINAL  one line to be looked at: control characters, line and direction marks and bytes that are not UTF-8
 *             are shown as \xnn
 *   MARKDOWN  a table cell; line ends become blanks
 *   SHEET     text of a cell of a spreadsheet's file, which never computes it; "_x0041_", which would be read as "A", stays what it is
 *   SHELL     one argument of a POSIX command, quoted when needed, every byte kept. Quotes do not hide a leading "-"
 *             from the command, nor "a=b" in the place of the command's name
 * When there is no room for all, what is appended ends at a whole character and with its closing quote. */
enum assay_escape {
    ASSAY_ESCAPE_HTML,
    ASSAY_ESCAPE_XML,
    ASSAY_ESCAPE_JSON,
    ASSAY_ESCAPE_CSV,
    ASSAY_ESCAPE_GNUPLOT,
    ASSAY_ESCAPE_TERMINAL,
    ASSAY_ESCAPE_MARKDOWN,
    ASSAY_ESCAPE_SHELL,
    ASSAY_ESCAPE_SHEET,
};
void assay_string_escape(struct assay_text *out, enum assay_escape how, const char *from);
/* The same into newly allocated memory of exactly the size needed; NULL when out of memory. Free it. */
char *assay_string_escaped(enum assay_escape how, const char *from);

/* Calls `each` for every part of `list` between separators, trimmed of blanks; stops when it returns false. Empty
 * parts count, but a blank list has none. `part` dies with the call. True when all parts were seen; false when `each`
 * stopped it or memory ran out. */
bool assay_string_split(const char *list, char separator, bool (*each)(void *self, const char *part), void *self);

/* "1.23 ms", "512 MiB", "183 Gflop/s": a value rounded to `digits` (1 to 17) significant digits, with an SI prefix (a
 * to E). The unit "B" gets binary prefixes and whole bytes no decimals; "%" and "" get no prefix. */
void assay_string_quantity(struct assay_text *out, double value, const char *unit, int digits);
/* Appends words as one name, as counters have it: "optimizer's state" becomes "optimizers_state". */
void assay_string_name(struct assay_text *out, const char *words);
/* 16 lower-case hex digits and NUL into out[17]. */
void assay_string_hex64(uint64_t value, char out[17]);

#endif
