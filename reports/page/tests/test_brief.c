#include <criterion/criterion.h>

#include "reports/page/page.h"
#include "reports/tests/markup.h"
#include "reports/tests/sample_run.h"
#include "reports/write/write.h"

#define CPU "cpu:host"
enum { WRONG = 3, TWICE = 5, DECLINED = 9, NOISY = 11, OTHER = 13 };

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;
static char                *page;

/* Case i takes 1000 + i ns, a figure of its own. */
static void add(unsigned i, uint32_t launch)
{
    struct assay_record *r = sample_record(i, CPU, launch, 1000 + i);
    SAMPLE_TEXT(r->compiled, "<b>whole</b>\nnode & node");
    if (i == DECLINED) {
        memset(r->metric, 0, sizeof r->metric);
        r->status = ASSAY_STATUS_UNSUPPORTED;
        SAMPLE_TEXT(r->reason, HOSTILE);
    }
    if (i == OTHER)
        SAMPLE_TEXT(r->compiled, "other whole\nother node");
    if (i == NOISY)
        SAMPLE_TEXT(r->noise_complaint, "other programs had 30 % of our cores");
    builder_append(&b, r);
    if (i != DECLINED)
        sample_judge(&b, r, i == WRONG ? ASSAY_FAIL : ASSAY_PASS);
}

static void write_page(unsigned n)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &run;
    size_t                      bytes;
    s = scratch_new();
    builder_begin(&b, &s, "many", builder_plan(n, CPU, NULL));
    for (unsigned i = 0; i < n; i++)
        add(i, 0);
    add(TWICE, 1);
    builder_end(&b, &run);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1}, ASSAY_REPORT_HTML, in(&s, "index.html"), &err), ASSAY_OK, "%s", err.message);
    page = get_bytes(in(&s, "index.html"), &bytes);
}

static void end(void)
{
    free(page);
    assay_summary_release(&run);
    scratch_remove(&s);
}

TestSuite(brief, .fini = end, .timeout = 60);

static size_t count(const char *text)
{
    size_t n = 0;
    for (const char *at = page; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* Where the case is told: a row of a table ("tr"), or a section ("div"). */
static const char *place_of(unsigned i, const char *tag)
{
    char want[64];
    (void)snprintf(want, sizeof want, !strcmp(tag, "tr") ? "<tr id=\"case-1-%u\">" : "<div class=\"body\" id=\"case-1-%u\">", i + 1);
    cr_expect_leq(count(want), 1u, "%s", want);
    return strstr(page, want);
}

Test(brief, a_run_of_a_hundred_cases_has_a_section_for_each)
{
    write_page(100);
    cr_expect(!strstr(page, "class=\"every\""));
    for (unsigned i = 0; i < 100; i++)
        cr_expect(place_of(i, "div") && !place_of(i, "tr"), "case %u", i);
}

Test(brief, of_more_each_that_is_right_is_a_row_and_what_is_to_be_looked_at_keeps_its_section)
{
    char room[200];
    write_page(120);
    cr_expect(markup_is_well_formed(page, room), "%s", room);
    for (unsigned i = 0; i < 120; i++) {
        bool stays = i == WRONG || i == TWICE;
        cr_expect(!place_of(i, "div") == !stays && !place_of(i, "tr") == stays, "case %u", i);
    }
    cr_expect(strstr(page, "118 of 120 cases, of one launch that is right or that the device declined,"));
    cr_expect_eq(count("<table class=\"every\">"), 1u + 1u);
}

Test(brief, a_row_has_the_figures_of_its_case_and_what_is_common_stands_above)
{
    write_page(120);
    for (unsigned i = 0; i < 120; i++) {
        char        want[64];
        const char *row = place_of(i, "tr"), *stop = row ? strstr(row, "</tr>") : NULL, *figure;
        if (i == DECLINED || !row)
            continue;
        (void)snprintf(want, sizeof want, "●\u00a01.%03u µs</td>", i);
        figure = strstr(row, want);
        cr_expect(figure && figure < stop, "case %u has no %s", i, want);
    }
    cr_expect_eq(count("<dt>verdict</dt><dd>pass</dd>"), 1u);
    cr_expect(strstr(page, "<b>energy of one execution</b>"));
    cr_expect(strstr(page, "<dt>smallest fault found with 99 %, of the root mean square</dt><dd>2e-06</dd>"));
    const char *noisy = place_of(NOISY, "tr"), *words = strstr(noisy, "other programs had 30 % of our cores");
    cr_expect(words && words < strstr(noisy, "</tr>"), "words that are not those of the others");
}

/* On a page in another language too: nobody translates it, and the page says in which it is. */
Test(brief, what_was_compiled_is_the_back_ends_own_words)
{
    write_page(120);
    cr_expect(strstr(page, "<dt>compiled, as recorded by the back end</dt><dd lang=\"en\" translate=\"no\">&lt;b&gt;whole&lt;/b&gt;</dd>"));
    cr_expect(count("<dt>compiled, as recorded by the back end</dt><dd lang=\"en\" translate=\"no\">&lt;b&gt;whole&lt;/b&gt;\nnode &amp; node</dd>") > 0,
              "of a case that has its section");
    const char *row = place_of(OTHER, "tr"), *whole = strstr(row, "<td lang=\"en\" translate=\"no\">other whole</td>"),
               *nodes = strstr(row, "<td lang=\"en\" translate=\"no\">other node</td>"), *stop = strstr(row, "</tr>");
    cr_expect(whole && nodes && whole < nodes && nodes < stop);
}
