/* Any text, escaped for any place, is read back there as what it was and as nothing else. */
#include "harness/base/strings.h"

#include "harness/base/tests/escape_readers.h"
#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

/* No character that a terminal acts on, or that turns what is read, in any place but within a shell's word. */
static bool harmless(const char *text, const char *allowed)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (((c < 0x20 || c == 0x7F) && !strchr(allowed, c)) || (c == 0xC2 && (unsigned char)at[1] < 0xA0) || is_mark(at))
            return false;
    }
    return valid_text(text);
}

static void blank_white(char *text)
{
    for (; *text; text++)
        if (strchr("\t\r\n", *text))
            *text = ' ';
}

static void check_csv(const char *from, const char *escaped, char *back, char *want)
{
    FUZZ_HOLDS(harmless(escaped, "\t\r\n") && read_field(escaped, back) == 0);
    expected_back(from, KEPT_WHITE, want);
    bool        defused = back[0] == '\'' && want[0] != '\'';
    const char *first = back + strspn(back, " \t\r\n");
    FUZZ_HOLDS(!strcmp(back + defused, want));
    char *end;
    if (*first && strchr("=+-@", *first)) { /* only a number may begin so, and then all of it is one */
        (void)strtod(back, &end);
        FUZZ_HOLDS(first == back && !*end && strchr("+-", *first));
    }
}

static void check_json(const char *from, const char *escaped, char *back, char *want)
{
    FUZZ_HOLDS(harmless(escaped, "") && !strchr(escaped, '<'));
    char  *out = back;
    size_t n;
    for (const char *at = escaped; *at; at += n) { /* RFC 8259, section 7 */
        static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        unsigned          code;
        n = 1;
        FUZZ_HOLDS(*at != '"' && (unsigned char)*at >= 0x20);
        if (*at != '\\') {
            *out++ = *at;
        } else if (at[1] == 'u') {
            FUZZ_HOLDS(sscanf(at + 2, "%4x", &code) == 1);
            n = 6;
            if (code >= 0x800)
                *out++ = (char)(0xE0 | code >> 12);
            if (code >= 0x80)
                *out++ = (char)(code < 0x800 ? 0xC0 | code >> 6 : 0x80 | (code >> 6 & 63));
            *out++ = (char)(code < 0x80 ? code : 0x80 | (code & 63));
        } else {
            FUZZ_HOLDS(at[1] && strchr(names, at[1]));
            *out++ = meanings[strchr(names, at[1]) - names];
            n = 2;
        }
    }
    *out = 0;
    expected_back(from, KEPT_IN_JSON, want);
    FUZZ_HOLDS(!strcmp(back, want));
}

static void check_markdown(const char *from, const char *escaped, char *back, char *want, char *plain)
{
    char *out = plain;
    FUZZ_HOLDS(harmless(escaped, "") && !strpbrk(escaped, "<>"));
    for (const char *at = escaped; *at; at++) {
        if (*at == '\\')
            at++;
        else
            FUZZ_HOLDS(!strchr("|*_`[]~$!", *at));
        *out++ = *at;
    }
    *out = 0;
    FUZZ_HOLDS(unescape_markup(plain, back) == 0);
    expected_back(from, KEPT_WHITE, want);
    blank_white(want);
    FUZZ_HOLDS(!strcmp(back, want));
}

static void check_whole(enum assay_escape how, const char *from, const char *escaped, char *back, char *want, char *plain)
{
    switch (how) {
    case ASSAY_ESCAPE_HTML:
    case ASSAY_ESCAPE_XML:
        FUZZ_HOLDS(harmless(escaped, how == ASSAY_ESCAPE_HTML ? "\t\r\n" : "") && !strpbrk(escaped, "<>\"'"));
        FUZZ_HOLDS(unescape_markup(escaped, back) == 0);
        expected_back(from, KEPT_WHITE, want);
        FUZZ_HOLDS(!strcmp(back, want));
        return;
    case ASSAY_ESCAPE_JSON: check_json(from, escaped, back, want); return;
    case ASSAY_ESCAPE_CSV: check_csv(from, escaped, back, want); return;
    case ASSAY_ESCAPE_GNUPLOT:
        FUZZ_HOLDS(harmless(escaped, "") && read_gnuplot(escaped, back) == 0);
        expected_in_gnuplot(from, want);
        FUZZ_HOLDS(!strcmp(back, want));
        return;
    case ASSAY_ESCAPE_TERMINAL: FUZZ_HOLDS(harmless(escaped, "")); return;
    case ASSAY_ESCAPE_MARKDOWN: check_markdown(from, escaped, back, want, plain); return;
    case ASSAY_ESCAPE_SHELL:
        FUZZ_HOLDS(*escaped && read_shell(escaped, back) == 0 && !strcmp(back, from));
        return;
    case ASSAY_ESCAPE_SHEET:
        FUZZ_HOLDS(harmless(escaped, "\t\r\n"));
        read_sheet(escaped, back);
        expected_back(from, KEPT_WHITE, want);
        FUZZ_HOLDS(!strcmp(back, want));
        return;
    }
}

/* Where there is no room for all of it, what is there is a beginning of it that can stand alone. */
static void check_cut(enum assay_escape how, const char *from, const char *whole, size_t capacity, char *back)
{
    char             *room = malloc(capacity);
    struct assay_text text = assay_text_over(room, capacity);
    assay_string_escape(&text, how, from);
    FUZZ_HOLDS(text.length == strlen(room) && text.length < capacity && text.cut == (capacity <= strlen(whole)));
    if (how != ASSAY_ESCAPE_SHELL)
        FUZZ_HOLDS(valid_text(room));
    if (how == ASSAY_ESCAPE_HTML || how == ASSAY_ESCAPE_XML)
        FUZZ_HOLDS(unescape_markup(room, back) == 0);
    if (how == ASSAY_ESCAPE_CSV)
        FUZZ_HOLDS(read_field(room, back) == 0);
    if (how == ASSAY_ESCAPE_GNUPLOT)
        FUZZ_HOLDS(read_gnuplot(room, back) == 0);
    if (how == ASSAY_ESCAPE_SHELL)
        FUZZ_HOLDS(read_shell(room, back) == 0);
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 1)
        return 0;
    size_t capacity = 1 + (size_t)data[0] * 2;
    char  *from = fuzz_text(data + 1, bytes - 1);
    size_t room = 8 * bytes + 8;
    char  *back = malloc(room), *want = malloc(room), *plain = malloc(room);
    for (int how = ASSAY_ESCAPE_HTML; how <= ASSAY_ESCAPE_SHEET; how++) {
        char *escaped = assay_string_escaped((enum assay_escape)how, from);
        FUZZ_HOLDS(escaped);
        check_whole((enum assay_escape)how, from, escaped, back, want, plain);
        check_cut((enum assay_escape)how, from, escaped, capacity, back);
        free(escaped);
    }
    free(plain);
    free(want);
    free(back);
    free(from);
    return 0;
}
