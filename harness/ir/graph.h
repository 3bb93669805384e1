/* The graph: SSA values and nodes, built once, checked as it grows, read-only afterwards.
 *
 * Building is linear code with one check at the end: a builder function that fails leaves its reason in the
 * graph, returns ASSAY_NO_VALUE, and every later call on that graph (or with that value) does nothing;
 * assay_graph_finish tells the first reason.
 *
 *     int32_t a = assay_graph_input(g, "A", ASSAY_F32, 2, (int64_t[]){m, k}, ASSAY_FILL_SIGNED);
 *     int32_t b = assay_graph_input(g, "B", ASSAY_F32, 2, (int64_t[]){k, n}, ASSAY_FILL_SIGNED);
 *     int32_t c = assay_graph_op(g, "MatMul", "C", (int32_t[]){a, b}, 2, NULL);
 *     assay_graph_output(g, c);
 *     return assay_graph_finish(g, err);
 *
 * Nodes can only read values that exist, so the order of building is a topological order and no cycle can arise.
 * First-party code may read the structs; only ir writes them. Plug-ins use the host's accessors (assay/graph.h). */
#ifndef ASSAY_IR_GRAPH_H
#define ASSAY_IR_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/graph.h"
#include "assay/text.h"

/* Ranks that a list names. */
#define ASSAY_RANKS 32

/* How the harness fills a value it binds; the numbers come from (seed, value, generation), see suites/data/fill.h. */
enum assay_fill_kind {
    ASSAY_FILL_NONE = 0,
    ASSAY_FILL_UNIFORM = 1,  /* [a, b) */
    ASSAY_FILL_NORMAL = 2,   /* mean a, deviation b */
    ASSAY_FILL_CONSTANT = 3, /* a */
    ASSAY_FILL_INTEGERS = 4, /* a .. b, both included */
    ASSAY_FILL_IOTA = 5,     /* a, a + b, a + 2 b, … */
    /* With a purpose: operands that make faults visible (harness/verify/README.md). */
    ASSAY_FILL_UNLIKE = 6,     /* whole numbers, 1 .. a in magnitude, never equal in magnitude to a neighbour along any axis; a >= 3 */
    ASSAY_FILL_CANCELLING = 7, /* pairs of neighbours in memory that take each other away but for a share below b; magnitudes in
                                  [a/2, a) */
    ASSAY_FILL_WIDE = 8,       /* magnitudes 2^x, x uniform in [a, b), either sign */
    ASSAY_FILL_SPECIAL = 9,    /* uniform in [-1, 1), but one in a is a NaN, an infinity, a zero of either sign, or subnormal in f32 */
    /* Whole numbers that belong together: where rows of a ragged tensor begin, and which blocks of a cache are whose. */
    ASSAY_FILL_RAGGED = 10,   /* rising from a, the first, to b, the last, in uneven steps: of 1 at least where b - a has room for them */
    ASSAY_FILL_DISTINCT = 11, /* a .. b in random order, none twice before all came */
};
struct assay_fill {
    enum assay_fill_kind kind;
    double               a, b;
};
/* Uniform in [-1, 1): nothing cancels by design, nothing is zero. */
#define ASSAY_FILL_SIGNED ((struct assay_fill){ASSAY_FILL_UNIFORM, -1.0, 1.0})
/* Uniform in [0.5, 1.5): for divisors, variances and scales. */
#define ASSAY_FILL_POSITIVE ((struct assay_fill){ASSAY_FILL_UNIFORM, 0.5, 1.5})

/* Of values and nodes, with the NUL: checkpoints name their tensors by long paths. */
#define ASSAY_VALUE_NAME_BYTES 128

/* What a rank is given of a value that several ranks hold. Ranks are listed by global numbers, in the order of the parts. */
struct assay_part {
    char    name[ASSAY_VALUE_NAME_BYTES];                 /* of the whole */
    int64_t whole[ASSAY_MAX_RANK], first[ASSAY_MAX_RANK]; /* its lengths, and where in it the part begins */
    int64_t holders[ASSAY_RANKS], sharers[ASSAY_RANKS];
    size_t  n_holders; /* of a param: ranks that together hold the whole, each a part of its own; 0: this one has it all */
    size_t  n_sharers; /* of a param: ranks with the same part, each of which has a share of its gradient; 0: this one alone */
};

