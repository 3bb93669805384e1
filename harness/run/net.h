/* What the values of a case's graphs are: from the fill rules, or, of params, from a net that was trained. */
#ifndef ASSAY_RUN_NET_H
#define ASSAY_RUN_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "harness/plan/plan.h"

/* A trained net: params by the names that they have in the evaluation of its lesson. */
struct assay_net {
    struct assay_graph *evaluation;
    void              **param; /* one a value of the evaluation; NULL of what is no param */
    char                trainer[640]; /* the back end that trained it, as it calls itself */
    uint64_t            steps;
    double              quality, target; /* by the trainer's own evaluation; less is better */
    bool                reached;
};

/* Trains the lesson of the case on back end `cpu`, whatever is to be judged: it is an input of the judged device, and the reference
 * judges by the same numbers. Release also after a failure. */
enum assay_code assay_net_train(const struct assay_case *c, uint64_t seed, struct assay_net *out, struct assay_error *err);
void            assay_net_release(struct assay_net *net);

/* Bytes of everything that no node of `g` writes (of other values NULL): params from the net where it has one of that name and type
 * (`net` may be NULL), all else from fill rules, input set 0. Free with assay_given_free. */
enum assay_code assay_given_new(const struct assay_graph *g, const struct assay_net *net, uint64_t seed, void ***out,
                                struct assay_error *err);
void            assay_given_free(const struct assay_graph *g, void **given);

#endif
