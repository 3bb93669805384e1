#include "harness/judge/ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/ir/samples.h"
#include "reference/reference.h"

#include "assay/banned.h"

#define TIMEOUT_NS 60000000000ull
#define RUNS 8 /* of each input set one */

/* ---- the plan ------------------------------------------------------------------------------------------------ */

/* What is asked of a sample: which operands, in which formats. */
enum what { EVERY_OP = 1, SUMS = 2, MOVES = 4, LONG_ONES = 8, SMALL_ONES = 16 };
static const struct asked {
    const char *dtype, *operands, *fill;
    unsigned    of; /* both a kind and a size must be there */
} asked[] = {
    {"f32", "f32", "random", EVERY_OP | LONG_ONES | SMALL_ONES},
    {"f32", "f32", "exact", SUMS | MOVES | LONG_ONES},
    {"f32", "f32", "cancel", SUMS | LONG_ONES},
    {"f32", "f32", "wide", SUMS | MOVES | LONG_ONES},
    {"f32", "f32", "special", MOVES | LONG_ONES},
    {"bf16", "f32", "random", EVERY_OP | LONG_ONES},
    {"f16", "f32", "random", EVERY_OP | LONG_ONES},
    {"bf16", "f32", "exact", SUMS | MOVES | LONG_ONES},
    {"f16", "f32", "exact", MOVES | LONG_ONES},
    {"f32", "bf16", "random", SUMS | LONG_ONES},
    {"f32", "f16", "random", SUMS | LONG_ONES},
    {"f32", "f8e4m3", "random", SUMS | LONG_ONES},
    {"f32", "f8e5m2", "random", SUMS | LONG_ONES},
    {"f32", "i8", "random", SUMS | LONG_ONES},
    {"f32", "bf16", "exact", SUMS | LONG_ONES},
    {"f32", "f16", "exact", SUMS | LONG_ONES},
    {"f32", "f8e4m3", "exact", SUMS | LONG_ONES},
    {"f32", "i8", "exact", SUMS | LONG_ONES},
};

static unsigned kind_of(const struct assay_sample *s)
{
    const struct assay_op_reference *r = assay_reference_of(assay_op_find(s->op));
    return EVERY_OP | (r->quantum ? SUMS : 0) | (r->exact ? MOVES : 0) | (s->size == ASSAY_SAMPLE_LONG ? LONG_ONES : SMALL_ONES);
}

static bool is_asked(const struct asked *a, unsigned kind)
{
    return (a->of & kind & (EVERY_OP | SUMS | MOVES)) && (a->of & kind & (LONG_ONES | SMALL_ONES));
}

/* Number of the sample among those of its op and size, from 1. */
static int form_of(size_t sample)
{
    int form = 1;
    for (size_t i = 0; i < sample; i++)
        form += assay_samples[i].size == assay_samples[sample].size && !strcmp(assay_samples[i].op, assay_samples[sample].op);
    return form;
}

/* The case, unless the op does not take the format or has nothing that is bound. */
static enum assay_code add(struct assay_plan *plan, size_t sample, const struct asked *a, struct assay_error *err)
{
    const struct assay_sample *s = &assay_samples[sample];
    const char                *dot = strrchr(s->op, '.');
    struct assay_case          c;
    struct assay_graph        *g = NULL;
    char                       name[ASSAY_CASE_NAME_BYTES];
    (void)snprintf(name, sizeof name, "op/op=%s,size=%s,form=%d,dtype=%s,operands=%s,fill=%s", dot ? dot + 1 : s->op,
                   s->size == ASSAY_SAMPLE_LONG ? "long" : "small", form_of(sample), a->dtype, a->operands, a->fill);
    if (assay_case_parse(name, &c, err))
        return err->code;
    bool builds = !assay_case_graph(&c, &g, err);
    memset(err, 0, sizeof *err);
    assay_graph_free(g);
    if (!builds) {
        assay_case_release(&c);
        return ASSAY_OK;
    }
    c.repeat = (struct assay_repeat){.launches = 1, .min_runs = RUNS, .max_ns = TIMEOUT_NS / 2, .timeout_ns = TIMEOUT_NS};
    return assay_plan_take(plan, &c, err);
}

enum assay_code assay_ops_plan(struct assay_plan *out, struct assay_error *err)
{
    assay_plan_init(out);
    (void)assay_string_copy(out->name, sizeof out->name, "ops");
    (void)assay_string_copy(out->about, sizeof out->about, "every op in every format it takes, on operands that make faults visible");
    for (size_t i = 0; i < assay_samples_n; i++)
        for (size_t k = 0; k < sizeof asked / sizeof *asked; k++)
            if (is_asked(&asked[k], kind_of(&assay_samples[i])) && add(out, i, &asked[k], err))
                return err->code;
    return ASSAY_OK;
}

/* ---- cells --------------------------------------------------------------------------------------------------- */

