/* Suites become cases. A plan is a function of (suite, seed): the same bytes every time. */
#ifndef ASSAY_PLAN_PLAN_H
#define ASSAY_PLAN_PLAN_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/workload.h"
#include "harness/plan/case_name.h"
#include "harness/plan/scenario.h"
#include "harness/plan/serving.h"
#include "suites/weights/file_set.h"

/* How long and how often a case is run. */
struct assay_repeat {
    int64_t  launches;  /* worker processes: the unit of replication */
    int64_t  min_runs;  /* timed iterations of a launch, at least */
    uint64_t min_ns;    /* timed time of a launch, at least */
    uint64_t max_ns;    /* wall time of the timed phase, batches and proofs included, at most */
    uint64_t timeout_ns; /* of the whole worker */
};

/* One fully specified point. Name: `workload[.phase]/key=value,…[@scenario/key=value,…[+serving/key=value,…]]`, keys
 * sorted, defaults written out. */
struct assay_case {
    char                         name[ASSAY_CASE_NAME_BYTES];
    char                         id[17]; /* first 16 hex digits of the SHA-256 of the name */
    const struct assay_workload *workload;
    char                         phase[32]; /* "" when the workload has none */
    void                        *params;    /* owned; params_bytes of the workload */
    struct assay_scenario        scenario;  /* type 0: none, executions one after another */
    struct assay_serving         serving;   /* of a case that is served */
    struct assay_repeat          repeat;
};

struct assay_plan {
    char               name[64], about[200];
    uint64_t           seed;
    struct assay_case *cases;
    size_t             n_cases;
    /* What the values of all cases come from, instead of the generator; all zero: from the generator. */
    struct assay_file_set weights, inputs;
    char                 *suite_text; /* of the suite's file, as it was read; NULL: cases were named instead */
};

/* From a case name, complete or not ("gemm/m=64"; "gemm" is all defaults). Messages name what is wrong and the nearest. */
enum assay_code assay_case_parse(const char *text, struct assay_case *out, struct assay_error *err);
void            assay_case_release(struct assay_case *c);
/* Is the word the path of a model, "dir/m.onnx"; and the name of the case that is this model, with the file's SHA-256. */
bool            assay_is_model_file(const char *word);
enum assay_code assay_case_of_file(const char *path, char name[ASSAY_CASE_NAME_BYTES], struct assay_error *err);
/* Only its "workload[.phase]"; sets workload and phase of *c, nothing else. */
enum assay_code assay_case_head_parse(const char *head, struct assay_case *c, struct assay_error *err);
/* Are requests served by an engine, step after step: phase `serve` with a scenario? */
bool assay_case_is_served(const struct assay_case *c);
/* A case's name without what sets how much arrives (rate or number in flight, which is *load) and how long it is
 * watched: the same for the points of a curve. false: nothing sets it. */
bool assay_case_family(const char *name, char out[ASSAY_CASE_NAME_BYTES], double *load);
/* The name of a training step (phase `train`, no scenario) without what a system chooses for itself: over which ranks, in which pieces and
 * with what recomputed the work is done. The same for all arrangements of one training. false: the case is none. */
bool assay_case_training(const char *name, char out[ASSAY_CASE_NAME_BYTES]);
/* The name without the parameters that have their defaults: what people read in tables; parsing it gives the same case. A
 * name that is none of this program's is copied as it is. */
void assay_case_brief(const char *name, char out[ASSAY_CASE_NAME_BYTES]);
/* Builds the graph of one execution: of a scenario with batches, of max_batch samples (of 1, where that is searched for); of several
 * ranks, their graphs joined. Free it with assay_graph_free. */
enum assay_code assay_case_graph(const struct assay_case *c, struct assay_graph **out, struct assay_error *err);
/* Of one rank's case with a scenario: the graph of an execution of so many samples, as its buckets have them. */
enum assay_code assay_case_graph_of(const struct assay_case *c, uint32_t samples, struct assay_graph **out, struct assay_error *err);

/* Over how many ranks the case's work is spread: 1 for most. ASSAY_CONFIG: a mesh that does not fit; ASSAY_UNSUPPORTED: ranks under a
 * scenario. */
enum assay_code assay_case_ranks(const struct assay_case *c, uint32_t *n, struct assay_error *err);
/* The graph of one of them. */
enum assay_code assay_case_rank_graph(const struct assay_case *c, uint32_t rank, struct assay_graph **out, struct assay_error *err);
/* The graphs of all n joined (harness/ir/transform/join.h) and, unless `of` is NULL, whose each of its values is; free *of. */
struct assay_rank_value {
    uint32_t rank;  /* UINT32_MAX: nobody's, made by the joining */
    int32_t  value; /* in that rank's graph */
};
enum assay_code assay_case_join(const struct assay_case *c, uint32_t n, struct assay_graph **out, struct assay_rank_value **of,
                                struct assay_error *err);

/* Reads suite `name_or_path`: a path when it has a '/' or ends in ".json", else <suites folder>/NAME.json. */
enum assay_code assay_plan_read(const char *name_or_path, struct assay_plan *out, struct assay_error *err);
/* Appends one case given by name, with the default repeat, unless it is there already. */
enum assay_code assay_plan_add(struct assay_plan *plan, const char *case_name, struct assay_error *err);
/* Appends a case and takes its parameters, also on failure. */
enum assay_code assay_plan_take(struct assay_plan *plan, struct assay_case *c, struct assay_error *err);
/* The suites there are: name and about, sorted by name. */
enum assay_code assay_suites_list(void (*each)(void *self, const char *name, const char *about), void *self,
                                  struct assay_error *err);
void            assay_plan_release(struct assay_plan *plan);
/* An empty plan with defaults. */
void            assay_plan_init(struct assay_plan *plan);

/* The values of every case come from `weights` and `inputs` (suites/weights/value_source.h), either "" for none: opens and reads
 * them for each case, refuses what does not fit, and keeps which files they were. `say` is told what is converted. */
enum assay_code assay_plan_use_files(struct assay_plan *plan, const char *weights, const char *inputs,
                                     void (*say)(void *self, const struct assay_case *c, const char *what), void *self,
                                     struct assay_error *err);

/* The plan as plan.json holds it; and back. */
json_t         *assay_plan_to_json(const struct assay_plan *plan);
enum assay_code assay_plan_from_json(const json_t *json, struct assay_plan *out, struct assay_error *err);

/* The repeat's option table (suite keys, --launches and the like on the command line). */
extern const struct assay_option assay_repeat_options[];

#endif
