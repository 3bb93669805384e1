/* What a launch leaves in files of its own: their names, and its latency samples. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

#define SAMPLES_LIMIT_BYTES ((size_t)8 << 30)

#define BACKEND_SHOWN 60

/* Copies what is safe in a file name on any system; false if something was replaced or cut. */
static bool add_safe(struct assay_text *out, const char *from, size_t limit)
{
    size_t i = 0;
    bool same = true;
    for (; i < limit && from[i]; i++) {
        char c = from[i];
        bool safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '=';
        same = same && safe;
        assay_text_add(out, "%c", safe ? c : '_');
    }
    return same && !from[i];
}

/* Names of different back ends differ also where letters had to be replaced: then a hash of the name follows. */
void assay_run_folder_file(const char *kind, const char *id, const char *backend, uint32_t launch, char out[160])
{
    struct assay_text text = assay_text_over(out, 160);
    char hash[17];
    assay_text_add(&text, "%.10s/", kind);
    (void)add_safe(&text, id, 16);
    assay_text_add(&text, ".");
    if (!add_safe(&text, backend, BACKEND_SHOWN)) {
        assay_string_hex64(assay_hash_text(backend, 0), hash);
        assay_text_add(&text, "-%s", hash);
    }
    assay_text_add(&text, ".%u.%s", launch, strcmp(kind, "trace") == 0 ? "json" : "bin");
}

static void with_ending(const char *kind, const char *ending, const char *id, const char *backend, uint32_t launch, char out[160])
{
    assay_run_folder_file(kind, id, backend, launch, out);
    size_t length = strlen(out), stem = length - strlen("bin");
    (void)assay_string_copy(out + stem, 160 - stem, ending);
}

static void beside_samples(const char *ending, const char *id, const char *backend, uint32_t launch, char out[160])
{
    with_ending("samples", ending, id, backend, launch, out);
}

void assay_run_folder_bucket_file(const char *id, const char *backend, uint32_t launch, uint32_t samples, char out[160])
{
    char ending[24];
    (void)snprintf(ending, sizeof ending, "batch%u", samples);
    with_ending("witness", ending, id, backend, launch, out);
}

void assay_run_folder_curve_file(const char *id, const char *backend, uint32_t launch, char out[160])
{
    beside_samples("curve", id, backend, launch, out);
}

void assay_run_folder_queries_file(const char *id, const char *backend, uint32_t launch, char out[160])
{
    beside_samples("queries", id, backend, launch, out);
}

void assay_run_folder_served_file(const char *id, const char *backend, uint32_t launch, char out[160])
{
    beside_samples("served", id, backend, launch, out);
}

void assay_run_folder_tokens_file(const char *id, const char *backend, uint32_t launch, char out[160])
{
    beside_samples("tokens", id, backend, launch, out);
}

/* A record may come from anywhere: it must not lead out of the run folder. */
static bool is_ours(const char *file)
{
    const char *name = file + strlen("samples/");
    return strncmp(file, "samples/", strlen("samples/")) == 0 && *name && *name != '.' && !strchr(name, '/');
}

/* The bytes of one of a launch's files in samples/, a whole number of units, in which `what` come; free *out. */
static enum assay_code read_file(const char *folder, const struct assay_record *record, const char *file, const char *recorded,
                                 const char *what, size_t unit, char **out, size_t *length, struct assay_error *err)
{
    char path[4096], sha256[65];
    if (!*file)
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "launch %u of case '%.100s' left no %s", record->launch, record->case_name, what);
    if (!is_ours(file))
        return ASSAY_FAIL(err, ASSAY_DATA, "%s must be a file in 'samples/', not '%.150s'", what, file);
    enum assay_code code = assay_path_join(path, sizeof path, folder, file, err);
    if (!code)
        code = assay_file_read(path, SAMPLES_LIMIT_BYTES, out, length, err);
    if (code)
        return code;
    assay_sha256_hex(*out, *length, sha256);
    if (*recorded && strcmp(sha256, recorded) != 0)
        code = ASSAY_FAIL(err, ASSAY_DATA, "%s: not the %s that were written: the record has another SHA-256", path, what);
    else if (*length % unit != 0)
        code = ASSAY_FAIL(err, ASSAY_DATA, "%s: %zu bytes are no whole number of %s", path, *length, what);
    if (code)
        free(*out);
    return code;
}