struct assay_value {
    char             name[ASSAY_VALUE_NAME_BYTES];
    enum assay_dtype dtype;
    enum assay_role  role;
    enum assay_place place;
    int32_t          rank; /* 0 = scalar */
    int64_t          dims[ASSAY_MAX_RANK];
    uint64_t         elements, bytes;
    int32_t          alias_of; /* value whose memory this one takes over, or ASSAY_NO_VALUE */
    int32_t          producer; /* node, or -1 */
    bool             frozen;     /* a param that training leaves alone and that is not counted: running statistics */
    bool             checkpoint; /* kept for the backward half when what lies between checkpoints is recomputed */
    uint32_t         readers;  /* operands of nodes that are this value */
    struct assay_fill fill;
    void            *data; /* CONST content, owned by the graph */
    const struct assay_part *part; /* of a given value; NULL: it is a whole. Owned by the graph */
};

enum assay_attr_type { ASSAY_ATTR_I64 = 1, ASSAY_ATTR_F64 = 2, ASSAY_ATTR_TEXT = 3, ASSAY_ATTR_I64S = 4 };
#define ASSAY_ATTR_MAX_LENGTH 32 /* no less than ASSAY_RANKS */

struct assay_attr {
    const char          *name; /* NULL ends a list */
    enum assay_attr_type type;
    int64_t              i;
    double               f;
    const char          *text;
    int64_t              list[ASSAY_ATTR_MAX_LENGTH];
    size_t               n;
};
#define ASSAY_ATTR_INT(key, v) ((struct assay_attr){.name = (key), .type = ASSAY_ATTR_I64, .i = (v)})
#define ASSAY_ATTR_FLOAT(key, v) ((struct assay_attr){.name = (key), .type = ASSAY_ATTR_F64, .f = (v)})
#define ASSAY_ATTR_STRING(key, v) ((struct assay_attr){.name = (key), .type = ASSAY_ATTR_TEXT, .text = (v)})
#define ASSAY_ATTR_END ((struct assay_attr){.name = NULL})

struct assay_node {
    const struct assay_op_row *op; /* ops.h: name, domain, arity, inference, cost */
    char               name[ASSAY_VALUE_NAME_BYTES];
    uint32_t           n_inputs, n_outputs;
    int32_t           *inputs, *outputs; /* value indices; ASSAY_NO_VALUE = absent */
    struct assay_attr *attrs; /* every attribute that has a value: defaults filled in, and resolved (README.md: axes
                                 count from 0, Conv's pads are explicit, Attention's scale is a number) */
    uint32_t           n_attrs;
};

struct assay_graph {
    char                name[64];
    struct assay_value *values;
    struct assay_node  *nodes;
    uint32_t            n_values, n_nodes;
    bool                finished;
    uint32_t            repetition; /* 0: none */
    struct assay_error  first_error; /* code ASSAY_OK: none so far */
    struct assay_graph_memory *memory; /* ir's own */
};

/* NULL when out of memory. */
struct assay_graph *assay_graph_new(const char *name);
void                assay_graph_free(struct assay_graph *g);

/* ---- building. Each returns the new value's index. Names are unique in the graph. ---------------------- */

int32_t assay_graph_input(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, struct assay_fill fill);
int32_t assay_graph_control(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                            const int64_t *dims, struct assay_fill fill);
int32_t assay_graph_param(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, struct assay_fill fill);
int32_t assay_graph_state(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, struct assay_fill fill);
/* Content is copied; its bytes follow from dtype and dims. */
int32_t assay_graph_const(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                          const int64_t *dims, const void *data);
/* A const of int64 numbers, as shapes and axes are given. */
int32_t assay_graph_i64s(struct assay_graph *g, const char *name, size_t n, const int64_t *numbers);

