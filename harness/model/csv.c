#include "harness/model/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"

#include "assay/banned.h"

struct reader {
    struct assay_csv csv;
    char            *at, *to, *end; /* cells are unquoted in place: `to` never passes `at` */
    size_t           n_cells, capacity, line;
};

static enum assay_code cell_add(struct reader *r, const char *cell, struct assay_error *err)
{
    if (r->n_cells == r->capacity) {
        size_t       capacity = r->capacity ? 2 * r->capacity : 1024;
        const char **grown = realloc(r->csv.cells, capacity * sizeof *grown);
        if (!grown)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu cells", capacity);
        r->csv.cells = grown;
        r->capacity = capacity;
    }
    r->csv.cells[r->n_cells++] = cell;
    return ASSAY_OK;
}

/* After the opening quote; leaves `at` behind the closing one. */
static enum assay_code read_quoted(struct reader *r, struct assay_error *err)
{
    size_t began = r->line;
    while (r->at < r->end) {
        if (*r->at == '"' && r->at[1] != '"') {
            r->at++;
            return ASSAY_OK;
        }
        r->at += *r->at == '"';
        r->line += *r->at == '\n';
        *r->to++ = *r->at++;
    }
    return ASSAY_FAIL(err, ASSAY_DATA, "line %zu: a quote does not end", began);
}

/* One cell and what ends it; *last: the row ends with it. */
static enum assay_code read_cell(struct reader *r, bool *last, struct assay_error *err)
{
    const char *cell = r->to = r->at;
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        if (read_quoted(r, err))
            return err->code;
        if (r->at < r->end && !strchr(",\r\n", *r->at))
            return ASSAY_FAIL(err, ASSAY_DATA, "line %zu: text behind a closing quote", r->line);
    }
    while (r->at < r->end && *r->at != ',' && *r->at != '\n' && !(*r->at == '\r' && r->at[1] == '\n'))
        *r->to++ = *r->at++;
    *last = r->at >= r->end || *r->at != ',';
    r->at += r->at < r->end && *r->at == '\r';
    r->line += r->at < r->end && *r->at == '\n';
    r->at += r->at < r->end;
    *r->to = 0;
    return cell_add(r, cell, err);
}

static enum assay_code check_header(const struct reader *r, struct assay_error *err)
{
    if (r->csv.n_columns > ASSAY_CSV_COLUMNS)
        return ASSAY_FAIL(err, ASSAY_DATA, "%zu columns, more than %d", r->csv.n_columns, ASSAY_CSV_COLUMNS);
    for (size_t i = 0; i < r->csv.n_columns; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(r->csv.cells[i], r->csv.cells[j]))
                return ASSAY_FAIL(err, ASSAY_DATA, "column '%.60s' stands there twice", r->csv.cells[i]);
    return ASSAY_OK;
}

static enum assay_code read_row(struct reader *r, struct assay_error *err)
{
    size_t before = r->n_cells, line = r->line;
    bool   last = false;
    while (!last)
        if (read_cell(r, &last, err))
            return err->code;
    size_t n = r->n_cells - before;
    if (n == 1 && !*r->csv.cells[before]) { /* an empty line */
        r->n_cells = before;
        return ASSAY_OK;
    }
    if (!before) {
        r->csv.n_columns = n;
        return check_header(r, err);
    }
    if (n != r->csv.n_columns)
        return ASSAY_FAIL(err, ASSAY_DATA, "line %zu: %zu fields where the header has %zu", line, n, r->csv.n_columns);
    r->csv.n_rows++;
    return ASSAY_OK;
}

static void skip_remarks(struct reader *r)
{
    if (r->end - r->at >= 3 && !memcmp(r->at, "\xEF\xBB\xBF", 3))
        r->at += 3;
    while (r->at < r->end && *r->at == '#') {
        char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
        r->at = newline ? newline + 1 : r->end;
        r->line++;
    }
}

/* Takes `bytes`, which have a NUL behind them. */
static enum assay_code parse(char *bytes, size_t length, struct assay_csv *out, struct assay_error *err)
{
    struct reader   r = {.csv = {.bytes = bytes}, .at = bytes, .end = bytes + length, .line = 1};
    enum assay_code code = ASSAY_OK;
    if (memchr(bytes, 0, length))
        code = ASSAY_FAIL(err, ASSAY_DATA, "a NUL byte in it");
    skip_remarks(&r);
    while (!code && r.at < r.end)
        code = read_row(&r, err);
    if (!code && !r.csv.n_columns)
        code = ASSAY_FAIL(err, ASSAY_DATA, "no header");
    if (code)
        assay_csv_release(&r.csv);
    else
        *out = r.csv;
    return code;
}

enum assay_code assay_csv_parse(const char *text, size_t length, struct assay_csv *out, struct assay_error *err)
{
    char *bytes = malloc(length + 1);
    if (!bytes)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a table of %zu bytes", length);
    memcpy(bytes, text, length);
    bytes[length] = 0;
    return parse(bytes, length, out, err);
}

enum assay_code assay_csv_read(const char *path, struct assay_csv *out, struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    if (assay_file_read(path, ASSAY_CSV_LIMIT_BYTES, &bytes, &length, err))
        return err->code;
    if (parse(bytes, length, out, err))
        return assay_error_in(err, "reading '%.100s'", path);
    return ASSAY_OK;
}

void assay_csv_release(struct assay_csv *csv)
{
    free(csv->bytes);
    free(csv->cells);
    *csv = (struct assay_csv){0};
}

size_t assay_csv_column(const struct assay_csv *csv, const char *name)
{
    size_t i = 0;
    while (i < csv->n_columns && strcmp(csv->cells[i], name) != 0)
        i++;
    return i;
}

const char *assay_csv_cell(const struct assay_csv *csv, size_t row, size_t column)
{
    return csv->cells[(row + 1) * csv->n_columns + column];
}
