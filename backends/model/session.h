/* A description as a device: what a session, a program and an event of the model are. */
#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H

#include "assay/backend.h"
#include "harness/model/certainty.h"
#include "harness/model/coefficients.h"
#include "harness/model/device.h"
#include "harness/model/priced.h"

enum model_precision { MODEL_AS_STORED, MODEL_AS_GRAPH, MODEL_TF32, MODEL_BF16, MODEL_F16 };
enum model_values { MODEL_NO_VALUES, MODEL_EMULATE };
struct model_options {
    char    spec[384];
    int64_t precision, values;
};

/* What time went into, by what limited a node; cumulative. */
struct model_spent {
    double ns, compute_ns, memory_ns, cache_ns, vector_ns, link_ns, launch_ns;
    double flops, memory_bytes, cache_bytes, link_bytes, joules;
};

struct assay_session {
    struct assay_described   *described;
    struct model_options      options;
    struct assay_fitted       fitted;
    struct assay_priced         step;
    struct assay_world        world; /* of the draw that it is now */
    uint64_t                  drawn; /* counts the changes of chip */
    uint64_t                  free_ns; /* when the queue has nothing to do */
    uint64_t                  held_bytes;
    bool                      pointless; /* a program's times may not be a point */
    struct model_spent        spent;
    struct assay_event       *idle;
    /* of the graph that accepts() was last asked about */
    const struct assay_graph *asked;
    struct assay_graph       *asked_rebuilt;
    struct assay_graph_facts *asked_facts;
};

struct model_values_program;
struct assay_program {
    struct assay_graph          *graph; /* ours */
    struct assay_graph_price    *price;
    uint64_t                     priced; /* the session's `drawn` that the prices are of; 0: none */
    const void                 **content; /* by value, during a launch */
    void                       **padded;  /* by value: copies of those with rows that do not count */
    struct assay_certain         certain;
    struct assay_priced_input      inputs[ASSAY_PRICED_INPUTS]; /* that matter most for its time */
    size_t                       n_inputs;
    struct model_values_program *values; /* NULL: none are computed */
};

struct assay_event {
    struct assay_event *next; /* of those not in use */
    uint64_t            begin_ns, end_ns;
    struct assay_trace_row *rows; /* of a traced launch */
    size_t                  n_rows;
};

/* Becomes the chip of draw k (0: the middle), with what the options make of it. */
void                  model_draw(struct assay_session *s, uint64_t k);
/* Prices a program as the session is now. */
enum assay_code       model_price(struct assay_session *s, struct assay_program *p, bool again, struct assay_error *err);
/* Grade and point of the program's times, and what matters most for them. */
void                  model_certainty(struct assay_session *s, struct assay_program *p);
/* What values in f32 of such a graph are kept and multiplied in. */
struct assay_node_how model_how(const struct assay_session *s, const struct assay_graph *g, const void *const *content);
/* Description of that name with --spec's numbers over it; a spec that is itself a description is the device. */
enum assay_code model_describe(const char *device, const char *spec, struct assay_described **out, struct assay_error *err);

/* ---- values.c ------------------------------------------------------------------------------------------------------ */

/* Does the named matrix unit compute such a node? */
bool model_values_accept(const struct assay_session *s, const struct assay_host *host, const struct assay_graph *g, uint32_t node,
                         struct assay_text *why_not);
enum assay_code model_values_new(const struct assay_session *s, const struct assay_host *host, const struct assay_compile *how,
                                 struct model_values_program **out, struct assay_error *err);
void            model_values_free(struct model_values_program *p);
enum assay_code model_values_compute(struct model_values_program *p, const struct assay_launch *launch, struct assay_error *err);

#endif
