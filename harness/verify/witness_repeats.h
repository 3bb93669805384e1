/* What a witness says of repetition: how often each input set was executed, and how often with the same bits. */
#ifndef ASSAY_VERIFY_WITNESS_REPEATS_H
#define ASSAY_VERIFY_WITNESS_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/ir/graph.h"
#include "harness/verify/witness_file.h"

struct assay_witness_repeats {
    uint32_t n; /* input sets */
    uint64_t seed;
    struct {
        uint64_t             seen;     /* executions observed */
        uint64_t             distinct; /* different bits among them, at most 64; more: executions beyond those */
        uint64_t             more;
        bool                 has;      /* one that was kept, and can be judged, has been found */
        struct assay_hash128 hash;     /* of all output bytes: the content most of them had, among those that were kept */
        uint64_t             with;     /* executions with that content */
    } set[ASSAY_WITNESS_MOST_SETS];
};

/* Of the witness at `path` of a case whose graph is `g`. ASSAY_DATA: it is torn, malformed or of another case. */
enum assay_code assay_witness_repeats_read(const char *path, const char *case_id, const struct assay_graph *g,
                                           struct assay_witness_repeats *out, struct assay_error *err);

#endif
