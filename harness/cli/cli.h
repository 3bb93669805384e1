/* The command line: one table of verbs; help, man page and parsing come from it. Only this folder prints and exits.
 * stdout = the result, stderr = progress and complaints. */
#ifndef ASSAY_CLI_H
#define ASSAY_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "assay/error.h"
#include "assay/option.h"

enum assay_exit {
    ASSAY_EXIT_YES = 0,
    ASSAY_EXIT_NO = 1,           /* the check said no */
    ASSAY_EXIT_USAGE = 2,        /* usage or configuration */
    ASSAY_EXIT_NOTHING = 3,      /* nothing could run */
    ASSAY_EXIT_BUG = 4,          /* ours */
    ASSAY_EXIT_INSUFFICIENT = 5, /* insufficient evidence */
};

struct assay_verb {
    const char                *name, *operands, *summary;
    const char                *details; /* paragraphs for help and man page, separated by newlines; may be NULL */
    const struct assay_option *options; /* NULL: none */
    size_t                     options_bytes;
    /* operands[n]; options filled; given[row]: the user gave it. */
    enum assay_exit (*run)(size_t n, char **operands, const void *options, const bool *given);
};

/* The verbs, one file each. */
extern const struct assay_verb assay_verb_doctor;
extern const struct assay_verb assay_verb_list;
extern const struct assay_verb assay_verb_show;
extern const struct assay_verb assay_verb_plan;
extern const struct assay_verb assay_verb_run;
extern const struct assay_verb assay_verb_validate;
extern const struct assay_verb assay_verb_audit;
extern const struct assay_verb assay_verb_compare;
extern const struct assay_verb assay_verb_report;
extern const struct assay_verb assay_verb_export;
extern const struct assay_verb assay_verb_conformance;
extern const struct assay_verb assay_verb_probe;
extern const struct assay_verb assay_verb_soak;
extern const struct assay_verb assay_verb_schedule;
extern const struct assay_verb assay_verb_predict;
extern const struct assay_verb assay_verb_breakeven;
extern const struct assay_verb assay_verb_calibrate;
extern const struct assay_verb assay_verb_spec;
extern const struct assay_verb assay_verb_search;
extern const struct assay_verb assay_verb_history;
extern const struct assay_verb assay_verb_policy;
extern const struct assay_verb assay_verb_qualify;
extern const struct assay_verb assay_verb_import;
extern const struct assay_verb assay_verb_bundle;
extern const struct assay_verb assay_verb_verify;

/* Tells an error once on stderr, in one line with its hint and path; returns the exit code of its class. */
enum assay_exit assay_cli_fail(const struct assay_error *err);
/* Says on stderr that the end of a run's records was torn and is left out, if it was. */
struct assay_run_folder;
void assay_cli_note_torn(const struct assay_run_folder *folder);
/* Text from outside on stderr: nothing in it acts on the terminal. */
void assay_cli_complain(const char *before, const char *text, const char *after);
/* "assay: …" for wrong usage of the verb that runs; returns ASSAY_EXIT_USAGE. */
ASSAY_PRINTF(1, 2)
enum assay_exit assay_cli_usage(const char *fmt, ...);

/* The words the program was called with. */
extern const char *const *assay_cli_arguments;
extern size_t             assay_cli_n_arguments;

/* Set by SIGINT and SIGTERM after assay_cli_catch_interrupts. */
extern volatile sig_atomic_t assay_cli_interrupted;
void                         assay_cli_catch_interrupts(void);

/* Prints a JSON result with a newline and takes the reference. */
struct json_t;
void assay_cli_print_json(struct json_t *value);

#endif
