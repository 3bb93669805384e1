/* A file of fitted numbers (backends/coefficients): what all of their formats have, read and written in one place. */
#ifndef ASSAY_MODEL_FITTED_FILE_H
#define ASSAY_MODEL_FITTED_FILE_H

#include "harness/base/json.h"

/* `path`, or where that is NULL the file NAME that comes with the program. Free with assay_json_release. */
enum assay_code assay_fitted_file_load(const char *path, const char *name, const char *format, struct assay_json_file *out, struct assay_error *err);
/* A text of the root, which must be there, into out[bytes]; one that is longer is an error. */
enum assay_code assay_fitted_file_text(const struct assay_json_file *file, const char *key, char *out, size_t bytes, struct assay_error *err);

/* Names stand in consecutive rooms of `bytes` each. */
/* An array of the root, which must be there, of at most `most` names. */
enum assay_code assay_fitted_file_names(const struct assay_json_file *file, const char *key, char *rooms, size_t bytes, size_t most, size_t *n,
                                        struct assay_error *err);
json_t         *assay_fitted_names_to_json(const char *rooms, size_t bytes, size_t n);
bool            assay_fitted_names_have(const char *rooms, size_t bytes, size_t n, const char *name);

/* Numbers within [low, high], of these keys and no others; all of them, or those that are there. */
struct assay_fitted_keys {
    const char *const *key;
    size_t             n;
    double             low, high;
};
enum assay_code assay_fitted_numbers_read(const struct assay_json_file *file, const json_t *object, const struct assay_fitted_keys *keys, bool all, double *out,
                                          struct assay_error *err);
/* Those that are not `leave_out`, by five digits. */
json_t         *assay_fitted_numbers_to_json(const struct assay_fitted_keys *keys, const double *values, double leave_out);
json_t         *assay_fitted_number_to_json(double value);

#endif
