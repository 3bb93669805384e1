/* How a worker's words are heard. The source is included: a worker that lies cannot be started from here. */
#include "harness/run/job.c"

#include <criterion/criterion.h>

#include "harness/base/tests/escape_readers.h"

static struct {
    char     phase[64];
    double   share;
    uint64_t median_ns;
} heard;

static void on_progress(void *self, const char *phase, double share, uint64_t median_ns)
{
    (void)self;
    (void)assay_string_copy(heard.phase, sizeof heard.phase, phase);
    heard.share = share;
    heard.median_ns = median_ns;
}

static bool hear(struct assay_job_result *out, json_t *message)
{
    struct assay_job_watch watch = {.progress = on_progress};
    struct watched         w = {.watch = &watch, .out = out};
    return take_message(&w, message);
}

Test(job, progress_that_nobody_could_make_is_shown_as_what_it_can_be)
{
    struct assay_job_result out = {.signal = 0};
    cr_expect_not(hear(&out, json_pack("{s:s, s:s, s:f, s:I}", "say", "progress", "phase", "timed", "share", 0.25, "median_ns",
                                       (json_int_t)1200)));
    cr_expect_str_eq(heard.phase, "timed");
    cr_expect(heard.share == 0.25 && heard.median_ns == 1200);
    cr_expect_not(hear(&out, json_pack("{s:s, s:s, s:f, s:I}", "say", "progress", "phase", "\x1b[2J\nowned", "share", 1e9,
                                       "median_ns", (json_int_t)-1)));
    cr_expect_str_eq(heard.phase, "\\x1b[2J\\x0aowned");
    cr_expect_str_eq(out.phase, heard.phase);
    cr_expect(heard.share == 1 && heard.median_ns == 0);
    cr_expect_not(hear(&out, json_pack("{s:s, s:f}", "say", "progress", "share", -3.0)));
    cr_expect(heard.share == 0 && !*heard.phase);
    cr_expect_not(hear(&out, json_pack("{s:s, s:s}", "say", "progress", "phase",
                                       "\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86"
                                       "\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86\xe6\x98\x86")));
    cr_expect(valid_text(heard.phase), "cut within a character");
}

Test(job, what_nobody_understands_ends_it)
{
    struct assay_job_result out = {.signal = 0};
    cr_expect(hear(&out, json_pack("{s:s}", "say", "dance")));
    cr_expect(out.end == ASSAY_JOB_FAILED && out.error.code == ASSAY_PROTOCOL && !out.answer);
    cr_expect(hear(&out, json_pack("{s:s, s:{s:s}}", "say", "failed", "error", "code", "OK")));
    cr_expect(out.end == ASSAY_JOB_FAILED && out.error.code == ASSAY_PROTOCOL && *out.error.message);
    cr_expect(hear(&out, json_pack("{s:s}", "say", "record")));
    cr_expect(out.end == ASSAY_JOB_ANSWERED && out.answer);
    json_decref(out.answer);
}
