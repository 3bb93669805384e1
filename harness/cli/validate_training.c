/* `assay validate --backend B --level training`: gradients param by param, then trainings in pairs. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/cli/validate_level.h"
#include "harness/judge/gradients.h"
#include "harness/judge/trainings.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

struct training {
    const struct assay_validate_level *with;
    const char                        *what; /* is going on */
    char                               folder[ASSAY_LEVEL_FOLDER_BYTES];
    struct assay_gradients             gradients;
    struct assay_trainings             trainings;
    bool                               compared; /* trainings are there */
};

static void on_progress(void *self, size_t done, size_t all, const char *line)
{
    const struct training *t = self;
    assay_cli_progress(t->with->quiet, t->what, done, all, line);
}

/* ---- running ------------------------------------------------------------------------------------------------- */

static enum assay_code check_gradients(struct training *t, struct assay_error *err)
{
    char folder[4096];
    if (assay_path_join(folder, sizeof folder, t->folder, "gradients", err))
        return err->code;
    struct assay_level_request request = {
        .backend = t->with->backend, .folder = folder, .timeout_ns = t->with->timeout_ns, .seed = t->with->seed,
        .arguments = assay_cli_arguments, .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted,
        .progress = on_progress, .self = t,
    };
    t->what = "gradients";
    return assay_gradients_run(&request, &t->gradients, err);
}

/* Mistakes are told, and the protocol is written, before anything runs. */
static enum assay_code run_both(struct training *t, struct assay_error *err)
{
    const struct assay_validate_level *w = t->with;
    struct assay_trainings_request     request = {
            .backend = w->backend, .against = w->against, .folder = t->folder, .case_name = w->n_cases ? w->cases[0] : NULL,
            .pairs = w->pairs, .margin = w->margin, .first_seed = w->seed >= 0 ? (uint64_t)w->seed : 1, .timeout_ns = w->timeout_ns,
            .arguments = assay_cli_arguments, .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted,
            .progress = on_progress, .self = t,
    };
    if ((w->pairs && assay_trainings_begin(&request, err)) || check_gradients(t, err) || !w->pairs)
        return err->code;
    t->what = "trainings";
    t->compared = !assay_trainings_run(&request, &t->trainings, err);
    return err->code;
}

/* ---- what it came to ----------------------------------------------------------------------------------------- */

static void number(char out[32], const char *format, double x)
{
    (void)snprintf(out, 32, "%s", isnan(x) ? "–" : "");
    if (!isnan(x))
        (void)snprintf(out, 32, format, x); /* NOLINT(clang-diagnostic-format-nonliteral): both are here */
}

