#include "compare.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "oracle.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

/* ---- nodes --------------------------------------------------------------------------------------------------------- */

#define SIGNED ASSAY_SAMPLE_SIGNED
#define POSITIVE ASSAY_SAMPLE_POSITIVE
#define SAMPLE(op, inputs, attrs, n_outputs, fill) {op, inputs, attrs, n_outputs, fill, ASSAY_SAMPLE_SMALL},
static const struct assay_sample more[] = {
#include "nodes.inc"
};

/* The i-th small sample; NULL: there are only *n. */
static const struct assay_sample *small(size_t i, size_t *n)
{
    *n = 0;
    for (size_t s = 0; s < assay_samples_n; s++)
        if (assay_samples[s].size == ASSAY_SAMPLE_SMALL && (*n)++ == i)
            return &assay_samples[s];
    return NULL;
}

size_t oracle_nodes(void)
{
    size_t n;
    (void)small(SIZE_MAX, &n);
    return n + sizeof more / sizeof *more;
}

const struct assay_sample *oracle_node(size_t i)
{
    size_t n;
    const struct assay_sample *s = small(i, &n);
    return s ? s : &more[i - n];
}

/* ---- inputs -------------------------------------------------------------------------------------------------------- */

static double between(double low, double high, double u)
{
    return low + (high - low) * u;
}

static double with_sign(double x, bool positive, double v)
{
    return v < 0.5 && !positive ? -x : x;
}

static double ordinary(const struct assay_number_format *f, bool positive, double u, double v)
{
    (void)f, (void)v;
    return positive ? 0.5 + u : 2 * u - 1;
}

static double wide(const struct assay_number_format *f, bool positive, double u, double v)
{
    (void)f;
    return with_sign(exp2(between(-10, 10, u)), positive, v);
}

/* Far from zero and close together: variances and differences cancel. */
static double crowded(const struct assay_number_format *f, bool positive, double u, double v)
{
    (void)positive, (void)v;
    return 3 + 64 * f->unit_roundoff * u;
}

/* Of both signs and of nearly one size: sums cancel. */
static double cancelling(const struct assay_number_format *f, bool positive, double u, double v)
{
    return with_sign(11 * (1 + 16 * f->unit_roundoff * u), positive, v);
}

static double subnormal(const struct assay_number_format *f, bool positive, double u, double v)
{
    return with_sign(f->smallest * exp2(between(0, f->precision + 2, u)), positive, v);
}

static double tiny(const struct assay_number_format *f, bool positive, double u, double v)
{
    return with_sign(sqrt(f->smallest_normal) * exp2(between(-6, 6, u)), positive, v);
}

static double huge(const struct assay_number_format *f, bool positive, double u, double v)
{
    return with_sign(f->largest * exp2(between(-8, 0, u)), positive, v);
}

static double large(const struct assay_number_format *f, bool positive, double u, double v)
{
    return with_sign(sqrt(f->largest) * exp2(between(-6, 6, u)), positive, v);
}

/* Few different numbers, zero among them: equals, halves, powers. */
static double few(const struct assay_number_format *f, bool positive, double u, double v)
{
    static const double numbers[] = {1, 2, 0.5, 3, 0, 1.5};
    (void)f;
    return with_sign(numbers[(int)(u * (positive ? 4 : 6))], positive, v);
}

/* Here and there what is no number: it has to come out wherever it was read. */
static double odd(const struct assay_number_format *f, bool positive, double u, double v)
{
    return v < 0.1 ? (double)NAN : ordinary(f, positive, u, v);
}

const struct oracle_inputs oracle_inputs[] = {
    {"ordinary", ordinary}, {"wide", wide}, {"crowded", crowded}, {"cancelling", cancelling}, {"subnormal", subnormal},
    {"tiny", tiny},         {"huge", huge}, {"large", large},     {"few", few},
    {"odd", odd},
};

size_t oracle_inputs_of(enum assay_dtype dtype)
{
    return assay_dtype_is_float(dtype) ? sizeof oracle_inputs / sizeof *oracle_inputs : 2;
}

/* ---- a node with its inputs ----------------------------------------------------------------------------------------- */

