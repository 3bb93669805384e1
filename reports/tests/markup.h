/* A reader of pages that is stricter than browsers: what it accepts, every one of them reads the same way. Elements must be
 * closed in order, attributes quoted and unique, entities known, text free of "<", ">" and control characters. */
#ifndef ASSAY_REPORTS_TESTS_MARKUP_H
#define ASSAY_REPORTS_TESTS_MARKUP_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MARKUP_DEPTH 64
#define MARKUP_ATTRIBUTES 24

struct markup_attribute {
    char name[32], value[4096];
};
struct markup {
    const char *at;
    char        open[MARKUP_DEPTH][32];
    size_t      depth;
    char        complaint[200]; /* "": well-formed so far */
    /* The element that markup_next stopped at. */
    char                    name[32];
    bool                    closes, empty;
    struct markup_attribute attribute[MARKUP_ATTRIBUTES];
    size_t                  n_attributes;
    const char             *text; /* what stands before it, [text, text_end) */
    const char             *text_end;
};

static inline bool markup_fail(struct markup *m, const char *what)
{
    (void)snprintf(m->complaint, sizeof m->complaint, "%s at: %.60s", what, m->at);
    return false;
}

static inline bool markup_is_name(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == ':';
}

/* Text up to `end`: entities known, no controls but white space, no replacement of what was text. */
static inline bool markup_text(struct markup *m, const char *end)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#160;", "&#173;"};
    for (const char *p = m->at; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        size_t        i = 0;
        m->at = p;
        if (c == '<' || c == '>')
            return markup_fail(m, "a bare < or >");
        if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F)
            return markup_fail(m, "a control character");
        if (c != '&')
            continue;
        while (i < sizeof known / sizeof *known && strncmp(p, known[i], strlen(known[i])) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return markup_fail(m, "an unknown entity");
    }
    m->at = end;
    return true;
}

static inline bool markup_attribute(struct markup *m)
{
    struct markup_attribute *a = &m->attribute[m->n_attributes];
    size_t                   n = 0;
    if (m->n_attributes == MARKUP_ATTRIBUTES)
        return markup_fail(m, "too many attributes");
    while (markup_is_name(m->at[n]))
        n++;
    if (n == 0 || n >= sizeof a->name || m->at[n] != '=' || !strchr("\"'", m->at[n + 1]))
        return markup_fail(m, "an attribute without name or quotes");
    (void)snprintf(a->name, sizeof a->name, "%.*s", (int)n, m->at);
    for (size_t i = 0; i < m->n_attributes; i++)
        if (strcmp(m->attribute[i].name, a->name) == 0)
            return markup_fail(m, "an attribute twice");
    char quote = m->at[n + 1];
    m->at += n + 2;
    const char *begin = m->at, *end = strchr(begin, quote);
    if (!end || !markup_text(m, end))
        return *m->complaint ? false : markup_fail(m, "an open quote");
    (void)snprintf(a->value, sizeof a->value, "%.*s", (int)(end - begin), begin);
    m->at = end + 1;
    m->n_attributes++;
    return true;
}

/* Behind '<' or '</': the rest of the tag. */
static inline bool markup_tag(struct markup *m)
{
    size_t n = 0;
    m->n_attributes = 0;
    m->empty = false;
    while (markup_is_name(m->at[n]))
        n++;
    if (n == 0 || n >= sizeof m->name)
        return markup_fail(m, "no element's name");
    (void)snprintf(m->name, sizeof m->name, "%.*s", (int)n, m->at);
    m->at += n;
    for (;;) {
        bool blank = isspace((unsigned char)*m->at);
        while (isspace((unsigned char)*m->at))
            m->at++;
        if (*m->at == '>')
            break;
        if (*m->at == '/' && m->at[1] == '>') {
            m->empty = true;
            m->at++;
            break;
        }
        if (!blank || m->closes)
            return markup_fail(m, "no blank before an attribute");
        if (!markup_attribute(m))
            return false;
    }
    m->at++;
    return true;
}

/* A style sheet is not markup; it ends at the first "</". */
static inline bool markup_raw(const struct markup *m)
{
    return m->depth > 0 && strcmp(m->open[m->depth - 1], "style") == 0;
}

/* Goes on to the next tag; false at the end or at the first fault (complaint). */
static inline bool markup_next(struct markup *m)
{
    const char *end = m->at + strcspn(m->at, "<");
    if (*m->complaint)
        return false;
    m->text = m->at;
    m->text_end = end;
    if (markup_raw(m))
        m->at = end;
    else if (!markup_text(m, end))
        return false;
    if (!*m->at)
        return m->depth ? markup_fail(m, "the end, with an element open") : false;
    if (strncmp(m->at, "<!DOCTYPE html>", 15) == 0) {
        m->at += 15;
        return markup_next(m);
    }
    m->at++;
    m->closes = *m->at == '/';
    m->at += m->closes;
    if (!markup_tag(m))
        return false;
    if (m->closes) {
        if (m->depth == 0 || strcmp(m->open[m->depth - 1], m->name) != 0)
            return markup_fail(m, "an element closed that is not the innermost");
        m->depth--;
    } else if (!m->empty) {
        if (m->depth == MARKUP_DEPTH)
            return markup_fail(m, "too deep");
        (void)snprintf(m->open[m->depth++], sizeof m->open[0], "%s", m->name);
    }
    return true;
}

static inline const char *markup_value(const struct markup *m, const char *name)
{
    for (size_t i = 0; i < m->n_attributes; i++)
        if (strcmp(m->attribute[i].name, name) == 0)
            return m->attribute[i].value;
    return NULL;
}

/* Is `word` among the blank-separated words of the class? */
static inline bool markup_has_class(const struct markup *m, const char *word)
{
    const char *at = markup_value(m, "class");
    size_t      n = strlen(word);
    while (at && (at = strstr(at, word))) {
        bool begins = at == markup_value(m, "class") || at[-1] == ' ';
        if (begins && (at[n] == ' ' || at[n] == 0))
            return true;
        at += n;
    }
    return false;
}

/* Well-formed as a piece of a page; else what is wrong, in `room`. */
static inline bool markup_is_well_formed(const char *page, char room[200])
{
    static struct markup m;
    memset(&m, 0, sizeof m);
    m.at = page;
    while (markup_next(&m))
        ;
    (void)snprintf(room, 200, "%s", m.complaint);
    return !*m.complaint;
}

#endif
