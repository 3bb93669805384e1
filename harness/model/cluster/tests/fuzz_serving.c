/* Any bytes as a table of serving runs, and as the file of stacks: refused with a reason, or each row is a run whose figures are above 0, or
 * says why not. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/tests/fuzz.h"
#include "harness/model/cluster/serving_rows.h"

#include "assay/banned.h"

/* One shape for every name, so that what is fuzzed is the row. */
static enum assay_code find(const char *name, struct assay_decoder_numbers *out, struct assay_error *err)
{
    if (!*name)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "no name");
    *out = (struct assay_decoder_numbers){.layers = 2, .hidden = 256, .ffn = 512, .heads = 64, .kv_heads = 8, .head_dim = 64, .vocab = 1000, .gated = true};
    if (*name == 'm') {
        out->experts = 64;
        out->top_k = 4;
        out->expert_ffn = 128;
    }
    return ASSAY_OK;
}

static struct assay_chip some_chip(void)
{
    struct assay_chip chip = {.family = ASSAY_CHIP_TENSOR_CORE, .memory_class = ASSAY_MEMORY_HBM};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        chip.field[i] = NAN;
    chip.field[ASSAY_DEVICE_PEAK_BF16] = 1e15;
    chip.field[ASSAY_DEVICE_BANDWIDTH] = 3e12;
    chip.field[ASSAY_DEVICE_MEMORY] = 8e10;
    chip.field[ASSAY_DEVICE_SCALE_UP] = 4e11;
    chip.field[ASSAY_DEVICE_LLC] = 5e7;
    return chip;
}

static void check_row(struct assay_serving_desk *desk, const struct assay_cases_row *row)
{
    static const struct assay_decoder_finder shapes = {find};
    const struct assay_serving_numbers       n = assay_serving_numbers_begin();
    struct assay_serving_ask                 ask;
    struct assay_error                       err = {.code = ASSAY_OK};
    double                                   ns[ASSAY_SERVING_FIGURES];
    if (assay_serving_ask_read(row, &shapes, &ask, &err) || assay_serving_steady_of(desk, &ask, &n, ns, &err)) {
        FUZZ_HOLDS(err.code && *err.message);
        return;
    }
    for (int f = 0; f < ASSAY_SERVING_FIGURES; f++)
        FUZZ_HOLDS(ns[f] > 0 && isfinite(ns[f]));
    if (ask.in_flight <= 64) {
        struct assay_serving_answer a;
        FUZZ_HOLDS(!assay_serving_answer_of(desk, &ask, &a, &err) ? a.means.steps > 0 : *err.message != 0);
    }
}

static void check_rows(const struct assay_csv *csv)
{
    const struct assay_chip         chip = some_chip();
    const struct assay_coefficients k = assay_coefficients_begin();
    struct assay_serving_desk      *desk = NULL;
    enum assay_cases_kind           kind;
    struct assay_error              err = {.code = ASSAY_OK};
    if (assay_cases_recognise(csv, &kind, &err) || kind != ASSAY_CASES_SERVING || assay_serving_desk_new(&chip, &k, &desk, &err))
        return;
    const struct assay_cases_columns columns = assay_cases_columns_of(csv, kind);
    for (size_t row = 0; row < csv->n_rows && row < 4; row++)
        check_row(desk, &(struct assay_cases_row){csv, &columns, row});
    assay_serving_desk_free(desk);
}

static void check_stacks(const uint8_t *data, size_t bytes)
{
    char                        path[] = "/tmp/assay-fuzz-XXXXXX";
    struct assay_serving_fitted f;
    struct assay_error          err = {.code = ASSAY_OK};
    int                         fd = mkstemp(path);
    FUZZ_HOLDS(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes && !close(fd));
    if (assay_serving_fitted_read(path, &f, &err))
        FUZZ_HOLDS(err.code && *err.message);
    else
        FUZZ_HOLDS(f.n_stacks <= ASSAY_SERVING_STACKS && f.n_models <= ASSAY_SERVING_MODELS && f.n_devices <= ASSAY_SERVING_DEVICES);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_csv   csv;
    if (bytes && *data == '{') {
        check_stacks(data, bytes);
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
