#include "harness/base/option_text.h"

#include <stdbool.h>
#include <string.h>

#include "assay/banned.h"

void assay_option_text_write(const char *value, struct assay_text *out)
{
    bool plain = true;
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127 || strchr(",:=\"@", *c)) /* '@' starts the scenario of a case */
            plain = false;
    if (plain) {
        assay_text_add(out, "%s", value);
        return;
    }
    assay_text_add(out, "\"");
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            assay_text_add(out, "\\%c", *c);
        else if (*c == '\n' || *c == '\t')
            assay_text_add(out, "\\%c", *c == '\n' ? 'n' : 't');
        else if ((unsigned char)*c < ' ' || *c == 127)
            assay_text_add(out, "\\u%04x", (unsigned)*c);
        else
            assay_text_add(out, "%c", *c);
    }
    assay_text_add(out, "\"");
}

/* Four hexadecimal digits; -1 when they are not. */
static long read_hex4(const char *c)
{
    static const char digits[] = "0123456789abcdef";
    long              value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = c[i] ? strchr(digits, c[i] >= 'A' && c[i] <= 'F' ? c[i] + 32 : c[i]) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (digit - digits);
    }
    return value;
}

/* What stands behind "\u", surrogate pairs joined; 0 when it is malformed or NUL. */
static unsigned long read_unicode(const char **at)
{
    long high = read_hex4(*at), low;
    if (high <= 0 || (high >= 0xDC00 && high < 0xE000))
        return 0;
    *at += 4;
    if (high < 0xD800 || high >= 0xE000)
        return (unsigned long)high;
    if ((*at)[0] != '\\' || (*at)[1] != 'u' || (low = read_hex4(*at + 2)) < 0xDC00 || low >= 0xE000)
        return 0;
    *at += 6;
    return 0x10000 + (((unsigned long)high - 0xD800) << 10) + ((unsigned long)low - 0xDC00);
}

static void add_utf8(unsigned long point, struct assay_text *out)
{
    if (point < 0x80)
        assay_text_add(out, "%c", (int)point);
    else if (point < 0x800)
        assay_text_add(out, "%c%c", (int)(0xC0 | point >> 6), (int)(0x80 | (point & 63)));
    else if (point < 0x10000)
        assay_text_add(out, "%c%c%c", (int)(0xE0 | point >> 12), (int)(0x80 | (point >> 6 & 63)),
                       (int)(0x80 | (point & 63)));
    else
        assay_text_add(out, "%c%c%c%c", (int)(0xF0 | point >> 18), (int)(0x80 | (point >> 12 & 63)),
                       (int)(0x80 | (point >> 6 & 63)), (int)(0x80 | (point & 63)));
}

const char *assay_option_text_read(const char *from, char *out, size_t capacity, const char **why)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    struct assay_text text = assay_text_over(out, capacity);
    const char       *c = from + 1, *name;
    while (*c != '"') {
        if (*c == 0 || (unsigned char)*c < ' ') {
            *why = *c ? "a control character in a JSON string must be escaped" : "the JSON string does not end";
            return NULL;
        }
        if (*c != '\\') {
            assay_text_add(&text, "%c", *c++);
        } else if (c[1] && (name = strchr(names, c[1]))) {
            assay_text_add(&text, "%c", meanings[name - names]);
            c += 2;
        } else {
            unsigned long point = c[1] == 'u' ? (c += 2, read_unicode(&c)) : 0;
            if (!point) {
                *why = "a JSON string has \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX (not 0) and no other escapes";
                return NULL;
            }
            add_utf8(point, &text);
        }
    }
    if (text.cut) {
        *why = "the value is too long";
        return NULL;
    }
    return c + 1;
}
