/* `assay probe repeat CASE…`. */
#ifndef ASSAY_CLI_PROBE_REPEAT_H
#define ASSAY_CLI_PROBE_REPEAT_H

#include "harness/cli/cli.h"

struct assay_probe_repeat {
    const char *backend;
    uint64_t    runs, processes, arrangements, seed, timeout_ns;
    bool        json, quiet;
};
enum assay_exit assay_cli_probe_repeat(size_t n, char **cases, const struct assay_probe_repeat *with);

#endif
