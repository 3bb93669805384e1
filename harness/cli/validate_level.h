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
    bool        strict, json, quiet;
};

/* One function a level, one file a function. */
enum assay_exit assay_cli_validate_ops(const struct assay_validate_level *with);

#endif
