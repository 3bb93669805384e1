#include "harness/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

const char *const    *assay_cli_arguments;
size_t                assay_cli_n_arguments;
volatile sig_atomic_t assay_cli_interrupted;

void assay_cli_complain(const char *before, const char *text, const char *after)
{
    char *safe = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, text);
    fprintf(stderr, "%s%s%s", before, safe ? safe : "", after);
    free(safe);
}

/* One line, so that a log and a grep have all of it: what is wrong; what to try (what we were doing). */
enum assay_exit assay_cli_fail(const struct assay_error *err)
{
    assay_cli_complain("assay: ", *err->message ? err->message : assay_code_text(err->code), "");
    if (*err->hint)
        assay_cli_complain("; ", err->hint, "");
    for (uint32_t i = 0; i < err->nframes && i < ASSAY_ERROR_FRAMES; i++)
        assay_cli_complain(i ? ", " : " (while ", err->frame[i], "");
    if (err->code == ASSAY_INTERNAL)
        fprintf(stderr, "%sthis is a bug in assay, at %s", err->nframes ? "; " : " (", err->where);
    fputs(err->nframes || err->code == ASSAY_INTERNAL ? ")\n" : "\n", stderr);
    switch (err->code) {
    case ASSAY_OK: return ASSAY_EXIT_YES;
    case ASSAY_INTERNAL: return ASSAY_EXIT_BUG;
    case ASSAY_UNAVAILABLE:
    case ASSAY_UNSUPPORTED:
    case ASSAY_DEVICE:
    case ASSAY_TIMEOUT:
    case ASSAY_PROTOCOL:
    case ASSAY_MEMORY:
    case ASSAY_INTERRUPTED: return ASSAY_EXIT_NOTHING;
    default: return ASSAY_EXIT_USAGE;
    }
}

enum assay_exit assay_cli_usage(const char *fmt, ...)
{
    char    text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assay_cli_complain("assay: ", text, "\n");
    return ASSAY_EXIT_USAGE;
}

void assay_cli_note_torn(const struct assay_run_folder *folder)
{
    const char *torn = assay_run_folder_torn(folder);
    if (!torn)
        return;
    assay_cli_complain("assay: note: ", assay_run_folder_path(folder), ": ");
    assay_cli_complain("", torn, "; they are left out\n");
}

static void on_interrupt(int number)
{
    (void)number;
    assay_cli_interrupted = 1;
}

void assay_cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

void assay_cli_print_json(struct json_t *value)
{
    char *text = assay_json_pretty(value);
    json_decref(value);
    if (text)
        puts(text);
    free(text);
}
