/* A run of a serving engine: requests of a scenario through one engine, or through two of which one computes prompts and the other
 * the tokens behind the first, on a real clock or a model's. */
#ifndef ASSAY_LOAD_SERVING_SERVE_H
#define ASSAY_LOAD_SERVING_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/serving/engine.h"
#include "harness/load/serving/metrics.h"
#include "harness/load/serving/requests.h"

/* The way from the engine that computes prompts to the one that goes on: one cache at a time, or as many as there are lanes. */
struct assay_serve_link {
    uint64_t latency_ns;
    double   bytes_per_s, bytes_per_token; /* of a lane; of keys and values of all layers */
    uint32_t lanes;                        /* 0: one */
};

struct assay_serve {
    const struct assay_requests_setup     *requests; /* its admission_ns is the description's */
    const struct assay_step_target        *target;   /* of prompts, where there are two */
    const struct assay_step_target        *decode;   /* the other one, on a model clock; NULL: there is one */
    struct assay_serve_link                link;
    struct assay_engine_policy             policy;
    const struct assay_engine_description *host; /* on a model clock; NULL: the host takes nothing */
    uint32_t                               layers;
    uint64_t                               origin_ns; /* model clock: the run's start by the targets' clock */
    uint64_t                               timeout_ns;
    struct assay_served_window             window;
    /* A request ended; may be NULL. */
    void (*ended)(void *self, const struct assay_engine_ended *e);
    void (*progress)(void *self, double share_done);
    void *self;
};

struct assay_serve_result {
    struct assay_served       *served; /* what to take metrics from; the caller frees it, also when there was a failure */
    struct assay_engine_counts engine, decode; /* decode: of the second engine */
    struct assay_error         failure;        /* code OK: no step failed. Else the run ended there, and what was in it failed */
};

/* ASSAY_CONFIG: a request could be too long for the cache, the context, a step. */
enum assay_code assay_serve_run(const struct assay_serve *how, struct assay_serve_result *out, struct assay_error *err);

#endif
