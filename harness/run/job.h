/* One job in a worker process, watched: what it said, how it ended, what it left on standard error. */
#ifndef ASSAY_RUN_JOB_H
#define ASSAY_RUN_JOB_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_JOB_STDERR_BYTES 4096
/* No back end ends its own process with SIGKILL: somebody else did (an operator, the kernel short of memory). That says
 * nothing of the back end, so what was asked is asked again, so often in all. */
#define ASSAY_JOB_MAX_ATTEMPTS 3

struct assay_job_watch {
    uint64_t timeout_ns; /* of the whole job */
    void (*progress)(void *self, const char *phase, double share, uint64_t median_ns); /* may be NULL */
    json_t *(*answer)(void *self, const json_t *asked); /* to what the worker asks (new reference); NULL: it may not ask */
    void *self;
    const volatile sig_atomic_t *stop; /* set to end the job early; may be NULL */
};

enum assay_job_end {
    ASSAY_JOB_ANSWERED = 1, /* `answer` is what it said: a record or a probe */
    ASSAY_JOB_FAILED = 2,   /* it said why; see error */
    ASSAY_JOB_DIED = 3,     /* ended by a signal, or without an answer */
    ASSAY_JOB_TIMEOUT = 4,  /* killed */
    ASSAY_JOB_STOPPED = 5,  /* killed on request */
    ASSAY_JOB_UNSTORED = 6, /* the run folder does not take its files, whoever the back end is; see error */
};
struct assay_job_result {
    enum assay_job_end end;
    json_t            *answer;       /* owned; NULL unless ANSWERED */
    struct assay_error error;        /* why there is no answer: for people */
    char               phase[32];    /* the last one it told */
    int                signal;       /* that ended it and that we did not send, 0 = none */
    char               errors[ASSAY_JOB_STDERR_BYTES]; /* the end of its standard error */
    uint64_t           wall_ns;
};

/* Starts `assay worker`, gives it the job (takes the reference) and waits. An error only when no worker could be
 * started, or `job` is NULL because a name in it is not UTF-8; whatever the worker does is in *out. Release with
 * assay_job_release. */
enum assay_code assay_job_run(json_t *job, const struct assay_job_watch *watch, struct assay_job_result *out,
                              struct assay_error *err);
void            assay_job_release(struct assay_job_result *result);

/* Was the worker killed by somebody else, so that it is worth another attempt? */
bool            assay_job_was_killed(const struct assay_job_result *result);

/* Asks a worker which plug-in and devices a back end's name means: *out is the probe's answer (new reference). One that
 * was killed from outside is asked again. */
enum assay_code assay_job_probe(const char *backend, uint64_t timeout_ns, json_t **out, struct assay_error *err);

#endif
