#include "harness/run/wire.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000ull

static int                ends[2];
static struct assay_wire  wire;
static struct assay_error err;

static void begin(void)
{
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(assay_wire_init(&wire, ends[0], &err), ASSAY_OK);
}

static void end(void)
{
    assay_wire_release(&wire);
}

TestSuite(wire, .init = begin, .fini = end, .timeout = 30);

static void put(const char *text)
{
    cr_assert_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
}

/* The next message; NULL with its code where there is none. */
static json_t *next(enum assay_code want)
{
    json_t *message = NULL;
    memset(&err, 0, sizeof err);
    cr_expect_eq(assay_wire_next(&wire, 50 * MS, &message, &err), want, "%s", err.message);
    cr_expect_eq(err.code, want);
    return message;
}

Test(wire, what_is_said_comes_as_it_was)
{
    json_t *said = json_pack("{s:s, s:f, s:I, s:[s, n], s:{s:b}}", "text", "\"\\\n\x01 \xC3\xA9", "real", 0.1, "whole", (json_int_t)INT64_MAX, "list", "a", "object", "b", 1);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(assay_wire_say(ends[1], json_incref(said), &err), ASSAY_OK);
        json_t *heard = next(ASSAY_OK);
        cr_expect(json_equal(said, heard));
        json_decref(heard);
    }
    json_decref(said);
}

Test(wire, lines_that_come_together_or_in_pieces_are_lines)
{
    json_t *message;
    put("{\"n\": 1}\n{\"n\": 2}\n{\"n\"");
    for (int n = 1; n <= 2; n++) {
        message = next(ASSAY_OK);
        cr_expect_eq(json_integer_value(json_object_get(message, "n")), n);
        json_decref(message);
    }
    cr_expect_null(next(ASSAY_TIMEOUT), "the third has not come yet");
    put(": 3}\n");
    message = next(ASSAY_OK);
    cr_expect_eq(json_integer_value(json_object_get(message, "n")), 3);
    json_decref(message);
}

Test(wire, its_end_is_no_message_and_a_torn_line_is_left_out)
{
    put("{\"n\": 1}\n{\"n\": 2");
    (void)close(ends[1]);
    json_t *message = next(ASSAY_OK);
    cr_expect(message);
    json_decref(message);
    for (int i = 0; i < 2; i++) {
        cr_expect_null(next(ASSAY_OK));
        cr_expect(wire.ended);
    }
}

Test(wire, what_is_no_object_is_refused_and_the_next_line_is_read)
{
    static const char lines[][80] = {"no json\n", "[1]\n", "\"text\"\n", "\n", "{\"a\": 1, \"a\": 2}\n", "{\"a\": \xff}\n", "{\"a\": 1} {\"b\": 2}\n", "null\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        put(lines[i]);
        put("{\"ok\": true}\n");
        cr_expect_null(next(ASSAY_PROTOCOL), "%s", lines[i]);
        cr_expect(*err.message);
        json_t *message = next(ASSAY_OK);
        cr_expect(message, "behind %s", lines[i]);
        json_decref(message);
    }
}

static void *flood(void *text)
{
    size_t done = 0, n = strlen(text);
    while (done < n) {
        ssize_t wrote = write(ends[1], (char *)text + done, n - done);
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    return NULL;
}

Test(wire, a_line_may_be_so_long_and_no_longer)
{
    for (int k = 0; k < 2; k++) {
        size_t    n = ASSAY_WIRE_LINE_BYTES + (size_t)k; /* with its newline */
        char     *text = malloc(n + 1);
        pthread_t thread;
        memset(text, 'x', n);
        memcpy(text, "{\"a\": \"", 7);
        memcpy(text + n - 3, "\"}\n", 4);
        cr_assert_eq(pthread_create(&thread, NULL, flood, text), 0);
        json_t *message = NULL;
        cr_expect_eq(assay_wire_next(&wire, 5000 * MS, &message, &err), k ? ASSAY_PROTOCOL : ASSAY_OK, "%d: %s", k, err.message);
        cr_expect_eq(message != NULL, k == 0);
        json_decref(message);
        if (k) { /* what is left must not block the writer */
            char rest[4096];
            cr_expect_eq(read(ends[0], rest, sizeof rest), 1);
        }
        (void)pthread_join(thread, NULL);
        free(text);
    }
}

Test(wire, nobody_there_to_listen_is_an_error_and_no_message_is_none_to_send)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    (void)close(ends[0]);
    cr_expect_eq(assay_wire_say(ends[1], json_object(), &err), ASSAY_IO);
    cr_expect_eq(err.sys_errno, EPIPE);
    memset(&err, 0, sizeof err);
    cr_expect_eq(assay_wire_say(ends[1], NULL, &err), ASSAY_MEMORY);
}

Test(wire, errors_travel_whole)
{
    struct assay_error here = {0}, there;
    (void)ASSAY_FAIL(&here, ASSAY_UNSUPPORTED, "no \"quotes\" \x01 in here");
    here.sys_errno = 12;
    here.vendor = -700;
    (void)assay_error_hint(&here, "another dtype");
    for (int i = 0; i < ASSAY_ERROR_FRAMES; i++)
        (void)assay_error_in(&here, "frame %d", i);
    json_t *json = assay_error_to_json(&here);
    assay_error_from_json(json, &there);
    json_decref(json);
    cr_expect_eq(memcmp(&here.frame, &there.frame, sizeof here.frame[0] * here.nframes), 0);
    cr_expect(there.code == here.code && there.sys_errno == 12 && there.vendor == -700 && there.nframes == here.nframes);
    cr_expect_str_eq(there.message, here.message);
    cr_expect_str_eq(there.hint, here.hint);
    cr_expect_str_eq(there.where, here.where);
}

/* What a worker says is not trusted. */
Test(wire, an_error_that_came_is_an_error_whatever_stands_in_it)
{
    static const struct { char json[200]; enum assay_code code; } rows[] = {
        {"{}", ASSAY_PROTOCOL}, {"{\"code\": \"OK\"}", ASSAY_PROTOCOL}, {"{\"code\": \"NO_SUCH\"}", ASSAY_PROTOCOL}, {"{\"code\": 5}", ASSAY_PROTOCOL},
        {"[]", ASSAY_PROTOCOL}, {"{\"code\": \"DEVICE\", \"message\": 7, \"frames\": [1, \"x\", null, 4, 5, 6, 7, 8, 9]}", ASSAY_DEVICE},
        {"{\"code\": \"MEMORY\", \"frames\": \"x\", \"errno\": \"y\"}", ASSAY_MEMORY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t            *json = json_loads(rows[i].json, 0, NULL);
        struct assay_error got;
        memset(&got, 'x', sizeof got);
        assay_error_from_json(json, &got);
        cr_expect(got.code == rows[i].code && *got.message && got.nframes <= ASSAY_ERROR_FRAMES, "%s", rows[i].json);
        json_decref(json);
    }
    char        long_text[3000];
    memset(long_text, 'm', sizeof long_text);
    long_text[sizeof long_text - 1] = 0;
    struct assay_error got;
    json_t            *json = json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "code", "IO", "message", long_text, "hint", long_text, "where", long_text, "frames", long_text);
    assay_error_from_json(json, &got);
    cr_expect_eq(strlen(got.message), sizeof got.message - 1);
    cr_expect_eq(strlen(got.frame[0]), sizeof got.frame[0] - 1);
    json_decref(json);
}
