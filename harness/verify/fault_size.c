#include "harness/verify/fault_size.h"

#include <math.h>

#include "assay/banned.h"

double assay_cheat_share_found(uint64_t judged)
{
    return judged == 0 ? 1.0 : -expm1(log(0.05) / (double)judged);
}

bool assay_covers_singly(const struct assay_witness_part *part, const struct assay_expected_part *expected)
{
    return expected->n == part->elements;
}

bool assay_covers_by_sums(const struct assay_witness_part *part, const struct assay_expected_part *expected)
{
    for (uint32_t i = 0; i < part->n_projections; i++) {
        if (expected->has_sums[i])
            return true;
    }
    return false;
}

static double largest(const double *bound, uint64_t n)
{
    double most = 0;
    for (uint64_t i = 0; i < n; i++)
        most = bound[i] > most || isnan(bound[i]) ? bound[i] : most;
    return most;
}

double assay_smallest_fault(const struct assay_witness_part *part, const struct assay_expected_part *expected)
{
    double most = INFINITY;
    if ((double)expected->n >= 0.99 * (double)part->elements)
        most = largest(expected->bound, expected->n);
    for (uint32_t i = 0; i < part->n_projections; i++) {
        if (!expected->has_sums[i])
            continue;
        double of_sums = largest(expected->sum_bound + part->projection[i].first, part->projection[i].groups);
        most = of_sums < most ? of_sums : most;
    }
    if (most == 0)
        return 0;
    return expected->mean_square > 0 ? 2 * most / sqrt(expected->mean_square) : INFINITY;
}
