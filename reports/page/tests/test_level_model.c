#include "reports/tests/level_sample.h"
#include "reports/tests/markup.h"

static struct scratch        s;
static struct assay_findings level;
static char                 *page;

static void begin(void)
{
    s = scratch_new();
    sample_level(&level);
    page = sample_level_report(&level, ASSAY_REPORT_HTML, in(&s, "index.html"));
}

static void end(void)
{
    free(page);
    assay_findings_release(&level);
    scratch_remove(&s);
}

Test(level_model, nothing_that_a_document_says_breaks_out_of_the_page, .init = begin, .fini = end, .timeout = 60)
{
    char          room[200];
    struct markup m = {.at = page};
    cr_expect(markup_is_well_formed(page, room), "%s", room);
    while (markup_next(&m)) {
        cr_expect_str_neq(m.name, "script");
        for (size_t i = 0; !m.closes && i < m.n_attributes; i++)
            cr_expect(strncmp(m.attribute[i].name, "on", 2) != 0, "<%s %s>", m.name, m.attribute[i].name);
    }
}

Test(level_model, tells_the_node_that_diverges_first_with_its_errors, .init = begin, .fini = end, .timeout = 60)
{
    cr_expect(strstr(page, "<b>1</b> of 3 models proved right on "));
    cr_expect(strstr(page, "<td class=\"num\" data-label=\"nodes\">4</td><td class=\"num\" data-label=\"diverging\">2</td>"));
    cr_expect(strstr(page, "<td class=\"num\" data-label=\"error in\">1.5e-07</td><td class=\"num\" data-label=\"carried\">2.5e-07</td>"
                           "<td class=\"num\" data-label=\"added\">3.5e-07</td><td class=\"num\" data-label=\"out\">4.5e-07</td>"
                           "<td class=\"num\" data-label=\"worst error\">0.25</td><td class=\"num\" data-label=\"its bound\">1e-06</td>"));
    cr_expect(strstr(page, "4 of 9 values: those that diverge"), "what is left out is counted");
    cr_expect(strstr(page, "<i class=\"v1 h1\" translate=\"no\" title=\"head (MatMul): 0.6\"></i>"), "a mark a value, in the colour of what is beside rounding");
    cr_expect(strstr(page, "<i class=\"v3 h0\" translate=\"no\" title=\"b&lt;node&gt; (MatMul): ∞\"></i>"));
}

Test(level_model, tells_of_choices_and_of_the_step_where_tokens_part, .init = begin, .fini = end, .timeout = 60)
{
    cr_expect(strstr(page, "<td class=\"num\" data-label=\"on the device\">30</td><td class=\"num\" data-label=\"reference\">31</td>"));
    cr_expect(strstr(page, "step 6<small>margin 0.75, bounds 0.12</small>"), "choice 13 of 2 sequences is of step 6");
    cr_expect(strstr(page, "step 4<small>margin 0.062, bounds 0.25</small>"));
}

Test(level_model, trainings_stand_with_their_statistic_and_every_pair, .init = begin, .fini = end, .timeout = 60)
{
    cr_expect(strstr(page, "<span class=\"v v3\">not equivalent</span>"), "B alone diverged in a pair");
    cr_expect(strstr(page, "<dt>margin</dt><dd>0.02500</dd>") && strstr(page, "<dt>complete pairs</dt><dd>3</dd>") && strstr(page, "<dt>diverged on B</dt><dd>1</dd>"));
    cr_expect(strstr(page, "<td class=\"num\" data-label=\"B − A\">+0.00200</td>"));
    cr_expect(strstr(page, "<td class=\"num\" data-label=\"loss B\">–</td><td class=\"num\" data-label=\"B − A\">–</td>"));
    cr_expect(strstr(page, "Gradients of <b>0</b> of 1 nets proved right on ") && strstr(page, "<td class=\"num v3 h0\" data-label=\"error / bound\">32</td>"));
    cr_expect(strstr(page, "<td class=\"num v1 h2\" data-label=\"error / bound\">0.5</td>"));
}

Test(level_model, a_page_of_a_level_alone_has_no_section_of_a_run, .init = begin, .fini = end, .timeout = 60)
{
    cr_expect(!strstr(page, "<section id=\"summary\">") && strstr(page, "<section id=\"level-model-1\">") && strstr(page, "<a href=\"#level-training-1\">Training</a>"));
}
