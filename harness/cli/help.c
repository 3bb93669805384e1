#include "harness/cli/help.h"

#include <string.h>

#include "harness/base/options.h"

#include "assay/banned.h"

static const char *const exit_codes[] = {"0 yes", "1 the check said no", "2 usage or configuration", "3 nothing could run",
                                         "4 a bug of ours", "5 insufficient evidence", NULL};

static const struct {
    const char *name, *meaning;
} environment[] = {
    {"ASSAY_BACKEND_PATH", "more folders with back ends, separated by ':'"},
    {"ASSAY_DATA", "the folder that holds suites/ and the like, when it is not found beside the program"},
    {"ASSAY_THREADS", "threads for the harness's own untimed work"},
};

void assay_help_all(const struct assay_verb *const *verbs, FILE *out)
{
    fputs("assay: qualifies AI accelerators: runs workloads on them, proves the results, reports\n\n"
          "usage: assay VERB [operands] [options]       assay VERB --help\n\n",
          out);
    for (size_t i = 0; verbs[i]; i++)
        fprintf(out, "  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\n  assay run quick -o out/quick && assay validate out/quick && assay report out/quick -o out/quick/report\n\n"
          "exit status:",
          out);
    for (size_t i = 0; exit_codes[i]; i++)
        fprintf(out, "%s %s", i ? "," : "", exit_codes[i]);
    fputs("\n", out);
}

void assay_help_verb(const struct assay_verb *verb, FILE *out)
{
    fprintf(out, "usage: assay %s%s%s%s\n\n%s\n", verb->name, *verb->operands ? " " : "", verb->operands,
            verb->options ? " [options]" : "", verb->summary);
    if (verb->details)
        fprintf(out, "\n%s\n", verb->details);
    if (verb->options) {
        fputs("\noptions:\n", out);
        assay_options_help(verb->options, out);
    }
}

/* Troff: a line must not begin with a dot or an apostrophe, a backslash must not act, a minus is a minus. */
static void roff(FILE *out, const char *text)
{
    bool line_begins = true;
    for (const char *p = text; *p; p++) {
        if (line_begins && (*p == '.' || *p == '\''))
            fputs("\\&", out);
        if (*p == '\\')
            fputs("\\e", out);
        else if (*p == '-')
            fputs("\\-", out);
        else
            fputc(*p, out);
        line_begins = *p == '\n';
    }
}

void assay_help_man(const struct assay_verb *const *verbs, FILE *out)
{
    fprintf(out, ".TH ASSAY 1 \"\" \"assay %s\" \"User commands\"\n.SH NAME\nassay \\- qualifies AI accelerators\n"
                 ".SH SYNOPSIS\n.B assay\n.I verb\n[\\fIoperands\\fR] [\\fIoptions\\fR]\n.SH DESCRIPTION\n"
                 "Runs standardized inference and training workloads on accelerators through plug\\-ins, proves that the results are\n"
                 "right, measures how fast they came, and writes comparable reports. Results go to standard output, progress and\n"
                 "complaints to standard error.\n.SH VERBS\n",
            ASSAY_VERSION);
    for (size_t i = 0; verbs[i]; i++) {
        fprintf(out, ".SS \"assay %s%s%s\"\n", verbs[i]->name, *verbs[i]->operands ? " " : "", verbs[i]->operands);
        roff(out, verbs[i]->summary);
        fputs(".\n", out);
        if (verbs[i]->details) {
            fputs(".PP\n", out);
            roff(out, verbs[i]->details);
            fputs("\n", out);
        }
        if (verbs[i]->options)
            assay_options_man(verbs[i]->options, out);
    }
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; exit_codes[i]; i++)
        fprintf(out, ".TP\n.B %c\n%s\n", exit_codes[i][0], exit_codes[i] + 2);
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < sizeof environment / sizeof *environment; i++)
        fprintf(out, ".TP\n.B %s\n%s\n", environment[i].name, environment[i].meaning);
}
