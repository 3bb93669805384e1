/* Back ends of a run, as they are told apart. */
#include <string.h>

#include "reports/cases.h"

#include "assay/banned.h"

unsigned assay_report_series(const struct assay_summary *summary, const char *backend)
{
    for (size_t i = 0; i < summary->n_backends; i++)
        if (strcmp(summary->backends[i], backend) == 0)
            return (unsigned)i + 1;
    return 1;
}

/* Where the next ",option=value" of a back end's name begins; its device or a value may be quoted. */
static const char *next_option(const char *text)
{
    for (bool quoted = false; *text; text++) {
        if (quoted && *text == '\\' && text[1])
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (*text == ',' && !quoted)
            break;
    }
    return text;
}

/* Has the back end this very option? */
static bool has_option(const char *backend, const char *option, size_t length)
{
    for (const char *at = next_option(backend), *end; *at; at = end) {
        end = next_option(at + 1);
        if ((size_t)(end - at) == length && !strncmp(at, option, length))
            return true;
    }
    return false;
}

/* Options are nothing or 0 where nobody set them. */
static bool is_unset(const char *option, size_t length)
{
    return length > 1 && (option[length - 1] == '=' || (option[length - 1] == '0' && option[length - 2] == '='));
}

/* Is it unset, or do all back ends of the run that are the same device have it? */
static bool goes_without_saying(const struct assay_summary *run, const char *backend, const char *option, size_t length)
{
    size_t device = (size_t)(next_option(backend) - backend);
    if (is_unset(option, length))
        return true;
    for (size_t i = 0; i < run->n_backends; i++)
        if (!strncmp(run->backends[i], backend, device) && strchr(",", run->backends[i][device]) && !has_option(run->backends[i], option, length))
            return false;
    return true;
}

void assay_report_series_name(const struct assay_summary *run, const char *backend, struct assay_text *out)
{
    const char *at = next_option(backend);
    assay_text_add(out, "%.*s", (int)(at - backend), backend);
    for (const char *end; *at; at = end) {
        end = next_option(at + 1);
        if (!goes_without_saying(run, backend, at, (size_t)(end - at)))
            assay_text_add(out, "%.*s", (int)(end - at), at);
    }
}
