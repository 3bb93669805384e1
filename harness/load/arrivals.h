/* Which sample is asked for when: the rows of a scenario, one after another, in memory that does not grow with their number.
 * For a named seed set the rows are those of MLPerf's LoadGen 6.0.17, bit for bit (rules: README.md). */
#ifndef ASSAY_LOAD_ARRIVALS_H
#define ASSAY_LOAD_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/scenario.h"
#include "harness/plan/seed_set.h"

/* A sample of a query. Rows of one query follow each other and share `query` and `scheduled_ns`. */
struct assay_arrival {
    uint64_t query;        /* from 0 */
    uint64_t scheduled_ns; /* from the start of the run; scenarios that wait for completions: 0 */
    uint64_t sample;       /* index into the data set */
    uint32_t prompt_tokens, output_tokens; /* of a trace that gives them; else 0 */
};

struct assay_arrivals;
/* Starts in time that does not depend on how many rows will be taken. The scenario is copied. */
enum assay_code assay_arrivals_new(const struct assay_scenario *s, const struct assay_seeds *seeds,
                                   struct assay_arrivals **out, struct assay_error *err);
void            assay_arrivals_free(struct assay_arrivals *s);
/* The next row; false at the end of what ends by itself (offline, trace). */
bool assay_arrivals_next(struct assay_arrivals *s, struct assay_arrival *out);
/* Do all requests of a trace fit into `context` tokens, prompt and output together; ASSAY_CONFIG names the line of the longest. */
enum assay_code assay_arrivals_fit(const struct assay_arrivals *s, uint64_t context, struct assay_error *err);

#endif
