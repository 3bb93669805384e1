/* A worker that says anything on its wire and prints anything on its standard error, as its watcher hears it. Parts: the
 * wire, the standard error. */
#include "harness/run/job.c"

#include "harness/base/json.h"
#include "harness/base/tests/fuzz.h"
#include "harness/store/record.h"

#include "assay/banned.h"

static bool one_plain_line(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static void on_progress(void *self, const char *phase, double share, uint64_t median_ns)
{
    size_t *n = self;
    (void)median_ns;
    FUZZ_HOLDS(one_plain_line(phase) && share >= 0 && share <= 1);
    ++*n;
}

/* What the launcher makes of an answer. */
static void check_answer(const json_t *answer)
{
    static struct assay_record record;
    struct assay_error         err = {.code = ASSAY_OK};
    const json_t              *json = json_object_get(answer, "record");
    FUZZ_HOLDS(json_is_object(answer));
    if (json && !assay_record_from_json(json, &record, &err)) {
        json_t *again = assay_record_to_json(&record);
        FUZZ_HOLDS(again);
        json_decref(again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct assay_job_result out;
    struct assay_error             err = {.code = ASSAY_OK};
    size_t                         n, heard = 0;
    const uint8_t                 *wire = fuzz_part(&data, &bytes, &n);
    struct assay_job_watch         watch = {.timeout_ns = 1000000000, .progress = on_progress, .self = &heard};
    struct watched                 w = {.watch = &watch, .out = &out, .begin_ns = assay_clock_now_ns()};
    memset(&out, 0, sizeof out);
    int said = open(fuzz_file(0, wire, n), O_RDONLY | O_CLOEXEC);
    w.process = (struct assay_process){0, -1, said, open(fuzz_file(1, data, bytes), O_RDONLY | O_CLOEXEC)};
    FUZZ_HOLDS(said >= 0 && w.process.errors >= 0 && !assay_wire_init(&w.wire, said, &err));
    listen_to(&w);
    drain_errors(&w);
    FUZZ_HOLDS(strlen(out.errors) < sizeof out.errors && one_plain_line(out.phase));
    switch (out.end) {
    case ASSAY_JOB_ANSWERED: check_answer(out.answer); break;
    case ASSAY_JOB_FAILED: FUZZ_HOLDS(out.error.code && *out.error.message && !out.answer); break;
    case ASSAY_JOB_DIED: FUZZ_HOLDS(!out.answer); break;
    case ASSAY_JOB_TIMEOUT:
    case ASSAY_JOB_STOPPED: FUZZ_HOLDS(!"nothing was waited for");
    }
    assay_job_release(&out);
    assay_wire_release(&w.wire);
    (void)close(w.process.errors);
    (void)close(said);
    return 0;
}
