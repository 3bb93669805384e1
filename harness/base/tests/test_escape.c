#include "harness/base/strings.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/escape_readers.h"

static const enum assay_escape every[] = {ASSAY_ESCAPE_HTML,    ASSAY_ESCAPE_XML,      ASSAY_ESCAPE_JSON,
                                          ASSAY_ESCAPE_CSV,     ASSAY_ESCAPE_GNUPLOT,  ASSAY_ESCAPE_TERMINAL,
                                          ASSAY_ESCAPE_MARKDOWN, ASSAY_ESCAPE_SHELL,    ASSAY_ESCAPE_SHEET};
enum { N_ESCAPES = sizeof every / sizeof every[0] };

/* What people and devices put into names, to break each of the formats. */
static const char *const hostile[] = {
    "",
    "plain",
    "a b",
    " lead",
    "trail ",
    "gemm/k=64,m=64@server",
    "</script><script>alert(1)</script>",
    "\" onmouseover=\"x",
    "' or 1=1 --",
    "&amp; &#39; &",
    "]]>",
    "=HYPERLINK(\"http://x\",\"y\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    " =1+1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\xEF\xBC\x9D" "1+1",
    "a,\"b\"\r\nc;d",
    "`touch /tmp/assay-was-here`",
    "$(touch /tmp/assay-was-here)",
    "${IFS}",
    "'; touch /tmp/assay-was-here; '",
    "\\",
    "\\\\",
    "x\\`id`",
    "\\\"",
    "%s%n%d",
    "~root",
    "!!",
    "*?[a-z]{b,c}",
    "a\nb\tc\rd",
    "\\140\\0601",
    "|x\\|y|",
    "[a](javascript:b) ![c](d) **e** _f_ ~~g~~ $h$ # i",
    "\x1b[2J\x1b]0;owned\x07",
    "\xC2\x9B" "31m",
    "\xE2\x80\xAEtxt.exe",
    "\xE2\x80\xA8line\xE2\x80\xA9",
    "=\xE2\x81\xA7, \xE2\x80\xAB;\xE2\x81\xA9",
    "\xC3\xA9 \xE6\x98\x86\xE4\xBB\x91 \xF0\x9F\x9A\x80 \xC2\xB5",
    "\xC0\xAF overlong",
    "\xE0\x80\xAF \xF0\x80\x80\xAF",
    "\xED\xA0\x80 surrogate",
    "\xF4\x90\x80\x80 \xF5\x80\x80\x80 \xFF\xFE",
    "\xE6\x98",
    "\xF0\x9F\x9A",
    "\xC3",
    "\xC3\"\xE6\x98'\xF0\x9F\x9A`\xE6<",
    "\x80\xBF",
    "\xEF\xBF\xBE \xEF\xBF\xBF",
};
enum { N_HOSTILE = sizeof hostile / sizeof hostile[0] };

/* Sample s: the strings above, then every byte alone, then every byte between letters, then all of them at once. */
enum { N_SAMPLES = N_HOSTILE + 255 + 255 + 1 };
static const char *sample(size_t s)
{
    static char text[300];
    if (s < N_HOSTILE)
        return hostile[s];
    s -= N_HOSTILE;
    memset(text, 0, sizeof text);
    if (s < 255)
        text[0] = (char)(s + 1);
    else if (s < 510)
        snprintf(text, sizeof text, "a%cb", (char)(s - 254));
    else
        for (size_t i = 0; i < 255; i++)
            text[i] = (char)(i + 1);
    return text;
}

static void expect_escaped(enum assay_escape how, const char *from, const char *want)
{
    char *escaped = assay_string_escaped(how, from);
    cr_expect_str_eq(escaped, want);
    free(escaped);
}

Test(escape, html_and_xml_come_back_and_hold_no_markup)
{
    char back[1000], want[1000];
    for (size_t s = 0; s < N_SAMPLES; s++)
        for (int xml = 0; xml < 2; xml++) {
            char *escaped = assay_string_escaped(xml ? ASSAY_ESCAPE_XML : ASSAY_ESCAPE_HTML, sample(s));
            cr_expect_null(strpbrk(escaped, "<>\"'"), "sample %zu: %s", s, escaped);
            if (xml)
                cr_expect_null(strpbrk(escaped, "\t\r\n"), "sample %zu: white space would be normalised", s);
            cr_expect(valid_text(escaped), "sample %zu is not UTF-8", s);
            expected_back(sample(s), KEPT_WHITE, want);
            cr_expect_eq(unescape_markup(escaped, back), 0, "sample %zu: %s", s, escaped);
            cr_expect_str_eq(back, want, "sample %zu", s);
            free(escaped);
        }
}

