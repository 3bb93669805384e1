/* Rows of published serving runs (table "serving"): what each asks, and what the models say of it on a device. */
#ifndef ASSAY_MODEL_SERVING_ROWS_H
#define ASSAY_MODEL_SERVING_ROWS_H

#include "harness/model/cluster/serving_stack.h"
#include "harness/model/table.h"

/* The decoder that goes by a published name; whoever knows shapes gives it. ASSAY_CONFIG: nobody does. */
struct assay_decoder_finder {
    enum assay_code (*find)(const char *name, struct assay_decoder_numbers *out, struct assay_error *err);
};

struct assay_serving_ask {
    char                         model[96], server[32], version[32];
    struct assay_decoder_numbers decoder;
    struct assay_serving_plan    plan;
    double                       prompt_tokens, output_tokens, in_flight; /* in_flight: of one dp group */
    enum assay_serving_protocol  protocol;
};
/* ASSAY_DATA: a cell is no number or no known name; ASSAY_CONFIG: a model without a shape, a plan that cannot be; ASSAY_UNSUPPORTED: prompts
 * on other devices than further tokens (mode). */
enum assay_code assay_serving_ask_read(const struct assay_cases_row *row, const struct assay_decoder_finder *shapes, struct assay_serving_ask *out,
                                       struct assay_error *err);

/* Prices on one chip, kept from row to row. */
struct assay_serving_desk;
enum assay_code assay_serving_desk_new(const struct assay_chip *chip, const struct assay_coefficients *k, struct assay_serving_desk **out,
                                       struct assay_error *err);
/* On a cluster, instead of a chip by itself. */
enum assay_code assay_serving_desk_on(const struct assay_fabric *f, const struct assay_coefficients *k, struct assay_serving_desk **out,
                                      struct assay_error *err);
void            assay_serving_desk_free(struct assay_serving_desk *d);

/* What a run comes to, before a stack's numbers: its means by components. */
struct assay_serving_answer {
    struct assay_serving_means means;
    bool                       weights_alone; /* the chip does not multiply the format of weights, which are widened on the way in */
    bool                       crowded;       /* by this account there is no room for one request beside the weights */
    bool                       beyond;        /* ranks lie in several scale-up domains, of which the chip's description says nothing */
};
/* ASSAY_UNSUPPORTED: the chip lacks a number that a form needs; the message names it. */
enum assay_code assay_serving_answer_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, struct assay_serving_answer *out,
                                        struct assay_error *err);

/* The same without following anybody, in the steady state of requests that come one by one: of a like run on another chip this tells how the
 * figures differ. `n`: of the stack. */
enum assay_code assay_serving_steady_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, const struct assay_serving_numbers *n,
                                        double out_ns[ASSAY_SERVING_FIGURES], struct assay_error *err);

/* How many sequences one dp group has room for beside the weights, and what their server takes at most: at least 1 unless *crowded. */
enum assay_code assay_serving_seats_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, double *seats, bool *crowded,
                                       struct assay_error *err);
/* The components of one step of the ask. */
enum assay_code assay_serving_step_of(struct assay_serving_desk *desk, const struct assay_serving_ask *ask, const struct assay_serving_work *w,
                                      struct assay_serving_time *out, struct assay_error *err);

#endif
