/* What learns has data that never come again, an evaluation that training never sees, and a net that a witness can hold. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/ir/ops.h"
#include "suites/blocks/training.h"
#include "suites/data/markov.h"
#include "suites/data/shapes.h"
#include "suites/workloads/workloads.h"

struct made {
    const struct assay_workload *workload;
    void                        *params;
    struct assay_graph          *step, *evaluation;
};

static struct made make(const char *name, const char *list)
{
    struct assay_error err = {0};
    struct made        m = {.workload = assay_workload_find(name)};
    cr_assert(m.workload && m.workload->lesson);
    m.params = calloc(1, m.workload->params_bytes);
    cr_assert_eq(assay_options_parse(m.workload->params, m.params, list, name, &err), ASSAY_OK, "%s", err.message);
    m.step = assay_graph_new("step");
    m.evaluation = assay_graph_new("evaluation");
    cr_assert_eq(m.workload->build(m.params, m.workload->lesson->phase, m.step, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(m.workload->lesson->build_evaluation(m.params, m.evaluation, &err), ASSAY_OK, "%s", err.message);
    return m;
}

static void release(struct made *m)
{
    assay_graph_free(m->step);
    assay_graph_free(m->evaluation);
    free(m->params);
}

static const char names[2][8] = {"text", "shapes"};

Test(lessons, are_named_after_a_phase_and_have_terms_that_can_be_met)
{
    size_t                              n, lessons = 0;
    const struct assay_workload *const *all = assay_workloads(&n);
    for (size_t i = 0; i < n; i++) {
        struct assay_lesson_terms t;
        bool                      phase = false;
        if (!all[i]->lesson)
            continue;
        struct made m = make(all[i]->name, "");
        for (size_t p = 0; all[i]->phases[p]; p++)
            phase = phase || !strcmp(all[i]->phases[p], all[i]->lesson->phase);
        all[i]->lesson->terms(m.params, &t);
        cr_expect(phase && t.target > t.floor && t.max_steps >= t.evaluate_every && t.evaluate_every > 0 && t.evaluation_batches > 0);
        lessons++;
        release(&m);
    }
    cr_expect_eq(lessons, 2u);
}

/* All params of the evaluation are the step's, of the same bytes; together they fit into a witness of 1 MiB. */
Test(lessons, evaluate_the_params_that_the_step_moves)
{
    for (int i = 0; i < 2; i++) {
        struct made m = make(names[i], "");
        uint64_t    bytes = 0, trained = 0;
        for (uint32_t v = 0; v < m.evaluation->n_values; v++) {
            const struct assay_value *x = &m.evaluation->values[v];
            if (x->role != ASSAY_ROLE_PARAM)
                continue;
            const struct assay_value *y = assay_graph_value(m.step, assay_graph_find(m.step, x->name));
            cr_assert(y && (y->role == ASSAY_ROLE_PARAM || y->role == ASSAY_ROLE_STATE), "%s", x->name);
            cr_expect_eq(y->bytes, x->bytes);
            bytes += x->bytes;
            trained += y->role == ASSAY_ROLE_PARAM;
        }
        cr_expect(bytes < 1000000 && trained > 8, "%s has %llu bytes", names[i], (unsigned long long)bytes);
        release(&m);
    }
}

Test(lessons, data_never_come_again_and_evaluation_has_its_own)
{
    static const char *const input[] = {"input_ids", "images"};
    for (int i = 0; i < 2; i++) {
        struct made               m = make(names[i], "batch=2");
        const struct assay_value *x = assay_graph_value(m.step, assay_graph_find(m.step, input[i]));
        unsigned char            *batch[6];
        for (int k = 0; k < 6; k++) { /* steps 1, 2, 3, evaluation batches 0, 1, and 3: none is another */
            static const uint64_t n[] = {1, 2, 3, 0, 1, 3};
            batch[k] = malloc((size_t)x->bytes);
            cr_assert(m.workload->lesson->data(m.params, 5, k > 2, n[k], input[i], batch[k]));
            for (int j = 0; j < k; j++)
                cr_expect(memcmp(batch[j], batch[k], (size_t)x->bytes / 2) != 0, "%s: %d and %d begin alike", names[i], j, k);
        }
        cr_assert(m.workload->lesson->data(m.params, 5, false, 2, input[i], batch[0]));
        cr_expect_eq(memcmp(batch[0], batch[1], (size_t)x->bytes), 0, "the same step has the same data");
        cr_assert(m.workload->lesson->data(m.params, 6, false, 2, input[i], batch[0]));
        cr_expect_neq(memcmp(batch[0], batch[1], (size_t)x->bytes), 0, "another seed has others");
        cr_expect_not(m.workload->lesson->data(m.params, 5, false, 2, "no_such_input", batch[0]));
        for (int k = 0; k < 6; k++)
            free(batch[k]);
        release(&m);
    }
}

/* Label t of a sequence is the symbol behind token t; from the 33rd on, so that a copy's source is in sight. */
Test(lessons, text_asks_for_the_next_symbol)
{
    enum { TOKENS = 96, SCORED = TOKENS - ASSAY_MARKOV_DISTANCE };
    struct made m = make("text", "batch=3");
    int64_t     ids[3 * TOKENS], labels[3 * SCORED];
    cr_assert(m.workload->lesson->data(m.params, 1, true, 4, "input_ids", ids) && m.workload->lesson->data(m.params, 1, true, 4, "labels", labels));
    for (int s = 0; s < 3; s++)
        for (int t = 0; t + 1 < SCORED; t++)
            cr_expect_eq(labels[s * SCORED + t], ids[s * TOKENS + ASSAY_MARKOV_DISTANCE + t + 1]);
    release(&m);
}

Test(lessons, without_attention_a_net_has_nothing_that_looks_back)
{
    struct made with = make("text", ""), without = make("text", "attention=false");
    size_t      looks[2] = {0};
    for (uint32_t i = 0; i < with.step->n_nodes; i++)
        looks[0] += strstr(with.step->nodes[i].op->name, "Attention") != NULL;
    for (uint32_t i = 0; i < without.step->n_nodes; i++)
        looks[1] += strstr(without.step->nodes[i].op->name, "Attention") != NULL;
    cr_expect(looks[0] >= 4 && looks[1] == 0, "%zu and %zu", looks[0], looks[1]);
    release(&with);
    release(&without);
}

Test(lessons, schedules_warm_up_and_fall_to_their_end)
{
    cr_expect_float_eq(assay_schedule_cosine(1, 1000, 50, 0.05), 0.02, 1e-12);
    cr_expect_float_eq(assay_schedule_cosine(50, 1000, 50, 0.05), 1, 1e-12);
    cr_expect_float_eq(assay_schedule_cosine(525, 1000, 50, 0.05), 0.525, 1e-12);
    cr_expect_float_eq(assay_schedule_cosine(1000, 1000, 50, 0.05), 0.05, 1e-12);
    cr_expect_float_eq(assay_schedule_cosine(2000, 1000, 50, 0.05), 0.05, 1e-12);
    cr_expect_float_eq(assay_schedule_cosine(60, 10, 50, 0.05), 0.05, 1e-12);
}
