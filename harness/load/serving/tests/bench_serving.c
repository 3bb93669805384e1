/* 100,000 requests through continuous batching on a model clock, with a step in closed form: what the engine itself takes.
 * The floor is one visit to each sequence in each step; the visits and what each took are printed with it.   bench_serving */
#include <stdio.h>

#include "harness/base/clock.h"
#include "harness/load/serving/serve.h"
#include "harness/load/serving/tests/virtual_step.h"

static int serve(const char *name, bool reuse)
{
    struct assay_error    err;
    struct assay_scenario scenario;
    struct assay_seeds    seeds;
    struct virtual_step   v = virtual_new((struct assay_step_limits){.max_tokens = 2048, .max_sequences = 256, .block_tokens = 16,
                                                                     .n_blocks = 16384, .max_context = 4096}, 5000000, 5000, 1);
    struct assay_requests_setup requests = {.scenario = &scenario, .seeds = &seeds, .table = "", .vocabulary = 100000, .seed = 1,
                                            .shared_tokens = 256, .shared_prompts = 16};
    struct assay_serve how = {.requests = &requests, .target = &v.target, .window = {0, UINT64_MAX},
                              .policy = {.chunk_tokens = 512, .reuses_prefixes = reuse}};
    struct assay_serve_result   out;
    struct assay_served_metrics m;
    v.target.self = &v;
    uint64_t begin = assay_clock_now_ns();
    if (assay_scenario_parse("server/qps=80,min_queries=100000,min_duration_s=0s", &scenario, &err) ||
        assay_seeds_find("loadgen-v6.1", &seeds, &err) || assay_lengths_parse("lognormal-400-0.8-2048", "prompt", &requests.prompt, &err) ||
        assay_lengths_parse("lognormal-200-0.6-1024", "output", &requests.output, &err) || assay_serve_run(&how, &out, &err) ||
        assay_served_summarize(out.served, &(struct assay_served_limits){0}, &m, &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    double s = (double)(assay_clock_now_ns() - begin) / 1e9;
    if (m.completed != 100000)
        return 1;
    printf("bench %s %.2f s (goal < 20: %llu requests, %llu steps, %.1f sequences a step, %.1f ns a visit, %.0f s of virtual time, rows %.1f MB)\n",
           name, s, (unsigned long long)m.completed, (unsigned long long)out.engine.steps,
           (double)out.engine.sequences / (double)out.engine.steps, s * 1e9 / (double)out.engine.sequences, (double)m.window_ns / 1e9,
           (double)(m.issued * sizeof(struct assay_served_row)) / 1e6);
    assay_served_free(out.served);
    return 0;
}

int main(void)
{
    return serve("serving_100k_requests", false) || serve("serving_100k_requests_prefix_reuse", true);
}
