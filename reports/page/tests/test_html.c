#include <criterion/criterion.h>

#include "harness/base/strings.h"
#include "harness/base/tests/source.h"
#include "reports/cases.h"
#include "reports/page/page.h"
#include "reports/figures.h"
#include "reports/write/write.h"
#include "reports/tests/markup.h"
#include "reports/tests/sample_run.h"

/* The page of the sample run, once or, as two runs would stand, twice on one page. */
struct written {
    struct scratch       s;
    struct builder       b;
    struct assay_summary run;
    char                *page;
    struct markup        m;
};
static struct written w;

static void write_page(size_t times)
{
    struct assay_error          err = {0};
    const struct assay_summary *runs[] = {&w.run, &w.run};
    size_t                      bytes;
    w.s = scratch_new();
    sample_run(&w.b, &w.s, "run <b>&\"'|`", &w.run);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = runs, .n_runs = times}, ASSAY_REPORT_HTML, in(&w.s, "index.html"), &err), ASSAY_OK, "%s", err.message);
    w.page = get_bytes(in(&w.s, "index.html"), &bytes);
    memset(&w.m, 0, sizeof w.m);
    w.m.at = w.page;
}

static void done(void)
{
    free(w.page);
    assay_summary_release(&w.run);
    scratch_remove(&w.s);
}

/* Goes on to the next opening tag of that name with that class (NULL: any). */
static bool seek(const char *name, const char *class)
{
    while (markup_next(&w.m))
        if (!w.m.closes && strcmp(w.m.name, name) == 0 && (!class || markup_has_class(&w.m, class)))
            return true;
    return false;
}

Test(markup, the_reader_of_these_tests_finds_faults)
{
    static const char *const wrong[] = {"<b>x", "<b><i></b></i>", "</b>", "<a href=x></a>", "<a b=\"1\" b=\"2\"></a>", "a & b", "a > b", "<b\x01/>",
                                        "\x01", "<a b=\"<\"/>", "&nbsp;", "<a b=\"1\"c=\"2\"/>", "<3", "<a b=\"1/>", "<a b/>"};
    static const char *const right[] = {"<b>x</b>", "<a b=\"&lt;\" c='d'><i/>&#39;</a>\n", "<!DOCTYPE html><p/>", "<style>a>b{c:\"&\"}</style>", ""};
    char room[200];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect(!markup_is_well_formed(wrong[i], room), "%s", wrong[i]);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        cr_expect(markup_is_well_formed(right[i], room), "%s: %s", right[i], room);
}

Test(html, is_well_formed_whatever_names_hosts_and_devices_say, .timeout = 60)
{
    char room[200];
    for (size_t times = 1; times <= 2; times++) {
        write_page(times);
        cr_expect(markup_is_well_formed(w.page, room), "%s", room);
        done();
    }
}

/* Only what the report's own code writes: a text that broke out would bring an element, a handler or an address. */
Test(html, holds_no_element_attribute_or_address_but_its_own, .timeout = 60)
{
    static const char elements[] = " html head meta title style body a header p h1 nav ul li main section h2 b i dl div dt dd h3 small table thead tr th tbody"
                                   " td span details summary h4 h5 code pre wbr figure figcaption footer svg g path polygon text defs circle use rect ellipse line filter feFlood feComposite ";
    static const char handlers[] = "on";
    char              word[40];
    size_t            n = 0;
    write_page(1);
    while (markup_next(&w.m)) {
        n++;
        (void)snprintf(word, sizeof word, " %s ", w.m.name);
        cr_expect(strstr(elements, word), "<%s>", w.m.name);
        for (size_t i = 0; i < w.m.n_attributes; i++) {
            const struct markup_attribute *a = &w.m.attribute[i];
            cr_expect(strncmp(a->name, handlers, 2) != 0 && strcmp(a->name, "src") != 0, "%s of <%s>", a->name, w.m.name);
            if (strcmp(a->name, "href") == 0)
                cr_expect_eq(a->value[0], '#', "the page leads to %s", a->value);
        }
    }
    cr_expect(n > 500 && !*w.m.complaint, "%zu elements; %s", n, w.m.complaint);
    cr_expect(!strstr(w.page, "url(") && !strstr(w.page, "@import"), "nothing is loaded from anywhere");
    done();
}