/* Every gradient, and of the other outputs those that do not simply pass. */
static void print_gradients(const struct assay_gradients *g)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"verdict", ">rel. error", ">1 - cosine", ">error/bound", ">worst", "what", "case", NULL});
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct assay_gradient_row *r = &g->rows[i];
        char error[32], cosine[32], ratio[32], worst[32], what[ASSAY_VALUE_NAME_BYTES + 16], name[ASSAY_CASE_NAME_BYTES];
        if (!r->is_gradient && r->found.outcome != ASSAY_FAIL)
            continue;
        number(error, "%.2g", r->found.error);
        number(cosine, "%.2g", 1 - r->found.cosine);
        number(ratio, "%.3g", r->found.worst_ratio);
        (void)snprintf(worst, sizeof worst, "%s[%" PRId64 "]", r->found.worst_is_sum ? "sum " : "", r->found.worst_index);
        (void)snprintf(what, sizeof what, "%s%s", r->is_gradient ? "gradient of " : "", r->param);
        assay_case_brief(g->verdicts[r->verdict].case_name, name);
        name[strcspn(name, "/")] = 0;
        assay_table_row(&table, (const char *const[]){assay_outcome_name(r->found.outcome), error, cosine, ratio, worst, what, name});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static void print_cases(const struct assay_gradients *g)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"verdict", ">error/bound", "case", "why", NULL});
    for (size_t i = 0; i < g->n_verdicts; i++) {
        const struct assay_check *c = &g->verdicts[i].check;
        char                      ratio[32], name[ASSAY_CASE_NAME_BYTES];
        number(ratio, "%.3g", c->worst_ratio);
        assay_case_brief(g->verdicts[i].case_name, name);
        assay_table_row(&table, (const char *const[]){assay_outcome_name(c->outcome), ratio, name, c->outcome == ASSAY_PASS ? "" : c->why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static void print_trainings(const struct assay_trainings *t)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){">seed A", ">loss A", ">seed B", ">loss B", ">B - A", "why", NULL});
    for (size_t i = 0; i < t->result.pairs; i++) {
        const struct assay_training *a = &t->pair[i].a, *b = &t->pair[i].b;
        char seed_a[24], seed_b[24], loss_a[32], loss_b[32], apart[32];
        bool both = a->end == ASSAY_TRAINING_ENDED && b->end == ASSAY_TRAINING_ENDED;
        (void)snprintf(seed_a, sizeof seed_a, "%" PRIu64, a->seed);
        (void)snprintf(seed_b, sizeof seed_b, "%" PRIu64, b->seed);
        number(loss_a, "%.5f", a->quality);
        number(loss_b, "%.5f", b->quality);
        number(apart, "%+.5f", both ? b->quality - a->quality : NAN);
        assay_table_row(&table, (const char *const[]){seed_a, loss_a, seed_b, loss_b, apart, *b->why ? b->why : a->why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static void count(const struct assay_gradients *g, bool strict, size_t of[3])
{
    of[0] = of[1] = of[2] = 0;
    for (size_t i = 0; i < g->n_verdicts; i++) {
        enum assay_outcome outcome = g->verdicts[i].check.outcome;
        bool               passed = outcome == ASSAY_PASS || (outcome == ASSAY_MARGINAL && !strict);
        of[passed ? 0 : outcome == ASSAY_FAIL || outcome == ASSAY_MARGINAL ? 1 : 2]++;
    }
}

static void print_all(const struct training *t, const size_t of[3])
{
    const struct assay_trainings *x = &t->trainings;
    print_gradients(&t->gradients);
    printf("\n");
    print_cases(&t->gradients);
    if (t->compared) {
        char brief[ASSAY_CASE_NAME_BYTES];
        assay_case_brief(x->case_name, brief);
        printf("\ntrainings: %s\nA %s, B %s%s; margin %.3g of the entropy %.5g\n", brief, x->a, x->b,
               x->same ? ": the same, so B has other seeds" : "", t->with->margin, x->floor);
        print_trainings(x);
    }
    printf("\ngradients: %zu passed, %zu failed, %zu not checked\n", of[0], of[1], of[2]);
    if (t->compared)
        printf("trainings: %s: %s\n", assay_equivalence_name(x->result.outcome), x->result.why);
    else
        puts("trainings: not compared: --pairs 0");
}

static void print_json(const struct training *t, const size_t of[3])
{
    json_t *all = json_pack("{s:o, s:I, s:I, s:I}", "gradients", assay_gradients_to_json(&t->gradients), "passed", (json_int_t)of[0],
                            "failed", (json_int_t)of[1], "not_checked", (json_int_t)of[2]);
    if (t->compared)
        (void)json_object_set_new(all, "trainings", json_pack("{s:o, s:o, s:o, s:o, s:o}", "case", assay_json_string(t->trainings.case_name),
                                                              "a", assay_json_string(t->trainings.a), "b", assay_json_string(t->trainings.b),
                                                              "entropy", assay_json_number(t->trainings.floor), "equivalence",
                                                              assay_equivalence_to_json(&t->trainings.result, t->trainings.pair)));
    assay_cli_print_json(all);
}

/* Both must hold: no gradient beyond its bound, and equivalence; what is undecided or not checked is too little to say yes. */
static enum assay_exit conclude(const struct training *t, const size_t of[3])
{
    enum assay_equivalence outcome = t->trainings.result.outcome;
    if (of[1] || (t->compared && outcome == ASSAY_NOT_EQUIVALENT))
        return ASSAY_EXIT_NO;
    if (!of[0] || (t->compared && outcome != ASSAY_EQUIVALENT))
        return ASSAY_EXIT_INSUFFICIENT;
    return ASSAY_EXIT_YES;
}

enum assay_exit assay_cli_validate_training(const struct assay_validate_level *with)
{
    struct training    t = {.with = with};
    struct assay_error err = {.code = ASSAY_OK};
    size_t             of[3];
    enum assay_exit    result;
    if (with->n_cases > 1)
        return assay_cli_usage("level training compares one training: at most one case, not %zu", with->n_cases);
    assay_cli_level_folder(with, "training", t.folder);
    assay_cli_catch_interrupts();
    (void)run_both(&t, &err);
    assay_cli_progress_end(with->quiet);
    if (err.code) {
        result = assay_cli_fail(&err);
    } else {
        count(&t.gradients, with->strict, of);
        if (with->json)
            print_json(&t, of);
        else
            print_all(&t, of);
        result = conclude(&t, of);
    }
    assay_gradients_release(&t.gradients);
    assay_trainings_release(&t.trainings);
    return result;
}
