/* The programs of a case with a scenario: its workload compiled for each size of batch (harness/plan/buckets.h) over
 * the same weights. Each has inputs, outputs and a witness of its own, as each is another program: what one of them
 * proves says nothing of the others. */
#ifndef ASSAY_RUN_CASE_PROGRAMS_H
#define ASSAY_RUN_CASE_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/buckets.h"
#include "harness/run/course.h"

#define ASSAY_PROGRAM_MOST_SETS 64u /* distinct inputs; more of them take longer to fill than they say */

struct assay_case_program {
    uint32_t samples; /* of an execution */
    struct assay_graph *graph;
    struct assay_value_source *source;
    struct assay_graph_target *target;
    struct assay_target as_target;
    struct assay_witness *witness; /* NULL: there is none yet, or the device computes no values */
    char witness_file[160], witness_path[700];
    bool used[ASSAY_PROGRAM_MOST_SETS]; /* slots that timed executions had */
    uint64_t executions, seen;          /* timed; looked at by the witness */
    uint64_t typical_ns;                /* the fastest beside the timed phase; 0: there was none */
};
struct assay_case_programs {
    struct assay_course *course;
    uint32_t n, size[ASSAY_BUCKETS_MOST];
    struct assay_case_program
        of[ASSAY_BUCKETS_MOST]; /* sizes rise; graph, source, target and witness of the last are the course's */
};

/* For up to max_batch samples an execution; `buckets`: as in a scenario. Compiles all, with at most `sets` input sets
 * each. The course has a graph, of any size, and no target. */
enum assay_code assay_case_programs_open(struct assay_course *course, const char *buckets, int64_t max_batch,
                                         uint32_t sets, struct assay_case_programs *out, struct assay_error *err);
/* A witness for each. */
enum assay_code assay_case_programs_witness(struct assay_case_programs *p, struct assay_error *err);
/* All outputs are poisoned, all inputs dealt anew. */
enum assay_code assay_case_programs_prepare(struct assay_case_programs *p, struct assay_error *err);
struct assay_case_program *assay_case_programs_find(struct assay_case_programs *p, uint32_t places);
/* Of a full execution of the largest; samples a second from executions one after another, at the best size. */
uint64_t assay_case_programs_slowest_ns(const struct assay_case_programs *p);
double assay_case_programs_capacity_qps(const struct assay_case_programs *p);
/* Completes the witnesses of the smaller ones and tells the record of all, where there are several. */
enum assay_code assay_case_programs_finish(struct assay_case_programs *p, struct assay_error *err);
/* Frees what is not the course's; of a course that goes on with others, `all`, its target too. */
void assay_case_programs_close(struct assay_case_programs *p, bool all);

#endif
