#include "harness/run/wire.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"

static int  ends[2];
static struct assay_wire wire;
static struct assay_error err;

static void open_wire(void)
{
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(assay_wire_init(&wire, ends[0], &err), ASSAY_OK);
}

static void say(const char *text)
{
    cr_assert_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
}

static void close_wire(void)
{
    assay_wire_release(&wire);
    close(ends[0]);
}

Test(wire, lines_come_one_by_one_and_then_the_end, .timeout = 20)
{
    json_t *message;
    open_wire();
    say("{\"say\":\"a\"}\n{\"say\":");
    cr_expect_eq(assay_wire_next(&wire, 0, &message, &err), ASSAY_OK, "what is there is read without waiting");
    cr_expect_str_eq(json_string_value(json_object_get(message, "say")), "a");
    json_decref(message);
    cr_expect_eq(assay_wire_next(&wire, 1000000, &message, &err), ASSAY_TIMEOUT, "a line is not there before its end");
    cr_expect_null(message);
    say("\"b\"}\n{\"say\":\"c\"}\n{\"never ended");
    close(ends[1]);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(assay_wire_next(&wire, ASSAY_NS_PER_S, &message, &err), ASSAY_OK, "%s", err.message);
        cr_expect_str_eq(json_string_value(json_object_get(message, "say")), i ? "c" : "b");
        json_decref(message);
    }
    cr_expect_eq(assay_wire_next(&wire, ASSAY_NS_PER_S, &message, &err), ASSAY_OK);
    cr_expect_null(message, "half a line is none");
    close_wire();
}

Test(wire, what_is_no_object_is_the_other_sides_fault, .timeout = 20)
{
    static const char *const wrong[] = {"[1]\n", "\n", "{\"a\":1,\"a\":2}\n", "{\"a\":\"\xff\"}\n", "null\n"};
    json_t                  *message;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        open_wire();
        say(wrong[i]);
        cr_expect_eq(assay_wire_next(&wire, ASSAY_NS_PER_S, &message, &err), ASSAY_PROTOCOL, "line %zu", i);
        cr_expect(err.code == ASSAY_PROTOCOL && *err.message && !message);
        close(ends[1]);
        close_wire();
    }
}

/* One byte every millisecond, and never the end of a line. */
static void *dribble(void *stop)
{
    const volatile bool *ended = stop;
    while (!*ended && write(ends[1], " ", 1) == 1)
        usleep(1000);
    return NULL;
}

Test(wire, one_that_goes_on_talking_without_a_line_does_not_keep_us, .timeout = 20)
{
    static volatile bool stop;
    pthread_t            thread;
    json_t              *message;
    open_wire();
    cr_assert_eq(pthread_create(&thread, NULL, dribble, (void *)(uintptr_t)&stop), 0);
    uint64_t begin = assay_clock_now_ns();
    cr_expect_eq(assay_wire_next(&wire, 50000000, &message, &err), ASSAY_TIMEOUT);
    cr_expect_lt(assay_clock_now_ns() - begin, 5 * ASSAY_NS_PER_S);
    stop = true;
    pthread_join(thread, NULL);
    say("{\"say\":\"late\"}\n");
    cr_expect_eq(assay_wire_next(&wire, ASSAY_NS_PER_S, &message, &err), ASSAY_OK, "and nothing of it is lost");
    cr_expect_str_eq(json_string_value(json_object_get(message, "say")), "late");
    json_decref(message);
    close(ends[1]);
    close_wire();
}

Test(wire, errors_come_back_and_never_as_ok)
{
    struct assay_error told;
    (void)ASSAY_FAIL(&err, ASSAY_DEVICE, "it broke");
    (void)assay_error_in(&err, "while running");
    err.vendor = -77;
    json_t *json = assay_error_to_json(&err);
    assay_error_from_json(json, &told);
    cr_expect_eq(memcmp(&told, &err, sizeof err), 0);
    json_object_set_new(json, "code", json_string("OK"));
    assay_error_from_json(json, &told);
    cr_expect_eq(told.code, ASSAY_PROTOCOL);
    assay_error_from_json(NULL, &told);
    cr_expect(told.code == ASSAY_PROTOCOL && *told.message);
    json_decref(json);
}
