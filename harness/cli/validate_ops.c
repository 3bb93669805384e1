/* `assay validate --backend B --level ops`: op by format. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/cli/progress.h"
#include "harness/cli/table.h"
#include "harness/cli/validate_level.h"
#include "harness/judge/ops.h"

#include "assay/banned.h"

static void on_progress(void *self, size_t done, size_t all, const char *line)
{
    assay_cli_progress(((const struct assay_validate_level *)self)->quiet, "", done, all, line);
}

static void number(char out[32], double x)
{
    (void)snprintf(out, 32, isnan(x) ? "–" : isinf(x) ? "∞" : "%.2g", x);
}

static void print_cells(const struct assay_ops *ops)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){"op", "format", "verdict", ">error", ">bound", ">error/bound", ">median", ">elements", ">cases", "assurance", ">fault found", "why",
                                                   NULL});
    for (size_t i = 0; i < ops->n; i++) {
        const struct assay_ops_cell *c = &ops->cell[i];
        char error[32], bound[32], worst[32], median[32], elements[48], cases[32], fault[32];
        number(error, c->worst_error);
        number(bound, c->worst_bound);
        number(worst, c->worst_ratio);
        number(median, c->median_ratio);
        number(fault, c->smallest_fault);
        assay_table_digits(elements, c->elements);
        (void)snprintf(cases, sizeof cases, "%u of %u", c->checked, c->cases);
        assay_table_row(&table, (const char *const[]){c->op, c->format, assay_outcome_name(c->outcome), error, bound, worst, median,
                                                      elements, cases, assay_assurance_name(c->assurance),
                                                      c->smallest_fault > 0 ? fault : "–", c->outcome == ASSAY_PASS ? "" : c->why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

/* Whether bounds are tight, in one line, and the cells whose are not. */
static enum assay_code print_tightness(const struct assay_ops *ops, struct assay_error *err)
{
    struct assay_ops_tightness t;
    if (assay_ops_tightness_of(ops, &t, err) || !t.cells)
        return err->code;
    printf("on random operands the largest error over its bound is %.2g in the median of %zu cells that round", t.median, t.cells);
    for (size_t i = 0, told = 0; i < ops->n; i++)
        if (assay_ops_is_loose(&ops->cell[i]))
            printf("%s%s %s %.2g", told++ ? ", " : "; below 0.05, where the bound allows much more rounding than there was: ", ops->cell[i].op, ops->cell[i].format,
                   ops->cell[i].random_ratio);
    puts("");
    return ASSAY_OK;
}

static enum assay_exit conclude(const struct assay_validate_level *with, const struct assay_ops *ops, const char *folder, struct assay_level_end *end)
{
    size_t failed = ops->failed + (with->strict ? ops->marginal : 0), passed = ops->passed - (with->strict ? ops->marginal : 0);
    (void)snprintf(end->summary, sizeof end->summary, "%zu passed (%zu marginal), %zu failed, %zu not checked; recorded in %.2000s", ops->passed,
                   ops->marginal, ops->failed, ops->not_checked, folder);
    return failed ? ASSAY_EXIT_NO : passed ? ASSAY_EXIT_YES : ASSAY_EXIT_INSUFFICIENT;
}

enum assay_exit assay_cli_validate_ops(const struct assay_validate_level *with, struct assay_level_end *end)
{
    char                     folder[ASSAY_LEVEL_FOLDER_BYTES];
    struct assay_error       err = {.code = ASSAY_OK};
    struct assay_ops         ops = {.n = 0};
    struct assay_level_request request = {
        .backend = with->backend, .folder = folder, .timeout_ns = with->timeout_ns, .seed = with->seed, .arguments = assay_cli_arguments,
        .n_arguments = assay_cli_n_arguments, .stop = &assay_cli_interrupted, .progress = on_progress, .self = (void *)(uintptr_t)with,
    };
    if (with->n_cases)
        return assay_cli_usage("level ops is of all ops; one of them is a case: assay run op/op=MatMul,size=long");
    assay_cli_level_folder(with, "ops", folder);
    assay_cli_catch_interrupts();
    (void)assay_ops_run(&request, &ops, &err);
    assay_cli_progress_end(with->quiet);
    if (err.code)
        return assay_cli_fail(&err);
    if (with->json) {
        end->document = assay_ops_to_json(&ops);
    } else {
        print_cells(&ops);
        (void)print_tightness(&ops, &err);
    }
    enum assay_exit result = conclude(with, &ops, folder, end);
    assay_ops_release(&ops);
    return result;
}