enum assay_code assay_samples_read(const char *folder, const struct assay_record *record, uint64_t **out, size_t *n,
                                   struct assay_error *err)
{
    char           *bytes = NULL;
    size_t          length = 0;
    enum assay_code code = read_file(folder, record, record->samples_file, record->samples_sha256, "samples", sizeof **out, &bytes, &length, err);
    if (code)
        return code;
    uint64_t *samples = (uint64_t *)(void *)bytes; /* as aligned as malloc's memory is */
    *n = length / sizeof *samples;
    for (size_t i = 0; i < *n; i++)
        samples[i] = le64toh(samples[i]);
    *out = samples;
    return ASSAY_OK;
}

enum assay_code assay_curve_read(const char *folder, const struct assay_record *record, struct assay_lesson_row **out, size_t *n,
                                 struct assay_error *err)
{
    char           *bytes = NULL;
    size_t          length = 0;
    enum assay_code code = read_file(folder, record, record->curve_file, record->curve_sha256, "points of a curve", sizeof **out, &bytes, &length, err);
    if (code)
        return code;
    uint64_t *word = (uint64_t *)(void *)bytes; /* doubles lie as the 64 bits they are */
    for (size_t i = 0; i < length / sizeof *word; i++)
        word[i] = le64toh(word[i]);
    *out = (struct assay_lesson_row *)(void *)bytes;
    for (*n = 0; *n < length / sizeof **out && (*out)[*n].kind; ++*n) /* a launch that crashed left the rest empty */
        ;
    return ASSAY_OK;
}

enum assay_code assay_queries_read(const char *folder, const struct assay_record *record, struct assay_query_row **out, size_t *n,
                                   struct assay_error *err)
{
    const struct assay_load *load = &record->load;
    char                    *bytes = NULL;
    size_t                   length = 0;
    enum assay_code code = read_file(folder, record, load->series_file, load->series_sha256, "queries", sizeof **out, &bytes, &length, err);
    if (code)
        return code;
    struct assay_query_row *row = (struct assay_query_row *)(void *)bytes;
    *n = length / sizeof *row;
    for (size_t i = 0; i < *n; i++)
        row[i] = (struct assay_query_row){le64toh(row[i].query), le64toh(row[i].scheduled_ns), le64toh(row[i].issued_ns),
                                          le64toh(row[i].completed_ns), le32toh(row[i].samples), le32toh(row[i].status)};
    *out = row;
    return ASSAY_OK;
}

enum assay_code assay_served_read(const char *folder, const struct assay_record *record, struct assay_served_row **out, size_t *n,
                                  struct assay_error *err)
{
    const struct assay_load *load = &record->load;
    char                    *bytes = NULL;
    size_t                   length = 0;
    enum assay_code code = read_file(folder, record, load->served_file, load->served_sha256, "requests", sizeof **out, &bytes, &length, err);
    if (code)
        return code;
    struct assay_served_row *row = (struct assay_served_row *)(void *)bytes;
    *n = length / sizeof *row;
    for (size_t i = 0; i < *n; i++)
        row[i] = (struct assay_served_row){
            .request = le64toh(row[i].request), .scheduled_ns = le64toh(row[i].scheduled_ns), .first_ns = le64toh(row[i].first_ns),
            .last_ns = le64toh(row[i].last_ns), .completed_ns = le64toh(row[i].completed_ns), .prompt_tokens = le32toh(row[i].prompt_tokens),
            .output_tokens = le32toh(row[i].output_tokens), .reused_tokens = le32toh(row[i].reused_tokens),
            .preemptions = le32toh(row[i].preemptions), .status = le32toh(row[i].status)};
    *out = row;
    return ASSAY_OK;
}

enum assay_code assay_tokens_read(const char *folder, const struct assay_record *record, uint32_t **out, size_t *words, struct assay_error *err)
{
    const struct assay_load *load = &record->load;
    char                    *bytes = NULL;
    size_t                   length = 0, at = 0;
    enum assay_code code = read_file(folder, record, load->tokens_file, load->tokens_sha256, "tokens", sizeof **out, &bytes, &length, err);
    if (code)
        return code;
    uint32_t *word = (uint32_t *)(void *)bytes;
    *words = length / sizeof *word;
    for (size_t i = 0; i < *words; i++)
        word[i] = le32toh(word[i]);
    while (at < *words && *words - at >= 3 && *words - at - 3 >= word[at + 2])
        at += 3 + (size_t)word[at + 2];
    if (at != *words) {
        free(bytes);
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.150s' ends within a request", load->tokens_file);
    }
    *out = word;
    return ASSAY_OK;
}
