#include "harness/cli/validate_repeats.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/cli/table.h"
#include "harness/judge/repeatability.h"
#include "harness/judge/repeats_seen.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

static void say_share(const struct assay_agreement *a, const char *why, char out[256])
{
    struct assay_text text = assay_text_over(out, 256);
    if (a->runs)
        assay_repeats_say(a, &text);
    else
        assay_text_add(&text, "%s", why);
}

enum assay_code assay_cli_print_repeats(const struct assay_run_folder *folder, struct assay_error *err)
{
    struct assay_repeats_seen *seen = NULL;
    struct assay_table         table;
    size_t                     n = 0;
    if (assay_repeats_seen_of(folder, &seen, &n, err))
        return err->code;
    assay_table_init(&table, (const char *const[]){"case", "backend", "executions within a launch (95 %)", "launches (95 %)", NULL});
    for (size_t i = 0; i < n; i++) {
        char name[ASSAY_CASE_NAME_BYTES], runs[256], processes[256];
        assay_case_brief(seen[i].case_name, name);
        say_share(&seen[i].runs, seen[i].why_no_runs, runs);
        say_share(&seen[i].processes, seen[i].why_no_processes, processes);
        assay_table_row(&table, (const char *const[]){name, seen[i].backend, runs, processes});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    free(seen);
    return ASSAY_OK;
}
