/* `assay validate --backend B --level …`: how far a back end can be trusted, from single ops to whole trainings. */
#ifndef ASSAY_CLI_VALIDATE_LEVEL_H
#define ASSAY_CLI_VALIDATE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/cli/cli.h"

struct assay_validate_level {
    const char *backend; /* as the user named it */
    const char *folder;  /* the run folder; "": out/<level>-<back end> */
    uint64_t    timeout_ns; /* of one case; 0: the suite's */
    char      **cases;      /* n_cases names; none: those of the level's suite */
    size_t      n_cases;
    int64_t     seed;       /* -1: the suite's */
    const char *against;    /* level training: the other back end */
    size_t      pairs;      /* of trainings; 0: none are compared */
    double      margin;     /* as a share of the entropy of what is learned */
    bool        strict, json, quiet;
};

/* The folder of its runs: the one that was named, or out/<level>-<back end>, with nothing in it that leads elsewhere. */
#define ASSAY_LEVEL_FOLDER_BYTES 2048
void assay_cli_level_folder(const struct assay_validate_level *with, const char *level, char out[ASSAY_LEVEL_FOLDER_BYTES]);

/* One function a level, one file a function. */
enum assay_exit assay_cli_validate_ops(const struct assay_validate_level *with);
enum assay_exit assay_cli_validate_training(const struct assay_validate_level *with);
enum assay_exit assay_cli_validate_model(const struct assay_validate_level *with);

#endif
