#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/plan/scenario.h"
#include "harness/plan/seed_set.h"

static struct assay_error    err;
static struct assay_scenario s;

static bool reads(const char *text)
{
    memset(&err, 0, sizeof err);
    return assay_scenario_parse(text, &s, &err) == ASSAY_OK;
}

static bool refused(const char *text, const char *message)
{
    struct assay_scenario before = s;
    cr_expect_not(reads(text), "'%s' was taken", text);
    cr_expect(err.code == ASSAY_CONFIG && strstr(err.message, message), "'%s' gave %s: %s", text, assay_code_name(err.code), err.message);
    return memcmp(&before, &s, sizeof s) == 0;
}

static const char *written(void)
{
    static char       text[400];
    struct assay_text out = ASSAY_TEXT(text);
    assay_scenario_write(&s, &out);
    cr_expect_not(out.cut);
    return text;
}

Test(scenario, the_table_is_in_the_order_of_the_enum)
{
    size_t n = 0;
    for (; assay_scenarios[n].name; n++)
        cr_expect_eq(assay_scenarios[n].type, ASSAY_SINGLE_STREAM + n, "%s", assay_scenarios[n].name);
    cr_expect_eq(n, ASSAY_TRACE);
}

Test(scenario, the_canonical_form_has_every_setting_sorted_and_reads_back_as_itself)
{
    cr_assert(reads("server/qps=40,latency_ms=15"));
    cr_expect_str_eq(written(), "server/batch_delay_ms=0,buckets=none,equal_issue=false,latency_ms=15,max_batch=1,max_duration_s=0s,min_duration_s=5s,min_queries=662,percentile=0.99,"
                                "performance_samples=1024,profile=short,qps=40,seeds=case,total_samples=1024");
    for (size_t i = 0; assay_scenarios[i].name; i++)
        for (int official = 0; official < 2; official++) {
            char              text[400], first[400];
            struct assay_text out = ASSAY_TEXT(text);
            assay_text_add(&out, "%s/%s%s", assay_scenarios[i].name, official ? "profile=loadgen" : "profile=short",
                           assay_scenarios[i].type == ASSAY_TRACE ? ",trace=\"a,b:c.csv\"" : "");
            cr_assert(reads(text), "%s: %s", text, err.message);
            strcpy(first, written());
            struct assay_scenario once = s;
            cr_assert(reads(first), "%s: %s", first, err.message);
            cr_expect_str_eq(written(), first);
            cr_expect_eq(memcmp(&once, &s, sizeof s), 0, "%s", first);
        }
}

Test(scenario, buckets_are_written_out_and_those_that_cannot_be_are_refused)
{
    cr_assert(reads("server/max_batch=8,buckets=powers"));
    cr_expect_str_eq(s.buckets, "1+2+4");
    struct assay_scenario once = s;
    cr_assert(reads("server/buckets=1+2+4+8,max_batch=8"));
    cr_expect_eq(memcmp(&once, &s, sizeof s), 0, "the same case however it is said");
    cr_expect(refused("offline/max_batch=8,buckets=4+2", "sizes must rise"));
    cr_expect(refused("server/max_batch=8,buckets=1+16", "16 is more than max_batch=8"));
    cr_expect(refused("server/buckets=0,max_batch=8", "a bucket of 0 samples"));
    cr_expect(refused("single_stream/buckets=1", "unknown option 'buckets'"));
}

Test(scenario, a_batch_is_searched_for_only_where_the_rate_is)
{
    cr_assert(reads("server/qps=0,max_batch=0,buckets=powers"));
    cr_expect(assay_scenario_searches_batch(&s));
    cr_assert(reads("server/qps=0,max_batch=1"));
    cr_expect(assay_scenario_searches(&s) && !assay_scenario_searches_batch(&s));
    cr_expect(refused("server/qps=1,max_batch=0", "only of a server with qps=0"));
    cr_expect(refused("offline/max_batch=0", "only of a server with qps=0"));
    cr_expect(refused("server/qps=0,max_batch=-1", "max_batch must be an integer from 0 to 4096"));
    cr_expect(refused("server/qps=0,max_batch=0,buckets=1+2", "buckets must be none or powers"));
}

