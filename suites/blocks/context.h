/* A decoder whose sequences are split by the ranks of cp. A sequence is cut into 2 cp chunks, of which rank i has chunks i and
 * 2 cp - 1 - i, so that all have as many pairs under the causal mask (Llama 3, arXiv 2407.21783, section 3.3.2). What looks at one token at a
 * time goes on as before; before attention the keys and values of all are gathered, and each of the two chunks of queries looks at
 * those up to its own end. On a mesh with one rank of cp nothing is added. Only for the files that build a decoder. */
#ifndef ASSAY_BLOCKS_CONTEXT_H
#define ASSAY_BLOCKS_CONTEXT_H

#include "suites/blocks/decoder_layer.h"

/* What all layers share: the order of gathered tokens, and the masks. */
void    assay_context_begin(struct decoder *d);
/* Where in its sequence token i of this rank's stands. */
int64_t assay_context_position(const struct decoder *d, int64_t i);
/* Numbers below the vocabulary, one for each of this rank's tokens, as input "name" of one axis or of two: [batch, length]. */
int32_t assay_context_input(const struct decoder *d, const char *name, int32_t axes);
/* With several ranks of cp: attention of this rank's queries [batch, length, width] over keys and values of whole sequences, of which it
 * is given its own. */
int32_t assay_context_attend(const struct decoder *d, const char *prefix, int32_t q, int32_t k, int32_t v, int64_t heads, int64_t kv_heads,
                             double scale);

#endif
