/* The words of a command line: what is run (one suite, or any number of cases and model files), or what is read. */
#ifndef ASSAY_CLI_OPERANDS_H
#define ASSAY_CLI_OPERANDS_H

#include <stddef.h>

#include "assay/error.h"
#include "harness/plan/plan.h"

/* *plan must be released also on failure. A word that is neither suite nor workload is told with the nearest of both; a case that
 * cannot be built is told at once. */
enum assay_code assay_cli_plan_of(size_t n, char **words, struct assay_plan *plan, struct assay_error *err);
/* Keeps those cases of the plan that the file names, one a line, in the plan's order and with its repeats. ASSAY_CONFIG: the file names
 * one that is not in the plan, or none. */
enum assay_code assay_cli_keep_only(struct assay_plan *plan, const char *path, struct assay_error *err);
/* ASSAY_CONFIG: two of them are the same file or folder, by whatever path, and what is in it would count twice. */
enum assay_code assay_cli_once(size_t n, char **paths, struct assay_error *err);

#endif
