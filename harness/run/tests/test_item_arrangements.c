#include "harness/run/item_arrangements.h"

#include "harness/run/tests/as_worker.h"

#include "assay/banned.h"

static struct assay_item_findings found;

static enum assay_code ask(const char *name, const char *backend, uint32_t arrangements)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_case  c;
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    struct assay_item_probe probe = {.what = &c, .backend = backend, .seed = 3, .timeout_ns = 60000000000, .limit_bytes = 1u << 30,
                                     .arrangements = arrangements};
    enum assay_code code = assay_item_arrangements_try(&probe, &found, &err);
    assay_case_release(&c);
    return code;
}

Test(item_arrangements, items_of_an_honest_device_are_the_same_everywhere, .timeout = 120)
{
    static const char *const names[] = {"gemm/m=9,n=5,k=7", "gemm/m=9,n=5,k=7,transpose_a=true", "softmax/rows=5,columns=11",
                                        "dlrm.infer/batch=4,most_rows=50", "attention.prefill/batch=4,tokens=5,heads=2,kv_heads=2,head_dim=8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_assert_eq(ask(names[i], as_worker_backend("reference", ""), 6), ASSAY_OK, "%s", names[i]);
        for (int p = 0; p < ASSAY_ITEM_PROPERTIES; p++)
            cr_expect(!*found.why[p] && found.agreement[p].runs >= 6 && found.agreement[p].differing == 0, "%s, %s: %s%llu of %llu", names[i],
                      assay_item_property_name((enum assay_item_property)p), found.why[p], (unsigned long long)found.agreement[p].differing,
                      (unsigned long long)found.agreement[p].runs);
    }
}

Test(item_arrangements, a_device_that_looks_at_neighbours_is_found, .timeout = 120)
{
    cr_assert_eq(ask("gemm/m=16,n=16,k=7", as_worker_backend("chaos", ",mode=neighbour"), 8), ASSAY_OK);
    for (int p = 0; p < ASSAY_ITEM_PROPERTIES; p++)
        cr_expect(found.agreement[p].differing > 0 && found.agreement[p].most_ulps >= 1 && found.agreement[p].most_ulps <= 4);
    cr_expect_str_eq(found.agreement[ASSAY_ITEM_NEIGHBOURS].output, "C");
    cr_expect_eq(found.agreement[ASSAY_ITEM_NEIGHBOURS].runs, 8);
}

Test(item_arrangements, a_case_without_items_has_the_reason_for_each_property, .timeout = 60)
{
    cr_assert_eq(ask("memory/bytes=4096", as_worker_backend("reference", ""), 4), ASSAY_OK);
    for (int p = 0; p < ASSAY_ITEM_PROPERTIES; p++)
        cr_expect(!found.agreement[p].runs && strstr(found.why[p], "has no batch"));
}

Test(item_arrangements, a_device_that_computes_nothing_is_refused, .timeout = 60)
{
    cr_expect_eq(ask("gemm/m=4,n=4,k=4", as_worker_backend("null", ""), 4), ASSAY_UNSUPPORTED);
}
