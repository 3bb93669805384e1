#include "harness/model/measurements.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

static enum assay_code chip_of(struct assay_measurements *s, const char *name, size_t *out, struct assay_error *err)
{
    for (size_t i = 0; i < s->n_chips; i++)
        if (!strcmp(s->chips[i].name, name)) {
            *out = i;
            return ASSAY_OK;
        }
    struct assay_described *d = NULL;
    if (assay_described_find(name, &d, err))
        return err->code;
    struct assay_measured_chip *grown = realloc(s->chips, (s->n_chips + 1) * sizeof *grown);
    if (!grown) {
        assay_described_free(d);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a chip");
    }
    s->chips = grown;
    struct assay_measured_chip *chip = &s->chips[s->n_chips];
    *chip = (struct assay_measured_chip){.chip = assay_chip_middle(d)};
    (void)assay_string_copy(chip->name, sizeof chip->name, name);
    (void)assay_string_copy(chip->vendor, sizeof chip->vendor, d->vendor);
    assay_described_free(d);
    *out = s->n_chips++;
    return ASSAY_OK;
}

static enum assay_code sample_add(struct assay_measurements *s, const struct assay_measurement *sample, struct assay_error *err)
{
    if (s->n == s->capacity) {
        size_t                    capacity = s->capacity ? 2 * s->capacity : 1024;
        struct assay_measurement *grown = realloc(s->at, capacity * sizeof *grown);
        if (!grown)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu samples", capacity);
        s->at = grown;
        s->capacity = capacity;
    }
    s->at[s->n++] = *sample;
    return ASSAY_OK;
}

static enum assay_code read_rows(struct assay_measurements *s, const struct assay_csv *csv, struct assay_error *err)
{
    enum assay_cases_kind kind;
    if (assay_cases_recognise(csv, &kind, err))
        return err->code;
    const struct assay_cases_table *table = &assay_cases_tables[kind];
    struct assay_cases_columns      columns = assay_cases_columns_of(csv, kind);
    size_t                          figure = assay_csv_column(csv, table->figures[0]);
    if (figure == csv->n_columns || columns.device == csv->n_columns)
        return ASSAY_FAIL(err, ASSAY_DATA, "a table to fit on needs the columns 'device' and '%s'", table->figures[0]);
    for (size_t row = 0; row < csv->n_rows; row++) {
        struct assay_measurement sample = {.weight = 0};
        sample.measured_ns = strtod(assay_csv_cell(csv, row, figure), NULL) * table->figure_ns;
        if (!(sample.measured_ns > 0))
            continue;
        if (assay_cases_kernel(csv, &columns, row, &sample.kernel, err) ||
            chip_of(s, assay_csv_cell(csv, row, columns.device), &sample.chip, err) || sample_add(s, &sample, err))
            return assay_error_in(err, "row %zu", row + 1);
    }
    return ASSAY_OK;
}

enum assay_code assay_measurements_read(struct assay_measurements *samples, const char *path, struct assay_error *err)
{
    struct assay_csv csv;
    char             both[130];
    if (assay_csv_read(path, &csv, err))
        return err->code;
    enum assay_code code = read_rows(samples, &csv, err);
    assay_csv_release(&csv);
    if (code)
        return assay_error_in(err, "reading '%.100s'", path);
    (void)snprintf(both, sizeof both, "%s", samples->fingerprint);
    if (assay_sha256_file(path, both + strlen(both), err))
        return err->code;
    assay_sha256_hex(both, strlen(both), samples->fingerprint);
    return ASSAY_OK;
}

void assay_measurements_release(struct assay_measurements *samples)
{
    free(samples->at);
    free(samples->chips);
    *samples = (struct assay_measurements){0};
}
