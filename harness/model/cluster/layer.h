/* What one layer of a decoder, and what stands before and after the layers, takes on one rank for one micro-batch. */
#ifndef ASSAY_MODEL_LAYER_H
#define ASSAY_MODEL_LAYER_H

#include "harness/model/kernel.h"
#include "harness/model/cluster/plan.h"

/* Work of the device alone, communication apart; core: the part of forward that is attention proper. */
struct assay_layer_price {
    double forward_ns, core_ns, backward_ns, core_backward_ns, weight_ns; /* backward: without the gradients of weights */
};
enum assay_code assay_price_layer(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_decoder_numbers *d,
                                  const struct assay_train_plan *p, bool moe, struct assay_layer_price *out, struct assay_error *err);
/* Embedding of the tokens; the head with its loss. */
enum assay_code assay_price_ends(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_decoder_numbers *d,
                                 const struct assay_train_plan *p, struct assay_layer_price *first, struct assay_layer_price *last,
                                 struct assay_error *err);
/* The optimizer over so many parameters of a rank, `host_bytes` of its state going over the host's link and back. */
enum assay_code assay_price_update(const struct assay_chip *chip, const struct assay_coefficients *k, double parameters, double gradient_bytes,
                                   double host_bytes, double *ns, struct assay_error *err);

#endif
