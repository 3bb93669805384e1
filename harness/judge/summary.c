#include "harness/judge/summary.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/judge/summary_row.h"

#include "assay/banned.h"

/* What a summary's pointers point into, besides its run folder. */
struct owned {
    struct assay_arena arena;
    struct assay_verdict *verdicts;
};

/* ---- order ------------------------------------------------------------------------------------------------ */

static int compare_pair(const char *id_a, const char *backend_a, const char *id_b, const char *backend_b)
{
    int order = strcmp(id_a, id_b);
    return order ? order : strcmp(backend_a, backend_b);
}

static int compare_records(const void *a, const void *b)
{
    const struct assay_record *x = *(const struct assay_record *const *)a, *y = *(const struct assay_record *const *)b;
    int order = compare_pair(x->id, x->backend, y->id, y->backend);
    return order ? order : (x->launch > y->launch) - (x->launch < y->launch);
}

static int compare_verdicts(const void *a, const void *b)
{
    const struct assay_verdict *x = a, *y = b;
    int order = compare_pair(x->id, x->backend, y->id, y->backend);
    return order ? order : (x->launch > y->launch) - (x->launch < y->launch);
}

static int compare_record_to_verdict(const void *record, const void *verdict)
{
    const struct assay_record *r = record;
    const struct assay_verdict *v = verdict;
    int order = compare_pair(r->id, r->backend, v->id, v->backend);
    return order ? order : (r->launch > v->launch) - (r->launch < v->launch);
}

/* Rows stand in the order of their first records, and records stand in one array. */
static const struct assay_record *first_record(const struct assay_summary_row *row)
{
    const struct assay_record *first = row->launches[0];
    for (size_t i = 1; i < row->n_launches; i++)
        if (row->launches[i] < first)
            first = row->launches[i];
    return first;
}

static int compare_rows(const void *a, const void *b)
{
    const struct assay_record *x = first_record(a), *y = first_record(b);
    return (x > y) - (x < y);
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

static bool make_rows(struct assay_summary *s, struct owned *own, const struct assay_record *records, size_t n_verdicts)
{
    size_t n = s->n_records;
    const struct assay_record **sorted = assay_arena_take(&own->arena, n, sizeof(void *));
    const struct assay_verdict **verdicts = assay_arena_take(&own->arena, n, sizeof(void *));
    s->rows = assay_arena_take(&own->arena, n, sizeof *s->rows);
    if (n > 0 && (!sorted || !verdicts || !s->rows))
        return false;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &records[i];
    if (n > 0)
        qsort(sorted, n, sizeof(struct assay_record *), compare_records);
    if (n_verdicts > 0)
        qsort(own->verdicts, n_verdicts, sizeof *own->verdicts, compare_verdicts);
    for (size_t i = 0; i < n; i++) {
        struct assay_summary_row *row = s->n_rows ? &s->rows[s->n_rows - 1] : NULL;
        if (n_verdicts > 0)
            verdicts[i] =
                bsearch(sorted[i], own->verdicts, n_verdicts, sizeof *own->verdicts, compare_record_to_verdict);
        if (!row || compare_pair(sorted[i]->id, sorted[i]->backend, sorted[i - 1]->id, sorted[i - 1]->backend)) {
            row = &s->rows[s->n_rows++];
            row->launches = &sorted[i];
            row->verdicts = &verdicts[i];
        }
        row->n_launches++;
    }
    if (s->n_rows > 0)
        qsort(s->rows, s->n_rows, sizeof *s->rows, compare_rows);
    for (size_t i = 0; i < s->n_rows; i++)
        if (!assay_summary_row_fill(&s->rows[i], &own->arena))
            return false;
    return true;
}

static bool list_backends(struct assay_summary *s, struct owned *own)
{
    const char **backends = assay_arena_take(&own->arena, s->n_rows, sizeof *backends);
    if (s->n_rows > 0 && !backends)
        return false;
    for (size_t i = 0; i < s->n_rows; i++) {
        size_t known = 0;
        while (known < s->n_backends && strcmp(backends[known], s->rows[i].backend) != 0)
            known++;
        if (known == s->n_backends)
            backends[s->n_backends++] = s->rows[i].backend;
    }
    s->backends = backends;
    return true;
}

static void count(struct assay_summary *s)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        s->outcomes[s->rows[i].outcome]++;
        s->statuses[s->rows[i].status]++;
        s->noisy += s->rows[i].noisy > 0;
    }
}

