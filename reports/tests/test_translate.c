#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>

#include "reports/figures.h"
#include "reports/write/write.h"
#include "reports/tests/level_sample.h"
#include "reports/tests/markup.h"
#include "reports/translate.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;
static struct assay_findings level;
static char                *english, *chinese;

static void write_both(enum assay_report_format format)
{
    struct assay_error          err = {0};
    const struct assay_summary *one = &run;
    size_t                      bytes;
    s = scratch_new();
    sample_run(&b, &s, "run", &run);
    sample_level(&level);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = &one, .n_runs = 1, .levels = &level, .n_levels = 1}, format, in(&s, "en"), &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_report_translate(in(&s, "en"), format, ASSAY_CHINESE, in(&s, "zh"), &err), ASSAY_OK, "%s", err.message);
    english = get_bytes(in(&s, "en"), &bytes);
    chinese = get_bytes(in(&s, "zh"), &bytes);
}

static void release(void)
{
    free(english);
    free(chinese);
    assay_findings_release(&level);
    assay_summary_release(&run);
    scratch_remove(&s);
}

/* What a page in this text says, as HTML, in Chinese. */
static void page_of(const char *html, char *room, size_t bytes)
{
    struct assay_error err = {0};
    struct scratch     here = scratch_new();
    size_t             length;
    put_bytes(in(&here, "en"), html, strlen(html));
    cr_assert_eq(assay_report_translate(in(&here, "en"), ASSAY_REPORT_HTML, ASSAY_CHINESE, in(&here, "zh"), &err), ASSAY_OK, "%s", err.message);
    char *said = get_bytes(in(&here, "zh"), &length);
    (void)snprintf(room, bytes, "%s", said);
    free(said);
    scratch_remove(&here);
}

