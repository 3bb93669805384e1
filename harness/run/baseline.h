/* The outputs of one execution of each input set, kept to compare others with; in memory, or in a file for another process. */
#ifndef ASSAY_RUN_BASELINE_H
#define ASSAY_RUN_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/run/rig.h"
#include "harness/verify/agreement.h"

struct assay_baseline {
    uint32_t       sets;
    uint64_t       set_bytes; /* of one set's outputs, one output behind the other */
    unsigned char *bytes;     /* owned */
    bool          *has;       /* owned: the set's outputs were kept */
};

/* Room for `sets` input sets of a rig's outputs. */
enum assay_code assay_baseline_init(const struct assay_rig *rig, uint32_t sets, struct assay_baseline *out, struct assay_error *err);
void            assay_baseline_release(struct assay_baseline *b);
void            assay_baseline_keep(struct assay_baseline *b, const struct assay_rig *rig, const struct assay_collected *left);

/* What an execution left, against what is kept of its set; the run goes on. Nothing is kept: nothing is compared. */
void assay_baseline_compare(const struct assay_baseline *b, const struct assay_rig *rig, const struct assay_collected *left,
                            struct assay_agreement *agreement);
void assay_baseline_compare_kept(const struct assay_baseline *expected, const struct assay_baseline *observed, const struct assay_rig *rig,
                                 uint32_t set, struct assay_agreement *agreement);

enum assay_code assay_baseline_write(const struct assay_baseline *b, const char *path, struct assay_error *err);
/* ASSAY_DATA: it is not of outputs like the rig's. */
enum assay_code assay_baseline_read(const char *path, const struct assay_rig *rig, struct assay_baseline *out, struct assay_error *err);

#endif