/* ---- what is missing -------------------------------------------------------------------------------------- */

static bool has_row(const struct assay_summary *s, const char *id, const char *backend)
{
    for (uint32_t launch = 0; launch < 2; launch++) /* the index knows launches; nearly always the first is there */
        if (assay_run_folder_has(s->folder, id, backend, launch))
            return true;
    return assay_summary_find(s, id, backend) != NULL;
}

/* A plan without the shape of one ({"suite": {"cases": […]}, "backends": […]}) names nothing to miss. */
static bool find_missing(struct assay_summary *s, struct owned *own)
{
    const json_t *plan = assay_run_folder_plan(s->folder);
    const json_t *cases = json_object_get(json_object_get(plan, "suite"), "cases");
    const json_t *backends = json_object_get(plan, "backends");
    size_t n_cases = json_array_size(cases), n_backends = json_array_size(backends);
    if (n_cases == 0 || n_backends == 0)
        return true;
    if (n_cases > SIZE_MAX / n_backends ||
        !(s->missing = assay_arena_take(&own->arena, n_cases * n_backends, sizeof *s->missing)))
        return false;
    for (size_t i = 0; i < n_cases; i++) {
        for (size_t k = 0; k < n_backends; k++) {
            const json_t *one = json_array_get(cases, i);
            struct assay_summary_missing m = {
                .case_name = json_string_value(json_object_get(one, "case")),
                .id = json_string_value(json_object_get(one, "id")),
                .backend = json_string_value(json_array_get(backends, k)),
            };
            if (m.case_name && m.id && m.backend && !has_row(s, m.id, m.backend))
                s->missing[s->n_missing++] = m;
        }
    }
    return true;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

enum assay_code assay_summary_read(const char *path, struct assay_summary *out, struct assay_error *err)
{
    struct assay_summary s = {0};
    struct owned *own = calloc(1, sizeof *own);
    const struct assay_record *records;
    size_t n_verdicts = 0;
    s.owned = own;
    if (!own) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to read '%.150s'", path);
        goto fail;
    }
    if (assay_run_folder_read(path, &s.folder, err) || assay_verdicts_read(path, &own->verdicts, &n_verdicts, err))
        goto fail;
    records = assay_run_folder_records(s.folder, &s.n_records);
    s.validated = own->verdicts != NULL;
    if (!make_rows(&s, own, records, n_verdicts) || !list_backends(&s, own) || !find_missing(&s, own)) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %zu records of '%.150s'", s.n_records, path);
        goto fail;
    }
    count(&s);
    *out = s;
    return ASSAY_OK;
fail:
    assay_summary_release(&s);
    return err->code;
}

void assay_summary_release(struct assay_summary *summary)
{
    struct owned *own = summary->owned;
    if (own) {
        assay_arena_clear(&own->arena);
        free(own->verdicts);
        free(own);
    }
    assay_run_folder_close(summary->folder);
    *summary = (struct assay_summary){0};
}

const struct assay_summary_row *assay_summary_find(const struct assay_summary *summary, const char *id,
                                                   const char *backend)
{
    for (size_t i = 0; i < summary->n_rows; i++)
        if (strcmp(summary->rows[i].id, id) == 0 && strcmp(summary->rows[i].backend, backend) == 0)
            return &summary->rows[i];
    return NULL;
}

void assay_summary_name(const struct assay_summary *summary, struct assay_text *out)
{
    const char *path = assay_run_folder_path(summary->folder);
    size_t      end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    assay_text_add(out, "%.*s", (int)(end - begin), path + begin);
}
