/* Optimizers: one step of each against a loop written by hand, and least squares solved by steps of the reference. */
#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/options.h"
#include "harness/ir/tests/sketch.h"
#include "harness/ir/transform/optimizer.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

/* ---- single steps ---------------------------------------------------------------------------------------------- */

enum { N = 5 };
static const double P[N] = {1, -2, 0.5, 0, 3}, G[N] = {0.5, 0.25, -1, 2, 0}, M[N] = {0.1, 0, -0.2, 0.3, 0.4};
static const double V[N] = {0.01, 0.04, 0, 0.09, 0.25};

/* Outputs of a node in f64 whose operands are these, in the order of their letters; r and t are 0.1 and 3, s is 0.5. */
static void step_of(const char *op, const char *letters, const char *attrs, size_t n_outputs, double out[3][N])
{
    struct assay_graph *g = assay_graph_new("step");
    int32_t in[8], made[3];
    size_t n = 0;
    struct assay_error err = {0};
    struct assay_reference *ref;
    for (; letters[n]; n++) {
        char name[8] = {letters[n], (char)('0' + n), 0};
        const double *from = letters[n] == 'p' ? P : letters[n] == 'g' ? G : letters[n] == 'm' ? M : V;
        if (letters[n] == '-')
            in[n] = ASSAY_NO_VALUE;
        else if (letters[n] == 't')
            in[n] = assay_graph_const(g, name, ASSAY_I64, 0, NULL, (int64_t[]){3});
        else if (strchr("rs0", letters[n]))
            in[n] = assay_graph_const(g, name, ASSAY_F64, 0, NULL,
                                      (double[]){letters[n] == 'r' ? 0.1 : letters[n] == 's' ? 0.5 : 0});
        else
            in[n] = assay_graph_const(g, name, ASSAY_F64, 1, (int64_t[]){N}, from);
    }
    assay_node_add(g, op, in, n, attrs, n_outputs, made);
    for (size_t o = 0; o < n_outputs; o++)
        assay_graph_output(g, made[o]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", op, err.message);
    cr_assert_eq(assay_reference_new(g, NULL, &ref, &err), ASSAY_OK);
    for (size_t o = 0; o < n_outputs; o++) {
        double bound[N];
        cr_assert_eq(assay_reference_at(ref, made[o], N, (int64_t[]){0, 1, 2, 3, 4}, out[o], bound, &err), ASSAY_OK, "%s",
                     err.message);
        for (int i = 0; i < N; i++)
            cr_expect(bound[i] <= 1e-13 * (1 + fabs(out[o][i])), "%s: bound %g of output %zu", op, bound[i], o);
    }
    assay_reference_free(ref);
    assay_graph_free(g);
}

static void expect_near(const double *got, const double *want, const char *what)
{
    for (int i = 0; i < N; i++)
        cr_expect(fabs(got[i] - want[i]) <= 1e-14 * (1 + fabs(want[i])), "%s [%d]: %.17g, expected %.17g", what, i, got[i],
                  want[i]);
}

Test(training, sgd_steps_as_a_loop_does)
{
    double out[3][N], p[N], m[N];
    step_of("assay.Sgd", "rpg", "", 1, out);
    for (int i = 0; i < N; i++)
        p[i] = P[i] - 0.1 * G[i];
    expect_near(out[0], p, "plain");
    step_of("assay.Sgd", "rpgms", "momentum=0.9 weight_decay=0.01", 2, out);
    for (int i = 0; i < N; i++) {
        m[i] = 0.9 * M[i] + 0.5 * G[i] + 0.01 * P[i];
        p[i] = P[i] - 0.1 * m[i];
    }
    expect_near(out[0], p, "P with momentum");
    expect_near(out[1], m, "M");
    step_of("assay.Sgd", "rpg-s", "", 1, out);
    for (int i = 0; i < N; i++)
        p[i] = P[i] - 0.1 * 0.5 * G[i];
    expect_near(out[0], p, "scaled");
}

static void adam_by_hand(double scale, double decay, double *u, double *m, double *v)
{
    for (int i = 0; i < N; i++) {
        double g = scale * G[i];
        m[i] = 0.8 * M[i] + 0.2 * g;
        v[i] = 0.99 * V[i] + 0.01 * g * g;
        u[i] = m[i] / (1 - 0.8 * 0.8 * 0.8) / (sqrt(v[i] / (1 - 0.99 * 0.99 * 0.99)) + 0.001) + decay * P[i];
    }
}

Test(training, adamw_and_lamb_step_as_a_loop_does)
{
    double out[3][N], u[N], m[N], v[N], p[N];
    const char *attrs = "beta1=0.8 beta2=0.99 epsilon=0.001 weight_decay=0.01";
    adam_by_hand(0.5, 0.01, u, m, v);
    step_of("assay.AdamW", "rtpgmvs", attrs, 3, out);
    for (int i = 0; i < N; i++)
        p[i] = P[i] - 0.1 * u[i];
    expect_near(out[0], p, "AdamW's P");
    expect_near(out[1], m, "AdamW's M");
    expect_near(out[2], v, "AdamW's V");
    step_of("assay.LambUpdate", "tpgmvs", attrs, 3, out);
    expect_near(out[0], u, "LAMB's U");
    expect_near(out[1], m, "LAMB's M");
    expect_near(out[2], v, "LAMB's V");
    adam_by_hand(1, 0, u, m, v);
    step_of("assay.LambUpdate", "tpgmv", "beta1=0.8 beta2=0.99 epsilon=0.001", 3, out);
    expect_near(out[0], u, "U without scale and decay");
    step_of("assay.LambApply", "rpgsr", "", 1, out); /* norms 0.5 and 0.1 */
    for (int i = 0; i < N; i++)
        p[i] = P[i] - 0.1 * 5 * G[i];
    expect_near(out[0], p, "LambApply");
    step_of("assay.LambApply", "rpg0r", "", 1, out);
    for (int i = 0; i < N; i++)
        p[i] = P[i] - 0.1 * G[i];
    expect_near(out[0], p, "LambApply of a param that is zero");
}

/* ---- side by side, and one by one ------------------------------------------------------------------------------ */

enum { MANY = 1000 };

/* Elements 0 .. MANY - 1, and the same from the last to the first, which never lie side by side. */
static void both_ways(struct assay_reference *ref, int32_t value, double x[2][MANY], double bound[2][MANY])
{
    int64_t index[2][MANY];
    double backwards[2][MANY];
    struct assay_error err = {0};
    for (int i = 0; i < MANY; i++) {
        index[0][i] = i;
        index[1][i] = MANY - 1 - i;
    }
    cr_assert_eq(assay_reference_at(ref, value, MANY, index[0], x[0], bound[0], &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_at(ref, value, MANY, index[1], backwards[0], backwards[1], &err), ASSAY_OK, "%s", err.message);
    for (int i = 0; i < MANY; i++) {
        x[1][i] = backwards[0][MANY - 1 - i];
        bound[1][i] = backwards[1][MANY - 1 - i];
    }
}

enum oddity { TAME, SUBNORMAL, NOT_FINITE, ODDITIES };

/* Zeros and ordinary numbers, in the second half huge ones, and there what the oddity adds. Subnormal ones have errors. */
static double odd_number(int i, int operand, enum oddity oddity)
{
    static const double odd[] = {0, 2e-38, -1, 1e-30, 300, 3e4, 6.5e4, 3e38, 1e250};
    bool late = i >= MANY / 2;
    int which = (i * 7 + operand * 3) % 41;
    double plain = (which - 24.5) / 16;
    if (oddity != TAME && late && i % 251 == operand)
        return oddity == SUBNORMAL ? (i % 2 ? 1e-42 : 1e-310) : i % 2 ? (double)INFINITY : (double)NAN;
    if (which < (late ? 9 : 6))
        return operand == 3 ? fabs(odd[which]) : odd[which];
    return operand == 3 ? 0.01 * plain * plain : plain;
}

static void expect_same_both_ways(const char *op, bool rated, enum assay_dtype dtype, bool scaled, const char *attrs,
                                  enum oddity oddity)
{
    static const char *const operand[] = {"p", "g", "m", "v"};
    static double x[2][MANY], only[2][MANY], bound[2][MANY], wide[MANY];
    unsigned char bytes[4][MANY * sizeof(double)];
    struct assay_graph *g = assay_graph_new("sides");
    struct assay_reference *ref, *alone;
    struct assay_error err = {0};
    int32_t in[7], made[3];
    size_t n = 0;
    float rate = 0.1f, half = 0.5f;
    if (rated)
        in[n++] = assay_graph_const(g, "r", ASSAY_F32, 0, NULL, &rate);
    in[n++] = assay_graph_const(g, "t", ASSAY_I64, 0, NULL, (int64_t[]){3});
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < MANY; i++)
            wide[i] = odd_number(i, k, oddity);
        assay_from_double(dtype, wide, MANY, bytes[k]);
        in[n++] = assay_graph_const(g, operand[k], dtype, 1, (int64_t[]){MANY}, bytes[k]);
    }
    if (scaled)
        in[n++] = assay_graph_const(g, "s", ASSAY_F32, 0, NULL, &half);
    assay_node_add(g, op, in, n, attrs, 3, made);
    for (size_t o = 0; o < 3; o++)
        assay_graph_output(g, made[o]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", op, err.message);
    cr_assert_eq(assay_reference_new(g, NULL, &ref, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_new_with(g, NULL, ASSAY_BOUNDS_NONE, &alone, &err), ASSAY_OK);
    for (int o = 0; o < 3; o++) {
        both_ways(alone, made[o], only, bound); /* values that were made without bounds */
        both_ways(ref, made[o], x, bound);
        cr_expect(memcmp(x[1], only[0], sizeof x[1]) == 0, "%s, %s, output %d: other values alone", op, assay_dtype_name(dtype), o);
        cr_expect(memcmp(x[0], x[1], sizeof x[0]) == 0, "%s, %s, output %d: other values", op, assay_dtype_name(dtype), o);
        cr_expect(memcmp(bound[0], bound[1], sizeof bound[0]) == 0, "%s, %s, output %d: other bounds", op, assay_dtype_name(dtype), o);
    }
    assay_reference_free(alone);
    assay_reference_free(ref);
    assay_graph_free(g);
}

Test(training, adam_has_the_same_bits_for_elements_side_by_side_and_one_by_one)
{
    static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_F64, ASSAY_F16, ASSAY_BF16};
    for (size_t d = 0; d < 4; d++) {
        for (enum oddity o = TAME; o < ODDITIES; o++) {
            expect_same_both_ways("assay.AdamW", true, dtypes[d], true, "beta1=0.8 beta2=0.99 epsilon=0.001 weight_decay=0.01", o);
            expect_same_both_ways("assay.AdamW", true, dtypes[d], false, "", o);
            expect_same_both_ways("assay.LambUpdate", false, dtypes[d], true, "weight_decay=0.01", o);
        }
    }
}

/* ---- a graph that trains --------------------------------------------------------------------------------------- */

/* mean((X W + b - Y)^2), Y made of a known W and b. */
static struct assay_graph *least_squares(const struct assay_optimizer *o)
{
    struct assay_graph *g = assay_graph_new("least_squares");
    int32_t x = assay_graph_input(g, "x", ASSAY_F64, 2, (int64_t[]){24, 3}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_input(g, "y", ASSAY_F64, 2, (int64_t[]){24, 2}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", ASSAY_F64, 2, (int64_t[]){3, 2}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_param(g, "b", ASSAY_F64, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
    int32_t p = assay_graph_op(g, "MatMul", "product", (int32_t[]){x, w}, 2, NULL);
    int32_t s = assay_graph_op(g, "Add", "sum", (int32_t[]){p, b}, 2, NULL);
    int32_t d = assay_graph_op(g, "Sub", "off", (int32_t[]){s, y}, 2, NULL);
    int32_t q = assay_graph_op(g, "Mul", "square", (int32_t[]){d, d}, 2, NULL);
    int32_t loss = assay_graph_op(g, "ReduceMean", "loss", &q, 1,
                                  (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
    assay_graph_train(g, loss, o, ASSAY_RECOMPUTE_NONE);
    return g;
}

struct run {
    struct assay_graph *g;
    void *bound[64];
};

static void run_begin(struct run *r, const struct assay_optimizer *o, double rate)
{
    static const double w[6] = {1, -2, 0.5, 0.25, -1, 3}, b[2] = {0.5, -0.75};
    struct assay_error err = {0};
    r->g = least_squares(o);
    cr_assert_eq(assay_graph_finish(r->g, &err), ASSAY_OK, "%s", err.message);
    cr_assert_leq(r->g->n_values, 64);
    memset(r->bound, 0, sizeof r->bound);
    for (uint32_t v = 0; v < r->g->n_values; v++)
        if (r->g->values[v].producer < 0 && r->g->values[v].role != ASSAY_ROLE_CONST) {
            r->bound[v] = calloc(r->g->values[v].bytes + 8, 1);
            cr_assert_eq(assay_fill_value(r->g, (int32_t)v, 7, 0, r->bound[v], &err), ASSAY_OK, "%s", err.message);
        }
    double *x = r->bound[assay_graph_find(r->g, "x")], *y = r->bound[assay_graph_find(r->g, "y")];
    for (int i = 0; i < 24; i++)
        for (int c = 0; c < 2; c++)
            y[i * 2 + c] = x[i * 3] * w[c] + x[i * 3 + 1] * w[2 + c] + x[i * 3 + 2] * w[4 + c] + b[c];
    float *at = r->bound[assay_graph_find(r->g, "learning_rate")];
    cr_expect_float_eq(*at, 1e-3f, 1e-9);
    *at = (float)rate;
}

/* One step: every output that takes over memory goes there. Returns the loss. */
static double run_step(struct run *r)
{
    struct assay_error err = {0};
    struct assay_reference *ref;
    double loss, bound;
    int32_t step = assay_graph_find(r->g, "step");
    void *next[64] = {NULL};
    cr_assert_eq(assay_reference_new(r->g, (const void *const *)r->bound, &ref, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_at(ref, assay_graph_find(r->g, "loss"), 1, (int64_t[]){0}, &loss, &bound, &err), ASSAY_OK);
    for (uint32_t v = 0; v < r->g->n_values; v++)
        if (r->g->values[v].alias_of != ASSAY_NO_VALUE) {
            next[v] = malloc(r->g->values[v].bytes + 8);
            cr_assert_eq(assay_reference_store(ref, (int32_t)v, next[v], &err), ASSAY_OK, "%s", err.message);
        }
    for (uint32_t v = 0; v < r->g->n_values; v++)
        if (next[v]) {
            memcpy(r->bound[r->g->values[v].alias_of], next[v], r->g->values[v].bytes);
            free(next[v]);
        }
    if (step != ASSAY_NO_VALUE)
        ++*(int64_t *)r->bound[step];
    assay_reference_free(ref);
    return loss;
}

static void run_end(struct run *r)
{
    for (int v = 0; v < 64; v++)
        free(r->bound[v]);
    assay_graph_free(r->g);
}

static void check_convergence(struct assay_optimizer o, double rate, int steps, double most)
{
    struct run r;
    run_begin(&r, &o, rate);
    double first = run_step(&r), last = first;
    for (int i = 0; i < steps; i++)
        last = run_step(&r);
    cr_expect(first > 0.1, "the loss begins at %g", first);
    cr_expect(last < most, "optimizer %lld: the loss went from %g to %g in %d steps", (long long)o.kind, first, last, steps);
    run_end(&r);
}

Test(training, least_squares_are_solved_by_every_optimizer, .timeout = 60)
{
    check_convergence((struct assay_optimizer){.kind = ASSAY_OPTIMIZER_SGD}, 0.5, 150, 1e-6);
    check_convergence((struct assay_optimizer){.kind = ASSAY_OPTIMIZER_SGD, .momentum = 0.8, .clip_norm = 1}, 0.2, 150, 1e-6);
    check_convergence((struct assay_optimizer){.kind = ASSAY_OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8},
                      0.1, 300, 1e-3);
    check_convergence((struct assay_optimizer){.kind = ASSAY_OPTIMIZER_LAMB, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8,
                                               .clip_norm = 5},
                      0.02, 300, 1e-2);
}

/* With a bound far below the norm a step of sgd is `clip_norm` times the rate long. */
Test(training, clipping_brings_the_norm_of_all_gradients_down)
{
    struct assay_optimizer o = {.kind = ASSAY_OPTIMIZER_SGD, .clip_norm = 0.25};
    struct run r;
    double before[8], length = 0;
    run_begin(&r, &o, 1);
    const double *w = r.bound[assay_graph_find(r.g, "w")], *b = r.bound[assay_graph_find(r.g, "b")];
    memcpy(before, w, sizeof(double) * 6);
    memcpy(before + 6, b, sizeof(double) * 2);
    cr_expect_eq(assay_graph_value(r.g, assay_graph_find(r.g, "gradient_norm"))->role, ASSAY_ROLE_OUTPUT);
    (void)run_step(&r);
    for (int i = 0; i < 8; i++)
        length += pow((i < 6 ? w[i] : b[i - 6]) - before[i], 2);
    cr_expect_float_eq(sqrt(length), 0.25, 1e-6, "%g", sqrt(length));
    run_end(&r);
}

Test(training, biases_do_not_decay_and_states_begin_at_zero)
{
    struct assay_optimizer o = {.kind = ASSAY_OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8,
                                .weight_decay = 0.5};
    struct run r;
    run_begin(&r, &o, 0.1);
    for (uint32_t k = 0; k < r.g->n_nodes; k++)
        if (!strcmp(r.g->nodes[k].op->name, "AdamW"))
            cr_expect_eq(assay_node_f64(&r.g->nodes[k], "weight_decay", -1), strcmp(r.g->nodes[k].name, "w.next") ? 0 : 0.5);
    for (int i = 0; i < 6; i++)
        cr_expect_eq(((const double *)r.bound[assay_graph_find(r.g, "w.v")])[i], 0);
    cr_expect_eq(assay_graph_value(r.g, assay_graph_find(r.g, "b.m"))->role, ASSAY_ROLE_STATE);
    cr_expect_eq(r.g->values[assay_graph_find(r.g, "w.next")].alias_of, assay_graph_find(r.g, "w"));
    cr_expect_eq(*(const int64_t *)r.bound[assay_graph_find(r.g, "step")], 1);
    run_end(&r);
}

Test(training, what_cannot_be_trained_is_refused_by_name)
{
    struct assay_optimizer o = {.kind = ASSAY_OPTIMIZER_SGD, .clip_norm = 1};
    for (int c = 0; c < 3; c++) {
        static const char *const expected[] = {"the loss does not hang on 'idle'", "has no param that is a float",
                                               "'a' (f32) and 'c' (f64) have no common norm"};
        struct assay_graph *g = assay_graph_new("g");
        int32_t x = c == 1 ? assay_graph_input(g, "a", ASSAY_F32, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED)
                           : assay_graph_param(g, "a", ASSAY_F32, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
        if (c == 0)
            assay_graph_param(g, "idle", ASSAY_F32, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
        if (c == 2) { /* RMSNormalization takes a scale of a type of its own */
            int32_t scale = assay_graph_param(g, "c", ASSAY_F64, 1, (int64_t[]){2}, ASSAY_FILL_SIGNED);
            x = assay_graph_op(g, "RMSNormalization", "h", (int32_t[]){x, scale}, 2, NULL);
        }
        int32_t loss = assay_graph_op(g, "ReduceSum", "loss", &x, 1,
                                      (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
        assay_graph_train(g, loss, &o, ASSAY_RECOMPUTE_NONE);
        cr_expect(strstr(g->first_error.message, expected[c]), "%s", g->first_error.message);
        assay_graph_free(g);
    }
}

Test(training, options_have_the_defaults_of_the_field)
{
    struct assay_optimizer o;
    struct assay_error err = {0};
    cr_assert_eq(assay_options_parse(assay_optimizer_options, &o, "optimizer=lamb,clip-norm=0.5", "optimizer", &err), ASSAY_OK,
                 "%s",
                 err.message);
    cr_expect(o.kind == ASSAY_OPTIMIZER_LAMB && o.clip_norm == 0.5 && o.beta1 == 0.9 && o.beta2 == 0.999 && o.epsilon == 1e-8);
    cr_expect_neq(assay_options_parse(assay_optimizer_options, &o, "beta2=1", "optimizer", &err), ASSAY_OK);
}

/* What a Receive waits on is differentiated, so that its Send back is there; something that is an output hangs on it. */
Test(training, what_came_from_another_rank_is_answered)
{
    for (int clips = 0; clips < 2; clips++) {
        struct assay_graph    *g = assay_graph_new("stage");
        struct assay_optimizer o;
        struct assay_error     err = {0};
        int64_t                two = 2;
        int32_t                came, loss, edge = assay_graph_input(g, "edge", ASSAY_F32, 0, NULL, (struct assay_fill){ASSAY_FILL_CONSTANT, 0, 0});
        assay_node_add(g, "assay.Receive", &edge, 1, "ranks=[0,1] shape=[2]", 1, &came);
        int32_t w = assay_graph_param(g, "w", ASSAY_F32, 1, &two, ASSAY_FILL_SIGNED);
        int32_t product = assay_graph_op(g, "Mul", "product", (int32_t[]){came, w}, 2, NULL);
        loss = assay_graph_op(g, "ReduceSum", "loss", &product, 1, (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
        cr_assert_eq(assay_options_defaults(assay_optimizer_options, &o, &err), ASSAY_OK);
        o.kind = ASSAY_OPTIMIZER_SGD;
        o.clip_norm = clips;
        assay_graph_train(g, loss, &o, ASSAY_RECOMPUTE_NONE);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        const struct assay_node *sends = NULL;
        for (uint32_t k = 0; k < g->n_nodes; k++)
            if (!strcmp(g->nodes[k].op->qualified, "assay.Send"))
                sends = &g->nodes[k];
        cr_assert_not_null(sends);
        cr_expect(assay_node_attr(sends, "ranks")->list[0] == 1 && assay_node_attr(sends, "ranks")->list[1] == 0, "it goes back");
        cr_expect_eq(assay_graph_value(g, sends->outputs[0])->readers, 1u);
        cr_expect_eq(assay_graph_find(g, "edge.gradient") == ASSAY_NO_VALUE, clips != 0);
        assay_graph_free(g);
    }
}
