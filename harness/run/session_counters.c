#include "harness/run/session_counters.h"

#include <math.h>
#include <string.h>

#include "assay/text.h"

#include "assay/banned.h"

size_t assay_session_counters(const struct assay_opened *opened, struct assay_counter_row rows[ASSAY_SESSION_COUNTERS])
{
    struct assay_error ignored = {.code = ASSAY_OK};
    size_t             n = 0;
    memset(rows, 0, ASSAY_SESSION_COUNTERS * sizeof *rows);
    if (!ASSAY_HAS(opened->backend, counters) ||
        opened->backend->counters(opened->session, rows, sizeof *rows, ASSAY_SESSION_COUNTERS, &n, &ignored))
        return 0;
    n = n < ASSAY_SESSION_COUNTERS ? n : ASSAY_SESSION_COUNTERS;
    for (size_t i = 0; i < n; i++)
        rows[i].name[sizeof rows[i].name - 1] = rows[i].unit[sizeof rows[i].unit - 1] = rows[i].why[sizeof rows[i].why - 1] = 0;
    return n;
}

size_t assay_course_counters(const struct assay_course *course, struct assay_counter_row rows[ASSAY_COURSE_COUNTERS])
{
    size_t n = assay_session_counters(&course->opened, rows), told, kept = n;
    if (!course->second.opened)
        return n;
    told = assay_session_counters(course->second.opened, rows + n);
    for (size_t i = n; i < n + told; i++) {
        struct assay_counter_row row = rows[i];
        struct assay_text        name = ASSAY_TEXT(row.name);
        if (!row.level)
            continue;
        assay_text_add(&name, "further_%s", rows[i].name);
        rows[kept++] = row;
    }
    return kept;
}

double assay_session_level(const struct assay_opened *opened, const char *name, double if_absent)
{
    struct assay_counter_row rows[ASSAY_SESSION_COUNTERS];
    size_t                   n = assay_session_counters(opened, rows);
    for (size_t i = 0; i < n; i++)
        if (rows[i].level && !strcmp(rows[i].name, name) && !isnan(rows[i].value))
            return rows[i].value;
    return if_absent;
}

double assay_session_joules(const struct assay_opened *opened)
{
    struct assay_counter_row rows[ASSAY_SESSION_COUNTERS];
    size_t                   n = assay_session_counters(opened, rows);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].name, "energy") && !strcmp(rows[i].unit, "joules"))
            return strncmp(rows[i].why, "power", 5) ? rows[i].value : NAN;
    return NAN;
}
