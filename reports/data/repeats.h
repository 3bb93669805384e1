/* What a run folder says of repetition, as JSON: repeats of executions and launches, and a soak. New references; NULL: out of memory. */
#ifndef ASSAY_REPORTS_DATA_REPEATS_H
#define ASSAY_REPORTS_DATA_REPEATS_H

#include <jansson.h>

#include "harness/store/run_folder.h"

/* A row a case and back end, in the order of the records; {"why": …} where witnesses could not be read. */
json_t *assay_repeats_json(const struct assay_run_folder *folder);
/* null where the folder was not soaked; {"why": …} where its file could not be read. */
json_t *assay_soak_json(const struct assay_run_folder *folder);

#endif
