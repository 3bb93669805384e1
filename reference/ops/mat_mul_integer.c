/* MatMulInteger: numpy.matmul of (A - za) and (B - zb) of 8 bits each, in whole numbers, wrapping as i32:
 *     sum over k of A B - za (sum of B's column) - zb (sum of A's row) + K za zb.
 * Exact, as every term is a whole number below 2^17 and no sum reaches 2^53. Operands that are themselves uncertain (a quantized
 * value between two steps) give the errors of the four parts; where such a sum may wrap nothing is known. A multiplier makes the
 * first part, as the matrix unit of a device does. */
#include <stdlib.h>

#include "reference/convert.h"
#include "reference/matrices.h"

#include "assay/banned.h"

/* An operand's zero points, and what meets the other's: the sums of A's rows or of B's columns, counted over all its matrices. */
struct side {
    const struct assay_ref_tensor *zero; /* NULL: 0 */
    double                        *sum, *error;
};

struct corrected {
    const struct assay_ref_product *p;
    struct side                     a, b;
};

static struct assay_bounded zero_point(const struct side *s, int64_t line)
{
    return s->zero ? bounded_of(s->zero, s->zero->elements == 1 ? 0 : (size_t)line) : bounded(0, 0);
}

/* What is subtracted where zero points `z` meet the sum of the other operand's line. */
static void subtract(struct assay_ref_sum *s, struct assay_bounded z, const struct side *other, int64_t line)
{
    if (!other->sum)
        return;
    s->value -= z.value * other->sum[line];
    s->error += fabs(z.value) * other->error[line] + z.error * (fabs(other->sum[line]) + other->error[line]);
}

static void after(const void *self, int64_t index, struct assay_ref_sum *s)
{
    const struct corrected         *c = self;
    const struct assay_ref_product *p = c->p;
    int64_t                         batch = index / (p->rows * p->columns), k = p->terms;
    if (k > 0) {
        int64_t row = p->x_offset[batch] / k + index / p->columns % p->rows, column = p->y_offset[batch] / k + index % p->columns;
        struct assay_bounded za = zero_point(&c->a, row), zb = zero_point(&c->b, column);
        subtract(s, za, &c->b, column);
        subtract(s, zb, &c->a, row);
        s->value += (double)k * za.value * zb.value;
        s->error += (double)k * (fabs(za.value) * zb.error + za.error * (fabs(zb.value) + zb.error));
    }
    double wrapped = assay_wrapped(ASSAY_I32, s->value);
    bool   steady = !(s->error > 0) || (wrapped == s->value && assay_wrapped(ASSAY_I32, s->value - s->error) == s->value - s->error &&
                                      assay_wrapped(ASSAY_I32, s->value + s->error) == s->value + s->error);
    *s = (struct assay_ref_sum){.value = wrapped, .magnitude = fabs(wrapped), .error = steady ? s->error : INFINITY};
}

/* Sums of an operand's lines of k numbers: A's lie side by side, B's `step` apart within each matrix. */
static enum assay_code add_up(const struct assay_ref_tensor *t, int64_t k, int64_t step, struct side *side, struct assay_error *err)
{
    int64_t lines = k > 0 ? (int64_t)t->elements / k : 0, matrices = step > 0 ? lines / step : 0;
    side->sum = calloc((size_t)(2 * lines + 1), sizeof *side->sum);
    if (!side->sum)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %lld sums", (long long)lines);
    side->error = side->sum + lines;
    for (int64_t matrix = 0; matrix < matrices; matrix++)
        for (int64_t i = 0; i < k; i++)
            for (int64_t j = 0; j < step; j++) {
                struct assay_bounded x = bounded_of(t, (size_t)((matrix * k + i) * step + j));
                side->sum[matrix * step + j] += x.value;
                side->error[matrix * step + j] += x.error;
            }
    return ASSAY_OK;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_matrices s = assay_ref_matrices_of(call);
    struct assay_ref_product  p;
    struct corrected          c = {&p, {.zero = assay_ref_input(call, 2)}, {.zero = assay_ref_input(call, 3)}};
    int64_t                  *offsets;
    assay_ref_matrices_flatten(call, &s);
    if (assay_ref_matrices_product(call, &s, &p, &offsets, err))
        return err->code;
    p.value = value;
    p.bound = bound;
    p.index = index;
    p.after = after;
    p.self = &c;
    if (!(c.b.zero && add_up(&call->in[0], s.k, 1, &c.a, err)) && !(c.a.zero && add_up(&call->in[1], s.k, s.n, &c.b, err)))
        (void)assay_ref_product_at(&p, n, err);
    free(c.a.sum);
    free(c.b.sum);
    free(offsets);
    return err->code;
}

ASSAY_OP_REFERENCE(MatMulInteger) = {.at = at};
