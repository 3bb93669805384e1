/* Values, names, limits, and the one error that stays. */
#include <criterion/criterion.h>
#include <math.h>

#include "harness/ir/graph.h"

/* Finishes and frees; the message of the graph's error, or "" when there is none. */
static void fate(struct assay_graph *g, char message[256], enum assay_code *code)
{
    struct assay_error err = {0};
    *code = assay_graph_finish(g, &err);
    (void)snprintf(message, 256, "%s", err.message);
    assay_graph_free(g);
}

static void expect_refused(struct assay_graph *g, const char *part)
{
    char message[256];
    enum assay_code code;
    fate(g, message, &code);
    cr_expect_eq(code, ASSAY_CONFIG, "expected a refusal: %s", part);
    cr_expect(strstr(message, part), "'%s' is not in '%s'", part, message);
}

static struct assay_graph *with_input(int32_t rank, const int64_t *dims, enum assay_dtype dtype)
{
    struct assay_graph *g = assay_graph_new("g");
    assay_graph_input(g, "x", dtype, rank, dims, ASSAY_FILL_SIGNED);
    return g;
}

Test(graph, a_small_graph_is_built_and_holds_what_was_said)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("small");
    int32_t a = assay_graph_input(g, "A", ASSAY_F32, 2, (int64_t[]){2, 3}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_param(g, "B", ASSAY_F32, 2, (int64_t[]){3, 4}, ASSAY_FILL_POSITIVE);
    int32_t n = assay_graph_control(g, "n", ASSAY_I32, 0, NULL, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 9});
    int32_t s = assay_graph_state(g, "s", ASSAY_F4E2M1, 1, (int64_t[]){5}, (struct assay_fill){ASSAY_FILL_NONE, 0, 0});
    int32_t c = assay_graph_op(g, "MatMul", "C", (int32_t[]){a, b}, 2, NULL);
    assay_graph_output(g, c);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_OK, "finishing again changes nothing");
    cr_expect_eq(g->n_values, 5);
    cr_expect_eq(g->n_nodes, 1);
    cr_expect_eq(g->values[a].role, ASSAY_ROLE_INPUT);
    cr_expect_eq(g->values[b].role, ASSAY_ROLE_PARAM);
    cr_expect_eq(g->values[b].fill.a, 0.5);
    cr_expect_eq(g->values[n].role, ASSAY_ROLE_CONTROL);
    cr_expect_eq(g->values[n].elements, 1, "a scalar is one element");
    cr_expect_eq(g->values[n].bytes, 4);
    cr_expect_eq(g->values[s].role, ASSAY_ROLE_STATE);
    cr_expect_eq(g->values[s].bytes, 3, "five numbers of four bits take three bytes");
    cr_expect_eq(g->values[a].producer, -1);
    cr_expect_eq(g->values[a].readers, 1);
    cr_expect_eq(g->values[s].readers, 0);
    cr_expect_eq(g->values[c].role, ASSAY_ROLE_OUTPUT);
    cr_expect_eq(g->values[c].producer, 0);
    cr_expect_eq(g->values[c].alias_of, ASSAY_NO_VALUE);
    cr_expect_eq(g->values[c].place, ASSAY_PLACE_DEVICE);
    cr_expect_str_eq(g->nodes[0].name, "C");
    assay_graph_free(g);
    assay_graph_free(NULL);
}

Test(graph, the_first_error_stays_and_later_calls_do_nothing)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("sticky");
    int32_t a = assay_graph_input(g, "A", ASSAY_F32, 1, (int64_t[]){-1}, ASSAY_FILL_SIGNED);
    cr_expect_eq(a, ASSAY_NO_VALUE);
    int32_t b = assay_graph_input(g, "B", ASSAY_F32, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
    cr_expect_eq(b, ASSAY_NO_VALUE, "a good value after an error is not added");
    cr_expect_eq(assay_graph_op(g, "Nonsense", "C", (int32_t[]){a, b}, 2, NULL), ASSAY_NO_VALUE);
    assay_graph_output(g, a);
    assay_graph_alias(g, a, b);
    assay_graph_place(g, a, ASSAY_PLACE_PEER);
    assay_graph_refuse(g, ASSAY_DATA, "a later complaint");
    for (int again = 0; again < 2; again++) {
        cr_expect_eq(assay_graph_finish(g, &err), ASSAY_CONFIG);
        cr_expect_str_eq(err.message, "input 'A' f32[-1]: dimension 0 is negative");
        cr_expect_eq(err.nframes, 1);
        cr_expect_str_eq(err.frame[0], "building graph 'sticky'");
    }
    cr_expect_eq(g->n_values, 0);
    cr_expect_eq(g->n_nodes, 0);
    cr_expect_not(g->finished);
    assay_graph_free(g);
}

Test(graph, a_builders_own_complaint_is_kept_with_its_code)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("g");
    assay_graph_refuse(g, ASSAY_UNSUPPORTED, "no %d layers", 7);
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "no 7 layers");
    assay_graph_free(g);
}

