#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/tests/source.h"
#include "harness/verify/faults/alarms.h"
#include "harness/verify/faults/document.h"
#include "harness/verify/faults/search.h"

#define SAMPLE 3u /* trials of each row of the document: the first of those that it was written by */

static struct assay_fault_bench *bench_of(const struct assay_fault_subject *subject, size_t draws)
{
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_fault_bench *b;
    find_source();
    cr_assert_not_null(subject);
    cr_assert_eq(assay_fault_bench_new(subject, draws, ASSAY_FAULT_SEED, &b, &err), ASSAY_OK, "%s", err.message);
    return b;
}

static struct assay_fault_rate counted(const struct assay_fault_bench *b, const char *kind, double size, uint32_t trials)
{
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_fault_rate rate;
    cr_assert_not_null(assay_fault_kind_named(kind), "%s", kind);
    cr_assert_eq(assay_fault_count(b, assay_fault_kind_named(kind), size, 0, trials, false, &rate, &err), ASSAY_OK, "%s", err.message);
    return rate;
}

/* ---- the table of kinds -------------------------------------------------------------------------------------- */

Test(faults, have_names_of_their_own_and_somewhere_to_be_planted)
{
    cr_expect_geq(assay_fault_kinds_n, 40);
    for (size_t k = 0; k < assay_fault_kinds_n; k++) {
        const struct assay_fault_kind *kind = &assay_fault_kinds[k];
        bool                           applies = false;
        cr_expect_eq(assay_fault_kind_named(kind->name), kind, "%s stands twice", kind->name);
        cr_expect(kind->outputs || kind->operands || kind->node || kind->paper, "%s does nothing", kind->name);
        for (size_t s = 0; s < assay_fault_subjects_n; s++)
            applies |= assay_fault_applies(kind, assay_fault_subjects[s].traits);
        cr_expect(applies, "%s has no subject", kind->name);
    }
}

/* ---- what must be found -------------------------------------------------------------------------------------- */

Test(faults, of_an_element_are_found_within_8_roots_of_the_length)
{
    static const struct {
        char   subject[24];
        double terms;
    } rows[] = {{"MatMul K=64", 64}, {"MatMul K=512", 512}, {"MatMul K=4096", 4096}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_fault_bench *b = bench_of(assay_fault_subject_named(rows[i].subject), 2);
        struct assay_fault_rate   at = counted(b, "element-off-of-terms", 8 * sqrt(rows[i].terms) * 0x1p-24, 60);
        struct assay_fault_rate   below = counted(b, "element-off-of-terms", 0.01 * sqrt(rows[i].terms) * 0x1p-24, 20);
        cr_expect_eq(at.found, 60, "%s: %u", rows[i].subject, at.found);
        cr_expect_eq(at.by, ASSAY_BY_ELEMENT);
        cr_expect_lt(below.found, 20, "%s: what lies below a rounding is no fault", rows[i].subject);
        assay_fault_bench_free(b);
    }
}

Test(faults, of_the_class_of_arithmetic_are_told)
{
    struct assay_fault_bench *half = bench_of(assay_fault_subject_named("MatMul K=512, f32 of f16"), 4);
    struct assay_fault_bench *full = bench_of(assay_fault_subject_named("MatMul K=512"), 4);
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_fault_told   told;
    cr_expect_eq(counted(half, "sums-f16", 0, 4).found, 4);
    cr_expect_eq(counted(half, "unit-f16", 0, 4).found, 4);
    cr_expect_eq(assay_fault_try(full, 0, assay_fault_kind_named("sums-toward-zero"), 0, 1, &told, &err), ASSAY_OK);
    cr_expect_eq(told.check.by, ASSAY_BY_DISTRIBUTION, "%s", told.check.why);
    cr_expect_lt(told.check.worst_ratio, 0.2, "far inside the worst case");
    assay_fault_bench_free(half);
    assay_fault_bench_free(full);
}

