/* A text that is served in pieces over caches in blocks has the logits of the same text in one piece, in double: of grouped attention,
 * and of latent attention, whose unfolding a server absorbs into queries and outputs. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/tests/source.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#define LOGITS "lm_head"

enum { WHOLE = 7, FIRST = 4, BLOCKS = 4 };
static const int64_t text[WHOLE] = {3, 41, 7, 19, 60, 2, 33};
static const int32_t table[BLOCKS] = {2, 0, 3, 1}; /* not the order in which they lie */

struct step {
    struct assay_graph     *g;
    void                  **data;
    struct assay_reference *values;
};

static void make(struct step *s, const char *format, const char *model)
{
    struct assay_case  c;
    struct assay_error err = {.code = ASSAY_OK};
    char               name[200];
    (void)snprintf(name, sizeof name, format, model);
    cr_assert(!assay_case_parse(name, &c, &err) && !assay_case_graph(&c, &s->g, &err), "%s: %s", name, err.message);
    assay_case_release(&c);
    s->data = calloc(s->g->n_values, sizeof *s->data);
    s->g->values[assay_graph_find(s->g, LOGITS)].role = ASSAY_ROLE_OUTPUT; /* so that they are kept */
    for (uint32_t v = 0; v < s->g->n_values; v++) {
        const struct assay_value *x = &s->g->values[v];
        if (x->producer >= 0 || x->role == ASSAY_ROLE_CONST)
            continue;
        s->data[v] = calloc(1, x->bytes + 1);
        if (x->role == ASSAY_ROLE_PARAM)
            cr_assert(!assay_fill_value(s->g, (int32_t)v, 5, 0, s->data[v], &err), "%s", err.message);
    }
}

/* What lies behind it in the value stays 0: of a table, blocks that nobody needs. */
static void put(const struct step *s, const char *name, const void *from, size_t bytes)
{
    int32_t v = assay_graph_find(s->g, name);
    cr_assert(v != ASSAY_NO_VALUE && bytes <= s->g->values[v].bytes, "%s", name);
    memcpy(s->data[v], from, bytes);
}

static void put_step(const struct step *s, int32_t past, int32_t n)
{
    const int32_t starts[] = {0, n};
    int64_t       at[WHOLE];
    for (int i = 0; i < n; i++)
        at[i] = past + i;
    put(s, "input_ids", text + past, (size_t)n * sizeof *text);
    put(s, "position_ids", at, (size_t)n * sizeof *at);
    put(s, "block_table", table, sizeof table);
    put(s, "starts", starts, sizeof starts);
    put(s, "past", &past, sizeof past);
}

static void compute(struct step *s)
{
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_reference_new_with(s->g, (const void *const *)s->data, ASSAY_BOUNDS_NONE, &s->values, &err), ASSAY_OK, "%s", err.message);
}

/* What a step left in its caches stands in the next one's. */
static void hand_on(const struct step *from, const struct step *to)
{
    struct assay_error err = {.code = ASSAY_OK};
    for (uint32_t v = 0; v < from->g->n_values; v++) {
        int32_t of = from->g->values[v].alias_of;
        if (of != ASSAY_NO_VALUE)
            cr_assert_eq(assay_reference_store(from->values, (int32_t)v, to->data[assay_graph_find(to->g, from->g->values[of].name)], &err), ASSAY_OK,
                         "%s", err.message);
    }
}

static void logits_of(const struct step *s, double *to, size_t n)
{
    struct assay_error err = {.code = ASSAY_OK};
    double            *bound = malloc(n * sizeof *bound);
    int64_t           *index = malloc(n * sizeof *index);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(s->values, assay_graph_find(s->g, LOGITS), n, index, to, bound, &err), ASSAY_OK, "%s", err.message);
    free(bound);
    free(index);
}

static void release(struct step *s)
{
    assay_reference_free(s->values);
    for (uint32_t v = 0; v < s->g->n_values; v++)
        free(s->data[v]);
    free(s->data);
    assay_graph_free(s->g);
}

static void check(const char *model)
{
    struct step whole = {.g = NULL}, first = {.g = NULL}, rest = {.g = NULL};
    double      want[96], got[96], most = 0;
    make(&whole, "decoder.prefill/model=%s,batch=1,tokens=7", model);
    make(&first, "decoder.serve/model=%s,batch=1,packed=4,tokens=16,block=4", model);
    make(&rest, "decoder.serve/model=%s,batch=1,packed=3,tokens=16,block=4", model);
    put(&whole, "input_ids", text, sizeof text);
    put_step(&first, 0, FIRST);
    put_step(&rest, FIRST, WHOLE - FIRST);
    compute(&whole);
    compute(&first);
    hand_on(&first, &rest);
    compute(&rest);
    size_t n = (size_t)whole.g->values[assay_graph_find(whole.g, LOGITS)].elements;
    cr_assert_leq(n, sizeof want / sizeof *want);
    logits_of(&whole, want, n);
    logits_of(&rest, got, n);
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(want[i]));
        cr_expect(fabs(got[i] - want[i]) < 1e-5, "%s: logit %zu is %.9g, in one piece %.9g", model, i, got[i], want[i]);
    }
    cr_expect_gt(most, 0.1, "%s: logits near 0 prove nothing", model);
    release(&whole);
    release(&first);
    release(&rest);
}

Test(served_decoder, a_text_in_pieces_has_the_logits_of_the_whole, .init = find_source)
{
    check("tiny-dense");
    check("tiny-mla");
}