Test(graph, shapes_out_of_bounds_are_refused)
{
    static const int64_t two_to_61 = INT64_C(1) << 61;
    const int64_t nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    expect_refused(with_input(9, nine, ASSAY_F32), "rank 9 is not in 0..8");
    expect_refused(with_input(-1, nine, ASSAY_F32), "rank -1 is not in 0..8");
    expect_refused(with_input(INT32_MAX, nine, ASSAY_F32), "is not in 0..8");
    expect_refused(with_input(1, NULL, ASSAY_F32), "has no dimensions");
    expect_refused(with_input(2, (int64_t[]){2, INT64_MIN}, ASSAY_F32), "dimension 1 is negative");
    expect_refused(with_input(1, (int64_t[]){2}, ASSAY_DTYPE_NONE), "there is no dtype number 0");
    expect_refused(with_input(1, (int64_t[]){2}, (enum assay_dtype)99), "there is no dtype number 99");
    expect_refused(with_input(2, (int64_t[]){two_to_61, 3}, ASSAY_U8), "has more than 2^62 elements");
    expect_refused(with_input(2, (int64_t[]){INT64_MAX, INT64_MAX}, ASSAY_U8), "has more than 2^62 elements");
    expect_refused(with_input(3, (int64_t[]){two_to_61, 0, 3}, ASSAY_U8), "has more than 2^62 elements");
    expect_refused(with_input(1, (int64_t[]){two_to_61 + 1}, ASSAY_F16), "has more than 2^62 bytes");
    expect_refused(with_input(1, (int64_t[]){INT64_C(1) << 60}, ASSAY_F64), "has more than 2^62 bytes");
    expect_refused(with_input(1, (int64_t[]){2 * two_to_61}, ASSAY_F64), "has more than 2^62 bytes");
}

Test(graph, shapes_at_the_bounds_are_taken)
{
    static const struct {
        int64_t elements;
        enum assay_dtype dtype;
        uint64_t bytes;
    } cases[] = {
        {INT64_C(1) << 62, ASSAY_U8, UINT64_C(1) << 62},
        {INT64_C(1) << 62, ASSAY_I4, UINT64_C(1) << 61},
        {INT64_C(1) << 62, ASSAY_F6E2M3, UINT64_C(3) << 60},
        {(INT64_C(1) << 62) - 3, ASSAY_F6E2M3, (UINT64_C(3) << 60) - 2},
        {INT64_C(1) << 59, ASSAY_F64, UINT64_C(1) << 62},
        {3, ASSAY_F6E3M2, 3},
        {4, ASSAY_F6E3M2, 3},
        {5, ASSAY_F6E3M2, 4},
        {0, ASSAY_F64, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_graph *g = with_input(1, &cases[i].elements, cases[i].dtype);
        cr_assert_eq(g->n_values, 1, "case %zu: %s", i, g->first_error.message);
        cr_expect_eq(g->values[0].bytes, cases[i].bytes, "case %zu: %llu", i, (unsigned long long)g->values[0].bytes);
        cr_expect_eq(g->values[0].elements, (uint64_t)cases[i].elements);
        assay_graph_free(g);
    }
}

static struct assay_graph *named(const char *first, const char *second)
{
    struct assay_graph *g = assay_graph_new("g");
    assay_graph_input(g, first, ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED);
    assay_graph_param(g, second, ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED);
    return g;
}

Test(graph, names_are_unique_short_and_printable)
{
    char longest[ASSAY_VALUE_NAME_BYTES], longer[ASSAY_VALUE_NAME_BYTES + 1];
    memset(longest, 'a', sizeof longest);
    memset(longer, 'a', sizeof longer);
    longest[sizeof longest - 1] = longer[sizeof longer - 1] = 0;
    expect_refused(named("x", "x"), "param 'x': the graph already has a value of that name");
    expect_refused(named(longest, longer), "is longer than 127 bytes");
    expect_refused(named("x", ""), "param without a name");
    expect_refused(named(NULL, "x"), "input without a name");
    expect_refused(named("x", "a\nb"), "param name 'a…' holds a control character");
    struct assay_graph *g = named(longest, "π/layers.0/μ");
    cr_expect_eq(g->n_values, 2);
    assay_graph_free(g);
    expect_refused(assay_graph_new(longer), "is longer than 63 bytes");
}

Test(graph, many_values_are_found_by_their_names)
{
    struct assay_graph *g = assay_graph_new("many");
    char name[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "layer.%d", i);
        cr_assert_eq(assay_graph_input(g, name, ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED), i);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "layer.%d", i);
        cr_assert_eq(assay_graph_find(g, name), i);
    }
    cr_expect_eq(assay_graph_find(g, "layer.5000"), ASSAY_NO_VALUE);
    assay_graph_free(g);
}

