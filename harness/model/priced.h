/* A graph as one step on a described device: what the model back end runs on its clock and what assay breakeven
 * searches. Prices, likeness and bands are those of assay predict (interval.h). README.md, "Steps". */
#ifndef ASSAY_MODEL_PRICED_H
#define ASSAY_MODEL_PRICED_H

#include "harness/model/coefficients.h"
#include "harness/model/device.h"
#include "harness/model/graph_price.h"

/* What is open of a stack that runs passes over memory, whatever the chip; 1 in the middle. */
enum assay_structure { ASSAY_STRUCTURE_LAUNCHES, ASSAY_STRUCTURE_PASSES, ASSAY_STRUCTURES };
struct assay_structure_row {
    const char *key;
    double low, high; /* factors; low x high = 1 */
    const char *about;
};
extern const struct assay_structure_row assay_structures[ASSAY_STRUCTURES];

/* One of the worlds that what is known allows. */
struct assay_world {
    struct assay_chip chip;
    double error[ASSAY_KERNEL_CLASSES]; /* standard normal: what the forms are off by in each class, as chips are */
    double structure[ASSAY_STRUCTURES]; /* factors */
};
/* What is the same in every world; description and fit must outlive it. */
struct assay_priced {
    const struct assay_described *device;
    struct assay_coefficients k;
    bool is_fitted_on; /* the coefficients saw this chip: they hold what its description leaves open */
    double likeness[ASSAY_KERNEL_CLASSES][ASSAY_FORMAT_CLASSES];
    double half[ASSAY_KERNEL_CLASSES][ASSAY_FORMAT_CLASSES][ASSAY_REGIMES]; /* of the 80 % band, in logarithms */
};
void assay_priced_init(struct assay_priced *s, const struct assay_described *d, const struct assay_fitted *f);

/* k = 0: the middle. The same k gives the same quantiles for every device. */
struct assay_world assay_priced_world(const struct assay_priced *s, uint64_t k);

/* The total in p, of all classes or with `again` of those alone that control inputs move. */
enum assay_code assay_priced_graph(const struct assay_priced *s, struct assay_graph_price *p, const struct assay_world *w,
                                 const struct assay_node_how *how, bool again, struct assay_error *err);

/* The format of most bytes of weights, if it is one of 16 bits: stacks that store them so compute so. */
enum assay_dtype assay_graph_stored_format(const struct assay_graph *g);

/* The inputs that matter most, the largest share of the logarithm's variance first. */
#define ASSAY_PRICED_INPUTS 5
struct assay_priced_input {
    const char *name, *from; /* a field and its provenance, a class of kernels ("band"), a structure ("stack") */
    double low, high;        /* the time at its ends over the middle's; of a band: at its 10th and 90th percentile */
    double share;            /* of the log-variance of them all */
};
/* Which formats a class of nodes works in, by its first operand. */
enum assay_format_class assay_priced_format(const struct assay_graph *g, const struct assay_node_class *c);

/* NaN: there is no time. */
typedef double assay_priced_time_of(void *self, const struct assay_world *w);
/* What the forms are off by on chips left out of their fits, as a deviation of the time's logarithm: each class by the time that it takes. */
double assay_priced_deviation(const struct assay_priced *s, assay_priced_time_of *time_of, void *self);
size_t assay_priced_inputs(const struct assay_priced *s, assay_priced_time_of *time_of, void *self,
                         struct assay_priced_input out[ASSAY_PRICED_INPUTS]);

#endif
