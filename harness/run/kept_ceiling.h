/* The ceiling that a process keeps for the workers of a run (harness/measure/ceiling.h), over the wire: what a worker asks, and what it is
 * answered. Between the two is the launcher, to whom both are connected (ceiling_process.h). */
#ifndef ASSAY_RUN_KEPT_CEILING_H
#define ASSAY_RUN_KEPT_CEILING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/measure/ceiling.h"
#include "harness/run/wire.h"

/* The side that keeps it; all zeros at first. */
struct assay_kept_ceiling {
    struct assay_ceiling *ceiling; /* opened when it is first asked for */
    uint64_t              available_bytes; /* of memory; 0: what the machine says */
    bool                  tried;
    struct assay_error    why_not;
};
/* A new reference; what a worker says is not trusted, and a burst takes at most a second. Not kept where its arrays would be more than a
 * quarter of the memory that is left: cases need that more. */
json_t *assay_kept_ceiling_answer(struct assay_kept_ceiling *kept, const json_t *asked);
json_t *assay_kept_ceiling_refuse(const struct assay_error *why);
void    assay_kept_ceiling_close(struct assay_kept_ceiling *kept);
/* Answers the first question, and then those that come from `from` until it ends. */
enum assay_code assay_kept_ceiling_serve(const json_t *first, int from, int to, struct assay_error *err);

/* The worker's side: asks on `to`, and reads the answers, one after the other, from `from`, where nothing else comes. */
struct assay_ceiling_asker {
    int               to;
    struct assay_wire answers;
};
enum assay_code             assay_ceiling_asker_init(struct assay_ceiling_asker *asker, int to, int from, struct assay_error *err);
void                        assay_ceiling_asker_release(struct assay_ceiling_asker *asker);
/* `asker` must outlive it. */
struct assay_ceiling_keeper assay_ceiling_asker_keeper(struct assay_ceiling_asker *asker);

#endif
