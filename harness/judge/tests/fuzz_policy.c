/* Any bytes as a policy, and as claims: refused with one line, or read, checked and told in every language. */
#include "harness/judge/claims.h"
#include "harness/judge/policy_check.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static void read_policy(const char *path)
{
    struct assay_policy   p;
    struct assay_error    err = {.code = ASSAY_OK};
    struct assay_finding *found = NULL;
    size_t                n = 0;
    if (assay_policy_read(path, &p, &err))
        FUZZ_HOLDS((err.code == ASSAY_DATA || err.code == ASSAY_CONFIG || err.code == ASSAY_IO) && *err.message && !strchr(err.message, '\n'));
    else {
        FUZZ_HOLDS(p.n_mandatory > 0);
        for (size_t i = 0; i < p.n_rules; i++)
            FUZZ_HOLDS(p.rules[i].test != ASSAY_RULE_FIGURE || (p.rules[i].threshold > 0 && p.rules[i].expression.better));
        FUZZ_HOLDS(!assay_policy_check(&p, NULL, &found, &n, &err));
        free(found);
    }
    assay_policy_release(&p);
}

static void read_claims(const char *path)
{
    struct assay_claims c;
    struct assay_error  err = {.code = ASSAY_OK};
    if (assay_claims_read(path, NULL, 0, &c, &err))
        FUZZ_HOLDS((err.code == ASSAY_DATA || err.code == ASSAY_CONFIG || err.code == ASSAY_IO) && *err.message && !strchr(err.message, '\n'));
    for (size_t i = 0; !err.code && i < c.n; i++)
        FUZZ_HOLDS(c.claims[i].verdict >= ASSAY_CLAIM_CONFIRMED && c.claims[i].verdict <= ASSAY_CLAIM_NOT_TESTED);
    assay_claims_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *path = fuzz_file(0, data, bytes);
    read_policy(path);
    read_claims(path);
    return 0;
}
