/* What is counted and what is done to signals: Range, windows, Fourier transforms. A transform is a product with a const matrix, which
 * costs more than a fast one and has its bounds. */
#include "harness/ir/onnx/spell.h"

#include <math.h>
#include <stdlib.h>

#include "harness/ir/infer.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define PUT ASSAY_ONNX_PUT
#define GIVE ASSAY_ONNX_GIVE
#define WEIGHTS_MOST (1 << 22) /* numbers of a transform's matrix */
#define TAU 6.283185307179586

/* The one number that operand i is known to be, also as a Cast of one; NaN: it is none. */
static double known(const struct assay_onnx_spelling *s, size_t i)
{
    struct assay_value v = assay_onnx_seen(s, assay_onnx_in(s, i));
    double             x = NAN;
    while (v.role != ASSAY_ROLE_CONST && v.elements == 1 && v.producer >= 0 && !strcmp(s->graph->nodes[v.producer].op->name, "Cast"))
        v = assay_onnx_seen(s, s->graph->nodes[v.producer].inputs[0]);
    if (v.role == ASSAY_ROLE_CONST && v.elements == 1)
        assay_to_double(v.dtype, v.data, 1, &x);
    return x;
}

/* 0, 1, … n-1 in a type */
static int32_t counted(struct assay_onnx_spelling *s, double n, enum assay_dtype dtype)
{
    return assay_onnx_cast(s, assay_onnx_count(s, n < 0x1p40 ? (int64_t)n : INT64_MAX, 1, 0, 1), dtype);
}

/* start, start + step, … before limit */
static enum assay_code range(struct assay_onnx_spelling *s)
{
    double start = known(s, 0), limit = known(s, 1), step = known(s, 2);
    if (!isfinite(start) || !isfinite(limit) || !isfinite(step) || step == 0)
        return assay_onnx_not_spelled(s, "goes from and to what is not known before it runs, or never arrives");
    int32_t i = counted(s, fmax(ceil((limit - start) / step), 0), s->x.dtype);
    return GIVE(s, "Add", PUT(s, "Mul", i, assay_onnx_scalar(s, s->x.dtype, step)), assay_onnx_scalar(s, s->x.dtype, start));
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */

/* a0 - a1 cos x + a2 cos 2x, where x goes once around */
static enum assay_code window(struct assay_onnx_spelling *s, double a0, double a1, double a2)
{
    double           size = known(s, 0), around = assay_onnx_i64(s, "periodic", 1) ? size : size - 1;
    enum assay_dtype dtype = assay_onnx_dtype(assay_onnx_i64(s, "output_datatype", assay_onnx_number(ASSAY_F32)));
    if (!(around >= 1) || !(ASSAY_TYPES_FLOAT >> dtype & 1))
        return assay_onnx_not_spelled(s, "has a size that is not known before it runs or too small, or a type that is not read");
    int32_t x = PUT(s, "Mul", counted(s, size, dtype), assay_onnx_scalar(s, dtype, TAU / around));
    int32_t once = PUT(s, "Mul", PUT(s, "Cos", x), assay_onnx_scalar(s, dtype, a1));
    int32_t y = PUT(s, "Sub", assay_onnx_scalar(s, dtype, a0), once);
    if (a2 == 0)
        return GIVE(s, "Identity", y);
    int32_t twice = PUT(s, "Cos", PUT(s, "Mul", x, assay_onnx_scalar(s, dtype, 2)));
    return GIVE(s, "Add", y, PUT(s, "Mul", twice, assay_onnx_scalar(s, dtype, a2)));
}

static enum assay_code hann(struct assay_onnx_spelling *s)
{
    return window(s, 0.5, 0.5, 0);
}

static enum assay_code hamming(struct assay_onnx_spelling *s)
{
    return window(s, 25.0 / 46, 21.0 / 46, 0);
}

static enum assay_code blackman(struct assay_onnx_spelling *s)
{
    return window(s, 0.42, 0.5, 0.08);
}

/* ---- transforms -------------------------------------------------------------------------------------------------- */

struct transform {
    int64_t length, bins;   /* of the transform; how many of its results are wanted */
    int64_t n, parts;       /* elements that there are; 1: real ones, 2: pairs */
    bool    inverse;
};

/* [bins, 2] by [n, parts]: element (k, im) by (j, part) of the complex product with e^(∓2πijk / length) */
static int32_t matrix_of(struct assay_onnx_spelling *s, const struct transform *t)
{
    int64_t rows = 2 * t->bins, columns = t->n * t->parts;
    double *m = calloc((size_t)(rows * columns) + 1, sizeof *m), by = t->inverse ? 1 / (double)t->length : 1;
    for (int64_t k = 0; m && k < t->bins; k++)
        for (int64_t j = 0; j < t->n && j < t->length; j++) {
            double  turn = TAU * (double)(j * k % t->length) / (double)t->length, c = by * cos(turn), i = by * (t->inverse ? sin(turn) : -sin(turn));
            double *at = m + 2 * k * columns + j * t->parts;
            at[0] = c, at[columns] = i;
            if (t->parts == 2)
                at[1] = -i, at[columns + 1] = c;
        }
    int32_t value = ASSAY_NO_VALUE;
    if (m)
        value = assay_onnx_table(s, s->x.dtype, 2, (int64_t[]){rows, columns}, m);
    else
        assay_graph_refuse(s->graph, ASSAY_MEMORY, "no memory to read %.60s", s->call->op);
    free(m);
    return value;
}

/* x along `axis`, whose last axis holds the parts: first these beside that axis, then the product, then back. */
static int32_t transformed(struct assay_onnx_spelling *s, int32_t x, int32_t axis, const struct transform *t)
{
    struct assay_value v = assay_onnx_seen(s, x);
    struct assay_attr  swap[] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .list = {0, 1, 3, 2}, .n = 4}, ASSAY_ATTR_END};
    int64_t            outer = 1, inner = 1, dims[ASSAY_MAX_RANK];
    if (axis >= v.rank) /* what gives x was refused */
        return ASSAY_NO_VALUE;
    memcpy(dims, v.dims, sizeof dims);
    for (int32_t d = 0; d < v.rank - 1; d++) {
        int64_t *side = d < axis ? &outer : &inner;
        *side = assay_onnx_times(*side, d == axis ? 1 : v.dims[d]);
    }
    int32_t y = assay_onnx_reshape(s, x, 4, (int64_t[]){outer, t->n, inner, t->parts});
    y = assay_onnx_reshape(s, assay_onnx_put(s, "Transpose", &y, 1, swap), 3, (int64_t[]){outer, t->n * t->parts, inner});
    y = assay_onnx_reshape(s, PUT(s, "MatMul", matrix_of(s, t), y), 4, (int64_t[]){outer, t->bins, 2, inner});
    dims[axis] = t->bins;
    dims[v.rank - 1] = 2;
    return assay_onnx_reshape(s, assay_onnx_put(s, "Transpose", &y, 1, swap), v.rank, dims);
}

