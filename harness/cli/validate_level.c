#include "harness/cli/validate_level.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

/* A level's name, and what does it. */
static const struct level {
    const char *name;
    enum assay_exit (*run)(const struct assay_validate_level *with, struct assay_level_end *end);
} levels[] = {
    {"ops", assay_cli_validate_ops},
    {"model", assay_cli_validate_model},
    {"training", assay_cli_validate_training},
};
#define N_LEVELS (sizeof levels / sizeof *levels)

void assay_cli_level_folder(const struct assay_validate_level *with, const char *level, char out[ASSAY_LEVEL_FOLDER_BYTES])
{
    if (*with->folder) {
        (void)assay_string_copy(out, ASSAY_LEVEL_FOLDER_BYTES, with->folder);
        return;
    }
    (void)snprintf(out, ASSAY_LEVEL_FOLDER_BYTES, "out/%s-%.200s", level, with->backend);
    for (char *c = out + strlen("out/"); *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=", *c))
            *c = '_';
}

void assay_cli_level_count(enum assay_outcome outcome, bool strict, size_t of[3])
{
    bool passed = outcome == ASSAY_PASS || (outcome == ASSAY_MARGINAL && !strict);
    of[passed ? 0 : outcome == ASSAY_FAIL || outcome == ASSAY_MARGINAL ? 1 : 2]++;
}

/* ---- several of them --------------------------------------------------------------------------------------------- */

struct choice {
    const struct level *chosen[N_LEVELS]; /* in the order of the list, each once */
    size_t              n;
    bool                unknown; /* one was, and that was told */
};

static bool choose(void *self, const char *part)
{
    struct choice *c = self;
    const char    *names[N_LEVELS];
    for (size_t i = 0; i < N_LEVELS; i++) {
        names[i] = levels[i].name;
        if (strcmp(levels[i].name, part) != 0)
            continue;
        for (size_t k = 0; k < c->n; k++)
            if (c->chosen[k] == &levels[i])
                return true;
        c->chosen[c->n++] = &levels[i];
        return true;
    }
    const char *near = assay_string_nearest(part, names, N_LEVELS);
    c->unknown = true;
    if (near)
        (void)assay_cli_usage("there is no level '%s'; did you mean '%s'?", part, near);
    else
        (void)assay_cli_usage("there is no level '%s'; there are: ops, model, training", part);
    return false;
}

/* How bad an exit is: what was not found out is less bad than what is wrong, and that than what could not be asked. */
static int badness(enum assay_exit e)
{
    static const enum assay_exit worse_last[] = {ASSAY_EXIT_YES, ASSAY_EXIT_INSUFFICIENT, ASSAY_EXIT_NO, ASSAY_EXIT_NOTHING, ASSAY_EXIT_USAGE, ASSAY_EXIT_BUG};
    int                          i = 0;
    while (i + 1 < (int)(sizeof worse_last / sizeof *worse_last) && worse_last[i] != e)
        i++;
    return i;
}

/* The summary's lines, each with the level before it where there are several. */
static void print_summary(const char *level, bool alone, char *summary)
{
    char *save = NULL;
    for (char *line = strtok_r(summary, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        printf("%s%s%s\n", alone ? "" : level, alone ? "" : ": ", line);
}

/* A folder in the one that was named, where several levels share it. */
static enum assay_exit run_one(const struct level *level, const struct assay_validate_level *with, bool alone, struct assay_level_end *end)
{
    char                        folder[ASSAY_LEVEL_FOLDER_BYTES];
    struct assay_validate_level own = *with;
    struct assay_error          err = {.code = ASSAY_OK};
    if (!alone && *with->folder) {
        if (assay_path_join(folder, sizeof folder, with->folder, level->name, &err))
            return assay_cli_fail(&err);
        own.folder = folder;
    }
    if (!alone && !with->json)
        printf("%s:\n", level->name);
    enum assay_exit result = level->run(&own, end);
    if (!alone && !with->json)
        puts("");
    return result;
}

static void conclude(const struct choice *c, bool json, struct assay_level_end *ends)
{
    json_t *all = json && c->n > 1 ? json_object() : NULL;
    for (size_t i = 0; i < c->n; i++) {
        if (!json)
            print_summary(c->chosen[i]->name, c->n == 1, ends[i].summary);
        else if (all && ends[i].document)
            (void)json_object_set_new(all, c->chosen[i]->name, ends[i].document);
        else if (ends[i].document)
            assay_cli_print_json(ends[i].document);
    }
    if (all)
        assay_cli_print_json(all);
}

enum assay_exit assay_cli_validate_levels(const char *list, const struct assay_validate_level *with)
{
    struct choice          c = {.n = 0};
    struct assay_level_end ends[N_LEVELS] = {{.document = NULL}};
    enum assay_exit        worst = ASSAY_EXIT_YES;
    if (!assay_string_split(list, ',', choose, &c) && !c.unknown)
        return assay_cli_fail(&(struct assay_error){.code = ASSAY_MEMORY, .message = "no memory for a list of levels"});
    if (c.unknown)
        return ASSAY_EXIT_USAGE;
    if (!c.n)
        return assay_cli_usage("no level was given; the first is %s", levels[0].name);
    if (c.n > 1 && with->n_cases)
        return assay_cli_usage("a case is of one level: assay validate --backend cpu --level model CASE");
    for (size_t i = 0; i < c.n && !assay_cli_interrupted; i++) {
        enum assay_exit result = run_one(c.chosen[i], with, c.n == 1, &ends[i]);
        worst = badness(result) > badness(worst) ? result : worst;
    }
    conclude(&c, with->json, ends);
    return worst;
}
