/* What level model found, from its document (model.h): the one place that knows what stands in it. */
#ifndef ASSAY_JUDGE_MODEL_FINDINGS_H
#define ASSAY_JUDGE_MODEL_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/verify/check.h"

/* Texts are borrowed from the document. What is not told is NaN or "". */

/* A value that a node wrote, beside what it should be by the device's own inputs (harness/verify/layers.h). */
struct assay_model_layer {
    const char   *node, *op, *shape;
    const json_t *inputs; /* their shapes; may be NULL */
    double        ratio;  /* added error / bound; infinite: it diverges without a number */
    double        strain; /* the same beside the rounding of the result, which an exact sum has as well */
    double        in, carried, added, out;
    int64_t       index;  /* of the worst element */
    double        observed, expected, bound;
    bool          wide, diverges; /* wide: only with operands kept wider than they are shown */
};
/* "f32[1,64] f32[64] -> f32[1,64]" */
void assay_model_layer_shapes(const struct assay_model_layer *layer, struct assay_text *out);

/* Node by node; outcome 0: nobody looked. */
struct assay_model_search {
    enum assay_outcome        outcome;
    const char               *why;
    uint64_t                  nodes, diverging, left_out; /* left out: values that are not told singly */
    double                    outputs_ratio;              /* of the graph's outputs, by the bounds of the whole graph */
    bool                      has_first;
    struct assay_model_layer  first; /* that diverges, in the order of execution */
    struct assay_model_layer *value;        /* in the order of execution; n of them */
    size_t                    n;
};

/* The one that diverges first, else that with the largest strain; NULL: there is none. */
const struct assay_model_layer *assay_model_search_telling(const struct assay_model_search *search);

/* Choices of the best score among several, beside the reference's; outcome 0: nobody looked. */
struct assay_model_choice {
    bool     there;
    uint64_t item;
    double   margin, bounds; /* of the reference's best two scores; what they may both be off */
};
struct assay_model_choices {
    enum assay_outcome        outcome;
    const char               *why;
    uint64_t                  items, equal, within_bounds, wrong, undecided;
    struct assay_model_choice first_wrong, first_undecided;
};
/* A net that was trained, on data that it never saw. */
struct assay_model_quality {
    struct assay_model_choices choices;
    uint64_t                   right, reference_right; /* choices that are the labels: the device's, the reference's */
    double                     scores_ratio;           /* worst error of a score over its bound */
    double                     loss_device, loss_reference, loss_ratio; /* NaN: its quality is no loss */
    uint64_t                   steps;
    const char                *trainer;
};
/* Greedy tokens: choice k is of step k / sequences. */
struct assay_model_tokens {
    struct assay_model_choices choices;
    uint64_t                   steps, sequences;
    const char                *weights; /* "trained", "random" */
};

struct assay_model_case {
    const char                *name, *why;
    enum assay_outcome         outcome;
    struct assay_model_search  search;
    struct assay_model_quality quality;
    struct assay_model_tokens  tokens;
};
struct assay_model_findings {
    json_t                  *document; /* owned */
    const json_t            *manifest;
    const char              *backend; /* canonical */
    struct assay_model_case *cases;
    size_t                   n;
};

/* Takes the document, also on failure; `path` is for messages. ASSAY_DATA: it is none. Release with assay_model_findings_release. */
enum assay_code assay_model_findings_of(json_t *document, const char *path, struct assay_model_findings *out, struct assay_error *err);
void            assay_model_findings_release(struct assay_model_findings *findings);
/* How many of the models were proved right. */
size_t          assay_model_findings_proved(const struct assay_model_findings *findings);

#endif
