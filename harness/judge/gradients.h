/* Do the gradients of a training step agree with the reference's, param by param? Runs suite gradients on a back end and judges
 * it as any run; what was found of each output is kept.
 *
 * The programs are not those that train: gradients of a training step are temps, here they are outputs ("<param>.gradient"),
 * before clipping. What the optimizer makes of them (param, first and second moment) is judged as well. */
#ifndef ASSAY_JUDGE_GRADIENTS_H
#define ASSAY_JUDGE_GRADIENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/judge/level.h"
#include "harness/judge/verdict.h"

/* One output of one case; of a gradient, `param` is whose it is and is_gradient set, else the output's own name. */
struct assay_gradient_row {
    size_t                    verdict; /* of which case: index into `verdicts` */
    bool                      is_gradient;
    char                      param[ASSAY_VALUE_NAME_BYTES];
    struct assay_check_output found;
};
struct assay_gradients {
    struct assay_verdict      *verdicts; /* one a case */
    size_t                     n_verdicts;
    struct assay_gradient_row *rows; /* in the order of the cases and their outputs; of a case that was not judged: none */
    size_t                     n_rows;
};

/* Free *out with assay_gradients_release. A run that is in the folder already is judged as it is. */
enum assay_code assay_gradients_run(const struct assay_level_request *request, struct assay_gradients *out, struct assay_error *err);
void            assay_gradients_release(struct assay_gradients *gradients);
/* Of how many cases all gradients were proved right. */
size_t          assay_gradients_proved(const struct assay_gradients *gradients);
/* New reference; NULL when out of memory. */
json_t *assay_gradients_to_json(const struct assay_gradients *gradients);
/* What that tells; `path` is for messages. Release *out. ASSAY_DATA: it is no such list. */
enum assay_code assay_gradients_from_json(const json_t *json, const char *path, struct assay_gradients *out, struct assay_error *err);

#endif
