/* A run as the folder that MLPerf's submission checker takes: logs, systems, measurements, in the layout of a round. What only the
 * submitter knows stands there as "TO BE GIVEN: …" and is listed. Nothing in it is a submission before somebody makes it one. */
#ifndef ASSAY_MLPERF_SUBMISSION_H
#define ASSAY_MLPERF_SUBMISSION_H

#include "assay/error.h"
#include "harness/judge/summary.h"
#include "reports/mlperf/benchmark.h"
#include "reports/mlperf/notes.h"
#include "reports/mlperf/result.h"

#define ASSAY_MLPERF_TO_BE_GIVEN "TO BE GIVEN"

struct assay_mlperf_how {
    enum assay_mlperf_division division;
    enum assay_mlperf_round    round;
    const char *submitter, *system; /* names of folders; system "": from the device's name */
    const char *status;             /* "available", "preview", "rdi"; "": to be given */
    const char *system_type;        /* "edge", "datacenter", "datacenter,edge" */
};

/* Writes below `out`, which must not exist or be empty. Every case is written or left out with a note. ASSAY_UNSUPPORTED: none could be
 * written, with the first one's reason. ASSAY_CONFIG: `out` holds something, a name is none for a folder. */
enum assay_code assay_mlperf_export(const struct assay_summary *run, const struct assay_mlperf_how *how, const char *out,
                                    struct assay_mlperf_notes *notes, struct assay_error *err);

/* Where the files of a result lie, from `out`: "closed/ORG/results/SYSTEM/resnet50/Offline". */
struct assay_mlperf_place {
    char result[700], measurements[700], compliance[700]; /* folders; compliance: of TESTxx */
    char measurements_file[200];                          /* in `measurements` */
};
/* ASSAY_CONFIG: a path would be too long. */
enum assay_code assay_mlperf_place_of(const struct assay_mlperf_how *how, const char *system, const char *benchmark, const char *scenario,
                                      struct assay_mlperf_place *out, struct assay_error *err);
/* The folder of sources in that round. */
const char *assay_mlperf_sources(enum assay_mlperf_round round);

#endif
