#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/help.h"
#include "harness/run/rank_worker.h"
#include "harness/run/worker.h"

#include "assay/banned.h"

static const struct assay_verb *const verbs[] = {
    &assay_verb_doctor,
    &assay_verb_list,
    &assay_verb_show,
    &assay_verb_plan,
    &assay_verb_run,
    &assay_verb_validate,
    &assay_verb_audit,
    &assay_verb_compare,
    &assay_verb_report,
    &assay_verb_export,
    &assay_verb_conformance,
    &assay_verb_probe,
    &assay_verb_soak,
    &assay_verb_schedule,
    &assay_verb_predict,
    &assay_verb_breakeven,
    &assay_verb_calibrate,
    &assay_verb_spec,
    &assay_verb_search,
    &assay_verb_history,
    &assay_verb_policy,
    &assay_verb_qualify,
    &assay_verb_import,
    &assay_verb_bundle,
    &assay_verb_verify,
    NULL,
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
    return assay_cli_usage("unknown verb '%.40s'; %s%s%s", name, near ? "did you mean '" : "assay help lists them",
                           near ? near : "", near ? "'?" : "");
}

static enum assay_exit run_verb(const struct assay_verb *verb, int argc, char **argv)
{
    struct assay_error err = {.code = ASSAY_OK};
    size_t             rows = verb->options ? assay_options_count(verb->options) : 0;
    void              *options = calloc(1, verb->options_bytes + 1);
    bool              *given = calloc(rows + 1, sizeof *given);
    enum assay_exit    result;
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
    result = err.code ? assay_cli_fail(&err) : verb->run((size_t)argc, argv, options, given);
    free(options);
    free(given);
    return result;
}

static void version(const struct assay_verb *const *all, FILE *out)
{
    (void)all;
    fputs("assay " ASSAY_VERSION "\n", out);
}

/* What the program says of itself. */
static const struct {
    const char *name;
    void (*tell)(const struct assay_verb *const *all, FILE *out);
} about[] = {{"version", version}, {"--version", version}, {"man", assay_help_man}};

static bool is_help(const char *word)
{
    return !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h");
}

static enum assay_exit help(int argc, char **argv)
{
    if (argc > 1)
        return assay_cli_usage("help needs one verb at most: assay help run");
    const struct assay_verb *verb = argc ? find_verb(argv[0]) : NULL;
    if (argc && !verb)
        return unknown_verb(argv[0]);
    if (verb)
        assay_help_verb(verb, stdout);
    else
        assay_help_all(verbs, stdout);
    return ASSAY_EXIT_YES;
}

static enum assay_exit dispatch(const char *name, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (!strcmp(name, about[i].name)) {
            if (argc)
                return assay_cli_usage("%s takes no operands, got '%.60s'", name, argv[0]);
            about[i].tell(verbs, stdout);
            return ASSAY_EXIT_YES;
        }
    if (is_help(name))
        return help(argc, argv);
    const struct assay_verb *verb = find_verb(name);
    return verb ? run_verb(verb, argc, argv) : unknown_verb(name);
}

/* A reader that has seen enough (head, less) is no failure; a full disk is. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

int main(int argc, char **argv)
{
    /* hwloc's own plug-ins, where somebody installed them, load graphics, OpenCL and XML into every worker, for what is never asked. */
    (void)setenv("HWLOC_PLUGINS_PATH", "/nonexistent", 0);
    assay_cli_arguments = (const char *const *)argv;
    assay_cli_n_arguments = (size_t)argc;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error to tell, like a full disk */
    if (argc < 2) {
        assay_help_all(verbs, stderr);
        return ASSAY_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "worker")) /* started by the launcher only */
        return assay_worker_main();
    if (!strcmp(argv[1], "rank") && argc == 3) /* started by mpirun or srun for a worker only */
        return assay_rank_main(argv[2]);
    enum assay_exit result = dispatch(argv[1], argc - 2, argv + 2);
    int earlier = ferror(stdout) ? errno : 0; /* a long result fails while it is printed, and nothing may be left to flush */
    errno = 0;
    if ((fflush(stdout) || ferror(stdout)) && !reader_left()) {
        errno = errno ? errno : earlier;
        fprintf(stderr, "assay: cannot write the result to standard output%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
        return result ? (int)result : ASSAY_EXIT_USAGE;
    }
    return result;
}
