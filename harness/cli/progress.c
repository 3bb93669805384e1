#include "harness/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

void assay_cli_progress(bool quiet, const char *what, size_t done, size_t all, const char *line)
{
    char              shown[101];
    struct assay_text text = ASSAY_TEXT(shown);
    if (quiet || !isatty(STDERR_FILENO))
        return;
    assay_string_escape(&text, ASSAY_ESCAPE_TERMINAL, line);
    fprintf(stderr, "\r\033[K%s%s[%zu/%zu] %s", what, *what ? " " : "", done, all, shown);
}

void assay_cli_progress_end(bool quiet)
{
    if (!quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}
