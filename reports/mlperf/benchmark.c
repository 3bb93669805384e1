#include "reports/mlperf/benchmark.h"

#include <string.h>

#include "assay/banned.h"

#define V5_1 (1u << ASSAY_MLPERF_V5_1)
#define V6_1 (1u << ASSAY_MLPERF_V6_1)
#define MS UINT64_C(1000000)
#define SINGLE (1u << ASSAY_MLPERF_SINGLE_STREAM)
#define MULTI (1u << ASSAY_MLPERF_MULTI_STREAM)
#define SERVER (1u << ASSAY_MLPERF_SERVER)
#define OFFLINE (1u << ASSAY_MLPERF_OFFLINE)
#define BOTH (ASSAY_MLPERF_EDGE | ASSAY_MLPERF_DATACENTER)

/* Latencies and sizes of data sets: inference_rules.adoc and mlperf.conf of the rounds. */
static const struct assay_mlperf_benchmark benchmarks[] = {
    {.name = "resnet50", .rounds = V5_1 | V6_1, .data_set = 50000, .loaded = 1024, .offline = 24576, .server = {.latency_ns = 15 * MS},
     .systems = BOTH, .tests = ASSAY_MLPERF_TEST01 | ASSAY_MLPERF_TEST04,
     .needs = {SINGLE | MULTI | OFFLINE, SERVER | OFFLINE, SINGLE | MULTI | SERVER | OFFLINE}, .accuracy = "accuracy=", .accuracy_least = 75.6954,
     .head = "resnet50.infer/", .shape = {"classes=1000", "image=224", "width=64"}},
    {.name = "bert-99.9", .rounds = V5_1 | V6_1, .data_set = 10833, .loaded = 10833, .offline = 10833, .server = {.latency_ns = 130 * MS},
     .systems = BOTH, .tests = ASSAY_MLPERF_TEST01, .needs = {SINGLE | OFFLINE, SERVER | OFFLINE, SINGLE | SERVER | OFFLINE},
     .accuracy = "{\"exact_match\":", .accuracy_least = 90.783, .head = "bert.infer/", .shape = {"size=large", "layers=0", "tokens=384"}},
    {.name = "llama2-70b-99.9", .rounds = V5_1 | V6_1, .data_set = 24576, .loaded = 24576, .offline = 24576, .tokens = true,
     .server = {.ttft_ns = 2000 * MS, .tpot_ns = 200 * MS}, .interactive = {.ttft_ns = 450 * MS, .tpot_ns = 40 * MS},
     .systems = ASSAY_MLPERF_DATACENTER, .tests = ASSAY_MLPERF_TEST06, .needs = {0, OFFLINE, OFFLINE}, .needs_online = true,
     .accuracy = "{'rouge1':", .accuracy_least = 44.3867688, .head = "decoder.serve/", .shape = {"model=llama-2-70b", "layers=0"}},
    {.name = "llama3.1-8b", .rounds = V5_1 | V6_1, .data_set = 13368, .loaded = 13368, .offline = 13368, .tokens = true,
     .server = {.ttft_ns = 2000 * MS, .tpot_ns = 100 * MS}, .interactive = {.ttft_ns = 500 * MS, .tpot_ns = 30 * MS},
     .systems = ASSAY_MLPERF_DATACENTER, .tests = ASSAY_MLPERF_TEST06, .needs = {0, OFFLINE, OFFLINE}, .needs_online = true,
     .accuracy = "{'rouge1':", .accuracy_least = 38.391408, .head = "decoder.serve/", .shape = {"model=llama-3.1-8b", "layers=0"}},
};
#define N_BENCHMARKS (sizeof benchmarks / sizeof *benchmarks)

static const struct {
    enum assay_scenario_type type;
    const char              *folder, *log;
} scenarios[ASSAY_MLPERF_SCENARIOS] = {
    {ASSAY_SINGLE_STREAM, "SingleStream", "SingleStream"}, {ASSAY_MULTI_STREAM, "MultiStream", "MultiStream"}, {ASSAY_SERVER, "Server", "Server"},
    {ASSAY_INTERACTIVE, "Interactive", "Server"}, {ASSAY_OFFLINE, "Offline", "Offline"},
};

const char *assay_mlperf_scenario_folder(enum assay_mlperf_scenario s)
{
    return scenarios[s].folder;
}

const char *assay_mlperf_scenario_log(enum assay_mlperf_scenario s)
{
    return scenarios[s].log;
}

bool assay_mlperf_scenario_of(enum assay_scenario_type type, enum assay_mlperf_scenario *out)
{
    for (int s = 0; s < ASSAY_MLPERF_SCENARIOS; s++)
        if (scenarios[s].type == type) {
            *out = (enum assay_mlperf_scenario)s;
            return true;
        }
    return false;
}

const char *assay_mlperf_test_name(unsigned bit)
{
    return bit == ASSAY_MLPERF_TEST01 ? "TEST01" : bit == ASSAY_MLPERF_TEST04 ? "TEST04" : "TEST06";
}

const struct assay_mlperf_benchmark *assay_mlperf_benchmark_find(enum assay_mlperf_round round, const char *name)
{
    for (size_t i = 0; i < N_BENCHMARKS; i++)
        if (benchmarks[i].rounds & 1u << round && !strcmp(benchmarks[i].name, name))
            return &benchmarks[i];
    return NULL;
}

/* Is it one of the parameters in the part of the name that is the graph's? */
static bool has(const char *name, const char *parameter)
{
    size_t length = strlen(parameter), end = strcspn(name, "@");
    for (const char *at = name; (at = strstr(at, parameter)) && at + length <= name + end; at++)
        if (at > name && strchr("/,", at[-1]) && strchr(",@", at[length]))
            return true;
    return false;
}

const struct assay_mlperf_benchmark *assay_mlperf_benchmark_of(enum assay_mlperf_round round, const struct assay_case *c)
{
    for (size_t i = 0; i < N_BENCHMARKS; i++) {
        const struct assay_mlperf_benchmark *b = &benchmarks[i];
        bool                                 fits = b->rounds & 1u << round && !strncmp(c->name, b->head, strlen(b->head));
        for (size_t k = 0; fits && k < sizeof b->shape / sizeof *b->shape && b->shape[k]; k++)
            fits = has(c->name, b->shape[k]);
        if (fits)
            return b;
    }
    return NULL;
}

struct assay_mlperf_limits assay_mlperf_limits_of(const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    static const struct assay_mlperf_limits none;
    return s == ASSAY_MLPERF_SERVER ? b->server : s == ASSAY_MLPERF_INTERACTIVE ? b->interactive : none;
}

const char *assay_mlperf_round_name(enum assay_mlperf_round round)
{
    return round == ASSAY_MLPERF_V5_1 ? "v5.1" : "v6.1";
}

const char *assay_mlperf_round_seeds(enum assay_mlperf_round round, struct assay_seeds *out)
{
    struct assay_error ignored;
    const char        *name = round == ASSAY_MLPERF_V5_1 ? "loadgen-v5.1" : "loadgen-v6.1";
    (void)assay_seeds_find(name, out, &ignored);
    return name;
}
