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

/* Each broken promise is found by the check that is about it, and by no other. */
Test(contract, each_broken_promise_is_found_by_its_own_check)
{
    static const struct { char fault[32], what[40], why[40]; } rows[] = {
        {"undescribed", "device says what it is", "product ''"},
        {"loses_a_bit", "keep every byte", "other bytes came back"},
        {"forgets_the_offset", "keep every byte", "other bytes came back"},
        {"uploads_nothing", "keep every byte", "no upload of so much"},
        {"one_program", "side by side", "there is a program already"},
        {"declines_without_a_word", "not accepted has a reason", "no reason given"},
        {"one_at_a_time", "completes once", "busy"},
        {"loses_an_event", "completes once", "it never ends"},
        {"last_first", "completes once", "after one that ended"},
        {"other_clock", "completes once", "clock"},
        {"ends_before_it_begins", "completes once", "span 0 is"},
    };
    char               path[600];
    struct assay_error err = {0};
    place_of(path, sizeof path, "fixtures", "faithless");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_upload = strcmp(rows[i].fault, "uploads_nothing") == 0;
        cr_assert_eq(setenv("ASSAY_TEST_FAULT", rows[i].fault, 1), 0);
        n = 0;
        cr_assert_eq(assay_contract_check(path, found, &n, &err), ASSAY_OK, "%s: %s", rows[i].fault, err.message);
        size_t broken = 0;
        for (size_t k = 0; k < n; k++)
            broken += !found[k].holds && strstr(found[k].what, rows[i].what) && strstr(found[k].why, rows[i].why);
        cr_expect_geq(broken, 1u, "%s was not found", rows[i].fault);
        for (size_t k = 0; k < n && !is_upload; k++)
            cr_expect(found[k].holds || strstr(found[k].what, rows[i].what), "%s: %s: %s", rows[i].fault, found[k].what, found[k].why);
    }
    cr_assert_eq(setenv("ASSAY_TEST_FAULT", "none", 1), 0);
    cr_assert_eq(assay_contract_check(path, found, &n, &err), ASSAY_OK);
    for (size_t k = 0; k < n; k++)
        cr_expect(found[k].holds, "%s: %s", found[k].what, found[k].why);
    cr_assert_eq(setenv("ASSAY_TEST_FAULT", "declines", 1), 0);
    cr_assert_eq(assay_contract_check(path, found, &n, &err), ASSAY_OK);
    const struct assay_finding *complete = finding("completes once");
    cr_expect(complete && complete->holds && !complete->applies, "to decline with a reason is no fault");
}

Test(contract, a_back_end_that_is_not_there_is_an_error)
{
    cr_expect_neq(check("no_such", ""), ASSAY_OK);
    cr_expect_eq(n, 0u);
}