static size_t find(char names[][64], size_t n, const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += strcmp(names[i], name) == 0;
    return found;
}

Test(html, has_every_target_of_a_link_once, .timeout = 60)
{
    static char ids[2000][64], links[4000][64];
    for (size_t times = 1; times <= 2; times++) {
        size_t n_ids = 0, n_links = 0;
        write_page(times);
        while (markup_next(&w.m)) {
            const char *id = w.m.closes ? NULL : markup_value(&w.m, "id"), *to = w.m.closes ? NULL : markup_value(&w.m, "href");
            if (id && n_ids < 2000)
                sample_text(ids[n_ids++], 64, id);
            if (to && n_links < 4000)
                sample_text(links[n_links++], 64, to + 1);
        }
        cr_expect(n_ids > 10 && n_ids < 2000 && n_links > 20 && n_links < 4000);
        for (size_t i = 0; i < n_ids; i++)
            cr_expect_eq(find(ids, n_ids, ids[i]), 1u, "id %s", ids[i]);
        for (size_t i = 0; i < n_links; i++)
            cr_expect_eq(find(ids, n_ids, links[i]), 1u, "a link to #%s", links[i]);
        if (times == 1)
            cr_expect(find(ids, n_ids, "definitions") == 1 && find(links, n_links, "case-1-1") >= 1);
        done();
    }
}

/* ---- the results table ------------------------------------------------------------------------------------ */

/* The next cell of the table with that label. */
static bool cell(const char *label)
{
    while (seek("td", NULL))
        if (markup_value(&w.m, "data-label") && strcmp(markup_value(&w.m, "data-label"), label) == 0)
            return true;
    return false;
}

/* What stands in the cell the reader is in: a mark of this evidence and a figure, or a dash that has its reason. */
static void expect_figure(const struct assay_summary_row *row, enum assay_metric metric, const char *label)
{
    const struct assay_estimate *e = &row->metric[metric];
    char                         class[8], want[200];
    struct assay_text            text = ASSAY_TEXT(want);
    cr_assert(cell(label), "%s: no cell %s", row->case_name, label);
    cr_assert(markup_next(&w.m) && strcmp(w.m.name, "span") == 0 && !w.m.closes);
    if (!e->has_value && (!e->has_interval || metric == ASSAY_METRIC_latency_ns)) { /* the time's range stands in the next cell */
        const char *why = markup_value(&w.m, "title");
        cr_expect(markup_has_class(&w.m, "none") && why && *why, "%s, %s: absent without a reason", row->case_name, label);
        assay_string_escape(&text, ASSAY_ESCAPE_HTML, e->why);
        cr_expect_str_eq(why ? why : "", want);
        return;
    }
    (void)snprintf(class, sizeof class, "ev%d", (int)row->evidence);
    cr_expect(markup_has_class(&w.m, "ev") && markup_has_class(&w.m, class), "%s, %s: no mark", row->case_name, label);
    cr_assert(markup_next(&w.m) && w.m.closes);
    cr_expect_eq(strncmp(w.m.text, assay_figure_evidence_mark(row->evidence), (size_t)(w.m.text_end - w.m.text)), 0);
    cr_assert(markup_next(&w.m) && markup_has_class(&w.m, "fig"));
    cr_expect_eq(markup_has_class(&w.m, "unproved"), assay_figure_is_struck(row), "%s, %s, outcome %d", row->case_name, label, (int)row->outcome);
    if (!e->has_value) {
        const char *why = markup_value(&w.m, "title");
        cr_expect_str_eq(why ? why : "", e->why, "a range without a point says why");
    }
    cr_assert(markup_next(&w.m) && w.m.closes);
    assay_figure_estimate(&text, metric, e);
    cr_expect(strlen(want) == (size_t)(w.m.text_end - w.m.text) && strncmp(w.m.text, want, strlen(want)) == 0, "%s, %s", row->case_name, want);
}

