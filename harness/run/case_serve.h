/* A case that is served: requests of tokens arrive as its scenario says and go through a serving engine, step after step. */
#ifndef ASSAY_RUN_CASE_SERVE_H
#define ASSAY_RUN_CASE_SERVE_H

#include "assay/error.h"
#include "harness/load/serving/serve.h"
#include "harness/load/serving/step.h"
#include "harness/run/course.h"

/* The device is open and accepts the graph, which is that of the largest step. */
enum assay_code assay_case_serve(struct assay_course *course, struct assay_error *err);

/* What serving has taken of devices so far. */
struct assay_case_serve_use {
    double devices, joules; /* joules: of a modelled device; NaN: nothing tells them */
};

/* What executes steps. */
struct assay_case_serve_on {
    const struct assay_step_target *target, *decode; /* decode: of further tokens, where the case has two engines; else NULL */
    uint32_t                        layers, vocabulary;
    double                          cache_bytes_per_token; /* keys and values of all layers */
    /* On a modelled device, what its certainty is asked about, and what makes all devices their k-th draw; else NULL. */
    const struct assay_program     *program;
    enum assay_code (*draw)(void *self, uint64_t k, struct assay_error *err);
    /* Where caches go over a link that the devices tell: what it is of the device that is drawn now. NULL: the case's options say it. */
    void (*link)(void *self, struct assay_serve_link *link);
    void (*use)(void *self, struct assay_case_serve_use *out); /* NULL: a device an engine, whose energy a meter tells */
    void                           *self;
};

/* Serves the course's case on that: warms up, serves, compares chosen requests with themselves alone, fills the record. */
enum assay_code assay_case_serve_on(struct assay_course *course, const struct assay_case_serve_on *on, struct assay_error *err);

#endif
