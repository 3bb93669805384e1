#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/judge/policy_check.h"
#include "reports/language.h"

#include "assay/banned.h"

static void print_rules(const struct assay_policy *policy)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"rule", "kind", "clause", "asks", "division", "case", NULL});
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct assay_rule *r = &policy->rules[i];
        char                     asks[200], clause[160], brief[ASSAY_CASE_NAME_BYTES] = "–";
        struct assay_text        text = ASSAY_TEXT(asks);
        assay_say_required(&text, ASSAY_ENGLISH, r);
        (void)snprintf(clause, sizeof clause, "%.80s %.40s", r->document, r->number);
        if (*r->case_name)
            assay_case_brief(r->case_name, brief);
        else if (r->every_case)
            (void)snprintf(brief, sizeof brief, "every case");
        assay_table_row(&table, (const char *const[]){r->id, assay_rule_kind_name(r->kind), clause, asks,
                                                      assay_division_name(r->division), brief});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static enum assay_exit print_findings(const struct assay_policy *policy, const struct assay_finding *found, size_t n)
{
    print_rules(policy);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        char *rule = found[i].rule ? assay_string_escaped(ASSAY_ESCAPE_TERMINAL, found[i].rule->id) : NULL;
        char *what = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, found[i].what);
        printf("%s%s%s\n", rule ? rule : "policy", ": ", what ? what : "");
        free(rule);
        free(what);
    }
    printf("%zu rules, %zu mandatory: %zu %s\n", policy->n_rules, policy->n_mandatory, n, n == 1 ? "finding" : "findings");
    return n ? ASSAY_EXIT_NO : ASSAY_EXIT_YES;
}

static enum assay_exit run(size_t n, char **operands, const void *options, const bool *given)
{
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_policy        policy = {.owned = NULL};
    struct assay_qualification q = {.owned = NULL};
    struct assay_finding      *found = NULL;
    size_t                     n_found = 0, read = 0;
    enum assay_exit            result = ASSAY_EXIT_YES;
    (void)options, (void)given;
    if (n < 2 || strcmp(operands[0], "check") != 0)
        return assay_cli_usage("policy needs 'check' and a policy: assay policy check inference-service");
    struct assay_summary *runs = calloc(n, sizeof *runs);
    if (!runs)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for %zu runs", n);
    if (!err.code && !assay_policy_read(operands[1], &policy, &err)) {
        while (read < n - 2 && !assay_summary_read(operands[2 + read], &runs[read], &err))
            read++;
        if (!err.code && n > 2)
            (void)assay_qualify(&policy, runs, read, &q, &err);
        if (!err.code && !assay_policy_check(&policy, n > 2 ? &q : NULL, &found, &n_found, &err))
            result = print_findings(&policy, found, n_found);
    }
    free(found);
    assay_qualification_release(&q);
    while (read)
        assay_summary_release(&runs[--read]);
    free(runs);
    assay_policy_release(&policy);
    return err.code ? assay_cli_fail(&err) : result;
}

const struct assay_verb assay_verb_policy = {
    .name = "policy",
    .operands = "check POLICY [DIR…]",
    .summary =
        "what a policy asks, and what is wrong with it: clauses no case decides, points that do not add up, a threshold one alone can meet",
    .details =
        "POLICY is a name (inference-service, training-cluster, mixed, state-funded-site) or a path that ends in .json. With run folders,\n"
        "thresholds are held against what their candidates reach. Exit status 0: nothing found; 1: findings; 2: it cannot be read.",
    .run = run,
};
