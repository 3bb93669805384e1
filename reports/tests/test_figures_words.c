#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "reports/figures.h"
#include "reports/tests/sample_run.h"

static const char *say(void (*what)(struct assay_text *, const struct assay_check *), const struct assay_check *check)
{
    static char       room[4][512];
    static unsigned   next;
    char             *at = room[next++ % 4];
    struct assay_text text = assay_text_over(at, sizeof room[0]);
    what(&text, check);
    cr_expect(!text.cut);
    return at;
}

Test(figures_words, scope_says_how_much_was_compared_and_how)
{
    struct assay_check c = {.assurance = ASSAY_ASSURANCE_ALGEBRAIC, .elements = 1, .sums = 1024, .of_elements = 1000000};
    cr_expect_str_eq(say(assay_figure_check_scope, &c), "algebraic: every output element went through random sums with their own bound, 1 comparison of a single "
                                                        "element and 1,024 of sums; one iteration has 1,000,000 output elements");
    c.sums = 0;
    for (enum assay_assurance a = ASSAY_ASSURANCE_FULL; a <= ASSAY_ASSURANCE_LEARNED; a++) {
        c.assurance = a;
        const char *said = say(assay_figure_check_scope, &c);
        cr_expect(strncmp(said, assay_assurance_name(a), strlen(assay_assurance_name(a))) == 0 && !strstr(said, "of sums"), "%s", said);
    }
    c.assurance = ASSAY_ASSURANCE_NONE;
    cr_expect_str_eq(say(assay_figure_check_scope, &c), "nothing was compared with the reference");
}

Test(figures_words, worst_element_is_named_with_both_numbers_and_its_bound)
{
    struct assay_check c = {.worst_ratio = 0.4567, .median_ratio = NAN, .worst_value = "C", .worst_index = 7, .worst_iteration = 12,
                            .worst_observed = 1.25, .worst_expected = 1.5, .worst_bound = 0.547};
    cr_expect_str_eq(say(assay_figure_check_worst, &c), "observed/bound 0.457 at C[7] of iteration 12: observed 1.25, expected 1.5, allowed difference 0.547");
    c.median_ratio = 0.031;
    cr_expect(strstr(say(assay_figure_check_worst, &c), "; the median element is at 0.031 of its bound"));
    c.worst_ratio = INFINITY; /* not a number was written: the element is still named */
    cr_expect(strstr(say(assay_figure_check_worst, &c), "observed/bound inf at C[7]"));
    c.worst_ratio = NAN;
    c.worst_index = -1;
    cr_expect_str_eq(say(assay_figure_check_worst, &c), "none: no element was compared");
}

Test(figures_words, iterations_and_faults_say_what_would_have_been_found)
{
    struct assay_check c = {.judged = 4, .iterations = 1000, .equal = 12, .cheat_share_found = 0.527, .smallest_fault = 2e-6};
    cr_expect_str_eq(say(assay_figure_check_iterations, &c), "judged 4 of 1,000 timed iterations, 12 more are bitwise equal to a judged one; a device that cheats in 52.7 % of "
                                                             "iterations would have been found with 95 %");
    c.equal = 0;
    c.cheat_share_found = 1; /* nothing below all of them would have been found */
    cr_expect_str_eq(say(assay_figure_check_iterations, &c), "judged 4 of 1,000 timed iterations; too few were judged to say what share of cheated iterations would have been found");
    cr_expect_str_eq(say(assay_figure_check_fault, &c), "a fault in one element is found with 99 % from 2e-06 of the output's root mean square up");
    for (int k = 0; k < 3; k++) {
        c.smallest_fault = (double[]){NAN, INFINITY, 0}[k];
        cr_expect_str_eq(say(assay_figure_check_fault, &c), "not known: nothing was compared from which it follows");
    }
}

Test(figures_words, run_counts_cases_back_ends_and_launches)
{
    struct scratch       s = scratch_new();
    struct builder       b;
    struct assay_summary run;
    char                 room[512];
    struct assay_text    text = ASSAY_TEXT(room);
    builder_begin(&b, &s, "one", json_object());
    builder_launches(&b, 0, "a", (double[]){1, 1, 1}, 3, 0);
    builder_launches(&b, 1, "a", (double[]){1}, 1, 0);
    builder_launches(&b, 0, "b", (double[]){1, 1}, 2, 0);
    builder_end(&b, &run);
    assay_figure_run(&text, &run);
    cr_expect_str_eq(room, "2 cases on 2 back ends, up to 3 launches each");
    text = ASSAY_TEXT(room);
    assay_figure_run_name(&text, &run);
    cr_expect_str_eq(room, "one", "where the folder stands is not its name");
    text = ASSAY_TEXT(room);
    assay_figure_seed(&text, &run);
    cr_expect_str_eq(room, "not recorded");
    cr_expect_str_eq(assay_figure_manifest(&run, "suite"), "");
    assay_summary_release(&run);
    scratch_remove(&s);
}

Test(figures_words, manifest_gives_suite_and_seed)
{
    struct scratch       s = scratch_new();
    struct builder       b;
    struct assay_summary run;
    char                 room[512];
    struct assay_text    text = ASSAY_TEXT(room);
    sample_run(&b, &s, "run", &run);
    assay_figure_run(&text, &run);
    cr_expect(strncmp(room, "Suite =x<script>", 16) == 0 && strstr(room, ": 5 cases on 4 back ends, up to 3 launches each"), "%s: plain text, escaped by who writes it", room);
    text = ASSAY_TEXT(room);
    assay_figure_seed(&text, &run);
    cr_expect_str_eq(room, "7");
    assay_summary_release(&run);
    scratch_remove(&s);
}
