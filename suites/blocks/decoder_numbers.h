/* Decoders as the models of clusters take them: a shape of suites/models as plain numbers. */
#ifndef ASSAY_BLOCKS_DECODER_NUMBERS_H
#define ASSAY_BLOCKS_DECODER_NUMBERS_H

#include "harness/model/cluster/decoder.h"
#include "suites/blocks/model_shape.h"

struct assay_decoder_numbers assay_decoder_numbers_of(const struct assay_model_shape *shape);

/* By the name that a checkpoint is published under ("Qwen/Qwen3-235B-A22B-FP8"), as well as by that of suites/models: who published it,
 * capitals, and marks of formats and of how it was taught to talk do not count. ASSAY_CONFIG: no shape, with the nearest. */
enum assay_code assay_decoder_numbers_find(const char *published, struct assay_decoder_numbers *out, struct assay_error *err);

#endif
