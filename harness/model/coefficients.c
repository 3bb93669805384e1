#include "harness/model/coefficients.h"

#include "assay/banned.h"

const struct assay_coefficient_row assay_coefficient_rows[ASSAY_COEFFICIENTS] = {
#define ASSAY_COEFFICIENT(id, class, key, begin, low, high, about) {ASSAY_KERNEL_##class, key, about, begin, low, high},
#include "harness/model/coefficients.def"
#undef ASSAY_COEFFICIENT
};

struct assay_coefficients assay_coefficients_begin(void)
{
    struct assay_coefficients k;
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
        k.value[i] = assay_coefficient_rows[i].begin;
    return k;
}
