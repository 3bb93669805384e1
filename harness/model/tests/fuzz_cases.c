/* Any bytes as a table of cases: refused with a reason, or each row is a kernel that has a price above 0, or says why not. */
#include <math.h>
#include <stdlib.h>

#include "harness/base/tests/fuzz.h"
#include "harness/model/table.h"

#include "assay/banned.h"

static struct assay_chip some_chip(void)
{
    struct assay_chip chip = {.family = ASSAY_CHIP_TENSOR_CORE, .memory_class = ASSAY_MEMORY_HBM};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        chip.field[i] = NAN;
    chip.field[ASSAY_DEVICE_PEAK_BF16] = 1e15;
    chip.field[ASSAY_DEVICE_PEAK_F8] = 2e15;
    chip.field[ASSAY_DEVICE_BANDWIDTH] = 3e12;
    chip.field[ASSAY_DEVICE_SCALE_UP] = 4e11;
    chip.field[ASSAY_DEVICE_LLC] = 5e7;
    return chip;
}

static void check_rows(const struct assay_csv *csv)
{
    const struct assay_chip         chip = some_chip();
    const struct assay_coefficients k = assay_coefficients_begin();
    enum assay_cases_kind           kind;
    struct assay_error              err = {.code = ASSAY_OK};
    if (assay_cases_recognise(csv, &kind, &err)) {
        FUZZ_HOLDS(*err.message);
        return;
    }
    struct assay_cases_columns columns = assay_cases_columns_of(csv, kind);
    for (size_t row = 0; row < csv->n_rows && row < 16; row++) {
        struct assay_kernel kernel;
        struct assay_price  price;
        err.code = ASSAY_OK;
        if (assay_cases_kernel(csv, &columns, row, &kernel, &err) || assay_kernel_price(&chip, &k, &kernel, &price, &err))
            FUZZ_HOLDS(err.code && *err.message);
        else
            FUZZ_HOLDS(price.ns > 0 && isfinite(price.ns));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_csv   csv;
    if (assay_csv_parse((const char *)data, bytes, &csv, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
        return 0;
    }
    for (size_t i = 0; i < (csv.n_rows + 1) * csv.n_columns; i++)
        FUZZ_HOLDS(csv.cells[i]);
    check_rows(&csv);
    assay_csv_release(&csv);
    return 0;
}
