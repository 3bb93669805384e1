/* Help and man page from the table of verbs. */
#ifndef ASSAY_CLI_HELP_H
#define ASSAY_CLI_HELP_H

#include <stdio.h>

#include "harness/cli/cli.h"

void assay_help_all(const struct assay_verb *const *verbs, FILE *out);
void assay_help_verb(const struct assay_verb *verb, FILE *out);
void assay_help_man(const struct assay_verb *const *verbs, FILE *out);

#endif
