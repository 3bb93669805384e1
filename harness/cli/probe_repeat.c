#include "harness/cli/probe_repeat.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/strings.h"
#include "harness/cli/table.h"
#include "harness/judge/repeatability.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

static void on_progress(void *self, const char *what)
{
    const struct assay_probe_repeat *with = self;
    if (!with->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%.79s", what);
}

/* What differs from run to run differs among neighbours too, for no reason of theirs. */
static bool cannot_be_told_apart(const struct assay_repeatability *r, int property)
{
    return property != ASSAY_REPEATS_RUNS && r->property[property].agreement.differing && r->property[ASSAY_REPEATS_RUNS].agreement.differing;
}

static void add_rows(struct assay_table *table, const char *name, const struct assay_repeatability *r)
{
    for (int i = 0; i < ASSAY_REPEATS_COUNT; i++) {
        const struct assay_repeats_property *p = &r->property[i];
        char                                 found[160] = "not asked", how[512] = "";
        struct assay_text                    text = ASSAY_TEXT(found), first = ASSAY_TEXT(how);
        if (p->has) {
            text = assay_text_over(found, sizeof found);
            assay_repeats_say(&p->agreement, &text);
            assay_repeats_say_first(&p->agreement, &first);
            if (cannot_be_told_apart(r, i))
                assay_text_add(&first, "; runs differ too: this may be the same");
        }
        assay_table_row(table, (const char *const[]){i ? "" : name, assay_repeats_name((enum assay_repeats)i),
                                                     assay_repeats_about((enum assay_repeats)i), found,
                                                     p->has ? how : p->why});
    }
}

static enum assay_exit worse(enum assay_exit a, enum assay_exit b)
{
    static const int badness[] = {[ASSAY_EXIT_YES] = 0, [ASSAY_EXIT_NO] = 2, [ASSAY_EXIT_USAGE] = 4, [ASSAY_EXIT_NOTHING] = 3,
                                  [ASSAY_EXIT_BUG] = 5, [ASSAY_EXIT_INSUFFICIENT] = 1};
    return badness[a] > badness[b] ? a : b;
}

static enum assay_exit exit_of(const struct assay_repeatability *r)
{
    bool any = false;
    for (int i = 0; i < ASSAY_REPEATS_COUNT; i++) {
        if (r->property[i].agreement.differing)
            return ASSAY_EXIT_NO;
        any = any || r->property[i].has;
    }
    return any ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
}

static enum assay_code find(const struct assay_probe_repeat *with, const char *name, struct assay_case *c, struct assay_repeatability *out,
                            struct assay_error *err)
{
    struct assay_repeatability_request request = {
        .what = c, .backend = with->backend, .runs = with->runs, .processes = with->processes, .arrangements = with->arrangements,
        .seed = with->seed, .timeout_ns = with->timeout_ns, .stop = &assay_cli_interrupted, .progress = on_progress, .self = (void *)(uintptr_t)with,
    };
    if (assay_case_parse(name, c, err))
        return err->code;
    enum assay_code code = assay_repeatability_find(&request, out, err);
    if (!with->quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    return code ? assay_error_in(err, "asking how '%.80s' repeats", name) : ASSAY_OK;
}

enum assay_exit assay_cli_probe_repeat(size_t n, char **cases, const struct assay_probe_repeat *with)
{
    enum assay_exit    result = ASSAY_EXIT_YES;
    json_t            *all = json_array();
    struct assay_table table;
    assay_cli_catch_interrupts();
    assay_table_init(&table, (const char *const[]){"case", "property", "what is compared", "found (95 %)", "where, how much; or why not", NULL});
    for (size_t i = 0; i < n && !assay_cli_interrupted; i++) {
        struct assay_error         err = {.code = ASSAY_OK};
        struct assay_case          c = {.params = NULL};
        struct assay_repeatability r = {.property = {{.has = false}}};
        char                       brief[ASSAY_CASE_NAME_BYTES];
        if (find(with, cases[i], &c, &r, &err)) {
            result = worse(result, assay_cli_fail(&err));
        } else {
            assay_case_brief(c.name, brief);
            add_rows(&table, brief, &r);
            json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "case", c.name, "backend", with->backend, "properties",
                                                 assay_repeatability_to_json(&r)));
            result = worse(result, exit_of(&r));
        }
        assay_case_release(&c);
    }
    if (with->json)
        assay_cli_print_json(all);
    else {
        json_decref(all);
        if (table.n_rows)
            assay_table_print(&table, stdout);
    }
    assay_table_release(&table);
    return result;
}
