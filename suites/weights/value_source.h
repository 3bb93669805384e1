/* Where the values come from that the harness binds: params from a checkpoint, inputs from .npy files, whatever has no file from
 * the seeded generator. One function for those who run and those who judge, so that both have the same bits. */
#ifndef ASSAY_WEIGHTS_VALUE_SOURCE_H
#define ASSAY_WEIGHTS_VALUE_SOURCE_H

#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/ir/graph.h"
#include "suites/weights/file_set.h"

struct assay_value_source;

/* `weights`: a checkpoint (checkpoint.h). `inputs`: a folder with "<name>.npy" for every input and control of the graph and no
 * other .npy; its shape is the value's, or that with one axis more before it, whose slices the input sets are in turn. Types are
 * the value's, or f32 for those numpy lacks (rounded). Either may be "". The graph is borrowed. */
enum assay_code assay_value_source_open(const struct assay_graph *g, const char *weights, const char *inputs,
                                        struct assay_value_source **out, struct assay_error *err);
void            assay_value_source_close(struct assay_value_source *s);
/* Reads all contents and refuses what no run may begin with: NaN, infinities, whole numbers outside of what the graph allows. */
enum assay_code assay_value_source_check(const struct assay_value_source *s, struct assay_error *err);
/* What was converted, as a sentence, or nothing. */
void assay_value_source_say(const struct assay_value_source *s, struct assay_text *out);
/* Adds the files that are used to the sets, whose paths are those the source was opened with. Either may be NULL. */
enum assay_code assay_value_source_files(const struct assay_value_source *s, struct assay_file_set *weights,
                                         struct assay_file_set *inputs, struct assay_error *err);

/* Fills all bytes of one value for one input set, as assay_fill_value does (suites/data/fill.h); `s` may be NULL. */
enum assay_code assay_value_fill(const struct assay_value_source *s, const struct assay_graph *g, int32_t value, uint64_t seed,
                                 uint64_t set, void *to, struct assay_error *err);

#endif
