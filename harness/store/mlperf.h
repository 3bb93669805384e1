/* MLPerf results that others published, as they were published: rows of a table, each value as the very text it had. They are cited and
 * nothing else: nothing here computes with them, and no figure of ours stands in this struct. The manual is reports/README.md.
 *
 * Read from (assay_mlperf_import)
 *   CSV   with a head: the columns of published summaries and of the submission checker's summary.csv, by the names below
 *   JSON  a list of objects, as the results repositories' summary_results.json has it
 * and written as "assay-mlperf/1", which reports take. Names of columns and members, whatever their case:
 *
 *     round      round, version                   submitter    submitter, organization
 *     division   division                         system       system, systemname, system_name
 *     id         id, public_id, entry             benchmark    benchmark, mlperfmodel, model
 *     scenario   scenario                         accelerator  accelerator, accelerator_model_name
 *     count      acc_count, a#, accelerators      nodes        nodes, number_of_nodes
 *     precision  precision, weight_data_types     unit         metric, units, performance_units
 *     value      value, result, performance_result            source  source_path, location, details
 *
 * Needed are round, submitter, division, system, benchmark, unit and value, and an id or a source: what cannot be cited is refused. */
#ifndef ASSAY_STORE_MLPERF_H
#define ASSAY_STORE_MLPERF_H

#include <stddef.h>

#include "assay/error.h"

#define ASSAY_MLPERF_FIELDS(X)                                                                                         \
    X(round, 64) X(submitter, 128) X(division, 24) X(system, 256) X(id, 64) X(benchmark, 96) X(scenario, 48)           \
    X(accelerator, 192) X(count, 24) X(nodes, 24) X(precision, 96) X(unit, 64) X(value, 40) X(source, 512)

struct assay_mlperf_row {
#define X(name, bytes) char name[bytes];
    ASSAY_MLPERF_FIELDS(X)
#undef X
};
struct assay_mlperf_file {
    char name[128], sha256[65]; /* the last part of its path */
};
struct assay_mlperf {
    struct assay_mlperf_row  *rows; /* in the order of the files */
    size_t                    n, room;
    struct assay_mlperf_file *files;
    size_t                    n_files;
    char                      retrieved[11], from[256]; /* 2026-11-27; where, an address */
};

/* Adds the rows of the file whose accelerator, system, submitter, benchmark or round contains `match` ("": all). ASSAY_DATA: a line or an
 * entry that cannot be cited, with its place. */
enum assay_code assay_mlperf_import(const char *path, const char *match, struct assay_mlperf *to, struct assay_error *err);
/* When and where it was retrieved. ASSAY_CONFIG: no date, or no address. */
enum assay_code assay_mlperf_retrieved(struct assay_mlperf *m, const char *date, const char *from, struct assay_error *err);

enum assay_code assay_mlperf_write(const struct assay_mlperf *m, const char *path, struct assay_error *err);
/* Strict. Release in any case. */
enum assay_code assay_mlperf_read(const char *path, struct assay_mlperf *out, struct assay_error *err);
void            assay_mlperf_release(struct assay_mlperf *m);

#endif
