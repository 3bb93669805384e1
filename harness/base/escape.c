/* One escape for every way out. A byte sequence that is no UTF-8 is shown as \xNN everywhere. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

/* Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    unsigned char low = 0x80, high = 0xBF;
    size_t        n;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        n = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        n = 3;
        low = p[0] == 0xE0 ? 0xA0 : 0x80;
        high = p[0] == 0xED ? 0x9F : 0xBF;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        n = 4;
        low = p[0] == 0xF0 ? 0x90 : 0x80;
        high = p[0] == 0xF4 ? 0x8F : 0xBF;
    } else
        return 0;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xBF)
            return 0;
    return n;
}

static const char *markup(unsigned char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

/* What stands for an ASCII character; NULL: itself. `room` is for made-up ones. */
static const char *ascii(enum assay_escape how, unsigned char c, char room[8])
{
    bool control = c < 0x20 || c == 0x7F;
    switch (how) {
    case ASSAY_ESCAPE_HTML:
    case ASSAY_ESCAPE_XML:
        if (control && c != '\t' && c != '\n')
            break;
        return markup(c);
    case ASSAY_ESCAPE_JSON:
        if (c == '"' || c == '\\') {
            (void)snprintf(room, 8, "\\%c", c);
            return room;
        }
        if (control) {
            (void)snprintf(room, 8, "\\u%04x", c);
            return room;
        }
        return NULL;
    case ASSAY_ESCAPE_CSV:
        return c == '"' ? "\"\"" : c == '\r' || c == '\n' || c == '\t' || !control ? NULL : (snprintf(room, 8, "\\x%02x", c), room);
    case ASSAY_ESCAPE_GNUPLOT:
        /* Inside double quotes: backslash and quote are escaped; a backtick would run a command, and enhanced text is
         * switched off by the plots, not here. */
        if (c == '\n')
            return " ";
        if (c == '"' || c == '\\') {
            (void)snprintf(room, 8, "\\%c", c);
            return room;
        }
        if (c == '`')
            return "'";
        break;
    case ASSAY_ESCAPE_MARKDOWN:
        if (c == '\n' || c == '\t')
            return " ";
        if (c && strchr("\\`*_{}[]()#+!|<>~&", c)) {
            (void)snprintf(room, 8, "\\%c", c);
            return room;
        }
        break;
    case ASSAY_ESCAPE_SHELL:
        return c == '\'' ? "'\\''" : NULL;
    case ASSAY_ESCAPE_TERMINAL: break;
    }
    if (!control)
        return NULL;
    (void)snprintf(room, 8, how == ASSAY_ESCAPE_GNUPLOT || how == ASSAY_ESCAPE_MARKDOWN ? "\\\\x%02x" : "\\x%02x", c);
    return room;
}

/* Quotes around the whole; the defusing quote of a formula in a spreadsheet. */
static const char *before(enum assay_escape how, const char *from, const char **after)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
    *after = "";
    if (how == ASSAY_ESCAPE_SHELL && (!*from || strspn(from, plain) != strlen(from))) {
        *after = "'";
        return "'";
    }
    if (how == ASSAY_ESCAPE_CSV) {
        bool formula = *from && strchr("=+-@\t\r", *from);
        if (formula && (*from == '+' || *from == '-')) { /* a plain number is no formula */
            char *end;
            (void)strtod(from, &end);
            formula = *end || end == from;
        }
        if (formula || strpbrk(from, ",\"\r\n\t")) {
            *after = "\"";
            return formula ? "\"'" : "\"";
        }
    }
    return "";
}

void assay_string_escape(struct assay_text *out, enum assay_escape how, const char *from)
{
    const char *after;
    assay_text_add(out, "%s", before(how, from, &after));
    for (const unsigned char *p = (const unsigned char *)from; *p;) {
        size_t n = utf8_length(p);
        char   room[8];
        if (n == 0 && how == ASSAY_ESCAPE_SHELL) {
            assay_text_add(out, "%c", *p++); /* a shell word keeps its bytes */
        } else if (n == 0) {
            bool twice = how == ASSAY_ESCAPE_JSON || how == ASSAY_ESCAPE_GNUPLOT || how == ASSAY_ESCAPE_MARKDOWN;
            assay_text_add(out, twice ? "\\\\x%02x" : "\\x%02x", *p++);
        } else if (n > 1) {
            /* C1 controls steer terminals as well. */
            if (how == ASSAY_ESCAPE_TERMINAL && p[0] == 0xC2 && p[1] < 0xA0)
                assay_text_add(out, "\\x%02x", p[1]);
            else
                assay_text_add(out, "%.*s", (int)n, (const char *)p);
            p += n;
        } else {
            const char *text = ascii(how, *p, room);
            if (text)
                assay_text_add(out, "%s", text);
            else
                assay_text_add(out, "%c", *p);
            p++;
        }
    }
    assay_text_add(out, "%s", after);
}

char *assay_string_escaped(enum assay_escape how, const char *from)
{
    /* The longest stand-in is 7 bytes (\\u001f is 6, \\\\x1f 5, &quot; 6). */
    size_t length = strlen(from), capacity = length * 7 + 8;
    char  *room = length < (SIZE_MAX - 8) / 7 ? malloc(capacity) : NULL;
    if (!room)
        return NULL;
    struct assay_text text = assay_text_over(room, capacity);
    assay_string_escape(&text, how, from);
    char *fitted = realloc(room, text.length + 1);
    return fitted ? fitted : room;
}
