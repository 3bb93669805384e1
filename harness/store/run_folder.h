/* The run folder: manifest.json, plan.json, records.jsonl, samples/, witness/, log.txt. Append-only.
 *
 * records.jsonl: one line a record, flushed and synced before the next case starts: the record's JSON with two
 * members more, "before" and "sha256", that make a chain (record_lines.h). A torn last line (no newline, or not what
 * its checksum says) is moved to records.torn and named in the log; a broken line further up is an error that names
 * it: somebody edited a record. README.md says what each file holds. */
#ifndef ASSAY_STORE_RUN_FOLDER_H
#define ASSAY_STORE_RUN_FOLDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/drive.h"
#include "harness/load/lesson.h"
#include "harness/load/serving/metrics.h"
#include "harness/store/record.h"

struct assay_run_folder;

/* Creates the folder (which must not exist, be empty, or be left by a creation that was interrupted) with manifest, plan and, unless it
 * is NULL, the text of the suite's file; takes the lock. A folder with a run, or with anything that is not ours, is ASSAY_CONFIG. */
enum assay_code assay_run_folder_create(const char *path, const json_t *manifest, const json_t *plan, const char *suite_text,
                                        struct assay_run_folder **out, struct assay_error *err);
/* Opens for appending (--resume): takes the lock, mends a torn last line, reads what is there. Another plan, suite,
 * seed, version or back end than `plan` is refused, saying what differs; `plan` NULL: any. */
enum assay_code assay_run_folder_resume(const char *path, const json_t *plan, struct assay_run_folder **out,
                                        struct assay_error *err);
/* Opens for reading only; never changes a byte, takes no lock; a torn last line is left out. */
enum assay_code assay_run_folder_read(const char *path, struct assay_run_folder **out, struct assay_error *err);
void            assay_run_folder_close(struct assay_run_folder *folder);

/* Appends one record: synced when it returns ASSAY_OK, else the file is what it was and another may be appended. A
 * second record of the same (id, back end, launch) is ASSAY_INTERNAL. */
enum assay_code assay_run_folder_append(struct assay_run_folder *folder, const struct assay_record *record,
                                        struct assay_error *err);
/* Is there a record of this (id, back end, launch)? */
bool assay_run_folder_has(const struct assay_run_folder *folder, const char *id, const char *backend, uint32_t launch);

/* What was wrong with the end of records.jsonl when it was opened, as a sentence, or NULL. */
const char *assay_run_folder_torn(const struct assay_run_folder *folder);

/* Borrowed until close; records only until the next append, as it reads it back (what JSON cannot hold is replaced). */
const struct assay_record *assay_run_folder_records(const struct assay_run_folder *folder, size_t *n);
const json_t              *assay_run_folder_manifest(const struct assay_run_folder *folder);
const json_t              *assay_run_folder_plan(const struct assay_run_folder *folder);
const char                *assay_run_folder_path(const struct assay_run_folder *folder);

/* "samples/<id>.<back end, safe for a file name>.<launch>.bin"; `kind` is "samples", "witness" or "trace" (".json"). */
void assay_run_folder_file(const char *kind, const char *id, const char *backend, uint32_t launch, char out[160]);
/* "samples/<id>.<back end>.<launch>.curve": how a training went. */
void assay_run_folder_curve_file(const char *id, const char *backend, uint32_t launch, char out[160]);
/* "samples/<id>.<back end>.<launch>.queries": the raw series of a scenario. */
void assay_run_folder_queries_file(const char *id, const char *backend, uint32_t launch, char out[160]);
/* "samples/<id>.<back end>.<launch>.served": requests with the times of their tokens. */
void assay_run_folder_served_file(const char *id, const char *backend, uint32_t launch, char out[160]);
/* "samples/<id>.<back end>.<launch>.tokens": what chosen requests were answered. */
void assay_run_folder_tokens_file(const char *id, const char *backend, uint32_t launch, char out[160]);
/* "witness/<id>.<back end>.<launch>.batch<samples>": of the program for a smaller batch. */
void assay_run_folder_bucket_file(const char *id, const char *backend, uint32_t launch, uint32_t samples, char out[160]);
/* A line with a UTC time in log.txt; cannot fail loudly. */
ASSAY_PRINTF(2, 3)
void assay_run_folder_log(struct assay_run_folder *folder, const char *fmt, ...);

/* Latency samples: little-endian u64 nanoseconds, in time order, checked against the record's SHA-256. Free *out. */
enum assay_code assay_samples_read(const char *folder, const struct assay_record *record, uint64_t **out, size_t *n,
                                   struct assay_error *err);
/* The points of how a training went, in order; free *out. As assay_samples_read. */
enum assay_code assay_curve_read(const char *folder, const struct assay_record *record, struct assay_lesson_row **out, size_t *n,
                                 struct assay_error *err);
/* The raw series of a scenario, in the order of its queries, and the requests of a served one in the order they ended; free *out. As
 * assay_samples_read. */
enum assay_code assay_queries_read(const char *folder, const struct assay_record *record, struct assay_query_row **out, size_t *n,
                                   struct assay_error *err);
enum assay_code assay_served_read(const char *folder, const struct assay_record *record, struct assay_served_row **out, size_t *n,
                                  struct assay_error *err);
/* Output tokens of chosen requests, as 32-bit words: the request's number (low word first), how many tokens, and these; again and again.
 * Every length is within what is there. */
enum assay_code assay_tokens_read(const char *folder, const struct assay_record *record, uint32_t **out, size_t *words, struct assay_error *err);

#endif
