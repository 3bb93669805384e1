#include "harness/base/strings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#define LONGEST_NAME 255
#define BLANKS " \t\r\n\v\f"

bool assay_string_copy(char *to, size_t capacity, const char *from)
{
    size_t length = strlen(from), kept = length < capacity ? length : capacity - 1;
    memmove(to, from, kept); /* a string may be cut in place */
    to[kept] = 0;
    return kept == length;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* One row of the table: row[j] = distance of a[0 .. i) and b[0 .. j). Returns the least of the row. */
static unsigned distance_row(const char *a, size_t i, const char *b, size_t n_b, const unsigned *before_last,
                             const unsigned *last, unsigned *row)
{
    unsigned lowest = row[0] = (unsigned)i;
    for (size_t j = 1; j <= n_b; j++) {
        unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
        best = least(best, least(last[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            best = least(best, before_last[j - 2] + 1);
        row[j] = best;
        lowest = least(lowest, best);
    }
    return lowest;
}

unsigned assay_string_distance(const char *a, const char *b, unsigned limit)
{
    unsigned rows[3][LONGEST_NAME + 1];
    size_t n_a = strnlen(a, LONGEST_NAME + 1), n_b = strnlen(b, LONGEST_NAME + 1);
    unsigned lowest_before = 0, result;
    if (n_a > LONGEST_NAME || n_b > LONGEST_NAME)
        return strcmp(a, b) ? limit + 1 : 0;
    if ((n_a > n_b ? n_a - n_b : n_b - n_a) > limit)
        return limit + 1;
    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n_a; i++) {
        unsigned lowest = distance_row(a, i, b, n_b, rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3]);
        if (lowest > limit && lowest_before > limit) /* a transposition reaches back two rows, no further */
            return limit + 1;
        lowest_before = lowest;
    }
    result = rows[n_a % 3][n_b];
    return result > limit ? limit + 1 : result;
}

const char *assay_string_nearest(const char *name, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    unsigned nearest_distance = 0;
    size_t length = strlen(name);
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(names[i]), longer = other > length ? other : length;
        unsigned limit = (unsigned)((longer < LONGEST_NAME ? longer : LONGEST_NAME) / 3), distance;
        limit = limit ? limit : 1;
        distance = assay_string_distance(name, names[i], limit);
        if (distance <= limit && distance < longer && (!nearest || distance < nearest_distance)) {
            nearest = names[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

static char *trim(char *text)
{
    char *end;
    text += strspn(text, BLANKS);
    end = text + strlen(text);
    while (end > text && strchr(BLANKS, end[-1]))
        end--;
    *end = 0;
    return text;
}

bool assay_string_split(const char *list, char separator, bool (*each)(void *self, const char *part), void *self)
{
    const size_t blanks = strspn(list, BLANKS);
    char *copy = strdup(list + blanks), *at = copy;
    bool going = copy != NULL;
    if (copy && !*copy)
        at = NULL; /* a blank list has no parts */
    while (going && at) {
        char *end = strchr(at, separator);
        if (end)
            *end = 0;
        going = each(self, trim(at));
        at = end ? end + 1 : NULL;
    }
    free(copy);
    return going;
}

/* Digits behind the point that make `digits` significant ones of a value that is not 0. */
static int decimals(double magnitude, int digits)
{
    int before = (int)floor(log10(magnitude)) + 1;
    return digits > before ? digits - before : 0;
}

/* `magnitude` rounded to `digits` significant digits, through its own decimal text, so that the prefix is chosen for
 * what will be shown: 999.96 becomes 1000, and then 1.00 k. */
static double rounded(double magnitude, int digits)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, magnitude);
    return strtod(text, NULL);
}

void assay_string_quantity(struct assay_text *out, double value, const char *unit, int digits)
{
    static const char *const si[] = {"a", "f", "p", "n", "\xC2\xB5", "m", "", "k", "M", "G", "T", "P", "E"};
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    const bool bytes = strcmp(unit, "B") == 0;
    const bool plain = !*unit || strcmp(unit, "%") == 0;
    const double step = bytes ? 1024 : 1000;
    const size_t n = plain ? 1 : bytes ? 7 : 13;
    size_t prefix = bytes || plain ? 0 : 6;
    double magnitude = fabs(value);
    digits = digits < 1 ? 1 : digits > 17 ? 17 : digits;
    if (!isfinite(value) || value == 0) {
        assay_text_add(out, "%g%s%s", value, *unit ? " " : "", unit);
        return;
    }
    while (prefix + 1 < n && rounded(magnitude, digits) >= step) {
        magnitude /= step;
        prefix++;
    }
    while (!bytes && !plain && prefix > 0 && rounded(magnitude, digits) < 1) {
        magnitude *= step;
        prefix--;
    }
    magnitude = rounded(magnitude, digits);
    if (magnitude >= 1e15 || magnitude < 1e-6)
        assay_text_add(out, "%.*e", digits - 1, value < 0 ? -magnitude : magnitude);
    else if (bytes && prefix == 0 && magnitude == floor(magnitude))
        assay_text_add(out, "%.0f", value < 0 ? -magnitude : magnitude); /* there are no fractions of a byte to show */
    else
        assay_text_add(out, "%.*f", decimals(magnitude, digits), value < 0 ? -magnitude : magnitude);
    if (*unit)
        assay_text_add(out, " %s%s", plain ? "" : bytes ? binary[prefix] : si[prefix], unit);
}

void assay_string_name(struct assay_text *out, const char *words)
{
    for (; *words; words++)
        if (*words != '\'')
            assay_text_add(out, "%c", *words == ' ' ? '_' : *words);
}

void assay_string_hex64(uint64_t value, char out[17])
{
    for (int i = 0; i < 16; i++)
        out[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    out[16] = 0;
}
