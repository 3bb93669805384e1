/* Any bytes as a launch's samples, in a file with any name: refused with a reason, or numbers that can be summarised. */
#include "harness/store/run_folder.h"

#include "harness/base/tests/fuzz.h"
#include "harness/measure/statistics.h"

#include "assay/banned.h"

static void check(const struct assay_record *record, size_t bytes)
{
    struct assay_launch_summary s;
    struct assay_error          err = {.code = ASSAY_OK};
    uint64_t                   *samples = NULL;
    size_t                      n = 0;
    if (assay_samples_read(fuzz_folder(), record, &samples, &n, &err)) {
        FUZZ_HOLDS(err.code && *err.message);
        return;
    }
    FUZZ_HOLDS(n * sizeof *samples == bytes);
    uint64_t *scratch = malloc(n * sizeof *scratch + 1);
    if (n) {
        assay_launch_summarize(samples, n, scratch, &s);
        FUZZ_HOLDS(s.n == n && s.min_ns <= s.median_ns && s.median_ns <= s.max_ns && s.p25_ns <= s.p75_ns);
        FUZZ_HOLDS(s.mean_ns >= s.min_ns * (1 - 1e-9) && s.mean_ns <= s.max_ns * (1 + 1e-9) && s.outliers <= n);
        FUZZ_HOLDS(s.effective_n > 0 && s.mad_ns >= 0);
    }
    free(scratch);
    free(samples);
}

/* The first line is the file's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct assay_record record;
    static bool                built;
    if (!built)
        fuzz_folder_link("samples/x.bin", 0);
    built = true;
    const uint8_t *end = bytes ? memchr(data, '\n', bytes) : NULL;
    size_t         name = end ? (size_t)(end - data) : 0, rest = end ? bytes - name - 1 : bytes;
    (void)fuzz_file(0, data + (bytes - rest), rest);
    (void)snprintf(record.samples_file, sizeof record.samples_file, "samples/x.bin");
    check(&record, rest);
    (void)snprintf(record.samples_file, sizeof record.samples_file, "%.*s", (int)(name < 150 ? name : 150), (const char *)data);
    check(&record, rest);
    return 0;
}
