/* How far something is, on standard error: on a terminal one line that is written over; elsewhere a line of its own when the last one was
 * ten seconds ago, so that what is short says nothing; nothing at all when it is to be quiet. */
#ifndef ASSAY_CLI_PROGRESS_H
#define ASSAY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* "gradients [3/40] line", cut to 100 characters of the line; `what` may be "". The line may come from outside. */
void assay_cli_progress(bool quiet, const char *what, size_t done, size_t all, const char *line);
/* Takes the line away. */
void assay_cli_progress_end(bool quiet);

#endif
