/* For tests of serving: a described cluster, shapes, prices. */
#ifndef MODEL_CLUSTER_TESTS_SERVING_H
#define MODEL_CLUSTER_TESTS_SERVING_H

#include <criterion/criterion.h>

#include "harness/base/tests/source.h"
#include "harness/model/cluster/serving_rows.h"
#include "suites/blocks/decoder_numbers.h"

struct served {
    struct assay_fitted          kernels;
    struct assay_serving_fitted  serving;
    struct assay_coefficients    k;
    struct assay_fabric          fabric;
    struct assay_decoder_numbers decoder;
};

static inline struct served served_on(const char *system, const char *model)
{
    struct served           s;
    struct assay_system    *on = NULL;
    struct assay_described *device = NULL;
    struct assay_error      err = {.code = ASSAY_OK};
    cr_assert(!assay_fitted_read(NULL, &s.kernels, &err) && !assay_serving_fitted_read(NULL, &s.serving, &err), "%s", err.message);
    cr_assert(!assay_system_find(system, &on, &err) && !assay_described_find(on->device, &device, &err), "%s", err.message);
    s.k = assay_fitted_for(&s.kernels, device->vendor);
    cr_assert(!assay_fabric_of(on, device, &s.k, 0, &s.fabric, &err), "%s", err.message);
    cr_assert(!assay_decoder_numbers_find(model, &s.decoder, &err), "%s", err.message);
    assay_described_free(device);
    assay_system_free(on);
    return s;
}

static inline struct assay_serving_plan plan_of(double tp, double dp, double moe_ep)
{
    const struct assay_serving_format wide = {.compute = ASSAY_BF16, .bytes = 2};
    return (struct assay_serving_plan){.tp = tp, .dp = dp, .pp = 1, .moe_tp = tp * dp / moe_ep, .moe_ep = moe_ep, .products = wide, .experts = wide,
                                       .cache_bytes = 2};
}

#endif
