#include "harness/load/serving/cluster_serve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/load/serving/cluster_step.h"
#include "harness/load/serving/serve.h"

#include "assay/banned.h"

#define SEED 1

/* What the run's parts point to. */
struct run {
    struct assay_serving_desk  *desk;
    struct assay_serving_ask    ask, prompts;
    struct assay_cluster_step   step, prompt_step; /* prompt_step: where prompts have devices of their own */
    struct assay_scenario       scenario;
    struct assay_seeds          seeds;
    struct assay_requests_setup requests;
    struct assay_serve          serve;
};

static struct assay_serving_ask ask_of(const struct assay_decoder_numbers *d, const struct assay_serving_space *space, const struct assay_serving_replica *r)
{
    struct assay_serving_ask a = {.decoder = *d, .plan = r->plan, .prompt_tokens = space->prompt_tokens, .output_tokens = space->output_tokens,
                                  .in_flight = r->in_flight, .protocol = ASSAY_SERVING_BY_CONCURRENCY};
    (void)snprintf(a.model, sizeof a.model, "%s", space->model);
    (void)snprintf(a.server, sizeof a.server, "%s", space->server);
    return a;
}

/* Requests a second that one group bears. */
static double bears(const struct assay_serving_replica *r)
{
    return r->per_device_s * assay_serving_plan_ranks(&r->plan) / r->plan.dp;
}

static struct assay_lengths always(double tokens)
{
    return (struct assay_lengths){.kind = ASSAY_LENGTHS_FIXED, .low = (uint32_t)tokens, .high = (uint32_t)tokens};
}

static enum assay_code describe_requests(struct run *r, const struct assay_serving_space *space, double per_s, uint64_t requests, struct assay_error *err)
{
    char text[160];
    (void)snprintf(text, sizeof text, "server/qps=%.9g,min_queries=%llu,min_duration_s=0", per_s, (unsigned long long)requests);
    if (assay_scenario_parse(text, &r->scenario, err))
        return err->code;
    assay_seeds_from(SEED, &r->seeds);
    r->requests = (struct assay_requests_setup){.scenario = &r->scenario, .seeds = &r->seeds, .prompt = always(space->prompt_tokens),
                                                .output = always(space->output_tokens), .table = "", .vocabulary = 2, .seed = SEED};
    return ASSAY_OK;
}

/* All ranks of a group send their part at the same time. */
static struct assay_serve_link link_of(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_serving_plan *p)
{
    return (struct assay_serve_link){.latency_ns = (uint64_t)f->tier[f->n_tiers - 1].latency_ns, .bytes_per_s = assay_fabric_outer_bytes_per_s(f),
                                     .bytes_per_token = assay_serving_token_bytes(d, p)};
}

static enum assay_code set_up(struct run *r, const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_serving_numbers *stack,
                              const struct assay_serving_space *space, const struct assay_serving_choice *c, struct assay_error *err)
{
    bool                               known, split = c->way == ASSAY_SERVING_SPLIT;
    const struct assay_serving_server *server = assay_serving_server_find(space->server, &known);
    if (server->prompts_alone && !split)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the engine does not compute prompts alone, as %s does", server->name);
    r->ask = ask_of(d, space, &c->replica);
    if (assay_cluster_step_init(&r->step, r->desk, &r->ask, stack, err))
        return err->code;
    r->serve = (struct assay_serve){.requests = &r->requests, .target = &r->step.target, .window = {0, UINT64_MAX},
                                    .policy = {.chunk_tokens = server->cuts_prompts ? (uint32_t)server->step_tokens : 0}};
    if (!split)
        return ASSAY_OK;
    r->prompts = ask_of(d, space, &c->prompts);
    if (assay_cluster_step_init(&r->prompt_step, r->desk, &r->prompts, stack, err))
        return err->code;
    r->serve.decode = r->serve.target;
    r->serve.target = &r->prompt_step.target;
    r->serve.link = link_of(d, f, &c->prompts.plan);
    return ASSAY_OK;
}

static enum assay_code serve(struct run *r, const struct assay_serving_space *space, double request_ns, struct assay_cluster_served *out,
                             struct assay_error *err)
{
    struct assay_serve_result        result;
    const struct assay_served_limits limits = {.ttft_ns = (uint64_t)fmax(1, space->ttft_ns - request_ns), .tpot_ns = (uint64_t)fmax(1, space->tpot_ns)};
    if (assay_serve_run(&r->serve, &result, err))
        return err->code;
    if (result.failure.code)
        *err = result.failure;
    else
        (void)assay_served_summarize(result.served, &limits, &out->metrics, err);
    assay_served_free(result.served);
    out->good_share = out->metrics.issued ? (double)out->metrics.good / (double)out->metrics.issued : 0;
    return err->code;
}

enum assay_code assay_cluster_serve(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                    const struct assay_serving_numbers *stack, const struct assay_serving_space *space,
                                    const struct assay_serving_choice *choice, double share, uint64_t requests, struct assay_cluster_served *out,
                                    struct assay_error *err)
{
    struct run *r = calloc(1, sizeof *r);
    bool        split = choice->way == ASSAY_SERVING_SPLIT;
    double      per_s = split ? fmin(bears(&choice->replica), bears(&choice->prompts)) : bears(&choice->replica);
    if (!r)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a serving run");
    memset(out, 0, sizeof *out);
    out->per_s = share * per_s;
    if (!assay_serving_desk_on(f, k, &r->desk, err) && !set_up(r, d, f, stack, space, choice, err) &&
        !describe_requests(r, space, out->per_s, requests, err))
        (void)serve(r, space, stack->value[ASSAY_SERVING_REQUEST_CONCURRENCY], out, err);
    assay_serving_desk_free(r->desk);
    free(r);
    return err->code ? assay_error_in(err, "serving through the engine") : ASSAY_OK;
}
