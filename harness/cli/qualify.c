#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/operands.h"
#include "harness/cli/table.h"
#include "harness/judge/qualify.h"
#include "reports/decision/decision.h"

#include "assay/banned.h"

struct qualify_options {
    char policy[512], claims[512], lang[64], out[512];
    bool json;
};

static const struct assay_option options[] = {
    {.name = "policy",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct qualify_options, policy),
     .bytes = 512,
     .dflt = NULL,
     .help = "name of a policy, or a path that ends in .json"},
    {.name = "claims",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct qualify_options, claims),
     .bytes = 512,
     .dflt = "",
     .help = "what vendors say, to be held against what was measured: a name (p800-bandwidth) or a path that ends in .json"},
    {.name = "lang",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct qualify_options, lang),
     .bytes = 64,
     .dflt = "en,zh",
     .help = "languages of the pages and, the first, of the table: en, zh"},
    {.name = "o",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct qualify_options, out),
     .bytes = 512,
     .dflt = "",
     .help = "folder of decision.en.html, decision.zh.html and decision.json; none are written without it"},
    {.name = "json",
     .type = ASSAY_OPT_BOOL,
     .offset = offsetof(struct qualify_options, json),
     .dflt = "false",
     .help = "print JSON"},
    {0},
};

struct languages {
    enum assay_language language[ASSAY_LANGUAGES];
    size_t              n;
    struct assay_error *err;
};

static bool choose(void *self, const char *part)
{
    struct languages   *l = self;
    enum assay_language language;
    if (!assay_language_find(part, &language)) {
        (void)ASSAY_FAIL(l->err, ASSAY_CONFIG, "unknown language '%.20s' (en, zh)", part);
        return false;
    }
    for (size_t i = 0; i < l->n; i++)
        if (l->language[i] == language)
            return true;
    l->language[l->n++] = language;
    return true;
}

/* ---- on the terminal --------------------------------------------------------------------------------------------- */

static void print_candidate(const struct assay_qualification *q, const struct assay_candidate *c, enum assay_language language)
{
    struct assay_table table;
    char               sentence[512];
    struct assay_text  text = ASSAY_TEXT(sentence);
    assay_say_candidate(&text, language, q->policy, c);
    char *shown = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, sentence);
    printf("%s\n", shown ? shown : "");
    free(shown);
    assay_table_init(&table,
                     (const char *const[]){assay_say(language, ASSAY_SAY_RULE_COLUMN), assay_say(language, ASSAY_SAY_OUTCOME), assay_say(language, ASSAY_SAY_FOUND),
                                           assay_say(language, ASSAY_SAY_DOUBTS), NULL});
    for (size_t i = 0; i < q->policy->n_rules; i++) {
        const struct assay_rule_result *r = &c->results[i];
        char                            why[700], settle[400];
        struct assay_text               w = ASSAY_TEXT(why), s = ASSAY_TEXT(settle);
        assay_say_why(&w, language, r);
        if (r->decision == ASSAY_INSUFFICIENT || r->more_launches)
            assay_say_settle(&s, language, r);
        assay_table_row(&table, (const char *const[]){r->rule->id, assay_say_decision(language, r->decision), why, settle});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    putchar('\n');
}

