/* A graph, value by value: products by a matrix unit, all else as the reference computes it; every value is rounded to its own
 * format before anything reads it. */
#ifndef EMULATE_COMPUTE_H
#define EMULATE_COMPUTE_H

#include <stdbool.h>

#include "assay/error.h"
#include "assay/graph.h"
#include "reference/unit/unit.h"

/* Is the op one whose sums the unit makes? */
bool emulate_multiplies(const char *domain, const char *op);

struct emulate_work;
/* Room for one execution at a time of this graph, which it borrows. */
enum assay_code emulate_work_new(const struct assay_graph *g, const struct assay_matrix_unit *unit, struct emulate_work **out,
                                 struct assay_error *err);
void            emulate_work_free(struct emulate_work *w);

/* bound[v]: the bytes of value v, NULL where a node writes it. put(self, v, bytes) is called for every output of the graph when it
 * is computed. */
enum assay_code emulate_compute(struct emulate_work *w, const void *const *bound,
                                void (*put)(void *self, int32_t value, const void *bytes), void *self, struct assay_error *err);

#endif