enum { MAX_VALUES = 2 * ASSAY_OP_MAX_OPERANDS };

struct filled {
    const struct assay_graph *g;
    void   *bytes[MAX_VALUES];  /* of values that the graph does not hold */
    double *doubles[MAX_VALUES]; /* of all that are given */
};

/* Whole numbers: small ones first, then those of the whole range, of i64 of half its bits, so that products are within it. */
static double draw_whole(enum assay_dtype dtype, size_t inputs, bool positive, double u, double v)
{
    static const double least = 60;
    unsigned bits = dtype == ASSAY_I64 ? 32 : assay_dtype_bits(dtype);
    bool     is_unsigned = dtype == ASSAY_U8 || dtype == ASSAY_U4;
    double   most = inputs == 0 ? least : exp2((double)bits - !is_unsigned) - 1;
    return with_sign(rint(between(1, most, u)), positive || is_unsigned, v);
}


static void fill(struct filled *f, const struct oracle_case *c, struct assay_random *random, uint32_t v)
{
    const struct assay_value *value = &f->g->values[v];
    const struct assay_number_format *format = assay_format_of(value->dtype);
    f->doubles[v] = calloc(value->elements + 1, sizeof(double));
    if (value->data) {
        assay_to_double(value->dtype, value->data, value->elements, f->doubles[v]);
        return;
    }
    f->bytes[v] = calloc(value->bytes + 8, 1);
    for (uint64_t i = 0; i < value->elements; i++) {
        double u = assay_random_unit(random), sign = assay_random_unit(random);
        bool   positive = c->sample->fill == ASSAY_SAMPLE_POSITIVE;
        f->doubles[v][i] = format ? oracle_inputs[c->inputs].draw(format, positive, u, sign)
                                  : draw_whole(value->dtype, c->inputs, positive, u, sign);
    }
    assay_from_double(value->dtype, f->doubles[v], value->elements, f->bytes[v]);
    assay_to_double(value->dtype, f->bytes[v], value->elements, f->doubles[v]);
}

static void release(struct filled *f)
{
    for (size_t v = 0; v < MAX_VALUES; v++) {
        free(f->bytes[v]);
        free(f->doubles[v]);
    }
}

/* ---- what the reference says ---------------------------------------------------------------------------------------- */

struct answer {
    double *value, *bound; /* as the judge gets them */
    double *own, *claim;   /* as a device that rounds nothing would be judged */
    double *alone;         /* the value where no bounds are asked for, which goes other ways through the code */
    bool    plain;         /* those sums are compensated, and then not */
};

static struct assay_ref_tensor tensor_of(const struct filled *f, int32_t v)
{
    struct assay_ref_tensor t = {0};
    if (v == ASSAY_NO_VALUE)
        return t;
    const struct assay_value *value = &f->g->values[v];
    t.dtype = value->dtype;
    t.rank = value->rank;
    t.elements = value->elements;
    t.value = f->doubles[v];
    memcpy(t.dims, value->dims, sizeof t.dims);
    return t;
}

/* Formats of 16 bits and more are taken for double, so that no rounding to them is in the claim; those below also say what is
 * cut off, and stay. */
static bool is_widened(enum assay_dtype dtype)
{
    return assay_dtype_is_float(dtype) && assay_dtype_bits(dtype) >= 16;
}

static struct assay_ref_tensor widened(struct assay_ref_tensor t)
{
    t.dtype = is_widened(t.dtype) ? ASSAY_F64 : t.dtype;
    return t;
}