/* Appends a node of the named op (ONNX name, or "assay.Copy" for the own domain) whose first output is called
 * `output`; returns that output. `attrs` may be NULL. Checks arity, attributes, dtypes, shapes. */
int32_t assay_graph_op(struct assay_graph *g, const char *op, const char *output, const int32_t *inputs,
                       size_t n_inputs, const struct assay_attr *attrs);
/* The same with several outputs: out[n_outputs] gets their indices; a NULL name is an output not wanted. */
void assay_graph_op_outputs(struct assay_graph *g, const char *op, const char *const *names, size_t n_outputs,
                            const int32_t *inputs, size_t n_inputs, const struct assay_attr *attrs, int32_t *out);

/* Makes a value that a node writes an output of the graph; nodes may still read it. */
void assay_graph_output(struct assay_graph *g, int32_t value);
/* Output `value` takes over the memory of the param or state `of`: same dtype and shape, not aliased twice, and no
 * node after the writing one may read `of` (checked by finish). */
void assay_graph_alias(struct assay_graph *g, int32_t value, int32_t of);
/* Where the value lives; default ASSAY_PLACE_DEVICE. For the two sides of a Copy: no other op may use a value that
 * is not on the device. */
void assay_graph_place(struct assay_graph *g, int32_t value, enum assay_place place);
/* The given `value` is a part of a whole: its fill rule gives the whole, under the whole's name, and the value gets the part. What is
 * said of the part is copied. Refused: a part that leaves the whole, a const, what a node writes, elements that share a byte. */
void assay_graph_part(struct assay_graph *g, int32_t value, const struct assay_part *part);
/* Marks a param that training leaves alone and that does not count as a parameter. */
void assay_graph_freeze(struct assay_graph *g, int32_t param);
/* From here on what was built before is built again, from the same params: a param that is there already, of the same type and shape,
 * is given back in place of a new one; every other value "x" is called "x#<repetition>". 0 ends it. */
void assay_graph_repeat(struct assay_graph *g, uint32_t repetition);
/* Marks a value that recomputation (transform/gradient.h) keeps: the end of a block. */
void assay_graph_checkpoint(struct assay_graph *g, int32_t value);
/* A builder's own complaint; kept if it is the first. */
ASSAY_PRINTF(3, 4)
void assay_graph_refuse(struct assay_graph *g, enum assay_code code, const char *fmt, ...);

/* Checks what can be checked only at the end (at least one output and node, aliasing order, that only Copy reaches
 * off the device) and tells the first error. After OK the graph does not change: what is called then is refused,
 * and told by the next finish. */
enum assay_code assay_graph_finish(struct assay_graph *g, struct assay_error *err);

/* ---- reading ------------------------------------------------------------------------------------------- */

/* NULL: no such. The pointer lives until the next value is added; in a finished graph, as long as the graph. */
const struct assay_value *assay_graph_value(const struct assay_graph *g, int32_t index);
int32_t assay_graph_find(const struct assay_graph *g, const char *name);                 /* ASSAY_NO_VALUE: none */
const struct assay_attr *assay_node_attr(const struct assay_node *node, const char *name); /* NULL: absent */
int64_t assay_node_i64(const struct assay_node *node, const char *name, int64_t if_absent);
double  assay_node_f64(const struct assay_node *node, const char *name, double if_absent);
const char *assay_node_text(const struct assay_node *node, const char *name, const char *if_absent);

/* Numbers that training would move: elements of all params but the frozen ones. */
uint64_t assay_graph_parameters(const struct assay_graph *g);
/* The graph's outputs in the order of their values; returns their number, fills at most capacity. */
size_t assay_graph_outputs(const struct assay_graph *g, int32_t *values, size_t capacity);

/* "f32[64,128]"; a scalar is "f32[]". */
void assay_value_describe(const struct assay_value *v, struct assay_text *out);
bool assay_value_same_shape(const struct assay_value *a, const struct assay_value *b); /* rank and dims */

/* Fills the accessor entries of a host struct (assay/backend.h) with functions over this graph. */
struct assay_host;
void assay_graph_lend(struct assay_host *host);

#endif
