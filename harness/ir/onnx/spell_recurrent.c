/* RNN, GRU and LSTM, a step at a time: what the inputs give to all gates of all steps is one product, what the state gives to those of a
 * step another. Of activations only the usual ones are read (a file that names others has an attribute of texts, which is not read). */
#include "harness/ir/onnx/spell.h"

#include "harness/ir/infer.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define STEPS_MOST 1024

enum { X, W, R, B, LENGTHS, H, C, P };

struct cell {
    int64_t steps, batch, width, hidden, gates, directions;
    bool    batch_first, before_reset; /* the latter: GRU multiplies by the recurrent weights before it resets */
    int32_t x;                         /* [steps batch, width] */
    /* of the direction under way */
    int32_t of_x, r, b_r;              /* [steps, batch, gates hidden]; [gates hidden, hidden]; [gates hidden] or ASSAY_NO_VALUE */
    int32_t peephole[3], h, c;         /* [hidden] or ASSAY_NO_VALUE; [batch, hidden] */
};

static int32_t part(struct assay_onnx_spelling *s, int32_t x, int64_t axis, int64_t from, int64_t n)
{
    int64_t to = from + n;
    int32_t start = assay_onnx_numbers(s, 1, &from), end = assay_onnx_numbers(s, 1, &to);
    return PUT(s, "Slice", x, start, end, assay_onnx_numbers(s, 1, &axis));
}

/* Item i along the first axis, without it. */
static int32_t item(struct assay_onnx_spelling *s, int32_t x, int64_t i)
{
    return PUT(s, "Gather", x, assay_onnx_scalar(s, ASSAY_I64, (double)i));
}

static int32_t joined(struct assay_onnx_spelling *s, int32_t first, int32_t second, int64_t axis)
{
    struct assay_attr along[] = {ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END};
    return assay_onnx_put(s, "Concat", (int32_t[]){first, second}, 2, along);
}

static int32_t transposed(struct assay_onnx_spelling *s, int32_t x, size_t n, const int64_t *perm)
{
    struct assay_attr list[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = n}, ASSAY_ATTR_END};
    memcpy(list[0].list, perm, n * sizeof *perm);
    return assay_onnx_put(s, "Transpose", &x, 1, list);
}

/* a [m, k] by b [n, k], and c [n] if there is one */
static int32_t product(struct assay_onnx_spelling *s, int32_t a, int32_t b, int32_t c)
{
    struct assay_attr list[] = {ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END};
    return assay_onnx_put(s, "Gemm", (int32_t[]){a, b, c}, c == ASSAY_NO_VALUE ? 2 : 3, list);
}

/* ---- what is read ------------------------------------------------------------------------------------------------ */

static bool has_shape(const struct assay_onnx_spelling *s, size_t i, int32_t rank, int64_t first, int64_t second, int64_t third)
{
    const int64_t      dims[] = {first, second, third};
    struct assay_value v = assay_onnx_seen(s, assay_onnx_in(s, i));
    bool               fits = v.rank == rank;
    for (int32_t d = 0; fits && d < rank; d++)
        fits = v.dims[d] == dims[d];
    return fits || (i >= B && assay_onnx_in(s, i) == ASSAY_NO_VALUE);
}

/* Are all sequences as long as the longest may be? */
static bool is_full(const struct assay_onnx_spelling *s, int64_t steps)
{
    struct assay_value v = assay_onnx_seen(s, assay_onnx_in(s, LENGTHS));
    bool               full = v.role == ASSAY_ROLE_CONST && v.dtype == ASSAY_I32;
    for (uint64_t i = 0; full && i < v.elements; i++) {
        int32_t length;
        memcpy(&length, (const char *)v.data + i * sizeof length, sizeof length);
        full = length == steps;
    }
    return full || assay_onnx_in(s, LENGTHS) == ASSAY_NO_VALUE;
}

