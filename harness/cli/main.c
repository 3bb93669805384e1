#include <stdlib.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/help.h"
#include "harness/run/worker.h"

#include "assay/banned.h"

static const struct assay_verb *const verbs[] = {
    &assay_verb_doctor,   &assay_verb_list,    &assay_verb_show,   &assay_verb_plan,        &assay_verb_run,
    &assay_verb_validate, &assay_verb_compare, &assay_verb_report, &assay_verb_conformance, NULL,
};

static const struct assay_verb *find_verb(const char *name)
{
    for (size_t i = 0; verbs[i]; i++)
        if (!strcmp(verbs[i]->name, name))
            return verbs[i];
    return NULL;
}

static enum assay_exit unknown_verb(const char *name)
{
    const char *names[sizeof verbs / sizeof verbs[0]];
    size_t      n = 0;
    for (; verbs[n]; n++)
        names[n] = verbs[n]->name;
    const char *near = assay_string_nearest(name, names, n);
    return assay_cli_usage("unknown verb '%.40s'%s%s%s (assay help lists them)", name, near ? "; did you mean '" : "",
                           near ? near : "", near ? "'?" : "");
}

static enum assay_exit run_verb(const struct assay_verb *verb, int argc, char **argv)
{
    struct assay_error err = {.code = ASSAY_OK};
    size_t             rows = verb->options ? assay_options_count(verb->options) : 0;
    void              *options = calloc(1, verb->options_bytes + 1);
    bool              *given = calloc(rows + 1, sizeof *given);
    enum assay_exit    result = ASSAY_EXIT_NOTHING;
    static const struct assay_option none[] = {{0}};
    for (int i = 0; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            assay_help_verb(verb, stdout);
            free(options);
            free(given);
            return ASSAY_EXIT_YES;
        }
    if (!options || !given)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for options");
    else if (!verb->options || !assay_options_defaults(verb->options, options, &err))
        (void)assay_options_from_argv(verb->options ? verb->options : none, options, &argc, argv, given, &err);
    if (err.code) {
        result = assay_cli_fail(&err);
        fprintf(stderr, "  usage: assay %s %s\n", verb->name, verb->operands);
    } else {
        result = verb->run((size_t)argc, argv, options, given);
    }
    free(options);
    free(given);
    return result;
}

int main(int argc, char **argv)
{
    assay_cli_arguments = (const char *const *)argv;
    assay_cli_n_arguments = (size_t)argc;
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        assay_help_all(verbs, stderr);
        return ASSAY_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "worker")) /* started by the launcher only */
        return assay_worker_main();
    if (!strcmp(name, "--version") || !strcmp(name, "version")) {
        puts("assay " ASSAY_VERSION);
        return ASSAY_EXIT_YES;
    }
    if (!strcmp(name, "man")) {
        assay_help_man(verbs, stdout);
        return ASSAY_EXIT_YES;
    }
    bool help = !strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h");
    if (help && argc < 3) {
        assay_help_all(verbs, stdout);
        return ASSAY_EXIT_YES;
    }
    const struct assay_verb *verb = find_verb(help ? argv[2] : name);
    if (!verb)
        return unknown_verb(help ? argv[2] : name);
    if (help) {
        assay_help_verb(verb, stdout);
        return ASSAY_EXIT_YES;
    }
    enum assay_exit result = run_verb(verb, argc - 2, argv + 2);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "assay: cannot write the result\n");
        return result ? (int)result : ASSAY_EXIT_USAGE;
    }
    return result;
}
