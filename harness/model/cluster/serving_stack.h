/* What a serving stack makes of the prices of kernels and links: how it schedules, what its host takes, factors fitted on published runs of
 * that stack (backends/coefficients/serving.json, written by assay calibrate). Form: README.md, "Serving". */
#ifndef ASSAY_MODEL_SERVING_STACK_H
#define ASSAY_MODEL_SERVING_STACK_H

#include <jansson.h>

#include "harness/model/cluster/serving_loop.h"

enum assay_serving_number {
#define ASSAY_SERVING_NUMBER(id, key, begin, low, high, about) ASSAY_SERVING_##id,
#include "harness/model/cluster/serving_stack.def"
#undef ASSAY_SERVING_NUMBER
    ASSAY_SERVING_NUMBERS
};
struct assay_serving_number_row {
    const char *key, *about;
    double      begin, low, high;
};
extern const struct assay_serving_number_row assay_serving_numbers[ASSAY_SERVING_NUMBERS];
struct assay_serving_numbers {
    double value[ASSAY_SERVING_NUMBERS];
};
struct assay_serving_numbers assay_serving_numbers_begin(void);

/* How a server schedules, by its documentation; what it does if nothing else is said. */
struct assay_serving_server {
    const char *name, *about;
    double      step_tokens, most_sequences; /* of a step */
    double      memory_share;                /* of the device's that weights, keys and values may take */
    double      kept_free;                   /* for tokens to come, of a request's output: 1 = nobody is ever put out */
    bool        cuts_prompts, prompts_alone;
};
extern const struct assay_serving_server assay_serving_servers[]; /* ends with a NULL name; the first stands in for one that is not known */
const struct assay_serving_server       *assay_serving_server_find(const char *name, bool *known);

/* What is told apart in figures. */
enum assay_serving_figure { ASSAY_SERVING_TTFT, ASSAY_SERVING_TPOT, ASSAY_SERVING_FIGURES };
extern const char *const assay_serving_figure_names[ASSAY_SERVING_FIGURES + 1];

enum { ASSAY_SERVING_STACKS = 32, ASSAY_SERVING_DEVICES = 32, ASSAY_SERVING_MODELS = 32 };
/* A server's factors on the base; version "": of all of its versions. */
struct assay_serving_stack {
    char     name[32], version[32];
    double   factor[ASSAY_SERVING_NUMBERS];
    unsigned rows;
};
struct assay_serving_fitted {
    struct assay_serving_numbers base;
    struct assay_serving_stack   stacks[ASSAY_SERVING_STACKS];
    size_t                       n_stacks;
    char                         devices[ASSAY_SERVING_DEVICES][64]; /* that it was fitted on */
    size_t                       n_devices;
    char                         models[ASSAY_SERVING_MODELS][96]; /* likewise, as published */
    size_t                       n_models;
    double                       half[ASSAY_SERVING_FIGURES][2][2]; /* of the 80 % band on those devices, in logarithms: [dense, with experts][a
                                                                        model that was fitted on, another: from models left out] */
    char                         fingerprint[65], kernels[65];   /* of the rows; of the coefficients of kernels that were under it */
};
/* path NULL: what comes with the program. ASSAY_DATA: the file is wrong. */
enum assay_code assay_serving_fitted_read(const char *path, struct assay_serving_fitted *out, struct assay_error *err);
/* A new reference; NULL when out of memory. */
json_t *assay_serving_fitted_to_json(const struct assay_serving_fitted *f);
/* As this version has them; else as its server; else the base. *how: what of that was found, as a sentence's part. */
struct assay_serving_numbers assay_serving_numbers_of(const struct assay_serving_fitted *f, const char *server, const char *version, const char **how);
bool assay_serving_fitted_on(const struct assay_serving_fitted *f, const char *device);
bool assay_serving_fitted_with(const struct assay_serving_fitted *f, const char *model);

/* The components that serving_loop.h follows: of each part the work, then the least times, as they are without prompts, then what prompts
 * add; steps; sequences in them. A step's nanoseconds are their sum, each times its number: README.md, "Serving". */
void   assay_serving_components(const struct assay_serving_work *w, const struct assay_serving_price *bare, const struct assay_serving_price *whole,
                                struct assay_serving_time *out);
double assay_serving_ns(const struct assay_serving_numbers *n, const struct assay_serving_time *t);
/* How the load was made: so many requests kept in flight, as tables say `concurrency`; or as they say `batch` alone. */
enum assay_serving_protocol { ASSAY_SERVING_BY_BATCH, ASSAY_SERVING_BY_CONCURRENCY };
/* The mean over the first round and others; of TTFT with what the way to the server and back takes. */
double assay_serving_figure_ns(const struct assay_serving_numbers *n, const struct assay_serving_means *m, enum assay_serving_protocol protocol,
                               enum assay_serving_figure figure);

#endif
