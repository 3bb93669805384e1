/* The ceiling that a launcher keeps for the workers of its run (harness/measure/ceiling.h), over the wire: what a worker asks, and
 * what it is answered. */
#ifndef ASSAY_RUN_KEPT_CEILING_H
#define ASSAY_RUN_KEPT_CEILING_H

#include <jansson.h>
#include <stdbool.h>

#include "assay/error.h"
#include "harness/measure/ceiling.h"
#include "harness/run/wire.h"

/* The launcher's side; all zeros at first. */
struct assay_kept_ceiling {
    struct assay_ceiling *ceiling; /* opened when it is first asked for */
    bool                  tried;
    struct assay_error    why_not;
};
/* A new reference; what a worker says is not trusted, and a burst takes at most a second. */
json_t *assay_kept_ceiling_answer(struct assay_kept_ceiling *kept, const json_t *asked);
void    assay_kept_ceiling_close(struct assay_kept_ceiling *kept);

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
