/* Verdicts: what validation said of each case and back end. Kept in verdicts.jsonl beside the records, made anew by
 * every `assay validate`. */
#ifndef ASSAY_JUDGE_VERDICT_H
#define ASSAY_JUDGE_VERDICT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/store/run_folder.h"
#include "harness/verify/check.h"

/* The verdict of one record (one launch). */
struct assay_verdict {
    char     case_name[ASSAY_CASE_NAME_BYTES], id[17], backend[640];
    uint32_t launch;
    struct assay_check check;
};

/* Judges every record of a run from its witness; progress(self, done, all, line) may be NULL. *out is newly allocated. */
enum assay_code assay_validate_run(struct assay_run_folder *folder,
                                   void (*progress)(void *self, size_t done, size_t all, const char *line), void *self,
                                   struct assay_verdict **out, size_t *n, struct assay_error *err);
/* What was found of the outputs of each record that was judged by its outputs, as it is judged (check.h). */
typedef void assay_validate_outputs_fn(void *self, const struct assay_record *record, const struct assay_check_output *rows,
                                       size_t n);
/* The same; `see` is told of outputs too. */
enum assay_code assay_validate_run_outputs(struct assay_run_folder *folder,
                                           void (*progress)(void *self, size_t done, size_t all, const char *line),
                                           assay_validate_outputs_fn *see, void *self, struct assay_verdict **out, size_t *n,
                                           struct assay_error *err);
/* Where a record's witness is, when it is the one that was written. ASSAY_DATA: it is not, or the record names a file that is not
 * one of its folder's. */
enum assay_code assay_validate_witness(const struct assay_run_folder *folder, const struct assay_record *record, char path[4096],
                                       struct assay_error *err);
/* Writes verdicts.jsonl into the folder as a whole; reads it again (none there: *n = 0). */
enum assay_code assay_verdicts_write(const char *folder, const struct assay_verdict *verdicts, size_t n,
                                     struct assay_error *err);
enum assay_code assay_verdicts_read(const char *folder, struct assay_verdict **out, size_t *n, struct assay_error *err);

#endif
