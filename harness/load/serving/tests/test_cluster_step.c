#include <math.h>

#include "harness/load/serving/cluster_serve.h"
#include "harness/load/serving/cluster_step.h"
#include "harness/load/serving/serve.h"
#include "harness/model/cluster/tests/serving.h"

TestSuite(cluster_step, .init = find_source);

static struct assay_error err;

struct figures {
    double ttft_ns, tpot_ns;
};

/* So many rounds of like requests through the engine. */
static struct figures engine(struct served *s, struct assay_serving_ask *ask, const struct assay_serving_numbers *n, double rounds)
{
    struct assay_serving_desk  *desk = NULL;
    struct assay_cluster_step   target;
    struct assay_scenario       scenario;
    struct assay_seeds          seeds;
    struct assay_serve_result   out;
    struct assay_served_metrics m;
    char                        text[128];
    bool                        known;
    err = (struct assay_error){.code = ASSAY_OK};
    (void)snprintf(text, sizeof text, "concurrency/in_flight=%.0f,min_queries=%.0f,min_duration_s=0", ask->in_flight, rounds * ask->in_flight);
    cr_assert(!assay_scenario_parse(text, &scenario, &err), "%s", err.message);
    assay_seeds_from(1, &seeds);
    cr_assert(!assay_serving_desk_on(&s->fabric, &s->k, &desk, &err) && !assay_cluster_step_init(&target, desk, ask, n, &err), "%s", err.message);
    const struct assay_requests_setup requests = {
        .scenario = &scenario, .seeds = &seeds, .table = "", .vocabulary = 2, .seed = 1,
        .prompt = {.kind = ASSAY_LENGTHS_FIXED, .low = (uint32_t)ask->prompt_tokens, .high = (uint32_t)ask->prompt_tokens},
        .output = {.kind = ASSAY_LENGTHS_FIXED, .low = (uint32_t)ask->output_tokens, .high = (uint32_t)ask->output_tokens}};
    const struct assay_serving_server *server = assay_serving_server_find(ask->server, &known);
    const struct assay_serve           how = {.requests = &requests, .target = &target.target, .window = {0, UINT64_MAX},
                                              .policy = {.chunk_tokens = server->cuts_prompts ? (uint32_t)server->step_tokens : 0}};
    cr_assert(!assay_serve_run(&how, &out, &err) && !out.failure.code, "%s%s", err.message, out.failure.message);
    cr_assert(!assay_served_summarize(out.served, &(struct assay_served_limits){0}, &m, &err));
    assay_served_free(out.served);
    assay_serving_desk_free(desk);
    return (struct figures){m.ttft.mean_ns, m.tpot.mean_ns};
}

static enum assay_code price(void *self, const struct assay_serving_work *w, struct assay_serving_time *out, struct assay_error *e)
{
    void **both = self;
    return assay_serving_step_of(both[0], both[1], w, out, e);
}

/* The same in events. */
static struct figures loop(struct served *s, struct assay_serving_ask *ask, const struct assay_serving_numbers *n)
{
    struct assay_serving_desk         *desk = NULL;
    struct assay_serving_means         m;
    bool                               known;
    const struct assay_serving_server *server = assay_serving_server_find(ask->server, &known);
    const struct assay_serving_loop    l = {.prompt_tokens = ask->prompt_tokens, .output_tokens = ask->output_tokens, .in_flight = ask->in_flight,
                                            .seats = ask->in_flight, .step_tokens = server->step_tokens, .cuts_prompts = server->cuts_prompts, .rounds = 1};
    cr_assert(!assay_serving_desk_on(&s->fabric, &s->k, &desk, &err));
    void *both[] = {desk, ask};
    cr_assert(!assay_serving_loop_run(&l, price, both, &m, &err), "%s", err.message);
    assay_serving_desk_free(desk);
    return (struct figures){assay_serving_ns(n, &m.ttft[ASSAY_SERVING_FIRST]), assay_serving_ns(n, &m.tpot[ASSAY_SERVING_FIRST])};
}

