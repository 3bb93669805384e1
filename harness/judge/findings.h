/* What levels of validation left in a folder beside runs: model.json of level model, training.json of level training. Level ops
 * leaves a run and nothing else. */
#ifndef ASSAY_JUDGE_FINDINGS_H
#define ASSAY_JUDGE_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "assay/error.h"
#include "harness/judge/model_findings.h"
#include "harness/judge/training_findings.h"

#define ASSAY_FINDINGS_MODEL "model.json"
#define ASSAY_FINDINGS_TRAINING "training.json"
#define ASSAY_FINDINGS_GRADIENTS "gradients" /* the run of suite gradients in a folder of level training */

struct assay_findings {
    char                           folder[1024];
    bool                           has_model, has_training;
    struct assay_model_findings    model;
    struct assay_training_findings training;
};

/* The last part of the folder's path. */
const char *assay_findings_name(const struct assay_findings *findings);
/* Writes the document, of which the folder holds one, as a whole; an earlier one of level model that says something else stays beside it, as
 * NAME.TIME. The folder is made if it is not there. */
enum assay_code assay_findings_write(const char *folder, const char *name, const json_t *document, struct assay_error *err);
/* What there is; neither is no error. ASSAY_DATA: a document is none. Release *out, also after failure. */
enum assay_code assay_findings_read(const char *folder, struct assay_findings *out, struct assay_error *err);
void            assay_findings_release(struct assay_findings *findings);

#endif
