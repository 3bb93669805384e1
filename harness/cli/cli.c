#include "harness/cli/cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

const char *const    *assay_cli_arguments;
size_t                assay_cli_n_arguments;
volatile sig_atomic_t assay_cli_interrupted;

static void print_escaped(const char *before, const char *text, const char *after)
{
    char *safe = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, text);
    fprintf(stderr, "%s%s%s", before, safe ? safe : "", after);
    free(safe);
}

enum assay_exit assay_cli_fail(const struct assay_error *err)
{
    print_escaped("assay: ", *err->message ? err->message : assay_code_text(err->code), "\n");
    for (uint32_t i = 0; i < err->nframes && i < ASSAY_ERROR_FRAMES; i++)
        print_escaped("  while ", err->frame[i], "\n");
    if (*err->hint)
        print_escaped("  hint: ", err->hint, "\n");
    switch (err->code) {
    case ASSAY_OK: return ASSAY_EXIT_YES;
    case ASSAY_INTERNAL:
        fprintf(stderr, "  this is a bug in assay, at %s\n", err->where);
        return ASSAY_EXIT_BUG;
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
    print_escaped("assay: ", text, "\n");
    return ASSAY_EXIT_USAGE;
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
