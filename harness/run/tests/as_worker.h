/* A test program that is its own worker: started with the word "worker", as the harness starts one, it never reaches the
 * tests. It is a real worker unless ASSAY_TEST_WORKER names something that a worker may do wrong. */
#ifndef RUN_TESTS_AS_WORKER_H
#define RUN_TESTS_AS_WORKER_H

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/run/tests/place.h"
#include "harness/run/wire.h"
#include "harness/run/worker.h"
#include "harness/store/tests/scratch.h"

static inline void as_worker_say(const char *text)
{
    cr_assert(write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text));
}

/* Answers with the job it was given, so that the test sees what came. */
static inline void as_worker_echo(void)
{
    struct assay_wire  wire;
    struct assay_error err = {0};
    json_t            *job = NULL;
    if (assay_wire_init(&wire, STDIN_FILENO, &err) || assay_wire_next(&wire, UINT64_MAX, &job, &err) || !job)
        exit(9);
    as_worker_say("{\"say\": \"progress\", \"phase\": \"fill\", \"share\": 0.25, \"median_ns\": 12}\n{\"say\": \"progress\", \"phase\": \"timed\", \"share\": 0.5, \"median_ns\": 34}\n");
    (void)assay_wire_say(STDOUT_FILENO, json_pack("{s:s, s:o}", "say", "record", "record", job), &err);
    assay_wire_release(&wire);
}

/* Is honest about its back end, which it takes for the template, and then gives a record that holds no record, or
 * that of another case. */
static inline void as_worker_lie(bool of_another_case)
{
    struct assay_wire  wire;
    struct assay_error err = {0};
    json_t            *job = NULL;
    if (assay_wire_init(&wire, STDIN_FILENO, &err) || assay_wire_next(&wire, UINT64_MAX, &job, &err) || !job)
        exit(9);
    if (!strcmp(json_string_value(json_object_get(job, "do")), "probe"))
        as_worker_say("{\"say\": \"probe\", \"backend\": \"template:liar\", \"device\": {\"name\": \"liar\", \"clock\": 1, \"origin\": 1, \"traits\": 3}}\n");
    else if (of_another_case)
        (void)assay_wire_say(STDOUT_FILENO, json_pack("{s:s, s:o}", "say", "record", "record", assay_record_to_json(record_of(1, 0))), &err);
    else
        as_worker_say("{\"say\": \"record\", \"record\": {\"case\": \"gemm\", \"status\": \"ok\"}}\n");
    json_decref(job);
    assay_wire_release(&wire);
}

static inline int as_worker(const char *what)
{
    if (!strcmp(what, "real"))
        return assay_worker_main();
    if (!strcmp(what, "echo"))
        as_worker_echo();
    else if (!strcmp(what, "probes_and_lies"))
        as_worker_lie(false);
    else if (!strcmp(what, "probes_and_mixes_up"))
        as_worker_lie(true);
    else if (!strcmp(what, "says_why"))
        as_worker_say("{\"say\": \"failed\", \"error\": {\"code\": \"UNSUPPORTED\", \"message\": \"no such op\", \"frames\": [\"running it\"]}}\n");
    else if (!strcmp(what, "leaves"))
        return 3;
    else if (!strcmp(what, "dies"))
        (void)raise(SIGTERM);
    else if (!strcmp(what, "dies_in_phase"))
        as_worker_say("{\"say\": \"progress\", \"phase\": \"compile\"}\n"), (void)raise(SIGABRT);
    else if (!strcmp(what, "is_killed_twice") || !strcmp(what, "is_killed_again_and_again")) {
        const char *tally = getenv("ASSAY_TEST_TALLY"); /* a file that is a byte longer each time */
        FILE       *f = fopen(tally ? tally : "", "a");
        if (!f || fputc('x', f) == EOF || fflush(f))
            return 9;
        if (ftell(f) <= 2 || what[10] == 'a')
            (void)raise(SIGKILL);
        as_worker_say("{\"say\": \"probe\", \"backend\": \"third\"}\n");
        (void)fclose(f);
    } else if (!strcmp(what, "hangs"))
        for (;;)
            (void)pause();
    else if (!strcmp(what, "prints_and_hangs"))
        for (;;)
            if (write(STDERR_FILENO, "noise noise noise\n", 18) < 0)
                exit(1);
    if (!strcmp(what, "prints_and_leaves")) {
        for (int i = 0; i < 1000; i++)
            dprintf(STDERR_FILENO, "line %d of many\n", i);
        dprintf(STDERR_FILENO, "the last words");
    }
    if (!strcmp(what, "babbles"))
        as_worker_say("this is no JSON\n");
    if (!strcmp(what, "asks_and_does_not_listen"))
        for (;;)
            as_worker_say("{\"say\": \"ask\", \"what\": \"peak\", \"amount\": 0}\n");
    if (!strcmp(what, "answers_once"))
        as_worker_say("{\"rate\": 1, \"used_ns\": 0, \"how\": \"\"}\n");
    if (!strcmp(what, "sings"))
        as_worker_say("{\"say\": \"la\"}\n");
    if (!strcmp(what, "never_ends_its_line"))
        for (;;)
            as_worker_say("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    return 0;
}

/* Before main, and so before Criterion. */
__attribute__((constructor)) static void as_worker_begin(int argc, char **argv)
{
    const char *what = getenv("ASSAY_TEST_WORKER");
    if (argc == 2 && strcmp(argv[1], "worker") == 0)
        exit(as_worker(what ? what : "real"));
}

/* "<build>/backends/assay-NAME.so", followed by `rest`: as a user names it who has it in a file of his own. */
static inline const char *as_worker_backend(const char *name, const char *rest)
{
    static char text[2][800];
    static int  next;
    char        path[600], file[80];
    (void)snprintf(file, sizeof file, "assay-%.60s", name);
    place_of(path, sizeof path, "backends", file);
    char *at = text[next++ % 2];
    (void)snprintf(at, sizeof text[0], "%s%s", path, rest);
    return at;
}

#endif
