/* The table of the smallest faults found, as Markdown: a function of this program alone. */
#ifndef ASSAY_FAULTS_DOCUMENT_H
#define ASSAY_FAULTS_DOCUMENT_H

#include <stdio.h>

#include "harness/verify/faults/alarms.h"
#include "harness/verify/faults/search.h"

#define ASSAY_FAULT_SEED 1u  /* of the first draw of every subject's operands */
#define ASSAY_FAULT_DRAWS 100u
#define ASSAY_FAULT_FEW_DRAWS 8u /* of subjects that are LARGE, and where a class of arithmetic is proved twice as many */

/* One kind in one subject; `applies` false: it is not planted there. */
struct assay_fault_cell {
    bool                    applies;
    struct assay_fault_rate rate;
};
/* What single subjects prove beside the table. */
struct assay_fault_proofs {
    struct {
        int64_t terms;
        double  size; /* of element-off-of-terms */
    } element[3];
    struct {
        uint32_t found, trials;
        double   lean, over_worst_case; /* the least of the draws; the largest error over its worst-case bound */
    } half, toward_zero;                /* sums in f16 sold as f32; sums in f32 rounded toward zero */
    uint32_t plain[2], random[2]; /* sums along the last axis and the one before that a witness of the large product holds */
};
struct assay_fault_results {
    struct assay_fault_cell  *cell; /* kind by kind, subject by subject */
    struct assay_fault_proofs proofs;
    struct assay_fault_alarms alarms;
};

/* Takes minutes; `progress` (may be NULL) is told before each subject. Release also after a failure. */
enum assay_code assay_fault_measure(struct assay_fault_results *out, void (*progress)(const char *what), struct assay_error *err);
void            assay_fault_results_release(struct assay_fault_results *r);
const struct assay_fault_cell *assay_fault_cell_of(const struct assay_fault_results *r, size_t kind, size_t subject);
void            assay_fault_document(const struct assay_fault_results *r, FILE *to);

#endif
