/* `assay validate --backend B --vectors DIR`. */
#ifndef ASSAY_CLI_VALIDATE_VECTORS_H
#define ASSAY_CLI_VALIDATE_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/cli/cli.h"

struct assay_validate_vectors {
    const char *backend, *folder;
    uint64_t    timeout_ns; /* of one case */
    bool        json, quiet;
};

enum assay_exit assay_cli_validate_vectors(const struct assay_validate_vectors *with);

#endif
