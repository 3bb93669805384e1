/* What level training found: gradients param by param, and whether trainings are equivalent. Its document is the one place that has
 * both; the folder's own files (trainings.h) have what it was made of. */
#ifndef ASSAY_JUDGE_TRAINING_FINDINGS_H
#define ASSAY_JUDGE_TRAINING_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "assay/error.h"
#include "harness/judge/gradients.h"
#include "harness/judge/trainings.h"

#define ASSAY_TRAINING_FORMAT "assay-training/1"

struct assay_training_findings {
    char                   backend[640]; /* canonical where a record tells it, else as the user named it */
    struct assay_gradients gradients;
    struct assay_trainings trainings;
    double                 margin_share; /* of the entropy of what is learned */
    bool                   compared;     /* trainings are there */
};

/* New reference; NULL when out of memory. */
json_t *assay_training_findings_to_json(const struct assay_training_findings *findings);
/* `path` is for messages. ASSAY_DATA: it is no such document. Release *out. */
enum assay_code assay_training_findings_of(const json_t *document, const char *path, struct assay_training_findings *out, struct assay_error *err);
void            assay_training_findings_release(struct assay_training_findings *findings);

#endif
