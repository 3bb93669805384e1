/* What a training stack makes of the prices of kernels and links: numbers fitted on published runs (backends/coefficients/training.json, written
 * by assay calibrate). Form: README.md, "Published runs". */
#ifndef ASSAY_MODEL_TRAIN_NUMBERS_H
#define ASSAY_MODEL_TRAIN_NUMBERS_H

#include <jansson.h>

#include "harness/model/cluster/train_rows.h"

enum assay_train_number {
#define ASSAY_TRAIN_NUMBER(id, key, begin, low, high, about) ASSAY_TRAIN_##id,
#include "harness/model/cluster/train_numbers.def"
#undef ASSAY_TRAIN_NUMBER
    ASSAY_TRAIN_NUMBERS
};
struct assay_train_number_row {
    const char *key, *about;
    double      begin, low, high;
};
extern const struct assay_train_number_row assay_train_numbers[ASSAY_TRAIN_NUMBERS];
struct assay_train_numbers {
    double value[ASSAY_TRAIN_NUMBERS];
};
struct assay_train_numbers assay_train_numbers_begin(void);

/* What bands are kept apart by: a plan on as many devices as clusters have, on a few, experts, and runs of which much had to be guessed. */
enum assay_train_kind { ASSAY_TRAIN_DENSE_CLUSTER, ASSAY_TRAIN_DENSE_FEW, ASSAY_TRAIN_MIXED, ASSAY_TRAIN_GUESSED, ASSAY_TRAIN_KINDS };
extern const char *const assay_train_kind_names[ASSAY_TRAIN_KINDS + 1];
enum assay_train_kind    assay_train_kind_of(const struct assay_train_answer *a);

enum { ASSAY_TRAIN_STACKS = 16, ASSAY_TRAIN_DEVICES = 32 };
struct assay_train_stack_fit {
    char     name[32];
    double   factor[ASSAY_TRAIN_NUMBERS]; /* on the base */
    unsigned rows;
};
struct assay_train_fitted {
    struct assay_train_numbers   base;
    struct assay_train_stack_fit stacks[ASSAY_TRAIN_STACKS];
    size_t                       n_stacks;
    char                         devices[ASSAY_TRAIN_DEVICES][64]; /* that it was fitted on */
    size_t                       n_devices;
    double                       half[ASSAY_TRAIN_KINDS];          /* of the 80 % band, in logarithms: from models and chips left out */
    char                         fingerprint[65], kernels[65];     /* of the rows; of the coefficients of kernels that were under it */
};
/* path NULL: what comes with the program. ASSAY_DATA: the file is wrong. */
enum assay_code assay_train_fitted_read(const char *path, struct assay_train_fitted *out, struct assay_error *err);
/* A new reference; NULL when out of memory. */
json_t *assay_train_fitted_to_json(const struct assay_train_fitted *f);
/* As this stack has them; the base where no run of it was fitted. */
struct assay_train_numbers assay_train_numbers_of(const struct assay_train_fitted *f, const char *stack, bool *measured);
bool                       assay_train_fitted_on(const struct assay_train_fitted *f, const char *device);

/* A step with these numbers. */
double assay_train_ns(const struct assay_train_numbers *n, const struct assay_train_answer *a);

#endif