static void expect_row(const struct assay_summary_row *row)
{
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    char                         range[100];
    struct assay_text            text = ASSAY_TEXT(range);
    cr_assert(seek("tr", NULL), "a row for %s on %s", row->case_name, row->backend);
    expect_figure(row, ASSAY_METRIC_latency_ns, "time");
    cr_assert(cell("how sure"));
    const char *inside = w.m.at;
    expect_figure(row, ASSAY_METRIC_flops_per_s, "rate");
    assay_figure_range(&text, ASSAY_METRIC_latency_ns, e);
    const char *end = strstr(inside, "</td>"), *found = strstr(inside, range);
    cr_expect(!e->has_interval || (found && found < end), "%s: an interval that is known is shown: %s", row->case_name, range);
    expect_figure(row, ASSAY_METRIC_peak_share, "of peak");
    expect_figure(row, ASSAY_METRIC_bandwidth_share, "of bandwidth");
    cr_assert(cell("verdict"));
    cr_assert(seek("span", row->status == ASSAY_STATUS_OK ? NULL : "vx"));
}

Test(html, marks_every_figure_of_the_results_with_its_evidence_and_strikes_what_is_not_proved, .timeout = 60)
{
    struct assay_report_run sorted;
    size_t                  n = 0;
    write_page(1);
    cr_assert(assay_report_run_init(&sorted, &w.run, 1));
    cr_assert(seek("table", "results") && seek("tbody", NULL));
    for (size_t c = 0; c < sorted.n_cases; c++)
        for (size_t i = 0; i < sorted.cases[c].n_rows; i++, n++)
            expect_row(sorted.cases[c].rows[i]);
    cr_expect_eq(n, w.run.n_rows);
    while (markup_next(&w.m) && strcmp(w.m.name, "table") != 0)
        cr_expect(strcmp(w.m.name, "tr") != 0 || w.m.closes, "a row that no record gave");
    assay_report_run_release(&sorted);
    done();
}