static void print_claims(const struct assay_claims *claims, enum assay_language language)
{
    struct assay_table table;
    assay_table_init(&table,
                     (const char *const[]){assay_say(language, ASSAY_SAY_DEVICE_COLUMN), assay_say(language, ASSAY_SAY_CLAIM), assay_say(language, ASSAY_SAY_CLAIMED),
                                           assay_say(language, ASSAY_SAY_COMPARED), assay_say(language, ASSAY_SAY_RATIO),
                                           assay_say(language, ASSAY_SAY_OUTCOME), NULL});
    for (size_t i = 0; i < claims->n; i++) {
        const struct assay_claim *c = &claims->claims[i];
        char                      claimed[64], value[160] = "–", ratio[32] = "–";
        (void)snprintf(claimed, sizeof claimed, "%.6g %.20s", c->claimed.stated, c->claimed.unit);
        if (c->evidence) {
            (void)snprintf(value, sizeof value, "%.4g %.20s (%.60s)", c->value, c->claimed.unit,
                           assay_say_evidence(language, c->evidence));
            (void)snprintf(ratio, sizeof ratio, "%.2f", c->ratio);
        }
        assay_table_row(&table,
                        (const char *const[]){c->device, c->text, claimed, value, ratio, assay_say_claim(language, c->verdict)});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    putchar('\n');
}

static enum assay_code write_out(const struct assay_qualification *q, const struct assay_claims *claims,
                                 const struct languages *l, const char *folder, struct assay_error *err)
{
    char                         path[1024], name[64];
    struct assay_guarantees      orders = {.n = 0};
    struct assay_decision_extras extras = {claims, &orders};
    if (assay_folder_make(folder, err))
        return err->code;
    (void)assay_guarantees_find(q, &orders, err);
    for (size_t i = 0; i < l->n && !err->code; i++) {
        (void)snprintf(name, sizeof name, "decision.%s.html", assay_language_name(l->language[i]));
        if (!assay_path_join(path, sizeof path, folder, name, err) && !assay_decision_write(q, &extras, l->language[i], path, err))
            puts(path);
    }
    assay_guarantees_release(&orders);
    if (err->code)
        return err->code;
    json_t *json = assay_decision_to_json(q, claims);
    char   *bytes = json ? assay_json_pretty(json) : NULL;
    json_decref(json);
    if (!bytes)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the decision as JSON");
    if (!assay_path_join(path, sizeof path, folder, "decision.json", err) && !assay_file_replace(path, bytes, strlen(bytes), err))
        puts(path);
    free(bytes);
    return err->code;
}

static enum assay_exit exit_of(enum assay_decision decision)
{
    return decision == ASSAY_QUALIFIED       ? ASSAY_EXIT_YES
           : decision == ASSAY_NOT_QUALIFIED ? ASSAY_EXIT_NO
                                             : ASSAY_EXIT_INSUFFICIENT;
}

static void tell(const struct assay_qualification *q, const struct assay_claims *claims, const struct languages *l,
                 const struct qualify_options *o, struct assay_error *err)
{
    if (o->json)
        assay_cli_print_json(assay_decision_to_json(q, claims));
    else
        for (size_t i = 0; i < q->n; i++)
            print_candidate(q, &q->candidates[i], l->language[0]);
    if (claims && !o->json)
        print_claims(claims, l->language[0]);
    if (*o->out)
        (void)write_out(q, claims, l, o->out, err);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct qualify_options *o = given_options;
    struct assay_error            err = {.code = ASSAY_OK};
    struct languages              languages = {.err = &err};
    struct assay_policy           policy = {.owned = NULL};
    struct assay_qualification    q = {.owned = NULL};
    struct assay_claims           claims = {.owned = NULL};
    size_t                        read = 0;
    enum assay_exit               result = ASSAY_EXIT_INSUFFICIENT;
    (void)given;
    if (n == 0 || !*o->policy)
        return assay_cli_usage("qualify needs a policy and run folders: assay qualify --policy inference-service out/quick");
    (void)assay_cli_once(n, operands, &err);
    if (!err.code)
        (void)assay_string_split(o->lang, ',', choose, &languages);
    if (!err.code && !languages.n)
        (void)ASSAY_FAIL(&err, ASSAY_CONFIG, "no language was given (en, zh)");
    struct assay_summary *runs = calloc(n, sizeof *runs);
    if (!runs)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for %zu runs", n);
    if (!err.code && !assay_policy_read(o->policy, &policy, &err)) {
        for (; read < n && !assay_summary_read(operands[read], &runs[read], &err); read++)
            assay_cli_note_torn(runs[read].folder);
        if (!err.code && *o->claims)
            (void)assay_claims_read(o->claims, runs, read, &claims, &err);
        if (!err.code && !assay_qualify(&policy, runs, read, &q, &err)) {
            tell(&q, claims.owned ? &claims : NULL, &languages, o, &err);
            result = exit_of(q.decision);
        }
    }
    assay_qualification_release(&q);
    assay_claims_release(&claims);
    while (read)
        assay_summary_release(&runs[--read]);
    free(runs);
    assay_policy_release(&policy);
    return err.code ? assay_cli_fail(&err) : result;
}

const struct assay_verb assay_verb_qualify = {
    .name = "qualify",
    .operands = "DIR…",
    .summary =
        "does a candidate meet a policy: qualified, not qualified, insufficient evidence; with the page that a board signs",
    .details =
        "A candidate is one back end's device in one run folder. A folder of the same device that holds a curve and nothing else, or no\n"
        "case that the policy names, counts for that candidate: its curve, its crashes, its wrong outputs. Only what was measured on\n"
        "hardware and validated can qualify; what is modelled stands in a list of its own. Exit status 0: at least one candidate is\n"
        "qualified; 1: every candidate is not; 5: neither, with what would settle it.",
    .options = options,
    .options_bytes = sizeof(struct qualify_options),
    .run = run,
};
