#include "harness/run/job.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "harness/run/wire.h"

#include "assay/banned.h"

#define LOOK_NS 20000000ull      /* how often standard error and the stop flag are looked at */
#define DRAIN_PIECES 256         /* of 1 KiB */
#define GOODBYE_NS 5000000000ull /* for closing after the answer */

struct watched {
    struct assay_process          process;
    struct assay_wire             wire;
    const struct assay_job_watch *watch;
    struct assay_job_result      *out;
    size_t                        errors;
    uint64_t                      begin_ns;
};

/* Keeps the last bytes of what the worker and its plug-in printed. Bounded: one that never stops printing must not keep us
 * from looking at the clock. */
static void drain_errors(struct watched *w)
{
    char *to = w->out->errors;
    for (int pieces = 0; pieces < DRAIN_PIECES; pieces++) {
        char    piece[1024];
        ssize_t n = read(w->process.errors, piece, sizeof piece);
        if (n <= 0)
            return;
        size_t room = sizeof w->out->errors - 1, new_bytes = (size_t)n;
        if (w->errors + new_bytes > room) {
            size_t drop = w->errors + new_bytes - room;
            memmove(to, to + drop, w->errors - drop);
            w->errors -= drop;
        }
        memcpy(to + w->errors, piece, new_bytes);
        w->errors += new_bytes;
        to[w->errors] = 0;
    }
}

/* People see this on their terminal, so it is made what we would say ourselves. */
static void take_progress(struct watched *w, const json_t *message)
{
    struct assay_text phase = ASSAY_TEXT(w->out->phase);
    double            share = json_number_value(json_object_get(message, "share"));
    json_int_t        median_ns = json_integer_value(json_object_get(message, "median_ns"));
    assay_string_escape(&phase, ASSAY_ESCAPE_TERMINAL, assay_json_text_of(message, "phase"));
    if (w->watch->progress)
        w->watch->progress(w->watch->self, w->out->phase, share > 1 ? 1 : share > 0 ? share : 0,
                           median_ns > 0 ? (uint64_t)median_ns : 0);
}

/* What a worker says when its job is done. */
static bool is_last_word(const char *say)
{
    static const char *const words[] = {"record", "probe", "contract", "vectors", "numerics", "model", "repeatability", "soak"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(say, words[i]))
            return true;
    return false;
}

/* true: that was the answer. */
static bool take_message(struct watched *w, json_t *message)
{
    const char *say = assay_json_text_of(message, "say");
    if (!strcmp(say, "ask") && w->watch->answer) {
        struct assay_error ignored; /* of one that is gone already the end is seen next */
        (void)assay_wire_say(w->process.to, w->watch->answer(w->watch->self, message), &ignored);
        json_decref(message);
        return false;
    }
    if (!strcmp(say, "progress")) {
        take_progress(w, message);
        json_decref(message);
        return false;
    }
    bool unstored = !strcmp(say, "unstored");
    if (unstored || !strcmp(say, "failed")) {
        assay_error_from_json(json_object_get(message, "error"), &w->out->error);
        w->out->end = unstored ? ASSAY_JOB_UNSTORED : ASSAY_JOB_FAILED;
        json_decref(message);
        return true;
    }
    if (!is_last_word(say)) {
        (void)ASSAY_FAIL(&w->out->error, ASSAY_PROTOCOL, "the worker says '%.40s', which nobody understands", say);
        w->out->end = ASSAY_JOB_FAILED;
        json_decref(message);
        return true;
    }
    w->out->answer = message;
    w->out->end = ASSAY_JOB_ANSWERED;
    return true;
}

/* Why it must be ended now, or 0. */
static enum assay_job_end overdue(const struct watched *w)
{
    if (w->watch->stop && *w->watch->stop)
        return ASSAY_JOB_STOPPED;
    return assay_clock_now_ns() - w->begin_ns > w->watch->timeout_ns ? ASSAY_JOB_TIMEOUT : (enum assay_job_end)0;
}

static void listen_to(struct watched *w)
{
    for (;;) {
        json_t            *message = NULL;
        struct assay_error err = {.code = ASSAY_OK};
        enum assay_code    code = assay_wire_next(&w->wire, LOOK_NS, &message, &err);
        drain_errors(w);
        if (!code && message && take_message(w, message))
            return;
        if (!code && !message) { /* it closed the wire without an answer */
            w->out->end = ASSAY_JOB_DIED;
            return;
        }
        if (code && code != ASSAY_TIMEOUT) {
            w->out->error = err;
            w->out->end = ASSAY_JOB_FAILED;
            return;
        }
        enum assay_job_end late = overdue(w);
        if (late) {
            w->out->end = late;
            return;
        }
    }
}

