/* How unevenly tokens are routed to experts. */
#ifndef ASSAY_MODEL_ROUTING_H
#define ASSAY_MODEL_ROUTING_H

struct assay_routing {
    double imbalance; /* the busiest rank's load over the mean */
    double touched;   /* experts of that rank that get a token at all */
};
/* Experts' popularities drawn from a power law with this exponent (0: even), as the public benchmarks of serving stacks draw
 * them: x in [1, 0.8 tokens] with density x^-exponent, loads in proportion to x; the mean over a fixed set of draws. */
struct assay_routing assay_routing_of(double exponent, double tokens, double top_k, double experts, double ep);

#endif
