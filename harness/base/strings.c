#include "harness/base/strings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#define LONGEST_NAME 127u

bool assay_string_copy(char *to, size_t capacity, const char *from)
{
    size_t length = strlen(from), kept = length < capacity ? length : capacity - 1;
    memmove(to, from, kept);
    to[kept] = 0;
    return kept == length;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned assay_string_distance(const char *a, const char *b, unsigned limit)
{
    unsigned rows[3][LONGEST_NAME + 2];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    size_t    na = strlen(a), nb = strlen(b);
    if (na > LONGEST_NAME || nb > LONGEST_NAME)
        return strcmp(a, b) ? limit + 1 : 0;
    for (size_t j = 0; j <= nb; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        unsigned *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return least(last[nb], limit + 1);
}

const char *assay_string_nearest(const char *name, const char *const *names, size_t n)
{
    size_t      length = strlen(name);
    unsigned    limit = length < 3 ? 1 : (unsigned)least((unsigned)length / 3, 8), best = limit + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned d = assay_string_distance(name, names[i], limit);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

bool assay_string_split(const char *list, char separator, bool (*each)(void *self, const char *part), void *self)
{
    char        part[1024];
    const char *at = list;
    for (;;) {
        const char *end = strchr(at, separator), *stop = end ? end : at + strlen(at), *from = at;
        while (from < stop && (*from == ' ' || *from == '\t'))
            from++;
        while (stop > from && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        size_t length = (size_t)(stop - from);
        if (length >= sizeof part)
            return false;
        memcpy(part, from, length);
        part[length] = 0;
        if (!each(self, part))
            return false;
        if (!end)
            return true;
        at = end + 1;
    }
}

void assay_string_quantity(struct assay_text *out, double value, const char *unit, int digits)
{
    static const char *const si[] = {"p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"};
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    bool                     bytes = !strcmp(unit, "B");
    double                   step = bytes ? 1024 : 1000, size = fabs(value);
    int                      power = 0, lowest = bytes ? 0 : -4, highest = 6;
    if (!isfinite(value)) {
        assay_text_add(out, "%g %s", value, unit);
        return;
    }
    /* The limit is what rounds up to the next step with these digits. */
    double up = step - (bytes ? 0 : 0.5 * pow(10, 3 - digits));
    while (size >= up && power < highest) {
        size /= step;
        power++;
    }
    while (size > 0 && size < 1 && power > lowest) {
        size *= step;
        power--;
    }
    int whole = size >= 1000 ? 4 : size >= 100 ? 3 : size >= 10 ? 2 : 1;
    int decimals = digits > whole && !(bytes && power == 0) ? digits - whole : 0;
    assay_text_add(out, "%s%.*f %s%s", value < 0 ? "-" : "", decimals, size, bytes ? binary[power] : si[power + 4], unit);
}

void assay_string_hex64(uint64_t value, char out[17])
{
    static const char digit[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++)
        out[i] = digit[value >> (60 - 4 * i) & 15];
    out[16] = 0;
}