static enum assay_code read_cell(struct assay_onnx_spelling *s, int64_t gates, struct cell *c)
{
    const char        *direction = assay_onnx_text(s, "direction", "forward");
    struct assay_value r = assay_onnx_seen(s, assay_onnx_in(s, R));
    *c = (struct cell){.gates = gates, .batch_first = assay_onnx_i64(s, "layout", 0) != 0,
                       .before_reset = assay_onnx_i64(s, "linear_before_reset", 0) != 0, .directions = !strcmp(direction, "bidirectional") ? 2 : 1};
    if (s->x.rank != 3 || r.rank != 3 || r.dims[2] > INT32_MAX || assay_onnx_i64(s, "input_forget", 0))
        return assay_onnx_not_spelled(s, "has no sequences or no weights of three axes, or couples its gates");
    c->steps = s->x.dims[c->batch_first], c->batch = s->x.dims[!c->batch_first], c->width = s->x.dims[2], c->hidden = r.dims[2];
    const int64_t d = c->directions, all = gates * c->hidden;
    bool          state = c->batch_first ? has_shape(s, H, 3, c->batch, d, c->hidden) && has_shape(s, C, 3, c->batch, d, c->hidden)
                                         : has_shape(s, H, 3, d, c->batch, c->hidden) && has_shape(s, C, 3, d, c->batch, c->hidden);
    if (!has_shape(s, W, 3, d, all, c->width) || !has_shape(s, R, 3, d, all, c->hidden) || !has_shape(s, B, 2, d, 2 * all, 0) ||
        !has_shape(s, P, 2, d, 3 * c->hidden, 0) || !state)
        return assay_onnx_not_spelled(s, "has weights or a state that do not fit its sequences");
    if (c->steps < 1 || c->steps > STEPS_MOST || !is_full(s, c->steps))
        return assay_onnx_not_spelled(s, "has sequences of different lengths, none, or of over 1024 steps");
    const int64_t flat[] = {c->batch <= INT32_MAX ? c->batch * c->steps : -1, c->width};
    int32_t       x = c->batch_first ? transposed(s, assay_onnx_in(s, X), 3, (int64_t[]){1, 0, 2}) : assay_onnx_in(s, X);
    c->x = assay_onnx_reshape(s, x, 2, flat);
    return s->graph->first_error.code;
}

static int32_t state_of(struct assay_onnx_spelling *s, const struct cell *c, size_t operand, int64_t direction)
{
    int32_t given = assay_onnx_in(s, operand);
    if (given == ASSAY_NO_VALUE)
        return PUT(s, "Expand", assay_onnx_scalar(s, s->x.dtype, 0), assay_onnx_numbers(s, 2, (int64_t[]){c->batch, c->hidden}));
    return item(s, c->batch_first ? transposed(s, given, 3, (int64_t[]){1, 0, 2}) : given, direction);
}

