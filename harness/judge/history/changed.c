/* Which of driver, library, kernel, compiler, clock and assay itself changed between the last good night and the first bad one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/judge/history/watch_parts.h"

#include "assay/banned.h"

#define MOST_LINES 3
#define CLOCK_SHARE 0.03 /* the best clock measured in a night differs by less where nothing changed */

static bool has_line(const char *text, const char *line, size_t n)
{
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strcspn(at, "\n") == n && !memcmp(at, line, n))
            return true;
    return false;
}

/* The lines of `in` that are not in `from`. */
static void only_in(struct assay_text *out, const char *in, const char *from)
{
    int n = 0;
    for (const char *at = in; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        if (has_line(from, at, length))
            continue;
        if (n < MOST_LINES)
            assay_text_add(out, "%s%.*s", n ? ", " : "", (int)length, at);
        n++;
    }
    if (n > MOST_LINES)
        assay_text_add(out, " and %d more", n - MOST_LINES);
    if (n == 0)
        assay_text_add(out, "none");
}

static void compare_texts(char *good[], char *bad[], struct assay_text *out)
{
    for (int i = 0; i < ASSAY_ENVIRONMENT_COUNT; i++) {
        if (!strcmp(good[i], bad[i]))
            continue;
        assay_text_add(out, "%s%s: ", out->length ? "; " : "", assay_environment_names[i]);
        only_in(out, good[i], bad[i]);
        assay_text_add(out, " → ");
        only_in(out, bad[i], good[i]);
    }
}

enum assay_code assay_watch_changed(struct assay_history *h, const struct assay_history_point *good,
                                    const struct assay_history_point *bad, char out[1024], struct assay_error *err)
{
    struct assay_text text = assay_text_over(out, 1024);
    char *was[ASSAY_ENVIRONMENT_COUNT], *is[ASSAY_ENVIRONMENT_COUNT];
    if (good->environment != bad->environment) {
        if (assay_history_environment(h, good->environment, was, err))
            return err->code;
        if (!assay_history_environment(h, bad->environment, is, err)) {
            compare_texts(was, is, &text);
            for (int i = 0; i < ASSAY_ENVIRONMENT_COUNT; i++)
                free(is[i]);
        }
        for (int i = 0; i < ASSAY_ENVIRONMENT_COUNT; i++)
            free(was[i]);
    }
    if (fabs(log((double)bad->clock_hz / (double)good->clock_hz)) > CLOCK_SHARE)
        assay_text_add(&text, "%smeasured clock: %.2f → %.2f GHz", text.length ? "; " : "", (double)good->clock_hz / 1e9,
                       (double)bad->clock_hz / 1e9);
    if (!text.length)
        assay_text_add(&text, "nothing that was recorded: driver, library, kernel, compiler, clock and assay are the same");
    return err->code;
}
