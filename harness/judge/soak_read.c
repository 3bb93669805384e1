/* Soaks as their stretches tell of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/judge/soak.h"

#include "assay/banned.h"

static bool ended_badly(const struct assay_soak_stretch *x)
{
    return x->end == ASSAY_SOAK_CRASHED || x->end == ASSAY_SOAK_HUNG || x->end == ASSAY_SOAK_FAILED;
}

static void add(struct assay_soak_case *to, const struct assay_soak_stretch *x)
{
    to->busy_ns += x->busy_ns;
    to->wall_ns += x->wall_ns;
    to->iterations += x->iterations;
    to->mismatches += x->mismatches;
    to->guard_bytes_changed += x->guard_bytes_changed;
    to->stretches++;
    to->crashed += x->end == ASSAY_SOAK_CRASHED;
    to->hung += x->end == ASSAY_SOAK_HUNG;
    to->failed += x->end == ASSAY_SOAK_FAILED;
    if (ended_badly(x))
        (void)assay_string_copy(to->reason, sizeof to->reason, x->reason);
}

/* Not the verified bits more often than not: no rare error. Then the case is not soaked on, and its stretch is in no rate. */
static bool mostly_differs(const struct assay_soak_stretch *x)
{
    return x->mismatches > x->iterations / 2;
}

void assay_soak_count(struct assay_soak *soak, struct assay_soak_case *row, const struct assay_soak_stretch *stretch)
{
    add(row, stretch);
    if (!mostly_differs(stretch)) {
        add(&soak->all, stretch);
        return;
    }
    row->is_wrong = true;
    (void)snprintf(row->why_not, sizeof row->why_not,
                   "given up: %" PRIu64 " of %" PRIu64 " outputs of a stretch differ: what this back end gives does not repeat, or it is broken",
                   stretch->mismatches, stretch->iterations);
}

enum assay_code assay_soak_keep_trouble(struct assay_soak *soak, const struct assay_soak_file *file, struct assay_error *err)
{
    size_t                           n = 0;
    const struct assay_soak_stretch *all = assay_soak_file_stretches(file, &n);
    if (!(soak->trouble = calloc(n + 1, sizeof *soak->trouble)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu stretches", n);
    for (size_t i = 0; i < n; i++)
        if (all[i].mismatches || ended_badly(&all[i]))
            soak->trouble[soak->n_trouble++] = all[i];
    return ASSAY_OK;
}

/* The row of a stretch, a new one if there is none yet; there is room for one each. */
static struct assay_soak_case *row_of(struct assay_soak *soak, const struct assay_soak_stretch *x)
{
    for (size_t i = 0; i < soak->n; i++)
        if (!strcmp(soak->row[i].name, x->case_name) && !strcmp(soak->row[i].backend, x->backend))
            return &soak->row[i];
    struct assay_soak_case *row = &soak->row[soak->n++];
    (void)assay_string_copy(row->name, sizeof row->name, x->case_name);
    (void)assay_string_copy(row->backend, sizeof row->backend, x->backend);
    return row;
}

enum assay_code assay_soak_read(const char *folder, struct assay_soak *out, struct assay_error *err)
{
    struct assay_soak_file          *file = NULL;
    size_t                           n = 0;
    const struct assay_soak_stretch *stretches;
    memset(out, 0, sizeof *out);
    if (assay_soak_file_open(folder, false, &file, err))
        return err->code;
    stretches = assay_soak_file_stretches(file, &n);
    if (!(out->row = calloc(n + 1, sizeof *out->row)))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu stretches", n);
    for (size_t i = 0; !err->code && i < n; i++)
        assay_soak_count(out, row_of(out, &stretches[i]), &stretches[i]);
    if (!err->code)
        (void)assay_soak_keep_trouble(out, file, err);
    assay_soak_file_close(file);
    return err->code;
}

void assay_soak_release(struct assay_soak *soak)
{
    free(soak->row);
    free(soak->trouble);
    memset(soak, 0, sizeof *soak);
}