static void begin_direction(struct assay_onnx_spelling *s, struct cell *c, int64_t direction)
{
    int64_t all = c->gates * c->hidden;
    int32_t b_w = ASSAY_NO_VALUE, w = item(s, assay_onnx_in(s, W), direction);
    c->b_r = ASSAY_NO_VALUE;
    c->r = item(s, assay_onnx_in(s, R), direction);
    if (assay_onnx_in(s, B) != ASSAY_NO_VALUE) {
        int32_t b = item(s, assay_onnx_in(s, B), direction);
        b_w = part(s, b, 0, 0, all);
        c->b_r = part(s, b, 0, all, all);
    }
    c->of_x = assay_onnx_reshape(s, product(s, c->x, w, b_w), 3, (int64_t[]){c->steps, c->batch, all});
    for (int k = 0; k < 3; k++)
        c->peephole[k] = assay_onnx_in(s, P) == ASSAY_NO_VALUE ? ASSAY_NO_VALUE
                                                               : part(s, item(s, assay_onnx_in(s, P), direction), 0, k * c->hidden, c->hidden);
    c->h = state_of(s, c, H, direction);
    c->c = c->gates == 4 ? state_of(s, c, C, direction) : ASSAY_NO_VALUE;
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static int32_t gate(struct assay_onnx_spelling *s, const struct cell *c, int32_t of, int64_t k)
{
    return part(s, of, 1, k * c->hidden, c->hidden);
}

static void rnn_step(struct assay_onnx_spelling *s, struct cell *c, int32_t of_x)
{
    c->h = PUT(s, "Tanh", PUT(s, "Add", of_x, product(s, c->h, c->r, c->b_r)));
}

/* z, r and the candidate: h = (1 - z) candidate + z h */
static void gru_step(struct assay_onnx_spelling *s, struct cell *c, int32_t of_x)
{
    int64_t n = c->hidden;
    int32_t of_h = product(s, c->h, c->r, c->b_r);
    int32_t z = PUT(s, "Sigmoid", PUT(s, "Add", gate(s, c, of_x, 0), gate(s, c, of_h, 0)));
    int32_t r = PUT(s, "Sigmoid", PUT(s, "Add", gate(s, c, of_x, 1), gate(s, c, of_h, 1)));
    int32_t reset;
    if (c->before_reset)
        reset = PUT(s, "Mul", r, gate(s, c, of_h, 2));
    else
        reset = product(s, PUT(s, "Mul", r, c->h), part(s, c->r, 0, 2 * n, n), c->b_r == ASSAY_NO_VALUE ? c->b_r : part(s, c->b_r, 0, 2 * n, n));
    int32_t candidate = PUT(s, "Tanh", PUT(s, "Add", gate(s, c, of_x, 2), reset));
    c->h = PUT(s, "Add", candidate, PUT(s, "Mul", z, PUT(s, "Sub", c->h, candidate)));
}

/* Gate k before its activation, with what its peephole shows of the cell. */
static int32_t peeped(struct assay_onnx_spelling *s, const struct cell *c, int32_t sums, int64_t k, int32_t peephole)
{
    int32_t x = gate(s, c, sums, k);
    return PUT(s, "Sigmoid", peephole == ASSAY_NO_VALUE ? x : PUT(s, "Add", x, PUT(s, "Mul", c->c, peephole)));
}

/* Gates stand as input, output, forget, cell; peepholes as input, output, forget; the output's sees the new cell. */
static void lstm_step(struct assay_onnx_spelling *s, struct cell *c, int32_t of_x)
{
    int32_t sums = PUT(s, "Add", of_x, product(s, c->h, c->r, c->b_r));
    int32_t in = peeped(s, c, sums, 0, c->peephole[0]), forget = peeped(s, c, sums, 2, c->peephole[2]);
    int32_t candidate = PUT(s, "Tanh", gate(s, c, sums, 3));
    c->c = PUT(s, "Add", PUT(s, "Mul", forget, c->c), PUT(s, "Mul", in, candidate));
    int32_t out = peeped(s, c, sums, 1, c->peephole[1]);
    c->h = PUT(s, "Mul", out, PUT(s, "Tanh", c->c));
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* x [batch, hidden] as [1, .., batch, hidden] */
static int32_t alone(struct assay_onnx_spelling *s, const struct cell *c, int32_t x, int32_t rank)
{
    const int64_t dims[] = {1, rank == 4 ? 1 : c->batch, rank == 4 ? c->batch : c->hidden, c->hidden};
    return assay_onnx_reshape(s, x, rank, dims);
}

/* All states of a direction, [steps, 1, batch, hidden], in the order of the sequence. */
static int32_t run_direction(struct assay_onnx_spelling *s, struct cell *c, void (*step)(struct assay_onnx_spelling *, struct cell *, int32_t),
                             bool backwards)
{
    int32_t all = ASSAY_NO_VALUE;
    for (int64_t t = 0; t < c->steps && !s->graph->first_error.code; t++) {
        step(s, c, item(s, c->of_x, backwards ? c->steps - 1 - t : t));
        int32_t h = alone(s, c, c->h, 4);
        all = t == 0 ? h : backwards ? joined(s, h, all, 0) : joined(s, all, h, 0);
    }
    return all;
}

static enum assay_code run(struct assay_onnx_spelling *s, int64_t gates, void (*step)(struct assay_onnx_spelling *, struct cell *, int32_t))
{
    struct cell c;
    int32_t     y = ASSAY_NO_VALUE, h = ASSAY_NO_VALUE, last = ASSAY_NO_VALUE;
    bool        reverse = !strcmp(assay_onnx_text(s, "direction", "forward"), "reverse");
    if (read_cell(s, gates, &c))
        return s->err->code ? s->err->code : s->graph->first_error.code;
    for (int64_t d = 0; d < c.directions && !s->graph->first_error.code; d++) {
        begin_direction(s, &c, d);
        int32_t states = run_direction(s, &c, step, reverse || d == 1);
        y = d ? joined(s, y, states, 1) : states;
        h = d ? joined(s, h, alone(s, &c, c.h, 3), 0) : alone(s, &c, c.h, 3);
        if (gates == 4)
            last = d ? joined(s, last, alone(s, &c, c.c, 3), 0) : alone(s, &c, c.c, 3);
    }
    if (c.batch_first) {
        y = transposed(s, y, 4, (int64_t[]){2, 0, 1, 3});
        h = transposed(s, h, 3, (int64_t[]){1, 0, 2});
        last = gates == 4 ? transposed(s, last, 3, (int64_t[]){1, 0, 2}) : last;
    }
    if (!assay_onnx_give(s, 0, "Identity", &y, 1, NULL) && !assay_onnx_give(s, 1, "Identity", &h, 1, NULL) && gates == 4)
        (void)assay_onnx_give(s, 2, "Identity", &last, 1, NULL);
    return s->graph->first_error.code;
}

static enum assay_code rnn(struct assay_onnx_spelling *s)
{
    return run(s, 1, rnn_step);
}

static enum assay_code gru(struct assay_onnx_spelling *s)
{
    return run(s, 3, gru_step);
}

static enum assay_code lstm(struct assay_onnx_spelling *s)
{
    return run(s, 4, lstm_step);
}

const struct assay_onnx_spelled_row assay_onnx_spelled_recurrent[] = {
    {"RNN", rnn, NULL},
    {"GRU", gru, NULL},
    {"LSTM", lstm, NULL},
    {NULL, NULL, NULL},
};