static struct assay_graph *filled(enum assay_fill_kind kind, double a, double b)
{
    struct assay_graph *g = assay_graph_new("g");
    assay_graph_input(g, "x", ASSAY_F32, 0, NULL, (struct assay_fill){kind, a, b});
    return g;
}

Test(graph, fills_that_mean_nothing_are_refused)
{
    expect_refused(filled(ASSAY_FILL_UNIFORM, 1, 1), "a uniform fill needs a < b");
    expect_refused(filled(ASSAY_FILL_UNIFORM, (double)NAN, 1), "needs");
    expect_refused(filled(ASSAY_FILL_CONSTANT, (double)INFINITY, 0), "its numbers must be finite");
    expect_refused(filled(ASSAY_FILL_NORMAL, 0, -1), "a deviation is not negative");
    expect_refused(filled(ASSAY_FILL_INTEGERS, 0, 1.5), "an integer fill needs whole numbers a <= b");
    expect_refused(filled(ASSAY_FILL_INTEGERS, 3, 2), "an integer fill needs whole numbers a <= b");
    expect_refused(filled((enum assay_fill_kind)17, 0, 1), "there is no such kind of fill");
}

Test(graph, controls_are_integers)
{
    struct assay_graph *g = assay_graph_new("g");
    assay_graph_control(g, "n", ASSAY_F32, 0, NULL, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    expect_refused(g, "control 'n' is f32: controls are integers");
}

Test(graph, consts_are_copies_and_need_data)
{
    int64_t numbers[3] = {3, -1, 4};
    struct assay_graph *g = assay_graph_new("g");
    int32_t list = assay_graph_i64s(g, "list", 3, numbers);
    int32_t none = assay_graph_i64s(g, "none", 0, NULL);
    numbers[1] = 99;
    cr_assert_neq(list, ASSAY_NO_VALUE);
    cr_expect_eq(((const int64_t *)g->values[list].data)[1], -1);
    cr_expect_eq(g->values[list].bytes, 24);
    cr_expect_eq(g->values[list].dtype, ASSAY_I64);
    cr_expect_eq(g->values[none].elements, 0, "an empty const needs no data");
    cr_expect_eq(assay_graph_const(g, "missing", ASSAY_F32, 1, (int64_t[]){2}, NULL), ASSAY_NO_VALUE);
    expect_refused(g, "const 'missing' has no data for its 8 bytes");
}

Test(graph, a_const_beyond_all_memory_is_an_error_not_a_crash)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("the sanitizer's allocator ends the program instead of returning NULL");
#endif
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("g");
    assay_graph_const(g, "huge", ASSAY_U8, 1, (int64_t[]){INT64_C(1) << 61}, "x");
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_MEMORY);
    cr_expect(strstr(err.message, "const 'huge'"), "%s", err.message);
    assay_graph_free(g);
}

Test(graph, a_finished_graph_does_not_change)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("done");
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "Exp", "y", &x, 1, NULL);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    cr_expect_eq(assay_graph_input(g, "z", ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED), ASSAY_NO_VALUE);
    cr_expect_eq(assay_graph_op(g, "Exp", "z", &x, 1, NULL), ASSAY_NO_VALUE);
    assay_graph_place(g, y, ASSAY_PLACE_PEER);
    cr_expect_eq(g->n_values, 2);
    cr_expect_eq(g->n_nodes, 1);
    cr_expect_eq(g->values[y].place, ASSAY_PLACE_DEVICE);
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_INTERNAL, "who builds on must hear of it");
    assay_graph_free(g);
}

Test(graph, a_repetition_has_values_of_its_own_and_the_same_params)
{
    struct assay_graph *g = assay_graph_new("again");
    struct assay_error  err = {0};
    int64_t             dims[2] = {2, 3}, other[2] = {3, 2};
    int32_t             y[3] = {0}, w[3] = {0};
    for (uint32_t k = 0; k < 3; k++) {
        assay_graph_repeat(g, k);
        int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
        w[k] = assay_graph_param(g, "w", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
        y[k] = assay_graph_op(g, "Add", "y", (int32_t[]){x, w[k]}, 2, NULL);
        assay_graph_output(g, y[k]);
    }
    cr_expect(w[0] == w[1] && w[0] == w[2] && y[0] != y[1] && y[1] != y[2]);
    cr_expect_str_eq(assay_graph_value(g, y[0])->name, "y");
    cr_expect_str_eq(assay_graph_value(g, y[2])->name, "y#2");
    cr_expect_eq(assay_graph_find(g, "x#1"), y[1] - 1);
    cr_expect_eq(g->n_values, 7u);
    assay_graph_repeat(g, 0);
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(g);

    g = assay_graph_new("another");
    (void)assay_graph_param(g, "w", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
    assay_graph_repeat(g, 1);
    (void)assay_graph_param(g, "w", ASSAY_F32, 2, other, ASSAY_FILL_SIGNED);
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_CONFIG, "a param of another shape is another one, whose name is taken");
    assay_graph_free(g);
}
