#include "harness/judge/repeats_seen.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/plan/plan.h"
#include "harness/judge/programs.h"
#include "harness/verify/witness_repeats.h"

#include "assay/banned.h"

/* One row as it comes about. */
struct seeing {
    const char                  *folder;
    struct assay_repeats_seen   *row;
    struct assay_witness_repeats first, now; /* of the first launch with a witness; of the one that is read */
    bool                         has_first;
};

/* Records name files of their own folder only, and what was written. */
static enum assay_code read_witness(struct seeing *s, const struct assay_record *r, const struct assay_case *what, struct assay_error *err)
{
    char                path[4096], sha256[65];
    const char         *name = r->witness_file;
    struct assay_graph *g = NULL;
    if (strncmp(name, "witness/", 8) != 0 || strchr(name + 8, '/') || name[8] == '.')
        return ASSAY_FAIL(err, ASSAY_DATA, "a witness must be a file in 'witness/', not '%.150s'", name);
    if (assay_path_join(path, sizeof path, s->folder, name, err) || assay_sha256_file(path, sha256, err))
        return err->code;
    if (strcmp(sha256, r->witness_sha256) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.150s: not the witness that was written", path);
    enum assay_code code = assay_judged_graph(r, what, &g, err);
    if (!code)
        code = assay_witness_repeats_read(path, r->id, g, &s->now, err);
    assay_graph_free(g);
    return code;
}

static void count_runs(struct seeing *s)
{
    for (uint32_t i = 0; i < s->now.n; i++) {
        if (s->now.set[i].seen < 2 || !s->now.set[i].has)
            continue;
        s->row->runs.runs += s->now.set[i].seen - 1;
        s->row->runs.differing += s->now.set[i].seen - s->now.set[i].with;
    }
}

static void count_process(struct seeing *s)
{
    bool differs = false, any = false;
    if (!s->has_first) {
        s->first = s->now;
        s->has_first = true;
        return;
    }
    for (uint32_t i = 0; i < s->now.n && i < s->first.n; i++) {
        if (!s->now.set[i].has || !s->first.set[i].has)
            continue;
        any = true;
        differs = differs || s->now.set[i].hash.low != s->first.set[i].hash.low || s->now.set[i].hash.high != s->first.set[i].hash.high;
    }
    s->row->processes.runs += any;
    s->row->processes.differing += differs;
}

static void say_why(struct assay_repeats_seen *row, size_t launches, const char *why)
{
    const char *few = launches > 1 ? "no two launches had an input set in common" : "there is one launch only";
    if (!row->runs.runs)
        (void)assay_string_copy(row->why_no_runs, sizeof row->why_no_runs, *why ? why : "no input set was observed twice");
    if (!row->processes.runs)
        (void)assay_string_copy(row->why_no_processes, sizeof row->why_no_processes, *why ? why : few);
}

static bool is_of(const struct assay_record *r, const struct assay_record *first)
{
    return !strcmp(r->id, first->id) && !strcmp(r->backend, first->backend);
}

static enum assay_code see_all(struct seeing *s, const struct assay_record *records, size_t n, size_t first, struct assay_error *err)
{
    const struct assay_record *r = &records[first];
    struct assay_case          what = {.params = NULL};
    size_t                     launches = 0;
    const char                *why = "";
    if (assay_case_parse(r->case_name, &what, err))
        return err->code;
    bool trained = what.workload->lesson && !strcmp(what.workload->lesson->phase, what.phase);
    for (size_t i = first; i < n && !err->code; i++) {
        if (!is_of(&records[i], r))
            continue;
        if (trained)
            why = "it is trained to a quality: no execution repeats another";
        else if (!*records[i].witness_file || records[i].status != ASSAY_STATUS_OK)
            why = *records[i].reason ? records[i].reason : "no witness was recorded";
        else if (!read_witness(s, &records[i], &what, err)) {
            launches++;
            count_runs(s);
            count_process(s);
        }
    }
    say_why(s->row, launches, launches ? "" : why);
    assay_case_release(&what);
    return err->code;
}

static bool is_first(const struct assay_record *records, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (is_of(&records[k], &records[i]))
            return false;
    return true;
}

enum assay_code assay_repeats_seen_of(const struct assay_run_folder *folder, struct assay_repeats_seen **out, size_t *n,
                                      struct assay_error *err)
{
    size_t                     n_records = 0, rows = 0;
    const struct assay_record *records = assay_run_folder_records(folder, &n_records);
    struct seeing             *s = calloc(1, sizeof *s);
    struct assay_repeats_seen *row = calloc(n_records + 1, sizeof *row);
    if (!s || !row)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what witnesses say");
    for (size_t i = 0; i < n_records && !err->code; i++) {
        if (!is_first(records, i))
            continue;
        *s = (struct seeing){.folder = assay_run_folder_path(folder), .row = &row[rows++]};
        (void)assay_string_copy(s->row->case_name, sizeof s->row->case_name, records[i].case_name);
        (void)assay_string_copy(s->row->id, sizeof s->row->id, records[i].id);
        (void)assay_string_copy(s->row->backend, sizeof s->row->backend, records[i].backend);
        (void)see_all(s, records, n_records, i, err);
    }
    free(s);
    if (err->code) {
        free(row);
        return err->code;
    }
    *out = row;
    *n = rows;
    return ASSAY_OK;
}
