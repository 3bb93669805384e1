/* What is known of the circumstances of a run or of a level's findings: versions, machine, back ends, arguments. */
#ifndef ASSAY_RUN_MANIFEST_H
#define ASSAY_RUN_MANIFEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct assay_manifest {
    const char        *suite; /* or of what else the cases are */
    uint64_t           seed;
    const char *const *arguments; /* of the program */
    size_t             n_arguments;
    const char *const *backends; /* as the user named them */
    json_t *const     *probe;    /* what probing each gave */
    size_t             n_backends;
};

/* {"format": "assay-manifest/1", …}, with the time of now. A new reference; NULL when out of memory. */
json_t *assay_manifest_to_json(const struct assay_manifest *what);

#endif