static bool fits(const struct transform *t)
{
    return t->length >= 1 && t->n >= 1 && t->length <= WEIGHTS_MOST && t->n <= WEIGHTS_MOST && (t->parts == 1 || t->parts == 2) &&
           t->bins * t->n * 2 * t->parts <= WEIGHTS_MOST;
}

static enum assay_code dft(struct assay_onnx_spelling *s)
{
    int32_t axis = assay_onnx_axis(s, "axis", 1, 0);
    bool    onesided = assay_onnx_i64(s, "onesided", 0) != 0;
    if (axis < 0)
        return s->err->code;
    double           length = assay_onnx_in(s, 1) == ASSAY_NO_VALUE ? (double)s->x.dims[axis] : known(s, 1);
    struct transform t = {.length = length >= 1 && length <= WEIGHTS_MOST ? (int64_t)length : 0, .n = s->x.dims[axis],
                          .parts = s->x.dims[s->x.rank - 1], .inverse = assay_onnx_i64(s, "inverse", 0) != 0};
    t.bins = onesided ? t.length / 2 + 1 : t.length;
    if (s->x.rank < 2 || axis == s->x.rank - 1 || !fits(&t))
        return assay_onnx_not_spelled(s, "is of no real or complex numbers, or too long for a matrix of 2^22 numbers");
    return GIVE(s, "Identity", transformed(s, assay_onnx_in(s, 0), axis, &t));
}

/* Of frames of the signal, each times the window. */
static enum assay_code stft(struct assay_onnx_spelling *s)
{
    struct assay_value w = assay_onnx_seen(s, assay_onnx_in(s, 2));
    bool               windowed = assay_onnx_in(s, 2) != ASSAY_NO_VALUE, whole = !assay_onnx_i64(s, "onesided", 1);
    double             step = known(s, 1), length = assay_onnx_in(s, 3) != ASSAY_NO_VALUE ? known(s, 3) : windowed ? (double)w.elements : NAN;
    int64_t            n = length >= 1 && length <= WEIGHTS_MOST ? (int64_t)length : 0;
    struct transform   t = {.length = n, .bins = whole ? n : n / 2 + 1, .n = n, .parts = s->x.rank == 3 ? s->x.dims[2] : 0};
    if (!fits(&t) || n > s->x.dims[1] || !(step >= 1 && step <= (double)s->x.dims[1]) || (windowed && (int64_t)w.elements != n))
        return assay_onnx_not_spelled(s, "has no signal of [batch,length,1 or 2], or a step, frame or window that does not fit it");
    int64_t frames = (s->x.dims[1] - n) / (int64_t)step + 1;
    int32_t first = assay_onnx_count(s, frames, 2, 0, (int64_t)step), at = PUT(s, "Add", first, assay_onnx_count(s, n, 2, 1, 1));
    int32_t y = assay_onnx_put(s, "Gather", (int32_t[]){assay_onnx_in(s, 0), at}, 2,
                               (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
    if (windowed)
        y = PUT(s, "Mul", y, assay_onnx_reshape(s, assay_onnx_in(s, 2), 2, (int64_t[]){n, 1}));
    return GIVE(s, "Identity", transformed(s, y, 2, &t));
}

const struct assay_onnx_spelled_row assay_onnx_spelled_signal[] = {
    {"Range", range, NULL},
    {"HannWindow", hann, NULL},
    {"HammingWindow", hamming, NULL},
    {"BlackmanWindow", blackman, NULL},
    {"DFT", dft, NULL},
    {"STFT", stft, NULL},
    {NULL, NULL, NULL},
};
