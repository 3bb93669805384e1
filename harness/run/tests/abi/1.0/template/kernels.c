#include "kernels.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

void kernel_matmul(const float *a, const float *b, float *c, int64_t m, int64_t k, int64_t n)
{
    for (int64_t i = 0; i < m; i++) {
        float *row = c + i * n;
        memset(row, 0, (size_t)n * sizeof *row);
        for (int64_t l = 0; l < k; l++)
            for (int64_t j = 0; j < n; j++)
                row[j] += a[i * k + l] * b[l * n + j];
    }
}

/* Moves the positions in a and b to the next element of the shape, last axis fastest. */
static void walk_on(const struct kernel_walk *walk, int64_t *index, int64_t *a, int64_t *b)
{
    for (int32_t axis = walk->rank - 1; axis >= 0; axis--) {
        *a += walk->a_step[axis];
        *b += walk->b_step[axis];
        if (++index[axis] < walk->dims[axis])
            return;
        *a -= walk->a_step[axis] * walk->dims[axis];
        *b -= walk->b_step[axis] * walk->dims[axis];
        index[axis] = 0;
    }
}

static size_t walk_length(const struct kernel_walk *walk)
{
    size_t n = 1;
    for (int32_t axis = 0; axis < walk->rank; axis++)
        n *= (size_t)walk->dims[axis];
    return n;
}

void kernel_add(const struct kernel_walk *walk, const float *a, const float *b, float *c)
{
    int64_t index[8] = {0}, at_a = 0, at_b = 0;
    size_t n = walk_length(walk);
    for (size_t i = 0; i < n; i++) {
        c[i] = a[at_a] + b[at_b];
        walk_on(walk, index, &at_a, &at_b);
    }
}

void kernel_mul(const struct kernel_walk *walk, const float *a, const float *b, float *c)
{
    int64_t index[8] = {0}, at_a = 0, at_b = 0;
    size_t n = walk_length(walk);
    for (size_t i = 0; i < n; i++) {
        c[i] = a[at_a] * b[at_b];
        walk_on(walk, index, &at_a, &at_b);
    }
}

/* NaN stays NaN. */
void kernel_relu(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

void kernel_softmax(const float *x, float *y, int64_t outer, int64_t length, int64_t inner)
{
    for (int64_t line = 0; line < outer * inner; line++) {
        int64_t at = line / inner * length * inner + line % inner;
        float largest = x[at], sum = 0.0f;
        for (int64_t i = 1; i < length; i++)
            largest = fmaxf(largest, x[at + i * inner]);
        for (int64_t i = 0; i < length; i++)
            sum += y[at + i * inner] = expf(x[at + i * inner] - largest);
        for (int64_t i = 0; i < length; i++)
            y[at + i * inner] /= sum;
    }
}
