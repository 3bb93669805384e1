#include "reference/packed.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "harness/base/recycle.h"

#include "assay/banned.h"

#define GRAIN ((size_t)1 << 15)

static double greatest_of(const double *x, uint64_t n)
{
    double most = 0;
    for (uint64_t i = 0; i < n; i++) {
        double size = fabs(x[i]);
        most = size > most && size <= DBL_MAX ? size : most;
    }
    return most;
}

struct packing {
    const double *from;
    float        *to;
    double        factor;
    bool          up;
};

static void pack_pieces(void *self, size_t begin, size_t end)
{
    const struct packing *p = self;
    for (size_t i = begin; i < end; i++) {
        double x = p->from[i] * p->factor;
        float  f = (float)x;
        p->to[i] = p->up && (double)f < x ? nextafterf(f, INFINITY) : f;
    }
}

bool assay_packed_make(const double *x, uint64_t n, bool up, struct assay_packed *out)
{
    size_t bytes;
    int    exponent = 0;
    float *to = n < SIZE_MAX / 2 && assay_size_multiply((size_t)n + 1, sizeof *to, &bytes) ? assay_recycle_take(bytes) : NULL;
    if (!to)
        return false;
    if (x)
        (void)frexp(greatest_of(x, n), &exponent);
    exponent = exponent < -1000 ? -1000 : exponent; /* its inverse is to be a number */
    *out = (struct assay_packed){to, ldexp(1, exponent)};
    struct packing p = {x, to, ldexp(1, -exponent), up};
    if (x)
        assay_parallel_for((size_t)n, GRAIN, pack_pieces, &p);
    else
        memset(to, 0, bytes);
    return true;
}

void assay_packed_release(struct assay_packed *p)
{
    assay_recycle_give(p->x);
    *p = (struct assay_packed){0};
}
