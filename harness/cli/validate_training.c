/* `assay validate --backend B --level training`: gradients param by param, then trainings in pairs. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/cli/validate_level.h"
#include "harness/judge/findings.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

struct training {
    const struct assay_validate_level *with;
    const char                        *what; /* is going on */
    char                               folder[ASSAY_LEVEL_FOLDER_BYTES];
    struct assay_training_findings     found;
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
    if (assay_path_join(folder, sizeof folder, t->folder, ASSAY_FINDINGS_GRADIENTS, err))
        return err->code;
    struct assay_level_request request = {
        .backend = t->with->backend, .folder = folder, .timeout_ns = t->with->timeout_ns, .seed = t->with->seed,
        .arguments = assay_cli_arguments, .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted,
        .progress = on_progress, .self = t,
    };
    t->what = "gradients";
    return assay_gradients_run(&request, &t->found.gradients, err);
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
    t->found.margin_share = w->margin;
    t->found.compared = !assay_trainings_run(&request, &t->found.trainings, err);
    return err->code;
}

/* Both, kept in the folder. */
static enum assay_code find(struct training *t, struct assay_error *err)
{
    const struct assay_gradients *g = &t->found.gradients;
    if (run_both(t, err))
        return err->code;
    (void)assay_string_copy(t->found.backend, sizeof t->found.backend, g->n_verdicts ? g->verdicts[0].backend : t->with->backend);
    json_t *document = assay_training_findings_to_json(&t->found);
    (void)assay_findings_write(t->folder, ASSAY_FINDINGS_TRAINING, document, err);
    json_decref(document);
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

static void print_all(const struct training *t)
{
    const struct assay_trainings *x = &t->found.trainings;
    print_gradients(&t->found.gradients);
    printf("\n");
    print_cases(&t->found.gradients);
    if (t->found.compared) {
        char brief[ASSAY_CASE_NAME_BYTES];
        assay_case_brief(x->case_name, brief);
        printf("\ntrainings: %s\nA %s, B %s%s; margin %.3g of the entropy %.5g\n", brief, x->a, x->b,
               x->same ? ": the same, so B has other seeds" : "", t->with->margin, x->floor);
        print_trainings(x);
    }
    printf("\n");
}

static json_t *document(const struct training *t, const size_t of[3])
{
    json_t *all = assay_training_findings_to_json(&t->found);
    (void)json_object_update_new(all, json_pack("{s:I, s:I, s:I}", "passed", (json_int_t)of[0], "failed", (json_int_t)of[1], "not_checked",
                                                (json_int_t)of[2]));
    return all;
}

/* Both must hold: no gradient beyond its bound, and equivalence; what is undecided or not checked is too little to say yes. */
static enum assay_exit conclude(const struct training *t, struct assay_level_end *end)
{
    const struct assay_trainings *x = &t->found.trainings;
    enum assay_equivalence        outcome = x->result.outcome;
    struct assay_text             text = ASSAY_TEXT(end->summary);
    size_t                        of[3] = {0};
    for (size_t i = 0; i < t->found.gradients.n_verdicts; i++)
        assay_cli_level_count(t->found.gradients.verdicts[i].check.outcome, t->with->strict, of);
    if (t->with->json)
        end->document = document(t, of);
    else
        print_all(t);
    assay_text_add(&text, "gradients: %zu passed, %zu failed, %zu not checked\n", of[0], of[1], of[2]);
    if (t->found.compared)
        assay_text_add(&text, "trainings: %s: %s", assay_equivalence_name(outcome), x->result.why);
    else
        assay_text_add(&text, "trainings: not compared: --pairs 0");
    if (of[1] || (t->found.compared && outcome == ASSAY_NOT_EQUIVALENT))
        return ASSAY_EXIT_NO;
    if (!of[0] || (t->found.compared && outcome != ASSAY_EQUIVALENT))
        return ASSAY_EXIT_INSUFFICIENT;
    return ASSAY_EXIT_YES;
}

enum assay_exit assay_cli_validate_training(const struct assay_validate_level *with, struct assay_level_end *end)
{
    struct training    t = {.with = with};
    struct assay_error err = {.code = ASSAY_OK};
    if (with->n_cases > 1)
        return assay_cli_usage("level training compares one training: at most one case, not %zu", with->n_cases);
    assay_cli_level_folder(with, "training", t.folder);
    assay_cli_catch_interrupts();
    (void)find(&t, &err);
    assay_cli_progress_end(with->quiet);
    enum assay_exit result = err.code ? assay_cli_fail(&err) : conclude(&t, end);
    assay_training_findings_release(&t.found);
    return result;
}
