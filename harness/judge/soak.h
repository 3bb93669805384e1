/* A soak: cases executed over and over for hours, every output compared with outputs that were verified, and what that shows.
 *
 * Launch 0 of each case is an ordinary run, judged by the reference as any other. What most of its executions of an input set gave is
 * what the soak compares with, bit by bit. Then the cases take turns, a worker and a stretch each, until the time is over. */
#ifndef ASSAY_JUDGE_SOAK_H
#define ASSAY_JUDGE_SOAK_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/plan/plan.h"
#include "harness/store/soak_file.h"

#define ASSAY_SOAK_YEAR_H 8760.0

struct assay_soak_case {
    char     name[ASSAY_CASE_NAME_BYTES], backend[640];
    char     why_not[512]; /* why it was not soaked; empty: it was, or will be */
    bool     is_wrong;     /* because its outputs are wrong to begin with, or mostly differ from the verified ones */
    bool     did_not_run;  /* because its first launch did not run */
    uint64_t busy_ns, wall_ns, iterations, mismatches, guard_bytes_changed;
    uint64_t stretches, crashed, hung, failed;
    char     reason[256];  /* of the last stretch that ended badly; empty: none did */
};
struct assay_soak {
    struct assay_soak_case     *row;
    size_t                      n;
    struct assay_soak_case      all; /* sums, without stretches most of whose outputs differ: such errors are not rare and are told
                                        apart; name and backend empty */
    struct assay_soak_stretch  *trouble; /* stretches with mismatches or a bad end, in their order */
    size_t                      n_trouble;
};
void assay_soak_release(struct assay_soak *soak);

/* What is told while it goes on. */
struct assay_soak_look {
    const char *name, *doing; /* the case; "verifying", "soaking" */
    double      share;        /* of the whole soak */
    uint64_t    left_ns, iterations, mismatches; /* of the whole soak; left_ns 0: not known */
};
struct assay_soak_request {
    struct assay_plan *plan; /* its repeats are set for launch 0 */
    const char        *backend, *folder;
    bool               resume;
    uint64_t           for_ns, stretch_ns, timeout_ns; /* wall time of all stretches together; of one; of an execution */
    const char *const *arguments; /* of the program, for the manifest */
    size_t             n_arguments;
    const volatile sig_atomic_t *stop;
    void (*progress)(void *self, const struct assay_soak_look *look); /* may be NULL */
    void *self;
};
/* ASSAY_INTERRUPTED: stopped by the user; *out is complete all the same, as on success. */
enum assay_code assay_soak_run(const struct assay_soak_request *request, struct assay_soak *out, struct assay_error *err);

/* What the soaks of a run folder showed, from soak.jsonl alone: a row a (case, back end) in the order of their first stretches, none where
 * there is no such file. What was left out before its first stretch is not in it. Release *out, also after failure. */
enum assay_code assay_soak_read(const char *folder, struct assay_soak *out, struct assay_error *err);

/* ---- for soak.c and soak_read.c ---- */

/* Counts a stretch for its row and, unless most of its outputs differ, for all; then the row says that it is given up. */
void assay_soak_count(struct assay_soak *soak, struct assay_soak_case *row, const struct assay_soak_stretch *stretch);
/* Copies the stretches that people want to see. */
enum assay_code assay_soak_keep_trouble(struct assay_soak *soak, const struct assay_soak_file *file, struct assay_error *err);

/* Silent errors in a year (8760 h) of such work on one device: what was seen, and the most that is compatible with it at 95 %
 * (Poisson: -ln(0.05) / T for none, for k half the chi-square quantile with 2 k + 2 degrees of freedom over T; T: the device time
 * that was compared). Infinite of no time. */
struct assay_soak_rate {
    double years, per_year, upper_per_year;
};
struct assay_soak_rate assay_soak_rate_of(uint64_t mismatches, uint64_t busy_ns);
/* The most a year, rounded up and in words: "fewer than 158,000", "at most 12.4", "nothing was compared". */
void assay_soak_say_most(uint64_t mismatches, uint64_t busy_ns, struct assay_text *out);
/* That in words for somebody who decides. */
void assay_soak_say(const struct assay_soak_case *all, struct assay_text *out);
json_t *assay_soak_to_json(const struct assay_soak *soak);

#endif
