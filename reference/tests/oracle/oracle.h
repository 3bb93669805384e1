/* Every op of ops.def computed from its definition (ONNX's text, harness/ir/ops/), element by element, in numbers of 200
 * bits: what the reference is compared with. Nothing of the reference is used here, and where a definition can be
 * written in two ways it is written in the other one. An op that has no row here does not link.
 *
 * Attributes are read as a built graph holds them (harness/ir/README.md). Inputs are exact. */
#ifndef ASSAY_ORACLE_H
#define ASSAY_ORACLE_H

#include <stdint.h>

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"
#include "number.h"

struct oracle_tensor {
    enum assay_dtype dtype;
    int32_t          rank;
    int64_t          dims[ASSAY_MAX_RANK];
    int64_t          n;
    number          *x; /* NULL: absent */
};

struct oracle_op;
struct oracle {
    const struct assay_graph *graph;
    const struct assay_node  *node;
    const struct oracle_op   *op;
    struct oracle_tensor      in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    number                   *memo; /* what `prepare` made of the inputs, n_memo numbers */
    size_t                    n_memo;
};

/* One way to say an op. */
struct oracle_op {
    /* The element of an output at a place. */
    number (*element)(const struct oracle *o, uint32_t out, const int64_t at[]);
    /* Or a function of one or two operands, which stretch to the output; whole numbers wrap around. */
    number (*one)(const struct oracle *o, number x);
    number (*two)(const struct oracle *o, number x, number y);
    /* Optional: how many numbers all elements need, and their making. */
    size_t (*memos)(const struct oracle *o);
    void (*prepare)(struct oracle *o);
};
#define ORACLE(name) const struct oracle_op oracle_##name
#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out) extern const struct oracle_op oracle_##name;
#include "harness/ir/ops.def"
#undef ASSAY_OP

/* Takes in the one node of `g`; `bytes[v]` holds value v as in memory, for values that the graph does not hold itself. Numbers
 * live in the pool, arrays until oracle_close. */
void oracle_open(struct oracle *o, const struct assay_graph *g, const void *const *bytes);
/* Every element of every output that is there. */
void oracle_compute(struct oracle *o);
void oracle_close(struct oracle *o);

/* ---- for the families of ops ------------------------------------------------------------------------------------ */

void    place_of(const struct oracle_tensor *t, int64_t flat, int64_t at[ASSAY_MAX_RANK]);
int64_t flat_of(const struct oracle_tensor *t, const int64_t at[]);
/* The element at a place; at a place of a shape of `rank` axes to which the tensor stretches as numpy has it. */
number element_at(const struct oracle_tensor *t, const int64_t at[]);
number stretched_at(const struct oracle_tensor *t, int32_t rank, const int64_t at[]);
static inline bool is_there(const struct oracle_tensor *t)
{
    return t->x != NULL;
}
static inline long whole_at(const struct oracle_tensor *t, int64_t flat)
{
    return as_long(t->x[flat]);
}

int64_t        attr_i(const struct oracle *o, const char *name); /* 0: absent */
number         attr_f(const struct oracle *o, const char *name); /* as the graph holds it, in double */
number         attr_f32(const struct oracle *o, const char *name); /* as ONNX holds it */
bool           attr_is(const struct oracle *o, const char *name, const char *text);
const int64_t *attr_list(const struct oracle *o, const char *name);

#endif
