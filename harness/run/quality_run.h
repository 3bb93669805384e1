/* Choices of a trained net on data that it never saw, and its greedy tokens: the device's, against the reference's scores and their
 * bounds. In the worker. */
#ifndef ASSAY_RUN_QUALITY_RUN_H
#define ASSAY_RUN_QUALITY_RUN_H

#include <jansson.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/run/loader.h"
#include "harness/run/net.h"

/* Evaluates the net on the back end and in double, on the first batches of its lesson's unseen data. Fails where the device chooses
 * what is certainly not best, or where a score or a mean loss is outside of its bounds. *out is new. */
enum assay_code assay_quality_run(const struct assay_opened *opened, const struct assay_case *c, const struct assay_net *net,
                                  uint64_t seed, json_t **out, struct assay_error *err);

/* Decodes greedily: half of `tokens` are a prompt, the others are chosen by the device, one step of phase decode each. The reference
 * then scores the whole text (phase score) in one graph, so that its bounds cover everything that came before a token. Each token
 * must be the best there, or within the bounds of the best. `net` NULL: random weights, by the fill rules. *out is new. */
enum assay_code assay_tokens_run(const struct assay_opened *opened, const struct assay_case *c, const struct assay_net *net,
                                 uint64_t seed, json_t **out, struct assay_error *err);
/* Has the case's workload both phases? */
bool assay_tokens_apply(const struct assay_case *c);

#endif
