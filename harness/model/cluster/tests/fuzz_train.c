/* Any bytes as a table of training runs or of MLPerf's results, and as the files that were fitted on them: refused with a reason, or each row
 * is a run whose step is above 0, or says why not. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/tests/fuzz.h"
#include "harness/model/cluster/train_numbers.h"
#include "harness/model/mlperf.h"

#include "assay/banned.h"

/* One shape for every file of suites/models, so that what is fuzzed is the row. */
static enum assay_code find(const char *name, struct assay_decoder_numbers *out, struct assay_error *err)
{
    if (*name < 'k')
        return ASSAY_FAIL(err, ASSAY_CONFIG, "no such shape");
    *out = (struct assay_decoder_numbers){.layers = 8, .hidden = 256, .ffn = 512, .heads = 64, .kv_heads = 8, .head_dim = 64, .vocab = 1000, .gated = true};
    return ASSAY_OK;
}

static struct assay_chip some_chip(void)
{
    struct assay_chip chip = {.family = ASSAY_CHIP_TENSOR_CORE, .memory_class = ASSAY_MEMORY_HBM};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        chip.field[i] = NAN;
    chip.field[ASSAY_DEVICE_PEAK_BF16] = 1e15;
    chip.field[ASSAY_DEVICE_PEAK_F32] = 1e14;
    chip.field[ASSAY_DEVICE_BANDWIDTH] = 3e12;
    chip.field[ASSAY_DEVICE_MEMORY] = 8e10;
    chip.field[ASSAY_DEVICE_SCALE_UP] = 4e11;
    chip.field[ASSAY_DEVICE_LLC] = 5e7;
    return chip;
}

static void check_run(struct assay_train_desk *desk, const struct assay_cases_row *row)
{
    static const struct assay_decoder_finder shapes = {find};
    const struct assay_train_numbers         n = assay_train_numbers_begin();
    struct assay_train_ask                   ask;
    struct assay_train_answer                a;
    struct assay_error                       err = {.code = ASSAY_OK};
    if (assay_train_ask_read(row, "tpu-v5e", &shapes, &ask, &err) || assay_train_answer_of(desk, &ask, &a, &err)) {
        FUZZ_HOLDS(err.code && *err.message);
        return;
    }
    double ns = assay_train_ns(&n, &a);
    FUZZ_HOLDS(ns > 0 && isfinite(ns));
    FUZZ_HOLDS(assay_train_figure(&ask, &a, ns) > 0);
}

static void check_result(const struct assay_cases_row *row, const struct assay_chip *chip)
{
    struct assay_mlperf_ask ask;
    struct assay_error      err = {.code = ASSAY_OK};
    double                  number[ASSAY_MLPERF_NUMBERS];
    if (assay_mlperf_ask_read(row, &ask, &err)) {
        FUZZ_HOLDS(err.code && *err.message);
        return;
    }
    assay_mlperf_begin(&ask, number);
    FUZZ_HOLDS(isfinite(assay_mlperf_speed(number, 9, &ask, chip)));
}

static void check_rows(const struct assay_csv *csv)
{
    static struct assay_described   device = {.name = "some", .vendor = "some", .about = "", .unit = "", .overlays = ""};
    const struct assay_chip         chip = some_chip();
    const struct assay_coefficients k = assay_coefficients_begin();
    struct assay_train_desk        *desk = NULL;
    enum assay_cases_kind           kind;
    struct assay_error              err = {.code = ASSAY_OK};
    if (assay_cases_recognise(csv, &kind, &err) || (kind != ASSAY_CASES_TRAIN && kind != ASSAY_CASES_MLPERF) ||
        assay_train_desk_new(&device, &chip, &k, &desk, &err))
        return;
    const struct assay_cases_columns columns = assay_cases_columns_of(csv, kind);
    for (size_t row = 0; row < csv->n_rows && row < 4; row++) {
        const struct assay_cases_row at = {csv, &columns, row};
        if (kind == ASSAY_CASES_TRAIN)
            check_run(desk, &at);
        else
            check_result(&at, &chip);
    }
    assay_train_desk_free(desk);
}

static void check_files(const uint8_t *data, size_t bytes)
{
    char                       path[] = "/tmp/assay-fuzz-XXXXXX";
    struct assay_train_fitted  stacks;
    struct assay_mlperf_fitted laws;
    struct assay_error         err = {.code = ASSAY_OK};
    int                        fd = mkstemp(path);
    FUZZ_HOLDS(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes && !close(fd));
    if (assay_train_fitted_read(path, &stacks, &err))
        FUZZ_HOLDS(err.code && *err.message);
    else
        FUZZ_HOLDS(stacks.n_stacks <= ASSAY_TRAIN_STACKS && stacks.n_devices <= ASSAY_TRAIN_DEVICES);
    err = (struct assay_error){.code = ASSAY_OK};
    if (assay_mlperf_fitted_read(path, &laws, &err))
        FUZZ_HOLDS(err.code && *err.message);
    else
        FUZZ_HOLDS(laws.n_laws <= ASSAY_MLPERF_LAWS && laws.n_devices <= ASSAY_MLPERF_DEVICES);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_csv   csv;
    if (bytes && *data == '{') {
        check_files(data, bytes);
        return 0;
    }
    if (assay_csv_parse((const char *)data, bytes, &csv, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
        return 0;
    }
    check_rows(&csv);
    assay_csv_release(&csv);
    return 0;
}
