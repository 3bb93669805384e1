/* The escapes of strings.h. Text is read one character at a time (a byte when it is not valid UTF-8); each rule
 * says what stands for it. A rule's answer is appended whole or not at all, so cut text never ends in half an
 * escape or half a character, and closing quotes always fit. */
#include "harness/base/strings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD, where the format cannot carry what was there */

struct piece {
    const unsigned char *at;
    size_t bytes;
    uint32_t code; /* code point; the byte itself when not valid */
    bool valid;
};

static bool continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The next character of non-empty text by the table of well-formed UTF-8 (Unicode 15, table 3-7): no overlong
 * forms, no surrogates, nothing above U+10FFFF. Reads no further than the NUL, which continues nothing. */
static struct piece next_piece(const unsigned char *at)
{
    const struct piece bad = {at, 1, at[0], false};
    struct piece good = {at, 1, at[0], true};
    if (at[0] < 0x80)
        return good;
    if (at[0] < 0xC2 || at[0] > 0xF4 || !continues(at[1]))
        return bad;
    if (at[0] < 0xE0) {
        good.bytes = 2;
        good.code = (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu);
        return good;
    }
    if (!continues(at[2]))
        return bad;
    if (at[0] < 0xF0) {
        good.bytes = 3;
        good.code = (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
        return good.code < 0x800 || (good.code >= 0xD800 && good.code <= 0xDFFF) ? bad : good;
    }
    if (!continues(at[3]))
        return bad;
    good.bytes = 4;
    good.code = (at[0] & 0x07u) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
    return good.code < 0x10000 || good.code > 0x10FFFF ? bad : good;
}

/* Appends all of it, or nothing if it does not fit or something before did not; `at` NULL only counts. */
static bool put(struct assay_text *out, const void *bytes, size_t n)
{
    if (out->cut || out->capacity - out->length <= n) {
        out->cut = true;
        return false;
    }
    if (out->at) {
        memcpy(out->at + out->length, bytes, n);
        out->at[out->length + n] = 0;
    }
    out->length += n;
    return true;
}

static bool put_string(struct assay_text *out, const char *text)
{
    return put(out, text, strlen(text));
}

static bool put_piece(struct assay_text *out, const struct piece *p)
{
    return put(out, p->at, p->bytes);
}

/* Characters that end a line, or turn the reading direction of what follows, so that a line shows what it is not. */
static bool misleading(uint32_t code)
{
    return code == 0x2028 || code == 0x2029 || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* C0 but tab, line feed and carriage return; DEL; C1; non-characters U+FFFE and U+FFFF: nothing that XML 1.0 or
 * a page should hold; and what misleads those who read it. */
static bool unprintable(const struct piece *p)
{
    if (p->code == '\t' || p->code == '\n' || p->code == '\r')
        return !p->valid;
    return !p->valid || p->code < 0x20 || (p->code >= 0x7F && p->code < 0xA0) || p->code == 0xFFFE || p->code == 0xFFFF ||
           misleading(p->code);
}

static bool put_html(struct assay_text *out, const struct piece *p)
{
    if (unprintable(p))
        return put_string(out, REPLACEMENT);
    switch (p->code) {
    case '&': return put_string(out, "&amp;");
    case '<': return put_string(out, "&lt;");
    case '>': return put_string(out, "&gt;");
    case '"': return put_string(out, "&quot;");
    case '\'': return put_string(out, "&#39;");
    default: return put_piece(out, p);
    }
}

/* As HTML, and white space by number: a parser turns it into blanks in attributes, and CR into LF. */
static bool put_xml(struct assay_text *out, const struct piece *p)
{
    switch (p->valid ? p->code : 0) {
    case '\t': return put_string(out, "&#9;");
    case '\n': return put_string(out, "&#10;");
    case '\r': return put_string(out, "&#13;");
    default: return put_html(out, p);
    }
}

/* RFC 8259; and no "<", U+2028 or U+2029, so that the text may stand in a script of a page; nor what acts on a terminal. */
static bool put_json(struct assay_text *out, const struct piece *p)
{
    char escape[8];
    if (!p->valid)
        return put_string(out, REPLACEMENT);
    switch (p->code) {
    case '"': return put_string(out, "\\\"");
    case '\\': return put_string(out, "\\\\");
    case '\b': return put_string(out, "\\b");
    case '\f': return put_string(out, "\\f");
    case '\n': return put_string(out, "\\n");
    case '\r': return put_string(out, "\\r");
    case '\t': return put_string(out, "\\t");
    default: break;
    }
    if (p->code >= 0x20 && p->code != '<' && (p->code < 0x7F || p->code >= 0xA0) && !misleading(p->code))
        return put_piece(out, p);
    (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(p->code & 0xFFFF));
    return put_string(out, escape);
}

/* A backtick runs a command, even within double quotes, unless it is written by its number; gnuplot reads up to
 * four digits of a number that begins with 0, but only three of this one. */
static bool put_gnuplot(struct assay_text *out, const struct piece *p)
{
    if (p->valid && p->code == '\n')
        return put_string(out, "\\n");
    if (p->valid && p->code == '\t')
        return put_string(out, "\\t");
    if (unprintable(p) || p->code == '\r')
        return put_string(out, REPLACEMENT);
    switch (p->code) {
    case '`': return put_string(out, "\\140");
    case '"': return put_string(out, "\\\"");
    case '\\': return put_string(out, "\\\\");
    default: return put_piece(out, p);
    }
}

static bool put_terminal(struct assay_text *out, const struct piece *p)
{
    char escape[17];
    if (p->valid && p->code >= 0x20 && (p->code < 0x7F || p->code >= 0xA0) && !misleading(p->code))
        return put_piece(out, p);
    for (size_t i = 0; i < p->bytes; i++)
        (void)snprintf(escape + 4 * i, 5, "\\x%02x", p->at[i]);
    return put_string(out, escape);
}

/* GitHub's Markdown. The backslash itself goes by its number: "\" before "|" is read differently by the table and by
 * the text in it. */
static bool put_markdown(struct assay_text *out, const struct piece *p)
{
    const char escaped[] = {'\\', (char)p->code, 0};
    if (p->valid && (p->code == '\n' || p->code == '\r' || p->code == '\t'))
        return put_string(out, " ");
    if (unprintable(p))
        return put_string(out, REPLACEMENT);
    switch (p->code) {
    case '&': return put_string(out, "&amp;");
    case '<': return put_string(out, "&lt;");
    case '>': return put_string(out, "&gt;");
    case '\\': return put_string(out, "&#92;");
    case '|': case '*': case '_': case '`': case '[': case ']': case '~': case '$': case '!':
        return put_string(out, escaped);
    default: return put_piece(out, p);
    }
}

static void put_each(struct assay_text *out, const char *from, bool (*rule)(struct assay_text *, const struct piece *))
{
    const unsigned char *at = (const unsigned char *)from;
    while (*at) {
        struct piece p = next_piece(at);
        if (!rule(out, &p))
            return;
        at += p.bytes;
    }
}

/* Prefix and text between quotes; `inside` stands for a quote within them. `exact` keeps every byte. */
static void put_quoted(struct assay_text *out, const char *prefix, const char *from, char quote, const char *inside,
                       bool exact)
{
    const unsigned char *at = (const unsigned char *)from;
    const char closing[] = {quote, 0};
    bool was_cut;
    if (out->capacity - out->length < strlen(prefix) + 3) { /* no opening quote without room for the closing one */
        out->cut = true;
        return;
    }
    if (!put_string(out, closing))
        return;
    (void)put_string(out, prefix);
    out->capacity--; /* kept for that quote */
    while (*at && !out->cut) {
        struct piece p = next_piece(at);
        if (*at == (unsigned char)quote)
            (void)put_string(out, inside);
        else if (!exact && unprintable(&p))
            (void)put_string(out, REPLACEMENT);
        else
            (void)put_piece(out, &p);
        at += p.bytes;
    }
    out->capacity++;
    was_cut = out->cut;
    out->cut = false;
    (void)put_string(out, closing);
    out->cut = was_cut;
}

/* [sign] digits [. digits] [e [sign] digits]: what no spreadsheet takes for a formula. */
static bool plain_number(const char *text)
{
    static const char digits[] = "0123456789";
    size_t before, after = 0;
    text += *text == '-' || *text == '+';
    before = strspn(text, digits);
    text += before;
    if (*text == '.') {
        after = strspn(++text, digits);
        text += after;
    }
    if (before + after == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        before = strspn(text, digits);
        text += before;
        return before > 0 && *text == 0;
    }
    return *text == 0;
}

/* A spreadsheet computes fields that begin so, some after blanks, some with the full-width forms. */
static bool formula(const char *from)
{
    static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};
    const char *first = from + strspn(from, " \t\r\n");
    if (*from == '\t' || *from == '\r' || *from == '\n')
        return true;
    if (*first && strchr("=+-@", *first))
        return !plain_number(from);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (strncmp(first, wide[i], 3) == 0)
            return true;
    return false;
}

static bool put_plain(struct assay_text *out, const struct piece *p)
{
    return unprintable(p) ? put_string(out, REPLACEMENT) : put_piece(out, p);
}

/* RFC 4180, and quotes also for what other readers take for a separator or would trim. */
static void put_csv(struct assay_text *out, const char *from)
{
    bool defuse = formula(from);
    size_t length = strlen(from);
    bool blank_end = length && (from[0] == ' ' || from[length - 1] == ' ');
    if (defuse || blank_end || strpbrk(from, ",;\"\r\n\t"))
        put_quoted(out, defuse ? "'" : "", from, '"', "\"\"", false);
    else
        put_each(out, from, put_plain);
}

/* Office Open XML (ECMA-376, part 1, 22.9.2.19) reads "_xHHHH_" as a character; an escaped "_" keeps it as text. */
static bool put_sheet(struct assay_text *out, const struct piece *p)
{
    if (p->code != '_' || p->at[1] != 'x' || strspn((const char *)p->at + 2, "0123456789abcdefABCDEF") < 4 || p->at[6] != '_')
        return put_plain(out, p);
    return put_string(out, "_x005F_");
}

static void put_shell(struct assay_text *out, const char *from)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (*from && from[strspn(from, safe)] == 0)
        (void)put_string(out, from);
    else
        put_quoted(out, "", from, '\'', "'\\''", true);
}

