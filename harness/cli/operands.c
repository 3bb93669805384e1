#include "harness/cli/operands.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/load/arrivals.h"
#include "harness/run/serve_plan.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

/* What a plain word may mean: the suites there are, and the workloads. */
struct words {
    char               suite[64][64];
    size_t             n_suites;
    struct assay_error why_none; /* without the folder of suites there are cases all the same */
};

static void remember(void *self, const char *name, const char *about)
{
    struct words *w = self;
    (void)about;
    if (w->n_suites < 64)
        (void)assay_string_copy(w->suite[w->n_suites++], sizeof w->suite[0], name);
}

static bool is_suite_path(const char *word)
{
    size_t length = strlen(word);
    return length > 5 && !strcmp(word + length - 5, ".json");
}

/* Suite or case; what is neither is told with the nearest of both. */
static enum assay_code what_is(const char *word, const struct words *w, bool *is_suite, struct assay_error *err)
{
    const char                         *names[64 + 256], *near;
    size_t                              n = 0, n_workloads;
    const struct assay_workload *const *all = assay_workloads(&n_workloads);
    char                                head[128];
    size_t                              length = strcspn(word, "./@");
    (void)assay_string_copy(head, length < sizeof head ? length + 1 : sizeof head, word);
    *is_suite = is_suite_path(word);
    if (*is_suite || strpbrk(word, "/@") || assay_workload_find(head))
        return ASSAY_OK;
    if (w->why_none.code) {
        *err = w->why_none;
        return assay_error_in(err, "looking for a suite '%.64s'", word);
    }
    for (; n < w->n_suites; n++) {
        names[n] = w->suite[n];
        *is_suite = *is_suite || !strcmp(w->suite[n], word);
    }
    for (size_t i = 0; i < n_workloads && n < sizeof names / sizeof *names; i++)
        names[n++] = all[i]->name;
    if (*is_suite)
        return ASSAY_OK;
    near = assay_string_nearest(word, names, n);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no suite and no workload '%.64s'", word);
    return near ? assay_error_hint(err, "did you mean '%s'?", near)
                : assay_error_hint(err, "assay list suites and assay list workloads list them; a suite of your own is a path that "
                                        "ends in .json");
}

/* A case that somebody names and that cannot be built, like a model whose heads do not divide, is told at once; one of a suite costs
 * itself and not the others, and is recorded. */
static enum assay_code must_build(const struct assay_case *c, struct assay_error *err)
{
    struct assay_graph    *g = NULL;
    struct assay_arrivals *arrivals = NULL;
    struct assay_seeds     seeds = {0};
    enum assay_code        code = assay_case_graph(c, &g, err);
    assay_graph_free(g);
    if (!code && c->scenario.type == ASSAY_TRACE) { /* a file of somebody's: read and checked as a whole */
        code = assay_arrivals_new(&c->scenario, &seeds, &arrivals, err);
        assay_arrivals_free(arrivals);
        if (code)
            return code;
    }
    if (code)
        return code == ASSAY_CONFIG || code == ASSAY_DATA ? code : ASSAY_OK;
    return assay_serve_check(c, err);
}

enum assay_code assay_cli_plan_of(size_t n, char **operands, struct assay_plan *plan, struct assay_error *err)
{
    struct words words = {.why_none = {.code = ASSAY_OK}};
    bool         is_suite;
    assay_plan_init(plan);
    (void)assay_suites_list(remember, &words, &words.why_none);
    for (size_t i = 0; i < n; i++) {
        char        name[ASSAY_CASE_NAME_BYTES];
        const char *word = operands[i];
        if (assay_is_model_file(word)) {
            if (assay_case_of_file(word, name, err))
                return err->code;
            word = name;
        }
        if (what_is(word, &words, &is_suite, err))
            return err->code;
        if (is_suite) {
            if (n > 1)
                return ASSAY_FAIL(err, ASSAY_CONFIG, "a suite is run by itself: '%.60s' stands among %zu operands", operands[i], n);
            if (assay_plan_read(operands[i], plan, err))
                return err->code;
        } else if (assay_plan_add(plan, word, err) || must_build(&plan->cases[plan->n_cases - 1], err)) {
            return err->code;
        }
    }
    return ASSAY_OK;
}

#define ONLY_LIMIT_BYTES (4u << 20)

/* Marks the case of that name; false: the plan has none. */
static bool mark(const struct assay_plan *plan, const char *name, bool *kept)
{
    for (size_t i = 0; i < plan->n_cases; i++)
        if (!strcmp(plan->cases[i].name, name)) {
            kept[i] = true;
            return true;
        }
    return false;
}

static enum assay_code mark_all(const struct assay_plan *plan, const char *path, char *text, bool *kept, struct assay_error *err)
{
    char *save = NULL;
    bool  any = false;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct assay_case  c = {.workload = NULL};
        struct assay_error why = {.code = ASSAY_OK};
        bool               known = !assay_case_parse(line, &c, &why) && mark(plan, c.name, kept);
        assay_case_release(&c);
        if (!known)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.80s' of '%.80s' is no case of '%.40s'", line, path, plan->name);
        any = true;
    }
    return any ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_CONFIG, "'%.150s' names no case", path);
}

enum assay_code assay_cli_keep_only(struct assay_plan *plan, const char *path, struct assay_error *err)
{
    char  *text = NULL;
    size_t length = 0, n = 0;
    bool  *kept = calloc(plan->n_cases + 1, sizeof *kept);
    if (!kept)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu cases", plan->n_cases);
    if (!assay_file_read(path, ONLY_LIMIT_BYTES, &text, &length, err) && !mark_all(plan, path, text, kept, err)) {
        for (size_t i = 0; i < plan->n_cases; i++) {
            if (kept[i])
                plan->cases[n++] = plan->cases[i];
            else
                assay_case_release(&plan->cases[i]);
        }
        plan->n_cases = n;
    }
    free(text);
    free(kept);
    return err->code;
}

enum assay_code assay_cli_once(size_t n, char **paths, struct assay_error *err)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            struct stat a, b;
            if (!stat(paths[i], &a) && !stat(paths[k], &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
                return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.80s' and '%.80s' are the same: it would count twice", paths[k], paths[i]);
        }
    return ASSAY_OK;
}