/* The engine looks at every token of every request; the loop at whoever comes or goes. */
Test(cluster_step, through_the_engine_is_what_the_loop_of_events_gives, .timeout = 30)
{
    static const struct {
        char   server[8];
        double prompt, output, in_flight, tp;
    } cases[] = {{"vllm", 1024, 128, 16, 4}, {"vllm", 5000, 64, 8, 8}, {"vllm", 100, 512, 64, 1}, {"trtllm", 1024, 128, 16, 4},
                 {"trtllm", 3000, 100, 6, 2}, {"vllm", 20000, 50, 4, 8}, {"vllm", 1, 40, 5, 1}};
    struct served s = served_on("dgx-h100", "llama-3.1-8b");
    const char   *how;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct assay_serving_numbers n = assay_serving_numbers_of(&s.serving, cases[i].server, "", &how);
        struct assay_serving_ask           ask = {.decoder = s.decoder, .plan = plan_of(cases[i].tp, 1, 1), .prompt_tokens = cases[i].prompt,
                                                  .output_tokens = cases[i].output, .in_flight = cases[i].in_flight};
        (void)snprintf(ask.model, sizeof ask.model, "llama-3.1-8b");
        (void)snprintf(ask.server, sizeof ask.server, "%.7s", cases[i].server);
        struct figures a = engine(&s, &ask, &n, 1), b = loop(&s, &ask, &n);
        cr_expect_float_eq(b.ttft_ns / a.ttft_ns, 1, 0.01, "%zu: TTFT %g instead of %g ms", i, b.ttft_ns / 1e6, a.ttft_ns / 1e6);
        cr_expect_float_eq(b.tpot_ns / a.tpot_ns, 1, 0.01, "%zu: TPOT %g instead of %g ms", i, b.tpot_ns / 1e6, a.tpot_ns / 1e6);
    }
}

Test(cluster_step, says_when_there_is_no_room_for_one_request)
{
    struct served                      s = served_on("dgx-h100", "llama-3.1-70b");
    const struct assay_serving_numbers n = assay_serving_numbers_begin();
    struct assay_serving_desk         *desk = NULL;
    struct assay_cluster_step          target;
    struct assay_serving_ask ask = {.model = "m", .server = "vllm", .decoder = s.decoder, .plan = plan_of(1, 1, 1), .prompt_tokens = 100, .output_tokens = 10,
                                    .in_flight = 4};
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_serving_desk_on(&s.fabric, &s.k, &desk, &err));
    cr_expect_eq(assay_cluster_step_init(&target, desk, &ask, &n, &err), ASSAY_CONFIG);
    ask.plan = plan_of(4, 1, 1);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect(!assay_cluster_step_init(&target, desk, &ask, &n, &err), "%s", err.message);
    cr_expect_eq(target.target.limits.max_sequences, 4);
    assay_serving_desk_free(desk);
}

/* Half of what a way bears leaves queues short; more than it bears does not. */
Test(cluster_step, a_way_that_is_found_keeps_its_limits_at_half_its_rate_and_not_beyond_it, .timeout = 30)
{
    struct served                      s = served_on("dgx-h100", "llama-3.1-70b");
    const char                        *how;
    const struct assay_serving_numbers n = assay_serving_numbers_of(&s.serving, "vllm", "", &how);
    const struct assay_serving_format  wide = {.compute = ASSAY_BF16, .bytes = 2};
    static struct assay_serving_search found;
    const struct assay_serving_space   space = {.devices = 32, .prompt_tokens = 1024, .output_tokens = 128, .ttft_ns = 1500e6, .tpot_ns = 40e6, .products = wide,
                                                .experts = wide, .cache_bytes = 2, .model = "m", .server = "vllm"};
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_serving_search(&s.decoder, &s.fabric, &s.k, &n, &space, &found, &err), "%s", err.message);
    bool ways[ASSAY_SERVING_WAYS] = {false};
    for (size_t i = 0; i < found.n_best; i++) {
        struct assay_cluster_served half, beyond;
        if (ways[found.best[i].way])
            continue;
        ways[found.best[i].way] = true;
        cr_assert(!assay_cluster_serve(&s.decoder, &s.fabric, &s.k, &n, &space, &found.best[i], 0.5, 600, &half, &err), "%s", err.message);
        cr_assert(!assay_cluster_serve(&s.decoder, &s.fabric, &s.k, &n, &space, &found.best[i], 2, 600, &beyond, &err), "%s", err.message);
        cr_expect_eq(half.metrics.completed, 600);
        cr_expect_geq(half.good_share, 0.95, "way %d: %g", found.best[i].way, half.good_share);
        cr_expect_leq(beyond.good_share, 0.6, "way %d: %g", found.best[i].way, beyond.good_share);
    }
    cr_expect(ways[ASSAY_SERVING_SHARED] || ways[ASSAY_SERVING_SPLIT]);
}