void assay_string_escape(struct assay_text *out, enum assay_escape how, const char *from)
{
    switch (how) {
    case ASSAY_ESCAPE_HTML: put_each(out, from, put_html); return;
    case ASSAY_ESCAPE_XML: put_each(out, from, put_xml); return;
    case ASSAY_ESCAPE_JSON: put_each(out, from, put_json); return;
    case ASSAY_ESCAPE_CSV: put_csv(out, from); return;
    case ASSAY_ESCAPE_GNUPLOT: put_each(out, from, put_gnuplot); return;
    case ASSAY_ESCAPE_TERMINAL: put_each(out, from, put_terminal); return;
    case ASSAY_ESCAPE_MARKDOWN: put_each(out, from, put_markdown); return;
    case ASSAY_ESCAPE_SHELL: put_shell(out, from); return;
    case ASSAY_ESCAPE_SHEET: put_each(out, from, put_sheet); return;
    }
    assert(!"no such escape");
}

char *assay_string_escaped(enum assay_escape how, const char *from)
{
    struct assay_text text = {.at = NULL, .capacity = SIZE_MAX};
    size_t bytes;
    assay_string_escape(&text, how, from);
    bytes = text.length + 1;
    text = (struct assay_text){.at = malloc(bytes), .capacity = bytes};
    if (!text.at)
        return NULL;
    text.at[0] = 0;
    assay_string_escape(&text, how, from);
    return text.at;
}
