/* Any bytes as a detail log: refused with one line that says where, or keys whose values are of one kind each. */
#include "reports/mlperf/check.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error              err = {.code = ASSAY_OK};
    struct assay_mlperf_log         log;
    struct assay_mlperf_notes       notes = {.n = 0};
    const struct assay_mlperf_how   how = {.division = ASSAY_MLPERF_CLOSED, .round = ASSAY_MLPERF_V6_1, .submitter = "ORG"};
    const char                     *key;
    json_t                         *value;
    if (assay_mlperf_log_read(fuzz_file(0, data, bytes), &log, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
        return 0;
    }
    FUZZ_HOLDS(log.lines >= 1 && log.errors <= log.lines && json_object_size(log.values) <= log.lines);
    json_object_foreach(log.values, key, value)
    {
        uint64_t whole;
        bool     truth;
        int      kinds = assay_mlperf_log_u64(&log, key, &whole) + assay_mlperf_log_truth(&log, key, &truth) + (assay_mlperf_log_text(&log, key) != NULL);
        FUZZ_HOLDS(kinds <= 1);
    }
    assay_mlperf_check_performance(&log, &how, assay_mlperf_benchmark_find(how.round, "llama2-70b-99.9"), ASSAY_MLPERF_SERVER, "log", &notes);
    for (size_t i = 0; i < notes.n; i++)
        FUZZ_HOLDS(notes.list[i].kind == ASSAY_MLPERF_REFUSED && *notes.list[i].text);
    assay_mlperf_notes_release(&notes);
    assay_mlperf_log_release(&log);
    return 0;
}
