/* A decoder on a back end as what a serving engine drives (step.h): phase `serve` of suites/blocks/decoder.h, compiled once for each
 * of a few buckets of (tokens, sequences). All buckets share params and caches; a step goes through the smallest that holds it, and
 * what it leaves empty is padding that the device is told of (valid rows). A device that computes no values gets the control inputs
 * alone, by which it can price the step; its buffers are there for their size. */
#ifndef ASSAY_LOAD_SERVING_DECODER_STEP_H
#define ASSAY_LOAD_SERVING_DECODER_STEP_H

#include "harness/load/serving/step.h"
#include "suites/blocks/model_shape.h"

struct assay_decoder_bucket {
    uint32_t tokens, sequences; /* tokens >= sequences >= 1 */
};

struct assay_decoder_step_setup {
    const struct assay_backend     *backend;
    struct assay_session           *session;
    const struct assay_device_info *device; /* these three, and the shape, are borrowed until the target is freed */
    const struct assay_model_shape *shape;
    int64_t                         layers;       /* the first so many, 0: all */
    enum assay_dtype                store, cache; /* formats of the weight matrices and of the caches */
    uint32_t                        block_tokens, n_blocks, max_context;
    const struct assay_decoder_bucket *buckets;   /* one of them holds all others; copied */
    size_t                             n_buckets;
    const char *weights;     /* a checkpoint (suites/weights), or "": from the seeded generator */
    uint64_t    seed;
    uint64_t    limit_bytes; /* of the device's memory that may be taken */
    uint64_t    timeout_ns;  /* of a step */
};

struct assay_decoder_step;

/* Builds, allocates, uploads and compiles. Frees everything itself when it fails. ASSAY_CONFIG: a cache too small for one sequence of
 * max_context tokens, a context beyond the model's, buckets that are none; ASSAY_MEMORY with the numbers: more than limit_bytes. */
enum assay_code assay_decoder_step_new(const struct assay_decoder_step_setup *setup, struct assay_decoder_step **out, struct assay_error *err);
void            assay_decoder_step_free(struct assay_decoder_step *d);
struct assay_step_target assay_decoder_step_as_target(struct assay_decoder_step *d);
/* Bytes on the device: params, caches, and what the buckets need beside them. */
struct assay_decoder_step_bytes {
    uint64_t params, caches, buckets;
};
struct assay_decoder_step_bytes assay_decoder_step_memory(const struct assay_decoder_step *d);
/* The program of the largest bucket; lives as long as d. */
const struct assay_program *assay_decoder_step_program(const struct assay_decoder_step *d);

#endif