Test(faults, are_told_by_the_instrument_that_is_made_for_them)
{
    static const struct {
        char                  subject[32], kind[32];
        double                size;
        enum assay_instrument by;
    } rows[] = {
        {"MatMul K=64", "nothing-written", 0, ASSAY_BY_POISON},       {"MatMul K=64", "element-off", 0.01, ASSAY_BY_ELEMENT},
        {"MatMulInteger K=64", "int8-saturating16", 0, ASSAY_BY_EXACT}, {"MatMul K=64", "scaled", 1e-7, ASSAY_BY_DISTRIBUTION},
        {"MatMul K=64, 300 x 240", "element-off-unsampled", 0.02, ASSAY_BY_SUM},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_fault_bench *b = bench_of(assay_fault_subject_named(rows[i].subject), 2);
        struct assay_fault_rate   r = counted(b, rows[i].kind, rows[i].size, 4);
        cr_expect_eq(r.found, 4, "%s", rows[i].kind);
        cr_expect_eq(r.by, rows[i].by, "%s is told by %s", rows[i].kind, assay_instrument_name(r.by));
        assay_fault_bench_free(b);
    }
}

static void compute_at_most(struct assay_fault_bench *b, const struct assay_paper *paper, double *y)
{
    struct assay_error err = {.code = ASSAY_OK};
    for (uint32_t v = 0; v < b->graph->n_values; v++)
        for (uint64_t i = 0; b->draw[0].in[v] && i < b->graph->values[v].elements; i++)
            b->draw[0].in[v][i] = b->graph->values[v].dtype == ASSAY_U8 ? 255 : 127;
    cr_assert_eq(assay_paper_compute(paper, b->graph, (const double *const *)b->draw[0].in, &y, &err), ASSAY_OK, "%s", err.message);
}

/* As PMADDUBSW does: 2 x 255 x 127 is cut to 32767, 32 times. */
Test(faults, of_products_that_saturate_are_those_of_the_hardware)
{
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_fault_bench *b = bench_of(assay_fault_subject_named("MatMulInteger K=64"), 1);
    struct assay_paper        wrong = b->honest;
    double                   *y = calloc(b->graph->values[b->output[0]].elements, sizeof *y);
    compute_at_most(b, &b->honest, y);
    cr_expect_eq(y[0], 2072640);
    cr_assert_eq(assay_fault_kind_named("int8-saturating16")->paper(&wrong, &err), ASSAY_OK);
    compute_at_most(b, &wrong, y);
    cr_expect_eq(y[0], 1048544);
    free(y);
    assay_fault_bench_free(b);
}

/* Right both times: nothing to fail, but the bits are told. */
Test(faults, that_only_change_the_order_of_sums_are_none)
{
    struct assay_fault_bench *b = bench_of(assay_fault_subject_named("MatMul K=64"), 4);
    struct assay_fault_rate   r = counted(b, "order-varies", 0, 4);
    cr_expect_eq(r.found, 0);
    cr_expect_eq(r.differ, 4);
    assay_fault_bench_free(b);
}

/* What the judge says of itself is no less than what it finds. */
Test(faults, of_the_size_that_the_judge_promises_are_found)
{
    static const char subjects[][32] = {"MatMul K=64", "MatMul K=512", "Conv 3 x 3", "Softmax", "MatMul K=64, 300 x 240"};
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        struct assay_error        err = {.code = ASSAY_OK};
        struct assay_fault_bench *b = bench_of(assay_fault_subject_named(subjects[i]), 2);
        struct assay_fault_told   told;
        cr_assert_eq(assay_fault_try(b, 0, NULL, 0, 1, &told, &err), ASSAY_OK);
        cr_expect_not(told.found, "%s", told.check.why);
        cr_expect_eq(counted(b, "element-off", told.check.smallest_fault, 20).found, 20, "%s: %g", subjects[i], told.check.smallest_fault);
        assay_fault_bench_free(b);
    }
}

/* ---- false alarms -------------------------------------------------------------------------------------------- */

Test(faults, that_are_not_there_raise_no_alarm)
{
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_fault_alarms a = {.draws = 0};
    find_source();
    for (size_t s = 0; s < assay_fault_subjects_n; s++)
        if (!(assay_fault_subjects[s].traits & ASSAY_FAULT_LARGE))
            cr_assert_eq(assay_fault_alarms_add(&assay_fault_subjects[s], 8, 77, &a, &err), ASSAY_OK, "%s", err.message);
    cr_expect_gt(a.judged, 200);
    cr_expect_eq(a.alarms, 0, "%s", a.first);
}

/* ---- the document -------------------------------------------------------------------------------------------- */