static enum assay_code ask_claim(const struct filled *f, uint32_t output, size_t n, const int64_t *index, struct answer *a,
                                 struct assay_error *err)
{
    const struct assay_node *node = &f->g->nodes[0];
    struct assay_ref_tensor  in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    struct assay_ref_call    call = {.graph = f->g, .node = node, .in = in, .out = out, .output = output};
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        in[i] = tensor_of(f, node->inputs[i]);
        /* The format of an operand that is another one and no wider than the first's, a cache's, is part of the definition: what enters it is rounded. */
        enum assay_dtype first = tensor_of(f, node->inputs[0]).dtype;
        if (in[i].dtype == first || assay_dtype_bits(in[i].dtype) > assay_dtype_bits(first))
            in[i] = widened(in[i]);
    }
    for (uint32_t i = 0; i < node->n_outputs; i++)
        out[i] = widened(tensor_of(f, node->outputs[i]));
    call.arithmetic = assay_arithmetic_required(f->g, node);
    a->plain = call.arithmetic.compensated;
    call.arithmetic.accumulate = call.arithmetic.accumulate > 0 ? 0x1p-200 : 0;
    call.arithmetic.tiny = DBL_MIN;
    call.arithmetic.store = call.arithmetic.store_tiny = 0;
    enum assay_code code = assay_reference_of(node->op)->at(&call, n, index, a->own, a->claim, err);
    for (size_t i = 0; i < n; i++) /* bound = e + 2^-53 (|value| + e), undone; the last factor is for this line's roundings */
        if (is_widened(out[output].dtype) && isfinite(a->claim[i]))
            a->claim[i] = fmax(0, (a->claim[i] - DBL_EPSILON / 2 * fabs(a->own[i])) / (1 + DBL_EPSILON / 2)) * (1 + 0x1p-40);
    return code;
}

static enum assay_code ask(const struct filled *f, uint32_t output, size_t n, struct answer *a, struct assay_error *err)
{
    struct assay_reference *r = NULL;
    int64_t *index = calloc(n + 1, sizeof *index);
    double **all[] = {&a->value, &a->bound, &a->own, &a->claim, &a->alone}, *none = calloc(n + 1, sizeof *none);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        *all[k] = calloc(n + 1, sizeof(double));
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    enum assay_code code = assay_reference_new_with(f->g, (const void *const *)f->bytes, ASSAY_BOUNDS_WORST_CASE, &r, err);
    if (!code)
        code = assay_reference_at(r, f->g->nodes[0].outputs[output], n, index, a->value, a->bound, err);
    if (!code)
        code = ask_claim(f, output, n, index, a, err);
    assay_reference_free(r);
    r = NULL;
    if (!code)
        code = assay_reference_new_with(f->g, (const void *const *)f->bytes, ASSAY_BOUNDS_NONE, &r, err);
    if (!code)
        code = assay_reference_at(r, f->g->nodes[0].outputs[output], n, index, a->alone, none, err);
    assay_reference_free(r);
    free(index);
    free(none);
    return code;
}

static void answer_free(struct answer *a)
{
    free(a->value);
    free(a->bound);
    free(a->own);
    free(a->claim);
    free(a->alone);
}

/* ---- comparing ------------------------------------------------------------------------------------------------------ */

/* |x - t| / room, x being finite; with x put off by `off` times the room, or by an ulp where there is none. */
static double apart(double x, number t, double room, double off)
{
    number distance = minus(num(x), t);
    if (off != 0)
        distance = plus(distance, room > 0 ? times(num(off), num(room)) : num(nextafter(fabs(x), INFINITY) - fabs(x)));
    if (mpfr_cmpabs(distance, num(DBL_TRUE_MIN)) < 0)
        return 0; /* a double knows nothing below that */
    return room > 0 ? fabs(mpfr_get_d(over(distance, num(room)), MPFR_RNDN)) : (double)INFINITY;
}

/* What is not finite must be met as it is. */
static double ratio_of(double x, number t, double room, double off)
{
    if (is_nan(t) || isnan(x))
        return is_nan(t) && isnan(x) ? 0 : (double)INFINITY;
    if (!isfinite(x) || mpfr_inf_p(t))
        return is_equal(num(x), t) ? 0 : (double)INFINITY;
    return apart(x, t, room, off);
}

/* The reference's double may overflow where the oracle does not, and what is cut off at the end of a small format is so in both. */
static double own_ratio(double value, double claim, enum assay_dtype dtype, bool saturate, number t, double off)
{
    const struct assay_number_format *f = assay_format_of(dtype);
    if (isinf(value) && !saturate)
        t = num(rounded_to(ASSAY_F64, t, false));
    if (f && !is_widened(dtype) && mpfr_cmpabs(t, num(f->largest)) > 0)
        t = num(rounded_to(dtype, t, saturate));
    return ratio_of(value, t, claim, off);
}

