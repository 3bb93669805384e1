/* Parsing, checking, writing and printing of option tables (assay/option.h). */
#ifndef ASSAY_BASE_OPTIONS_H
#define ASSAY_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "assay/option.h"
#include "assay/text.h"

/* Sets every field to its default. A row without one is left zero and counted as not given. */
enum assay_code assay_options_defaults(const struct assay_option *table, void *target, struct assay_error *err);

/* Sets one option from text. Unknown names suggest the nearest; out of range says the range. */
enum assay_code assay_option_set(const struct assay_option *table, void *target, const char *name, const char *value,
                                 struct assay_error *err);

/* Parses "k=v,k=v" over the defaults: repeated keys and rows without default that were not given are errors.
 * A value with ',' or ':' is written as a JSON string. `what` names the owner in messages ("workload gemm"). */
enum assay_code assay_options_parse(const struct assay_option *table, void *target, const char *list, const char *what,
                                    struct assay_error *err);

/* Writes every option of the table as "k=v,k=v", keys sorted, defaults written out, in the one canonical form. */
void assay_options_write(const struct assay_option *table, const void *target, struct assay_text *out);
/* One value in canonical form. */
void assay_option_write(const struct assay_option *row, const void *target, struct assay_text *out);

/* Command line: takes "--name value", "--name=value" and "--flag" out of argv; what is left are the positional
 * words, in order, in argv[0 .. *argc). "--" ends options. `given` (may be NULL): one bool per row, set when given. */
enum assay_code assay_options_from_argv(const struct assay_option *table, void *target, int *argc, char **argv,
                                        bool *given, struct assay_error *err);

/* Help: one aligned line per row. Troff: .TP entries for the man page. */
void assay_options_help(const struct assay_option *table, FILE *out);
void assay_options_man(const struct assay_option *table, FILE *out);

/* Rows up to the end mark. */
size_t assay_options_count(const struct assay_option *table);

#endif