Test(escape, no_mark_turns_the_reading_direction_but_in_a_shell_word)
{
    static const char *const marks[] = {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAA", "\xE2\x80\xAB", "\xE2\x80\xAC", "\xE2\x80\xAD",
                                        "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA7", "\xE2\x81\xA8", "\xE2\x81\xA9"};
    for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++)
        for (size_t e = 0; e < N_ESCAPES; e++) {
            char plain[32], quoted[32];
            snprintf(plain, sizeof plain, "a%sb", marks[m]);
            snprintf(quoted, sizeof quoted, "=a,\"%sb", marks[m]);
            const char *const from[] = {plain, quoted};
            for (int i = 0; i < 2; i++) {
                char *escaped = assay_string_escaped(every[e], from[i]);
                bool  kept = strstr(escaped, marks[m]) != NULL;
                cr_expect_eq(kept, every[e] == ASSAY_ESCAPE_SHELL, "mark %zu, escape %zu: %s", m, e, escaped);
                free(escaped);
            }
        }
    expect_escaped(ASSAY_ESCAPE_HTML, "\xE2\x80\xAEtxt.exe", "\xEF\xBF\xBDtxt.exe");
    expect_escaped(ASSAY_ESCAPE_CSV, "\xE2\x81\xA6" "a,b", "\"\xEF\xBF\xBD" "a,b\"");
    expect_escaped(ASSAY_ESCAPE_MARKDOWN, "a\xE2\x80\xAE", "a\xEF\xBF\xBD");
    expect_escaped(ASSAY_ESCAPE_JSON, "a\xE2\x80\xAE", "a\\u202e");
    expect_escaped(ASSAY_ESCAPE_HTML, "\xE2\x80\x90\xE2\x80\xAF\xE2\x81\xA5", "\xE2\x80\x90\xE2\x80\xAF\xE2\x81\xA5");
}

Test(escape, json_is_read_back_by_a_parser_and_cannot_end_a_script)
{
    char want[1000];
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_JSON, sample(s)), document[2200];
        json_error_t error;
        snprintf(document, sizeof document, "[\"%s\"]", escaped);
        json_t *array = json_loads(document, JSON_REJECT_DUPLICATES, &error);
        cr_assert_not_null(array, "sample %zu: %s in %s", s, error.text, document);
        expected_back(sample(s), KEPT_IN_JSON, want);
        cr_expect_str_eq(json_string_value(json_array_get(array, 0)), want, "sample %zu", s);
        cr_expect_null(strchr(escaped, '<'));
        cr_expect_null(strstr(escaped, "\xE2\x80\xA8"), "U+2028 ends a line in older JavaScript");
        cr_expect_null(strstr(escaped, "\xE2\x80\xA9"));
        json_decref(array);
        free(escaped);
    }
}

Test(escape, csv_is_one_field_that_comes_back_and_is_no_formula)
{
    char back[1000], want[1000];
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_CSV, sample(s));
        cr_expect_eq(read_field(escaped, back), 0, "sample %zu is not one field: %s", s, escaped);
        expected_back(sample(s), KEPT_WHITE, want);
        const char *first = want + strspn(want, " \t\r\n");
        bool defused = back[0] == '\'' && want[0] != '\'';
        cr_expect_str_eq(back + defused, want, "sample %zu", s);
        if ((*first && strchr("=+-@", *first)) || (*want && strchr("\t\r\n", *want)))
            cr_expect(defused, "sample %zu is a formula: %s", s, escaped);
        free(escaped);
    }
}

Test(escape, csv_leaves_numbers_and_common_text_as_they_are)
{
    static const char *const alone[] = {"-3.5", "+1",       "-1e-9", "+.5E+3", "12", "-5.",
                                        "a=b",  "gemm/m=1", "x y",   "'",      ""};
    static const char *const formulas[] = {"-",    "+",   "-.",  "-1e",   "-1e+", "-1.2.3",
                                           "-1-1", "--1", "+1 ", "-0x10", "-inf"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        expect_escaped(ASSAY_ESCAPE_CSV, alone[i], alone[i]);
    for (size_t i = 0; i < sizeof formulas / sizeof formulas[0]; i++) {
        char want[40];
        snprintf(want, sizeof want, "\"'%s\"", formulas[i]);
        expect_escaped(ASSAY_ESCAPE_CSV, formulas[i], want);
    }
    expect_escaped(ASSAY_ESCAPE_CSV, "a,b", "\"a,b\"");
    expect_escaped(ASSAY_ESCAPE_CSV, "say \"hi\"", "\"say \"\"hi\"\"\"");
    expect_escaped(ASSAY_ESCAPE_CSV, "a;b", "\"a;b\"");
    expect_escaped(ASSAY_ESCAPE_CSV, "=1\",\"2", "\"'=1\"\",\"\"2\"");
    expect_escaped(ASSAY_ESCAPE_CSV, "\xEF\xBC\xA0" "x", "\"'\xEF\xBC\xA0x\"");
}

Test(escape, gnuplot_strings_come_back_and_run_nothing)
{
    char back[1000], want[1000];
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_GNUPLOT, sample(s));
        cr_expect_eq(read_gnuplot(escaped, back), 0, "sample %zu: %s", s, escaped);
        expected_in_gnuplot(sample(s), want);
        cr_expect_str_eq(back, want, "sample %zu", s);
        free(escaped);
    }
}

