/* What machine this is, in words a third party can check: for the manifest and for `assay doctor`. */
#ifndef ASSAY_MEASURE_HOST_H
#define ASSAY_MEASURE_HOST_H

#include <jansson.h>

#include "assay/error.h"

/* An object: hostname, board (vendor, product, serial), firmware (vendor, version, date), cpu (product, microcode,
 * cores, threads, caches, isa), numa, memory_bytes, kernel, governor, turbo, virtualization, libc, mitigations. What
 * cannot be read is {"value": null, "why": "…"}. Strings come from the machine: escape when printing. New reference. */
json_t *assay_host_describe(void);
/* The same where /sys and /proc stand below `root` ("" for the real ones): so a test can build a machine. */
json_t *assay_host_describe_under(const char *root);
/* Programs and libraries mapped into this process: [{path, soname, version if known, sha256}], sorted by path, each
 * once. New reference. */
json_t *assay_host_libraries(void);

#endif
