/* Two runs of any records and verdicts, compared. Parts: plan; records and verdicts of A; records and verdicts of B. */
#include "harness/judge/compare.h"

#include <math.h>

#include "harness/store/tests/fuzz_lines.h"

#include "assay/banned.h"

static const char *const names[] = {"a/manifest.json", "a/plan.json", "a/records.jsonl", "a/verdicts.jsonl",
                                    "b/manifest.json", "b/plan.json", "b/records.jsonl", "b/verdicts.jsonl"};

/* The next two parts are the records and verdicts of files from `slot` on. */
static bool read_run(const char *name, unsigned slot, const uint8_t **data, size_t *bytes, struct assay_summary *out)
{
    char               path[80];
    struct assay_error err = {.code = ASSAY_OK};
    size_t             n, length;
    const uint8_t     *records = fuzz_part(data, bytes, &n);
    char              *mended = fuzz_lines(records, n, &length);
    (void)fuzz_file(slot + 2, mended, length);
    free(mended);
    const uint8_t *verdicts = fuzz_part(data, bytes, &n);
    (void)fuzz_file(slot + 3, verdicts, n);
    (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    if (assay_summary_read(path, out, &err)) {
        FUZZ_HOLDS(err.code && *err.message);
        return false;
    }
    return true;
}

static void check(const struct assay_summary *a, const struct assay_summary *b, double delta)
{
    struct assay_compare       c;
    struct assay_compare_setup setup = {.delta = delta};
    struct assay_error         err = {.code = ASSAY_OK};
    if (assay_compare_runs(a, b, &setup, &c, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
        return;
    }
    FUZZ_HOLDS(c.outcome >= ASSAY_NO_WORSE && c.outcome <= ASSAY_UNDECIDED && *c.why && c.delta >= 0);
    for (size_t i = 0; i < c.n_rows; i++) {
        const struct assay_compare_row *r = &c.rows[i];
        FUZZ_HOLDS(r->outcome >= ASSAY_NO_WORSE && r->outcome <= ASSAY_NOT_COMPARABLE && *r->why);
        FUZZ_HOLDS(!r->ratio.has_interval || (r->ratio.low <= r->ratio.value && r->ratio.value <= r->ratio.high));
        FUZZ_HOLDS(!r->tested || (r->p >= 0 && r->p <= 1));
    }
    json_t *json = assay_compare_to_json(&c);
    FUZZ_HOLDS(json);
    json_decref(json);
    assay_compare_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool          built;
    struct assay_summary a, b;
    for (unsigned i = 0; !built && i < 8; i++)
        fuzz_folder_link(names[i], i);
    built = true;
    size_t         n;
    const uint8_t *plan = fuzz_part(&data, &bytes, &n);
    (void)fuzz_file(0, "{}", 2);
    (void)fuzz_file(4, "{}", 2);
    (void)fuzz_file(1, plan, n);
    (void)fuzz_file(5, plan, n);
    if (!read_run("a", 0, &data, &bytes, &a))
        return 0;
    check(&a, &a, -1);
    if (read_run("b", 4, &data, &bytes, &b)) {
        check(&a, &b, -1);
        check(&b, &a, 0.02);
        assay_summary_release(&b);
    }
    assay_summary_release(&a);
    return 0;
}