static void tell(struct assay_text *wrong, const struct oracle_case *c, uint32_t output, size_t i, const struct answer *a, number t,
                 double own, double device)
{
    char digits[64];
    (void)mpfr_snprintf(digits, sizeof digits, "%.25Rg", t);
    if (wrong->length == 0)
        assay_text_add(wrong, "%s(%s; %s) of %s, %s inputs, seed %llu: output %u [%zu] is %.17g (%.17g, %.17g), oracle %s; claim %.3g, "
                              "%.3g of it; bound %.3g, %.3g of it",
                       c->sample->op, c->sample->inputs, c->sample->attrs, assay_dtype_name(c->dtype), oracle_inputs[c->inputs].name,
                       (unsigned long long)c->seed, output, i, a->value[i], a->own[i], a->alone[i], digits, a->claim[i], own, a->bound[i], device);
}

static void see(const struct oracle_case *c, const struct oracle *o, uint32_t output, size_t i, const struct answer *a, double off,
                struct oracle_seen *seen, struct assay_text *wrong)
{
    number t = o->out[output].x[i];
    enum assay_dtype dtype = o->out[output].dtype;
    bool   saturate = assay_node_i64(o->node, "saturate", 1) != 0 && assay_dtype_is_float(dtype) && !is_widened(dtype);
    bool   claimed = !isinf(a->claim[i]), bound = !isinf(a->bound[i]);
    double own = claimed ? own_ratio(a->own[i], a->claim[i], dtype, saturate, t, off) : 0, device = 0;
    if (claimed && !a->plain && !isinf(a->alone[i]))
        own = fmax(own, own_ratio(a->alone[i], a->claim[i], dtype, saturate, t, off));
    if (bound)
        device = ratio_of(a->value[i], num(rounded_to(dtype, t, saturate)), a->bound[i], 0);
    seen->elements++;
    seen->own += claimed;
    seen->device += bound;
    seen->worst_own = fmax(seen->worst_own, own);
    seen->worst_device = fmax(seen->worst_device, device);
    if (own > 1 || device > 1) {
        seen->beyond++;
        tell(wrong, c, output, i, a, t, own, device);
    }
}

static void compare_output(const struct oracle_case *c, const struct filled *f, const struct oracle *o, uint32_t output, double off,
                           struct oracle_seen *seen, struct assay_text *wrong)
{
    struct assay_error err = {0};
    struct answer      a = {0};
    size_t             n = (size_t)o->out[output].n;
    if (ask(f, output, n, &a, &err)) {
        seen->beyond++;
        assay_text_add(wrong, "%s(%s; %s): %s", c->sample->op, c->sample->inputs, c->sample->attrs, err.message);
    } else {
        for (size_t i = 0; i < n; i++)
            see(c, o, output, i, &a, off, seen, wrong);
    }
    answer_free(&a);
}

bool oracle_compare(const struct oracle_case *c, double off, struct oracle_seen *seen, struct assay_text *wrong)
{
    int32_t in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    size_t  n_in;
    struct assay_error  err = {0};
    struct assay_random random;
    struct filled f = {.g = NULL};
    struct oracle o;
    struct assay_graph *g = assay_sample_graph(c->sample, c->dtype, assay_sample_fill_of(c->sample), in, &n_in, out);
    for (int i = 0; i < c->sample->n_outputs && !g->first_error.code; i++)
        assay_graph_output(g, out[i]);
    bool known = assay_graph_finish(g, &err) == ASSAY_OK && g->n_values <= MAX_VALUES;
    if (known) {
        size_t mark = numbers_mark();
        f.g = g;
        assay_random_init(&random, c->seed * 1000 + c->inputs);
        for (uint32_t v = 0; v < g->n_values; v++)
            if (g->values[v].producer < 0)
                fill(&f, c, &random, v);
        oracle_open(&o, g, (const void *const *)f.bytes);
        oracle_compute(&o);
        for (int i = 0; i < c->sample->n_outputs; i++)
            compare_output(c, &f, &o, (uint32_t)i, off, &seen[assay_op_index(g->nodes[0].op)], wrong);
        oracle_close(&o);
        numbers_release(mark);
    }
    release(&f);
    assay_graph_free(g);
    return known;
}
