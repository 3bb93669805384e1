/* `assay validate DIR --repeats`: what the witnesses of a run say of how its bits repeat. */
#ifndef ASSAY_CLI_VALIDATE_REPEATS_H
#define ASSAY_CLI_VALIDATE_REPEATS_H

#include "assay/error.h"
#include "harness/store/run_folder.h"

enum assay_code assay_cli_print_repeats(const struct assay_run_folder *folder, struct assay_error *err);

#endif
