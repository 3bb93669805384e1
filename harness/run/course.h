/* The course of one launch of one case: what it holds, and which phase it is in. case_run.c opens and closes it, case_time.c
 * or case_learn.c fills it, case_metrics.c reads it; nobody else knows it. */
#ifndef ASSAY_RUN_COURSE_H
#define ASSAY_RUN_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/file.h"
#include "harness/load/closed_loop.h"
#include "harness/load/graph_target.h"
#include "harness/load/lesson.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/power.h"
#include "harness/run/case_run.h"
#include "harness/run/loader.h"
#include "harness/store/record.h"
#include "harness/verify/witness.h"
#include "suites/weights/value_source.h"

#define ASSAY_COURSE_MAX_SAMPLES (1u << 20)

/* The draws of a modelled device: their 10th, 50th and 90th percentile. n 0: there are none. */
struct assay_drawn_range {
    double   low, middle, high;
    uint32_t n;
};

struct assay_drawn_levels;
struct assay_course {
    const struct assay_case_job *job;
    struct assay_record         *record;
    struct assay_graph          *graph;
    uint32_t                     ranks; /* over which it is spread; the graph is theirs, joined */
    struct assay_rank_value     *of;    /* whose its values are; NULL for one rank */
    uint64_t                     message_bytes; /* of a case that is one exchange between ranks, else 0 */
    double                       link_factor;
    struct assay_value_source   *source;
    struct assay_opened          opened;
    bool                         is_open;
    struct {
        const struct assay_opened  *opened; /* of further tokens, where these have a device of their own; NULL: they have not */
        const struct assay_program *program;
    } second;
    const struct assay_lesson   *lesson;     /* NULL: the case is not trained to a quality */
    struct assay_graph          *evaluation; /* of the lesson */
    struct assay_graph_target   *target;
    uint32_t                     sets; /* of inputs: ASSAY_MIN_SETS, fewer for want of memory */
    uint64_t                     spare_bytes; /* on the device: what programs beside the target have for further sets */
    struct assay_witness        *witness;
    struct assay_ceiling        *ceiling; /* NULL: why_no_ceiling */
    char                         why_no_ceiling[128];
    struct assay_counters       *counters;
    struct assay_meter          *meter;
    struct assay_mapped_file     samples, curve, series;
    char                         samples_path[700], witness_path[700], curve_path[700], series_path[700];
    size_t                       series_n; /* rows of a scenario's queries that stay */
    bool                         unstored; /* a file of the run folder could not be made or kept */
    enum assay_phase             phase;
    uint64_t                     phase_begin_ns;
    uint64_t                     memory_before[2]; /* when it had settled */
    uint64_t                     settled_n;        /* iterations until then; 0 = not yet */
    struct assay_closed_loop_result loop;
    struct {
        struct assay_drawn_range   ns, joules, trillion_ns; /* trillion_ns: for 10^12 items, with what failures leave */
        struct assay_drawn_levels *levels;                  /* NULL: not drawn */
    } drawn;
    struct assay_lesson_result      learned;
};

/* What an execution of the graph comes to, in the record. */
void            assay_course_tell_cost(struct assay_course *course);
/* Does the device take every node? ASSAY_UNSUPPORTED: the first that it does not, and why. */
enum assay_code assay_course_accepted(const struct assay_course *course, const struct assay_graph *g, struct assay_error *err);

void assay_course_enter(struct assay_course *course, enum assay_phase phase);
void assay_course_on_target_phase(void *course, enum assay_target_phase phase);
void assay_course_on_compiled(void *course, const struct assay_program *program);
void assay_course_on_warmed(void *course); /* the timed phase begins */
void assay_course_progress(const struct assay_course *course, double share, uint64_t median_ns);

/* All buffers have been touched after `n` iterations: growth of memory counts from here. Only the first call counts. */
void assay_course_settle(struct assay_course *course, uint64_t n);
/* Heap in use and resident pages, in bytes: a plug-in that loses memory grows one of them. */
void assay_course_memory(uint64_t out[2]);

/* The name of a file of this launch in the record, and its path. */
enum assay_code assay_course_name_file(const struct assay_course *course, const char *kind, char record_name[160], char path[700],
                                       struct assay_error *err);
/* A file of the run folder could not be made: returns err->code, and remembers where the folder is to blame. */
enum assay_code assay_course_unmade(struct assay_course *course, const struct assay_error *err);

/* Adds to what the record complains of: how quiet the machine was, and what else the figures lack. */
ASSAY_PRINTF(2, 3) void assay_course_remark(struct assay_course *course, const char *fmt, ...);

#endif
