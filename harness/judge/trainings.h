/* Are trainings on a back end equivalent to trainings on another? Runs them in pairs, and judges.
 *
 * What will be judged, and how, is written into the folder before the first step is done, as protocol.json: case, back ends, seeds,
 * margin, number of pairs, statistic, and what counts as diverged. A folder that was begun with another protocol is refused, so
 * that neither margin nor number can follow the data. Trainings that are there already are not run again.
 *
 *     folder/protocol.json   folder/a-01 … b-01 …: run folders of one training each   folder/equivalence.json: the outcome
 *
 * Back ends that differ are given the same seeds: weights and data of a pair are the same. A back end against itself is given
 * others, since the same would be the same bits: then the interval is that of chance alone. */
#ifndef ASSAY_JUDGE_TRAININGS_H
#define ASSAY_JUDGE_TRAININGS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/judge/equivalence.h"
#include "harness/plan/plan.h"

#define ASSAY_TRAININGS_MOST_PAIRS 1000

struct assay_trainings_request {
    const char *backend, *against; /* B and A */
    const char *folder;
    const char *case_name;    /* NULL: that of suite equivalence */
    size_t      pairs;
    double      margin;       /* as a share of the floor of the case's quality, its source's entropy */
    uint64_t    first_seed;
    uint64_t    timeout_ns;   /* of one training; 0: the suite's */
    const char *const *arguments; /* of the program, for the manifests */
    size_t             n_arguments;
    const volatile sig_atomic_t *stop;
    void (*progress)(void *self, size_t done, size_t all, const char *line); /* may be NULL */
    void *self;
};

struct assay_trainings {
    char   case_name[ASSAY_CASE_NAME_BYTES], a[640], b[640]; /* canonical */
    bool   same; /* A is B: its seeds are others */
    double floor;
    struct assay_training_pair     *pair; /* result.pairs of them */
    struct assay_equivalence_result result;
};

/* The protocol alone: for who has something else to do first, and wants to know before whether there is anything to refuse. */
enum assay_code assay_trainings_begin(const struct assay_trainings_request *request, struct assay_error *err);
/* Free *out with assay_trainings_release. ASSAY_CONFIG: no such back end, a case that cannot be compared, another protocol in the
 * folder; ASSAY_INTERRUPTED: stopped, the same call goes on. What a training lacks is in its pair. */
enum assay_code assay_trainings_run(const struct assay_trainings_request *request, struct assay_trainings *out,
                                    struct assay_error *err);
void            assay_trainings_release(struct assay_trainings *trainings);

#endif