Test(scenario, official_values_are_those_of_mlperf)
{
    cr_assert(reads("single_stream/profile=loadgen"));
    cr_expect(s.percentile == 0.9 && s.min_duration_ns == 600000000000u && s.min_queries == 100 && s.expected_latency_ns == 10000000);
    cr_assert(reads("multi_stream/profile=loadgen"));
    cr_expect(s.percentile == 0.99 && s.min_duration_ns == 600000000000u && s.min_queries == 662 && s.samples_per_query == 8);
    cr_assert(reads("server/profile=loadgen"));
    cr_expect(s.percentile == 0.99 && s.min_duration_ns == 600000000000u && s.min_queries == 100 && s.latency_ns == 10000000);
    cr_assert(reads("interactive/profile=loadgen"));
    cr_expect(s.min_duration_ns == 600000000000u && s.ttft_ns == 450000000 && s.tpot_ns == 40000000 && s.latency_ns == 0);
    cr_expect_str_eq(s.seeds, "loadgen-v6.1");
    cr_assert(reads("offline/profile=loadgen,performance_samples=30000"));
    cr_expect(s.min_duration_ns == 600000000000u && s.min_queries == 24576);
}

Test(scenario, offline_takes_the_whole_data_set_where_that_is_smaller_than_the_official_number)
{
    cr_assert(reads("offline/profile=loadgen,performance_samples=43"));
    cr_expect_eq(s.min_queries, 43);
    cr_assert(reads("offline/profile=loadgen,performance_samples=43,total_samples=24575"));
    cr_expect_eq(s.min_queries, 24575);
    cr_assert(reads("offline/profile=loadgen,performance_samples=43,total_samples=24577"));
    cr_expect_eq(s.min_queries, 24576);
    cr_assert(reads("offline/profile=loadgen,performance_samples=43,min_queries=100"));
    cr_expect_eq(s.min_queries, 100, "what is given is taken");
}

Test(scenario, what_is_given_goes_before_the_profile)
{
    cr_assert(reads("server/min_duration_s=3,profile=loadgen"));
    cr_expect(s.min_duration_ns == 3000000000u && s.min_queries == 100);
}

Test(scenario, bounds_have_a_case_inside_and_one_outside)
{
    cr_expect(reads("server/qps=1000000000") && reads("server/qps=0.001") && reads("server/qps=0"));
    cr_expect(refused("server/qps=1000000001", "qps must be a number from 0 to 1000000000"));
    cr_expect(refused("server/qps=0.0009", "qps must be 0 or from 0.001"));
    cr_expect(refused("server/qps=-5", "qps must be a number from 0 to 1000000000, got '-5'"));
    cr_expect(refused("server/qps=nan", "qps must be a number"));
    cr_expect(reads("server/percentile=0.5") && reads("server/percentile=0.99999"));
    cr_expect(refused("server/percentile=0.49", "percentile must be"));
    cr_expect(refused("server/percentile=1", "percentile must be"));
    cr_expect(reads("server/performance_samples=100000000") && reads("server/performance_samples=1"));
    cr_expect(refused("server/performance_samples=0", "performance_samples must be"));
    cr_expect(refused("server/performance_samples=100000001", "performance_samples must be"));
    cr_expect(reads("server/performance_samples=43,total_samples=43"));
    cr_expect(refused("server/performance_samples=43,total_samples=42", "total_samples=42 is less than performance_samples=43"));
    cr_expect(reads("server/min_duration_s=2,max_duration_s=2"));
    cr_expect(refused("server/min_duration_s=2,max_duration_s=1.9", "max_duration_s is less than min_duration_s"));
    cr_expect(reads("burst/period_ms=0.000001") && s.burst_period_ns == 1);
    cr_expect(refused("burst/period_ms=0", "period_ms must be a time from"));
    cr_expect(refused("concurrency/in_flight=0", "in_flight must be"));
    cr_expect(refused("multi_stream/samples_per_query=0", "samples_per_query must be"));
}

Test(scenario, what_does_not_exist_is_refused_with_the_nearest)
{
    cr_expect(refused("sever/qps=4", "unknown scenario 'sever'"));
    cr_expect_str_eq(err.hint, "did you mean 'server'?");
    cr_expect(refused("server/qqs=4", "unknown option 'qqs'"));
    cr_expect_str_eq(err.hint, "did you mean 'qps'?");
    cr_expect(refused("single_stream/qps=4", "unknown option 'qps'"));
    cr_expect(refused("server/profile=loadgn", "profile must be one of short, loadgen"));
    cr_expect_str_eq(err.hint, "did you mean 'loadgen'?");
    cr_expect(refused("server/seeds=loadgen-v6.2", "unknown seed set 'loadgen-v6.2'"));
    cr_expect(refused("trace", "trace"), "a trace needs a file");
    cr_expect(refused("server/qps=4,qps=5", "given twice"));
    cr_expect(refused("a-name-that-is-longer-than-forty-characters-are/", "unknown scenario"));
}

