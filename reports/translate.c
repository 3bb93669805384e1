#include "reports/translate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "reports/sink.h"

#include "assay/banned.h"

#define LARGEST_REPORT ((size_t)1 << 30)
#define TEXT_BYTES 4096

/* Texts that were met: a report says the same again and again. A later text takes the place of an earlier one of its
 * hash. */
#define REMEMBERED 8192

struct remembered {
    char *english, *said; /* owned; said NULL: the catalogue does not have it */
};

struct translating {
    struct assay_sink to;
    enum assay_language language;
    bool cut;                      /* a tag has no end */
    struct remembered *remembered; /* REMEMBERED of them */
};

/* ---- a text -------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *written, *means;
} entities[] = {{"&amp;", "&"},  {"&lt;", "<"},  {"&gt;", ">"},   {"&quot;", "\""}, {"&#39;", "'"},
                {"&#160;", " "}, {"&#173;", ""}, {"&#92;", "\\"}, {"\u00a0", " "}};

/* As it was before it was escaped, white space as single blanks; false: it is too long for anything of ours. */
static bool plain(const char *from, size_t length, bool is_markdown, char room[TEXT_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        size_t e = 0, used = 1;
        while (e < sizeof entities / sizeof *entities &&
               strncmp(from + i, entities[e].written, strlen(entities[e].written)) != 0)
            e++;
        char one[2] = {from[i], 0};
        const char *means = one;
        if (e < sizeof entities / sizeof *entities) {
            used = strlen(entities[e].written);
            means = entities[e].means;
        } else if (is_markdown && from[i] == '\\' && i + 1 < length) {
            used = 2;
            one[0] = from[i + 1];
        } else if (from[i] == '\n') {
            means = " ";
        }
        i += used;
        if (*means && (means[0] != ' ' || (n > 0 && room[n - 1] != ' ')))
            room[n++] = *means;
        if (n + 2 > TEXT_BYTES)
            return false;
    }
    while (n > 0 && room[n - 1] == ' ')
        n--;
    room[n] = 0;
    return true;
}

static bool has_word(const char *text)
{
    for (; *text; text++)
        if (isalpha((unsigned char)*text))
            return true;
    return false;
}

/* The end of the first sentence or part of one, what parts it included; the end of the text if it is one. */
static const char *part_end(const char *at)
{
    for (; *at; at++)
        if ((*at == '.' || *at == ';') && at[1] == ' ')
            return at + 1;
    return at;
}

/* Part by part: a text that was put together of several. False: the catalogue has none of them. */
static bool say_parts(struct assay_text *out, enum assay_language language, const char *english)
{
    bool any = false;
    for (const char *at = english; *at;) {
        const char *end = part_end(at);
        char part[TEXT_BYTES], said[TEXT_BYTES];
        struct assay_text text = ASSAY_TEXT(said);
        bool is_half = end > at && end[-1] == ';';
        (void)snprintf(part, sizeof part, "%.*s", (int)(end - at) - is_half, at);
        bool known = assay_say_phrase(&text, language, part);
        assay_text_add(out, "%s%s", known ? said : part, is_half ? "；" : known || !*end ? "" : " ");
        any = any || known;
        at = end + (*end == ' ');
    }
    return any;
}

static bool blank(char c)
{
    return c == ' ' || c == '\n';
}

static bool say(struct assay_text *out, enum assay_language language, const char *english)
{
    return assay_say_phrase(out, language, english) || say_parts(out, language, english);
}

/* The text in the language, valid until the next call; NULL: it stays as it is. */
static const char *said_of(struct translating *t, const char *english)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a */
    for (const char *c = english; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    struct remembered *r = &t->remembered[hash % REMEMBERED];
    if (!r->english || strcmp(r->english, english) != 0) {
        char room[TEXT_BYTES];
        struct assay_text out = ASSAY_TEXT(room);
        bool known = say(&out, t->language, english);
        free(r->english);
        free(r->said);
        r->english = strdup(english);
        r->said = known ? strdup(room) : NULL;
        t->to.failed = t->to.failed || !r->english || (known && !r->said);
    }
    return r->said;
}

/* Writes from[length] in the language, or as it is. */
static void text(struct translating *t, const char *from, size_t length)
{
    char english[TEXT_BYTES];
    const char *said = NULL;
    size_t before = 0;
    while (before < length && blank(from[before]))
        before++;
    if (plain(from + before, length - before, t->to.how == ASSAY_ESCAPE_MARKDOWN, english) && has_word(english))
        said = said_of(t, english);
    if (!said) {
        assay_sink_raw(&t->to, "%.*s", (int)length, from);
        return;
    }
    assay_sink_raw(&t->to, "%.*s", (int)before, from);
    assay_sink_text(&t->to, said);
    if (length > before && blank(from[length - 1]))
        assay_sink_raw(&t->to, "%c", from[length - 1]);
}

/* ---- a page -------------------------------------------------------------------------------------------------------
 */

static bool is_tag(const char *at, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(at, name, n) && (at[n] == ' ' || at[n] == '>' || at[n] == '/');
}

