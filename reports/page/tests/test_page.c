#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page/page.h"
#include "reports/tests/markup.h"

/* Elements, attributes, a comment, entities, controls, overlong and cut UTF-8, a lone surrogate. */
static const char *const hostile[] = {
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "</dd></div></body>", "<!-- ", "]]>", "&lt;&bogus;&#0;", "\x01\x02\x1b[2J\x7f",
    "\xff\xfe", "\xC0\xBC" "script>", "\xED\xA0\x80", "\xE2\x80", "\xF4\x90\x80\x80", "\xC2\x9B", "`touch x`", "a,b/c/d,,<b>,", "/", "",
};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile };

static char  *bytes;
static size_t length;

static struct assay_page page_open(void)
{
    return (struct assay_page){.to = {.out = open_memstream(&bytes, &length), .how = ASSAY_ESCAPE_HTML}};
}

static void expect_harmless(struct assay_page *p, const char *what, size_t i)
{
    char room[200];
    cr_assert_eq(fclose(p->to.out), 0);
    cr_expect(!p->to.failed);
    cr_expect(markup_is_well_formed(bytes, room), "%s, sample %zu: %s in %s", what, i, room, bytes);
    cr_expect(!strstr(bytes, "<script") && !strstr(bytes, "<img") && !strstr(bytes, "<!--"), "%s, sample %zu: %s", what, i, bytes);
    for (const char *at = bytes; *at; at++)
        cr_expect(((unsigned char)*at >= 0x20 && *at != 0x7F) || *at == '\n', "%s, sample %zu: a control character", what, i);
    for (const char *at = bytes; *at; at++) /* C1 controls are two bytes */
        cr_expect(!((unsigned char)at[0] == 0xC2 && (unsigned char)at[1] < 0xA0), "%s, sample %zu", what, i);
    free(bytes);
}

Test(page, pieces_are_well_formed_whatever_they_are_given)
{
    for (size_t i = 0; i < N_HOSTILE; i++) {
        const char                      *text = hostile[i];
        struct assay_record              record = {.status = ASSAY_STATUS_OK};
        const struct assay_record *const launch = &record;
        struct assay_summary_row         row = {.case_name = text, .backend = text, .grade = text, .reason = text, .launches = &launch, .evidence = ASSAY_EVIDENCE_MODELLED};
        struct assay_summary             summary = {.rows = &row, .n_rows = 1, .backends = &text, .n_backends = 1};
        struct assay_page                p = page_open();
        (void)assay_string_copy(row.metric[ASSAY_METRIC_latency_ns].why, sizeof row.metric[0].why, text);
        assay_page_element(&p, "td class=\"x\"", text);
        assay_page_fact(&p, "name", text);
        assay_page_case_name(&p, text);
        assay_page_evidence(&p, &row);
        assay_page_figure(&p, &row, ASSAY_METRIC_latency_ns);
        assay_page_series(&p, &summary, text, true);
        assay_page_series(&p, &summary, text, false);
        assay_page_outcome(&p, (enum assay_outcome)i);
        expect_harmless(&p, "pieces", i);
    }
}

/* Keys, texts, absences, tables and lists of a manifest. jansson takes valid UTF-8 only. */
Test(page, any_json_is_well_formed)
{
    for (size_t i = 0; i < N_HOSTILE; i++) {
        json_t *text = json_string(hostile[i]);
        if (!text)
            continue;
        json_t *value = json_pack("{s:o, s:{s:n, s:O}, s:[{s:O, s:i}, {s:b}], s:[i, O, [O]], s:[], s:{}, s:f, s:n}", "text", text, "gone", "value", "why", text, "table",
                                  "a", text, "b", 1, "c", 1, "list", 5, text, text, "nothing", "object", "real", 0.5, "null");
        cr_assert(value);
        json_object_set(value, hostile[i], text);
        json_object_set_new(json_array_get(json_object_get(value, "table"), 0), hostile[i], json_integer(2));
        struct assay_page p = page_open();
        assay_page_json(&p, value);
        expect_harmless(&p, "json", i);
        json_decref(value);
    }
}