/* The value of a key in "op/dtype=f32,fill=…". */
static void value_of(const char *name, const char *key, char *out, size_t bytes)
{
    size_t      length = strlen(key);
    const char *at = strchr(name, '/');
    *out = 0;
    for (; at && *at; at = strchr(at, ',')) {
        at++;
        if (!strncmp(at, key, length) && at[length] == '=') {
            size_t n = strcspn(at + length + 1, ",@");
            (void)assay_string_copy(out, n + 1 < bytes ? n + 1 : bytes, at + length + 1);
            return;
        }
    }
}

/* Of one verdict what its cell is about. */
struct about {
    char op[48], format[24], fill[16], size[16];
};

static bool is_op(const char *case_name, struct about *a)
{
    char dtype[16], operands[16];
    if (strncmp(case_name, "op/", 3) != 0)
        return false;
    value_of(case_name, "op", a->op, sizeof a->op);
    value_of(case_name, "fill", a->fill, sizeof a->fill);
    value_of(case_name, "size", a->size, sizeof a->size);
    value_of(case_name, "dtype", dtype, sizeof dtype);
    value_of(case_name, "operands", operands, sizeof operands);
    bool cast = strcmp(operands, "f32") != 0 && strcmp(operands, dtype) != 0;
    (void)snprintf(a->format, sizeof a->format, cast ? "%.8s of %.8s" : "%.8s", dtype, operands);
    return true;
}

/* The cell, a new one if there is none yet. NULL: no memory. */
static struct assay_ops_cell *cell_of(struct assay_ops *ops, const struct about *a)
{
    for (size_t i = 0; i < ops->n; i++)
        if (!strcmp(ops->cell[i].op, a->op) && !strcmp(ops->cell[i].format, a->format))
            return &ops->cell[i];
    if (ops->n == ops->room) {
        size_t                 room = ops->room ? 2 * ops->room : 64;
        struct assay_ops_cell *more = realloc(ops->cell, room * sizeof *more);
        if (!more)
            return NULL;
        ops->cell = more;
        ops->room = room;
    }
    struct assay_ops_cell *c = &ops->cell[ops->n++];
    *c = (struct assay_ops_cell){.worst_ratio = NAN, .worst_error = NAN, .worst_bound = NAN, .random_ratio = NAN, .median_ratio = NAN,
                                  .lean = NAN, .rms = NAN};
    (void)assay_string_copy(c->op, sizeof c->op, a->op);
    (void)assay_string_copy(c->format, sizeof c->format, a->format);
    return c;
}

static void larger(double *of, double x)
{
    if (isnan(*of) || fabs(x) > fabs(*of))
        *of = x;
}

/* What random operands showed. Ratios of small forms count only while there is no long one. */
static void add_random(struct assay_ops_cell *cell, const struct assay_check *c, bool is_long)
{
    if (is_long && !cell->has_long) {
        cell->median_ratio = NAN;
        cell->has_long = true;
    }
    if (is_long == cell->has_long && c->elements)
        larger(&cell->median_ratio, c->median_ratio);
    if (is_long)
        cell->smallest_fault = fmax(cell->smallest_fault, c->smallest_fault);
    if (c->errors && !isnan(c->rms)) {
        larger(&cell->lean, c->lean);
        larger(&cell->rms, c->rms);
    }
}

/* What was proved wrong speaks first, then what was proved right: that another case proved nothing takes nothing from it. */
static bool speaks_over(enum assay_outcome outcome, enum assay_outcome said)
{
    static const int rank[] = {[ASSAY_FAIL] = 5, [ASSAY_MARGINAL] = 4, [ASSAY_PASS] = 3, [ASSAY_UNTRUSTED] = 2, [ASSAY_NOT_CHECKED] = 1};
    return rank[outcome] > rank[said];
}

static void add_check(struct assay_ops_cell *cell, const struct assay_check *c, const struct about *a)
{
    cell->cases++;
    if (speaks_over(c->outcome, cell->outcome)) {
        cell->outcome = c->outcome;
        (void)assay_string_copy(cell->why, sizeof cell->why, c->why);
    }
    if (c->outcome == ASSAY_NOT_CHECKED)
        return;
    if (!cell->checked++ || c->assurance > cell->assurance)
        cell->assurance = c->assurance;
    cell->elements += c->elements;
    cell->exact += !strcmp(a->fill, "exact");
    if (c->elements && (isnan(cell->worst_ratio) || c->worst_ratio > cell->worst_ratio)) {
        cell->worst_ratio = c->worst_ratio;
        cell->worst_error = fabs(c->worst_observed - c->worst_expected);
        cell->worst_bound = c->worst_bound;
    }
    if (c->elements && !strcmp(a->fill, "random"))
        larger(&cell->random_ratio, c->worst_ratio);
    if (!strcmp(a->fill, "random"))
        add_random(cell, c, !strcmp(a->size, "long"));
}