/* The length of a name behind "<" or "</". */
static size_t name_length(const char *at)
{
    return strcspn(at, " />\n");
}

/* Behind the element that begins at `at` ("<name…"), whatever stands in it. */
static const char *behind_element(const char *at)
{
    char name[24];
    int depth = 0;
    (void)snprintf(name, sizeof name, "%.*s", (int)name_length(at + 1), at + 1);
    for (const char *p = at; (p = strchr(p, '<')); p++) {
        const char *end = strchr(p, '>');
        if (!end)
            break;
        if (is_tag(p + 1, name))
            depth += end[-1] != '/';
        else if (p[1] == '/' && is_tag(p + 2, name))
            depth--;
        if (depth == 0)
            return end + 1;
    }
    return at + strlen(at);
}

static bool is_left_alone(const char *tag, const char *end)
{
    static const char *const names[] = {"style", "code", "pre"};
    static const char no[] = " translate=\"no\"";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_tag(tag + 1, names[i]))
            return true;
    return memmem(tag, (size_t)(end - tag), no, sizeof no - 1) != NULL;
}

/* A tag: what it says to people in the language, all else as it is. */
static void tag(struct translating *t, const char *at, const char *end)
{
    static const char *const said[] = {" title=\"", " aria-label=\"", " data-label=\""};
    while (at < end) {
        size_t i = 0;
        while (i < sizeof said / sizeof *said && strncmp(at, said[i], strlen(said[i])) != 0)
            i++;
        if (!strncmp(at, "<html lang=\"en\"", 15)) {
            assay_sink_raw(&t->to, "<html lang=\"%s\"", assay_say(t->language, ASSAY_SAY_LANGUAGE_TAG));
            at += 15;
        } else if (i < sizeof said / sizeof *said) {
            const char *value = at + strlen(said[i]), *quote = strchr(value, '"');
            assay_sink_raw(&t->to, "%s", said[i]);
            text(t, value, (size_t)(quote - value));
            at = quote;
        } else {
            size_t n = 1 + strcspn(at + 1, " ");
            n = n < (size_t)(end - at) ? n : (size_t)(end - at);
            assay_sink_raw(&t->to, "%.*s", (int)n, at);
            at += n;
        }
    }
}

static void page(struct translating *t, const char *at)
{
    while (*at) {
        const char *end = *at == '<' ? strchr(at, '>') : at + strcspn(at, "<");
        if (!end) {
            t->cut = true;
            return;
        }
        if (*at != '<')
            text(t, at, (size_t)(end - at));
        else if (at[1] != '/' && at[1] != '!' && is_left_alone(at, end)) {
            end = behind_element(at);
            assay_sink_raw(&t->to, "%.*s", (int)(end - at), at);
        } else
            tag(t, at, ++end);
        at = end;
    }
}

/* ---- Markdown -----------------------------------------------------------------------------------------------------
 */

/* Cells of a row of a table; "\|" parts none. */
static void cells(struct translating *t, const char *at, const char *end)
{
    while (at < end) {
        const char *next = at;
        while (next < end && (*next != '|' || (next > at && next[-1] == '\\')))
            next++;
        text(t, at, (size_t)(next - at));
        if (next < end)
            assay_sink_raw(&t->to, "|");
        at = next + 1;
    }
}

static void markdown(struct translating *t, const char *at)
{
    while (*at) {
        const char *end = at + strcspn(at, "\n");
        size_t head = strspn(at, "# -");
        if (*at == '|')
            cells(t, at, end);
        else {
            assay_sink_raw(&t->to, "%.*s", (int)head, at);
            text(t, at + head, (size_t)(end - at) - head);
        }
        assay_sink_raw(&t->to, "%s", *end ? "\n" : "");
        at = end + (*end == '\n');
    }
}

enum assay_code assay_report_translate(const char *from, enum assay_report_format format, enum assay_language language,
                                       const char *to, struct assay_error *err)
{
    char *english = NULL, *bytes = NULL;
    size_t read, length = 0;
    FILE *out = NULL;
    if (assay_file_read(from, LARGEST_REPORT, &english, &read, err))
        return err->code;
    if (!(out = open_memstream(&bytes, &length))) {
        free(english);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the report '%.160s'", to);
    }
    struct translating t = {
        .to = {.out = out, .how = format == ASSAY_REPORT_MARKDOWN ? ASSAY_ESCAPE_MARKDOWN : ASSAY_ESCAPE_HTML},
        .language = language,
        .remembered = calloc(REMEMBERED, sizeof *t.remembered)};
    if (!t.remembered)
        t.to.failed = true;
    else if (format == ASSAY_REPORT_MARKDOWN)
        markdown(&t, english);
    else
        page(&t, english);
    for (size_t i = 0; t.remembered && i < REMEMBERED; i++) {
        free(t.remembered[i].english);
        free(t.remembered[i].said);
    }
    free(t.remembered);
    if (fclose(out) != 0 || t.to.failed)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the report '%.160s'", to);
    else if (t.cut)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "'%.160s' is no whole page: a tag has no end", from);
    else
        (void)assay_file_replace(to, bytes, length, err);
    free(bytes);
    free(english);
    return err->code;
}