/* Runs `command` with the shell and returns what it printed. */
static size_t output_of(const char *command, char *out, size_t capacity)
{
    FILE *pipe = popen(command, "r");
    size_t got;
    cr_assert_not_null(pipe);
    got = fread(out, 1, capacity - 1, pipe);
    out[got] = 0;
    cr_expect_eq(pclose(pipe), 0);
    return got;
}

/* Gnuplot itself, where it is installed; without it the reader above must do. */
Test(escape, gnuplot_itself_reads_the_strings_back, .timeout = 60)
{
    static char out[100000], want[100000];
    char path[] = "/tmp/assay-escape-XXXXXX", command[120];
    size_t length = 0;
    if (system("command -v gnuplot >/dev/null 2>&1") != 0)
        return;
    FILE *script = fdopen(mkstemp(path), "w");
    cr_assert_not_null(script);
    unlink("/tmp/assay-was-here");
    fprintf(script, "set encoding utf8\nset print \"-\"\n");
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_GNUPLOT, sample(s));
        fprintf(script, "print \"%s\"\n", escaped);
        expected_in_gnuplot(sample(s), want + length);
        length += strlen(want + length);
        want[length++] = '\n';
        free(escaped);
    }
    fclose(script);
    snprintf(command, sizeof command, "gnuplot %s 2>&1", path);
    cr_expect_eq(output_of(command, out, sizeof out), length);
    cr_expect_eq(memcmp(out, want, length), 0);
    cr_expect_neq(access("/tmp/assay-was-here", F_OK), 0, "a command was run");
    unlink(path);
}

Test(escape, shell_words_come_back_byte_for_byte_through_a_shell, .timeout = 60)
{
    static char command[200000], out[100000];
    size_t length = (size_t)snprintf(command, sizeof command, "printf '%%s\\0'"), at = 0, got;
    unlink("/tmp/assay-was-here");
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_SHELL, sample(s));
        length += (size_t)snprintf(command + length, sizeof command - length, " %s", escaped);
        free(escaped);
    }
    cr_assert_lt(length, sizeof command - 1);
    got = output_of(command, out, sizeof out);
    for (size_t s = 0; s < N_SAMPLES; s++) {
        cr_assert_leq(at + strlen(sample(s)), got);
        cr_expect_str_eq(out + at, sample(s), "sample %zu", s);
        at += strlen(sample(s)) + 1;
    }
    cr_expect_eq(at, got);
    cr_expect_neq(access("/tmp/assay-was-here", F_OK), 0, "a command was run");
    expect_escaped(ASSAY_ESCAPE_SHELL, "gemm/k=64,m=64@offline", "gemm/k=64,m=64@offline");
    expect_escaped(ASSAY_ESCAPE_SHELL, "", "''");
    expect_escaped(ASSAY_ESCAPE_SHELL, "it's", "'it'\\''s'");
}

Test(escape, cells_of_a_spreadsheet_come_back_as_text)
{
    char back[1000], want[1000];
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_SHEET, sample(s));
        cr_expect(valid_text(escaped), "sample %zu is not UTF-8", s);
        read_sheet(escaped, back);
        expected_back(sample(s), KEPT_WHITE, want);
        cr_expect_str_eq(back, want, "sample %zu", s);
        free(escaped);
    }
    expect_escaped(ASSAY_ESCAPE_SHEET, "=1+1", "=1+1"); /* the cell says that it is text, and nothing computes it */
    expect_escaped(ASSAY_ESCAPE_SHEET, "_x0041_x0042_", "_x005F_x0041_x005F_x0042_");
    expect_escaped(ASSAY_ESCAPE_SHEET, "_x004_ _y0041_ _x0041", "_x004_ _y0041_ _x0041");
    expect_escaped(ASSAY_ESCAPE_SHEET, "a\x01\x1b[0m", "a\xEF\xBF\xBD\xEF\xBF\xBD[0m");
}