static size_t count(const char *what)
{
    size_t n = 0;
    for (const char *p = w.page; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

/* Of each device of each case: a figure stands in the table or, by its reason, in the list below it; once. */
Test(html, names_every_figure_of_a_case_with_its_value_or_its_reason, .timeout = 60)
{
    size_t devices = 0, listed = 0;
    write_page(1);
    for (const char *at = w.page; (at = strstr(at, "<h5>Figures</h5>")) != NULL; devices++) {
        const char *end = strstr(at, "<h5>Counters");
        cr_assert(end);
        for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
            char              row[200], named[200];
            struct assay_text name = ASSAY_TEXT(named);
            const char       *title = assay_figure_metric_title((enum assay_metric)m);
            (void)snprintf(row, sizeof row, "<th scope=\"row\">%s</th>", title);
            assay_text_add(&name, "<b>");
            assay_string_escape(&name, ASSAY_ESCAPE_HTML, title);
            assay_text_add(&name, "</b>");
            const char *in_table = strstr(at, row), *in_list = strstr(at, named);
            bool        has_row = in_table && in_table < end, has_reason = in_list && in_list < end;
            cr_expect(has_row != has_reason, "%s of device %zu: in the table %d, in the list %d", title, devices, has_row, has_reason);
            if (!has_reason)
                continue;
            const char *why = strstr(in_list, "<span>");
            cr_expect(why && why < end && why[6] != '<', "%s: no reason", title);
            listed++;
        }
        at = end;
    }
    cr_expect(devices >= w.run.n_rows && listed > devices, "%zu devices, %zu without a figure", devices, listed);
    done();
}

Test(html, says_what_must_be_known_before_a_figure_is_used, .timeout = 60)
{
    write_page(1);
    cr_expect(strstr(w.page, "<li><b>3</b> rows have times whose outputs did not pass"), "one failed, one not judged, one untrusted");
    cr_expect(strstr(w.page, "<li><b>2</b> rows were launched once"));
    cr_expect(strstr(w.page, "<li><b>2</b> rows were measured while the machine was not quiet"));
    cr_expect(strstr(w.page, "<li><b>2</b> rows are modelled"));
    cr_expect(strstr(w.page, "<li><b>1</b> row is of an instrument"));
    cr_expect(strstr(w.page, "<li><b>2</b> rows of the plan were never run"));
    cr_expect(!strstr(w.page, "Nothing was validated"));
    cr_expect(strstr(w.page, "<h3>Never run</h3><p>2 rows of the plan"));
    const char *missing = strstr(w.page, "<ul class=\"names\">");
    cr_expect(missing && strstr(missing, " on cpu:host,threads=2</li>"), "with the back end that it was not run on");
    cr_expect(strstr(w.page, "the worker was ended by signal 11"), "what does not count has its reason");
    cr_expect(strstr(w.page, "The typical launch of a row"), "and the definitions are there");
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        cr_expect(strstr(w.page, assay_metric_row((enum assay_metric)m)->definition), "%s is not defined", assay_metric_row((enum assay_metric)m)->name);
    cr_expect_eq(count("<pre class=\"repeat\">"), w.run.n_rows + 1, "a line that repeats each row, and the run's own");
    done();
}

Test(html, sets_devices_side_by_side_with_a_middle_only_where_there_is_a_point, .timeout = 60)
{
    size_t spans = 0, middles = 0, rows = 0;
    write_page(1);
    cr_assert(seek("section", NULL) && seek("section", NULL) && strcmp(markup_value(&w.m, "id"), "side") == 0);
    while (markup_next(&w.m) && strcmp(w.m.name, "section") != 0) {
        rows += !w.m.closes && strcmp(w.m.name, "li") == 0;
        spans += !w.m.closes && markup_has_class(&w.m, "span");
        middles += !w.m.closes && markup_has_class(&w.m, "mid");
    }
    size_t points = 0, ranges = 0;
    for (size_t i = 0; i < w.run.n_rows; i++) {
        const struct assay_estimate *e = &w.run.rows[i].metric[ASSAY_METRIC_latency_ns];
        points += e->has_value;
        ranges += e->has_value || e->has_interval;
    }
    cr_expect(spans == ranges && middles == points && middles < spans, "%zu of %zu, %zu of %zu", spans, ranges, middles, points);
    cr_expect_eq(rows, w.run.n_rows + w.run.n_backends, "each back end once above, and each row");
    cr_expect_eq(count(", no point</span>"), 1u);
    cr_expect(strstr(w.page, "x 0.50 – x 1.25, 75 %"), "what moves a time most, from the shortest to the longest");
    cr_expect(strstr(w.page, "&lt;b&gt;&amp; <small>assumed</small>"));
    done();
}

Test(html, says_what_the_models_are_worth_where_a_row_is_modelled, .timeout = 60)
{
    find_source();
    write_page(1);
    cr_expect_eq(count("<h2>What the model is worth</h2>"), 1u);
    cr_expect(strstr(w.page, "<th scope=\"row\">gemm</th><td>h100-sxm</td>"));
    cr_expect_eq(count("predicted over measured time, both axes logarithmic"), 5u, "a drawing a class that was measured, each with its words");
    cr_expect_eq(count("stroke='black'"), 0u, "nothing is drawn that a dark page hides");
    done();
}

/* A soak beside the sample run, of a case whose name wants to break out. */
static void soak_sample(uint64_t mismatches)
{
    struct assay_error        err = {0};
    struct assay_soak_file   *f = NULL;
    struct assay_soak_stretch x = {.id = "0123456789abcdef", .end = ASSAY_SOAK_CRASHED, .wall_ns = 60000000000, .busy_ns = 36000000000,
                                   .iterations = 1000, .mismatches = mismatches, .n_events = mismatches > 0, .begun_utc_ns = 1795714649241837943u};
    x.event[0] = (struct assay_soak_event){.iteration = 17, .element = 99, .elements = 1, .bits = 1, .expected = 0.5, .observed = 1};
    SAMPLE_TEXT(x.case_name, HOSTILE_CASE);
    SAMPLE_TEXT(x.backend, "cpu:host,threads=2");
    SAMPLE_TEXT(x.reason, HOSTILE);
    cr_assert_eq(assay_soak_file_open(assay_run_folder_path(w.run.folder), true, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_soak_file_append(f, &x, &err), ASSAY_OK, "%s", err.message);
    assay_soak_file_close(f);
}

static char *page_again(void)
{
    struct assay_error          err = {0};
    const struct assay_summary *runs[] = {&w.run};
    size_t                      bytes;
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = runs, .n_runs = 1}, ASSAY_REPORT_HTML, in(&w.s, "again.html"), &err), ASSAY_OK, "%s", err.message);
    return get_bytes(in(&w.s, "again.html"), &bytes);
}

