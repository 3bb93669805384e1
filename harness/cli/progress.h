/* One line on a terminal's standard error that is written over while something goes on; nothing elsewhere, or when it is to be quiet. */
#ifndef ASSAY_CLI_PROGRESS_H
#define ASSAY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* "gradients [3/40] line", cut to 100 characters of the line; `what` may be "". The line may come from outside. */
void assay_cli_progress(bool quiet, const char *what, size_t done, size_t all, const char *line);
/* Takes the line away. */
void assay_cli_progress_end(bool quiet);

#endif
