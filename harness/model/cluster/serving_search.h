/* Which way to serve a decoder on a cluster gives most within limits on its latencies: ranks, sequences in flight, prompts on the same devices
 * as further tokens or on others. */
#ifndef ASSAY_MODEL_SERVING_SEARCH_H
#define ASSAY_MODEL_SERVING_SEARCH_H

#include "assay/text.h"
#include "harness/model/cluster/serving_rows.h"

struct assay_serving_space {
    double                      devices;                     /* of the cluster */
    double                      prompt_tokens, output_tokens; /* of each request; output_tokens at least 2 */
    double                      ttft_ns, tpot_ns;            /* limits on the means */
    struct assay_serving_format products, experts;
    double                      cache_bytes;
    const char                 *model, *server; /* model: what the prices are kept under; both outlive the search */
};

/* How devices share the work. */
enum assay_serving_way { ASSAY_SERVING_SHARED, ASSAY_SERVING_SPLIT, ASSAY_SERVING_WAYS };
extern const char *const assay_serving_way_names[ASSAY_SERVING_WAYS];

/* One kind of replica and what is in flight on each of its dp groups. */
struct assay_serving_replica {
    struct assay_serving_plan plan;
    double                    in_flight; /* sequences; of one that only computes prompts: prompts in a step */
    double                    per_device_s; /* requests a second of each device, of this kind alone */
    double                    weight_bytes, cache_bytes; /* of a rank: weights; keys and values of what is in flight */
};
struct assay_serving_choice {
    struct assay_serving_replica replica; /* SHARED: of all; SPLIT: of further tokens */
    struct assay_serving_replica prompts; /* SPLIT */
    double                       prompt_share;    /* SPLIT: of devices that compute prompts */
    double                       ttft_ns, tpot_ns; /* means */
    double                       transfer_ns;      /* SPLIT: of a prompt's keys and values */
    double                       goodput_s;        /* requests a second and device, all within the limits */
    enum assay_serving_way       way;
    bool                         followed; /* event by event, not in closed form */
};
enum assay_serving_axis { ASSAY_SERVING_AXIS_WAY, ASSAY_SERVING_AXIS_TP, ASSAY_SERVING_AXIS_DP, ASSAY_SERVING_AXIS_PP, ASSAY_SERVING_AXIS_EP, ASSAY_SERVING_AXIS_IN_FLIGHT,
                          ASSAY_SERVING_AXES };
extern const char *const assay_serving_axis_names[ASSAY_SERVING_AXES];
double                   assay_serving_axis_value(const struct assay_serving_choice *c, enum assay_serving_axis axis);

enum { ASSAY_SERVING_BEST = 16, ASSAY_SERVING_FRONTIER = 64, ASSAY_SERVING_VALUES = 24 };
struct assay_serving_value {
    double value, goodput_s; /* the most with it; 0: none keeps the limits */
};
struct assay_serving_search {
    int64_t                     priced, short_of_memory, too_slow; /* too_slow: of those priced, beyond a limit */
    struct assay_serving_choice best[ASSAY_SERVING_BEST];          /* most goodput first, one for each plan */
    size_t                      n_best;
    struct assay_serving_choice frontier[ASSAY_SERVING_FRONTIER];  /* no other has both more goodput and less TPOT, limits apart; least TPOT first */
    size_t                      n_frontier;
    struct assay_serving_choice nearest;                           /* to the limits, where none keeps them */
    double                      least_bytes;                       /* that a rank of any plan needs, where none fits */
    struct assay_serving_value  value[ASSAY_SERVING_AXES][ASSAY_SERVING_VALUES];
    size_t                      n_values[ASSAY_SERVING_AXES];
};
/* ASSAY_UNSUPPORTED: a number is not known that a form needs; ASSAY_CONFIG: lengths or limits that cannot be. That nothing fits or keeps the
 * limits is no failure: n_best is 0. */
enum assay_code assay_serving_search(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                     const struct assay_serving_numbers *stack, const struct assay_serving_space *space, struct assay_serving_search *out,
                                     struct assay_error *err);
/* The same choice on another cluster: what its figures would be there, in closed form. Its limits do not count. NaN: it cannot be priced, or
 * has no room. */
void assay_serving_choice_on(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                             const struct assay_serving_numbers *stack, const struct assay_serving_space *space, struct assay_serving_choice *c);

/* "tp 8 dp 4 ep 32, 64 in flight a group" */
void assay_serving_choice_tell(const struct assay_serving_choice *c, struct assay_text *out);

#endif