Test(translate, changes_texts_and_labels_and_leaves_names_commands_and_markup)
{
    static const struct {
        char en[200], zh[200];
    } rows[] = {
        {"<p>pass</p>", "<p>通过</p>"},
        {"<b translate=\"no\">pass</b> pass", "<b translate=\"no\">pass</b> 通过"},
        {"<code>pass</code><pre>pass</pre><style>pass</style>", "<code>pass</code><pre>pass</pre><style>pass</style>"},
        {"<pre>a<b>pass</b>c</pre>pass", "<pre>a<b>pass</b>c</pre>通过"},
        {"<i title=\"pass\" data-label=\"why\" class=\"fail\">–</i>", "<i title=\"通过\" data-label=\"原因\" class=\"fail\">–</i>"},
        {"<html lang=\"en\">", "<html lang=\"zh-CN\">"},
        {"<td>no interval: not recorded</td>", "<td>无置信区间：未记录</td>"},
        {"<td>no interval: &lt;b&gt;&amp;</td>", "<td>无置信区间：&lt;b&gt;&amp;</td>"},
        {"<th>of band&#173;width</th>", "<th>占带宽</th>"},
        {"<li>It is what nobody ever said. Each opens.</li>", "<li>It is what nobody ever said. 点击展开。</li>"},
        {"<td>12 of 14 launches</td><td>some of these launches</td>", "<td>14 次运行中的 12 次</td><td>some of these launches</td>"},
        {"<td>'a' (Conv, f32[2]) is the first of 3 values to diverge: 1 where 2 follows from its own inputs, 40 times the bound of 5e-02 at element 6</td>",
         "<td>“a”（Conv, f32[2]）是 3 个偏离的值中首个：第 6 个元素为 1，由其自身输入应为 2，是误差界 5e-02 的 40 倍</td>"},
        {"\n<p>pass\n</p>\n", "\n<p>通过\n</p>\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[300];
        page_of(rows[i].en, room, sizeof room);
        cr_expect_str_eq(room, rows[i].zh, "%s", room);
    }
}

Test(translate, the_page_has_the_same_elements_and_is_well_formed, .timeout = 60)
{
    char room[200];
    write_both(ASSAY_REPORT_HTML);
    cr_expect(markup_is_well_formed(chinese, room), "%s", room);
    struct markup a = {.at = english}, z = {.at = chinese};
    size_t        n = 0;
    bool          more = true;
    while ((more = markup_next(&a)) && markup_next(&z)) {
        cr_assert_str_eq(a.name, z.name, "element %zu", n);
        cr_assert_eq(a.n_attributes, z.n_attributes, "<%s>, element %zu", a.name, n);
        n++;
    }
    cr_expect(!more && !markup_next(&z) && n > 500, "%zu elements", n);
    cr_expect(!strstr(chinese, "<script") && strstr(chinese, "lang=\"zh-CN\""));
    cr_expect(strstr(chinese, "<dt>编译结果（后端原文记录）</dt><dd lang=\"en\" translate=\"no\">"));
    release();
}

/* Three words of English in a row. */
static bool is_english(const char *text, size_t length)
{
    unsigned words = 0;
    for (size_t i = 0; i < length;) {
        size_t n = 0;
        while (i + n < length && islower((unsigned char)text[i + n]))
            n++;
        words = n >= 2 || (n == 1 && text[i] == 'a') ? words + 1 : 0;
        if (words >= 3)
            return true;
        i += n;
        i += i < length && text[i] == ' ';
        while (n == 0 && i < length && !islower((unsigned char)text[i])) {
            words = 0;
            i++;
        }
    }
    return false;
}

/* Texts that come from the sample's records, and stay: nobody but its maker says them. */
static bool is_of_the_sample(const char *text, size_t length)
{
    static const char *const said[] = {"alert(1)", "a key may be hostile too", "no meter was found", "<b>&amp;", "the peak of the device is assumed",
                                       "other programs had 30 % of our cores", "k must be an integer from", "ended by signal 11", "cannot find the folder"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (memmem(text, length, said[i], strlen(said[i])))
            return true;
    return false;
}

static void expect_no_english(const char *text, size_t length)
{
    cr_expect(!is_english(text, length) || is_of_the_sample(text, length), "not in languages/page.def: %.*s", (int)(length < 300 ? length : 300), text);
}

Test(translate, no_english_sentence_is_left_on_the_chinese_page, .timeout = 60)
{
    cr_expect(is_english("x no launch ended", 17) && !is_english("gemm m=64 of it", 15) && !is_english("通过 by the", 13));
    write_both(ASSAY_REPORT_HTML);
    struct markup m = {.at = chinese};
    int           alone = 0;
    size_t        n = 0;
    while (markup_next(&m)) {
        if (!alone && m.text)
            expect_no_english(m.text, (size_t)(m.text_end - m.text)), n++;
        if (!strcmp(m.name, "code") || !strcmp(m.name, "pre") || !strcmp(m.name, "style"))
            alone += m.closes ? -1 : 1;
        for (size_t i = 0; !m.closes && i < m.n_attributes; i++)
            if (!strcmp(m.attribute[i].name, "title") || !strcmp(m.attribute[i].name, "aria-label") || !strcmp(m.attribute[i].name, "data-label"))
                expect_no_english(m.attribute[i].value, strlen(m.attribute[i].value));
    }
    cr_expect_gt(n, 500u);
    release();
}

Test(translate, markdown_keeps_its_lines_and_cells, .timeout = 60)
{
    write_both(ASSAY_REPORT_MARKDOWN);
    const char *e = english, *z = chinese;
    size_t      n = 0;
    for (; *e && *z; n++) {
        size_t in_english = 0, in_chinese = 0, le = strcspn(e, "\n"), lz = strcspn(z, "\n");
        for (size_t i = 0; i < le; i++)
            in_english += e[i] == '|' && (i == 0 || e[i - 1] != '\\');
        for (size_t i = 0; i < lz; i++)
            in_chinese += z[i] == '|' && (i == 0 || z[i - 1] != '\\');
        cr_expect_eq(in_english, in_chinese, "%.*s", (int)lz, z);
        expect_no_english(z, lz);
        e += le + (e[le] != 0);
        z += lz + (z[lz] != 0);
    }
    cr_expect(!*e && !*z && n > 20);
    cr_expect(strstr(chinese, "# Assay 测试报告\n") && strstr(chinese, "| 用例 | 后端 | 证据 |"));
    release();
}

static void expect_said(const char *text)
{
    char              room[1000];
    struct assay_text out = ASSAY_TEXT(room);
    cr_expect(assay_say_phrase(&out, ASSAY_CHINESE, text), "not in languages/page.def: %s", text);
}

Test(translate, every_figure_verdict_status_and_mark_has_its_words)
{
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
        expect_said(assay_figure_metric_title((enum assay_metric)m));
        expect_said(assay_metric_row((enum assay_metric)m)->definition);
    }
    for (enum assay_outcome o = ASSAY_PASS; o <= ASSAY_NOT_CHECKED; o++) {
        expect_said(assay_outcome_name(o));
        expect_said(assay_figure_outcome_about(o));
    }
    for (int i = ASSAY_STATUS_OK; i <= ASSAY_STATUS_ERROR; i++) {
        expect_said(assay_status_name((enum assay_status)i));
        expect_said(assay_figure_status_about((enum assay_status)i));
    }
    for (enum assay_evidence e = ASSAY_EVIDENCE_MEASURED; e <= ASSAY_EVIDENCE_INSTRUMENT; e++) {
        expect_said(assay_evidence_name(e));
        expect_said(assay_figure_evidence_about(e));
    }
    for (int c = ASSAY_CLOCK_HOST; c <= ASSAY_CLOCK_MODEL; c++)
        expect_said(assay_figure_clock_about((enum assay_clock)c));
    for (int p = 0; p < ASSAY_PHASE_COUNT; p++)
        expect_said(assay_phase_name((enum assay_phase)p));
}

Test(translate, what_cannot_be_read_or_is_cut_is_an_error)
{
    struct assay_error err = {0}, cut = {0};
    struct scratch     here = scratch_new();
    cr_expect_neq(assay_report_translate(in(&here, "none"), ASSAY_REPORT_HTML, ASSAY_CHINESE, in(&here, "zh"), &err), ASSAY_OK);
    cr_expect(strstr(err.message, "none"), "%s", err.message);
    put_bytes(in(&here, "cut"), "<p>pass</p", 10);
    cr_expect_eq(assay_report_translate(in(&here, "cut"), ASSAY_REPORT_HTML, ASSAY_CHINESE, in(&here, "zh"), &cut), ASSAY_DATA);
    scratch_remove(&here);
}
