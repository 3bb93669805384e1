#include "reports/data/exchange.h"

#include <jansson.h>
#include <math.h>

#include "reports/tests/markup.h"
#include "reports/tests/sample_run.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;
static char                *text;

static void begin(void)
{
    s = scratch_new();
    sample_run(&b, &s, "hostile", &run);
}

static void end(void)
{
    free(text);
    assay_summary_release(&run);
    scratch_remove(&s);
}

TestSuite(exchange, .init = begin, .fini = end);

static void write_as(enum assay_exchange format)
{
    struct assay_error err = {0};
    size_t             bytes;
    cr_assert_eq(assay_exchange_write(&run, format, in(&s, "out"), &err), ASSAY_OK, "%s", err.message);
    text = get_bytes(in(&s, "out"), &bytes);
    cr_expect_eq(strlen(text), bytes);
}

static size_t count(const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

Test(exchange, junit_says_of_each_row_whether_it_passed_and_why_not)
{
    size_t failed = 0, broke = 0, passed = 0;
    write_as(ASSAY_EXCHANGE_JUNIT);
    for (size_t i = 0; i < run.n_rows; i++) {
        const struct assay_summary_row *r = &run.rows[i];
        failed += r->status == ASSAY_STATUS_OK && r->outcome == ASSAY_FAIL;
        broke += r->status == ASSAY_STATUS_CRASHED;
        passed += r->status == ASSAY_STATUS_OK && (r->outcome == ASSAY_PASS || r->outcome == ASSAY_MARGINAL);
    }
    char head[100];
    (void)snprintf(head, sizeof head, "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", run.n_rows, failed, broke,
                   run.n_rows - failed - broke - passed);
    cr_expect(failed == 1 && broke == 1 && passed >= 3);
    cr_expect(strstr(text, head), "%s", head);
    cr_expect(count("<testcase ") == run.n_rows && count("<failure ") == failed && count("<error ") == broke);
    cr_expect(count("message=\"it was not validated\"") == 1, "nothing that nobody looked at passes");
    cr_expect_eq(count("the worker was ended by signal 11"), 1u);
}

Test(exchange, junit_is_well_formed_whatever_names_hold)
{
    write_as(ASSAY_EXCHANGE_JUNIT);
    char complaint[200];
    for (char *tab = text; (tab = strstr(tab, "&#9;"));) /* XML keeps white space in attributes by number; the reader is of pages */
        memset(tab, ' ', 4);
    cr_expect(markup_is_well_formed(strstr(text, "<testsuite"), complaint), "%s", complaint);
    cr_expect_eq(count("<script>"), 0u);
}

/* name{label="…",…} number, with the three escapes that the format has. */
static void expect_sample(const char *line)
{
    const char *at = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
    char       *end;
    cr_expect(at > line && *at == '{', "%.60s", line);
    for (at++; *at && *at != '}';) {
        at += strspn(at, "abcdefghijklmnopqrstuvwxyz,");
        cr_assert(at[0] == '=' && at[1] == '"', "%.80s", at);
        for (at += 2; *at != '"'; at++) {
            cr_assert(*at && *at != '\n', "an open quote: %.60s", line);
            if (*at == '\\')
                cr_assert(*++at && strchr("\\\"n", *at), "%.60s", line);
        }
        at++;
    }
    cr_expect(isfinite(strtod(at + 1, &end)) && *end == '\n', "%.60s", at);
}

Test(exchange, openmetrics_has_families_of_samples_and_an_end)
{
    size_t samples = 0;
    write_as(ASSAY_EXCHANGE_OPENMETRICS);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        if (*line != '#') {
            expect_sample(line);
            samples++;
        }
    cr_expect_gt(samples, 20u);
    cr_expect_str_eq(text + strlen(text) - 6, "# EOF\n");
    cr_expect_eq(count("# TYPE assay_latency_ns gauge\n"), 1u);
}

Test(exchange, a_modelled_device_without_a_point_has_its_range_alone)
{
    size_t points = 0, ranges = 0;
    write_as(ASSAY_EXCHANGE_OPENMETRICS);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        char one[4096];
        (void)snprintf(one, sizeof one, "%.*s", (int)strcspn(line, "\n"), line);
        if (!strstr(one, "grade=\"D\""))
            continue;
        points += !strncmp(one, "assay_latency_ns{", 17);
        ranges += !strncmp(one, "assay_latency_ns_low{", 21) || !strncmp(one, "assay_latency_ns_high{", 22);
        cr_expect(strstr(one, "evidence=\"modelled\""), "%s", one);
    }
    cr_expect_eq(points, 0u);
    cr_expect_eq(ranges, 2u);
}

Test(exchange, lines_are_objects_with_a_value_or_a_reason)
{
    size_t lines = 0;
    write_as(ASSAY_EXCHANGE_JSONL);
    for (char *line = text; *line; lines++) {
        size_t  length = strcspn(line, "\n");
        json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(object, "%.*s", (int)length, line);
        cr_expect_eq(json_object_size(object), 18u);
        cr_expect(json_is_number(json_object_get(object, "value")) || *json_string_value(json_object_get(object, "why")), "%.*s", (int)length, line);
        json_decref(object);
        line += length + 1;
    }
    cr_expect_eq(lines, run.n_rows * ASSAY_METRIC_COUNT);
}
