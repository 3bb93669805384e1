/* Fork and exec, done with care. */
#ifndef ASSAY_BASE_PROCESS_SPAWN_H
#define ASSAY_BASE_PROCESS_SPAWN_H

#include <stdbool.h>

#include "harness/base/process.h"

/* assay_process_start; with search_path, argv[0] is found in PATH. Returns after the exec has succeeded or failed: a
 * program that is not there is ASSAY_UNAVAILABLE, other failures are ASSAY_IO. The child has default signal
 * dispositions, an empty mask and no descriptors but its three streams. It is killed when the *thread* that started it
 * ends: start children from a thread that lives as long as they shall. */
enum assay_code assay_process_spawn(char *const argv[], bool search_path, struct assay_process *out,
                                    struct assay_error *err);

#endif
