/* What machine this is, in words a third party can check: for the manifest and for `assay doctor`. */
#ifndef ASSAY_MEASURE_HOST_H
#define ASSAY_MEASURE_HOST_H

#include <jansson.h>

#include "assay/error.h"

/* An object: hostname, board (vendor, product, serial), firmware (vendor, version, date), cpu (product, microcode,
 * cores, threads, caches, isa), numa, memory_bytes, kernel, governor, turbo, virtualization, libc, mitigations. What
 * cannot be read is {"value": null, "why": "…"}. Strings come from the machine: escape when printing. New reference. */
json_t *assay_host_describe(void);
/* Libraries mapped into this process: [{path, soname, version if known, sha256}], sorted by path. New reference. */
json_t *assay_host_libraries(void);

#endif
