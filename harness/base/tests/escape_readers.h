/* Readers of the formats that text is escaped for, each by its own format's rules: what they give back must be what was
 * escaped. */
#ifndef ASSAY_BASE_TESTS_ESCAPE_READERS_H
#define ASSAY_BASE_TESTS_ESCAPE_READERS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decoder of UTF-8 apart from the one that is tested: by the table of lead bytes (Unicode 15, table 3-7). Returns the
 * length of the valid character at `at`, or 0. */
static inline size_t valid_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    static const struct {
        unsigned char lead_low, lead_high, second_low, second_high, length;
    } rows[] = {{0x01, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
                {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (at[0] < rows[r].lead_low || at[0] > rows[r].lead_high)
            continue;
        if (rows[r].length > 1 && (at[1] < rows[r].second_low || at[1] > rows[r].second_high))
            return 0;
        for (size_t i = 2; i < rows[r].length; i++)
            if (at[i] < 0x80 || at[i] > 0xBF)
                return 0;
        return rows[r].length;
    }
    return 0;
}

static inline bool valid_text(const char *text)
{
    while (*text) {
        size_t n = valid_length(text);
        if (n == 0)
            return false;
        text += n;
    }
    return true;
}

enum kept { KEPT_WHITE = 1, KEPT_CONTROLS = 2, KEPT_NONCHARACTERS = 4, KEPT_MARKS = 8 };
#define KEPT_IN_JSON (KEPT_WHITE | KEPT_CONTROLS | KEPT_NONCHARACTERS | KEPT_MARKS)

/* Line and paragraph separators, embeddings, overrides and isolates, by their bytes: U+2028 to U+202E, U+2066 to U+2069. */
static inline bool is_mark(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return b[0] == 0xE2 && ((b[1] == 0x80 && b[2] >= 0xA8 && b[2] <= 0xAE) || (b[1] == 0x81 && b[2] >= 0xA6 && b[2] <= 0xA9));
}

/* What must come back of `from`: invalid bytes, and control characters and marks that are not kept, are U+FFFD. */
static inline void expected_back(const char *from, unsigned kept, char *out)
{
    while (*from) {
        size_t n = valid_length(from);
        unsigned char c = (unsigned char)*from, d = n ? (unsigned char)from[1] : 0;
        bool white = c == '\t' || c == '\n' || c == '\r';
        bool control = n == 1 ? (c < 0x20 && !white) || c == 0x7F : n == 2 && c == 0xC2 && d < 0xA0;
        bool nonchar = n == 3 && c == 0xEF && d == 0xBF && (unsigned char)from[2] >= 0xBE;
        if (!n || (control && !(kept & KEPT_CONTROLS)) || (white && !(kept & KEPT_WHITE)) ||
            (nonchar && !(kept & KEPT_NONCHARACTERS)) || (n == 3 && is_mark(from) && !(kept & KEPT_MARKS))) {
            memcpy(out, "\xEF\xBF\xBD", 3);
            out += 3;
            n = n ? n : 1;
        } else {
            memcpy(out, from, n);
            out += n;
        }
        from += n;
    }
    *out = 0;
}

/* A reader of character references, as a browser or an XML parser has one; -1 where a bare & or < stands. */
static inline int unescape_markup(const char *from, char *out)
{
    static const struct {
        char name[8], value[2];
    } known[] = {{"&amp;", "&"}, {"&lt;", "<"},  {"&gt;", ">"},    {"&quot;", "\""},
                 {"&#39;", "'"}, {"&#9;", "\t"}, {"&#10;", "\n"}, {"&#13;", "\r"}, {"&#92;", "\\"}};
    while (*from) {
        size_t k = 0, n_known = sizeof known / sizeof known[0];
        while (k < n_known && strncmp(from, known[k].name, strlen(known[k].name)) != 0)
            k++;
        if (k < n_known) {
            *out++ = known[k].value[0];
            from += strlen(known[k].name);
        } else if (strchr("&<>", *from)) {
            return -1;
        } else {
            *out++ = *from++;
        }
    }
    *out = 0;
    return 0;
}

/* A reader of one CSV field: -1 when it does not end where the text ends. */
static inline int read_field(const char *field, char *out)
{
    bool quoted = *field == '"';
    for (field += quoted; *field; field++) {
        if (quoted && *field == '"' && *++field != '"') {
            *out = 0;
            return *field ? -1 : 0;
        }
        if (!quoted && strchr(",\"\r\n", *field))
            return -1;
        *out++ = *field;
    }
    *out = 0;
    return quoted ? -1 : 0;
}

/* A reader of gnuplot's double-quoted strings by its rules: no bare quote, no bare backtick, no line end. */
static inline int read_gnuplot(const char *from, char *out)
{
    for (; *from; from++) {
        unsigned code;
        int used;
        if (strchr("\"`\n\r", *from))
            return -1;
        if (*from != '\\') {
            *out++ = *from;
            continue;
        }
        from++;
        if (*from == 'n') {
            *out++ = '\n';
        } else if (*from == 't') {
            *out++ = '\t';
        } else if (*from && strchr("\"\\", *from)) {
            *out++ = *from;
        } else if (sscanf(from, *from == '0' ? "%4o%n" : "%3o%n", &code, &used) == 1) {
            *out++ = (char)code;
            from += used - 1;
        } else {
            return -1;
        }
    }
    *out = 0;
    return 0;
}

static inline void expected_in_gnuplot(const char *from, char *want)
{
    char *once = malloc(3 * strlen(from) + 1);
    expected_back(from, KEPT_WHITE, once);
    for (const char *at = once; *at; at++)
        if (*at == '\r') {
            memcpy(want, "\xEF\xBF\xBD", 3);
            want += 3;
        } else {
            *want++ = *at;
        }
    *want = 0;
    free(once);
}

/* A reader of one word of a POSIX shell that expands nothing; -1 where the shell would do anything else. */
static inline int read_shell(const char *from, char *out)
{
    static const char plain[] = "_@%+=:,./-";
    for (; *from; from++) {
        const char *end;
        if (*from == '\'') {
            if (!(end = strchr(from + 1, '\'')))
                return -1;
            memcpy(out, from + 1, (size_t)(end - from - 1));
            out += end - from - 1;
            from = end;
        } else if (from[0] == '\\' && from[1] == '\'') {
            *out++ = *++from;
        } else if ((*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') || (*from >= '0' && *from <= '9') ||
                   strchr(plain, *from)) {
            *out++ = *from;
        } else {
            return -1;
        }
    }
    *out = 0;
    return 0;
}

/* A cell's text as Office Open XML reads it: "_xHHHH_" is a character (here of ASCII alone). */
static inline void read_sheet(const char *from, char *back)
{
    while (*from) {
        bool character = from[0] == '_' && from[1] == 'x' && strspn(from + 2, "0123456789abcdefABCDEF") >= 4 && from[6] == '_';
        *back++ = character ? (char)strtol(from + 2, NULL, 16) : *from;
        from += character ? 7 : 1;
    }
    *back = 0;
}

#endif
