#include "harness/store/trace.h"

#include <math.h>

#include "harness/base/hash.h"
#include "harness/store/run_folder.h"
#include "harness/store/tests/scratch.h"

static struct scratch       s;
static struct assay_record *r;
static char                 path[400];

static void begin(void)
{
    s = scratch_new();
    r = record_of(1, 2);
    assay_run_folder_file("trace", r->id, "cpu", r->launch, r->trace_file);
    cr_assert_eq(mkdir(in(&s, "trace"), 0777), 0);
    (void)snprintf(path, sizeof path, "%s/%.160s", s.path, r->trace_file);
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(trace, .init = begin, .fini = end);

static void sign(void)
{
    struct assay_error err = {0};
    cr_assert_eq(assay_sha256_file(path, r->trace_sha256, &err), ASSAY_OK, "%s", err.message);
}

/* What is said of a file with these bytes. */
static struct assay_error said_of(const char *text)
{
    struct assay_trace trace;
    struct assay_error err = {0};
    put_bytes(path, text, strlen(text));
    sign();
    cr_expect_eq(assay_trace_read(s.path, r, &trace, &err), ASSAY_DATA);
    cr_expect(!trace.nodes && !trace.n);
    return err;
}

Test(trace, comes_back_as_it_was_written)
{
    struct assay_trace_node nodes[2] = {{.node = 3, .ns = 0.1, .name = "a \"b\"\n", .op = "Conv"},
                                        {.node = 4000, .ns = 1e12, .name = "c", .op = "assay.Copy", .note = "jit \x01"}};
    struct assay_trace      trace = {.executions = 5, .nodes = nodes, .n = 2}, back;
    struct assay_error      err = {0};
    cr_expect(strstr(r->trace_file, "trace/") == r->trace_file && strstr(r->trace_file, ".cpu.2.json"), "%s", r->trace_file);
    cr_assert_eq(assay_trace_write(path, &trace, &err), ASSAY_OK, "%s", err.message);
    sign();
    cr_assert_eq(assay_trace_read(s.path, r, &back, &err), ASSAY_OK, "%s", err.message);
    cr_assert(back.n == 2 && back.executions == 5);
    for (int i = 0; i < 2; i++) {
        cr_expect(back.nodes[i].node == nodes[i].node && back.nodes[i].ns == nodes[i].ns);
        cr_expect_str_eq(back.nodes[i].name, nodes[i].name);
        cr_expect_str_eq(back.nodes[i].op, nodes[i].op);
        cr_expect_str_eq(back.nodes[i].note, nodes[i].note);
    }
    assay_trace_release(&back);
    cr_expect(!back.nodes && !back.n);
}

Test(trace, an_altered_one_is_refused_and_an_absent_one_has_the_records_reason)
{
    struct assay_trace trace;
    struct assay_error err = {0};
    put_bytes(path, "{\"format\": \"assay-trace/1\", \"executions\": 1, \"nodes\": []}", 58);
    sign();
    r->trace_sha256[0] ^= 1;
    cr_expect_eq(assay_trace_read(s.path, r, &trace, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "another SHA-256"), "%s", err.message);
    r->trace_sha256[0] = 0;
    cr_expect_eq(assay_trace_read(s.path, r, &trace, &err), ASSAY_DATA, "a trace without a hash proves nothing");
    (void)snprintf(r->trace_file, sizeof r->trace_file, "trace/../../x");
    cr_expect_eq(assay_trace_read(s.path, r, &trace, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "must be a file in 'trace/'"), "%s", err.message);
    r->trace_file[0] = 0;
    (void)snprintf(r->why_no_trace, sizeof r->why_no_trace, "the back end has no trace");
    cr_expect_eq(assay_trace_read(s.path, r, &trace, &err), ASSAY_UNAVAILABLE);
    cr_expect_str_eq(err.message, "the back end has no trace");
    r->why_no_trace[0] = 0;
    cr_expect_eq(assay_trace_read(s.path, r, &trace, &err), ASSAY_UNAVAILABLE);
    cr_expect_str_eq(err.message, "the record has no trace");
}

Test(trace, a_wrong_one_is_named)
{
#define HEAD "{\"format\": \"assay-trace/1\", \"executions\": 1, \"nodes\": "
    static const struct { char text[220], says[60]; } rows[] = {
        {"{", "trace"},
        {"[]", "must be an object"},
        {"{\"format\": \"assay-trace/2\", \"executions\": 1, \"nodes\": []}", "must be \"assay-trace/1\""},
        {HEAD "7}", "'nodes' must be a list of nodes"},
        {HEAD "[{\"node\": 0, \"ns\": 1}]}", "name"},
        {HEAD "[{\"node\": 0, \"ns\": -1, \"name\": \"a\", \"op\": \"b\"}]}", "must be a time"},
        {HEAD "[{\"node\": 0, \"ns\": null, \"name\": \"a\", \"op\": \"b\"}]}", "must be a time"},
        {HEAD "[{\"node\": 1, \"ns\": 1, \"name\": \"a\", \"op\": \"b\"}, {\"node\": 1, \"ns\": 1, \"name\": \"a\", \"op\": \"b\"}]}", "beyond the node before"},
        {HEAD "[{\"node\": 1, \"ns\": 1, \"name\": \"a\", \"op\": \"b\", \"more\": 1}]}", "more"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_error err = said_of(rows[i].text);
        cr_expect(strstr(err.message, rows[i].says), "%s: %s", rows[i].text, err.message);
    }
}