/* Lets it end by itself if it answered or left, else ends it; says how it ended where that is the reason. A signal is the
 * worker's own only if we did not send it. */
static void end_process(struct watched *w)
{
    struct assay_process_end end;
    struct assay_job_result *out = w->out;
    const char              *phase = *out->phase ? out->phase : "start";
    bool polite = out->end == ASSAY_JOB_ANSWERED || out->end == ASSAY_JOB_DIED;
    bool ended = polite && assay_process_wait(&w->process, GOODBYE_NS, &end);
    if (!ended)
        assay_process_kill(&w->process, &end);
    switch (out->end) {
    case ASSAY_JOB_DIED:
        out->signal = ended && !end.exited ? end.status : 0;
        if (!ended)
            (void)ASSAY_FAIL(&out->error, ASSAY_DEVICE, "worker closed the wire without an answer in phase %s and did not end", phase);
        else if (end.exited)
            (void)ASSAY_FAIL(&out->error, ASSAY_DEVICE, "worker ended (%s) in phase %s without an answer", end.text, phase);
        else
            (void)ASSAY_FAIL(&out->error, ASSAY_DEVICE, "worker %s in phase %s", end.text, phase);
        return;
    case ASSAY_JOB_TIMEOUT:
        (void)ASSAY_FAIL(&out->error, ASSAY_TIMEOUT, "no answer within %.1f s, last in phase %s",
                         (double)w->watch->timeout_ns / 1e9, phase);
        return;
    case ASSAY_JOB_STOPPED:
        (void)ASSAY_FAIL(&out->error, ASSAY_INTERRUPTED, "stopped in phase %s", phase);
        return;
    case ASSAY_JOB_ANSWERED:
    case ASSAY_JOB_UNSTORED:
    case ASSAY_JOB_FAILED: return;
    }
}

enum assay_code assay_job_run(json_t *job, const struct assay_job_watch *watch, struct assay_job_result *out,
                              struct assay_error *err)
{
    char           program[512], word[] = "worker";
    char          *argv[] = {program, word, NULL};
    struct watched w = {.watch = watch, .out = out, .begin_ns = assay_clock_now_ns()};
    memset(out, 0, sizeof *out);
    if (!job)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a name in the job is not UTF-8 (or memory ran out)");
    if (assay_program_path(program, sizeof program, err) || assay_process_start(argv, &w.process, err)) {
        json_decref(job);
        return assay_error_in(err, "starting a worker");
    }
    if (assay_wire_init(&w.wire, w.process.from, err)) {
        struct assay_process_end end;
        assay_process_kill(&w.process, &end);
        json_decref(job);
        return err->code;
    }
    (void)fcntl(w.process.errors, F_SETFL, O_NONBLOCK);
    struct assay_error ignored; /* a worker that died at once is known by its end; one that got no job says so */
    (void)assay_wire_say(w.process.to, job, &ignored);
    if (watch->answer) {
        (void)fcntl(w.process.to, F_SETFL, O_NONBLOCK); /* one that asks and does not listen is not waited for */
    } else {
        (void)close(w.process.to);
        w.process.to = -1;
    }
    listen_to(&w);
    assay_wire_release(&w.wire);
    int errors = fcntl(w.process.errors, F_DUPFD_CLOEXEC, 3);
    end_process(&w);
    if (errors >= 0) { /* what it said last, after the pipes of the process are closed */
        w.process.errors = errors;
        drain_errors(&w);
        (void)close(errors);
    }
    out->wall_ns = assay_clock_now_ns() - w.begin_ns;
    return ASSAY_OK;
}

void assay_job_release(struct assay_job_result *result)
{
    json_decref(result->answer);
    result->answer = NULL;
}

bool assay_job_was_killed(const struct assay_job_result *result)
{
    return result->end == ASSAY_JOB_DIED && result->signal == SIGKILL;
}

enum assay_code assay_job_probe(const char *backend, uint64_t timeout_ns, json_t **out, struct assay_error *err)
{
    struct assay_job_watch  watch = {.timeout_ns = timeout_ns};
    struct assay_job_result result;
    for (unsigned attempt = 1;; attempt++) {
        if (assay_job_run(json_pack("{s:s, s:s}", "do", "probe", "backend", backend), &watch, &result, err))
            return err->code;
        if (!assay_job_was_killed(&result) || attempt == ASSAY_JOB_MAX_ATTEMPTS)
            break;
        assay_job_release(&result);
    }
    if (result.end == ASSAY_JOB_ANSWERED) {
        *out = result.answer;
        return ASSAY_OK;
    }
    *err = result.error;
    assay_job_release(&result);
    if (err->nframes) /* the worker said what it was doing with it */
        return err->code;
    return assay_error_in(err, "asking back end '%.80s' what it finds", backend);
}
