/* Decoders and habits of published training runs, by the names that tables give them ("LLAMA3_70B", "MPT-30b FSDP", "llama2_7b-deepspeed"). */
#ifndef ASSAY_MODEL_TRAIN_PUBLISHED_H
#define ASSAY_MODEL_TRAIN_PUBLISHED_H

#include "harness/model/cluster/plan.h"
#include "harness/model/cluster/serving_rows.h"

enum { ASSAY_TRAIN_NAME = 96 };

/* Small letters, digits and dots of a name; what separates words does not count. */
void assay_published_fold(const char *name, char out[ASSAY_TRAIN_NAME]);

struct assay_published_decoder {
    struct assay_decoder_numbers numbers;
    bool                         by_size; /* nobody published this shape here: a usual one with as many parameters as the name says */
};
/* ASSAY_CONFIG: the name has neither a known shape nor a size. */
enum assay_code assay_published_decoder_find(const char *name, const struct assay_decoder_finder *shapes, struct assay_published_decoder *out,
                                             struct assay_error *err);

/* The software that runs under such a name. Whether attention stores its weights and whether weights are gathered for use (ZeRO 3) are
 * habits of it where the table does not say. */
struct assay_train_stack {
    const char *name, *about;
    bool        stores_attention, splits_weights;
    double      gradient_bytes;
};
extern const struct assay_train_stack assay_train_stacks[]; /* ends with a NULL name; the first stands in for one that is not known */
const struct assay_train_stack       *assay_train_stack_of(const char *name);
const struct assay_train_stack       *assay_train_stack_find(const char *name); /* NULL: none such */

/* What a run's publication says of it beside the table; 0: nothing. */
struct assay_published_habit {
    double seq, tokens, batch_tokens; /* tokens: of the whole training; batch_tokens: of a step */
    double micro_batch, tp, pp, ep, chunks, slice; /* slice: devices that share weights where there are several such groups */
    enum assay_recompute recompute;
    bool        narrow; /* products in 8 bits, of the format that the device has */
    bool        judges; /* a test of the models: nothing is ever fitted on it */
    const char *source;
};
struct assay_published_habit assay_published_habit_of(const char *name, const char *device);

#endif
