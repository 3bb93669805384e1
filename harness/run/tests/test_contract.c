#include "harness/run/contract.h"

#include <criterion/criterion.h>
#include <string.h>

#include "harness/run/tests/as_worker.h"

static struct assay_finding found[ASSAY_CONTRACT_MAX];
static size_t               n;

static const struct assay_finding *finding(const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(found[i].what, what))
            return &found[i];
    return NULL;
}

static enum assay_code check(const char *backend, const char *rest)
{
    struct assay_error err = {0};
    n = 0;
    return assay_contract_check(as_worker_backend(backend, rest), found, &n, &err);
}

TestSuite(contract, .timeout = 60);

Test(contract, honest_back_ends_hold_it_and_every_finding_has_words)
{
    static const char *const backends[] = {"template", "reference", "cpu"};
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        cr_assert_eq(check(backends[i], ""), ASSAY_OK, "%s", backends[i]);
        cr_expect(n >= 5 && n <= ASSAY_CONTRACT_MAX);
        for (size_t k = 0; k < n; k++)
            cr_expect(found[k].holds && found[k].applies && *found[k].what && *found[k].why, "%s: %s: %s", backends[i], found[k].what, found[k].why);
        cr_expect(finding("device says what it is") && finding("keep every byte") && finding("side by side") && finding("completes once"));
    }
}

Test(contract, what_does_not_apply_says_why)
{
    cr_assert_eq(check("null", ""), ASSAY_OK);
    const struct assay_finding *memory = finding("keep every byte");
    cr_assert(memory);
    cr_expect(memory->holds && !memory->applies && *memory->why, "a device without memory has none to check");
}

Test(contract, a_back_end_that_is_not_there_is_an_error)
{
    cr_expect_neq(check("no_such", ""), ASSAY_OK);
    cr_expect_eq(n, 0u);
}
