/* `assay validate --backend B --level …`: how far a back end can be trusted, from single ops to whole trainings. */
#ifndef ASSAY_CLI_VALIDATE_LEVEL_H
#define ASSAY_CLI_VALIDATE_LEVEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/cli/cli.h"
#include "harness/verify/check.h"

struct assay_validate_level {
    const char *backend; /* as the user named it */
    const char *folder;  /* of what is found; "": out/<level>-<back end> */
    uint64_t    timeout_ns; /* of one case; 0: the suite's */
    char      **cases;      /* n_cases names; none: those of the level's suite */
    size_t      n_cases;
    int64_t     seed;       /* -1: the suite's */
    const char *against;    /* level training: the other back end */
    size_t      pairs;      /* of trainings; 0: none are compared */
    double      margin;     /* as a share of the entropy of what is learned */
    bool        strict, json, quiet;
};

/* What a level came to, beside its tables. */
struct assay_level_end {
    char    summary[3000]; /* lines without the last newline; "": it did not come to an end, and that was told */
    json_t *document;      /* new; only where JSON was asked for */
};

/* Runs the levels that `list` names, separated by commas, one after the other, each judged as if it were alone; the exit is the worst.
 * Of several, `with->folder` is where each has a folder of its name. */
enum assay_exit assay_cli_validate_levels(const char *list, const struct assay_validate_level *with);

/* ---- for the levels ---- */

/* The folder of what is found: the one that was named, or out/<level>-<back end>, with nothing in it that leads elsewhere. */
#define ASSAY_LEVEL_FOLDER_BYTES 2048
void assay_cli_level_folder(const struct assay_validate_level *with, const char *level, char out[ASSAY_LEVEL_FOLDER_BYTES]);
/* Counts a case as passed, failed or not checked: of[0], of[1], of[2]. */
void assay_cli_level_count(enum assay_outcome outcome, bool strict, size_t of[3]);

/* One function a level, one file a function: prints the tables unless JSON was asked for. */
enum assay_exit assay_cli_validate_ops(const struct assay_validate_level *with, struct assay_level_end *end);
enum assay_exit assay_cli_validate_training(const struct assay_validate_level *with, struct assay_level_end *end);
enum assay_exit assay_cli_validate_model(const struct assay_validate_level *with, struct assay_level_end *end);

#endif