Test(page, an_absence_in_json_is_its_reason)
{
    static const struct { char json[80], want[120]; } rows[] = {
        {"{\"value\": null, \"why\": \"no <sensor>\"}", "<span class=\"none\">not known: no &lt;sensor&gt;</span>"},
        {"[]", "none"}, {"\"\"", "–"}, {"true", "yes"}, {"0.25", "0.25"}, {"[1,2]", "1, 2"},
        {"{\"a\": null}", "<dl class=\"facts\">\n<div><dt>a</dt><dd>none</dd></div>\n</dl>\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t           *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        struct assay_page p = page_open();
        cr_assert(value);
        assay_page_json(&p, value);
        cr_assert_eq(fclose(p.to.out), 0);
        cr_expect_str_eq(bytes, rows[i].want);
        free(bytes);
        json_decref(value);
    }
}

Test(page, a_list_whose_rows_have_lists_of_objects_is_no_table_of_tables)
{
    json_t           *value = json_loads("[{\"name\":\"a\",\"rows\":[{\"x\":1},{\"x\":2}]},{\"name\":\"b\",\"rows\":[]}]", 0, NULL);
    struct assay_page p = page_open();
    assay_page_json(&p, value);
    cr_assert_eq(fclose(p.to.out), 0);
    const char *table = strstr(bytes, "<table>");
    cr_expect(!strncmp(bytes, "<dl class=\"facts\">", 18) && table && !strstr(table + 1, "<table>"), "%s", bytes);
    free(bytes);
    json_decref(value);
}

static const char *series(const struct assay_summary *run, const char *backend, bool whole)
{
    static char       name[700];
    struct assay_page p = page_open();
    assay_page_series(&p, run, backend, whole);
    cr_assert_eq(fclose(p.to.out), 0);
    (void)assay_string_copy(name, sizeof name, strstr(bytes, "</span> ") + 8);
    free(bytes);
    return name;
}

Test(page, a_back_end_without_an_option_is_not_called_by_it)
{
    static const char *const   names[] = {"cluster:pod,devices=0,spec=,tp=0", "cluster:pod,devices=64,spec=,tp=0", "cluster:pod,devices=10,spec=,tp=0"};
    const struct assay_summary run = {.backends = names, .n_backends = 3};
    cr_expect_str_eq(series(&run, names[0], false), "cluster:pod");
    cr_expect_str_eq(series(&run, names[1], false), "cluster:pod,devices=64");
    cr_expect_str_eq(series(&run, names[2], false), "cluster:pod,devices=10", "ten is no nothing");
}

Test(page, back_ends_are_called_by_as_much_as_tells_them_apart)
{
    static const char *const names[] = {"cpu:host,isa=avx2", "cpu:host,isa=avx512", "cpu:hosted,x=1", "null:null"}, *const two[] = {"a:x,o=1", "a:xy,o=1"};
    struct assay_summary     run = {.backends = names, .n_backends = 4}, other = {.backends = two, .n_backends = 2};
    cr_expect_str_eq(series(&other, two[0], false), "a:x", "a device whose name begins like it is another");
    cr_expect_str_eq(series(&run, names[0], false), "cpu:host,isa=avx2", "another has the same device");
    cr_expect_str_eq(series(&run, names[2], false), "cpu:hosted", "a longer name is another device");
    cr_expect_str_eq(series(&run, names[2], true), "cpu:hosted,x=1");
    cr_expect_str_eq(series(&run, names[3], false), "null:null");
}

Test(page, case_names_break_behind_their_separators_and_come_back)
{
    struct assay_page p = page_open();
    assay_page_case_name(&p, "gemm/k=1,m=2");
    cr_assert_eq(fclose(p.to.out), 0);
    cr_expect_str_eq(bytes, "<b translate=\"no\">gemm</b><wbr/><span class=\"par\" translate=\"no\">/k=1<wbr/>,m=2</span>");
    free(bytes);
}

Test(page, ids_of_a_second_run_differ)
{
    for (size_t number = 1; number <= 2; number++) {
        struct assay_report_run run = {.number = number};
        struct assay_page       p = page_open();
        assay_page_id(&p, &run, "results");
        cr_assert_eq(fclose(p.to.out), 0);
        cr_expect_str_eq(bytes, number == 1 ? "results" : "results-2");
        free(bytes);
    }
}