Test(html, says_what_a_soak_shows_and_where_it_was_wrong, .timeout = 60)
{
    char room[200];
    write_page(1);
    cr_expect(!strstr(w.page, "<h2>Soak</h2>"), "there is none");
    soak_sample(1);
    char *page = page_again();
    cr_expect(markup_is_well_formed(page, room), "%s", room);
    cr_expect(strstr(page, "<h2>Soak</h2>") && strstr(page, "1 silent error in 1,000 executions, 0.01 card-hours. That is 876,000 a year"), "no sentence");
    cr_expect(strstr(page, "at most 4,160,000") && strstr(page, "output 0, element 99") && strstr(page, "crashed 1 time"), "no figures");
    cr_expect(strstr(page, "<h3>Not soaked</h3>"), "cases of the run without a stretch");
    free(page);
    (void)snprintf(room, sizeof room, "%s/soak.jsonl", assay_run_folder_path(w.run.folder));
    put_bytes(room, "{}\n{}\n", 6);
    page = page_again();
    cr_expect(markup_is_well_formed(page, room), "%s", room);
    cr_expect(strstr(page, "The soak of this folder could not be read: "), "no reason");
    free(page);
    done();
}

/* The sample run has no witnesses: then what they say is no section, not an empty one. */
Test(html, says_how_bits_repeat_only_where_something_was_asked_twice, .timeout = 60)
{
    struct assay_page        page = {.to = {.how = ASSAY_ESCAPE_HTML}};
    struct assay_report_run  run = {.summary = &w.run, .number = 1};
    struct assay_repeats_seen rows[3] = {{.runs = {.runs = 58}, .processes = {.runs = 2}}, {.runs = {.runs = 58, .differing = 3}}, {.runs = {.runs = 0}}};
    char                    *bytes, room[200];
    size_t                   length;
    write_page(1);
    run.repeats = rows;
    cr_expect(!assay_page_has_repeats(&run));
    run.n_repeats = 3;
    for (int i = 0; i < 3; i++) {
        SAMPLE_TEXT(rows[i].case_name, i ? HOSTILE_CASE : "gemm/m=8");
        SAMPLE_TEXT(rows[i].backend, "cpu:host,threads=2");
        SAMPLE_TEXT(rows[i].why_no_processes, HOSTILE);
    }
    cr_expect(assay_page_has_repeats(&run));
    page.to.out = open_memstream(&bytes, &length);
    assay_page_repeats(&page, &run);
    cr_assert_eq(fclose(page.to.out), 0);
    cr_expect(markup_is_well_formed(bytes, room), "%s", room);
    cr_expect(strstr(bytes, "1 of 2 rows gave the same bits") && strstr(bytes, "at most 5 % of the executions differ"), "%s", bytes);
    cr_expect(strstr(bytes, "58 repeats identical") && strstr(bytes, "3 of 58 differ"), "%s", bytes);
    free(bytes);
    done();
}

Test(html, without_verdicts_says_that_nothing_is_proved, .timeout = 60)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &w.run;
    size_t                      bytes;
    w.s = scratch_new();
    builder_begin(&w.b, &w.s, "run", json_object());
    builder_launches(&w.b, 0, "cpu:host", (double[]){1000, 1010}, 2, 0);
    builder_end(&w.b, &w.run);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_HTML, in(&w.s, "index.html"), &err), ASSAY_OK);
    w.page = get_bytes(in(&w.s, "index.html"), &bytes);
    cr_expect(strstr(w.page, "<b>Nothing was validated.</b>"));
    cr_expect_eq(count("class=\"fig\""), 0u, "no figure stands as proved");
    cr_expect(count("class=\"fig unproved\"") > 4);
    cr_expect(!strstr(w.page, "<section id=\"side\">") && !strstr(w.page, "<section id=\"worth\">"), "of one back end that is measured");
    done();
}

Test(html, of_the_same_folder_is_the_same_bytes, .timeout = 60)
{
    struct assay_error          err = {0};
    struct assay_summary        again;
    const struct assay_summary *one = &again;
    size_t                      bytes, n;
    write_page(1);
    char *first = get_bytes(in(&w.s, "index.html"), &bytes);
    cr_assert_eq(assay_summary_read(w.b.path, &again, &err), ASSAY_OK);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_HTML, in(&w.s, "other.html"), &err), ASSAY_OK);
    char *second = get_bytes(in(&w.s, "other.html"), &n);
    cr_expect(n == bytes && memcmp(first, second, n) == 0);
    cr_expect(!strstr(first, w.s.path), "where the folder stands is no part of the report");
    assay_summary_release(&again);
    free(first);
    free(second);
    done();
}
