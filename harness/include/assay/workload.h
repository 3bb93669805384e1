/* A workload builds a graph from parameters and names its headline metric. One C file in suites/workloads,
 * reached through the registry there. Its parameter table is the grammar of its case names:
 * `gemm/dtype=f32,k=1024,m=1024,n=1024`. */
#ifndef ASSAY_WORKLOAD_H
#define ASSAY_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/graph.h"
#include "assay/option.h"

/* What a net that was trained is judged by; less is better. */
enum assay_lesson_quality {
    ASSAY_QUALITY_LOSS = 1,       /* mean loss on unseen data: the evaluation's only output is the mean loss of a batch */
    ASSAY_QUALITY_ERROR_RATE = 2, /* share of unseen items that are classed wrongly: its only output is scores [items, classes] */
};

struct assay_lesson_terms {
    double   target;          /* quality to reach: at most this */
    double   floor;           /* no net can be expected to have a better one */
    double   floor_deviation; /* standard deviation, by chance of the evaluation's data, of the quality of the best possible net */
    uint64_t max_steps, evaluate_every, evaluation_batches;
};

/* How a workload is trained: from its params' fill rules, by steps whose data never come again, until a quality on data that
 * no step ever sees is reached. `params` are those of the workload. */
struct assay_lesson {
    const char               *phase; /* the workload's phase that is trained; `build` gives its step */
    enum assay_lesson_quality quality;
    void (*terms)(const void *params, struct assay_lesson_terms *out);
    /* Of step 1, 2, ...; bound to the step's input "learning_rate" (and the number itself to "step", where there is one). */
    double (*learning_rate)(const void *params, uint64_t step);
    /* Fills an empty graph whose params have the names of the step's params and states. */
    enum assay_code (*build_evaluation)(const void *params, struct assay_graph *g, struct assay_error *err);
    /* Content of the data input `name` of training step n (from 1), or of evaluation batch n (from 0); a function of all that
     * is given. Of an evaluation by error rate "labels" (i64[items]) is asked for too. false: there is no such input. */
    bool (*data)(const void *params, uint64_t seed, bool evaluation, uint64_t n, const char *name, void *to);
};

struct assay_workload {
    const char                *name, *summary;
    const char *const         *phases; /* NULL-terminated, or NULL: the workload has no phases */
    const struct assay_option *params;
    size_t                     params_bytes; /* of the struct the table fills */
    /* The name of the rate that says how good a result is: "flops_per_s", "bytes_per_s", "items_per_s". */
    const char *headline;
    /* How many items one execution handles, for items_per_s (images, tokens, rows); NULL = 1. */
    uint64_t (*items)(const void *params, const char *phase);
    const char *item; /* "image", "token", "row" */
    /* Name of the integer parameter that counts the independent items of a batch: item i has the same result whatever stands beside
     * it, wherever it stands, however many there are. NULL: there is none. */
    const char *batch;
    /* Fills an empty graph (harness/ir/graph.h). Parameters are within their table's ranges; what no range can
     * say (a head count that does not divide) is refused here, naming the parameter. */
    enum assay_code (*build)(const void *params, const char *phase, struct assay_graph *g, struct assay_error *err);
    const struct assay_lesson *lesson; /* NULL: there is none */
    /* Of a workload whose cases may be spread over ranks; both NULL: each has one. `ranks` says how many ranks the case has and refuses
     * a mesh that does not fit, naming the parameters; `build_rank` builds the graph of one of them, from 0 (its collectives name the
     * ranks so). `build` gives rank 0's, which is the whole where there is one rank. What ranks are given is a part of the whole
     * case's (harness/ir/graph.h, assay_graph_part), so that all of them together compute what one rank would alone. */
    enum assay_code (*ranks)(const void *params, const char *phase, uint32_t *n, struct assay_error *err);
    enum assay_code (*build_rank)(const void *params, const char *phase, uint32_t rank, struct assay_graph *g, struct assay_error *err);
    /* Of a workload that is one exchange between ranks, else NULL: the bytes of its message, and by what the rate of these is to be
     * multiplied to be that of a rank's link. */
    void (*message)(const void *params, const char *phase, uint64_t *bytes, double *link_factor);
};

#endif
