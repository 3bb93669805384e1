#include "harness/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define BETWEEN_LINES_NS 10000000000u

/* Is a line due where lines stay? */
static bool line_is_due(void)
{
    static uint64_t last_ns;
    uint64_t        now_ns = assay_clock_now_ns();
    bool            first = !last_ns;
    if (!first && now_ns - last_ns < BETWEEN_LINES_NS)
        return false;
    last_ns = now_ns;
    return !first;
}

void assay_cli_progress(bool quiet, const char *what, size_t done, size_t all, const char *line)
{
    char              shown[101];
    struct assay_text text = ASSAY_TEXT(shown);
    if (quiet)
        return;
    bool over = isatty(STDERR_FILENO);
    if (!over && !line_is_due())
        return;
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, line);
    fprintf(stderr, "%s%s%s[%zu/%zu] %s%s", over ? "\r\033[K" : "", what, *what ? " " : "", done, all, shown, over ? "" : "\n");
}

void assay_cli_progress_end(bool quiet)
{
    if (!quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}
