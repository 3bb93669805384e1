#include "harness/store/mlperf.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/model/csv.h"

#include "assay/banned.h"

#define FORMAT "assay-mlperf/1"
#define LIMIT_BYTES ((size_t)64 << 20)
#define MOST_FILES 64

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static const struct field {
    const char *names[4]; /* the first is ours */
    size_t      offset, bytes;
    bool        needed;
} fields[] = {
#define FIELD(name, needed, ...) {{#name, __VA_ARGS__}, offsetof(struct assay_mlperf_row, name), sizeof((struct assay_mlperf_row *)0)->name, needed}
    FIELD(round, true, "version"),
    FIELD(submitter, true, "organization"),
    FIELD(division, true, NULL),
    FIELD(system, true, "systemname", "system_name"),
    FIELD(id, false, "public_id", "entry"),
    FIELD(benchmark, true, "mlperfmodel", "model"),
    FIELD(scenario, false, NULL),
    FIELD(accelerator, false, "accelerator_model_name"),
    FIELD(count, false, "acc_count", "a#", "accelerators"),
    FIELD(nodes, false, "number_of_nodes"),
    FIELD(precision, false, "weight_data_types"),
    FIELD(unit, true, "metric", "units", "performance_units"),
    FIELD(value, true, "result", "performance_result"),
    FIELD(source, false, "source_path", "location", "details"),
#undef FIELD
};
#define N_FIELDS (sizeof fields / sizeof *fields)

static char *at(struct assay_mlperf_row *row, const struct field *f)
{
    return (char *)row + f->offset;
}

static const char *text_of(const struct assay_mlperf_row *row, const struct field *f)
{
    return (const char *)row + f->offset;
}

/* `place` is "line 12" or "entry 3". */
static enum assay_code put(struct assay_mlperf_row *row, const struct field *f, const char *text, const char *place, struct assay_error *err)
{
    return assay_string_copy(at(row, f), f->bytes, text)
               ? ASSAY_OK
               : ASSAY_FAIL(err, ASSAY_DATA, "%s: %s is longer than %zu bytes: '%.40s…'", place, f->names[0], f->bytes - 1, text);
}

static bool is_positive_number(const char *text)
{
    char  *end;
    double value = strtod(text, &end);
    return end != text && !*end && isfinite(value) && value > 0 && strspn(text, "0123456789.eE+-") == strlen(text);
}

/* What cannot be cited is no row. */
static enum assay_code check_row(const struct assay_mlperf_row *row, const char *place, struct assay_error *err)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (fields[i].needed && !*text_of(row, &fields[i]))
            return ASSAY_FAIL(err, ASSAY_DATA, "%s: has no %s", place, fields[i].names[0]);
    if (!*row->id && !*row->source)
        return ASSAY_FAIL(err, ASSAY_DATA, "%s: has neither an entry's id nor a source: it cannot be cited", place);
    if (!is_positive_number(row->value))
        return ASSAY_FAIL(err, ASSAY_DATA, "%s: '%.40s' is no result: a positive number", place, row->value);
    if (strcasecmp(row->division, "closed") != 0 && strcasecmp(row->division, "open") != 0 && strcasecmp(row->division, "network") != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%s: '%.24s' is no division (closed, open, network)", place, row->division);
    return ASSAY_OK;
}

static bool matches(const struct assay_mlperf_row *row, const char *match)
{
    return !*match || strcasestr(row->accelerator, match) || strcasestr(row->system, match) || strcasestr(row->submitter, match) ||
           strcasestr(row->benchmark, match) || strcasestr(row->round, match);
}

