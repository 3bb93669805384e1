#include <criterion/criterion.h>
#include <string.h>

#include "reports/mlperf/benchmark.h"

static const char *shape_of(enum assay_mlperf_round round, const char *name)
{
    struct assay_case  c;
    struct assay_error err = {0};
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    const struct assay_mlperf_benchmark *b = assay_mlperf_benchmark_of(round, &c);
    assay_case_release(&c);
    return b ? b->name : "";
}

Test(benchmark, a_case_is_one_only_with_its_whole_shape)
{
    static const char rows[][2][80] = {
        {"resnet50.infer@offline", "resnet50"}, {"resnet50.infer/width=32@offline", ""}, {"resnet50.infer/image=64@offline", ""},
        {"resnet50.infer/classes=10@offline", ""}, {"resnet50.infer/batch=4@offline", "resnet50"}, {"bert.infer/size=large,tokens=384@server", "bert-99.9"},
        {"bert.infer/size=base,tokens=384@server", ""}, {"bert.infer/size=large,tokens=128@server", ""},
        {"decoder.serve/model=llama-2-70b@offline", "llama2-70b-99.9"}, {"decoder.serve/model=llama-2-70b,layers=2@offline", ""},
        {"decoder.serve/model=llama-3.1-8b@offline", "llama3.1-8b"}, {"decoder.prefill/model=llama-2-70b", ""}, {"gemm@offline", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int round = 0; round < ASSAY_MLPERF_ROUNDS; round++)
            cr_expect_str_eq(shape_of((enum assay_mlperf_round)round, rows[i][0]), rows[i][1], "%s", rows[i][0]);
}

Test(benchmark, limits_are_those_of_the_scenario)
{
    const struct assay_mlperf_benchmark *b = assay_mlperf_benchmark_find(ASSAY_MLPERF_V6_1, "llama2-70b-99.9");
    cr_assert(b);
    cr_expect(assay_mlperf_limits_of(b, ASSAY_MLPERF_SERVER).ttft_ns == 2000000000 && assay_mlperf_limits_of(b, ASSAY_MLPERF_SERVER).tpot_ns == 200000000);
    cr_expect(assay_mlperf_limits_of(b, ASSAY_MLPERF_INTERACTIVE).ttft_ns == 450000000 && assay_mlperf_limits_of(b, ASSAY_MLPERF_INTERACTIVE).tpot_ns == 40000000);
    cr_expect_eq(assay_mlperf_limits_of(b, ASSAY_MLPERF_OFFLINE).ttft_ns, 0);
    cr_expect_null(assay_mlperf_benchmark_find(ASSAY_MLPERF_V6_1, "resnet"), "the folder's name counts");
}

Test(benchmark, scenarios_are_theirs_or_none)
{
    enum assay_mlperf_scenario s;
    cr_expect(assay_mlperf_scenario_of(ASSAY_INTERACTIVE, &s) && s == ASSAY_MLPERF_INTERACTIVE);
    cr_expect_str_eq(assay_mlperf_scenario_folder(s), "Interactive");
    cr_expect_str_eq(assay_mlperf_scenario_log(s), "Server");
    cr_expect_not(assay_mlperf_scenario_of(ASSAY_CONCURRENCY, &s) || assay_mlperf_scenario_of(ASSAY_BURST, &s) || assay_mlperf_scenario_of(ASSAY_TRACE, &s));
}

Test(benchmark, each_round_has_its_seeds)
{
    struct assay_seeds seeds;
    cr_expect_str_eq(assay_mlperf_round_seeds(ASSAY_MLPERF_V5_1, &seeds), "loadgen-v5.1");
    cr_expect_eq(seeds.qsl, 1780908523862526354u);
    cr_expect_str_eq(assay_mlperf_round_seeds(ASSAY_MLPERF_V6_1, &seeds), "loadgen-v6.1");
    cr_expect_eq(seeds.qsl, 2085463073848966840u);
}
