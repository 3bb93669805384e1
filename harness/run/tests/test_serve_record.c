/* Rules for served requests, each just inside and just outside. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/run/serve_record.h"

#define MS UINT64_C(1000000)

static struct assay_record       rec;
static struct assay_scenario     scenario;
static struct assay_serve_result result;
static struct assay_error        err;

/* n requests of two tokens, 10 ms apart (of offline all at once): first token after `ttft`, the second `tpot` later; the first `slow` of every
 * hundred take three times as long for the first, `dragging` for the second. */
static void requests(const char *text, uint64_t n, uint64_t ttft, uint64_t tpot, uint64_t slow, uint64_t dragging)
{
    struct assay_served_window window = {0, UINT64_MAX};
    memset(&rec, 0, sizeof rec);
    memset(&result, 0, sizeof result);
    cr_assert_eq(assay_scenario_parse(text, &scenario, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_served_new(&window, &result.served, &err), ASSAY_OK);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t                at = scenario.type == ASSAY_OFFLINE ? 0 : i * 10 * MS, turn = i * 37 % 100;
        uint64_t                first = at + (turn < slow ? 3 * ttft : ttft), last = first + (turn < dragging ? 3 * tpot : tpot);
        struct assay_served_row row = {.request = i, .scheduled_ns = at, .first_ns = first, .last_ns = last, .completed_ns = last, .prompt_tokens = 5,
                                       .output_tokens = 2};
        cr_assert_eq(assay_served_request(result.served, &row, &err), ASSAY_OK);
    }
}

static void tell(void)
{
    const struct assay_serve_told told = {.scenario = &scenario, .result = &result, .clock = ASSAY_CLOCK_HOST, .devices = 1};
    cr_assert_eq(assay_serve_tell(&told, &rec, &err), ASSAY_OK, "%s", err.message);
    assay_served_free(result.served);
}

static bool published(void)
{
    return rec.metric[ASSAY_METRIC_loadgen_valid].value == 1;
}

#define LIMITS "interactive/qps=100,min_duration_s=0,min_queries=700,ttft_ms=20,tpot_ms=20,seeds=case"

Test(serve_record, limits_that_are_kept_hold)
{
    requests(LIMITS, 2000, 10 * MS, 10 * MS, 0, 0);
    tell();
    cr_expect(published() && rec.metric[ASSAY_METRIC_settled_valid].value == 1 && !*rec.load.invalid, "%s", rec.load.invalid);
}

Test(serve_record, a_time_at_its_limit_keeps_it_and_one_nanosecond_more_does_not)
{
    requests(LIMITS, 700, 20 * MS, 10 * MS, 0, 0);
    tell();
    cr_expect(published(), "%s", rec.load.loadgen);
    requests(LIMITS, 700, 20 * MS + 1, 10 * MS, 0, 0);
    tell();
    cr_expect(!published() && strstr(rec.load.loadgen, "invalid: ttft"), "%s", rec.load.loadgen);
    requests(LIMITS, 700, 10 * MS, 20 * MS + 1, 0, 0);
    tell();
    cr_expect(!published() && strstr(rec.load.loadgen, "invalid: tpot"), "%s", rec.load.loadgen);
}

Test(serve_record, the_worst_limit_is_told_whichever_comes_first)
{
    requests(LIMITS, 2000, 10 * MS, 10 * MS, 50, 0);
    tell();
    cr_expect(!strncmp(rec.load.settled, "ttft: ", 6) && rec.metric[ASSAY_METRIC_settled_valid].value == 0, "%s", rec.load.settled);
    cr_expect_eq(rec.load.over, 1000u);
    requests(LIMITS, 2000, 10 * MS, 10 * MS, 0, 50);
    tell();
    cr_expect(!strncmp(rec.load.settled, "tpot: ", 6), "%s", rec.load.settled);
    /* one of a hundred is as many as there may be: undecided, and less bad than half of them */
    requests(LIMITS, 2000, 10 * MS, 10 * MS, 50, 1);
    tell();
    cr_expect(!strncmp(rec.load.settled, "ttft: ", 6) && rec.load.over == 1000, "undecided comes after invalid: %s", rec.load.settled);
    requests(LIMITS, 2000, 10 * MS, 10 * MS, 1, 50);
    tell();
    cr_expect(!strncmp(rec.load.settled, "tpot: ", 6) && rec.load.over == 1000, "%s", rec.load.settled);
    /* both broken: the one that is broken more */
    requests(LIMITS, 2000, 10 * MS, 10 * MS, 20, 60);
    tell();
    cr_expect(!strncmp(rec.load.settled, "tpot: ", 6) && rec.load.over == 1200, "%s", rec.load.settled);
    cr_expect(!strncmp(rec.load.loadgen, "invalid: ttft", 13), "the first rule that is broken: %s", rec.load.loadgen);
}

Test(serve_record, counts_are_just_enough_or_one_too_few)
{
    requests(LIMITS, 700, 10 * MS, 10 * MS, 0, 0);
    tell();
    cr_expect(published());
    requests(LIMITS, 699, 10 * MS, 10 * MS, 0, 0);
    tell();
    cr_expect(!published() && strstr(rec.load.invalid, "699 requests, 700 are wanted"), "%s", rec.load.invalid);
}

Test(serve_record, all_at_once_must_take_as_long_as_is_wanted)
{
    requests("offline/min_queries=100,min_duration_s=0.02", 100, 10 * MS, 10 * MS, 0, 0);
    tell();
    cr_expect(published() && !*rec.load.invalid, "%s", rec.load.invalid);
    requests("offline/min_queries=100,min_duration_s=0.020000001", 100, 10 * MS, 10 * MS, 0, 0);
    tell();
    cr_expect(!published() && strstr(rec.load.invalid, "more requests"), "%s", rec.load.invalid);
}

Test(serve_record, one_failure_is_too_many)
{
    struct assay_served_row row = {.request = 700, .scheduled_ns = 7000 * MS, .completed_ns = 7001 * MS, .prompt_tokens = 5, .status = ASSAY_TIMEOUT};
    requests(LIMITS, 700, 10 * MS, 10 * MS, 0, 0);
    cr_assert_eq(assay_served_request(result.served, &row, &err), ASSAY_OK);
    tell();
    cr_expect(!published() && strstr(rec.load.invalid, "1 of 701 requests failed"), "%s", rec.load.invalid);
    cr_expect_eq(rec.load.issued, rec.load.completed + rec.load.failed);
}
