/* Texts that are at hand in English, in another language: what a page says, and the reasons that records give. */
#include "reports/language.h"

#include <string.h>

#include "assay/banned.h"

#define MOST_HOLES 8
#define HOLE_BYTES 640
#define DEEPEST 4 /* a text in a hole of a text in a hole …: nothing that a report says goes deeper */

static const struct {
    const char *english, *chinese;
} phrases[] = {
#define ASSAY_TOLD(english, chinese) {english, chinese},
#include "reports/languages/page.def"
#include "reports/languages/reasons.def"
#undef ASSAY_TOLD
};
#define N_PHRASES (sizeof phrases / sizeof *phrases)

struct holes {
    char text[MOST_HOLES][HOLE_BYTES];
    size_t n;
};

/* Where what stands behind a hole begins, or NULL. The last piece of a pattern is looked for at the end: a hole may
 * hold it as well. */
static const char *follows_at(const char *text, const char *next, size_t length, bool is_last)
{
    size_t all = strlen(text);
    if (!is_last)
        return memmem(text, all, next, length);
    return all >= length && !memcmp(text + all - length, next, length) ? text + all - length : NULL;
}

static bool is_number(const char *text, const char *end)
{
    return end > text && strspn(text, "0123456789.,+-e∞") >= (size_t)(end - text);
}

/* Does `text` fit `pattern`, whose {0}, {1}, … stand for anything up to what follows them, and {0#}, … for a number? A
 * hole is never empty. */
static bool fits(const char *pattern, const char *text, struct holes *out)
{
    out->n = 0;
    if (*pattern != '{' && *pattern != *text) /* nearly all of them */
        return false;
    for (;;) {
        size_t literal = strcspn(pattern, "{");
        if (strncmp(pattern, text, literal) != 0)
            return false;
        pattern += literal;
        text += literal;
        if (!*pattern)
            return !*text;
        bool number = pattern[2] == '#';
        pattern += 3 + number;
        size_t follows = strcspn(pattern, "{");
        const char *end = follows_at(text, pattern, follows, !pattern[follows]);
        if (!end || end == text || (number && !is_number(text, end)) || out->n == MOST_HOLES ||
            (size_t)(end - text) >= HOLE_BYTES)
            return false;
        (void)snprintf(out->text[out->n++], HOLE_BYTES, "%.*s", (int)(end - text), text);
        text = end;
    }
}

static bool say(struct assay_text *out, const char *english, unsigned depth)
{
    struct holes holes;
    char said[MOST_HOLES][HOLE_BYTES];
    const char *arguments[MOST_HOLES + 1] = {NULL};
    size_t i = 0;
    while (i < N_PHRASES && !fits(phrases[i].english, english, &holes))
        i++;
    if (i == N_PHRASES)
        return false;
    for (size_t k = 0; k < holes.n; k++) {
        struct assay_text text = ASSAY_TEXT(said[k]);
        arguments[k] = depth < DEEPEST && say(&text, holes.text[k], depth + 1) ? said[k] : holes.text[k];
    }
    assay_say_fill(out, phrases[i].chinese, arguments);
    return true;
}

bool assay_say_phrase(struct assay_text *out, enum assay_language language, const char *english)
{
    return language != ASSAY_ENGLISH && say(out, english, 0);
}

void assay_say_told(struct assay_text *out, enum assay_language language, const char *reason)
{
    if (language == ASSAY_ENGLISH || !*reason)
        assay_text_add(out, "%s", reason);
    else if (!say(out, reason, 0))
        assay_say_with(out, language, ASSAY_SAY_AS_RECORDED, (const char *const[]){reason, NULL});
}

size_t assay_told_count(void)
{
    return N_PHRASES;
}

const char *assay_told(enum assay_language language, size_t i)
{
    return language == ASSAY_ENGLISH ? phrases[i].english : phrases[i].chinese;
}
