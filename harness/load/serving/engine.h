/* Continuous batching: what waits is admitted when the cache has blocks for it; every step takes the next token of each sequence
 * that generates, and pieces of prompts in the room that is left. Deterministic; what it decides and why: README.md.
 *
 * One call is one step. Requests come from a source that is asked only for the next one, so what waits takes no memory. */
#ifndef ASSAY_LOAD_SERVING_ENGINE_H
#define ASSAY_LOAD_SERVING_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/serving/engine_description.h"
#include "harness/load/serving/step.h"

struct assay_engine_policy {
    uint32_t max_tokens, max_sequences; /* of a step; 0: what the target takes */
    uint32_t chunk_tokens;              /* of one prompt in one step; 0: a prompt is never cut */
    bool     reuses_prefixes;           /* full blocks of prompts that begin alike are computed once */
    bool     is_static;                 /* for comparison: nobody joins before all have left */
    bool     only_prompts;              /* a request ends with its first token: another engine goes on */
};

/* Times are nanoseconds from the run's start. */
struct assay_engine_request {
    uint64_t id, scheduled_ns;
    uint64_t ready_ns;                      /* not admitted before */
    uint32_t prompt_tokens, output_tokens;  /* at least 1 each */
    bool     prefilled;                     /* another engine computed the prompt and the first token; its cache came along */
    uint64_t first_ns;                      /* prefilled: when that token came */
    uint32_t reused_tokens;                 /* prefilled: of the prompt, found in the other's cache */
};
struct assay_engine_source {
    void *self;
    bool (*peek)(void *self, struct assay_engine_request *next); /* by ready_ns, however far ahead; false: none before one ends */
    void (*take)(void *self);                                    /* what peek showed */
    void (*content)(void *self, const struct assay_engine_request *r, int32_t *prompt); /* its tokens; only if somebody needs them */
};

struct assay_engine_ended {
    struct assay_engine_request request;
    enum assay_code code;          /* ASSAY_OK; ASSAY_TIMEOUT; or why the step that it was in failed */
    uint32_t        output_tokens; /* that came */
    uint64_t        first_ns, last_ns; /* of its tokens; 0 if none came */
    uint64_t        completed_ns;  /* or when it had failed */
    uint32_t        preemptions;
    uint32_t        reused_tokens; /* of the prompt, found in the cache */
    const int32_t  *tokens;        /* prompt and output, for the call; NULL where no values are computed */
};
struct assay_engine_watch {
    void *self;
    /* The index-th output token, from 0; previous_ns: when the one before it came. */
    void (*token)(void *self, const struct assay_engine_request *r, uint32_t index, uint64_t at_ns, uint64_t previous_ns);
    void (*ended)(void *self, const struct assay_engine_ended *e);
};

struct assay_engine_setup {
    const struct assay_step_target        *target; /* not copied */
    struct assay_engine_policy             policy;
    const struct assay_engine_description *host;   /* what the host takes, on a model clock; NULL: nothing */
    uint32_t                               layers; /* of the model, for what the host does for each */
    struct assay_engine_source             source;
    struct assay_engine_watch              watch;
    uint64_t                               origin_ns;  /* the run's start by the target's clock */
    uint64_t                               timeout_ns; /* a request that takes longer has failed; 0: none does */
};
struct assay_engine_counts {
    uint64_t steps, sequences, tokens;      /* steps, and what was in all of them */
    uint64_t preemptions, reused_tokens, recomputed_tokens;
    uint64_t busy_ns, host_ns;              /* of steps on the device; of the engine itself, measured or described */
    uint32_t most_sequences, most_blocks;   /* at once */
};

struct assay_engine;
/* ASSAY_CONFIG: a policy that the target cannot follow. */
enum assay_code assay_engine_new(const struct assay_engine_setup *how, struct assay_engine **out, struct assay_error *err);
void            assay_engine_free(struct assay_engine *e);
/* Could this engine ever serve a request of such lengths? ASSAY_CONFIG with what is too small. */
enum assay_code assay_engine_fits(const struct assay_engine *e, uint32_t prompt_tokens, uint32_t output_tokens, struct assay_error *err);

/* The earliest time at which a step could begin; UINT64_MAX: not before a request comes that the source does not know yet. */
uint64_t assay_engine_next_ns(const struct assay_engine *e);
/* On a model clock: nothing happens before that time. */
void     assay_engine_skip(struct assay_engine *e, uint64_t to_ns);
/* One step, if there is anything to do now. After one that failed there is no other: what is in the engine is abandoned. */
enum assay_code assay_engine_step(struct assay_engine *e, struct assay_error *err);
/* Ends all that is in the engine, waits for it or is on its way to it, with that code. */
void     assay_engine_abandon(struct assay_engine *e, enum assay_code code);

struct assay_engine_counts assay_engine_counts(const struct assay_engine *e);

#endif