Test(escape, terminals_get_one_harmless_line)
{
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, sample(s));
        cr_expect(valid_text(escaped), "sample %zu", s);
        for (const char *at = escaped; *at; at++) {
            cr_expect((unsigned char)*at >= 0x20 && *at != 0x7F, "sample %zu has a control character", s);
            cr_expect_not((unsigned char)at[0] == 0xC2 && (unsigned char)at[1] < 0xA0, "sample %zu: a C1 control", s);
        }
        free(escaped);
    }
    expect_escaped(ASSAY_ESCAPE_TERMINAL, "\x1b[2J", "\\x1b[2J");
    expect_escaped(ASSAY_ESCAPE_TERMINAL, "a\nb", "a\\x0ab");
    expect_escaped(ASSAY_ESCAPE_TERMINAL, "\xC2\x9B", "\\xc2\\x9b");
    expect_escaped(ASSAY_ESCAPE_TERMINAL, "\xE2\x80\xAEx", "\\xe2\\x80\\xaex");
    expect_escaped(ASSAY_ESCAPE_TERMINAL, "\xE6\x98\xE6\x98\x86", "\\xe6\\x98\xE6\x98\x86");
    expect_escaped(ASSAY_ESCAPE_TERMINAL, "\xF0\x9F\x9A\x80 \xC2\xB5s", "\xF0\x9F\x9A\x80 \xC2\xB5s");
}

Test(escape, markdown_cells_come_back_and_never_end_the_cell)
{
    for (size_t s = 0; s < N_SAMPLES; s++) {
        char *escaped = assay_string_escaped(ASSAY_ESCAPE_MARKDOWN, sample(s)), plain[1500], back[1500], want[1500];
        size_t n = 0;
        cr_expect_null(strpbrk(escaped, "<>\r\n\t"), "sample %zu: %s", s, escaped);
        for (const char *at = escaped; *at; at++) {
            if (*at == '\\')
                at++; /* a backslash only ever escapes the mark behind it */
            else
                cr_expect_null(strchr("|*_`[]~$!", *at), "sample %zu has a bare %c", s, *at);
            plain[n++] = *at;
        }
        plain[n] = 0;
        cr_expect_eq(unescape_markup(plain, back), 0);
        expected_back(sample(s), KEPT_WHITE, want);
        for (char *at = want; *at; at++)
            *at = strchr("\t\r\n", *at) ? ' ' : *at;
        cr_expect_str_eq(back, want, "sample %zu", s);
        free(escaped);
    }
    expect_escaped(ASSAY_ESCAPE_MARKDOWN, "a|b\\|c", "a\\|b&#92;\\|c");
}

Test(escape, cut_text_ends_whole_and_with_its_quote)
{
    char buffer[1200], field[1200];
    for (size_t s = 0; s < N_HOSTILE; s++)
        for (size_t e = 0; e < N_ESCAPES; e++) {
            char *whole = assay_string_escaped(every[e], hostile[s]);
            for (size_t capacity = 1; capacity <= strlen(whole) + 2; capacity++) {
                struct assay_text text = assay_text_over(buffer, capacity);
                buffer[capacity] = '#';
                assay_string_escape(&text, every[e], hostile[s]);
                cr_expect_eq(text.length, strlen(buffer));
                cr_expect_eq(buffer[capacity], '#', "escape %zu of sample %zu overflowed %zu", e, s, capacity);
                cr_expect_eq(text.cut, capacity <= strlen(whole), "escape %zu of sample %zu in %zu", e, s, capacity);
                if (!text.cut)
                    cr_expect_str_eq(buffer, whole);
                if (every[e] != ASSAY_ESCAPE_SHELL)
                    cr_expect(valid_text(buffer), "escape %zu of sample %zu in %zu: half a character", e, s, capacity);
                if (every[e] == ASSAY_ESCAPE_HTML || every[e] == ASSAY_ESCAPE_XML)
                    cr_expect_eq(unescape_markup(buffer, field), 0, "half an escape: %s", buffer);
                if (every[e] == ASSAY_ESCAPE_CSV)
                    cr_expect_eq(read_field(buffer, field), 0, "an open field: %s", buffer);
                if (every[e] == ASSAY_ESCAPE_GNUPLOT)
                    cr_expect_eq(read_gnuplot(buffer, field), 0, "half an escape: %s", buffer);
                if (every[e] == ASSAY_ESCAPE_SHELL && *buffer == '\'')
                    cr_expect(buffer[text.length - 1] == '\'' && text.length > 1, "an open quote: %s", buffer);
            }
            free(whole);
        }
}

Test(escape, appends_behind_what_is_there_and_adds_nothing_to_cut_text)
{
    char buffer[16];
    struct assay_text text = ASSAY_TEXT(buffer);
    assay_text_add(&text, "a=");
    assay_string_escape(&text, ASSAY_ESCAPE_HTML, "<");
    cr_expect_str_eq(buffer, "a=&lt;");
    assay_string_escape(&text, ASSAY_ESCAPE_HTML, "1234567&&");
    cr_expect_str_eq(buffer, "a=&lt;1234567");
    cr_expect(text.cut);
    for (size_t e = 0; e < N_ESCAPES; e++)
        assay_string_escape(&text, every[e], "b c'");
    cr_expect_str_eq(buffer, "a=&lt;1234567");
}
