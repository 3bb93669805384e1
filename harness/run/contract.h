/* The parts of the plug-in agreement that no case exercises: what a worker checks of a back end by calling it as a host may. */
#ifndef ASSAY_RUN_CONTRACT_H
#define ASSAY_RUN_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"

struct assay_finding {
    char what[64];  /* "upload and download keep every byte" */
    bool holds, applies; /* applies false: nothing to check, why says so */
    char why[256];
};

#define ASSAY_CONTRACT_MAX 16

/* Opens `backend` and checks it in this process; findings[n], at most ASSAY_CONTRACT_MAX. An error: it could not be opened. */
enum assay_code assay_contract_check(const char *backend, struct assay_finding *findings, size_t *n, struct assay_error *err);

#endif
