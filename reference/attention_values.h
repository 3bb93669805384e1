/* Attention without bounds, all queries of a head at a time: what its replicas are made by (README.md, "Statistical bounds"). */
#ifndef ASSAY_REFERENCE_ATTENTION_VALUES_H
#define ASSAY_REFERENCE_ATTENTION_VALUES_H

#include "reference/attention_scores.h"

#define ASSAY_REF_QUERIES 32 /* to a piece of work, at most */

/* Is the whole of the output asked for, in order and without bounds? */
bool assay_ref_attention_is_whole(const struct assay_ref_attention *a, size_t n);
/* Row i of x[n, keys] becomes the weights of query first + i over their sum: softmax(softcap(scale q k) + mask). */
void assay_ref_attention_weights(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t first, int64_t n, double *x);
/* dQ, dK or dV, whichever output of AttentionGrad a->call asks for, with the formulas of ops/attention_grad.c. false: it is not done
 * this way (not whole, a softcap, sums that a matrix unit makes), or there was no memory. */
bool assay_ref_attention_gradient_values(const struct assay_ref_attention *a, const struct assay_ref_heads *dy, size_t n);

#endif
