/* Any bytes from a power meter, a command's and a file's: watts, or a reason why there are none. */
#include "harness/measure/power_external.c"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static void check(struct assay_external *x)
{
    double joules = NAN;
    char   why[64] = "";
    assay_external_stop(x, assay_clock_now_ns());
    if (assay_external_read(x, &joules, why, sizeof why))
        FUZZ_HOLDS(joules >= 0 && joules <= MOST_WATTS * 1e6);
    else
        FUZZ_HOLDS(*why && isnan(joules));
}

static void begin(struct assay_external *x, bool is_command)
{
    memset(x, 0, sizeof *x);
    (void)pthread_mutex_init(&x->lock, NULL);
    x->is_command = is_command;
    x->process = (struct assay_process){0, -1, -1, -1};
    assay_external_start(x, assay_clock_now_ns());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct assay_external x;
    begin(&x, true);
    x.process.from = open(fuzz_file(0, data, bytes), O_RDONLY | O_CLOEXEC);
    x.process.errors = open(fuzz_file(0, data, bytes), O_RDONLY | O_CLOEXEC);
    FUZZ_HOLDS(x.process.from >= 0 && x.process.errors >= 0);
    while (take_output(&x))
        FUZZ_HOLDS(x.line_length < LINE - 1);
    while (take_complaint(&x))
        FUZZ_HOLDS(x.complaint_length < LINE);
    (void)close(x.process.from);
    (void)close(x.process.errors);
    check(&x);

    begin(&x, false);
    (void)snprintf(x.path, sizeof x.path, "%s", fuzz_file(0, data, bytes));
    look_at_file(&x);
    check(&x);
    return 0;
}
