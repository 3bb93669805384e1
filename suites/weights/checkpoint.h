/* A checkpoint as the params of a graph. Names are the public ones (suites/blocks): a tensor of a param's own name fills it; else
 * one that a rule leads to: with or without "model." before it, experts that lie in one tensor each, the other names that Mixtral
 * and ERNIE 4.5 have (README.md), and an embedding for an output matrix that is missing, as tied models are stored. */
#ifndef ASSAY_WEIGHTS_CHECKPOINT_H
#define ASSAY_WEIGHTS_CHECKPOINT_H

#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/ir/graph.h"
#include "suites/weights/tensor_folder.h"

struct assay_checkpoint;

/* Maps every param of `g`, which is borrowed. Refused with one line that names file and tensor: a param without tensor, a tensor
 * without param (buffers that hold no weights, and the output matrix of a model whose is tied, are left), another shape, a type
 * that cannot be converted, two tensors for one param, one tensor for two params. */
enum assay_code assay_checkpoint_open(const char *path, const struct assay_graph *g, struct assay_checkpoint **out,
                                      struct assay_error *err);
void            assay_checkpoint_close(struct assay_checkpoint *c);
/* Reads all that is used: NaN, infinities, numbers beyond the format they are to be stored in, and an output matrix that is not
 * the embedding it should be are refused, naming file, tensor and place. */
enum assay_code assay_checkpoint_check(const struct assay_checkpoint *c, struct assay_error *err);
/* All bytes of a param. Floats that widen are exact; those that narrow round to nearest; int8 gets a scale a row. */
enum assay_code assay_checkpoint_fill(const struct assay_checkpoint *c, int32_t value, void *to, struct assay_error *err);
/* What was rounded or quantized, as a sentence; nothing when all bits are the file's. */
void assay_checkpoint_say(const struct assay_checkpoint *c, struct assay_text *out);
const struct assay_tensor_folder *assay_checkpoint_folder(const struct assay_checkpoint *c);

#endif
