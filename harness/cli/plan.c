#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/cli/cli.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

struct plan_options {
    char out[512];
};

static const struct assay_option options[] = {
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct plan_options, out), .bytes = 512, .dflt = "",
     .help = "write the plan to this file instead of standard output"},
    {0},
};

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct plan_options *o = given_options;
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_plan          plan;
    (void)given;
    if (n != 1)
        return assay_cli_usage("plan needs one suite: assay plan quick");
    if (assay_plan_read(operands[0], &plan, &err))
        return assay_cli_fail(&err);
    json_t *json = assay_plan_to_json(&plan);
    char   *text = assay_json_pretty(json);
    json_decref(json);
    assay_plan_release(&plan);
    if (!text)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for the plan's text");
    else if (!*o->out)
        puts(text);
    else {
        size_t length = strlen(text);
        text[length] = '\n'; /* in the place of the NUL: the same bytes as on standard output */
        (void)assay_file_replace(o->out, text, length + 1, &err);
    }
    free(text);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_plan = {
    .name = "plan",
    .operands = "SUITE",
    .summary = "prints the cases of a suite; the same bytes every time",
    .options = options,
    .options_bytes = sizeof(struct plan_options),
    .run = run,
};