static void count(struct assay_ops *ops, enum assay_outcome outcome)
{
    ops->passed += outcome == ASSAY_PASS || outcome == ASSAY_MARGINAL;
    ops->marginal += outcome == ASSAY_MARGINAL;
    ops->failed += outcome == ASSAY_FAIL;
    ops->not_checked += outcome == ASSAY_UNTRUSTED || outcome == ASSAY_NOT_CHECKED;
}

bool assay_ops_is_case(const char *case_name)
{
    struct about a;
    return is_op(case_name, &a);
}

enum assay_code assay_ops_add(struct assay_ops *ops, const char *case_name, const struct assay_check *found, struct assay_error *err)
{
    struct about a;
    if (!is_op(case_name, &a))
        return ASSAY_OK;
    struct assay_ops_cell *cell = cell_of(ops, &a);
    if (!cell)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found of %zu ops", ops->n);
    add_check(cell, found, &a);
    count(ops, found->outcome);
    return ASSAY_OK;
}

/* Errors of bits that are all right are 0 whatever the bound. */
static bool rounds(const struct assay_ops_cell *c)
{
    return (c->outcome == ASSAY_PASS || c->outcome == ASSAY_MARGINAL) && c->random_ratio > 0;
}

bool assay_ops_is_loose(const struct assay_ops_cell *cell)
{
    return rounds(cell) && cell->random_ratio < ASSAY_OPS_LOOSE;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum assay_code assay_ops_tightness_of(const struct assay_ops *ops, struct assay_ops_tightness *out, struct assay_error *err)
{
    double *ratio = calloc(ops->n + 1, sizeof *ratio);
    *out = (struct assay_ops_tightness){.median = NAN};
    if (!ratio)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu cells", ops->n);
    for (size_t i = 0; i < ops->n; i++) {
        out->loose += assay_ops_is_loose(&ops->cell[i]);
        if (rounds(&ops->cell[i]))
            ratio[out->cells++] = ops->cell[i].random_ratio;
    }
    qsort(ratio, out->cells, sizeof *ratio, by_value);
    if (out->cells)
        out->median = (ratio[(out->cells - 1) / 2] + ratio[out->cells / 2]) / 2;
    free(ratio);
    return ASSAY_OK;
}

void assay_ops_release(struct assay_ops *ops)
{
    free(ops->cell);
    *ops = (struct assay_ops){.n = 0};
}

/* ---- running and judging ------------------------------------------------------------------------------------- */

static enum assay_code run(const struct assay_level_request *request, struct assay_error *err)
{
    struct assay_plan plan;
    if (!assay_ops_plan(&plan, err))
        (void)assay_level_run(request, &plan, err);
    assay_plan_release(&plan);
    return err->code;
}

enum assay_code assay_ops_run(const struct assay_level_request *request, struct assay_ops *out, struct assay_error *err)
{
    struct assay_run_folder *folder = NULL;
    struct assay_verdict    *verdicts = NULL;
    size_t                   n = 0;
    *err = (struct assay_error){.code = ASSAY_OK};
    if (run(request, err) || assay_run_folder_read(request->folder, &folder, err))
        return err->code;
    enum assay_code code = assay_validate_run(folder, request->progress, request->self, &verdicts, &n, err);
    if (!code)
        code = assay_verdicts_write(request->folder, verdicts, n, err);
    *out = (struct assay_ops){.n = 0};
    for (size_t i = 0; !code && i < n; i++)
        code = assay_ops_add(out, verdicts[i].case_name, &verdicts[i].check, err);
    if (code)
        assay_ops_release(out);
    assay_run_folder_close(folder);
    free(verdicts);
    return code;
}

json_t *assay_ops_to_json(const struct assay_ops *ops)
{
    json_t *cells = json_array();
    for (size_t i = 0; i < ops->n; i++) {
        const struct assay_ops_cell *c = &ops->cell[i];
        (void)json_array_append_new(
            cells, json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "op", c->op, "format",
                             c->format, "verdict", assay_outcome_name(c->outcome), "assurance", assay_assurance_name(c->assurance), "why",
                             assay_json_string(c->why), "cases", (json_int_t)c->cases, "checked", (json_int_t)c->checked, "exact",
                             (json_int_t)c->exact, "elements", (json_int_t)c->elements, "error_over_bound", assay_json_number(c->worst_ratio),
                             "error", assay_json_number(c->worst_error), "bound", assay_json_number(c->worst_bound), "random_error_over_bound",
                             assay_json_number(c->random_ratio), "median_error_over_bound", assay_json_number(c->median_ratio), "lean",
                             assay_json_number(c->lean), "rms", assay_json_number(c->rms), "smallest_fault",
                             assay_json_number(c->smallest_fault)));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:I}", "cells", cells, "passed", (json_int_t)ops->passed, "marginal", (json_int_t)ops->marginal,
                     "failed", (json_int_t)ops->failed, "not_checked", (json_int_t)ops->not_checked);
}
