/* Repeatability of a case on a back end, property by property: never one flag, because what breaks each of them is something else.
 * How each is asked: README.md. */
#ifndef ASSAY_JUDGE_REPEATABILITY_H
#define ASSAY_JUDGE_REPEATABILITY_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/verify/agreement.h"

enum assay_repeats {
    ASSAY_REPEATS_RUNS,       /* execution after execution within a process */
    ASSAY_REPEATS_PROCESSES,
    ASSAY_REPEATS_THREADS,    /* with other numbers of threads */
    ASSAY_REPEATS_NEIGHBOURS, /* items among other items */
    ASSAY_REPEATS_PLACE,      /* items at other places of the batch */
    ASSAY_REPEATS_SIZE,       /* items in batches of another size */
    ASSAY_REPEATS_COUNT
};
/* Its name in tables and JSON, and what is compared, as a sentence. */
const char *assay_repeats_name(enum assay_repeats property);
const char *assay_repeats_about(enum assay_repeats property);

struct assay_repeats_property {
    bool                   has;
    char                   why[256]; /* why it has no runs; else empty */
    struct assay_agreement agreement;
};
struct assay_repeatability {
    struct assay_repeats_property property[ASSAY_REPEATS_COUNT];
};

struct assay_repeatability_request {
    const struct assay_case *what;
    const char              *backend;
    uint64_t                 runs, processes, arrangements; /* each at least 1; processes at least 2 */
    uint64_t                 seed, timeout_ns;              /* of one worker */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *self, const char *what); /* may be NULL */
    void *self;
};

/* Runs the workers. An error only when nothing can be said at all: the case or the back end cannot be had. */
enum assay_code assay_repeatability_find(const struct assay_repeatability_request *request, struct assay_repeatability *out,
                                         struct assay_error *err);

/* "100 repeats identical: at most 3.0 % differ", "7 of 100 differ: 2.9 % to 13.9 %". */
void assay_repeats_say(const struct assay_agreement *a, struct assay_text *out);
/* Where and how much: "first 'C' element 17, execution 3: 1.5 for 1.25, at most 1 ulp, 1.2e-07 of the rms"; empty if identical. */
void assay_repeats_say_first(const struct assay_agreement *a, struct assay_text *out);
/* {"runs": {…}, "threads": {"why": "…"}, …} */
json_t *assay_repeatability_to_json(const struct assay_repeatability *r);

#endif
