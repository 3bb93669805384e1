#include "harness/load/histogram.h"

#include <string.h>

#include "assay/banned.h"

#define BITS ASSAY_HISTOGRAM_BITS
#define LINEAR ((uint64_t)1 << BITS) /* below it every value has a bucket of its own */

void assay_histogram_init(struct assay_histogram *h)
{
    memset(h, 0, sizeof *h);
    h->min_ns = UINT64_MAX;
}

/* How many low bits of the value its bucket leaves open. */
static unsigned shift_of(uint64_t ns)
{
    return ns < LINEAR ? 0 : 63u - (unsigned)__builtin_clzll(ns) - BITS;
}

static unsigned bucket_of(uint64_t ns)
{
    return ns < LINEAR ? (unsigned)ns : (shift_of(ns) << BITS) + (unsigned)(ns >> shift_of(ns));
}

/* The largest value of a bucket, and how many values it has. */
static uint64_t bucket_end(unsigned bucket, uint64_t *width)
{
    unsigned shift = bucket < 2 * LINEAR ? 0 : (bucket >> BITS) - 1;
    uint64_t first = (uint64_t)(bucket - (shift << BITS)) << shift;
    *width = (uint64_t)1 << shift;
    return first + (*width - 1);
}

void assay_histogram_add(struct assay_histogram *h, uint64_t ns)
{
    h->n++;
    h->count[bucket_of(ns)]++;
    if (__builtin_add_overflow(h->sum_ns, ns, &h->sum_ns))
        h->sum_ns = UINT64_MAX;
    if (ns < h->min_ns)
        h->min_ns = ns;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

uint64_t assay_histogram_percentile(const struct assay_histogram *h, double p)
{
    uint64_t rank = (uint64_t)((double)h->n * p), below = 0, width;
    for (unsigned i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) {
        below += h->count[i];
        if (below > rank) {
            uint64_t end = bucket_end(i, &width);
            return end < h->max_ns ? end : h->max_ns;
        }
    }
    return h->max_ns;
}

double assay_histogram_over(const struct assay_histogram *h, uint64_t limit_ns)
{
    unsigned mine = bucket_of(limit_ns);
    uint64_t width, end = bucket_end(mine, &width), above = 0;
    for (unsigned i = mine + 1; i < ASSAY_HISTOGRAM_BUCKETS; i++)
        above += h->count[i];
    return (double)above + (double)h->count[mine] * ((double)(end - limit_ns) / (double)width);
}