Test(scenario, the_least_number_of_queries_is_what_loadgen_would_pad_to)
{
    cr_assert(reads("server/min_queries=2048,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 2048, "a multiple stays");
    cr_assert(reads("server/min_queries=2049,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 3072);
    cr_assert(reads("server/min_queries=2049"));
    cr_expect_eq(assay_scenario_least(&s), 2049);
    cr_assert(reads("multi_stream/min_queries=1031,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 1031, "the loaded set has seven more than its samples");
    cr_assert(reads("multi_stream/min_queries=1032,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 2062);
    cr_assert(reads("single_stream/profile=loadgen,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 118 * 1024, "twice 600 s of 10 ms, and up");
    cr_assert(reads("single_stream/profile=loadgen,equal_issue=true,performance_samples=24576"));
    cr_expect_eq(assay_scenario_least(&s), 5 * 24576);
    cr_assert(reads("single_stream/min_queries=2048,min_duration_s=0,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 3072, "single_stream: a whole set more, also on a multiple");
    cr_assert(reads("offline/qps=10,min_duration_s=600,min_queries=100"));
    cr_expect_eq(assay_scenario_least(&s), 6600);
    cr_assert(reads("offline/qps=10,min_duration_s=600,min_queries=100,equal_issue=true"));
    cr_expect_eq(assay_scenario_least(&s), 7168);
    cr_assert(reads("offline/qps=10,min_duration_s=1,min_queries=100"));
    cr_expect_eq(assay_scenario_least(&s), 100);
}

Test(scenario, has_a_rate_where_arrivals_do_not_wait_for_each_other)
{
    cr_assert(reads("server/qps=12.5"));
    cr_expect_eq(assay_scenario_rate(&s), 12.5);
    cr_assert(reads("interactive/qps=3"));
    cr_expect_eq(assay_scenario_rate(&s), 3);
    cr_assert(reads("burst/burst=5,period_ms=100"));
    cr_expect_eq(assay_scenario_rate(&s), 50);
    cr_assert(reads("offline/qps=100"));
    cr_expect_eq(assay_scenario_rate(&s), 0);
    cr_assert(reads("concurrency/in_flight=8"));
    cr_expect_eq(assay_scenario_rate(&s), 0);
}

Test(seed_set, sets_are_found_by_name_and_others_come_from_one_seed)
{
    struct assay_seeds a, b;
    cr_assert_eq(assay_seeds_find("loadgen-v6.1", &a, &err), ASSAY_OK);
    cr_expect(a.qsl == 2085463073848966840u && a.sample == 2747215439041700203u && a.schedule == 16159082839903944936u);
    cr_assert_eq(assay_seeds_find("loadgen-v6.0", &a, &err), ASSAY_OK);
    cr_expect(a.qsl == 2465351861681999779u && a.sample == 14276810075590677512u && a.schedule == 3936089224930324775u);
    cr_assert_eq(assay_seeds_find("loadgen-v5.1", &a, &err), ASSAY_OK);
    cr_expect(a.qsl == 1780908523862526354u && a.sample == 14771362308971278857u && a.schedule == 18209322760996052031u);
    cr_expect_eq(assay_seeds_find("loadgen-v5.2", &a, &err), ASSAY_CONFIG);
    assay_seeds_from(1, &a);
    assay_seeds_from(1, &b);
    cr_expect_eq(memcmp(&a, &b, sizeof a), 0);
    assay_seeds_from(2, &b);
    cr_expect(a.qsl != b.qsl && a.sample != b.sample && a.schedule != b.schedule && a.qsl != a.sample && a.sample != a.schedule);
}

Test(seed_set, a_scenario_has_its_named_set_or_streams_of_the_run_and_the_launch)
{
    struct assay_seeds named, of, from;
    cr_assert(!assay_seeds_find("loadgen-v6.1", &named, &err) && !assay_seeds_of("loadgen-v6.1", 5, 2, &of, &err));
    cr_expect_eq(memcmp(&named, &of, sizeof of), 0);
    assay_seeds_from(7, &from);
    cr_assert(!assay_seeds_of("case", 5, 2, &of, &err));
    cr_expect_eq(memcmp(&from, &of, sizeof of), 0);
    cr_assert(!assay_seeds_of("case", 5, 1, &of, &err));
    cr_expect_neq(memcmp(&from, &of, sizeof of), 0);
}
