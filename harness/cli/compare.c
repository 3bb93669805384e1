#include <jansson.h>
#include <stdlib.h>

#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/judge/compare.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

struct compare_options {
    char   a[640], b[640];
    double margin;
    bool   json;
};

static const struct assay_option options[] = {
    {.name = "backend-a", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct compare_options, a), .bytes = 640, .dflt = "",
     .help = "which back end of A, when it has several"},
    {.name = "backend-b", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct compare_options, b), .bytes = 640, .dflt = "",
     .help = "which back end of B"},
    {.name = "margin", .type = ASSAY_OPT_F64, .offset = offsetof(struct compare_options, margin), .dflt = "", .min = 0,
     .max = 10, .help = "share by which B may be slower, 0.02 = 2 %; without it: what A against A shows on this machine"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct compare_options, json), .dflt = "false",
     .help = "print JSON"},
    {0},
};

static void time_cell(char out[64], const struct assay_summary_row *row)
{
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    struct assay_text            text = assay_text_over(out, 64);
    if (!e->has_value) {
        assay_text_add(&text, "–");
        return;
    }
    assay_string_quantity(&text, e->value / 1e9, "s", 4);
    if (e->has_interval)
        assay_text_add(&text, " ±%.1f %%", 50 * (e->high - e->low) / e->value);
}

static void print(const struct assay_compare *c)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"B is", ">time B/A", ">95 % interval", ">A", ">B", "evidence", "case", "why", NULL});
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct assay_compare_row *r = &c->rows[i];
        char ratio[32] = "–", interval[64] = "–", a[64], b[64], evidence[96], name[ASSAY_CASE_NAME_BYTES];
        if (r->ratio.has_value)
            (void)snprintf(ratio, sizeof ratio, "%.4f", r->ratio.value);
        if (r->ratio.has_interval)
            (void)snprintf(interval, sizeof interval, "%.4f–%.4f", r->ratio.low, r->ratio.high);
        time_cell(a, r->a);
        time_cell(b, r->b);
        (void)snprintf(evidence, sizeof evidence, "%s%s%s", assay_evidence_name(r->a->evidence), r->evidence_differs ? " / " : "",
                       r->evidence_differs ? assay_evidence_name(r->b->evidence) : "");
        assay_case_brief(r->a->case_name, name);
        assay_table_row(&table, (const char *const[]){assay_comparison_name(r->outcome), ratio, interval, a, b, evidence, name, r->why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    printf("\nmargin: %.2f %% (%s)\n%s\n", 100 * c->delta, c->delta_how, c->family_how);
    if (c->only_a || c->only_b)
        printf("left out: %zu cases only in A, %zu only in B\n", c->only_a, c->only_b);
    printf("B is %s: %s\n", c->outcome == ASSAY_UNDECIDED ? "neither shown worse nor shown no worse" : assay_comparison_name(c->outcome), c->why);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct compare_options *o = given_options;
    struct assay_error            err = {.code = ASSAY_OK};
    struct assay_summary          a = {0}, b = {0};
    struct assay_compare          compare = {0};
    enum assay_exit               result = ASSAY_EXIT_INSUFFICIENT;
    double margin = -1; /* to be found from the runs */
    for (size_t row = 0; options[row].name; row++)
        if (given[row] && options[row].offset == offsetof(struct compare_options, margin))
            margin = o->margin;
    if (n < 1 || n > 2)
        return assay_cli_usage("compare needs two run folders, or one with --backend-a and --backend-b");
    struct assay_compare_setup setup = {*o->a ? o->a : NULL, *o->b ? o->b : NULL, margin};
    if (!assay_summary_read(operands[0], &a, &err) && !assay_summary_read(operands[n - 1], &b, &err) &&
        !assay_compare_runs(&a, &b, &setup, &compare, &err)) {
        assay_cli_note_torn(a.folder);
        if (n == 2)
            assay_cli_note_torn(b.folder);
        if (o->json)
            assay_cli_print_json(assay_compare_to_json(&compare));
        else
            print(&compare);
        result = compare.outcome == ASSAY_WORSE      ? ASSAY_EXIT_NO
                 : compare.outcome == ASSAY_NO_WORSE ? ASSAY_EXIT_YES
                                                     : ASSAY_EXIT_INSUFFICIENT;
    }
    if (err.code)
        result = assay_cli_fail(&err);
    assay_compare_release(&compare);
    assay_summary_release(&b);
    assay_summary_release(&a);
    return result;
}

const struct assay_verb assay_verb_compare = {
    .name = "compare",
    .operands = "A [B]",
    .summary = "is B worse than A, case by case: worse, no worse, or undecided",
    .details = "A and B are run folders; with one folder, two back ends of it. Exit status 0: no worse; 1: worse; 5: undecided, with\n"
               "what would settle it.",
    .options = options,
    .options_bytes = sizeof(struct compare_options),
    .run = run,
};
