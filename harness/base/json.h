/* JSON files through jansson, with the manners of this project: repeated and unknown keys are errors that give
 * file, line, key and the nearest known name; keys that start with // are comments; the first key is "format". */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

/* A loaded file and what is needed to point into it. Fill with assay_json_load, free with assay_json_release. */
struct assay_json_file {
    json_t *root;
    char    path[512];
    char   *bytes; /* the file's own text, to find the line of a key again */
    size_t  length;
};

/* Reads at most limit_bytes; `format` is the value the key "format" must have ("assay-suite/1"). */
enum assay_code assay_json_load(const char *path, const char *format, size_t limit_bytes, struct assay_json_file *out,
                                struct assay_error *err);
void            assay_json_release(struct assay_json_file *file);

/* ASSAY_DATA (or code) "path:line: message" for a key inside the file; key NULL points at the file as a whole. */
ASSAY_PRINTF(4, 5)
enum assay_code assay_json_fail(const struct assay_json_file *file, const char *key, struct assay_error *err,
                                const char *fmt, ...);

/* As assay_json_fail, for a key of this very object; key NULL points at the object. */
ASSAY_PRINTF(5, 6)
enum assay_code assay_json_fail_at(const struct assay_json_file *file, const json_t *object, const char *key,
                                   struct assay_error *err, const char *fmt, ...);

/* Every key of `object` must be one of known[n] or a comment. */
enum assay_code assay_json_known_keys(const struct assay_json_file *file, const json_t *object,
                                      const char *const *known, size_t n, struct assay_error *err);

/* Typed members; absent leaves *out unchanged (a default) unless `required`. Text is borrowed from the tree. */
enum assay_code assay_json_text(const struct assay_json_file *file, const json_t *object, const char *key,
                                bool required, const char **out, struct assay_error *err);
enum assay_code assay_json_i64(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                               int64_t min, int64_t max, int64_t *out, struct assay_error *err);
enum assay_code assay_json_f64(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                               double min, double max, double *out, struct assay_error *err);
enum assay_code assay_json_bool(const struct assay_json_file *file, const json_t *object, const char *key,
                                bool required, bool *out, struct assay_error *err);
/* The index of the member's word among words[], which end with NULL; one that is "" stands for none and is never given. */
enum assay_code assay_json_word(const struct assay_json_file *file, const json_t *object, const char *key, bool required,
                                const char *const *words, int *out, struct assay_error *err);
/* Borrowed member that must be an array / an object. */
enum assay_code assay_json_array(const struct assay_json_file *file, const json_t *object, const char *key,
                                 bool required, json_t **out, struct assay_error *err);
enum assay_code assay_json_object(const struct assay_json_file *file, const json_t *object, const char *key,
                                  bool required, json_t **out, struct assay_error *err);

/* Parses one line of memory (a record, a wire message): duplicates rejected, depth (200) and length bounded. New reference. */
enum assay_code assay_json_parse(const char *text, size_t length, const char *what, json_t **out,
                                 struct assay_error *err);

/* Sorted keys, 17 digits, one line, no newline. Free the result; NULL when out of memory. */
char *assay_json_line(const json_t *value);
/* Sorted keys, indented by 2, for files that people read; nothing in its strings acts on a terminal. */
char *assay_json_pretty(const json_t *value);

/* A finite number, or null (a new reference): NaN and infinities are not JSON. */
json_t *assay_json_number(double value);
/* A member that assay_json_number wrote: NaN where it is null, missing or no number. */
double  assay_json_number_of(const json_t *object, const char *key);
/* A text member, which lives as long as the object; "" where it is missing or no text. */
const char *assay_json_text_of(const json_t *object, const char *key);
/* u64 as an integer when it fits int64, else as a decimal string. */
json_t *assay_json_u64(uint64_t value);
/* A member that assay_json_u64 wrote: 0 where it is missing, negative or no number. */
uint64_t assay_json_u64_of(const json_t *object, const char *key);
/* Text with invalid UTF-8 replaced, so that jansson takes it. */
json_t *assay_json_string(const char *text);

#endif
