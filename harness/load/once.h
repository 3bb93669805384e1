/* A graph on a back end, executed once or a few times for its values: what is given lies on the host, what comes out goes
 * there. Nothing is timed or rotated (graph_target.h does that). Outputs hold poison before each execution; an output that takes
 * over a param or state leaves it changed, so that the next execution goes on from there. */
#ifndef ASSAY_LOAD_ONCE_H
#define ASSAY_LOAD_ONCE_H

#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"
#include "harness/ir/graph.h"

struct assay_once;

/* Allocates, uploads and compiles. given[v]: the bytes of every input, control, param and state (others are not looked at); they
 * are copied. Params that no output takes over are fixed when the program is compiled, as in a timed run. Backend, session
 * and graph are borrowed until the end. The device must compute values. Frees everything itself when it fails. */
enum assay_code assay_once_new(const struct assay_backend *backend, struct assay_session *session, const struct assay_graph *graph,
                               const void *const *given, struct assay_once **out, struct assay_error *err);
void            assay_once_free(struct assay_once *o);
/* Other bytes for an input, control or state. */
enum assay_code assay_once_give(struct assay_once *o, int32_t value, const void *bytes, struct assay_error *err);
/* One execution, waited for. ASSAY_DEVICE: an output of floats still holds its poison throughout. */
enum assay_code assay_once_run(struct assay_once *o, struct assay_error *err);
/* What an output, or a state, holds now: its bytes into `to`. */
enum assay_code assay_once_get(const struct assay_once *o, int32_t value, void *to, struct assay_error *err);

#endif
