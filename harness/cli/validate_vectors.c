#include "harness/cli/validate_vectors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/judge/vectors.h"

#include "assay/banned.h"

static void on_progress(void *self, size_t done, size_t all, const char *name)
{
    assay_cli_progress(((const struct assay_validate_vectors *)self)->quiet, "", done, all, name);
}

static const char *outcome_name(enum assay_vector_outcome outcome)
{
    return outcome == ASSAY_VECTOR_PASSED ? "passed" : outcome == ASSAY_VECTOR_FAILED ? "failed" : "not run";
}

/* What a line of the table is: an op's cases that passed, or those that did not for one reason. Positions in the file, names and
 * shapes differ from case to case, so reasons are one up to their first quote. */
static size_t of_reason(const char *why)
{
    return strcspn(why, "'");
}

static const char *brief(const char *why)
{
    const char *behind = strstr(why, ": byte ");
    behind = behind ? strchr(behind + 2, ':') : NULL;
    return behind && behind[1] == ' ' ? behind + 2 : why;
}

static int by_op(const void *a, const void *b)
{
    const struct assay_vector_result *x = a, *y = b;
    int                               order = strcmp(x->op, y->op);
    order = order ? order : (int)x->outcome - (int)y->outcome;
    order = order ? order : strcmp(brief(x->why), brief(y->why));
    return order ? order : strcmp(x->name, y->name);
}

static bool same_line(const struct assay_vector_result *x, const struct assay_vector_result *y)
{
    const char *a = brief(x->why), *b = brief(y->why);
    size_t      n = of_reason(a);
    return !strcmp(x->op, y->op) && x->outcome == y->outcome && n == of_reason(b) && !strncmp(a, b, n);
}

/* Sorts them. */
static void print_table(struct assay_vector_result *r, size_t n)
{
    struct assay_table table;
    qsort(r, n, sizeof *r, by_op);
    assay_table_init(&table, (const char *const[]){"op", "result", ">cases", "first", "why", NULL});
    for (size_t i = 0, k; i < n; i = k) {
        char count[24];
        for (k = i + 1; k < n && same_line(&r[i], &r[k]); k++)
            ;
        (void)snprintf(count, sizeof count, "%zu", k - i);
        assay_table_row(&table, (const char *const[]){*r[i].op ? r[i].op : "–", outcome_name(r[i].outcome), count, r[i].name,
                                                      brief(r[i].why)});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static void print_json(const struct assay_vector_result *r, size_t n, const size_t count[4])
{
    json_t *cases = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_pack("{s:o, s:o, s:s}", "case", assay_json_string(r[i].name), "op", assay_json_string(r[i].op), "result",
                                outcome_name(r[i].outcome));
        if (*r[i].why)
            (void)json_object_set_new(one, "why", assay_json_string(r[i].why));
        (void)json_array_append_new(cases, one);
    }
    assay_cli_print_json(json_pack("{s:o, s:I, s:I, s:I}", "cases", cases, "passed", (json_int_t)count[ASSAY_VECTOR_PASSED], "failed",
                                   (json_int_t)count[ASSAY_VECTOR_FAILED], "not_run", (json_int_t)count[ASSAY_VECTOR_NOT_RUN]));
}

enum assay_exit assay_cli_validate_vectors(const struct assay_validate_vectors *with)
{
    struct assay_vectors_request request = {.backend = with->backend, .folder = with->folder, .timeout_ns = with->timeout_ns,
                                            .progress = on_progress, .self = (void *)(uintptr_t)with};
    struct assay_vector_result  *r = NULL;
    struct assay_error           err;
    size_t                       n = 0, count[4] = {0};
    enum assay_code              code = assay_vectors(&request, &r, &n, &err);
    assay_cli_progress_end(with->quiet);
    if (code)
        return assay_cli_fail(&err);
    for (size_t i = 0; i < n; i++)
        count[r[i].outcome]++;
    if (with->json) {
        print_json(r, n, count);
    } else {
        print_table(r, n);
        printf("%zu passed, %zu failed, %zu not run\n", count[ASSAY_VECTOR_PASSED], count[ASSAY_VECTOR_FAILED], count[ASSAY_VECTOR_NOT_RUN]);
    }
    free(r);
    return count[ASSAY_VECTOR_FAILED] ? ASSAY_EXIT_NO : count[ASSAY_VECTOR_PASSED] ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
}