static enum assay_code append(struct assay_mlperf *to, const struct assay_mlperf_row *row, struct assay_error *err)
{
    if (to->n == to->room) {
        size_t                   more = to->room ? 2 * to->room : 64;
        struct assay_mlperf_row *rows = reallocarray(to->rows, more, sizeof *rows);
        if (!rows)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu rows", more);
        to->rows = rows;
        to->room = more;
    }
    to->rows[to->n++] = *row;
    return ASSAY_OK;
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* The column of a field by any of its names; n_columns: none. */
static size_t column_of(const struct assay_csv *csv, const struct field *f)
{
    for (size_t k = 0; k < 4 && f->names[k]; k++)
        for (size_t c = 0; c < csv->n_columns; c++)
            if (!strcasecmp(csv->cells[c], f->names[k]))
                return c;
    return csv->n_columns;
}

static enum assay_code take_csv(const char *text, size_t length, const char *match, struct assay_mlperf *to, struct assay_error *err)
{
    struct assay_csv csv = {.bytes = NULL};
    size_t           column[N_FIELDS];
    if (assay_csv_parse(text, length, &csv, err)) {
        assay_csv_release(&csv);
        return err->code;
    }
    for (size_t i = 0; !err->code && i < N_FIELDS; i++) {
        column[i] = column_of(&csv, &fields[i]);
        if (fields[i].needed && column[i] == csv.n_columns)
            (void)ASSAY_FAIL(err, ASSAY_DATA, "has no column '%s'", fields[i].names[0]);
    }
    for (size_t r = 0; !err->code && r < csv.n_rows; r++) {
        struct assay_mlperf_row row = {.round = ""};
        char                    place[40];
        (void)snprintf(place, sizeof place, "row %zu", r + 1);
        for (size_t i = 0; !err->code && i < N_FIELDS; i++)
            if (column[i] < csv.n_columns)
                (void)put(&row, &fields[i], assay_csv_cell(&csv, r, column[i]), place, err);
        if (!err->code && matches(&row, match) && !check_row(&row, place, err))
            (void)append(to, &row, err);
    }
    assay_csv_release(&csv);
    return err->code;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* The shortest of 15 to 17 digits that is this number again: what a person published. */
static void print_number(double value, char out[40])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, 40, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

static enum assay_code put_json(struct assay_mlperf_row *row, const struct field *f, const json_t *value, const char *place, struct assay_error *err)
{
    char number[40];
    if (json_is_string(value))
        return put(row, f, json_string_value(value), place, err);
    if (json_is_integer(value))
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        print_number(json_real_value(value), number);
    else
        return json_is_null(value) ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DATA, "%s: %s is neither text nor number", place, f->names[0]);
    return put(row, f, number, place, err);
}

static const json_t *member_of(const json_t *object, const struct field *f)
{
    const char *key;
    json_t     *value;
    for (size_t k = 0; k < 4 && f->names[k]; k++)
        json_object_foreach ((json_t *)object, key, value)
            if (!strcasecmp(key, f->names[k]))
                return value;
    return NULL;
}

static enum assay_code take_entries(const json_t *list, const char *match, struct assay_mlperf *to, struct assay_error *err)
{
    size_t        i;
    const json_t *entry;
    json_array_foreach (list, i, entry) {
        struct assay_mlperf_row row = {.round = ""};
        char                    place[40];
        (void)snprintf(place, sizeof place, "entry %zu", i + 1);
        if (!json_is_object(entry))
            return ASSAY_FAIL(err, ASSAY_DATA, "%s: is no object", place);
        for (size_t k = 0; k < N_FIELDS; k++) {
            const json_t *value = member_of(entry, &fields[k]);
            if (value && put_json(&row, &fields[k], value, place, err))
                return err->code;
        }
        if (matches(&row, match) && (check_row(&row, place, err) || append(to, &row, err)))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code take_json(const char *text, size_t length, const char *name, const char *match, struct assay_mlperf *to,
                                 struct assay_error *err)
{
    json_t *root = NULL;
    if (assay_json_parse(text, length, name, &root, err))
        return err->code;
    if (!json_is_array(root))
        (void)ASSAY_FAIL(err, ASSAY_DATA, "is no list of results");
    else
        (void)take_entries(root, match, to, err);
    json_decref(root);
    return err->code;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

enum assay_code assay_mlperf_import(const char *path, const char *match, struct assay_mlperf *to, struct assay_error *err)
{
    char  *text = NULL;
    size_t length, first;
    if (to->n_files == MOST_FILES)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "more than %d files", MOST_FILES);
    struct assay_mlperf_file *files = reallocarray(to->files, to->n_files + 1, sizeof *files);
    if (!files)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for another file");
    to->files = files;
    if (assay_file_read(path, LIMIT_BYTES, &text, &length, err))
        return err->code;
    struct assay_mlperf_file *file = &files[to->n_files++];
    (void)assay_string_copy(file->name, sizeof file->name, last_part(path));
    assay_sha256_hex(text, length, file->sha256);
    first = strspn(text, " \t\r\n");
    if (text[first] == '[' || text[first] == '{')
        (void)take_json(text, length, file->name, match, to, err);
    else
        (void)take_csv(text, length, match, to, err);
    free(text);
    return err->code ? assay_error_in(err, "reading '%.80s'", path) : ASSAY_OK;
}

static bool is_date(const char *text)
{
    for (int i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
            return false;
    int month = (text[5] - '0') * 10 + text[6] - '0', day = (text[8] - '0') * 10 + text[9] - '0';
    return !text[10] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

enum assay_code assay_mlperf_retrieved(struct assay_mlperf *m, const char *date, const char *from, struct assay_error *err)
{
    if (!is_date(date)) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.40s' is no date of retrieval", date);
        return assay_error_hint(err, "a citation needs one, like 2026-11-27");
    }
    if (!*from || !assay_string_copy(m->from, sizeof m->from, from))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.60s' is no address that results were retrieved from", from);
    (void)assay_string_copy(m->retrieved, sizeof m->retrieved, date);
    return ASSAY_OK;
}

void assay_mlperf_release(struct assay_mlperf *m)
{
    free(m->rows);
    free(m->files);
    *m = (struct assay_mlperf){.n = 0};
}

/* ---- our own file ------------------------------------------------------------------------------------------------ */

static json_t *row_to_json(const struct assay_mlperf_row *row)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < N_FIELDS; i++)
        if (*text_of(row, &fields[i]))
            json_object_set_new(object, fields[i].names[0], assay_json_string(text_of(row, &fields[i])));
    return object;
}

enum assay_code assay_mlperf_write(const struct assay_mlperf *m, const char *path, struct assay_error *err)
{
    json_t *rows = json_array(), *files = json_array();
    for (size_t i = 0; i < m->n; i++)
        json_array_append_new(rows, row_to_json(&m->rows[i]));
    for (size_t i = 0; i < m->n_files; i++)
        json_array_append_new(files, json_pack("{s:o, s:s}", "name", assay_json_string(m->files[i].name), "sha256", m->files[i].sha256));
    json_t *root = json_pack("{s:s, s:s, s:o, s:o, s:o}", "format", FORMAT, "retrieved", m->retrieved, "from", assay_json_string(m->from), "files",
                             files, "rows", rows);
    char   *text = root && json_array_size(rows) == m->n && json_array_size(files) == m->n_files ? assay_json_pretty(root) : NULL;
    json_decref(root);
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.160s'", path);
    (void)assay_file_replace(path, text, strlen(text), err);
    free(text);
    return err->code;
}

static enum assay_code take_files(const struct assay_json_file *f, struct assay_mlperf *out, struct assay_error *err)
{
    json_t *list = NULL, *one;
    size_t  i;
    if (assay_json_array(f, f->root, "files", true, &list, err))
        return err->code;
    if (json_array_size(list) > MOST_FILES)
        return assay_json_fail(f, "files", err, "more than %d", MOST_FILES);
    out->files = calloc(json_array_size(list) + 1, sizeof *out->files);
    if (!out->files)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the files of '%.80s'", f->path);
    json_array_foreach (list, i, one) {
        const char *name, *sha256;
        if (!json_is_object(one))
            return assay_json_fail(f, "files", err, "must hold objects");
        if (assay_json_text(f, one, "name", true, &name, err) || assay_json_text(f, one, "sha256", true, &sha256, err))
            return err->code;
        struct assay_mlperf_file *file = &out->files[out->n_files++];
        if (!assay_string_copy(file->name, sizeof file->name, name) || !assay_string_copy(file->sha256, sizeof file->sha256, sha256))
            return assay_json_fail_at(f, one, "name", err, "name or sha256 is too long");
    }
    return ASSAY_OK;
}

static enum assay_code take_own(const struct assay_json_file *f, struct assay_mlperf *out, struct assay_error *err)
{
    static const char *const known[] = {"format", "retrieved", "from", "files", "rows"};
    const char              *retrieved, *from;
    json_t                  *rows = NULL;
    if (assay_json_known_keys(f, f->root, known, sizeof known / sizeof *known, err) ||
        assay_json_text(f, f->root, "retrieved", true, &retrieved, err) || assay_json_text(f, f->root, "from", true, &from, err) ||
        assay_mlperf_retrieved(out, retrieved, from, err) || take_files(f, out, err) || assay_json_array(f, f->root, "rows", true, &rows, err))
        return err->code;
    return take_entries(rows, "", out, err);
}

enum assay_code assay_mlperf_read(const char *path, struct assay_mlperf *out, struct assay_error *err)
{
    struct assay_json_file file = {.root = NULL};
    *out = (struct assay_mlperf){.n = 0};
    if (!assay_json_load(path, FORMAT, LIMIT_BYTES, &file, err) && take_own(&file, out, err))
        (void)assay_error_in(err, "reading '%.80s'", path);
    assay_json_release(&file);
    return err->code;
}