static char *document(void)
{
    char               path[SOURCE_BYTES + 32];
    char              *text;
    size_t             n;
    struct assay_error err = {.code = ASSAY_OK};
    source_of(path);
    memcpy(path + strlen(path), "/harness/verify/FAULTS.md", sizeof "/harness/verify/FAULTS.md");
    cr_assert_eq(assay_file_read(path, 1 << 20, &text, &n, &err), ASSAY_OK, "%s", err.message);
    return text;
}

/* The cells of a row of a table, at most 9, cut out of `line`; the first is a kind in backquotes, or there is no row. */
static int cells_of(char *line, char *cell[9])
{
    int n = 0;
    if (strncmp(line, "| `", 3) != 0)
        return 0;
    for (char *at = line + 2, *end; n < 9 && (end = strstr(at, " |")); at = end + 2 + (end[2] == ' ')) {
        *end = 0;
        cell[n++] = at;
    }
    cell[0]++;
    cell[0][strcspn(cell[0], "`")] = 0;
    return n;
}

Test(faults, document_has_the_kinds_of_the_table)
{
    char *text = document(), *cell[9], *rest = NULL;
    bool  there[256] = {false};
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (!cells_of(line, cell))
            continue;
        const struct assay_fault_kind *kind = assay_fault_kind_named(cell[0]);
        cr_assert_not_null(kind, "%s is in the document alone: make faults", cell[0]);
        there[kind - assay_fault_kinds] = true;
    }
    for (size_t k = 0; k < assay_fault_kinds_n; k++)
        cr_expect(there[k], "%s is not in the document: make faults", assay_fault_kinds[k].name);
    free(text);
}

/* Every row of one subject that says a size: found there, and not at a hundredth. */
static void replant(const struct assay_fault_bench *b, char *text, uint32_t *rows)
{
    char *cell[9], *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const struct assay_fault_kind *kind = cells_of(line, cell) == 7 ? assay_fault_kind_named(cell[0]) : NULL;
        if (!kind || strcmp(cell[1], b->subject->name) != 0 || strstr(cell[2], "not found"))
            continue;
        double   size = strtod(cell[2], NULL);
        uint32_t found = counted(b, kind->name, size * (kind->flags & ASSAY_FAULT_WHOLE ? 1 : 1.001), SAMPLE).found;
        cr_expect_eq(found, SAMPLE, "%s of %s in %s: %u of %u", kind->name, cell[2], cell[1], found, SAMPLE);
        /* An element of a large output is seen at its own bound if the sample has it. */
        bool sampled = b->subject->traits & ASSAY_FAULT_LARGE && !(kind->needs & ASSAY_FAULT_LARGE);
        if (!(kind->flags & ASSAY_FAULT_WHOLE) && !sampled && size > 200 * kind->low)
            cr_expect_lt(counted(b, kind->name, size / 100, SAMPLE).found, SAMPLE, "%s is found far below %s in %s: make faults", kind->name,
                         cell[2], cell[1]);
        ++*rows;
    }
}

Test(faults, are_found_at_the_size_that_the_document_says, .timeout = 300)
{
    char    *text = document();
    size_t   n = strlen(text);
    char    *copy = malloc(n + 1);
    uint32_t rows = 0;
    for (size_t s = 0; s < assay_fault_subjects_n; s++) {
        struct assay_fault_bench *b = bench_of(&assay_fault_subjects[s], SAMPLE);
        memcpy(copy, text, n + 1);
        replant(b, copy, &rows);
        assay_fault_bench_free(b);
    }
    cr_expect_gt(rows, 200);
    free(copy);
    free(text);
}

/* Kinds without a size: each is found where it is planted first, or the document says that it is missed and why. */
Test(faults, without_a_size_are_found_or_the_table_says_why_not)
{
    for (size_t s = 0; s < assay_fault_subjects_n; s++) {
        const struct assay_fault_subject *subject = &assay_fault_subjects[s];
        if (subject->traits & ASSAY_FAULT_LARGE)
            continue;
        struct assay_fault_bench *b = bench_of(subject, 2);
        for (size_t k = 0; k < assay_fault_kinds_n; k++) {
            const struct assay_fault_kind *kind = &assay_fault_kinds[k];
            if (*kind->unit || kind->flags & ASSAY_FAULT_AGAIN || *kind->why_missed || !assay_fault_applies(kind, subject->traits))
                continue;
            uint32_t found = counted(b, kind->name, 0, 2).found;
            cr_expect_eq(found, 2, "%s in %s: %u of 2", kind->name, subject->name, found);
        }
        assay_fault_bench_free(b);
    }
}
